"""A value and its one byte string: RFC 8785 on the subset that statements use.

Objects with ASCII names, arrays, strings, booleans, null, and integers within ±(2^53-1). Floats, duplicate names and
every other spelling of the same value are refused with `NOT_CANONICAL`. Text is kept as it was written, never
normalised; control characters, bidirectional overrides, lone surrogates and noncharacters are refused with
`TEXT_FORBIDDEN`, because what is signed must be what is read.

msgspec does the work where it is installed. The verifier must also run without it, so the same bytes are accepted and
produced by the standard library alone; `tests/test_canonical.py` holds the two against each other.
"""

import hashlib
import importlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from ledger.errors import MalformedError


def _compiled(name: str) -> Any:
    """Import a compiled module that the verifier's machine may not have; None where it is absent."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


msgspec: Any = _compiled("msgspec")

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"

SAFE_INTEGER = 2**53 - 1
MAX_DEPTH = 64
"""Far above what statements nest, and far below where decoders begin to differ in what they can take."""

# A backslash may only come before a quote or a backslash: every other escape names a control character.
_ESCAPED_CONTROL = re.compile(rb'\\(?:["\\]|(.))', re.DOTALL)
_FORBIDDEN_TEXT = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)


def encode(value: Json) -> bytes:
    """Return the canonical bytes of `value`; raises `MalformedError` for what has none."""
    data = _encode(value)
    check_text(data)
    return data


def decode(data: bytes) -> Any:
    """Return the value that `data` spells, or raise `MalformedError` if `data` is not its canonical spelling."""
    value = _decode(data)
    if _encode(value) != data:
        raise MalformedError("NOT_CANONICAL", where="json")
    check_text(data)
    return value


def digest(value: Json) -> str:
    """Return the SHA-256 of the canonical bytes of `value`, in lower-case hexadecimal."""
    return hashlib.sha256(encode(value)).hexdigest()


def check_text(data: bytes) -> None:
    """Refuse canonical JSON `data` in which a string holds a character that people cannot see or trust."""
    if b"\\" in data and any(match.group(1) for match in _ESCAPED_CONTROL.finditer(data)):
        raise MalformedError("TEXT_FORBIDDEN", character="control")
    if not data.isascii() or b"\x7f" in data:
        found = _FORBIDDEN_TEXT.search(data.decode())
        if found:
            raise MalformedError("TEXT_FORBIDDEN", character=f"U+{ord(found.group()):04X}")


def _check(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise MalformedError("NOT_CANONICAL", where="depth")
    match value:
        case None | bool() | str():
            return
        case int():
            if abs(value) > SAFE_INTEGER:
                raise MalformedError("NOT_CANONICAL", where="integer beyond 2^53-1")
        case Mapping():
            for name, member in value.items():
                if not isinstance(name, str) or not name.isascii():
                    raise MalformedError("NOT_CANONICAL", where="member name")
                _check(member, depth + 1)
        case list() | tuple():
            for item in value:
                _check(item, depth + 1)
        case _:
            raise MalformedError("NOT_CANONICAL", where=type(value).__name__)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedError("NOT_CANONICAL", where="duplicate name")
    return members


def _no_float(text: str) -> Any:
    raise MalformedError("NOT_CANONICAL", where=f"number {text[:32]}")


def _encode_plain(value: Json) -> bytes:
    _check(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise MalformedError("NOT_CANONICAL", where="lone surrogate") from None


def _decode_plain(data: bytes) -> Any:
    try:
        return json.loads(data.decode(), object_pairs_hook=_unique, parse_float=_no_float, parse_constant=_no_float)
    except (ValueError, RecursionError):
        raise MalformedError("NOT_CANONICAL", where="json") from None


def _encode_fast(value: Json) -> bytes:
    _check(value)
    try:
        data: bytes = _sorted_encoder(value)
        return data
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError):
        raise MalformedError("NOT_CANONICAL", where="value") from None


def _decode_fast(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError("NOT_CANONICAL", where="json") from None


_encode: Callable[[Json], bytes]
_decode: Callable[[bytes], Any]
if msgspec is None:
    _encode, _decode = _encode_plain, _decode_plain
else:
    _sorted_encoder = msgspec.json.Encoder(order="sorted").encode
    _encode, _decode = _encode_fast, _decode_fast
