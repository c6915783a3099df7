"""The Merkle tree against RFC 6962's recursive definition, our vectors and proofs made by the Go library."""

import base64
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
GO_VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors" / "go_tlog_proofs_70.json"
OTHER = b"\xee" * 32


class Tree:
    """A tree of `count` numbered leaves with every node it ever completed."""

    def __init__(self, count: int) -> None:
        """Append the leaves one by one."""
        self.leaves = [merkle.leaf_hash(b"entry-%d" % index) for index in range(count)]
        self.nodes: dict[merkle.Address, bytes] = {}
        self.frontier = merkle.Frontier()
        for leaf in self.leaves:
            for level, index, value in self.frontier.append(leaf):
                assert (level, index) not in self.nodes
                self.nodes[level, index] = value

    def get_node(self, level: int, index: int) -> bytes:
        """Give a complete node; an incomplete one is a KeyError."""
        return self.nodes[level, index]


TREE = Tree(70)


def split(count: int) -> int:
    """Find the largest power of two below `count` by trying."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return merkle.EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return merkle.node_hash(mth(leaves[:k]), mth(leaves[k:]))


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, word for word."""
    if len(leaves) <= 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), mth(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), mth(leaves[:k])]


def naive_consistency(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """RFC 6962 section 2.1.2, word for word."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*naive_consistency(m, leaves[:k], whole), mth(leaves[k:])]
    return [*naive_consistency(m - k, leaves[k:], False), mth(leaves[:k])]


def broken_paths(path: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    """Every way of this list to spoil a proof: cut, lengthen, swap, flip a bit, wrong hash length."""
    broken = [path[:cut] for cut in range(len(path))] + [path[cut:] for cut in range(1, len(path))]
    broken += [(*path, OTHER), (OTHER, *path), (*path, *path[-1:]), (*path, b"")]
    for place, value in enumerate(path):
        for wrong in (bytes([value[0] ^ 1]) + value[1:], value[:-1], value + b"\x00"):
            broken.append((*path[:place], wrong, *path[place + 1 :]))
    broken += [(*path[:at], path[at + 1], path[at], *path[at + 2 :]) for at in range(len(path) - 1)]
    return [candidate for candidate in broken if candidate != path]


@pytest.mark.parametrize("size", range(9))
def test_roots_of_the_published_vectors(size: int) -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:size]]
    frontier = merkle.Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    assert frontier.root().hex() == merkle.tree_root(leaves).hex() == ROOTS[size]


def test_leaf_and_node_prefixes_differ() -> None:
    left, right = merkle.leaf_hash(b"l"), merkle.leaf_hash(b"r")
    assert merkle.node_hash(left, right) != merkle.leaf_hash(left + right)


def test_append_reports_each_complete_subtree_once() -> None:
    frontier = merkle.Frontier()
    addresses = [[node[:2] for node in frontier.append(leaf)] for leaf in TREE.leaves[:8]]
    assert addresses[0] == [(0, 0)]
    assert addresses[3] == [(0, 3), (1, 1), (2, 0)]
    assert addresses[7] == [(0, 7), (1, 3), (2, 1), (3, 0)]
    assert len(TREE.nodes) == sum(70 >> level for level in range(7))


def test_a_copy_of_a_frontier_is_independent() -> None:
    frontier = merkle.Frontier()
    frontier.append(TREE.leaves[0])
    kept = frontier.root()
    trial = frontier.copy()
    trial.append(TREE.leaves[1])
    assert (frontier.size, frontier.root()) == (1, kept)
    assert trial.root() == mth(TREE.leaves[:2])


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9, 63, 64, 70])
def test_a_loaded_frontier_goes_on_like_the_original(size: int) -> None:
    loaded = merkle.Frontier.load(size, TREE.get_node)
    assert loaded.root() == merkle.root_at(size, TREE.get_node) == mth(TREE.leaves[:size])
    for leaf in TREE.leaves[size:]:
        loaded.append(leaf)
    assert loaded.root() == TREE.frontier.root()


def test_arguments_out_of_range_are_errors() -> None:
    for index, size in [(-1, 3), (3, 3), (0, 0)]:
        with pytest.raises(ValueError, match="no leaf"):
            merkle.inclusion_proof(index, size, TREE.get_node)
    for old, new in [(-1, 3), (4, 3)]:
        with pytest.raises(ValueError, match="no prefix"):
            merkle.consistency_proof(old, new, TREE.get_node)
    with pytest.raises(ValueError, match="32 bytes"):
        merkle.Frontier().append(b"entry")
    with pytest.raises(ValueError, match="32 bytes"):
        merkle.tree_root([b"entry"])
    for size, peaks in [(3, [OTHER]), (-1, [OTHER])]:
        with pytest.raises(ValueError, match="peaks"):
            merkle.Frontier(size, peaks)


@given(st.integers(0, 70))
def test_plain_list_root_is_the_recursive_definition(size: int) -> None:
    assert merkle.tree_root(iter(TREE.leaves[:size])) == mth(TREE.leaves[:size])


@given(st.integers(1, 70), st.data())
def test_inclusion_proofs_are_the_recursive_definition(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = TREE.leaves[:size]
    read: set[merkle.Address] = set()

    def get_node(level: int, place: int) -> bytes:
        read.add((level, place))
        return TREE.get_node(level, place)

    path = merkle.inclusion_proof(index, size, get_node)
    assert list(path) == naive_path(index, leaves)
    assert read == set(merkle.inclusion_nodes(index, size))
    assert merkle.verify_inclusion(index, size, leaves[index], path, mth(leaves))


@given(st.integers(0, 70), st.data())
def test_consistency_proofs_are_the_recursive_definition(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    path = merkle.consistency_proof(old, new, TREE.get_node)
    assert list(path) == (naive_consistency(old, TREE.leaves[:new]) if old else [])
    assert merkle.verify_consistency(old, new, mth(TREE.leaves[:old]), mth(TREE.leaves[:new]), path)
    if not path:
        assert merkle.consistency_nodes(old, new) == []


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 13, 16, 17, 33, 70])
def test_spoiled_inclusion_proofs_are_rejected(size: int) -> None:
    root = mth(TREE.leaves[:size])
    for index in range(size):
        leaf, path = TREE.leaves[index], merkle.inclusion_proof(index, size, TREE.get_node)
        assert not any(merkle.verify_inclusion(index, size, leaf, broken, root) for broken in broken_paths(path))
        shifted = [other for other in range(-1, size + 2) if other != index]
        assert not any(merkle.verify_inclusion(other, size, leaf, path, root) for other in shifted)
        assert not merkle.verify_inclusion(index, size, OTHER, path, root)
        assert not merkle.verify_inclusion(index, size, leaf, path, OTHER)
        assert not merkle.verify_inclusion(index, size, leaf[:31], path, root)


@pytest.mark.parametrize("new", [1, 2, 3, 5, 7, 8, 13, 16, 17, 33, 70])
def test_spoiled_consistency_proofs_are_rejected(new: int) -> None:
    new_root = mth(TREE.leaves[:new])
    for old in range(new + 1):
        old_root, path = mth(TREE.leaves[:old]), merkle.consistency_proof(old, new, TREE.get_node)
        for broken in broken_paths(path):
            assert not merkle.verify_consistency(old, new, old_root, new_root, broken)
        for other in range(-1, new + 2):
            assert other == old or not merkle.verify_consistency(other, new, old_root, new_root, path)
        assert not merkle.verify_consistency(old, new, OTHER, new_root, path)
        assert old == 0 or not merkle.verify_consistency(old, new, old_root, OTHER, path)


def test_consistency_with_the_empty_tree() -> None:
    root = mth(TREE.leaves[:5])
    assert merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, root, [])
    assert not merkle.verify_consistency(0, 5, OTHER, root, [])
    assert not merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, root, [OTHER])
    assert not merkle.verify_consistency(0, 0, OTHER, OTHER, [])
    assert not merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, OTHER, [])
    assert not merkle.verify_consistency(5, 9, root, mth(TREE.leaves[:9]), [])


def test_a_tree_grown_two_ways_is_not_consistent() -> None:
    fork = merkle.Frontier.load(33, TREE.get_node)
    for leaf in reversed(TREE.leaves[34:]):
        fork.append(leaf)
    path = merkle.consistency_proof(40, 69, TREE.get_node)
    assert merkle.verify_consistency(40, 69, mth(TREE.leaves[:40]), mth(TREE.leaves[:69]), path)
    assert not merkle.verify_consistency(40, 69, mth(TREE.leaves[:40]), fork.root(), path)


def test_long_trees_step_by_step() -> None:
    frontier = merkle.Frontier()
    roots = [frontier.root()]
    for leaf in TREE.leaves:
        frontier.append(leaf)
        roots.append(frontier.root())
    assert roots == [merkle.root_at(size, TREE.get_node) for size in range(71)]
    for (old, old_root), (new, new_root) in pairwise(enumerate(roots)):
        path = merkle.consistency_proof(old, new, TREE.get_node)
        assert merkle.verify_consistency(old, new, old_root, new_root, path)


def go_vectors() -> dict[str, Any]:
    """Read the proofs that Go's `sumdb/tlog` made; without that folder, our own proofs of the same sizes stand in."""
    if GO_VECTORS.exists():
        loaded: dict[str, Any] = json.loads(GO_VECTORS.read_text())
        return loaded
    print(f"{GO_VECTORS.name} is not here: the recursive definition stands in for the Go library")
    encode = base64.b64encode
    pairs = [(old, new) for new in range(1, 71) for old in range(1, new + 1)]
    return {
        "roots": [encode(mth(TREE.leaves[:size])) for size in range(71)],
        "inclusion": [
            {"index": old - 1, "size": new, "path": list(map(encode, naive_path(old - 1, TREE.leaves[:new])))}
            for old, new in pairs
        ],
        "consistency": [
            {"old": old, "new": new, "path": list(map(encode, naive_consistency(old, TREE.leaves[:new])))}
            for old, new in pairs
        ],
    }


def test_proofs_of_the_go_library() -> None:
    vectors = go_vectors()
    roots = [base64.b64decode(root) for root in vectors["roots"]]
    assert roots == [mth(TREE.leaves[:size]) for size in range(71)]
    assert len(vectors["inclusion"]) == len(vectors["consistency"]) == 2485
    for case in vectors["inclusion"]:
        index, size, path = case["index"], case["size"], tuple(map(base64.b64decode, case["path"]))
        assert merkle.inclusion_proof(index, size, TREE.get_node) == path
        assert merkle.verify_inclusion(index, size, TREE.leaves[index], path, roots[size])
        assert not merkle.verify_inclusion(index, size, TREE.leaves[index], (*path, OTHER), roots[size])
        assert not merkle.verify_inclusion(index ^ 1, size, TREE.leaves[index], path, roots[size])
    for case in vectors["consistency"]:
        old, new, path = case["old"], case["new"], tuple(map(base64.b64decode, case["path"]))
        assert merkle.consistency_proof(old, new, TREE.get_node) == path
        assert merkle.verify_consistency(old, new, roots[old], roots[new], path)
        assert not merkle.verify_consistency(old, new, roots[old], roots[new], (*path, OTHER))
        assert not path or not merkle.verify_consistency(old, new, roots[old], roots[new], path[:-1])


@pytest.mark.parametrize("cuts", [(), (1,), (3, 4, 9), (5, 5, 8, 12)])
def test_a_tree_is_the_join_of_the_subtrees_over_its_stretches(cuts: tuple[int, ...]) -> None:
    for size in range(14):
        leaves = TREE.leaves[:size]
        edges = [0, *(min(cut, size) for cut in cuts), size]
        nodes = [node for start, stop in pairwise(edges) for node in merkle.subtrees(start, leaves[start:stop])]
        assert merkle.joined(nodes) == merkle.tree_root(leaves)


def test_a_streamed_list_has_the_same_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merkle, "_PART", 4)
    for size in range(14):
        assert merkle.streamed_root(iter(TREE.leaves[:size])) == (size, merkle.tree_root(TREE.leaves[:size]))
