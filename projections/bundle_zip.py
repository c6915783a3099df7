"""The one zip file that holds given files: stored, names ascending, one date, nothing between, before or behind.

Every byte follows from the names and contents (PKWARE's format, zip64 fields only where a number needs them), so that
two exports are the same file exactly if they hold the same, and a changed byte anywhere is found. Other tools open it.
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from os import SEEK_END
from typing import BinaryIO, TypeAlias
from zlib import crc32

from ledger.errors import MalformedError, VerificationError

CHUNK = 1 << 20
MOST_NAME = 200
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")
_MOST16, _MOST32 = 0xFFFF, 0xFFFFFFFF
_DATE = 1 << 5 | 1  # 1980-01-01, the earliest that the format knows
_UNIX, _VERSION, _VERSION64 = 3 << 8, 20, 45
_MODE = 0o100644 << 16

Contents: TypeAlias = Callable[[], Iterable[bytes]]
"""Gives the bytes of a file in parts, from the beginning each time it is called."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the zip: its name, CRC-32, length in bytes, and where its local header begins."""

    name: str
    crc: int
    size: int
    offset: int

    def local(self) -> bytes:
        """Return the header before the file's bytes."""
        extra = struct.pack("<2H2Q", 1, 16, self.size, self.size) if self.size >= _MOST32 else b""
        size, needed = min(self.size, _MOST32), _VERSION64 if extra else _VERSION
        name = self.name.encode()
        fixed = _LOCAL.pack(b"PK\3\4", needed, 0, 0, 0, _DATE, self.crc, size, size, len(name), len(extra))
        return fixed + name + extra

    def central(self) -> bytes:
        """Return the file's line in the directory."""
        wide = [self.size, self.size] if self.size >= _MOST32 else []
        wide += [self.offset] if self.offset >= _MOST32 else []
        extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        size, needed = min(self.size, _MOST32), _VERSION64 if wide else _VERSION
        name, offset = self.name.encode(), min(self.offset, _MOST32)
        numbers = needed, 0, 0, 0, _DATE, self.crc, size, size, len(name), len(extra), 0, 0, 0, _MODE, offset
        return _CENTRAL.pack(b"PK\1\2", _UNIX | needed, *numbers) + name + extra

    @property
    def start(self) -> int:
        """Where the file's bytes begin."""
        return self.offset + len(self.local())

    @property
    def stop(self) -> int:
        """Where they end, and whatever follows begins."""
        return self.start + self.size


def is_member_name(name: str) -> bool:
    """Say whether a file of an export may have this name: plain ASCII, relative, no hidden part, not too long."""
    return len(name) <= MOST_NAME and _NAME.fullmatch(name) is not None


def _end(count: int, size: int, offset: int) -> bytes:
    """Return what stands behind a directory of `count` lines and `size` bytes that begins at `offset`."""
    wide = b""
    if count >= _MOST16 or size >= _MOST32 or offset >= _MOST32:
        record = _END64.pack(
            b"PK\6\6", _END64.size - 12, _UNIX | _VERSION64, _VERSION64, 0, 0, count, count, size, offset
        )
        wide = record + _LOCATOR.pack(b"PK\6\7", 0, offset + size, 1)
    few = min(count, _MOST16)
    return wide + _END.pack(b"PK\5\6", 0, 0, few, few, min(size, _MOST32), min(offset, _MOST32), 0)


def write_zip(out: BinaryIO, files: Iterable[tuple[str, Contents]]) -> None:
    """Write `files`, each a name and its contents, in ascending order of their names, to an empty file.

    Contents are read twice: length and checksum stand before them. Raises `ValueError` for a name that cannot be one.
    """
    members: list[Member] = []
    for name, contents in files:
        if not is_member_name(name) or (members and name <= members[-1].name):
            raise ValueError(f"the name {name!r}")
        crc = size = 0
        for part in contents():
            crc, size = crc32(part, crc), size + len(part)
        member = Member(name, crc, size, members[-1].stop if members else 0)
        out.write(member.local())
        for part in contents():
            out.write(part)
        members.append(member)
    offset = members[-1].stop if members else 0
    size = sum(out.write(member.central()) for member in members)
    out.write(_end(len(members), size, offset))


