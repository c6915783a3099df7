"""Entries of a play in memory with receipts, each against the checkpoint of a size that is asked for."""

from collections.abc import Sequence

from ledger.checkpoint import Checkpoint, Signer, sign_checkpoint
from ledger.log_keys import LogKeys
from ledger.merkle import Address, Frontier, inclusion_proof, leaf_hash, root_at
from ledger.receipt import Receipt
from tests.simulator import LOG_KEY, LOG_KEYS, ORIGIN


class MemoryReceipts:
    """`projections.proven.Receipts` over entries at hand; every checkpoint is of the whole log unless `size` says."""

    def __init__(self, entries: Sequence[bytes], size: int | None = None, signer: Signer = LOG_KEY) -> None:
        self.entries, self.size, self._signer = entries, size or len(entries), signer
        self._nodes: dict[Address, bytes] = {}
        frontier = Frontier()
        for entry in entries:
            for level, place, value in frontier.append(leaf_hash(entry)):
                self._nodes[level, place] = value

    def node(self, level: int, place: int) -> bytes:
        return self._nodes[level, place]

    def entry(self, index: int) -> bytes:
        return self.entries[index]

    def receipt(self, index: int) -> Receipt:
        note = sign_checkpoint(Checkpoint(ORIGIN, self.size, root_at(self.size, self.node)), self._signer)
        return Receipt(index, inclusion_proof(index, self.size, self.node), note)


class FirstReceipts(MemoryReceipts):
    """The same, each entry under the checkpoint of its own size, signed by the key that was in force then."""

    def __init__(self, entries: Sequence[bytes], keys: LogKeys) -> None:
        super().__init__(entries)
        self._keys = keys

    def receipt(self, index: int) -> Receipt:
        size = index + 1
        signer = LOG_KEYS.signer(self._keys.at(size))
        note = sign_checkpoint(Checkpoint(ORIGIN, size, root_at(size, self.node)), signer)
        return Receipt(index, inclusion_proof(index, size, self.node), note)
