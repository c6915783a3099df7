"""The frames around a payload, envelope and entry, taken apart: by msgspec or, where that is missing, in plain Python.

Both give equal results. A parsed frame is put together again and compared with its bytes, which settles every spelling
at once: variants of base64, white space, order, further members.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ledger import canonical
from ledger.errors import MalformedError
from ledger.signing import envelope_bytes, strict_b64decode
from ledger.statements.fields import Count, Instant
from ledger.statements.plain import from_plain


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature and the id of its key."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope of exactly one signature; its members bear the names of the format."""

    payload: bytes
    payloadType: str
    signatures: tuple[SignatureLine]


@dataclass(frozen=True, slots=True)
class Entry:
    """An envelope with its index (from 0) and the time it was sequenced (UTC ms)."""

    envelope: Envelope
    index: Count
    sequenced_at: Instant


ENVELOPE, INDEX, TIME = b'{"envelope":', b',"index":', b',"sequenced_at":'


def parse_envelope(data: bytes) -> Envelope:
    """Return the envelope that `data` spells canonically; raises `MalformedError` `NOT_CANONICAL`."""
    try:
        envelope = _read_envelope(data)
        if _encode_envelope(envelope) == data:
            return envelope
    except _ERRORS:
        pass
    raise MalformedError("NOT_CANONICAL", where="envelope")


def parse_entry(data: bytes) -> Entry:
    """Return the entry that `data` spells canonically; raises `MalformedError` `NOT_CANONICAL`."""
    entry = read_entry(data)
    if _encode_entry(entry) != data:
        raise MalformedError("NOT_CANONICAL", where="entry")
    return entry


def read_entry(data: bytes) -> Entry:
    """Return the entry of bytes that were parsed before: as `parse_entry`, without asking for its spelling."""
    try:
        return _read_entry(data)
    except _ERRORS:
        raise MalformedError("NOT_CANONICAL", where="entry") from None


def envelope_of(entry: bytes) -> bytes:
    """Return the bytes of the envelope in a canonical entry."""
    return entry[len(ENVELOPE) : entry.rindex(INDEX)]


def frame_entry(index: int, at: int, envelope: bytes) -> bytes:
    """Return the canonical bytes of an entry around the bytes of its envelope."""
    return b"%b%b%b%d%b%d}" % (ENVELOPE, envelope, INDEX, index, TIME, at)


def read_plain_envelope(data: bytes) -> Envelope:
    """Take an envelope apart without compiled parts."""
    return _envelope(json.loads(data))


def read_plain_entry(data: bytes) -> Entry:
    """Take an entry apart without compiled parts."""
    value = json.loads(data)
    index, at = from_plain(Count, value["index"]), from_plain(Instant, value["sequenced_at"])
    return Entry(_envelope(value["envelope"]), index, at)


def _envelope(value: Any) -> Envelope:
    (line,) = value["signatures"]
    signature = SignatureLine(from_plain(str, line["keyid"]), strict_b64decode(line["sig"], "sig"))
    return Envelope(strict_b64decode(value["payload"], "payload"), from_plain(str, value["payloadType"]), (signature,))


def encode_plain_envelope(envelope: Envelope) -> bytes:
    """Put an envelope together without compiled parts."""
    (line,) = envelope.signatures
    return envelope_bytes(envelope.payloadType, envelope.payload, line.keyid, line.sig)


def encode_plain_entry(entry: Entry) -> bytes:
    """Put an entry together without compiled parts."""
    return frame_entry(entry.index, entry.sequenced_at, encode_plain_envelope(entry.envelope))


_fast: Any = canonical.msgspec
_ERRORS: tuple[type[Exception], ...] = (ValueError, TypeError, LookupError, RecursionError, MalformedError)
_read_envelope: Callable[[bytes], Envelope] = read_plain_envelope
_read_entry: Callable[[bytes], Entry] = read_plain_entry
_encode_envelope: Callable[[Envelope], bytes] = encode_plain_envelope
_encode_entry: Callable[[Entry], bytes] = encode_plain_entry
if _fast is not None:
    _ERRORS = (_fast.MsgspecError, ValueError, RecursionError)
    _read_envelope, _read_entry = _fast.json.Decoder(Envelope).decode, _fast.json.Decoder(Entry).decode
    _encode_envelope = _encode_entry = _fast.json.Encoder().encode
