"""Whatever shows a checkpoint, opened for comparison: a note, a receipt, an export, a published folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ledger import receipt
from ledger.checkpoint import MAX_NOTE_BYTES, parse_checkpoint, parse_note
from ledger.errors import MalformedError, StoreError
from ledger.merkle import GetNode
from ledger.tiles import FULL, TileAddress, nodes_in_tiles
from projections.bundle_zip import CanonicalZip
from projections.comparing import EVIDENCE_HEADER

_MOST_TILE_BYTES = FULL * 32
_MOST_FILE_BYTES = 4 * MAX_NOTE_BYTES
_PLACES = ("core/", "")
"""Where an export and a published folder keep checkpoint and tiles."""

Read = Callable[[str, int], bytes | None]
"""Returns a file of at most so many bytes by its path, None where there is none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a path shows: a signed note, not verified yet, and the nodes of its tree where tiles are there."""

    note: bytes
    get_node: GetNode | None = None


@contextmanager
def showing(path: Path) -> Iterator[Shown]:
    """Open what shows a checkpoint; nothing is verified.

    Raises `StoreError` `FILE_UNREADABLE`; `MalformedError` `COMPARE_UNKNOWN` for what is none of them, or what the
    parsers of a note, a receipt and a zip raise.
    """
    try:
        if path.is_dir():
            yield _tree(path, lambda name, most: _read(path / name, most))
            return
        with path.open("rb") as file:
            if file.read(2) != b"PK":
                file.seek(0)
                yield Shown(_note_in(file.read(_MOST_FILE_BYTES)))
                return
            packed = CanonicalZip(file)
            yield _tree(path, lambda name, most: _unzip(packed, name, most))
    except OSError as error:
        raise StoreError("FILE_UNREADABLE", path=str(path), reason=error.strerror or "-") from None


def is_evidence(path: Path) -> bool:
    """Say whether a file is evidence of a split view."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(EVIDENCE_HEADER)) == EVIDENCE_HEADER
    return False


def read_evidence(path: Path) -> bytes:
    """Return such a file's bytes. Raises `StoreError` `FILE_UNREADABLE`."""
    data = _read(path, _MOST_FILE_BYTES)
    if data is None:
        raise StoreError("FILE_UNREADABLE", path=str(path), reason="-")
    return data


def _note_in(data: bytes) -> bytes:
    return receipt.parse(data).checkpoint_note if data.startswith(receipt.HEADER) else data


def _tree(path: Path, read: Read) -> Shown:
    for place in _PLACES:
        note = read(place + "checkpoint", MAX_NOTE_BYTES)
        if note is not None:
            size = parse_checkpoint(parse_note(note).text).size
            return Shown(note, nodes_in_tiles(size, lambda address, place=place: _tile(read, place, address)))  # type: ignore[misc]
    raise MalformedError("COMPARE_UNKNOWN", path=str(path))


def _tile(read: Read, place: str, address: TileAddress) -> bytes:
    """Return a tile; where a partial one was given up for the full one, its beginning."""
    data = read(place + address.path, _MOST_TILE_BYTES)
    if data is None and address.partial:
        data = read(place + address.full.path, _MOST_TILE_BYTES)
        data = data[: address.width * 32] if data is not None else None
    if data is None or len(data) != address.width * 32:
        raise MalformedError("TILE_MALFORMED", where=address.path)
    return data


def _read(path: Path, most: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return data if len(data) <= most else None


def _unzip(packed: CanonicalZip, name: str, most: int) -> bytes | None:
    member = packed.members.get(name)
    return b"".join(packed.read(name)) if member is not None and member.size <= most else None
