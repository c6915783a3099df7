"""An audit that goes on from an earlier one: everything is read and decided again, known signatures are passed by.

The signatures of a prefix are not checked again if the tree over its entries still has the root that it had when they
were. If it has not, the whole log is checked from its first entry, and the change below is itself a finding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.checkpoint import Checkpoint, VerifierKey
from ledger.errors import LedgerError
from ledger.merkle import Node
from ledger.statements import Act
from projections.audit.report import Check, Report
from projections.audit.signatures import Signatures
from projections.audit.verified import Verified, read_verified, write_verified
from projections.audit.verify import Audit, LogSource, Progress, Row

KEEP_EVERY = 20_000
"""After so many entries what is verified is kept once more, at the next checkpoint, lest an interruption lose it."""


class PrefixChangedError(Exception):
    """The verified prefix is not what it was: the tree over it has another root, or ends before it."""


class ResumedAudit(Audit):
    """An audit that passes by the signatures of a verified prefix, and breaks off where that prefix has changed."""

    def __init__(
        self,
        source: LogSource,
        key: VerifierKey,
        workers: int,
        report: Report,
        path: Path,
        kept: Verified | None,
        keep_every: int = KEEP_EVERY,
    ) -> None:
        """Audit `source` as the log founded with `key`, going on from `kept`; what is verified is kept at `path`."""
        super().__init__(source, key, workers, report)
        self._path, self._kept, self._keep_every = path, kept, keep_every
        self.since = self._saved = kept.size if kept is not None else 0

    def _signature(self, act: Act, place: int, message: bytes, signatures: Signatures) -> None:
        if place >= self.since:
            super()._signature(act, place, message, signatures)

    def _row(self, row: Row, signatures: Signatures) -> None:
        super()._row(row, signatures)
        size = self._next
        if self._kept is not None and size >= self.since > row.place and not self._is_same(self._kept):
            raise PrefixChangedError
        if size - self._saved >= self._keep_every and self.promises.root_at(size) is not None:
            signatures.finish()
            if not signatures.bad:
                self._keep()

    def _is_same(self, kept: Verified) -> bool:
        return self._has_tree and self._frontier.size == kept.size and self._frontier.root() == kept.root

    def _close(self, bad: set[int]) -> None:
        if self._next < self.since:
            raise PrefixChangedError
        super()._close(bad)
        self._keep()

    def _keep(self) -> None:
        """Keep what is verified by now, if all of it held and the log signed a checkpoint of exactly this size."""
        size, root = self._frontier.size, self._frontier.root()
        note = self.promises.note_of(size)
        if self.report.failures or not self._decidable or not self._has_tree or note is None or size <= self._saved:
            return
        try:
            sound = self.promises.keys.open(note) == Checkpoint(self._key.name, size, root)
        except LedgerError:
            sound = False
        if sound:
            verified = Verified(self._key, size, tuple(self._frontier.peaks().values()), note)
            write_verified(self._path, verified, self.promises.keys.at(size))
            self._saved = size


class SuspiciousAudit(Audit):
    """A whole audit of a log whose verified prefix has changed: what had been verified is a promise like the pin."""

    def __init__(
        self, source: LogSource, key: VerifierKey, workers: int, report: Report, path: Path, kept: Verified
    ) -> None:
        """Audit `source` from its first entry on, and hold it against `kept`, which is from the file `path`."""
        super().__init__(source, key, workers, report)
        self._kept, self._peaks, self._place = kept, kept.nodes(), path.name
        self._unchanged: int | None = None

    def _tree(self, row: Row, nodes: list[Node]) -> None:
        super()._tree(row, nodes)
        for level, index, value in nodes:
            if self._unchanged is None and self._peaks.get((level, index), value) != value:
                self._unchanged = index << level

    def _keep_promises(self, bad: set[int]) -> None:
        super()._keep_promises(bad)
        if self._has_tree:
            self.report.looked_at[Check.PIN] += 1
            promised = Checkpoint(self._key.name, self._kept.size, self._kept.root)
            self.promises.keeps(Check.PIN, promised, self._unchanged or 0, self._place)


@dataclass(frozen=True, slots=True)
class Done:
    """A finished audit, and from which entry on signatures were checked; `changed`: what was known to hold is not."""

    audit: Audit
    since: int = 0
    changed: bool = False


def audit_from(
    source: Callable[[], LogSource],
    key: VerifierKey,
    workers: int,
    report: Callable[[], Report],
    path: Path | None = None,
    progress: Progress | None = None,
    keep_every: int = KEEP_EVERY,
) -> Done:
    """Audit a log as the one founded with `key`, going on from what the file `path` says was verified, and keep more.

    `source` opens the log and `report` begins a report; where the verified prefix has changed, both are called again.
    Without `path` everything is checked and nothing kept. Raises `StoreError` `AUDIT_STATE_UNUSABLE`.
    """
    if path is None:
        audit = Audit(source(), key, workers, report())
        audit.run(progress)
        return Done(audit)
    kept = read_verified(path, key)
    resumed = ResumedAudit(source(), key, workers, report(), path, kept, keep_every)
    try:
        resumed.run(progress)
    except PrefixChangedError:
        if kept is None:
            raise
    else:
        return Done(resumed, resumed.since)
    suspicious = SuspiciousAudit(source(), key, workers, report(), path, kept)
    suspicious.run(progress)
    return Done(suspicious, changed=True)
