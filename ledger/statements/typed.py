"""Payload bytes to typed statements: by msgspec where it is installed, else by the standard library, equally."""

from collections.abc import Callable
from functools import cache
from typing import Any

from ledger import canonical
from ledger.errors import MalformedError
from ledger.statements.header import Statement
from ledger.statements.patterns import check_patterns
from ledger.statements.plain import from_plain, to_plain

_fast: Any = canonical.msgspec


@cache
def _fast_decoder(cls: Any) -> Callable[[bytes], Statement[Any]]:
    decoder: Callable[[bytes], Statement[Any]] = _fast.json.Decoder(Statement[cls]).decode
    return decoder


def _read_fast(cls: Any, payload: bytes) -> Statement[Any]:
    try:
        return _fast_decoder(cls)(payload)
    except _fast.ValidationError as error:
        raise MalformedError("FIELD_INVALID", where=str(error)[:300]) from None
    except (_fast.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError("NOT_CANONICAL", where="payload") from None


def _decode_fast(cls: Any, payload: bytes) -> Statement[Any]:
    statement = _read_fast(cls, payload)
    check_patterns(statement)
    return statement


def decode_plain(cls: Any, payload: bytes) -> Statement[Any]:
    """Decode without compiled parts; the typed value, not yet held against its canonical bytes."""
    statement: Statement[Any] = from_plain(Statement[cls], canonical.decode(payload))
    return statement


def encode_plain(statement: Statement[Any]) -> bytes:
    """Encode without compiled parts."""
    return canonical.encode(to_plain(statement))


decode_typed: Callable[[Any, bytes], Statement[Any]] = decode_plain if _fast is None else _decode_fast
read_typed: Callable[[Any, bytes], Statement[Any]] = decode_plain if _fast is None else _read_fast
"""As `decode_typed`, for bytes that were decoded before: patterns are not asked for again."""
encode_typed: Callable[[Statement[Any]], bytes] = (
    encode_plain if _fast is None else _fast.json.Encoder(order="sorted").encode
)
