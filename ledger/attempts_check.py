"""Checking a log of attempts from what is stored: form, order, tree, checkpoints and pin."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from ledger.attempts import Attempt, attempts_key, attempts_keys, attempts_origin, decode_attempt
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.errors import LedgerError, MalformedError
from ledger.log_keys import LogKeys
from ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from ledger.pin import Pin


class StoredAttempts(Protocol):
    """A store as it is read here (`ledger.store.Store`)."""

    def attempt_rows(self) -> Iterable[tuple[int, bytes, bytes]]:
        """Give (index, bytes, hashes of the nodes) of every attempt, as stored."""

    def attempt_notes(self) -> Iterable[tuple[int, bytes]]:
        """Give (size, signed note) of every checkpoint, ascending."""


@dataclass(frozen=True, slots=True)
class AttemptFailure:
    """One thing that does not hold, at which attempt."""

    code: str
    index: int


@dataclass(slots=True)
class AttemptsReport:
    """The outcome: every attempt that could be read, the root over all, and every failure."""

    attempts: list[Attempt] = field(default_factory=list)
    root: bytes = EMPTY_ROOT
    size: int = 0
    failures: list[AttemptFailure] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether everything held."""
        return not self.failures

    def fail(self, code: str, index: int) -> None:
        """Add a failure."""
        self.failures.append(AttemptFailure(code, index))


def verify_attempts(store: StoredAttempts, keys: LogKeys, pin: Pin | None = None) -> AttemptsReport:
    """Check the log of attempts of the log with these keys; `pin` is its own pin.

    Failures: `EVENT_ALTERED`, `EVENT_MISSING`, `EVENT_MOVED`, `NODE_ALTERED`, `CLOCK_REGRESSION`, `CHECKPOINT_FORGED`,
    `NOT_PUBLISHED`, `LOG_TRUNCATED`, `HISTORY_REWRITTEN`.
    """
    report = AttemptsReport()
    roots = _tree(store, report)
    covered = 0
    for size, note in store.attempt_notes():
        covered = size
        if not _issued(note, size, roots, report.attempts, keys):
            report.fail("CHECKPOINT_FORGED", max(0, size - 1))
    if covered < report.size:
        report.fail("NOT_PUBLISHED", covered)
    if pin is not None and pin.size > report.size:
        report.fail("LOG_TRUNCATED", report.size)
    elif pin is not None and roots[pin.size] != pin.root:
        report.fail("HISTORY_REWRITTEN", max(0, pin.size - 1))
    return report


def _tree(store: StoredAttempts, report: AttemptsReport) -> list[bytes]:
    """Read every attempt into the report; return the root at every size."""
    frontier = Frontier()
    roots, last_at = [frontier.root()], 0
    for place, data, stored in store.attempt_rows():
        if place != frontier.size:
            report.fail("EVENT_MISSING", frontier.size)
            break
        try:
            attempt = decode_attempt(data)
        except MalformedError:
            report.fail("EVENT_ALTERED", place)
        else:
            report.attempts.append(attempt)
            if attempt.index != place:
                report.fail("EVENT_MOVED", place)
            if attempt.at < last_at:
                report.fail("CLOCK_REGRESSION", place)
            last_at = max(last_at, attempt.at)
        nodes = b"".join([value for _, _, value in frontier.append(leaf_hash(data))])
        if nodes != stored:
            report.fail("EVENT_ALTERED" if nodes[:32] != stored[:32] else "NODE_ALTERED", place)
        roots.append(frontier.root())
    report.root, report.size = frontier.root(), frontier.size
    return roots


def _issued(note: bytes, size: int, roots: list[bytes], attempts: list[Attempt], keys: LogKeys) -> bool:
    """Whether a checkpoint is of this tree, signed by the key of its time; of any time where that cannot be told."""
    if not 0 < size < len(roots):
        return False
    known = len(attempts) == len(roots) - 1
    signers = (attempts_key(keys, attempts[size - 1].log_size),) if known else attempts_keys(keys)
    try:
        return open_checkpoint(note, signers) == Checkpoint(attempts_origin(keys.name), size, roots[size])
    except LedgerError:
        return False
