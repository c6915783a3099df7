"""Every tree that the log ever promised, against the tree its entries make: checkpoints, the pin, and what members saw.

A checkpoint that says exactly what the entries make is recognised by its bytes while the log is read, and only its
signature remains to be checked, with all others. Whatever differs is taken apart at the end. A failure names
the first entry that may differ: one already found bad, else the one after the largest tree that holds.
"""

import binascii
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol, TypeAlias

from ledger.checkpoint import Checkpoint, Signature, VerifierKey
from ledger.errors import LedgerError, VerificationError
from ledger.log_keys import LogKeys
from ledger.merkle import EMPTY_ROOT
from ledger.pin import Pin
from ledger.seen import checkpoint_of
from ledger.statements import Seen
from projections.audit.report import Check, Report

CLAUSE = "七(三)"


FileOf: TypeAlias = Callable[[int], str]


def _no_file(size: int) -> str:
    return ""


class Claims(Protocol):
    """Where signatures are given to be checked (`projections.audit.signatures.Signatures`)."""

    def add(self, place: int, public: bytes | None, signature: bytes, message: bytes) -> None:
        """Have one signature checked; `place` names it."""


class _Issued(NamedTuple):
    """A checkpoint as it is stored; `expected` if it says exactly what the entries make, its signature aside."""

    size: int
    note: bytes
    expected: bool


