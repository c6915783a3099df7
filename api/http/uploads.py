"""Uploads under way: content on its way to the evidence, in a folder of its own until all of it is there and checked.

Each upload is two files, 0600 in a folder 0700: what was declared (`<id>.json`) and what has come (`<id>.part`), whose
size is the offset to go on from. So an upload outlives the connection, the worker and a crash; whoever writes holds
the file's lock, whichever worker serves them. Names come from nobody: an id is ours, and a client's file name is read
by nothing. What is abandoned is swept, and what a failing disk cut short is removed at once.
"""

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

from api.http.settings import Limits
from api.problems import HttpError
from ledger import canonical
from ledger.errors import LedgerError, MalformedError, StoreError
from ledger.evidence_content import CLASSES, PIECE_BYTES
from ledger.evidence_content import Limits as EvidenceLimits
from ledger.evidence_files import name_draft, remove, write_draft
from ledger.evidence_media import MediaCheck

FOLDER = "uploads"
PERMIT = "permit"
"""The owner of what somebody without a key uploads: nothing of them is kept."""
ONCE_SECONDS = 10
"""So long after its last piece an upload in one request that nobody writes is abandoned."""
_ID_BYTES = 16
_HEAD = 1024
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Upload:
    """What was declared of an upload, and what became of it.

    `owner` is a person's id, or `PERMIT`; `sha256` that of the content, where it was declared. `once`: it comes in one
    request and cannot be taken up again. `salt`: of content that is complete and waits to be named by an entry;
    `digest`: what an entry names. `expires` is UTC ms.
    """

    id: str
    owner: str
    evidence_class: str
    media_type: str
    size: int
    sha256: str | None
    expires: int
    once: bool = False
    salt: str | None = None
    digest: str | None = None

    @property
    def complete(self) -> bool:
        """Whether all of it has come and was checked."""
        return self.digest is not None


