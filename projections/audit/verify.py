"""Checking a whole log: every byte, hash, signature and pin, and every statement decided again from entry 0.

The same decisions and folds as the sequencer's run over the stored entries; whatever a dishonest sequencer admitted is
refused here, with its clause and index. Signatures, most of the work, are checked on other cores (`signatures`);
everything else is one pass.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice
from typing import NamedTuple, Protocol, TypeAlias

from ledger.admission import founds, public_key_of
from ledger.checkpoint import VerifierKey
from ledger.collector import collector_at_rest
from ledger.decisions.gate import decide
from ledger.errors import MalformedError, VerificationError
from ledger.merkle import Frontier, Node, leaf_hash
from ledger.pin import Pin
from ledger.roll import SEALED_PREFIX
from ledger.selection import Selection
from ledger.signing import key_id, pae, strict_b64decode
from ledger.state.casts import Grade
from ledger.statements import Act, decode_entry
from ledger.statements.foundation import CharterSealed
from ledger.statements.notices import ObjectionReceived
from ledger.statements.roll import KeyEnrolled, KeyRotated
from ledger.statements.rounds import ResultCertified
from projections.audit.promises import CLAUSE, Promises
from projections.audit.report import Check, Report
from projections.audit.signatures import Signatures

CHUNK = 512
Progress: TypeAlias = Callable[[int], None]
"""Called with the number of entries done."""


class Row(NamedTuple):
    """An entry as stored: its place (from 0), its bytes, the columns that repeat them, and the hashes of its nodes.

    An export has no columns (None), and of a hidden entry nothing but its leaf hash.
    """

    place: int
    entry: bytes
    topic: str | None = None
    statement_id: bytes = b""
    nodes: bytes = b""
    leaf: bytes = b""


class LogSource(Protocol):
    """A stored log as the audit reads it."""

    def rows(self) -> Iterator[Row]:
        """Give the rows in stored order."""

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give (size, signed note) of every stored checkpoint, ascending."""

    def pin(self) -> Pin | None:
        """Return the pin, or None if there is none."""


