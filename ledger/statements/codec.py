"""Bytes to statements and back: payload, envelope and entry, each with exactly one spelling.

A payload is decoded by the type that its DSSE payload type names and encoded again; anything that does not come back byte for
byte (an unknown member, another order, white space, a missing null) is `NOT_CANONICAL`. Bytes are stored and hashed as
they were signed, never re-serialised.
"""

import binascii
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger import canonical
from ledger.errors import MalformedError
from ledger.merkle import leaf_hash
from ledger.signing import (
    MAX_ENVELOPE,
    SigningKey,
    envelope_bytes,
    key_id,
    pae,
    statement_id,
    verify_ed25519,
)
from ledger.statements.header import Statement
from ledger.statements.kinds import body_class, has_free_form, name_of, payload_type_of
from ledger.statements.typed import decode_typed, encode_typed

MAX_ENTRY = 65_535
_PAYLOAD, _TYPE, _SIGNATURES, _SIG, _END = (
    b'{"payload":"',
    b'","payloadType":"',
    b'","signatures":[{"keyid":"',
    b'","sig":"',
    b'"}]}',
)
_ENVELOPE, _INDEX, _TIME = b'{"envelope":', b',"index":', b',"sequenced_at":'


class Signed(NamedTuple):
    """An envelope taken apart: its exact bytes, what was signed, and the statement it says."""

    envelope: bytes
    payload_type: str
    payload: bytes
    signature: bytes
    statement: Statement[Any]

    @property
    def id(self) -> bytes:
        """The statement's identity: SHA-256 of its PAE (32 bytes)."""
        return statement_id(self.payload_type, self.payload)

    def verify(self, public: bytes) -> bool:
        """Check the signature over the exact payload by this public key."""
        return verify_ed25519(public, pae(self.payload_type, self.payload), self.signature)


@dataclass(frozen=True, slots=True)
class Act:
    """A statement as an entry of the log: its index (from 0), when it was sequenced (UTC ms), and its leaf hash."""

    index: int
    at: int
    leaf: bytes
    signed: Signed

    @property
    def statement(self) -> Statement[Any]:
        """The statement of this entry."""
        return self.signed.statement

    @property
    def body(self) -> Any:
        """The statement's body."""
        return self.signed.statement.body

    @property
    def person(self) -> str:
        """The id of the person who signed."""
        return self.signed.statement.person


def encode_payload(statement: Statement[Any]) -> bytes:
    """Return the canonical bytes of a statement; raises `MalformedError` where a value breaks its field's constraint."""
    payload = encode_typed(statement)
    decode_payload(payload_type_of(type(statement.body)), payload)
    return payload


def decode_payload(payload_type: str, payload: bytes) -> Statement[Any]:
    """Return the statement that `payload` spells canonically; raises `MalformedError` otherwise."""
    statement = _typed(payload_type, payload)
    body: Any = type(statement.body)
    if encode_typed(statement) != payload:
        raise MalformedError("NOT_CANONICAL", where="payload")
    if (statement.type, statement.version) != name_of(body):
        raise MalformedError("NOT_CANONICAL", where="type and version")
    canonical.check_text(payload)
    if has_free_form(body):
        canonical.decode(payload)
    return statement


def _typed(payload_type: str, payload: bytes) -> Statement[Any]:
    cls = body_class(payload_type)
    if cls is None:
        raise MalformedError("UNKNOWN_STATEMENT", type=payload_type[:120])
    return decode_typed(cls, payload)


def sign(statement: Statement[Any], key: SigningKey) -> bytes:
    """Return the envelope of `statement` signed by `key`, whose id the statement must name."""
    payload_type, payload = payload_type_of(type(statement.body)), encode_payload(statement)
    if statement.key != key_id(key.public):
        raise MalformedError("KEY_MISMATCH", key=statement.key)
    return envelope_bytes(payload_type, payload, statement.key, key.sign(pae(payload_type, payload)))


def open_envelope(envelope: bytes) -> Signed:
    """Take a canonical envelope apart; the signature is *not* checked here. Raises `MalformedError`."""
    if len(envelope) > MAX_ENVELOPE:
        raise MalformedError("STATEMENT_TOO_LARGE", bytes=len(envelope), limit=MAX_ENVELOPE)
    payload_type, payload, signer, signature = _split(envelope)
    # One comparison settles every spelling at once: base64 variants, white space, order, further members.
    if envelope_bytes(payload_type, payload, signer, signature) != envelope:
        raise MalformedError("NOT_CANONICAL", where="envelope")
    statement = decode_payload(payload_type, payload)
    if statement.key != signer:
        raise MalformedError("NOT_CANONICAL", where="keyid")
    return Signed(envelope, payload_type, payload, signature, statement)


def _split(envelope: bytes) -> tuple[str, bytes, str, bytes]:
    """Cut an envelope at the places where a canonical one has its members; what is not canonical shows in comparing."""
    try:
        type_at = envelope.index(_TYPE)
        list_at = envelope.index(_SIGNATURES, type_at)
        sig_at = envelope.index(_SIG, list_at)
        return (
            envelope[type_at + len(_TYPE) : list_at].decode(),
            binascii.a2b_base64(envelope[len(_PAYLOAD) : type_at], strict_mode=True),
            envelope[list_at + len(_SIGNATURES) : sig_at].decode(),
            binascii.a2b_base64(envelope[sig_at + len(_SIG) : -len(_END)], strict_mode=True),
        )
    except ValueError:
        raise MalformedError("NOT_CANONICAL", where="envelope") from None


def encode_entry(index: int, at: int, envelope: bytes) -> bytes:
    """Return the canonical JSON of an entry, the bytes of which the leaf is the hash; at most 65,535 bytes."""
    entry = b"%b%b%b%d%b%d}" % (_ENVELOPE, envelope, _INDEX, index, _TIME, at)
    if len(entry) > MAX_ENTRY:
        raise MalformedError("STATEMENT_TOO_LARGE", bytes=len(entry), limit=MAX_ENTRY)
    return entry


def decode_entry(entry: bytes) -> Act:
    """Return the act that canonical `entry` bytes record; raises `MalformedError`."""
    index, at, envelope = _cut(entry)
    if encode_entry(index, at, envelope) != entry or not 0 <= at <= canonical.SAFE_INTEGER or index < 0:
        raise MalformedError("NOT_CANONICAL", where="entry")
    return Act(index, at, leaf_hash(entry), open_envelope(envelope))


def decode_own_entry(entry: bytes) -> Act:
    """Return the act of an entry that the tree has vouched for: as `decode_entry`, without asking again for its spelling."""
    index, at, envelope = _cut(entry)
    payload_type, payload, _, signature = _split(envelope)
    return Act(index, at, leaf_hash(entry), Signed(envelope, payload_type, payload, signature, _typed(payload_type, payload)))


def _cut(entry: bytes) -> tuple[int, int, bytes]:
    index_at = entry.rfind(_INDEX)
    time_at = entry.rfind(_TIME)
    try:
        index, at = int(entry[index_at + len(_INDEX) : time_at]), int(entry[time_at + len(_TIME) : -1])
    except ValueError:
        raise MalformedError("NOT_CANONICAL", where="entry") from None
    return index, at, entry[len(_ENVELOPE) : index_at]
