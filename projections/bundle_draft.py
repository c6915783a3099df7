"""A folder that is being filled, file by file, each with its length and digest, until it is whole and gets its name."""

import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ledger import canonical
from ledger.errors import StoreError
from projections.bundle_zip import CHUNK, write_zip

CORE = "core/"
MANIFEST = "manifest.json"


class FileLine(NamedTuple):
    """A file of an export as its manifest lists it: path, length in bytes, SHA-256 in lower-case hexadecimal."""

    path: str
    size: int
    sha256: str


class Draft:
    """An export that is not whole yet."""

    def __init__(self, folder: Path) -> None:
        """Write into `folder`, which is there and empty."""
        self.folder = folder
        self.files: list[FileLine] = []

    def put(self, path: str, parts: Iterable[bytes]) -> None:
        """Write one more file, given in parts."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, size = sha256(), 0
        with target.open("xb") as file:
            for part in parts:
                digest.update(part)
                size += file.write(part)
        self.files.append(FileLine(path, size, digest.hexdigest()))

    def put_json(self, path: str, value: canonical.Json) -> None:
        """Write canonical JSON and a line feed."""
        self.put(path, (canonical.encode(value), b"\n"))

    def listed(self, folder: str = "") -> list[list[str | int]]:
        """Return the lines of the files below `folder`, by path."""
        return [list(line) for line in sorted(self.files) if line.path.startswith(folder)]


@contextmanager
def drafting(target: Path, private: bool) -> Iterator[Draft]:
    """Give a draft that becomes `target`, a zip if that ends in `.zip`, if all goes well; else nothing is left behind.

    Nobody but the owner may read a `private` one. Raises `StoreError`: `EXPORT_EXISTS` if there is something at
    `target`, `EXPORT_NOT_WRITTEN`.
    """
    beside = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    packed = beside.with_name(f"{beside.name}.packed")
    try:
        _refuse_existing(target)
        beside.mkdir(mode=0o700, parents=True)
        draft = Draft(beside)
        yield draft
        whole = beside
        if target.suffix == ".zip":
            _pack(draft, packed)
            whole = packed
        whole.chmod((0o700 if private else 0o755) & (0o666 if whole is packed else 0o777))
        _refuse_existing(target)
        whole.rename(target)
    except OSError as error:
        raise StoreError("EXPORT_NOT_WRITTEN", reason=error.strerror or type(error).__name__) from None
    finally:
        packed.unlink(missing_ok=True)
        shutil.rmtree(beside, ignore_errors=True)


def _refuse_existing(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise StoreError("EXPORT_EXISTS", path=str(target))


def _pack(draft: Draft, target: Path) -> None:
    def contents(path: str) -> Iterator[bytes]:
        with (draft.folder / path).open("rb") as file:
            while part := file.read(CHUNK):
                yield part

    with target.open("xb") as out:
        write_zip(out, [(line.path, lambda path=line.path: contents(path)) for line in sorted(draft.files)])  # type: ignore[misc]
