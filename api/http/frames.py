"""Frames between the sequencer's process and its workers, on private sockets in the ledger's folder.

A frame is its length (4 bytes, big endian) and a msgpack value.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from ledger.errors import ConflictError, LedgerError, MalformedError, StoreError, VerificationError

MOST_FRAME = 64 << 20
RETRY_SECONDS = 0.05
"""Before a worker whose connection broke connects again."""

_ERRORS: dict[str, type[LedgerError]] = {
    one.__name__: one for one in (MalformedError, VerificationError, ConflictError, StoreError)
}
_encode = msgspec.msgpack.Encoder().encode


def frame(value: object) -> bytes:
    """Return the frame of a value."""
    data = _encode(value)
    return len(data).to_bytes(4, "big") + data


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Return the value's bytes in the next frame.

    Raises `ConnectionError` for a frame beyond `MOST_FRAME`, `asyncio.IncompleteReadError` at the end.
    """
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > MOST_FRAME:
        raise ConnectionError("frame")
    return await reader.readexactly(size)


async def listen(
    path: Path, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> asyncio.Server:
    """Listen at `path`, readable and writable by this account alone.

    A file that an earlier process left is replaced: whoever holds the log's lock is the only one. Raises `StoreError`
    `ADDRESS_UNUSABLE`.
    """
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(serve, path)
        finally:
            os.umask(before)
    except OSError:
        raise StoreError("ADDRESS_UNUSABLE", address=path.name) from None


def kind_of(error: LedgerError) -> str:
    """Return the name under which a frame tells of an error, so that `error_of` makes it again."""
    return next((name for name, one in _ERRORS.items() if isinstance(error, one)), StoreError.__name__)


def error_of(kind: str, code: str, facts: dict[str, str | int]) -> LedgerError:
    """Return the error that a frame tells of."""
    return _ERRORS[kind](code, **facts)
