"""Finding the receipt of a public ballot that is in, by what is stored: the same one however often it is asked for."""

from collections.abc import Callable, Sequence
from typing import Protocol

from ledger.logstore import LogStore, first_receipt
from ledger.poll_receipt import Paths, PublicReceipt
from ledger.poll_rows import parse_block
from ledger.receipt import Receipt


class EntryStore(Protocol):
    """Where entries are, and what is attached to them."""

    def entry(self, index: int) -> bytes | None:
        """Return an entry's bytes."""

    def attached(self, index: int) -> bytes | None:
        """Return what is attached to an entry."""


class ReceiptStore(LogStore, EntryStore, Protocol):
    """The store as receipts that are asked for again need it (`ledger.store.Store`)."""

    def spent(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """Return which one-time keys are used up, and by which entry."""


def receipt_of_tag(store: ReceiptStore, tag: bytes, key: bytes, published: int) -> PublicReceipt | None:
    """Return the receipt of the ballot that used up `key` with the credential of `tag`; None if there is none.

    Only of the first `published` entries: nothing is proven before it is pinned. Raises `StoreError`.
    """
    index = store.spent([key]).get(key)
    if index is None or index >= published:
        return None
    return receipt_in(store, lambda entry: first_receipt(store, entry), index, tag)


def receipt_in(store: EntryStore, proof: Callable[[int], Receipt], index: int, tag: bytes) -> PublicReceipt | None:
    """Return the receipt of a tag's row in the batch that is entry `index`; None if it has no such row."""
    data, entry = store.attached(index), store.entry(index)
    if data is None or entry is None:
        return None
    return Paths(parse_block(data)).receipt(tag, entry, proof(index).encode())
