"""Every tree that the log ever promised, against the tree its entries make: checkpoints, the pin, and what members saw.

A failure names the first entry that may differ: one already found bad, else the one after the largest tree that holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ledger.checkpoint import VerifierKey, open_checkpoint, parse_note
from ledger.errors import LedgerError, MalformedError, VerificationError
from ledger.pin import Pin
from ledger.seen import checkpoint_of
from ledger.statements import Seen
from projections.audit.report import Check, Report

CLAUSE = "七(三)"
Claim: TypeAlias = tuple[bytes, bytes]
"""A message and what is claimed to be the log's signature over it."""


@dataclass(frozen=True)
class CheckedKey(VerifierKey):
    """The log's key, and what is known to be signed by it: a pin repeats the signature of a checkpoint."""

    held: set[Claim] = field(default_factory=set, compare=False, repr=False)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Check a signature, once."""
        claim = message, signature
        if claim not in self.held and VerifierKey.verify(self, message, signature):
            self.held.add(claim)
        return claim in self.held


def claims_of(key: VerifierKey, notes: Iterable[bytes]) -> Iterator[Claim]:
    """Give what these notes claim that the log signed, so that it can be checked on other cores."""
    for data in notes:
        try:
            note = parse_note(data)
        except MalformedError:
            continue
        for signature in note.signatures:
            if (signature.name, signature.key_id) == (key.name, key.key_id):
                yield note.text, signature.value


class Promises:
    """The trees of a log that was read: `roots` by size, `size` entries, `whole` unless some between are missing."""

    def __init__(self, report: Report, key: VerifierKey, roots: Mapping[int, bytes], size: int, whole: bool) -> None:
        """Write failures into `report`; the log is that of `key`."""
        self._report, self._key, self._roots, self._size, self._whole = report, key, roots, size, whole

    def checkpoints(self, stored: Iterable[tuple[int, bytes]]) -> None:
        """Every stored checkpoint is signed by the log and has the root at its size; the last covers everything."""
        report, good, last = self._report, 0, 0
        for size, note in stored:
            report.looked_at[Check.CHECKPOINTS] += 1
            last = size
            try:
                checkpoint = open_checkpoint(note, (self._key,))
            except LedgerError as error:
                report.fail(Check.CHECKPOINTS, "CHECKPOINT_FORGED", max(0, size - 1), reason=error.code)
                continue
            if checkpoint.size != size:
                report.fail(Check.CHECKPOINTS, "CHECKPOINT_FORGED", max(0, size - 1), reason="size")
            elif self._holds(Check.CHECKPOINTS, size, checkpoint.root, good):
                good = size
        if last < self._size:
            report.fail(Check.CHECKPOINTS, "NOT_PUBLISHED", last)

    def pin(self, pin: Pin | None, good: int) -> None:
        """The pin outside the database is not above the log and has its root; `good` is the largest tree that held."""
        if pin is None:
            self._report.not_checked[Check.PIN] = "-"
            return
        self._report.looked_at[Check.PIN] += 1
        self._holds(Check.PIN, pin.size, pin.root, min(good, pin.size - 1))

    def seen(self, pinned: Mapping[Seen, int]) -> int:
        """Every checkpoint that a statement pins was issued by this log before it; return the largest that holds.

        `pinned` gives the first entry that pins a checkpoint. Members signed these: whoever rewrites the history and
        signs every checkpoint anew cannot rewrite them.
        """
        good = 0
        for seen, index in sorted(pinned.items(), key=lambda item: item[0].size):
            self._report.looked_at[Check.SEEN] += 1
            try:
                checkpoint = checkpoint_of(seen, self._key.name, self._key)
            except VerificationError as error:
                self._report.fail(Check.SEEN, error.code, index, CLAUSE)
                continue
            if seen.size > index:
                self._report.fail(Check.SEEN, "PIN_INVALID", index, CLAUSE, size=seen.size)
            elif self._holds(Check.SEEN, seen.size, checkpoint.root, good):
                good = seen.size
        return good

    def _holds(self, check: Check, size: int, root: bytes, good: int) -> bool:
        """Compare one promised tree; `good` is the largest that held before it."""
        if size > self._size:
            if self._whole:
                self._report.fail(check, "LOG_TRUNCATED", self._size, promised=size)
            return False
        own = self._roots.get(size)
        if own is None:
            self._report.fail(Check.CHECKPOINTS, "CHECKPOINT_MISSING", max(0, size - 1), size=size)
        elif own != root:
            bad = (failure.index for failure in self._report.failures if good <= failure.index < size)
            self._report.fail(check, "HISTORY_REWRITTEN", min(bad, default=good), size=size)
        return own == root
