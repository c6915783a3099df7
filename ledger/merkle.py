"""The Merkle tree of RFC 6962 section 2.1 over SHA-256: roots, inclusion proofs and consistency proofs.

A *node* is the hash of a complete subtree: `(level, index)` covers the leaves `[index << level, (index + 1) << level)`.
It never changes once its last leaf is in, so a store inserts each node once and every root and proof of every size the
tree ever had is made of stored nodes. Leaves are given as leaf hashes everywhere; `leaf_hash` makes one of an entry.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import islice
from typing import TypeAlias

HASH_BYTES = 32
_PART = 1 << 16
"""Leaves of a long list that are held at a time; a power of two."""
EMPTY_ROOT = sha256(b"").digest()

Address: TypeAlias = tuple[int, int]
"""Where a node stands: its level (0 for leaves) and its index within the level."""
Node: TypeAlias = tuple[int, int, bytes]
"""A node with its address: (level, index, hash)."""
GetNode: TypeAlias = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree at (level, index)."""
_Range: TypeAlias = tuple[int, int]


def leaf_hash(data: bytes) -> bytes:
    """Return the leaf hash of an entry's bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node over its two children."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the complete subtrees that cover it, largest first.

    It holds one hash per bit set in `size`, so a copy is cheap and a batch can be tried on a copy before it is kept.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Take over `peaks`, the hashes of the complete subtrees that cover a tree of `size` leaves, largest first."""
        self.size = size
        self._peaks = list(peaks)
        if size < 0 or len(self._peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves does not have {len(self._peaks)} peaks")

    @classmethod
    def load(cls, size: int, get_node: GetNode) -> "Frontier":
        """Rebuild the frontier of a stored tree from the nodes `root_nodes(size)`."""
        return cls(size, [get_node(*address) for address in root_nodes(size)])

    def copy(self) -> "Frontier":
        """Return an independent frontier of the same tree."""
        return Frontier(self.size, self._peaks)

    def append(self, leaf: bytes) -> list[Node]:
        """Add one leaf hash; return every node it completes as (level, index, hash), the leaf itself first."""
        if len(leaf) != HASH_BYTES:
            raise ValueError("a leaf hash has 32 bytes")
        level, index, current = 0, self.size, leaf
        completed = [(0, index, leaf)]
        peaks = self._peaks
        while index & 1:
            current = sha256(b"\x01" + peaks.pop() + current).digest()
            level += 1
            index >>= 1
            completed.append((level, index, current))
        peaks.append(current)
        self.size += 1
        return completed

    def peaks(self) -> dict[Address, bytes]:
        """Return the complete subtrees that cover the tree, by (level, index)."""
        return dict(zip(root_nodes(self.size), self._peaks, strict=True))

    def root(self) -> bytes:
        """Return the root hash of the tree as it stands."""
        return _fold(self._peaks) if self._peaks else EMPTY_ROOT


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over a finished list of leaf hashes, for lists that need no proofs later."""
    row = list(leaves)
    if not row:
        return EMPTY_ROOT
    if any(len(leaf) != HASH_BYTES for leaf in row):
        raise ValueError("a leaf hash has 32 bytes")
    while len(row) > 1:
        # An odd one out moves up unchanged: it is the right edge, which RFC 6962 never duplicates.
        odd = row[len(row) & ~1 :]
        row = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)] + odd
    return row[0]


def streamed_root(leaves: Iterable[bytes]) -> tuple[int, bytes]:
    """Return how many leaf hashes there are and the root over them; only a part of the list is held at a time."""
    rest, parts, size = iter(leaves), list[bytes](), 0
    while part := list(islice(rest, _PART)):
        size += len(part)
        # Every part but the last is a complete subtree, so the tree over their roots is the upper part of the whole.
        parts.append(tree_root(part))
    return size, tree_root(parts)


def subtrees(start: int, leaves: Sequence[bytes]) -> list[Node]:
    """Return the complete subtrees that cover a stretch of a tree whose first leaf is number `start`, from the left."""
    nodes: list[Node] = []
    place, stop = start, start + len(leaves)
    while place < stop:
        level = (stop - place).bit_length() - 1
        if place:
            level = min(level, (place & -place).bit_length() - 1)
        root = tree_root(leaves[place - start : place - start + (1 << level)])
        nodes.append((level, place >> level, root))
        place += 1 << level
    return nodes


def joined(nodes: Iterable[Node]) -> bytes:
    """Return the root of the tree that complete subtrees, given from its first leaf on without a gap, make up."""
    peaks: list[Node] = []
    for node in nodes:
        level, index, value = node
        while peaks and peaks[-1][0] == level and index & 1:
            value = node_hash(peaks.pop()[2], value)
            level, index = level + 1, index >> 1
        peaks.append((level, index, value))
    return _fold([value for _, _, value in peaks]) if peaks else EMPTY_ROOT


def root_nodes(size: int) -> list[Address]:
    """Name the nodes whose hashes make up the root of a tree of `size` leaves, largest first."""
    return _cover(0, size)


def inclusion_nodes(index: int, size: int) -> list[Address]:
    """Name the nodes that `inclusion_proof(index, size, …)` reads, so that a store can fetch them in one query."""
    return [address for part in _inclusion_ranges(index, size) for address in _cover(*part)]


def consistency_nodes(old_size: int, new_size: int) -> list[Address]:
    """Name the nodes that `consistency_proof(old_size, new_size, …)` reads."""
    return [address for part in _consistency_ranges(old_size, new_size) for address in _cover(*part)]


def root_at(size: int, get_node: GetNode) -> bytes:
    """Return the root the tree had when it held `size` leaves."""
    return _range_hash((0, size), get_node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, get_node: GetNode) -> tuple[bytes, ...]:
    """Return the proof that leaf `index` is in the tree of `size` leaves, the leaf's sibling first.

    Raises `ValueError` unless 0 <= index < size.
    """
    return tuple(_range_hash(part, get_node) for part in _inclusion_ranges(index, size))


def consistency_proof(old_size: int, new_size: int, get_node: GetNode) -> tuple[bytes, ...]:
    """Return the proof that the tree of `old_size` leaves is a prefix of the tree of `new_size` leaves.

    Empty when the sizes are equal or the old tree is empty. Raises `ValueError` unless 0 <= old_size <= new_size.
    """
    return tuple(_range_hash(part, get_node) for part in _consistency_ranges(old_size, new_size))


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Say whether `path` proves that `leaf` is leaf number `index` of the tree of `size` leaves with this root.

    The proof must have exactly the length that index and size call for (RFC 9162 section 2.1.3.2).
    """
    if not 0 <= index < size or not _are_hashes(leaf, root, *path):
        return False
    position, last, current = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            current = node_hash(sibling, current)
            position, last = _skip_missing_siblings(position, last)
        else:
            current = node_hash(current, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and current == root


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Say whether `path` proves that the old tree is a prefix of the new one (RFC 9162 section 2.1.4.2).

    An empty old tree is a prefix of every tree, with an empty proof, if its root is the root of the empty tree.
    """
    if not 0 <= old_size <= new_size or not _are_hashes(old_root, new_root, *path):
        return False
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT and (new_size > 0 or new_root == EMPTY_ROOT)
    if old_size == new_size:
        return not path and old_root == new_root
    # A proof leaves out the old root where the old tree is a complete left subtree of the new one.
    hashes = [old_root, *path] if old_size.bit_count() == 1 else list(path)
    if not hashes:
        return False
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            position, last = _skip_missing_siblings(position, last)
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)


def _skip_missing_siblings(position: int, last: int) -> tuple[int, int]:
    """Climb past the levels at which a right edge is promoted without a sibling."""
    while position and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _split(count: int) -> int:
    """Return the largest power of two strictly below `count` (RFC 6962's k)."""
    return 1 << (count - 1).bit_length() - 1


def _inclusion_ranges(index: int, size: int) -> list[_Range]:
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    ranges: list[_Range] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            ranges.append((middle, stop))
            stop = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def _consistency_ranges(old_size: int, new_size: int) -> list[_Range]:
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a tree of {old_size} leaves is no prefix of one of {new_size}")
    if old_size == 0:
        return []
    ranges: list[_Range] = []
    start, stop = 0, new_size
    while stop > old_size:
        middle = start + _split(stop - start)
        if old_size <= middle:
            ranges.append((middle, stop))
            stop = middle
        else:
            ranges.append((start, middle))
            start = middle
    # With start = 0 the remaining subtree is the old tree itself, whose hash the verifier already has.
    if start:
        ranges.append((start, stop))
    return ranges[::-1]


def _cover(start: int, stop: int) -> list[Address]:
    """Cover the leaves [start, stop) by complete subtrees, largest first.

    `start` is a multiple of a power of two not smaller than the range, as in every range RFC 6962 splits off.
    """
    nodes: list[Address] = []
    count = stop - start
    while count:
        level = count.bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
        count -= 1 << level
    return nodes


def _range_hash(part: _Range, get_node: GetNode) -> bytes:
    return _fold([get_node(*address) for address in _cover(*part)])


def _fold(peaks: Sequence[bytes]) -> bytes:
    """Join complete subtrees, largest first, into the hash over all their leaves."""
    current = peaks[-1]
    for peak in reversed(peaks[:-1]):
        current = node_hash(peak, current)
    return current
