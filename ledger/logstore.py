"""A stored log as the sequencer needs it: reading it into a working state, and holding it against its own promises."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from ledger.admission import Desk
from ledger.checkpoint import Checkpoint, VerifierKey
from ledger.collector import collector_at_rest
from ledger.errors import StoreError
from ledger.log_keys import LogKeys
from ledger.merkle import Address, Frontier, inclusion_nodes, inclusion_proof, root_nodes
from ledger.pin import Pin
from ledger.receipt import Receipt
from ledger.selection import Selection
from ledger.statements import Seen, decode_own_entry
from ledger.store.batch import AppendBatch
from ledger.store.store import StoredCheckpoint


class Pinned(Protocol):
    """The pin file as the sequencer needs it (`ledger.pin.PinFile`)."""

    @property
    def newest(self) -> Pin | None:
        """Return the pin, None before the first."""

    def advance(self, size: int, root: bytes) -> None:
        """Set the pin; on disk when this returns."""


class Witnessed(NamedTuple):
    """A tree of this log that somebody outside its database vouches for: who, its size and its root."""

    name: str
    size: int
    root: bytes


class LogStore(Protocol):
    """The store as the sequencer needs it (`ledger.store.Store`); every method may raise `StoreError`."""

    def hold_sequencer_lock(self) -> None:
        """Become, or stay, the one sequencer."""

    def size(self) -> int:
        """Return the number of entries."""

    def entry(self, index: int) -> bytes | None:
        """Return one entry's bytes."""

    def read_entries(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Give entries in order."""

    def nodes(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        """Return tree nodes by (level, index)."""

    def find_statement(self, statement_id: bytes) -> int | None:
        """Return the index of the entry that holds a statement."""

    def checkpoint_covering(self, index: int) -> StoredCheckpoint | None:
        """Return the first checkpoint that covers an entry."""

    def newest_checkpoint(self) -> StoredCheckpoint | None:
        """Return the newest checkpoint."""

    def attached(self, index: int) -> bytes | None:
        """Return what is attached to an entry."""

    def offending(self, commitment: int, tags: Sequence[bytes], keys: Sequence[bytes]) -> dict[int, int | None]:
        """Return which ballots cannot come in, by place: the entry that used up their key, None for an unknown tag."""

    def looking_up(
        self, commitment: int, tags: Sequence[bytes], keys: Sequence[bytes]
    ) -> AbstractContextManager[Callable[[], dict[int, int | None]]]:
        """Begin to look up what `offending` returns; what is given waits for it."""

    def append(self, batch: AppendBatch) -> None:
        """Append in one transaction."""

    def append_attempts(self, batch: AppendBatch) -> None:
        """Append attempts in one transaction."""

    def attempt_size(self) -> int:
        """Return the number of attempts."""

    def attempt_entry(self, index: int) -> bytes | None:
        """Return one attempt's bytes."""

    def attempt_nodes(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        """Return nodes of the tree of attempts by (level, index)."""

    def newest_attempt_note(self) -> bytes | None:
        """Return the newest checkpoint of the attempts."""

    def attempt_note_covering(self, index: int) -> StoredCheckpoint | None:
        """Return the first checkpoint that covers an attempt."""


def read_desk(
    store: LogStore, origin: str, key: VerifierKey, pinned: Pin | None, witnessed: Iterable[Witnessed] = ()
) -> Desk:
    """Rebuild state and tree from the entries themselves, and hold them against pin, witnesses, nodes and checkpoint.

    A crash may leave the pin one batch behind, never ahead. Raises `StoreError`: `ROLLBACK_DETECTED` (the pin or a
    witness is ahead), `HISTORY_REWRITTEN` (another root at the size of one of them), `EVENT_ALTERED`, `NODE_ALTERED`,
    `CHECKPOINT_MISSING`, `CHECKPOINT_MISMATCH`; `VerificationError` if the checkpoint is not signed by the log.
    """
    size = store.size()
    promised: dict[int, list[Witnessed]] = {}
    for one in [*witnessed, *([Witnessed("pin", pinned.size, pinned.root)] if pinned is not None else [])]:
        if one.size > size:
            raise StoreError("ROLLBACK_DETECTED", by=one.name, pinned=one.size, size=size)
        promised.setdefault(one.size, []).append(one)
    state, frontier = Selection(), Frontier()
    _keeps(promised.get(0, ()), frontier, size)
    with collector_at_rest():
        for index, entry in store.read_entries(0, size):
            frontier.append(_fold(state, index, entry))
            if frontier.size in promised:
                _keeps(promised[frontier.size], frontier, size)
    if store.nodes(root_nodes(size)) != frontier.peaks():
        raise StoreError("NODE_ALTERED", size=size)
    newest = store.newest_checkpoint()
    if newest is None and size:
        raise StoreError("CHECKPOINT_MISSING", size=size)
    if newest is not None and keys_of(state, key).open(newest.note) != Checkpoint(origin, size, frontier.root()):
        raise StoreError("CHECKPOINT_MISMATCH", checkpoint=newest.size, size=size)
    return Desk(origin, key, state, frontier, lambda level, index: store.nodes([(level, index)])[level, index])


def _keeps(promised: Iterable[Witnessed], frontier: Frontier, size: int) -> None:
    """Hold the tree at one size against what was promised of it."""
    for one in promised:
        if one.root != frontier.root():
            raise StoreError("HISTORY_REWRITTEN", by=one.name, pinned=one.size, size=size)


def keys_of(state: Selection, founding: VerifierKey) -> LogKeys:
    """Return the keys that the entries state, if they begin with the key that is known from outside."""
    stated = state.log.known_keys
    return stated if stated is not None and stated.founding == founding else LogKeys.of(founding)


def _fold(state: Selection, index: int, entry: bytes) -> bytes:
    """Fold one stored entry and return its leaf hash."""
    try:
        act = decode_own_entry(entry)
        state.apply(act)
    except Exception as error:
        # No entry that was admitted fails here; whatever the alteration broke, its place is what matters.
        raise StoreError("EVENT_ALTERED", index=index, reason=type(error).__name__) from error
    return act.leaf


def first_receipt(store: LogStore, index: int) -> Receipt:
    """Return the receipt of an entry from the store: its proof against the first checkpoint that covers it."""
    covering = store.checkpoint_covering(index)
    if covering is None:
        raise StoreError("NOT_PUBLISHED", index=index)
    nodes = store.nodes(inclusion_nodes(index, covering.size))
    proof = inclusion_proof(index, covering.size, lambda level, place: nodes[level, place])
    return Receipt(index, proof, covering.note)


def seen_of(note: bytes) -> Seen:
    """Return a signed checkpoint as a statement pins it."""
    lines = note.decode().splitlines()
    return Seen(root=lines[2], signature=lines[4].rsplit(" ", 1)[1], size=int(lines[1]))