class Audit:
    """One audit in progress; `state` is what the entries decided so far amount to.

    Where an entry is missing or cannot be read, nothing after it can be decided again, and where one is missing the
    tree ends: the report says from where on. Everything else is still checked.
    """

    def __init__(self, source: LogSource, key: VerifierKey, workers: int = 2, report: Report | None = None) -> None:
        """Audit `source` as the log founded with this key; `workers` processes check the signatures of a long log.

        Keys that came in by rotation are derived from the entries. `report` is one already begun.
        """
        self._source, self._key, self._workers = source, key, workers
        self.report = report if report is not None else Report()
        self.state = Selection()
        self.promises = Promises(self.report, key, source.checkpoints(), self.checkpoint_file)
        self._frontier = Frontier()
        self._publics: dict[str, bytes] = {}
        self._sealed: set[bytes] = set()
        self._next = 0
        self._last_at = 0
        self._rows = self._leaves = self._acts = self._decisions = self._results = 0
        self._has_tree = self._decidable = True

    def run(self, progress: Progress | None = None) -> Report:
        """Check everything and return the report; `progress` is called with the number of entries done."""
        rows = iter(self._source.rows())
        with collector_at_rest(), Signatures(self._workers) as signatures:
            while chunk := list(islice(rows, CHUNK)):
                for row in chunk:
                    self._row(row, signatures)
                if progress:
                    progress(self._next)
            signatures.finish()
        self._close(set(signatures.bad))
        return self.report

    def _close(self, bad: set[int]) -> None:
        """Close the report: counts, signatures that do not hold, and what the log promised."""
        report, frontier = self.report, self._frontier
        report.looked_at |= {
            Check.FORM: self._rows,
            Check.ORDER: self._rows,
            Check.IDENTITY: self._acts,
            Check.TREE: self._leaves,
            Check.SIGNATURES: self._acts,
            Check.DECISIONS: self._decisions,
            Check.RESULTS: self._results,
        }
        for place in sorted(place for place in bad if place >= 0):
            self._fail(Check.SIGNATURES, "SIGNATURE_INVALID", place)
        report.size, report.root = frontier.size, frontier.root()
        report.grades, report.origin = grades_of(self.state), self._key.name
        self.promises.size, self.promises.whole = frontier.size, self._has_tree
        self._keep_promises(bad)

    def _keep_promises(self, bad: set[int]) -> None:
        self.promises.close(self.report.root, bad, self._source.pin())

    def checkpoint_file(self, size: int) -> str:
        """Return the file of an export that holds the checkpoint of a size; empty for a live log."""
        return ""

    def file_of(self, place: int) -> str:
        """Return the file of an export that holds an entry; empty for a live log."""
        return ""

    def _fail(self, check: Check, code: str, place: int, clause: str = "", /, **facts: str | int) -> None:
        """Add a failure at an entry."""
        self.report.fail(check, code, place, clause, self.file_of(place), **facts)

    def _row(self, row: Row, signatures: Signatures) -> None:
        """Check one row, and what its entry decides and signs."""
        place = row.place
        self._rows += 1
        if place != self._next:
            self._fail(Check.ORDER, "EVENT_MISSING", self._next, found=place)
            self._tree_ends(self._next)
            self._deciding_ends(self._next)
        self._next = place + 1
        act: Act | None = None
        if not row.leaf:
            try:
                act = decode_entry(row.entry)
            except MalformedError as error:
                self._fail(Check.FORM, "EVENT_ALTERED", place, reason=error.code)
                self._deciding_ends(place)
        if self._has_tree:
            self._leaves += 1
            self._tree(row, self._frontier.append(row.leaf or leaf_hash(row.entry)))
            if place + 1 == self.promises.next_size:
                self.promises.met(place + 1, self._frontier.root(), signatures)
        if act is not None:
            self._acts += 1
            self._act(act, row, signatures)

    def _act(self, act: Act, row: Row, signatures: Signatures) -> None:
        """Check what an entry says."""
        signed, place = act.signed, row.place
        statement = signed.statement
        message = pae(signed.payload_type, signed.payload)
        self._columns(act, row, message)
        self._signature(act, place, message, signatures)
        seen = statement.seen
        if seen is not None:
            self.promises.pinned(seen, place)
        elif type(statement.body) is not CharterSealed:
            self._fail(Check.SEEN, "PIN_INVALID", place, CLAUSE)
        if self._decidable:
            self._decisions += 1
            self._decide(act, place)

    def _signature(self, act: Act, place: int, message: bytes, signatures: Signatures) -> None:
        """Have the signature checked, by the one key whose hash the statement names."""
        signatures.add(place, self._publics.get(act.signed.statement.key), act.signed.signature, message)

    def _tree_ends(self, place: int) -> None:
        self._has_tree = False
        self.report.not_checked.setdefault(Check.TREE, str(place))

    def _deciding_ends(self, place: int) -> None:
        self._decidable = False
        self.report.not_checked.setdefault(Check.DECISIONS, str(place))

    def _columns(self, act: Act, row: Row, message: bytes) -> None:
        place, statement = row.place, act.signed.statement
        if act.index != place:
            self._fail(Check.ORDER, "EVENT_MOVED", place, found=act.index)
        if act.at < self._last_at:
            self._fail(Check.ORDER, "CLOCK_REGRESSION", place, at=act.at, last=self._last_at)
        else:
            self._last_at = act.at
        if row.topic is not None and (row.topic != statement.type or row.statement_id != sha256(message).digest()):
            self._fail(Check.IDENTITY, "COLUMN_ALTERED", place)
        if statement.person.startswith(SEALED_PREFIX):
            # A person's counter shows a statement that is there twice; a one-time key has none.
            identity = sha256(message).digest()
            if identity in self._sealed:
                self._fail(Check.IDENTITY, "STORE_DUPLICATE_STATEMENT", place)
            self._sealed.add(identity)
        if type(statement.body) in _BRING_KEYS:
            for public in _new_keys(act):
                self._publics[key_id(public)] = public

    def _tree(self, row: Row, nodes: list[Node]) -> None:
        """Hold the nodes that a leaf completes against those stored."""
        if b"".join([value for _, _, value in nodes]) == row.nodes:
            return
        if not row.nodes:
            self._fail(Check.TREE, "NODE_MISSING", row.place)
        elif nodes[0][2] != row.nodes[:32]:
            self._fail(Check.TREE, "EVENT_ALTERED", row.place, reason="leaf", was=row.nodes[:32].hex())
        else:
            self._fail(Check.TREE, "NODE_ALTERED", row.place)

    def _decide(self, act: Act, place: int) -> None:
        """Decide the statement again, and hold whose key it may use, as the sequencer did."""
        statement = act.statement
        try:
            if type(statement.body) is CharterSealed and not founds(statement.body, self._key):
                self._fail(Check.DECISIONS, "CHARTER_INVALID", place, "一", where="origin, log_key")
            self._key_of(act, place)
            refusal = decide(self.state, statement, act.at)
            if type(statement.body) is ResultCertified:
                self._results += 1
            if refusal is not None:
                self._fail(Check.DECISIONS, refusal.code, place, refusal.clause, **refusal.facts)
                if refusal.code == "RESULT_NOT_DERIVED":
                    self._fail(Check.RESULTS, "REPLAY_DIVERGES", place, refusal.clause, **refusal.facts)
            self.state.apply(act)
            if self.state.log.known_keys is not self.promises.keys:
                self._follow_keys()
        except Exception as error:
            # Only an entry that must never have been admitted can make a decision or a fold fail, in whatever manner.
            self._fail(Check.DECISIONS, "REPLAY_DIVERGES", place, reason=type(error).__name__)
            self._deciding_ends(place)

    def _key_of(self, act: Act, place: int) -> None:
        """Hold a key that the statement brings itself against the id it names; what the rules say is decided anyhow."""
        try:
            public_key_of(self.state, act.signed)
        except VerificationError as error:
            self._fail(Check.SIGNATURES, error.code, place)

    def _follow_keys(self) -> None:
        """Derive the log's keys from its entries, as long as they begin with the one that is trusted."""
        known = self.state.log.known_keys
        if known is not None and known.founding == self._key:
            self.promises.keys = known


def grades_of(state: Selection) -> dict[str, int]:
    """Count the ballots by how they came: signed by the member, transcribed from paper, imported."""
    counts = state.rounds.cast.grades()
    done = state.imports.completed
    counts[Grade.IMPORTED] += done.declared.get("ballots", 0) if done else 0
    return {grade.value: counts[grade] for grade in Grade}


_BRING_KEYS = frozenset((CharterSealed, KeyEnrolled, KeyRotated, ObjectionReceived))


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


def verify_log(source: LogSource, key: VerifierKey, workers: int = 2, progress: Progress | None = None) -> Report:
    """Audit a stored log as the log of `key`."""
    return Audit(source, key, workers).run(progress)