class Uploads:
    """The uploads of one ledger's folder; safe between threads and between workers.

    Everything that writes may raise `StoreError` `EVIDENCE_NOT_WRITTEN`.
    """

    def __init__(self, home: Path, limits: Limits, evidence: EvidenceLimits) -> None:
        """Use the folder `uploads` of `home`, which is made on first use; `evidence` is what may be put on file."""
        self._folder, self._limits, self._evidence = home / FOLDER, limits, evidence

    def create(self, upload: Upload, now: int) -> Upload:
        """Make room for an upload; an id of ours unless it has one.

        Raises `MalformedError` `EVIDENCE_CLASS_UNKNOWN`, `MEDIA_TYPE_REFUSED`, `EVIDENCE_TOO_LARGE`; `HttpError`
        `UPLOADS_FULL` where the signer or everybody together has too many or too much under way, `UPLOAD_EXISTS`.
        """
        if upload.evidence_class not in CLASSES:
            raise MalformedError("EVIDENCE_CLASS_UNKNOWN", known=", ".join(CLASSES))
        MediaCheck(upload.media_type, self._evidence.media_types)
        if upload.size > self._evidence.most_bytes:
            raise MalformedError("EVIDENCE_TOO_LARGE", bytes=upload.size, limit=self._evidence.most_bytes)
        made = upload if upload.id else replace(upload, id=secrets.token_hex(_ID_BYTES))
        with self._alone():
            if self._meta(made.id).exists():
                raise HttpError("UPLOAD_EXISTS", HTTPStatus.CONFLICT)
            self._make_room(made, now)
            self._create_part(made.id)
            self._write(made)
        return made

    def _make_room(self, made: Upload, now: int) -> None:
        limits, found = self._limits, [one for one in self.all() if one.expires > now]
        own = [one for one in found if one.owner == made.owner]
        most, most_bytes = limits.uploads_a_signer, limits.upload_bytes_a_signer
        if made.owner == PERMIT:
            # Whoever has no key shares a part, so that nobody who has one is kept out by them.
            most, most_bytes = max(1, limits.uploads // 2), limits.upload_bytes_under_way // 4
        full = len(found) >= limits.uploads or len(own) >= most
        full = full or made.size + sum(one.size for one in own) > most_bytes
        if full or made.size + sum(one.size for one in found) > limits.upload_bytes_under_way:
            raise HttpError("UPLOADS_FULL", HTTPStatus.TOO_MANY_REQUESTS, {"retry-after": "60"})

    def _create_part(self, upload_id: str) -> None:
        with _written():
            os.close(os.open(self._part(upload_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def find(self, upload_id: str, now: int) -> Upload | None:
        """Return an upload that has not expired, None where there is none."""
        try:
            found = _decode(self._meta(upload_id).read_bytes())
        except (OSError, MalformedError):
            return None
        return found if found.id == upload_id and found.expires > now else None

    def all(self) -> Iterator[Upload]:
        """Give every upload, expired ones too."""
        for path in sorted(self._folder.glob("*.json")):
            with suppress(OSError, MalformedError):
                yield _decode(path.read_bytes())

    def offset(self, upload: Upload) -> int:
        """Return how many bytes of an upload are here."""
        if upload.complete:
            return upload.size
        with _written():
            return self._part(upload.id).stat().st_size

    @contextmanager
    def writing(self, upload: Upload) -> Iterator["Writing"]:
        """Hold an upload as its one writer. Raises `HttpError` `UPLOAD_BUSY`; a failing disk ends the upload."""
        with _written(), self._part(upload.id).open("r+b", buffering=0) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HttpError("UPLOAD_BUSY", HTTPStatus.CONFLICT) from None
            file.seek(0, os.SEEK_END)
            try:
                yield Writing(file, upload, self._evidence)
            except (OSError, StoreError) as error:
                # A store that is away for a while is waited for; a disk that is full gets its room back.
                if not isinstance(error, StoreError) or error.code == "EVIDENCE_NOT_WRITTEN":
                    self.drop(upload.id)
                raise

    def settle(self, upload: Upload, digest: str, salt: str | None, expires: int) -> Upload:
        """Remember what a complete upload is named by; without `salt` it is on file, and its content is gone here."""
        done = replace(upload, digest=digest, salt=salt, expires=expires)
        self._write(done)
        if salt is None:
            remove(self._part(upload.id))
        return done

    def content(self, upload: Upload) -> BinaryIO:
        """Open the content of an upload that is complete and waits."""
        with _written():
            return self._part(upload.id).open("rb")

    def drop(self, upload_id: str) -> None:
        """Remove an upload, whatever became of it; again is harmless."""
        remove(self._part(upload_id))
        remove(self._meta(upload_id))

    def sweep(self, now: int) -> int:
        """Remove what expired, what a crash left half made, and what came in a request that ended; return how many."""
        if not self._folder.is_dir():
            return 0
        with self._alone():
            known = {one.id: one for one in self.all()}
            gone = [one.id for one in known.values() if one.expires <= now or self._is_cut_off(one)]
            gone += [path.stem for path in self._folder.glob("*.part") if path.stem not in known and _is_id(path.stem)]
            swept = [one for one in gone if self._is_free(one)]
            for one in swept:
                self.drop(one)
            for draft in self._folder.glob(".draft.*"):
                if time.time() - _modified(draft) > self._limits.upload_seconds:
                    remove(draft)
        return len(swept)

    def _is_cut_off(self, upload: Upload) -> bool:
        """Say whether an upload came in a request that ended without it; one that just begins is let be."""
        idle = time.time() - _modified(self._part(upload.id))
        return upload.once and not upload.complete and idle > ONCE_SECONDS

    def _is_free(self, upload_id: str) -> bool:
        """Say whether nobody is writing an upload."""
        try:
            with self._part(upload_id).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other workers from counting or sweeping meanwhile."""
        with _written():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, upload: Upload) -> None:
        name_draft(write_draft(self._folder, [_encode(upload)]), self._meta(upload.id))

    def _meta(self, upload_id: str) -> Path:
        return self._folder / f"{_checked(upload_id)}.json"

    def _part(self, upload_id: str) -> Path:
        return self._folder / f"{_checked(upload_id)}.part"


class Writing:
    """An upload while its one writer holds it; blocking, for a thread."""

    def __init__(self, file: Any, upload: Upload, limits: EvidenceLimits) -> None:
        """Go on at the end of `file`."""
        self._file, self._upload, self._limits = file, upload, limits
        self.offset: int = file.tell()

    def write(self, data: bytes) -> None:
        """Append. Raises as `look`, and for more than was declared `HttpError` `UPLOAD_LENGTH_MISMATCH`.

        Of what comes in one request and declared no size: `MalformedError` `EVIDENCE_TOO_LARGE`.
        """
        if self.offset + len(data) > self._upload.size:
            if self._upload.once:
                raise MalformedError("EVIDENCE_TOO_LARGE", bytes=self.offset + len(data), limit=self._upload.size)
            raise HttpError("UPLOAD_LENGTH_MISMATCH", HTTPStatus.BAD_REQUEST, None, declared=self._upload.size)
        view, before = memoryview(data), self.offset
        while view:
            done = self._file.write(view)
            self.offset += done
            view = view[done:]
        if before < _HEAD <= self.offset:
            self.look()

    def whole(self) -> Upload:
        """Say that what came in one request is all of it, and return the upload with its size."""
        self._upload = replace(self._upload, size=self.offset)
        return self._upload

    def look(self) -> None:
        """Hold the beginning against the declared type; raises `MalformedError` `MEDIA_MISMATCH`."""
        check = MediaCheck(self._upload.media_type, self._limits.media_types)
        check.feed(os.pread(self._file.fileno(), _HEAD, 0))

    def checked(self) -> Iterator[bytes]:
        """Give all of the content, and at the end say whether it is what was declared.

        Raises `HttpError` `UPLOAD_LENGTH_MISMATCH` or `UPLOAD_DIGEST_MISMATCH`.
        """
        if self.offset != self._upload.size:
            raise HttpError("UPLOAD_LENGTH_MISMATCH", HTTPStatus.BAD_REQUEST, None, declared=self._upload.size)
        running, at = hashlib.sha256(), 0
        while piece := os.pread(self._file.fileno(), PIECE_BYTES, at):
            running.update(piece)
            at += len(piece)
            yield piece
        if self._upload.sha256 not in (None, running.hexdigest()):
            raise HttpError("UPLOAD_DIGEST_MISMATCH", HTTPStatus.UNPROCESSABLE_ENTITY)

    def sync(self) -> None:
        """Bring what was written to disk."""
        os.fsync(self._file.fileno())


def _encode(upload: Upload) -> bytes:
    return canonical.encode({name: getattr(upload, name) for name in Upload.__slots__})


def _decode(data: bytes) -> Upload:
    value: Any = canonical.decode(data)
    try:
        return Upload(**value)
    except TypeError:
        raise MalformedError("NOT_CANONICAL", where="upload") from None


def _is_id(text: str) -> bool:
    return len(text) == 2 * _ID_BYTES and set(text) <= set("0123456789abcdef")


def _checked(upload_id: str) -> str:
    """Return an id of ours: nothing else may name a file. Raises `HttpError` `NOT_FOUND`."""
    if not _is_id(upload_id):
        raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
    return upload_id


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND) from None
    except LedgerError:
        raise
    except OSError as error:
        raise StoreError("EVIDENCE_NOT_WRITTEN", cause=error.strerror or type(error).__name__) from None
