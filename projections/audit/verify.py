"""Checking a whole log: every byte, hash, signature and pin, and every statement decided again from entry 0.

The same decisions and folds as the sequencer's run over the stored entries; whatever a dishonest sequencer admitted is
refused here, with its clause and index. Signatures are checked by a few threads, because the library releases the
interpreter while it computes; everything else is one pass.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, Protocol

from ledger.checkpoint import VerifierKey, open_checkpoint
from ledger.decisions.gate import decide
from ledger.errors import LedgerError, MalformedError, VerificationError
from ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from ledger.pin import Pin
from ledger.roll import SEALED_PREFIX
from ledger.seen import checkpoint_of
from ledger.selection import Selection
from ledger.signing import key_id, strict_b64decode
from ledger.statements import Act, Seen, decode_entry
from ledger.statements.foundation import CharterSealed
from ledger.statements.notices import ObjectionReceived
from ledger.statements.roll import KeyEnrolled, KeyRotated
from projections.audit.report import Check, Report

CHUNK = 512


class Row(NamedTuple):
    """An entry as stored: its place (from 0), its bytes, the columns that repeat them, and the node hashes stored with it."""

    place: int
    entry: bytes
    topic: str
    statement_id: bytes
    nodes: bytes


class LogSource(Protocol):
    """A stored log as the audit reads it."""

    def rows(self) -> Iterator[Row]:
        """Give the rows in stored order."""

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give (size, signed note) of every stored checkpoint, ascending."""

    def pin(self) -> Pin | None:
        """Return the pin, or None if there is none."""


