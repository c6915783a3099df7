"""Tiles of a log (C2SP tlog-tiles): their paths, which a tree has, and their bytes, read and written strictly.

A tile is up to 256 neighbouring hashes of one level in eight: those of level L cover 256^L leaves each. Full tiles
never change; the last tile of a level is *partial*, and its width stands in its path: no path ever gets other bytes.
The n-th entry bundle holds, entry by entry, what the n-th tile of level 0 holds the hashes of. In a bundle for readers
who may not see everything a hidden entry has length 0, which no real entry has.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ledger.checkpoint import MAX_SIZE
from ledger.errors import MalformedError
from ledger.merkle import HASH_BYTES, Address, GetNode, tree_root

HEIGHT = 8
"""Levels of the tree that one level of tiles stands for."""
FULL = 1 << HEIGHT
"""Hashes in a full tile, and entries in a full bundle."""
MAX_LEVEL = 7
"""The highest level at which a tree of fewer than 2^63 leaves has a tile."""
MAX_ENTRY_BYTES = 65_535
"""The longest entry whose length a bundle can give."""

ENTRIES: Final = "entries"
Level: TypeAlias = int | Literal["entries"]
"""The level of a tile of hashes, or the place of the entry bundles."""

_MAX_PATH_CHARACTERS = 64
_PATH = re.compile(r"tile/(entries|[0-9])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class TileAddress:
    """Which tile: its level, its number within the level and how many hashes (or entries) it holds, 1 to 256.

    Raises `MalformedError` `TILE_MALFORMED` for a tile that no tree of fewer than 2^63 leaves has.
    """

    level: Level
    index: int
    width: int = FULL

    def __post_init__(self) -> None:
        if not 0 <= self.height // HEIGHT <= MAX_LEVEL or self.index < 0 or not 1 <= self.width <= FULL:
            raise MalformedError("TILE_MALFORMED", where="address")
        if self.leaves > MAX_SIZE:
            raise MalformedError("TILE_MALFORMED", where="address")

    @property
    def height(self) -> int:
        """The level in the tree of what the tile holds: 0 for leaf hashes and entries, 8 for the next tiles."""
        return 0 if self.level == ENTRIES else HEIGHT * self.level

    @property
    def first(self) -> int:
        """The index, at the tile's own level of the tree, of the first it holds."""
        return self.index * FULL

    @property
    def leaves(self) -> int:
        """How many leaves a tree must have for the tile to be there."""
        return (self.first + self.width) << self.height

    @property
    def partial(self) -> bool:
        """Whether the tile is the narrower last one of some tree."""
        return self.width < FULL

    @property
    def full(self) -> "TileAddress":
        """The tile that will have taken this one's place when the tree has grown."""
        return TileAddress(self.level, self.index)

    @property
    def path(self) -> str:
        """Where the tile is served below the log's prefix, such as `tile/0/x001/x234/067.p/112`."""
        suffix = f".p/{self.width}" if self.partial else ""
        return f"tile/{self.level}/{number_path(self.index)}{suffix}"


def number_path(number: int) -> str:
    """Return a number as groups of three digits, all but the last marked by `x`: 1234067 is `x001/x234/067`."""
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03}")
    return "/".join(reversed(groups))


def parse_number(text: str) -> int | None:
    """Read what `number_path` writes. None if it is anything else."""
    digits = text.replace("x", "").replace("/", "")
    if len(text) > _MAX_PATH_CHARACTERS or not (digits.isascii() and digits.isdigit()):
        return None
    number = int(digits)
    return number if number_path(number) == text else None


def parse_path(path: str) -> TileAddress | None:
    """Read the path of a tile in its one spelling. None if it is anything else."""
    match = _PATH.fullmatch(path) if len(path) <= _MAX_PATH_CHARACTERS else None
    number = parse_number(match[2]) if match else None
    if match is None or number is None:
        return None
    level: Level = ENTRIES if match[1] == ENTRIES else int(match[1])
    try:
        address = TileAddress(level, number, int(match[3] or FULL))
    except MalformedError:
        return None
    # A full tile is not asked for as a partial one.
    return address if address.path == path else None


