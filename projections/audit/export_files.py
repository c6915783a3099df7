"""The files of an export, read from a folder or a zip alike, each byte counted and hashed as it is read.

Nothing of what an export says about itself is used here. A folder is read without following links; a zip must be the
one that holds exactly its files. What is read once need not be read again to know its length and digest.
"""

import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol

from ledger.errors import LedgerError, StoreError
from projections.bundle_zip import CanonicalZip, is_member_name

PART = 1 << 20
MOST_FILES = 2_000_000
MOST_WHOLE = 1 << 28
"""No file that is held in memory as a whole is longer: bundles are at most 16 MiB, manifests grow with them."""


class Content(NamedTuple):
    """What a file was found to hold: its length in bytes and its SHA-256 in lower-case hexadecimal."""

    size: int
    sha256: str


class _Files(Protocol):
    names: frozenset[str]
    strange: tuple[str, ...]

    def parts(self, name: str) -> Iterator[bytes]:
        """Give a file's bytes in parts."""

    def close(self) -> None:
        """Let go of what is open."""


class _Folder:
    """The files below a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        names: list[str] = []
        strange: list[str] = []
        for name, ordinary in self._walk(path, ""):
            (names if ordinary and is_member_name(name) else strange).append(name)
            if len(names) > MOST_FILES:
                raise StoreError("EXPORT_UNREADABLE", path=str(path), reason="files")
        self.names, self.strange = frozenset(names), tuple(sorted(strange))

    def _walk(self, folder: Path, below: str) -> Iterator[tuple[str, bool]]:
        for one in folder.iterdir():
            mode = one.lstat().st_mode
            if stat.S_ISDIR(mode):
                yield from self._walk(one, f"{below}{one.name}/")
            else:
                yield f"{below}{one.name}", stat.S_ISREG(mode)

    def parts(self, name: str) -> Iterator[bytes]:
        with (self._path / name).open("rb") as file:
            while part := file.read(PART):
                yield part

    def close(self) -> None:
        """Files are open only while they are read."""


class _Zip:
    """The files in a zip."""

    strange: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            self._zip = CanonicalZip(self._file)
        except BaseException:
            self._file.close()
            raise
        self.names = frozenset(self._zip.members)

    def parts(self, name: str) -> Iterator[bytes]:
        return self._zip.read(name)

    def close(self) -> None:
        self._file.close()


class ExportFiles:
    """An export's files by name, and what those read so far were found to hold."""

    def __init__(self, path: Path) -> None:
        """Open a folder or a zip. Raises `StoreError` `EXPORT_UNREADABLE`, or `MalformedError` `ZIP_MALFORMED`."""
        try:
            self._files: _Files = _Folder(path) if path.is_dir() else _Zip(path)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StoreError("EXPORT_UNREADABLE", path=str(path), reason=reason) from None
        self.path = path
        self.names = self._files.names
        self.strange = self._files.strange
        """Names that no file of an export may have, and what is no file."""
        self.found: dict[str, Content] = {}
        self.broken: dict[str, str] = {}
        """Files that could not be read to their end, and why."""

    def __enter__(self) -> "ExportFiles":
        """Return the files."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close what is open."""
        self._files.close()

    def read(self, name: str, most: int = MOST_WHOLE) -> bytes | None:
        """Return a whole file; None where there is none, or it cannot be read or is longer than `most`."""
        parts, size = [], 0
        for part in self.parts(name):
            size += len(part)
            if size <= most:
                parts.append(part)
        return None if size > most or name not in self.found else b"".join(parts)

    def parts(self, name: str) -> Iterator[bytes]:
        """Give a file's bytes in parts; what cannot be read is noted in `broken`, and nothing more comes."""
        if name not in self.names:
            return
        digest, size = sha256(), 0
        try:
            for part in self._files.parts(name):
                digest.update(part)
                size += len(part)
                yield part
        except OSError as error:
            self.broken[name] = error.strerror or type(error).__name__
        except LedgerError as error:
            self.broken[name] = error.code
        else:
            self.found[name] = Content(size, digest.hexdigest())

    def content(self, name: str) -> Content | None:
        """Return what a file holds, reading it if it was not read before; None if there is none or it is broken."""
        if name not in self.found and name not in self.broken:
            for _ in self.parts(name):
                pass
        return self.found.get(name)


def is_export(path: Path) -> bool:
    """Say whether a path looks like an export: a folder or a zip with a manifest."""
    if path.is_dir():
        return (path / "manifest.json").exists() or (path / "core").is_dir()
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError:
        return False
