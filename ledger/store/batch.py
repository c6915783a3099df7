"""What one append writes: entries with the tree nodes they complete, the checkpoint above them, spent credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.merkle import Node


class Spent(NamedTuple):
    """The one-time credentials that an entry uses up, given by its index; all of one length."""

    entry: int
    keys: Sequence[bytes]


class NewEntry(NamedTuple):
    """One entry to append: its bytes, the type of its statement, the statement's identity and its tree nodes.

    `nodes` is what `Frontier.append` returned for the entry's leaf.
    """

    data: bytes
    topic: str
    statement_id: bytes
    nodes: Sequence[Node]


@dataclass(frozen=True, slots=True)
class AppendBatch:
    """Entries from `first_index` on, and the signed checkpoint whose size is that of the log after them.

    `attached` are the bytes that belong to entries without standing in them, with the index of the entry.
    `spent` holds the one-time credentials that the batch uses up, entry by entry.
    """

    first_index: int
    entries: Sequence[NewEntry]
    checkpoint_note: bytes
    spent: Sequence[Spent] = ()
    attached: Sequence[tuple[int, bytes]] = ()

    @property
    def size(self) -> int:
        """The size of the log after the batch."""
        return self.first_index + len(self.entries)