class CanonicalZip:
    """A zip that `write_zip` made, its directory read and every byte outside the files' contents compared.

    `members` are its files by name, in their order. Raises `MalformedError` `ZIP_MALFORMED` for any other zip.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Read the directory of an open file, which must stay open while contents are read."""
        self._file = file
        length = file.seek(0, SEEK_END)
        count, size, offset = self._read_end(length)
        behind = _end(count, size, offset)
        if offset + size + len(behind) != length or self._at(offset + size, len(behind)) != behind:
            raise MalformedError("ZIP_MALFORMED", where="end")
        self.members = {member.name: member for member in self._directory(count, offset, offset + size)}
        if len(self.members) != count:
            raise MalformedError("ZIP_MALFORMED", where="names")
        self._check_places(offset)

    def _at(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def _read_end(self, length: int) -> tuple[int, int, int]:
        """Return number of lines, length and place of the directory, as the end states them."""
        last = self._at(max(0, length - _END.size), _END.size)
        if len(last) != _END.size:
            raise MalformedError("ZIP_MALFORMED", where="end")
        _, _, _, _, count, size, offset, _ = _END.unpack(last)
        if count == _MOST16 or _MOST32 in (size, offset):
            begin = length - _END.size - _LOCATOR.size - _END64.size
            record = self._at(max(0, begin), _END64.size)
            if len(record) == _END64.size:
                *_, count, size, offset = _END64.unpack(record)
        if offset + size > length or count * _CENTRAL.size > size:
            raise MalformedError("ZIP_MALFORMED", where="end")
        return count, size, offset

    def _directory(self, count: int, start: int, stop: int) -> Iterator[Member]:
        self._file.seek(start)
        last = ""
        for _ in range(count):
            member = _read_line(self._file)
            if member.name <= last:
                raise MalformedError("ZIP_MALFORMED", where="names")
            last = member.name
            yield member
        if self._file.tell() != stop:
            raise MalformedError("ZIP_MALFORMED", where="directory")

    def _check_places(self, directory: int) -> None:
        """Every file follows the one before it, from the first byte to the directory, behind its own header."""
        place = 0
        for member in self.members.values():
            local = member.local()
            if member.offset != place or self._at(place, len(local)) != local:
                raise MalformedError("ZIP_MALFORMED", where=member.name)
            place = member.stop
        if place != directory:
            raise MalformedError("ZIP_MALFORMED", where="directory")

    def read(self, name: str) -> Iterator[bytes]:
        """Give a file's bytes in parts; raises `VerificationError` `ZIP_ALTERED` behind the last if they do not fit."""
        member = self.members[name]
        crc, place = 0, member.start
        while place < member.stop:
            part = self._at(place, min(CHUNK, member.stop - place))
            if not part:
                raise VerificationError("ZIP_ALTERED", file=name)
            crc, place = crc32(part, crc), place + len(part)
            yield part
        if crc != member.crc:
            raise VerificationError("ZIP_ALTERED", file=name)


def _read_line(file: BinaryIO) -> Member:
    """Read one line of the directory, in its one spelling."""
    fixed = file.read(_CENTRAL.size)
    if len(fixed) != _CENTRAL.size:
        raise MalformedError("ZIP_MALFORMED", where="directory")
    fields = _CENTRAL.unpack(fixed)
    crc, size, offset, names, extras = fields[7], fields[9], fields[16], fields[10], fields[11]
    if names > MOST_NAME or extras > 28 or extras % 8 not in (0, 4):
        raise MalformedError("ZIP_MALFORMED", where="directory")
    name, extra = file.read(names), file.read(extras)
    wide = list(struct.unpack(f"<{len(extra) // 8}Q", extra[4:])) if len(extra) % 8 == 4 else []
    if size == _MOST32 and len(wide) >= 2:
        size, _, *wide = wide
    if offset == _MOST32 and wide:
        offset = wide[0]
    text = name.decode("ascii", "replace")
    member = Member(text, crc, size, offset)
    if not is_member_name(text) or member.central() != fixed + name + extra:
        raise MalformedError("ZIP_MALFORMED", where="directory")
    return member