def tiles_of(size: int) -> Iterator[TileAddress]:
    """Name every tile of a tree of `size` leaves: entry bundles first, then the levels upwards, partial ones last."""
    return new_tiles(0, size)


def new_tiles(old_size: int, new_size: int) -> Iterator[TileAddress]:
    """Name the tiles that a tree of `new_size` leaves has and the tree of its first `old_size` leaves has not."""
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        raise ValueError(f"a tree of {old_size} leaves is no prefix of one of {new_size}")
    levels: tuple[Level, ...] = (ENTRIES, *range(MAX_LEVEL + 1))
    for level in levels:
        height = 0 if level == ENTRIES else HEIGHT * level
        old, new = old_size >> height, new_size >> height
        yield from (TileAddress(level, index) for index in range(old // FULL, new // FULL))
        if new % FULL and new != old:
            yield TileAddress(level, new // FULL, new % FULL)


def tile_nodes(address: TileAddress) -> list[Address]:
    """Name the nodes whose hashes a tile holds, so that a store can fetch them in one query."""
    return [(address.height, index) for index in range(address.first, address.first + address.width)]


def tile_at(level: int, index: int, size: int) -> TileAddress:
    """Return the tile of a tree of `size` leaves that holds hash number `index` of tile level `level`.

    Raises `MalformedError` `TILE_MALFORMED` if that tree has no such hash.
    """
    held = size >> HEIGHT * level
    if not 0 <= index < held:
        raise MalformedError("TILE_MALFORMED", where="address")
    return TileAddress(level, index // FULL, min(FULL, held - index // FULL * FULL))


def nodes_in_tiles(size: int, read_tile: Callable[[TileAddress], bytes]) -> GetNode:
    """Give the complete nodes of a tree of `size` leaves from its tiles alone, as a reader of them does.

    What a tile of level 1 and more says is taken as it is; it is proved by the root that follows from it.
    """

    def get_node(level: int, index: int) -> bytes:
        tile_level, above = divmod(level, HEIGHT)
        first = index << above
        hashes = hashes_of(read_tile(tile_at(tile_level, first, size)))
        return tree_root(hashes[first % FULL : first % FULL + (1 << above)])

    return get_node


def tile_bytes(address: TileAddress, get_node: GetNode) -> bytes:
    """Return the bytes of a tile of hashes. Raises `ValueError` for an entry bundle, which has no hashes."""
    if address.level == ENTRIES:
        raise ValueError("an entry bundle is made of entries")
    return b"".join(get_node(*node) for node in tile_nodes(address))


def hashes_of(data: bytes) -> tuple[bytes, ...]:
    """Return the hashes that a tile holds. Raises `MalformedError` `TILE_MALFORMED` unless they are 1 to 256."""
    count, rest = divmod(len(data), HASH_BYTES)
    if rest or not 1 <= count <= FULL:
        raise MalformedError("TILE_MALFORMED", where="length")
    return tuple(data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES))


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return the bytes of an entry bundle: each entry after its length in two bytes, 1 to 256 entries.

    A hidden entry is given as no bytes. Raises `MalformedError` `TILE_MALFORMED`.
    """
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise MalformedError("TILE_MALFORMED", where="entry length")
        parts.append(len(entry).to_bytes(2, "big") + entry)
    if not 1 <= len(parts) <= FULL:
        raise MalformedError("TILE_MALFORMED", where="count")
    return b"".join(parts)


def entries_of(data: bytes) -> tuple[bytes, ...]:
    """Return the entries of a bundle, hidden ones as no bytes. Raises `MalformedError` `TILE_MALFORMED`."""
    entries: list[bytes] = []
    start = 0
    while start < len(data):
        begin = start + 2
        end = begin + int.from_bytes(data[start:begin], "big")
        if begin > len(data) or end > len(data):
            raise MalformedError("TILE_MALFORMED", where="entry length")
        entries.append(data[begin:end])
        start = end
        if len(entries) > FULL:
            break
    if not 1 <= len(entries) <= FULL:
        raise MalformedError("TILE_MALFORMED", where="count")
    return tuple(entries)
