"""Just enough of DER (X.690) to walk what a time-stamp token signs; strict lengths, no recursion."""

from collections.abc import Iterator
from typing import NamedTuple

from ledger.errors import MalformedError

SEQUENCE, SET, OID, OCTETS, CONTEXT_0 = 0x30, 0x31, 0x06, 0x04, 0xA0


class Element(NamedTuple):
    """One element: its tag byte, its content, and the whole of it."""

    tag: int
    content: bytes
    whole: bytes


def elements(data: bytes) -> Iterator[Element]:
    """Give the elements that `data` is made of. Raises `MalformedError` `DER_MALFORMED`."""
    place = 0
    while place < len(data):
        start, place = place, place + 2
        if place > len(data) or data[start] & 0x1F == 0x1F:
            raise MalformedError("DER_MALFORMED", where=start)
        length = data[start + 1]
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[place : place + count], "big")
            place += count
            if not 1 <= count <= 4 or length < 0x80 or length >> 8 * (count - 1) == 0:
                raise MalformedError("DER_MALFORMED", where=start)
        end = place + length
        if end > len(data):
            raise MalformedError("DER_MALFORMED", where=start)
        yield Element(data[start], data[place:end], data[start:end])
        place = end


def only(data: bytes, tag: int) -> bytes:
    """Return the content of the one element that `data` is, which must have this tag; `DER_MALFORMED` otherwise."""
    found = list(elements(data))
    if len(found) != 1 or found[0].tag != tag:
        raise MalformedError("DER_MALFORMED", where=tag)
    return found[0].content
