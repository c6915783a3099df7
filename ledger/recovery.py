"""Bringing a log back after a loss: entries and checkpoints verbatim, from exports, published folders and receipts.

A database that was restored from an older copy has fewer entries than the pin, a witness or a member's statement
promises, and the sequencer does not start (`ROLLBACK_DETECTED`). What is missing is put back byte for byte: every entry
in its place, up to the largest checkpoint with the log's signature that covers what was promised, and on the way every
checkpoint that is known, from the sources or because a statement repeats it. Nothing is signed anew and nothing is
written unless all that was promised comes back. Afterwards the discipline office records it (`log.recovered`).

Where something cannot be brought back the old origin can never be used again: its key has signed for a tree that nobody
has. A new log with a new origin begins, and its charter's programme may cite the old one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ledger.attempts_check import StoredAttempts, verify_attempts
from ledger.checkpoint import VerifierKey
from ledger.errors import LedgerError, StoreError, VerificationError
from ledger.forks import note_of
from ledger.log_keys import LogKeys
from ledger.logstore import LogStore, Pinned, Witnessed, keys_of, read_desk
from ledger.merkle import Node, root_at
from ledger.recovery_ballots import Read, beside
from ledger.seen import checkpoint_of
from ledger.statements import Act, decode_entry
from ledger.statements.foundation import CharterSealed
from ledger.store.batch import AppendBatch, NewEntry, Spent


@dataclass(slots=True)
class Sources:
    """What was found outside the database: entries by index, signed notes, and the SHA-256 of every source."""

    entries: dict[int, bytes] = field(default_factory=dict)
    notes: list[bytes] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    attached: dict[int, list[Read]] = field(default_factory=dict)
    """What may be attached to entries of public votes, read when it is needed: it may be longer than memory."""

    def entry(self, index: int, data: bytes) -> None:
        """Add an entry; raises `VerificationError` `RECOVERY_CONFLICT` if another source has other bytes for it."""
        if self.entries.setdefault(index, data) != data:
            raise VerificationError("RECOVERY_CONFLICT", index=index)


@dataclass(frozen=True, slots=True)
class Recovered:
    """The log was found with `size` entries and now has `recovered_to`, with so many checkpoints put back.

    `keys` are the log's keys as its entries state them.
    """

    size: int
    recovered_to: int
    checkpoints: int
    keys: LogKeys


def recover(
    store: LogStore, founding: VerifierKey, pin: Pinned, sources: Sources, witnessed: Iterable[Witnessed] = ()
) -> Recovered:
    """Bring back what is missing, and set the pin.

    Raises, with nothing written: `StoreError` `RECOVERY_INCOMPLETE` if the sources do not reach what pin or witnesses
    promise, or if of ballots in between nobody can tell any more who voted, `RECOVERY_SOURCE` if nobody promises
    anything and no source holds a checkpoint of this log, `HISTORY_REWRITTEN` if they lead to another tree;
    `VerificationError` `SPLIT_VIEW` if a source holds a checkpoint with the log's signature that contradicts the
    entries; and what `read_desk` raises of the stored part.
    """
    store.hold_sequencer_lock()
    promised = [*witnessed]
    if pin.newest is not None:
        promised.append(Witnessed("pin", pin.newest.size, pin.newest.root))
    again = _Again(store, founding)
    again.follow(sources.entries)
    again.take_notes(sources.notes)
    if not promised and not again.vouched_for:
        raise StoreError("RECOVERY_SOURCE", path="-")
    reached = max(again.notes, default=again.size)
    _hold(again, promised, reached)
    again.hold_ballots(sources.attached, reached)
    for batch in again.batches(sources.attached, reached):
        store.append(batch)
    pin.advance(reached, again.root(reached))
    return Recovered(again.size, reached, len(again.notes), again.keys)


def pin_attempts(store: StoredAttempts, keys: LogKeys, pin: Pinned) -> int | None:
    """Pin the log of attempts anew where its pin is lost, if all that is stored of it holds; return how many there are.

    None where there is a pin: it is kept, and what it promises stays promised. Raises `StoreError` `ATTEMPTS_UNSOUND`.
    """
    if pin.newest is not None:
        return None
    found = verify_attempts(store, keys)
    if not found.clean:
        raise StoreError("ATTEMPTS_UNSOUND", index=found.failures[0].index, reason=found.failures[0].code)
    pin.advance(found.size, found.root)
    return found.size


def _hold(again: "_Again", promised: list[Witnessed], reached: int) -> None:
    """Refuse to write unless the log as it will be keeps every promise."""
    for one in promised:
        if one.size > reached:
            raise StoreError("RECOVERY_INCOMPLETE", by=one.name, promised=one.size, reached=reached)
        if again.root(one.size) != one.root:
            raise StoreError("HISTORY_REWRITTEN", by=one.name, pinned=one.size, size=reached)


class _Again:
    """The stored log, followed on by entries from elsewhere; `notes` are the checkpoints above `size` that hold."""

    def __init__(self, store: LogStore, founding: VerifierKey) -> None:
        self._desk = read_desk(store, founding.name, founding, None)
        self._founding = founding
        self.size = self._desk.frontier.size
        self.notes: dict[int, bytes] = {}
        self.vouched_for = False
        self._acts: list[tuple[Act, list[Node]]] = []
        self._fresh = self._desk.frontier.peaks()
        self._roots: dict[int, bytes] = {}

    @property
    def keys(self) -> LogKeys:
        return keys_of(self._desk.state, self._founding)

    def follow(self, entries: Mapping[int, bytes]) -> None:
        """Go on from the stored entries as far as there are others without a gap."""
        while (data := entries.get(self._desk.frontier.size)) is not None:
            self._take(data)
        for act, _ in self._acts:
            seen = act.statement.seen
            if seen is not None and self.size < seen.size <= act.index and seen.size not in self.notes:
                checkpoint_of(seen, self._founding.name, self.keys.at(seen.size))
                self.take_notes([note_of(seen, self._founding.name)])

    def _take(self, data: bytes) -> None:
        index = self._desk.frontier.size
        try:
            act = decode_entry(data)
            if act.index != index or (type(act.body) is CharterSealed) is not (index == 0):
                raise VerificationError("EVENT_MOVED", index=index)
            self._desk.state.apply(act)
        except Exception as error:
            # What the log never held cannot be folded; whatever it is, its place is what matters.
            raise VerificationError("EVENT_ALTERED", index=index, reason=type(error).__name__) from error
        nodes = self._desk.frontier.append(act.leaf)
        self._fresh |= {(level, place): value for level, place, value in nodes}
        self._acts.append((act, nodes))
        self._roots[index + 1] = self._desk.frontier.root()

    def root(self, size: int) -> bytes:
        """Return the root at a size up to where the entries reach."""
        known = self._roots.get(size)
        return known if known is not None else root_at(size, self._node)

    def _node(self, level: int, index: int) -> bytes:
        fresh = self._fresh.get((level, index))
        return fresh if fresh is not None else self._desk.node(level, index)

    def take_notes(self, notes: Iterable[bytes]) -> None:
        """Keep the checkpoints that the log signed for what is brought back; one that contradicts it is a fork."""
        for note in notes:
            try:
                checkpoint = self.keys.open(note)
            except LedgerError:
                continue  # of another log, or damaged: it promises nothing
            if checkpoint.origin != self._founding.name or checkpoint.size > self._desk.frontier.size:
                continue
            if checkpoint.root != self.root(checkpoint.size):
                raise VerificationError("SPLIT_VIEW", seen=checkpoint.size, size=self._desk.frontier.size)
            self.vouched_for = True
            if checkpoint.size > self.size:
                self.notes.setdefault(checkpoint.size, note)

    def hold_ballots(self, attached: Mapping[int, list[Read]], reached: int) -> None:
        """Refuse to write unless of every ballot that comes back it is known which credential it used up."""
        for act, _ in self._acts[: reached - self.size]:
            beside(self._desk.state, act, attached)

    def batches(self, attached: Mapping[int, list[Read]], reached: int) -> Iterable[AppendBatch]:
        """Give what is to be appended, one batch for each checkpoint."""
        first = self.size
        for size in sorted(size for size in self.notes if size <= reached):
            part = self._acts[first - self.size : size - self.size]
            entries = [NewEntry(act.entry, act.statement.type, act.signed.id, nodes) for act, nodes in part]
            found = [(act.index, beside(self._desk.state, act, attached)) for act, _ in part]
            spent = [Spent(index, one.keys) for index, one in found if one.keys]
            data = [(index, one.data) for index, one in found if one.data is not None]
            yield AppendBatch(first, entries, self.notes[size], spent, data)
            first = size
