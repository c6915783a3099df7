"""Proofs from the database, at every size and between any two; never of a tree above the pin."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger import merkle, proving, receipt
from ledger.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from ledger.errors import LedgerError, MalformedError, StoreError
from ledger.pin import PinFile
from ledger.store import AppendBatch, Store
from ledger.store.store import StoredCheckpoint
from tests.log.conftest import Grower, Log
from tests.simulator import LOG_KEY, ORIGIN

SIZES = (1, 4, 3, 30, 1, 17)
TOTAL = sum(SIZES)


class Counted:
    """A store that counts the queries for nodes."""

    def __init__(self, store: Store) -> None:
        """Ask `store`."""
        self._store, self.recorder = store, store.recorder
        self.queries = 0

    def nodes(self, addresses: Sequence[merkle.Address]) -> dict[merkle.Address, bytes]:
        self.queries += 1
        return self._store.nodes(addresses)

    def checkpoint_at(self, size: int) -> StoredCheckpoint | None:
        return self._store.checkpoint_at(size)

    def newest_checkpoint(self) -> StoredCheckpoint | None:
        return self._store.newest_checkpoint()

    def size(self) -> int:
        return self._store.size()


def grow(store: Store, grower: Grower, counts: Sequence[int] = SIZES) -> None:
    for count in counts:
        batch = grower.batch(count)
        note = sign_checkpoint(Checkpoint(ORIGIN, batch.size, grower.frontier.root()), LOG_KEY)
        store.append(AppendBatch(batch.first_index, batch.entries, note))


def leaf(index: int) -> bytes:
    return merkle.leaf_hash(b"entry-%d" % index)


def code(error: pytest.ExceptionInfo[LedgerError]) -> str:
    return error.value.code


def test_inclusion_at_every_size(store: Store, grower: Grower) -> None:
    grow(store, grower)
    counted = Counted(store)
    for size in range(1, TOTAL + 1):
        for index in {0, size // 3, size // 2, size - 1}:
            counted.queries = 0
            path = proving.inclusion(counted, index, size)
            assert counted.queries == 1
            assert merkle.verify_inclusion(index, size, leaf(index), path, grower.roots[size])


def test_consistency_between_any_two_sizes(store: Store, grower: Grower) -> None:
    grow(store, grower)
    counted = Counted(store)
    for new in range(0, TOTAL + 1, 5):
        for old in range(new + 1):
            counted.queries = 0
            proof = proving.consistency_with_roots(counted, old, new)
            assert counted.queries == 1
            assert proof.path == proving.consistency(store, old, new)
            assert (proof.old_root, proof.new_root) == (grower.roots[old], grower.roots[new])
            assert merkle.verify_consistency(old, new, proof.old_root, proof.new_root, proof.path)
    assert [proving.root(store, size) for size in range(TOTAL + 1)] == grower.roots


def test_a_receipt_against_any_checkpoint_issued(store: Store, grower: Grower) -> None:
    grow(store, grower)
    key = VerifierKey(ORIGIN, LOG_KEY.public)
    for size in (5, 8, 38, TOTAL):
        data = proving.receipt_at(store, 3, size).encode()
        assert receipt.verify(receipt.parse(data), b"entry-3", [key]).size == size
    with pytest.raises(StoreError) as caught:
        proving.receipt_at(store, 3, 7)
    assert code(caught) == "CHECKPOINT_NOT_ISSUED"


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (4, 3), (0, 0), (0, -1)])
def test_entries_that_no_tree_of_that_size_has(store: Store, index: int, size: int) -> None:
    with pytest.raises(MalformedError) as caught:
        proving.inclusion(store, index, size)
    assert code(caught) == "PROOF_RANGE"


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3), (1, 0), (0, -1)])
def test_sizes_the_wrong_way_round(store: Store, old: int, new: int) -> None:
    for prove in (proving.consistency, proving.consistency_with_roots):
        with pytest.raises(MalformedError) as caught:
            prove(store, old, new)
        assert code(caught) == "PROOF_RANGE"


def test_nothing_is_proved_beyond_the_log(store: Store, grower: Grower) -> None:
    grow(store, grower)
    for size in (TOTAL + 1, 2**40, 2**62):
        with pytest.raises(StoreError) as caught:
            proving.inclusion(store, 0, size)
        assert code(caught) == "STORE_NODE_MISSING"


def test_nothing_is_proved_above_the_pin(log: Log, grower: Grower, tmp_path: Path) -> None:
    with Store.open(log.service_dsn, log.schema, tmp_path / "pin") as store:
        grow(store, grower)
        # No pin yet: nothing was ever released.
        assert proving.released_checkpoint(store) is None
        assert proving.consistency(store, 0, 0) == ()
        for attempt in (
            lambda: proving.inclusion(store, 0, 1),
            lambda: proving.consistency(store, 0, 1),
            lambda: proving.consistency_with_roots(store, 0, 1),
            lambda: proving.root(store, 1),
            lambda: proving.checkpoint_note(store, 1),
        ):
            with pytest.raises(StoreError) as caught:
                attempt()
            assert code(caught) == "NOT_PUBLISHED"
        pin = PinFile(tmp_path / "pin")
        pin.advance(8, grower.roots[8])
        released = proving.released_checkpoint(store)
        assert released is not None
        assert released.size == 8
        assert len(proving.inclusion(store, 7, 8)) == 3
        with pytest.raises(StoreError) as caught:
            proving.receipt_at(store, 7, 38)
        assert code(caught) == "NOT_PUBLISHED"
        pin.advance(TOTAL - 1, grower.roots[TOTAL - 1])
        with pytest.raises(StoreError) as caught:
            proving.released_checkpoint(store)
        assert code(caught) == "CHECKPOINT_MISSING"
        pin.advance(TOTAL + 5, bytes(32))
        with pytest.raises(StoreError) as caught:
            proving.released_checkpoint(store)
        assert code(caught) == "ROLLBACK_DETECTED"
        pin.close()


def test_without_a_pin_the_newest_checkpoint_counts(store: Store, grower: Grower) -> None:
    assert proving.released_checkpoint(store) is None
    grow(store, grower)
    released = proving.released_checkpoint(store)
    assert released is not None
    assert released.size == TOTAL
