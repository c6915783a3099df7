"""How an objection of a one-time key goes on: who may ask, proven by that key alone, and what they are told.

Nothing is looked up before a signature was checked, and a key that never objected costs the same as one that did. Who
acted, and on whom, is not told: that is in the reply, which stands on file as the office gave it, sealed to the filer
where they sealed it.
"""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from api.http.context import Context
from api.http.reader import Picture
from api.http.sign_in import address_of, shared_key
from api.objecting import progress_message
from ledger.errors import StoreError
from ledger.evidence import EvidenceStore
from ledger.roll import SEALED_PREFIX
from ledger.signing import PUBLIC_BYTES, SigningKey, encode_base64, key_id, verify_ed25519
from ledger.state.objection_book import Objection
from projections.objections import standing_of

MOST_REPLY = 8 << 20
"""A longer reply is named by its digest alone."""
_NOBODY = SigningKey.from_seed(bytes(32)).public
_PURPOSE = b"ballot-ledger objection progress v1\n"
_BODY = 16 + 8


class Asker:
    """Challenges for the progress of objections; the key behind them is one for all workers of a ledger's folder."""

    def __init__(self, context: Context) -> None:
        """Ask the service of this context. Raises `StoreError` `HOME_UNUSABLE`."""
        self.address = address_of(context)
        self._seconds = context.settings.challenge_seconds
        self._key = shared_key(context.home.folder / "challenge.key")

    def challenge(self, now: int) -> tuple[str, int]:
        """Return a challenge, the same for whoever asks, and when it lapses (UTC ms)."""
        lapses = now + 1000 * self._seconds
        body = secrets.token_bytes(16) + lapses.to_bytes(8, "big")
        return base64.urlsafe_b64encode(body + self._tag(body)).decode().rstrip("="), lapses

    def person(self, challenge: str, public_key: str, signature: str, now: int) -> str:
        """Return the actor that a key proves to be; one that nobody can be where anything does not hold."""
        public = _bytes(public_key)
        usable = len(public) == PUBLIC_BYTES
        message = progress_message(self.address, challenge)
        signed = verify_ed25519(public if usable else _NOBODY, message, _bytes(signature))
        data = _bytes(challenge.replace("-", "+").replace("_", "/") + "=" * (-len(challenge) % 4))
        body = data[:_BODY]
        ours = hmac.compare_digest(data[_BODY:], self._tag(body)) and now < int.from_bytes(body[16:], "big")
        named = SEALED_PREFIX + key_id(public if usable else _NOBODY)
        return named if usable and signed and ours else SEALED_PREFIX

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, _PURPOSE + self.address.encode() + b"\n" + body, "sha256")


@dataclass(frozen=True, slots=True)
class _Found:
    told: dict[str, Any]
    reply: str | None


def progress_of(context: Context, evidence: EvidenceStore, person: str) -> dict[str, Any] | None:
    """Return how the objection of a one-time actor stands, with its reply; None for who filed none."""
    found = context.reader.read(None, lambda picture: _found(picture, person))
    if found is None:
        return None
    return found.told | {"reply": _reply(evidence, found.reply) if found.reply is not None else None}


def _found(picture: Picture, person: str) -> _Found | None:
    own = [one for one in picture.state.notices.objections.by_id.values() if one.author == person]
    if not own:
        return None
    known = own[-1]
    answered = picture.acts[known.answered] if known.answered is not None else None
    told = {
        "admissible": known.admissible,
        "answered_at": answered.at if answered is not None else None,
        "examined_at": picture.acts[known.examined].at if known.examined is not None else None,
        "notice": known.notice,
        "number": known.number,
        "objection": known.id,
        "received_at": known.received_at,
        "standing": standing_of(picture.state, known).value,
        "status": _status(known, picture),
    }
    return _Found(told, answered.body.reply if answered is not None else None)


def _status(known: Objection, picture: Picture) -> str:
    if known.answered is not None:
        return "answered"
    if known.withdrawn is not None and known.ex_officio is None:
        return "withdrawn"
    opened = known.sealed in picture.state.notices.objections.openings
    return "being_examined" if opened or known.examined is not None else "received"


def _reply(evidence: EvidenceStore, digest: str) -> dict[str, Any]:
    """Return the reply as it is on file, or what is known of one that is not."""
    try:
        record = evidence.record(digest)
        if record.erased:
            return {"digest": digest, "state": "erased"}
        if record.size is None or record.size > MOST_REPLY:
            return {"digest": digest, "media_type": record.media_type, "state": "on_file"}
        found = evidence.get(digest)
    except StoreError as error:
        if error.code not in {"EVIDENCE_MISSING", "EVIDENCE_ERASED"}:
            raise
        return {"digest": digest, "state": "not_on_file"}
    shown = {"content": encode_base64(found.content), "salt": encode_base64(found.salt)}
    return {"digest": digest, "media_type": found.media_type, "state": "on_file"} | shown


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
