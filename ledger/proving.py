"""Proofs between any two sizes a stored log ever had, each from one query: that an entry is in, that nothing changed.

Nodes of complete subtrees are stored once and never change, so every proof of every size is made of stored nodes.
Nothing is proved of a tree above the pin: it could still be taken back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.errors import MalformedError, StoreError
from ledger.merkle import (
    Address,
    consistency_nodes,
    consistency_proof,
    inclusion_nodes,
    inclusion_proof,
    root_at,
    root_nodes,
)
from ledger.receipt import Receipt
from ledger.store.store import StoredCheckpoint


class Released(Protocol):
    """What knows the pin (`ledger.store.recorder.EntryRecorder`)."""

    def released(self) -> int | None:
        """Return how many entries may be shown, None where no pin limits them."""


class ProvingStore(Protocol):
    """The store as proofs need it (`ledger.store.Store`)."""

    @property
    def recorder(self) -> Released:
        """What knows the pin."""

    def nodes(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        """Return tree nodes by (level, index), in one query."""

    def checkpoint_at(self, size: int) -> StoredCheckpoint | None:
        """Return the checkpoint of exactly this size."""

    def newest_checkpoint(self) -> StoredCheckpoint | None:
        """Return the newest checkpoint."""

    def size(self) -> int:
        """Return the number of entries."""


@dataclass(frozen=True, slots=True)
class Consistency:
    """The proof that the tree of `old_size` leaves is a prefix of the one of `new_size` leaves, and both roots."""

    old_size: int
    new_size: int
    old_root: bytes
    new_root: bytes
    path: tuple[bytes, ...]


def inclusion(store: ProvingStore, index: int, size: int) -> tuple[bytes, ...]:
    """Return the proof that entry `index` is in the tree of `size` leaves, the leaf's sibling first; one query.

    Raises `MalformedError` `PROOF_RANGE` unless 0 <= index < size; `StoreError` `NOT_PUBLISHED` above the pin,
    `STORE_NODE_MISSING`.
    """
    if not 0 <= index < size:
        raise MalformedError("PROOF_RANGE", first=index, last=size)
    _check_released(store, size)
    nodes = store.nodes(inclusion_nodes(index, size))
    return inclusion_proof(index, size, lambda level, place: nodes[level, place])


def consistency(store: ProvingStore, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """Return the proof that the tree of `old_size` leaves is a prefix of that of `new_size` leaves; one query.

    Raises as `inclusion` does; the sizes may be equal, and the old one 0.
    """
    _check_range(store, old_size, new_size)
    nodes = store.nodes(consistency_nodes(old_size, new_size))
    return consistency_proof(old_size, new_size, lambda level, place: nodes[level, place])


def consistency_with_roots(store: ProvingStore, old_size: int, new_size: int) -> Consistency:
    """Return the same proof with both roots as the stored nodes give them, still in one query."""
    _check_range(store, old_size, new_size)
    wanted = {*consistency_nodes(old_size, new_size), *root_nodes(old_size), *root_nodes(new_size)}
    nodes = store.nodes(list(wanted))

    def get_node(level: int, place: int) -> bytes:
        return nodes[level, place]

    path = consistency_proof(old_size, new_size, get_node)
    return Consistency(old_size, new_size, root_at(old_size, get_node), root_at(new_size, get_node), path)


def root(store: ProvingStore, size: int) -> bytes:
    """Return the root of the tree of `size` leaves; one query, errors as `consistency`."""
    _check_range(store, 0, size)
    nodes = store.nodes(root_nodes(size))
    return root_at(size, lambda level, place: nodes[level, place])


def receipt_at(store: ProvingStore, index: int, size: int) -> Receipt:
    """Return the proof of entry `index` against the checkpoint that was issued at `size`, as one file.

    Raises as `inclusion` does, and `StoreError` `CHECKPOINT_NOT_ISSUED` where no batch ended at `size`.
    """
    return Receipt(index, inclusion(store, index, size), checkpoint_note(store, size))


def checkpoint_note(store: ProvingStore, size: int) -> bytes:
    """Return the signed checkpoint issued at `size`, not above the pin. Raises `StoreError` `CHECKPOINT_NOT_ISSUED`."""
    _check_released(store, size)
    found = store.checkpoint_at(size)
    if found is None:
        raise StoreError("CHECKPOINT_NOT_ISSUED", size=size)
    return found.note


def released_checkpoint(store: ProvingStore) -> StoredCheckpoint | None:
    """Return the newest checkpoint that may be shown: the pin's, or without a pin the newest; None in an empty log.

    Raises `StoreError` `ROLLBACK_DETECTED` if the store has lost entries below the pin, `CHECKPOINT_MISSING` if it has
    lost that checkpoint.
    """
    released = store.recorder.released()
    if released == 0:
        return None
    found = store.newest_checkpoint() if released is None else store.checkpoint_at(released)
    if found is None and released is not None:
        size = store.size()
        raise StoreError("ROLLBACK_DETECTED" if size < released else "CHECKPOINT_MISSING", pinned=released, size=size)
    return found


def _check_range(store: ProvingStore, old_size: int, new_size: int) -> None:
    if not 0 <= old_size <= new_size:
        raise MalformedError("PROOF_RANGE", first=old_size, last=new_size)
    _check_released(store, new_size)


def _check_released(store: ProvingStore, size: int) -> None:
    released = store.recorder.released()
    if released is not None and size > released:
        raise StoreError("NOT_PUBLISHED", index=size - 1)
