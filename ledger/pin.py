"""The pin: size and root of the newest tree that may be shown, kept in a file outside the database.

A database restored from an older copy, or put back by whoever administers it, then disagrees with the pin, and the
ledger does not sign on. Nothing above the pin is served, so it is written and flushed before any receipt is released.

The file has two slots, each a page of its own, which are overwritten in turn: a crash can spoil the slot being written,
never the one before it. This flushes about 3.5 times as fast as replacing the file by a new one. A slot is one line,

    ballot-ledger-pin@v1 SP size SP lower-case hex of the root SP lower-case hex of the SHA-256 of all before LF

followed by zero bytes; a slot never used is all zero.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ledger.errors import StoreError
from ledger.merkle import HASH_BYTES

SLOT_BYTES = 4096
FILE_BYTES = 2 * SLOT_BYTES
_HEADER = b"ballot-ledger-pin@v1"
_EMPTY_SLOT = bytes(SLOT_BYTES)


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """The newest tree that may be shown: its number of leaves and its root."""

    size: int
    root: bytes


def read(path: Path) -> Pin | None:
    """Return the pin in the file at `path`, or None if there is no such file.

    Raises `StoreError`: `PIN_CORRUPT` if the file is not a pin or has no whole slot, `PIN_UNAVAILABLE` if it cannot be
    read. Safe while another process writes.
    """
    try:
        # A reader that is held up for a whole write may see both slots half written; not twice in a row.
        found = _newest(path.read_bytes()) or _newest(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError("PIN_UNAVAILABLE", path=str(path), reason=str(error.strerror)) from None
    if found is None:
        raise StoreError("PIN_CORRUPT", path=str(path))
    return found


class PinFile:
    """The pin as its one writer, the sequencer, holds it: it only goes forward."""

    def __init__(self, path: Path) -> None:
        """Read the pin at `path`, if there is one; errors as `read`."""
        self.path = path
        self.newest = read(path)
        self._descriptor: int | None = None
        self._next_offset = 0
        self._broken = False
        if self.newest is not None:
            self._open()

    def advance(self, size: int, root: bytes) -> None:
        """Set the pin to (`size`, `root`); when this returns it is on disk.

        Raises `StoreError`: `PIN_REGRESSION` if the pin is above `size` or at `size` with another root;
        `PIN_UNAVAILABLE` if it cannot be written, after which this object writes no more, because what a failed flush
        left on disk is unknown.
        """
        pin = Pin(size, root)
        if size < 0 or len(root) != HASH_BYTES:
            raise ValueError("a pin is a size and a root of 32 bytes")
        if pin == self.newest:
            return
        if self.newest is not None and size <= self.newest.size:
            raise StoreError("PIN_REGRESSION", path=str(self.path), pinned=self.newest.size, size=size)
        if self._broken:
            raise StoreError("PIN_UNAVAILABLE", path=str(self.path), reason="an earlier write failed")
        try:
            self._write(pin)
        except OSError as error:
            self._broken = True
            raise StoreError("PIN_UNAVAILABLE", path=str(self.path), reason=str(error.strerror)) from None
        self.newest = pin

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> None:
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            slots = os.pread(self._descriptor, FILE_BYTES, 0)
        except OSError as error:
            raise StoreError("PIN_UNAVAILABLE", path=str(self.path), reason=str(error.strerror)) from None
        # The slot that does not hold the newest pin is the next to be written.
        self._next_offset = SLOT_BYTES if _parse(slots[:SLOT_BYTES]) == self.newest else 0

    def _write(self, pin: Pin) -> None:
        slot = _encode(pin)
        if self._descriptor is None:
            _create(self.path, slot + _EMPTY_SLOT)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            self._next_offset = SLOT_BYTES
            return
        if os.pwrite(self._descriptor, slot, self._next_offset) != SLOT_BYTES:
            raise OSError(0, "short write")
        os.fdatasync(self._descriptor)
        self._next_offset = SLOT_BYTES - self._next_offset


def _create(path: Path, content: bytes) -> None:
    """Make the file appear whole or not at all."""
    temporary = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    # A link, not a rename: it never replaces a pin that somebody else made meanwhile.
    os.link(temporary, path)
    temporary.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _encode(pin: Pin) -> bytes:
    line = b"%b %d %b" % (_HEADER, pin.size, pin.root.hex().encode())
    return (b"%b %b\n" % (line, sha256(line).hexdigest().encode())).ljust(SLOT_BYTES, b"\x00")


def _parse(slot: bytes) -> Pin | None:
    """Read one slot; None unless it is exactly what `_encode` writes."""
    parts = slot.split(b" ")
    if len(parts) != 4 or not parts[1].isdigit() or len(parts[1]) > 19:
        return None
    try:
        pin = Pin(int(parts[1]), bytes.fromhex(parts[2].decode()))
    except ValueError:
        return None
    return pin if len(pin.root) == HASH_BYTES and _encode(pin) == slot else None


def _newest(content: bytes) -> Pin | None:
    """Return the newer whole slot of a pin file; None if it has none or its slots contradict each other."""
    if len(content) != FILE_BYTES:
        return None
    pins = [pin for pin in (_parse(content[:SLOT_BYTES]), _parse(content[SLOT_BYTES:])) if pin is not None]
    if not pins or (len(pins) == 2 and pins[0].size == pins[1].size):
        return None
    return max(pins)