class Promises:
    """The promises of one log, met one after the other while its entries are read."""

    def __init__(
        self, report: Report, key: VerifierKey, stored: Iterable[tuple[int, bytes]], file_of: FileOf = _no_file
    ) -> None:
        """Write failures into `report`; `stored` are the checkpoints, ascending.

        `file_of` gives the file in which an export has the checkpoint of a size.
        """
        self._report, self._file_of = report, file_of
        self._waiting: Iterator[tuple[int, bytes]] = iter(stored)
        self._next: tuple[int, bytes] | None = None
        self.next_size = -1
        """The size of the next checkpoint to be met, -1 behind the last."""
        self._step()
        self._lines: dict[VerifierKey, bytes] = {}
        self._issued: list[_Issued] = []
        self._roots: dict[int, bytes] = {0: EMPTY_ROOT}
        self._seals: dict[str, tuple[int, str, int]] = {}
        self._pinned: dict[int, int] = {}
        self._odd_pins: dict[Seen, int] = {}
        self.keys = LogKeys.of(key)
        self.size = 0
        self.whole = True

    def _step(self) -> None:
        self._next = next(self._waiting, None)
        self.next_size = self._next[0] if self._next is not None else -1

    def root_at(self, size: int) -> bytes | None:
        """Return the root that the entries make at the size of a checkpoint; None at other sizes."""
        return self._roots.get(size)

    def note_of(self, size: int) -> bytes | None:
        """Return the checkpoint of a size as it is stored, None if there is none."""
        return next((one.note for one in self._issued if one.size == size), None)

    def met(self, size: int, root: bytes, claims: Claims) -> None:
        """Take the checkpoints up to this size, of which the entries make the tree with this root."""
        self._roots[size] = root
        while self._next is not None and self._next[0] <= size:
            at, note = self._next
            self._issued.append(_Issued(at, note, at == size and self._expected(size, root, note, claims)))
            self._step()

    def _expected(self, size: int, root: bytes, note: bytes, claims: Claims) -> bool:
        """Whether a note is the log's checkpoint of this tree, byte for byte, if only its signature holds."""
        key = self.keys.at(size)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Signature(key.name, key.key_id, bytes(64)).line()
        root_text = binascii.b2a_base64(root, newline=False)
        text = b"%b\n%d\n%b\n" % (key.name.encode(), size, root_text)
        # Key id and signature are 68 bytes, thus 92 characters, at the end of the line before its line feed.
        head, stop = text + b"\n" + line[: len(line) - 93], len(note) - 1
        sealed = note[len(head) : stop]
        if len(note) != len(text) + 1 + len(line) or not note.startswith(head) or note[stop:] != b"\n":
            return False
        try:
            value = binascii.a2b_base64(sealed, strict_mode=True)
        except ValueError:
            return False
        if value[:4] != key.key_id or len(value) != 68 or binascii.b2a_base64(value, newline=False) != sealed:
            return False
        number = len(self._issued)
        claims.add(-1 - number, key.public, value[4:], text)
        self._seals[sealed.decode()] = size, root_text.decode(), number
        return True

    def pinned(self, seen: Seen, place: int) -> None:
        """Keep what the statement at `place` pins."""
        known = self._seals.get(seen.signature)
        if known is not None and known[0] == seen.size and known[1] == seen.root:
            self._pinned.setdefault(known[2], place)
        else:
            self._odd_pins.setdefault(seen, place)

    def close(self, root: bytes, bad: set[int], pin: Pin | None, pin_wanted: bool = True) -> None:
        """Hold everything against the tree; `bad` are the numbers (from -1 down) of signatures that do not hold."""
        self._roots[self.size] = root
        self._checkpoints(bad)
        good = self._seen(bad)
        if pin is not None:
            self._report.looked_at[Check.PIN] += 1
            self._holds(Check.PIN, pin.size, pin.root, min(good, pin.size - 1))
        elif pin_wanted:
            self._report.not_checked[Check.PIN] = "-"

    def _checkpoints(self, bad: set[int]) -> None:
        """Every stored checkpoint is signed by the log and has the root at its size; the last covers everything."""
        report, good, last = self._report, 0, 0
        rest = [_Issued(size, note, False) for size, note in self._rest()]
        for number, (size, note, expected) in enumerate([*self._issued, *rest]):
            report.looked_at[Check.CHECKPOINTS] += 1
            last = size
            if (expected and -1 - number not in bad) or self._is_sound(size, note, good):
                good = size
        if last < self.size:
            report.fail(Check.CHECKPOINTS, "NOT_PUBLISHED", last, "", self._file_of(self.size))

    def _rest(self) -> Iterator[tuple[int, bytes]]:
        if self._next is not None:
            yield self._next
            yield from self._waiting

    def _is_sound(self, size: int, note: bytes, good: int) -> bool:
        try:
            checkpoint = self.keys.open(note)
        except LedgerError as error:
            self._forged(size, error.code)
            return False
        if checkpoint.size != size:
            self._forged(size, "size")
            return False
        return self._holds(Check.CHECKPOINTS, size, checkpoint.root, good)

    def _forged(self, size: int, reason: str) -> None:
        index = max(0, size - 1)
        self._report.fail(Check.CHECKPOINTS, "CHECKPOINT_FORGED", index, "", self._file_of(size), reason=reason)

    def _seen(self, bad: set[int]) -> int:
        """Every checkpoint that a statement pins was issued by this log before it; return the largest that holds.

        Members signed these: whoever rewrites the history and signs every checkpoint anew cannot rewrite them.
        """
        good = 0
        pins = {self._as_seen(number): place for number, place in self._pinned.items() if -1 - number in bad}
        held = [self._issued[number].size for number in self._pinned if -1 - number not in bad]
        self._report.looked_at[Check.SEEN] += len(held)
        for seen, index in sorted((pins | self._odd_pins).items(), key=lambda item: item[0].size):
            self._report.looked_at[Check.SEEN] += 1
            below = max((size for size in held if size <= seen.size), default=0)
            good = max(good, below)
            try:
                checkpoint = self._checkpoint_of(seen)
            except VerificationError as error:
                self._report.fail(Check.SEEN, error.code, index, CLAUSE)
                continue
            if seen.size > index:
                self._report.fail(Check.SEEN, "PIN_INVALID", index, CLAUSE, size=seen.size)
            elif self._holds(Check.SEEN, seen.size, checkpoint.root, min(good, seen.size - 1)):
                good = seen.size
        return max([good, *held])

    def _as_seen(self, number: int) -> Seen:
        lines = self._issued[number].note.decode().split("\n")
        return Seen(lines[2], lines[4].rpartition(" ")[2], self._issued[number].size)

    def _checkpoint_of(self, seen: Seen) -> Checkpoint:
        return checkpoint_of(seen, self.keys.name, self.keys.at(seen.size))

    def keeps(self, check: Check, promised: Checkpoint, good: int, place: str) -> bool:
        """Hold a tree that others attest in the file `place`; `good` is the largest that held before it."""
        return self._holds(check, promised.size, promised.root, min(good, promised.size - 1), place)

    def _holds(self, check: Check, size: int, root: bytes, good: int, place: str = "") -> bool:
        """Compare one promised tree; `good` is the largest that held before it."""
        if size > self.size:
            if self.whole:
                self._report.fail(check, "LOG_TRUNCATED", self.size, "", place, promised=size)
            return False
        own = self._roots.get(size)
        if own is None:
            index = max(0, size - 1)
            self._report.fail(Check.CHECKPOINTS, "CHECKPOINT_MISSING", index, "", self._file_of(size), size=size)
        elif own != root:
            bad = (failure.index for failure in self._report.failures if good <= failure.index < size)
            self._report.fail(check, "HISTORY_REWRITTEN", min(bad, default=max(good, 0)), "", place, size=size)
        return own == root
