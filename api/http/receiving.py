"""Taking evidence in: who may upload, how much, and what becomes of an upload when all of it is there.

A person who is signed in uploads what a statement of theirs will name; it goes on file when it is complete. Somebody
who objects without a key gets a permit for one upload of sealed text: a random value under our own key, of which
nothing is kept but a hash, and that only as the name of the upload. It goes on file once an entry names it; and if the
service is killed right after that entry, then at the next start.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated, Any

from eventsourcing.persistence import PersistenceError
from fastapi import Depends, FastAPI, Header, Request

from api.http.asking import Asked, asked
from api.http.audience import Forbidden
from api.http.context import Context
from api.http.limits import Rate
from api.http.logs import tell
from api.http.sign_in import shared_key
from api.http.uploads import PERMIT, Upload, Uploads, Writing
from api.problems import HttpError
from ledger.errors import LedgerError, MalformedError
from ledger.evidence import EvidenceStore
from ledger.evidence_content import PIECE_BYTES, Intake, checked_salt
from ledger.evidence_media import SEALED
from ledger.evidence_opening import open_evidence, read_settings
from ledger.selection import Selection
from ledger.sequencer import system_clock
from ledger.signing import encode_base64, strict_b64decode
from ledger.statements.kinds import payload_type_of
from ledger.statements.notices import ObjectionReceived

SWEEP_SECONDS = 60
PERMIT_BYTES = 16 + 8 + 32
_OBJECTION = payload_type_of(ObjectionReceived).encode()
_PERMIT = b"ballot-ledger upload permit v1\n"


def _spelled(text: bytes, shift: int) -> bytes:
    """Return the base64 characters that depend on nothing but `text`, `shift` bytes into a group of three."""
    encoded = base64.b64encode(bytes(shift) + text)
    return encoded[-(-shift * 8 // 6) : (shift + len(text)) * 8 // 6]


_ONE_TIME = tuple(_spelled(b'"person":"sealed:', shift) for shift in range(3))


@dataclass(frozen=True, slots=True)
class Owner:
    """Who uploads: a person by their id, or whoever holds a permit; that is good for the one `upload` alone."""

    id: str
    upload: str | None = None


class Receiving:
    """What one worker takes in. Everything may raise `StoreError`."""

    def __init__(self, context: Context) -> None:
        """Take in for the ledger of this context. Raises `StoreError` `HOME_UNUSABLE`."""
        limits = context.settings.limits
        self._context, self._limits = context, limits
        self._evidence = read_settings(context.home.folder).limits
        self.uploads = Uploads(context.home.folder, limits, self._evidence)
        self._begun = Rate(limits.uploads_a_minute, limits.upload_burst, limits.addresses)
        self._bytes = Rate(limits.upload_kib_a_minute, limits.upload_kib_burst, limits.addresses)
        self._permits = Rate(limits.objections_a_minute, limits.objection_burst, limits.addresses)
        self._permits_all = Rate(limits.objections_a_minute_all, limits.objection_burst_all, 1)
        self._progress = Rate(limits.progress_a_minute, limits.progress_burst, limits.addresses)
        self._key = shared_key(context.home.folder / "challenge.key")

    @property
    def evidence(self) -> EvidenceStore:
        """Where evidence is kept."""
        return open_evidence(self._context.home, self._context.store)

    def permit(self, address: str, now: int) -> tuple[str, int]:
        """Return a permit and when it lapses (UTC ms). Raises `HttpError` `RATE_LIMITED`."""
        _within(self._permits.take(address) or self._permits_all.take(""))
        lapses = now + 1000 * self._limits.upload_seconds
        body = secrets.token_bytes(16) + lapses.to_bytes(8, "big")
        return base64.urlsafe_b64encode(body + self._tag(body)).decode().rstrip("="), lapses

    def count_keyless(self, address: str, objections: int) -> None:
        """Count objections of one-time keys that come without a permit; raises `HttpError` `RATE_LIMITED`."""
        _within(self._permits.take(address, objections) or self._permits_all.take("", objections))

    def holder(self, permit: str, now: int) -> Owner:
        """Return who uploads with a permit; raises `HttpError` `PERMIT_INVALID`."""
        try:
            data = base64.b64decode(permit + "=" * (-len(permit) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            data = b""
        body, tag = data[:24], data[24:]
        ours = len(data) == PERMIT_BYTES and hmac.compare_digest(tag, self._tag(body))
        if not ours or now >= int.from_bytes(body[16:], "big"):
            raise HttpError("PERMIT_INVALID", HTTPStatus.FORBIDDEN)
        return Owner(PERMIT, hashlib.sha256(_PERMIT + data).hexdigest()[:32])

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, _PERMIT + body, "sha256")

    def ask_progress(self, address: str) -> None:
        """Count a question for the progress of an objection; raises `HttpError` `RATE_LIMITED`."""
        _within(self._progress.take(address))

    def begin(self, owner: Owner, declared: Upload, address: str, now: int) -> Upload:
        """Make room for what an owner declares; raises as `Uploads.create`, and `HttpError` `RATE_LIMITED`."""
        if owner.upload is not None:
            self._check_sealed(declared)
        _within(self._begun.take(address) or self._bytes.take(address, 1 + declared.size // 1024))
        expires = now + 1000 * self._limits.upload_seconds
        return self.uploads.create(replace(declared, id=owner.upload or "", owner=owner.id, expires=expires), now)

    def _check_sealed(self, declared: Upload) -> None:
        if declared.media_type != SEALED or declared.evidence_class != "personal":
            raise MalformedError("MEDIA_TYPE_REFUSED", media_type=declared.media_type[:96])
        if declared.size > self._limits.objection_bytes:
            raise MalformedError("EVIDENCE_TOO_LARGE", bytes=declared.size, limit=self._limits.objection_bytes)

    def most(self, owner: Owner) -> int:
        """Return how many bytes one upload of an owner may have."""
        return self._evidence.most_bytes if owner.upload is None else self._limits.objection_bytes

    def mine(self, owner: Owner, upload_id: str, now: int) -> Upload:
        """Return an owner's upload; another's is answered as if it were not there. Raises `HttpError` `NOT_FOUND`."""
        found = self.uploads.find(upload_id, now)
        if found is None or found.owner != owner.id or owner.upload not in (None, found.id):
            raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
        return found

    async def append(self, request: Request, upload: Upload, offset: int, last: bool) -> tuple[Upload, int]:
        """Write what a request brings from `offset` on; with its end, if it is the last, the upload is complete.

        Returns the upload and its new offset. What came before a connection was cut is kept. Raises `HttpError`
        `UPLOAD_OFFSET_MISMATCH`, and as `Writing`.
        """
        with self.uploads.writing(upload) as writing:
            if offset != writing.offset:
                headers = {"upload-offset": str(writing.offset)}
                raise HttpError("UPLOAD_OFFSET_MISMATCH", HTTPStatus.CONFLICT, headers, offset=writing.offset)
            try:
                async for piece in pieces_of(request):
                    await asyncio.to_thread(writing.write, piece)
                if last:
                    upload = await asyncio.to_thread(self.complete, upload, writing)
            except (MalformedError, HttpError) as error:
                # Too short or too long may be put right; what is not what was declared never will be.
                if error.code != "UPLOAD_LENGTH_MISMATCH":
                    self.uploads.drop(upload.id)
                raise
            return upload, writing.offset

    def complete(self, upload: Upload, writing: Writing) -> Upload:
        """Check all of an upload and put it on file, or, of a permit, have it wait for the entry that names it."""
        expires = system_clock() + 1000 * self._limits.upload_seconds
        if upload.owner != PERMIT:
            digest = self.evidence.put(writing.checked(), upload.evidence_class, upload.media_type)
            return self.uploads.settle(upload, digest, None, expires)
        intake = Intake(upload.evidence_class, upload.media_type, checked_salt(None), self._evidence)
        for _ in intake.pieces(writing.checked()):
            pass
        writing.sync()
        return self.uploads.settle(upload, intake.record.digest, encode_base64(intake.salt), expires)

    def keep_longer(self, upload: Upload, now: int) -> Upload:
        """Let a complete upload wait as long again."""
        expires = now + 1000 * self._limits.upload_seconds
        return self.uploads.settle(upload, upload.digest or "", upload.salt, expires)

    def file(self, upload: Upload) -> None:
        """Put what waited on file, now that an entry names it; again is harmless."""
        with suppress(HttpError), self.uploads.content(upload) as content:
            salt = strict_b64decode(upload.salt or "", "salt")
            self.evidence.put(content, upload.evidence_class, upload.media_type, salt)
        self.uploads.drop(upload.id)

    def told(self, upload: Upload) -> dict[str, Any]:
        """Return what an entry names of a complete upload, and the salt by which its uploader checks the digest."""
        salt = upload.salt
        if salt is None:
            salt = encode_base64(self.evidence.record(upload.digest or "").salt or b"")
        return {
            "class": upload.evidence_class,
            "digest": upload.digest,
            "media_type": upload.media_type,
            "salt": salt,
            "size": upload.size,
        }

    def sweep(self) -> None:
        """File what an entry names and a crash left waiting; then remove what was abandoned."""
        waiting = [one for one in self.uploads.all() if one.salt is not None]

        def named(state: Selection) -> frozenset[str]:
            return frozenset(state.notices.objections.sealed)

        sealed = self._context.reader.now(named) if waiting else frozenset()
        for one in waiting:
            if one.digest in sealed:
                self.file(one)
        self.uploads.sweep(system_clock())


async def pieces_of(request: Request) -> AsyncIterator[bytes]:
    """Give a body in pieces worth a write; what came before a cut is given before its error is raised."""
    held: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            held.append(chunk)
            size += len(chunk)
            if size >= PIECE_BYTES:
                yield b"".join(held)
                held, size = [], 0
    except Exception:
        if size:
            yield b"".join(held)
        raise
    if size:
        yield b"".join(held)


async def keep_swept(app: FastAPI) -> None:
    """Sweep at the start, and every minute while the application runs."""
    while True:
        try:
            await asyncio.to_thread(lambda: receiving_of(app).sweep())
        except (LedgerError, OSError, PersistenceError) as error:
            # The store or the disk is away for a while: the next time is soon enough.
            tell("uploads not swept", error=error)
        await asyncio.sleep(SWEEP_SECONDS)


def receiving_of(app: FastAPI) -> Receiving:
    """Return what the application takes evidence in with; made when it is first asked for."""
    found = getattr(app.state, "receiving", None)
    if not isinstance(found, Receiving):
        found = app.state.receiving = Receiving(app.state.context)
    return found


def keyless_within(request: Request, body: bytes) -> None:
    """Hold objections of one-time keys among statements to the rates of `/v1/objections`: one way in is no way round.

    An envelope has one spelling, so that its bytes tell what it is. Raises `HttpError` `RATE_LIMITED`.
    """
    if _OBJECTION in body and (count := sum(body.count(one) for one in _ONE_TIME)):
        receiving_of(request.app).count_keyless(address_of(request), count)


def nobody_known(request: Request) -> None:
    """Refuse a request that says who sends it where nobody should; raises `HttpError` `IDENTITY_NOT_WANTED`."""
    if "authorization" in request.headers or "cookie" in request.headers:
        raise HttpError("IDENTITY_NOT_WANTED", HTTPStatus.BAD_REQUEST)


def address_of(request: Request) -> str:
    """Return the address as rates count it; it goes nowhere else."""
    return str(getattr(request.state, "address", "local"))


Permit = Annotated[
    str | None,
    Header(
        alias="Upload-Permit",
        max_length=200,
        description="from POST /v1/upload-permits, where there is no session",
    ),
]


def owner_of(request: Request, found: Annotated[Asked, Depends(asked)], permit: Permit = None) -> Owner:
    """Return who uploads: by a permit alone, or by a session. Raises `Forbidden` `SIGN_IN_NEEDED`, as `holder`."""
    if permit is not None:
        nobody_known(request)
        return receiving_of(request.app).holder(permit, system_clock())
    if found.viewer.person is None:
        raise Forbidden("SIGN_IN_NEEDED")
    return Owner(found.viewer.person)


Owned = Annotated[Owner, Depends(owner_of)]


def _within(wait: int) -> None:
    if wait:
        raise HttpError("RATE_LIMITED", HTTPStatus.TOO_MANY_REQUESTS, {"retry-after": str(wait)})
