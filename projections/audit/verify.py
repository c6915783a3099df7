"""Checking a whole log: every byte, hash, signature and pin, and every statement decided again from entry 0.

The same decisions and folds as the sequencer's run over the stored entries; whatever a dishonest sequencer admitted is
refused here, with its clause and index. Signatures are checked by a few threads, because the library releases the
interpreter while it computes; everything else is one pass.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, Protocol, TypeAlias

from ledger.admission import founds, public_key_of
from ledger.checkpoint import VerifierKey
from ledger.decisions.gate import decide
from ledger.errors import MalformedError, VerificationError
from ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from ledger.pin import Pin
from ledger.roll import SEALED_PREFIX
from ledger.selection import Selection
from ledger.signing import key_id, strict_b64decode
from ledger.statements import Act, Seen, decode_entry
from ledger.statements.foundation import CharterSealed
from ledger.statements.notices import ObjectionReceived
from ledger.statements.roll import KeyEnrolled, KeyRotated
from projections.audit.promises import CLAUSE, Promises
from projections.audit.report import Check, Report

CHUNK = 512
Progress: TypeAlias = Callable[[int], None]
"""Called with the number of entries done."""


class Row(NamedTuple):
    """An entry as stored: its place (from 0), its bytes, the columns that repeat them, and the hashes of its nodes."""

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


class Placed(NamedTuple):
    """A row that was read: its place, and its act unless its bytes are none."""

    place: int
    act: Act | None


class Audit:
    """One audit in progress; `state` is what the entries decided so far amount to.

    Where an entry is missing or cannot be read, nothing after it can be decided again, and where one is missing the
    tree ends: the report says from where on. Everything else is still checked.
    """

    def __init__(self, source: LogSource, key: VerifierKey, workers: int = 2) -> None:
        """Audit `source` as the log of this key; `workers` threads check signatures."""
        self._source, self._key, self._workers = source, key, workers
        self.report = Report()
        self.state = Selection()
        self._frontier = Frontier()
        self._roots: dict[int, bytes] = {0: EMPTY_ROOT}
        self._publics: dict[str, bytes] = {}
        self._pinned: dict[Seen, int] = {}
        self._sealed: set[bytes] = set()
        self._next = 0
        self._last_at = 0

    def run(self, progress: Progress | None = None) -> Report:
        """Check everything and return the report; `progress` is called with the number of entries done."""
        checkpoints = list(self._source.checkpoints())
        sizes = {size for size, _ in checkpoints}
        rows = iter(self._source.rows())
        with ThreadPoolExecutor(self._workers) as pool:
            waiting: list[Future[list[int]]] = []
            while chunk := list(islice(rows, CHUNK)):
                placed = [self._entry(row, sizes) for row in chunk]
                waiting += self._signatures(placed, pool)
                for item in placed:
                    self._decide(item)
                if len(waiting) > 2 * self._workers:
                    self._collect(waiting)
                if progress:
                    progress(self._next)
            self._collect(waiting)
        self.report.size, self.report.root = self._frontier.size, self._frontier.root()
        self._roots[self._frontier.size] = self.report.root
        whole = Check.TREE not in self.report.not_checked
        promises = Promises(self.report, self._key, self._roots, self._frontier.size, whole)
        promises.checkpoints(checkpoints)
        promises.pin(self._source.pin(), promises.seen(self._pinned))
        return self.report

    def _entry(self, row: Row, sizes: set[int]) -> Placed:
        """Bytes, place, time, columns and tree of one row."""
        report, place = self.report, row.place
        report.looked_at[Check.FORM] += 1
        report.looked_at[Check.ORDER] += 1
        if place != self._next:
            report.fail(Check.ORDER, "EVENT_MISSING", self._next, found=place)
            self._ends(Check.TREE, self._next)
            self._ends(Check.DECISIONS, self._next)
        self._next = place + 1
        act: Act | None = None
        try:
            act = decode_entry(row.entry)
        except MalformedError as error:
            report.fail(Check.FORM, "EVENT_ALTERED", place, reason=error.code)
            self._ends(Check.DECISIONS, place)
        else:
            self._columns(act, row)
        if Check.TREE not in report.not_checked:
            self._tree(act, row)
            if place + 1 in sizes:
                self._roots[place + 1] = self._frontier.root()
        return Placed(place, act)

    def _ends(self, check: Check, place: int) -> None:
        self.report.not_checked.setdefault(check, str(place))

    def _columns(self, act: Act, row: Row) -> None:
        report, place = self.report, row.place
        report.looked_at[Check.IDENTITY] += 1
        if act.index != place:
            report.fail(Check.ORDER, "EVENT_MOVED", place, found=act.index)
        if act.at < self._last_at:
            report.fail(Check.ORDER, "CLOCK_REGRESSION", place, at=act.at, last=self._last_at)
        self._last_at = max(self._last_at, act.at)
        if row.topic != act.statement.type or row.statement_id != act.signed.id:
            report.fail(Check.IDENTITY, "COLUMN_ALTERED", place)
        if act.person.startswith(SEALED_PREFIX):
            # A person's counter shows a statement that is there twice; a one-time key has none.
            if act.signed.id in self._sealed:
                report.fail(Check.IDENTITY, "STORE_DUPLICATE_STATEMENT", place)
            self._sealed.add(act.signed.id)
        for public in _new_keys(act):
            self._publics[key_id(public)] = public

    def _tree(self, act: Act | None, row: Row) -> None:
        self.report.looked_at[Check.TREE] += 1
        nodes = self._frontier.append(act.leaf if act is not None else leaf_hash(row.entry))
        if not row.nodes:
            self.report.fail(Check.TREE, "NODE_MISSING", row.place)
        elif nodes[0][2] != row.nodes[:32]:
            self.report.fail(Check.TREE, "EVENT_ALTERED", row.place, reason="leaf")
        elif b"".join(value for _, _, value in nodes) != row.nodes:
            self.report.fail(Check.TREE, "NODE_ALTERED", row.place)

    def _signatures(self, placed: list[Placed], pool: ThreadPoolExecutor) -> "list[Future[list[int]]]":
        triples = [(place, act, self._publics.get(act.statement.key)) for place, act in placed if act is not None]
        self.report.looked_at[Check.SIGNATURES] += len(triples)
        step = max(1, -(-len(triples) // self._workers))
        return [pool.submit(_bad_signatures, triples[at : at + step]) for at in range(0, len(triples), step)]

    def _collect(self, waiting: "list[Future[list[int]]]") -> None:
        """Take the results, so that memory stays flat."""
        for future in waiting:
            for place in future.result():
                self.report.fail(Check.SIGNATURES, "SIGNATURE_INVALID", place)
        waiting.clear()

    def _decide(self, placed: Placed) -> None:
        """Decide the statement again, and hold whose key it may use, as the sequencer did."""
        place, act = placed
        report = self.report
        if act is None:
            return
        statement = act.statement
        if statement.seen is not None:
            self._pinned.setdefault(statement.seen, place)
        elif type(statement.body) is not CharterSealed:
            report.fail(Check.SEEN, "PIN_INVALID", place, CLAUSE)
        if place >= int(report.not_checked.get(Check.DECISIONS, place + 1)):
            return
        report.looked_at[Check.DECISIONS] += 1
        try:
            if type(statement.body) is CharterSealed and not founds(statement.body, self._key):
                report.fail(Check.DECISIONS, "CHARTER_INVALID", place, "一", where="origin, log_key")
            public_key_of(self.state, act.signed)
            refusal = decide(self.state, statement, act.at)
            if refusal is not None:
                report.fail(Check.DECISIONS, refusal.code, place, refusal.clause, **refusal.facts)
                if refusal.code == "RESULT_NOT_DERIVED":
                    report.fail(Check.DECISIONS, "REPLAY_DIVERGES", place, refusal.clause, **refusal.facts)
            self.state.apply(act)
        except VerificationError as error:
            report.fail(Check.SIGNATURES, error.code, place)
            self._ends(Check.DECISIONS, place)
        except Exception as error:
            # Only an entry that must never have been admitted can make a decision or a fold fail, in whatever manner.
            report.fail(Check.DECISIONS, "REPLAY_DIVERGES", place, reason=type(error).__name__)
            self._ends(Check.DECISIONS, place)


def _new_keys(act: Act) -> tuple[bytes, ...]:
    """The public keys that an entry brings in; a key id is the hash of its key, so it can never mean another one."""
    body = act.body
    texts: tuple[str | None, ...] = ()
    if type(body) in (KeyEnrolled, KeyRotated):
        texts = (body.public_key,)
    elif type(body) is CharterSealed:
        texts = tuple(founder.public_key for founder in body.founders)
    elif type(body) is ObjectionReceived:
        texts = (body.one_time_key,)
    try:
        return tuple(strict_b64decode(text, "public_key") for text in texts if text is not None)
    except MalformedError:
        # A key in another spelling is refused when the statement is decided.
        return ()


def _bad_signatures(triples: "list[tuple[int, Act, bytes | None]]") -> list[int]:
    return [place for place, act, public in triples if public is None or not act.signed.verify(public)]


def verify_log(source: LogSource, key: VerifierKey, workers: int = 2, progress: Progress | None = None) -> Report:
    """Audit a stored log as the log of `key`."""
    return Audit(source, key, workers).run(progress)
