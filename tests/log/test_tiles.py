"""Tiles against tlog-tiles' own examples and a model that lists every hash of every tile the slow way."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle, tiles
from ledger.checkpoint import MAX_SIZE
from ledger.errors import MalformedError
from ledger.tiles import ENTRIES, TileAddress

SIZES = st.integers(0, 1 << 20) | st.integers(0, MAX_SIZE).map(lambda size: size & ~0xFFFF | size % 7)
FEW = st.integers(0, 70_000)


def naive_tiles(size: int) -> dict[tuple[int | str, int], int]:
    """Every tile and its width, counted hash by hash of each level."""
    found: dict[tuple[int | str, int], int] = {}
    level, count = 0, size
    while count:
        for index in range(0, count, 256):
            found[level, index // 256] = min(256, count - index)
            if level == 0:
                found[ENTRIES, index // 256] = min(256, count - index)
        level, count = level + 1, count // 256
    return found


def naive_number(number: int) -> str:
    digits = f"{number}"
    digits = "0" * (-len(digits) % 3) + digits
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    return "/".join([*("x" + group for group in groups[:-1]), groups[-1]])


@pytest.mark.parametrize(
    ("address", "path"),
    [
        (TileAddress(0, 0), "tile/0/000"),
        (TileAddress(0, 1_234_067), "tile/0/x001/x234/067"),
        (TileAddress(0, 273, 112), "tile/0/273.p/112"),
        (TileAddress(2, 0, 1), "tile/2/000.p/1"),
        (TileAddress(ENTRIES, 1_234_067, 255), "tile/entries/x001/x234/067.p/255"),
        (TileAddress(ENTRIES, 999), "tile/entries/999"),
        (TileAddress(1, 1000), "tile/1/x001/000"),
        (TileAddress(7, 0, 127), "tile/7/000.p/127"),
        (TileAddress(0, (1 << 55) - 1, 255), "tile/0/x036/x028/x797/x018/x963/967.p/255"),
    ],
)
def test_paths(address: TileAddress, path: str) -> None:
    assert address.path == path
    assert tiles.parse_path(path) == address


def test_a_partial_tile_gives_way_to_the_full_one() -> None:
    narrow = TileAddress(0, 273, 112)
    assert (narrow.partial, narrow.full.partial) == (True, False)
    assert narrow.full.path == "tile/0/273"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/000/000",
        "tile/0/x001/x000",
        "tile/0/001x/000",
        "tile/0/X001/000",
        "tile/00/000",
        "tile/01/000",
        "tile/-1/000",
        "tile/8/000.p/1",
        "tile/63/000.p/1",
        "tile/7/000",
        "tile/7/000.p/128",
        "tile/0/000.p/0",
        "tile/0/000.p/00",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1000",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "tile/0/000/",
        "/tile/0/000",
        "tile//000",
        "tile/0/../000",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/1_0",
        "tile/data/000",
        "tile/entries/0",
        "TILE/0/000",
        "tile/0/x036/x028/x797/x018/x963/968",
        "tile/0/" + "x999/" * 40 + "000",
        "tile/0/" + "0" * 5000,
    ],
)
def test_every_other_spelling_is_no_path(path: str) -> None:
    assert tiles.parse_path(path) is None


@given(st.text("tile/0123456789xentries.p", max_size=30))
def test_what_parses_is_spelled_that_way(path: str) -> None:
    address = tiles.parse_path(path)
    assert address is None or address.path == path


@given(st.integers(0, 10**19))
def test_numbers_are_grouped(number: int) -> None:
    assert tiles.number_path(number) == naive_number(number)
    assert tiles.parse_number(naive_number(number)) == number


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(-1, 0, 1), (8, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257), (7, 0, 256), (ENTRIES, 1 << 55, 1)],
)
def test_tiles_that_no_tree_has(level: tiles.Level, index: int, width: int) -> None:
    with pytest.raises(MalformedError, match=r"TILE_MALFORMED \(where=address\)"):
        TileAddress(level, index, width)


@given(FEW)
def test_the_tiles_of_a_tree(size: int) -> None:
    found = list(tiles.tiles_of(size))
    assert {(one.level, one.index): one.width for one in found} == naive_tiles(size)
    assert len(found) == len({one.path for one in found}) == len(naive_tiles(size))
    assert all(tiles.parse_path(one.path) == one for one in found)
    assert max((one.leaves for one in found), default=0) == size


def test_the_widths_of_the_specification() -> None:
    partial = {one.level: one.width for one in tiles.tiles_of(70_000) if one.partial}
    assert partial == {ENTRIES: 112, 0: 112, 1: 17, 2: 1}
    assert sum(not one.partial for one in tiles.tiles_of(70_000)) == 273 + 273 + 1
    assert [one.path for one in tiles.tiles_of(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    assert list(tiles.tiles_of(0)) == []


@given(FEW, FEW)
def test_new_tiles_are_those_the_smaller_tree_has_not(one: int, other: int) -> None:
    old, new = sorted((one, other))
    before, after, fresh = (
        set(found) for found in (tiles.tiles_of(old), tiles.tiles_of(new), tiles.new_tiles(old, new))
    )
    assert fresh == after - before


@given(SIZES, st.integers(0, 600))
def test_few_new_entries_make_few_new_tiles(old: int, more: int) -> None:
    new = min(old + more, MAX_SIZE)
    fresh = list(tiles.new_tiles(old, new))
    assert len(fresh) <= 2 * (more // 256 + 2) + 2 * tiles.MAX_LEVEL
    assert all(old < one.leaves <= new for one in fresh)


def test_sizes_that_are_no_tree() -> None:
    for old, new in ((2, 1), (-1, 0), (0, MAX_SIZE + 1)):
        with pytest.raises(ValueError, match="is no prefix"):
            list(tiles.new_tiles(old, new))


class Grown:
    """A tree of numbered entries with every node it ever completed."""

    def __init__(self, size: int) -> None:
        """Append the entries one by one."""
        self.entries = [b"entry-%d" % index for index in range(size)]
        frontier = merkle.Frontier()
        grown = [node for entry in self.entries for node in frontier.append(merkle.leaf_hash(entry))]
        self.nodes = {(level, index): value for level, index, value in grown}

    def get_node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]


GROWN = Grown(1300)


@given(st.integers(0, 1300))
def test_a_tree_is_recomputed_from_its_tiles_and_bundles(size: int) -> None:
    leaves: list[bytes] = []
    for address in tiles.tiles_of(size):
        if address.level == ENTRIES:
            last = address.first + address.width
            data = tiles.bundle(GROWN.entries[address.first : last])
            entries = tiles.entries_of(data)
            assert entries == tuple(GROWN.entries[address.first : last])
            leaves += [merkle.leaf_hash(entry) for entry in entries]
            continue
        hashes = tiles.hashes_of(tiles.tile_bytes(address, GROWN.get_node))
        below = 1 << address.height
        spans = [
            (place * below, place * below + below) for place in range(address.first, address.first + address.width)
        ]
        assert hashes == tuple(merkle.tree_root(leaves[start:stop]) for start, stop in spans)
        assert set(tiles.tile_nodes(address)) <= GROWN.nodes.keys()
    assert merkle.tree_root(leaves) == merkle.root_at(size, GROWN.get_node)


@given(st.integers(1, 1300), st.data())
def test_a_reader_proves_everything_from_tiles_alone(size: int, data: st.DataObject) -> None:
    read: set[TileAddress] = set()

    def read_tile(address: TileAddress) -> bytes:
        read.add(address)
        return tiles.tile_bytes(address, GROWN.get_node)

    get_node = tiles.nodes_in_tiles(size, read_tile)
    root = merkle.root_at(size, get_node)
    assert root == merkle.root_at(size, GROWN.get_node)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    path = merkle.inclusion_proof(index, size, get_node)
    assert merkle.verify_inclusion(index, size, merkle.leaf_hash(GROWN.entries[index]), path, root)
    old_root = merkle.root_at(old, GROWN.get_node)
    assert merkle.verify_consistency(old, size, old_root, root, merkle.consistency_proof(old, size, get_node))
    assert read <= set(tiles.tiles_of(size))


@pytest.mark.parametrize(("level", "index", "size"), [(0, 5, 5), (0, -1, 5), (1, 1, 511), (8, 0, MAX_SIZE)])
def test_hashes_that_a_tree_has_not(level: int, index: int, size: int) -> None:
    with pytest.raises(MalformedError, match="TILE_MALFORMED"):
        tiles.tile_at(level, index, size)


def test_a_bundle_has_no_hashes() -> None:
    with pytest.raises(ValueError, match="made of entries"):
        tiles.tile_bytes(TileAddress(ENTRIES, 0, 1), GROWN.get_node)


@given(st.lists(st.binary(max_size=40) | st.just(b""), min_size=1, max_size=256))
def test_bundles_come_back(entries: list[bytes]) -> None:
    assert tiles.entries_of(tiles.bundle(entries)) == tuple(entries)


@given(st.lists(st.binary(max_size=6), min_size=1, max_size=4), st.data())
def test_a_cut_bundle_is_malformed_or_ends_between_entries(entries: list[bytes], data: st.DataObject) -> None:
    whole = tiles.bundle(entries)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    ends = {len(tiles.bundle(entries[:count])): entries[:count] for count in range(1, len(entries))}
    if len(cut) in ends:
        assert tiles.entries_of(cut) == tuple(ends[len(cut)])
    else:
        with pytest.raises(MalformedError, match="TILE_MALFORMED"):
            tiles.entries_of(cut)


@given(st.binary(max_size=80))
def test_what_is_read_as_a_bundle_is_written_that_way(data: bytes) -> None:
    with suppress(MalformedError):
        assert tiles.bundle(tiles.entries_of(data)) == data


def test_bounds_of_bundles() -> None:
    longest = bytes(tiles.MAX_ENTRY_BYTES)
    assert tiles.entries_of(tiles.bundle([longest] * 2)) == (longest, longest)
    for wrong in ([], [b"a"] * 257, [longest + b"\x00"]):
        with pytest.raises(MalformedError, match="TILE_MALFORMED"):
            tiles.bundle(wrong)
    for data in (b"", bytes(2 * 257), bytes(2 * 100_000)):
        with pytest.raises(MalformedError, match="count"):
            tiles.entries_of(data)


@pytest.mark.parametrize("length", [0, 1, 31, 33, 8191, 8193, 8224, 16384])
def test_tiles_of_other_lengths_are_malformed(length: int) -> None:
    with pytest.raises(MalformedError, match=r"TILE_MALFORMED \(where=length\)"):
        tiles.hashes_of(bytes(length))
