"""Bytes to statements and back: payload, envelope and entry, each with exactly one spelling.

A payload is decoded by the type that its DSSE payload type names and encoded again; anything that does not come back
byte for byte (an unknown member, another order, white space, a missing null) is `NOT_CANONICAL`. Bytes are stored and
hashed as they were signed, never re-serialised.
"""

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
from ledger.statements.framing import Envelope, envelope_of, frame_entry, parse_entry, parse_envelope, read_entry
from ledger.statements.header import Statement
from ledger.statements.kinds import body_class, has_free_form, name_of, payload_type_of
from ledger.statements.typed import decode_typed, encode_typed, read_typed

MAX_ENTRY = 65_535


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
    """A statement as an entry of the log: its index (from 0), when it was sequenced (UTC ms), and the entry's bytes."""

    index: int
    at: int
    entry: bytes
    signed: Signed

    @property
    def leaf(self) -> bytes:
        """The entry's leaf hash; made when it is asked for, because few folds do."""
        return leaf_hash(self.entry)

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
    """Return the canonical bytes of a statement; raises `MalformedError` where a value breaks a constraint."""
    payload = encode_typed(statement)
    decode_payload(payload_type_of(type(statement.body)), payload)
    return payload


def decode_payload(payload_type: str, payload: bytes) -> Statement[Any]:
    """Return the statement that `payload` spells canonically; raises `MalformedError` otherwise."""
    statement = decode_typed(_class(payload_type), payload)
    body: Any = type(statement.body)
    if encode_typed(statement) != payload:
        raise MalformedError("NOT_CANONICAL", where="payload")
    if (statement.type, statement.version) != name_of(body):
        raise MalformedError("NOT_CANONICAL", where="type and version")
    canonical.check_text(payload)
    if has_free_form(body):
        canonical.decode(payload)
    return statement


def _class(payload_type: str) -> type[Any]:
    cls = body_class(payload_type)
    if cls is None:
        raise MalformedError("UNKNOWN_STATEMENT", type=payload_type[:120])
    return cls


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
    return _signed(parse_envelope(envelope), envelope)


def _signed(frame: Envelope, envelope: bytes) -> Signed:
    (line,) = frame.signatures
    statement = decode_payload(frame.payloadType, frame.payload)
    if statement.key != line.keyid:
        raise MalformedError("NOT_CANONICAL", where="keyid")
    return Signed(envelope, frame.payloadType, frame.payload, line.sig, statement)


def encode_entry(index: int, at: int, envelope: bytes) -> bytes:
    """Return the canonical JSON of an entry, the bytes of which the leaf is the hash; at most 65,535 bytes."""
    entry = frame_entry(index, at, envelope)
    if len(entry) > MAX_ENTRY:
        raise MalformedError("STATEMENT_TOO_LARGE", bytes=len(entry), limit=MAX_ENTRY)
    return entry


def decode_entry(entry: bytes) -> Act:
    """Return the act that canonical `entry` bytes record; raises `MalformedError`."""
    if len(entry) > MAX_ENTRY:
        raise MalformedError("STATEMENT_TOO_LARGE", bytes=len(entry), limit=MAX_ENTRY)
    frame, envelope = parse_entry(entry), envelope_of(entry)
    if len(envelope) > MAX_ENVELOPE:
        raise MalformedError("STATEMENT_TOO_LARGE", bytes=len(envelope), limit=MAX_ENVELOPE)
    return Act(frame.index, frame.sequenced_at, entry, _signed(frame.envelope, envelope))


def decode_own_entry(entry: bytes) -> Act:
    """Return the act of an entry that the tree vouches for: as `decode_entry`, without asking for its spelling."""
    frame = read_entry(entry)
    inner = frame.envelope
    statement = read_typed(_class(inner.payloadType), inner.payload)
    signed = Signed(envelope_of(entry), inner.payloadType, inner.payload, inner.signatures[0].sig, statement)
    return Act(frame.index, frame.sequenced_at, entry, signed)
