"""Objecting without a key of one's own: seal, upload, hand in, and ask how it goes on, all by one code.

The code is made here and is never sent. The key that signs this one objection and the key that a reply can be sealed
to follow from it; whoever has the code can ask for the progress and read the reply, and nobody else. Where the text
goes is checked first: the sealing keys must be signed by a founding key of discipline, which stands in the charter, and
the charter must be entry 0 of the log whose key is known from elsewhere.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from api.client import Client, Declined, ProblemError, Receipted
from ledger.errors import LedgerError, MalformedError, StoreError, VerificationError
from ledger.evidence_content import evidence_digest
from ledger.evidence_media import SEALED
from ledger.receipt import parse
from ledger.sealing import SealContext, SealTo, open_sealed, seal, sealing_public
from ledger.sealing_keys import SealingKeys, read, verify_by_charter
from ledger.signing import SigningKey, encode_base64, strict_b64decode
from ledger.statements import decode_entry
from ledger.statements.foundation import CharterSealed
from ledger.statements.kinds import name_of
from ledger.statements.notices import ObjectionReceived, ObjectionWithdrawn

PIECE_BYTES = 1 << 20
CODE_BYTES = 32
REPLY_MARK = "ballot-ledger-reply-key: "
"""Begins the last line of a sealed text: the public key that a reply to it can be sealed to."""
_PROGRESS = "ballot-ledger objection progress v1"
_GROUP = 4


def progress_message(address: str, challenge: str) -> bytes:
    """Return what a one-time key signs to ask for the progress: purpose, the address asked, the challenge, by line."""
    return f"{_PROGRESS}\n{address}\n{challenge}\n".encode()


@dataclass(frozen=True, slots=True)
class Code:
    """The secret of one objection, 32 random bytes; `repr` never shows it."""

    _secret: bytes

    @classmethod
    def new(cls) -> "Code":
        """Make a code."""
        return cls(secrets.token_bytes(CODE_BYTES))

    @classmethod
    def parse(cls, text: str) -> "Code":
        """Read a code as `spelled` writes it, in either case, with or without its dashes; `MalformedError` else."""
        try:
            secret = base64.b32decode("".join(text.split()).replace("-", "").upper() + "====")
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) != CODE_BYTES:
            raise MalformedError("PROGRESS_CODE_INVALID")
        return cls(secret)

    def spelled(self) -> str:
        """Return the code as people keep it."""
        text = base64.b32encode(self._secret).decode().rstrip("=")
        return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))

    @property
    def key(self) -> SigningKey:
        """The key that signs this objection and asks for its progress."""
        return SigningKey.from_seed(hashlib.sha256(b"ballot-ledger one-time key v1\n" + self._secret).digest())

    @property
    def reply_key(self) -> bytes:
        """The private X25519 key that opens a sealed reply."""
        return hashlib.sha256(b"ballot-ledger reply key v1\n" + self._secret).digest()

    def __repr__(self) -> str:
        """Show nothing."""
        return "Code(…)"


@dataclass(frozen=True, slots=True)
class Filed:
    """An objection in the log: its id, its number, and the receipt."""

    objection: str
    number: int
    receipt: Receipted


class Objecting(Client):
    """A client that says nothing of who objects; use one of its own, and sign in with it nowhere."""

    def __enter__(self) -> "Objecting":
        """Return the client."""
        return self

    def objection_form(self, notice: str | None = None, trusted: SealTo | None = None) -> dict[str, Any]:
        """Return the form of an objection, its sealing keys proven.

        They are held against the charter, or against keys that are known from elsewhere. Raises `VerificationError`
        `SEALING_KEYS_UNPROVEN`, `SERVER_ANSWER_INVALID`; else as `Client.form`.
        """
        form = self._told("GET", "/v1/objection-form", params={"notice": notice} if notice else {})
        header = form.get("header")
        if not isinstance(header, dict):
            raise VerificationError("SERVER_ANSWER_INVALID", where="header")
        keys = read(form.get("sealing"))
        if trusted is not None:
            if keys.to != trusted or keys.programme != header.get("programme"):
                raise VerificationError("SEALING_KEYS_UNPROVEN", key=keys.key)
        else:
            self._prove(keys, str(header.get("programme")))
        return form

    def _prove(self, keys: SealingKeys, programme: str) -> None:
        entry = self._ask("GET", "/entry/000").content
        receipt = self._ask("GET", "/v1/receipts/0").content
        try:
            given = parse(receipt)
            self._following(lambda: self.keys.check(given, entry))
            charter = decode_entry(entry)
        except LedgerError:
            raise VerificationError("SERVER_ANSWER_INVALID", where="charter") from None
        if given.index != 0 or not isinstance(charter.body, CharterSealed) or charter.signed.id.hex() != programme:
            raise VerificationError("SERVER_ANSWER_INVALID", where="charter")
        verify_by_charter(keys, charter.body, programme)

    def object(
        self, code: Code, form: dict[str, Any], against: Sequence[str], text: bytes, at: int | None = None
    ) -> Filed | Declined:
        """Seal `text`, upload it and hand the objection in; keep `code` first. Errors as `Client.submit`."""
        objection, programme = secrets.token_hex(16), str(form["header"].get("programme"))
        letter = text + f"\n\n{REPLY_MARK}{encode_base64(sealing_public(code.reply_key))}\n".encode()
        sealed = seal(read(form.get("sealing")).to, letter, SealContext(programme, objection))
        permit = self.permit()
        digest = self.upload(sealed, SEALED, headers={"upload-permit": permit})
        body = ObjectionReceived(
            against=tuple(against),
            arrived_at=None,
            notice=str(form.get("fixed", {}).get("notice")),
            objection=objection,
            one_time_key=encode_base64(code.key.public),
            sealed=digest,
        )
        envelope = self.sign(form, body, code.key, one_time=True)
        return self.hand_in(envelope, objection, permit, at)

    def permit(self) -> str:
        """Return a permit to upload one sealed text; errors as `Client.form`."""
        return str(self._told("POST", "/v1/upload-permits").get("permit"))

    def hand_in(self, envelope: bytes, objection: str, permit: str, at: int | None) -> Filed | Declined:
        """Hand in an objection whose sealed text was uploaded with this permit; errors as `Client.submit`."""
        headers = {"content-type": "application/json", "upload-permit": permit}
        params = {} if at is None else {"at": str(at)}
        answer = self._ask("POST", "/v1/objections", content=envelope, headers=headers, params=params)
        given = self._answered(envelope, answer)
        if isinstance(given, Declined):
            return given
        number = answer.json().get("number")
        return Filed(objection, number if isinstance(number, int) else 0, given)

    def upload(
        self, content: bytes, media_type: str, evidence_class: str = "personal", headers: dict[str, str] | None = None
    ) -> str:
        """Upload content in pieces, going on where a connection was cut; return the digest that statements name.

        It is recomputed here with the salt that the service tells. Raises as `Client.form`, and `VerificationError`
        `SERVER_ANSWER_INVALID` for another digest.
        """
        borne, size = headers or {}, len(content)
        sha256 = hashlib.sha256(content).hexdigest()
        declared = {"class": evidence_class, "media_type": media_type, "sha256": sha256, "size": size}
        place = f"/v1/uploads/{self._told('POST', '/v1/uploads', json=declared, headers=borne).get('upload')}"
        told = self._pieces(place, content, borne).get("evidence") or {}
        try:
            own = evidence_digest(strict_b64decode(told["salt"], "salt"), content)
        except (KeyError, TypeError, MalformedError):
            own = ""
        if not own or told.get("digest") != own:
            raise VerificationError("SERVER_ANSWER_INVALID", where="digest")
        return own

    def _pieces(self, place: str, content: bytes, borne: dict[str, str]) -> dict[str, Any]:
        offset, tries = 0, 0
        while True:
            piece = content[offset : offset + PIECE_BYTES]
            last = offset + len(piece) == len(content)
            about = {"upload-offset": str(offset), "upload-complete": "?1" if last else "?0"}
            kind = {"content-type": "application/partial-upload"}
            try:
                answer = self._http.patch(place, content=piece, headers=borne | kind | about)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                if last:
                    return self._told("GET", place, headers=borne)
                offset += len(piece)
                continue
            tries += 1
            offset = self._offset(place, borne, answer, tries)

    def _offset(self, place: str, borne: dict[str, str], answer: httpx.Response | None, tries: int) -> int:
        """Return where to go on after a piece that was not taken; raises what it was for where that is no use."""
        code = answer.json().get("code") if answer is not None and answer.content else None
        lost = answer is None or code in {"UPLOAD_OFFSET_MISMATCH", "UPLOAD_BUSY", "STORE_UNAVAILABLE"}
        if answer is not None and not lost:
            raise ProblemError(str(code), answer.status_code, {})
        if tries > len(borne) + 8:
            raise StoreError("SERVER_UNREACHABLE")
        self._pause(min(0.25 * tries, 2.0))
        return int(self._told("GET", place, headers=borne).get("offset", 0))

    def progress(self, code: Code) -> dict[str, Any]:
        """Return how the objection of a code stands. Raises `ProblemError` `OBJECTION_CODE_UNKNOWN`, as `form`."""
        challenge = str(self._told("POST", "/v1/objections/progress/challenge").get("challenge"))
        signed = code.key.sign(progress_message(str(self._http.base_url).rstrip("/"), challenge))
        public, signature = encode_base64(code.key.public), encode_base64(signed)
        body = {"challenge": challenge, "public_key": public, "signature": signature}
        return self._told("POST", "/v1/objections/progress", json=body)

    def withdraw(self, code: Code, at: int | None = None) -> Receipted | Declined:
        """Withdraw the objection of a code, which is on record and flagged; errors as `progress` and `submit`."""
        objection = str(self.progress(code).get("objection"))
        form = self._told("GET", f"/v1/forms/{name_of(ObjectionWithdrawn)[0]}")
        return self.submit(self.sign(form, ObjectionWithdrawn(None, objection), code.key, one_time=True), at)


def reply_of(code: Code, told: dict[str, Any], programme: str) -> bytes | None:
    """Return the reasoned reply in what `Objecting.progress` told, opened where it is sealed; None while there is none.

    Raises `VerificationError` `SERVER_ANSWER_INVALID` for content that its entry does not name, `SEAL_NOT_OPENED`.
    """
    reply = told.get("reply") or {}
    if "content" not in reply:
        return None
    try:
        content = strict_b64decode(reply["content"], "content")
        holds = evidence_digest(strict_b64decode(reply["salt"], "salt"), content) == reply["digest"]
    except (KeyError, TypeError, MalformedError):
        holds = False
    if not holds:
        raise VerificationError("SERVER_ANSWER_INVALID", where="reply")
    if reply.get("media_type") != SEALED:
        return content
    return open_sealed(code.reply_key, content, reply_context(programme, str(told.get("objection"))))


def reply_context(programme: str, objection: str) -> SealContext:
    """Return what a sealed reply belongs to: it opens as the reply to this objection and as nothing else."""
    return SealContext(programme, f"{objection}:reply")