class Audit:
    """One audit in progress. `progress(done)` is called after every chunk of entries."""

    def __init__(self, source: LogSource, key: VerifierKey, workers: int = 2) -> None:
        """Audit `source` as the log of this key; `workers` threads check signatures."""
        self._source, self._key, self._workers = source, key, workers
        self.report = Report()
        self.state = Selection()
        self._frontier = Frontier()
        self._roots: dict[int, bytes] = {0: EMPTY_ROOT}
        self._publics: dict[str, bytes] = {}
        self._pinned: dict[Seen, int] = {}
        self._decidable = True
        self._last_at = 0

    def run(self, progress: "Progress | None" = None) -> Report:
        """Check everything and return the report."""
        checkpoints = list(self._source.checkpoints())
        sizes = {size for size, _ in checkpoints}
        rows = iter(self._source.rows())
        with ThreadPoolExecutor(self._workers) as pool:
            waiting: list[Future[list[int]]] = []
            while chunk := list(islice(rows, CHUNK)):
                acts = [self._entry(row, sizes) for row in chunk]
                waiting += self._signatures([act for act in acts if act is not None], pool)
                for act in acts:
                    self._decide(act)
                waiting = self._collect(waiting, len(waiting) > 2 * self._workers)
                if progress:
                    progress(self._frontier.size)
            self._collect(waiting, everything=True)
        self.report.size, self.report.root = self._frontier.size, self._frontier.root()
        self._checkpoints(checkpoints)
        self._pin()
        self._pins_seen()
        return self.report

    def _entry(self, row: Row, sizes: set[int]) -> Act | None:
        """Bytes, place, time, columns and tree of one row."""
        expected = self._frontier.size
        report = self.report
        report.looked_at[Check.FORM] += 1
        act: Act | None = None
        try:
            act = decode_entry(row.entry)
        except MalformedError as error:
            report.fail(Check.FORM, "EVENT_ALTERED", expected, reason=error.code)
        if row.place != expected or (act is not None and act.index != expected):
            report.fail(Check.ORDER, "EVENT_MISSING", expected, found=act.index if act else row.place)
        if act is not None:
            self._columns(act, row)
        self._tree(act, row, expected)
        if expected + 1 in sizes:
            self._roots[expected + 1] = self._frontier.root()
        return act

    def _columns(self, act: Act, row: Row) -> None:
        report = self.report
        report.looked_at[Check.ORDER] += 1
        report.looked_at[Check.IDENTITY] += 1
        if act.at < self._last_at:
            report.fail(Check.ORDER, "CLOCK_REGRESSION", act.index, at=act.at, last=self._last_at)
        self._last_at = max(self._last_at, act.at)
        if row.topic != act.statement.type or row.statement_id != act.signed.id:
            report.fail(Check.IDENTITY, "COLUMN_ALTERED", act.index)
        for public in _new_keys(act):
            self._publics[key_id(public)] = public

    def _tree(self, act: Act | None, row: Row, index: int) -> None:
        self.report.looked_at[Check.TREE] += 1
        nodes = self._frontier.append(act.leaf if act is not None else leaf_hash(row.entry))
        if b"".join(value for _, _, value in nodes) != row.nodes:
            code = "EVENT_ALTERED" if nodes[0][2] != row.nodes[:32] else "NODE_ALTERED"
            self.report.fail(Check.TREE, code, index)

    def _signatures(self, acts: list[Act], pool: ThreadPoolExecutor) -> "list[Future[list[int]]]":
        pairs = [(act, self._public(act)) for act in acts]
        self.report.looked_at[Check.SIGNATURES] += len(pairs)
        step = max(1, -(-len(pairs) // self._workers))
        return [pool.submit(_bad_signatures, pairs[at : at + step]) for at in range(0, len(pairs), step)]

    def _public(self, act: Act) -> bytes | None:
        statement = act.statement
        if statement.person.startswith(SEALED_PREFIX) and type(statement.body) is ObjectionReceived:
            one_time = statement.body.one_time_key
            public = strict_b64decode(one_time, "one_time_key") if one_time else b""
            self._publics.setdefault(key_id(public), public)
        return self._publics.get(statement.key)

    def _collect(self, waiting: "list[Future[list[int]]]", everything: bool) -> "list[Future[list[int]]]":
        """Take the results that are due, so that memory stays flat."""
        due = waiting if everything else []
        for future in due:
            for index in future.result():
                self.report.fail(Check.SIGNATURES, "SIGNATURE_INVALID", index)
        return [] if everything else waiting

    def _decide(self, act: Act | None) -> None:
        """Decide the statement again; an entry that cannot be read ends deciding, because what follows builds on it."""
        report = self.report
        if act is None:
            if self._decidable:
                report.not_checked[Check.DECISIONS] = str(self._frontier.size)
            self._decidable = False
        if act is None or not self._decidable:
            return
        report.looked_at[Check.DECISIONS] += 1
        statement = act.statement
        try:
            refusal = decide(self.state, statement, act.at)
            if refusal is not None:
                report.fail(Check.DECISIONS, refusal.code, act.index, refusal.clause, **refusal.facts)
            self.state.apply(act)
        except (LedgerError, LookupError, ValueError) as error:
            # Only an entry that must never have been admitted can make a fold fail.
            report.fail(Check.DECISIONS, "REPLAY_DIVERGES", act.index, reason=type(error).__name__)
            report.not_checked[Check.DECISIONS] = str(act.index)
            self._decidable = False
        if statement.seen is not None:
            self._pinned.setdefault(statement.seen, act.index)
        elif type(statement.body) is not CharterSealed:
            report.fail(Check.SEEN, "PIN_INVALID", act.index, "七(三)")

    def _checkpoints(self, checkpoints: list[tuple[int, bytes]]) -> None:
        """Every stored checkpoint is signed by the log and has the root of the tree at its size."""
        report, size = self.report, self._frontier.size
        for stored_size, note in checkpoints:
            report.looked_at[Check.CHECKPOINTS] += 1
            try:
                checkpoint = open_checkpoint(note, (self._key,))
            except LedgerError as error:
                report.fail(Check.CHECKPOINTS, "CHECKPOINT_FORGED", stored_size, reason=error.code)
                continue
            if checkpoint.size != stored_size:
                report.fail(Check.CHECKPOINTS, "CHECKPOINT_FORGED", stored_size, reason="size")
            elif checkpoint.size > size:
                report.fail(Check.CHECKPOINTS, "LOG_TRUNCATED", size, checkpoint=checkpoint.size)
            elif self._roots.get(checkpoint.size) != checkpoint.root:
                report.fail(Check.CHECKPOINTS, "HISTORY_REWRITTEN", checkpoint.size)
        if size and (not checkpoints or checkpoints[-1][0] < size):
            report.fail(Check.CHECKPOINTS, "NOT_PUBLISHED", checkpoints[-1][0] if checkpoints else 0)

    def _pin(self) -> None:
        """The pin outside the database: not above the log, and the same root at its size."""
        pin = self._source.pin()
        if pin is None:
            self.report.not_checked[Check.PIN] = "-"
            return
        self.report.looked_at[Check.PIN] += 1
        if pin.size > self._frontier.size:
            self.report.fail(Check.PIN, "LOG_TRUNCATED", self._frontier.size, pinned=pin.size)
        elif self._root(pin.size) != pin.root:
            self.report.fail(Check.PIN, "HISTORY_REWRITTEN", pin.size)

    def _root(self, size: int) -> bytes | None:
        return self._frontier.root() if size == self._frontier.size else self._roots.get(size)

    def _pins_seen(self) -> None:
        """Every checkpoint that a member's statement pins was issued by this log and lies before the statement."""
        for seen, index in self._pinned.items():
            self.report.looked_at[Check.SEEN] += 1
            try:
                checkpoint = checkpoint_of(seen, self._key.name, self._key)
            except VerificationError as error:
                self.report.fail(Check.SEEN, error.code, index, "七(三)")
                continue
            if seen.size > index:
                self.report.fail(Check.SEEN, "PIN_INVALID", index, "七(三)", size=seen.size)
            elif (root := self._root(seen.size)) is None:
                self.report.fail(Check.CHECKPOINTS, "CHECKPOINT_MISSING", seen.size)
            elif root != checkpoint.root:
                self.report.fail(Check.SEEN, "HISTORY_REWRITTEN", index, "七(三)", size=seen.size)


class Progress(Protocol):
    """Called with the number of entries done."""

    def __call__(self, done: int) -> None:
        """Show progress."""


def _new_keys(act: Act) -> tuple[bytes, ...]:
    """The public keys that an entry brings in; a key id is the hash of its key, so it can never mean another one."""
    body = act.body
    texts: tuple[str, ...] = ()
    if type(body) in (KeyEnrolled, KeyRotated):
        texts = (body.public_key,)
    elif type(body) is CharterSealed:
        texts = tuple(founder.public_key for founder in body.founders)
    return tuple(strict_b64decode(text, "public_key") for text in texts)


def _bad_signatures(pairs: "list[tuple[Act, bytes | None]]") -> list[int]:
    return [act.index for act, public in pairs if public is None or not act.signed.verify(public)]


def verify_log(source: LogSource, key: VerifierKey, workers: int = 2, progress: Progress | None = None) -> Report:
    """Audit a stored log as the log of `key`."""
    return Audit(source, key, workers).run(progress)
