"""Checking a whole log: every byte, hash, signature and pin, and every statement decided again from entry 0.

The same decisions and folds as the sequencer's run over the stored entries; whatever a dishonest sequencer admitted is
refused here, with its clause and index. Signatures, most of the work, are checked on other cores (`signatures`);
everything else is one pass.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice
from typing import NamedTuple, Protocol, TypeAlias

from ledger.admission import founds, public_key_of
from ledger.checkpoint import VerifierKey
from ledger.collector import collector_at_rest
from ledger.decisions.gate import decide
from ledger.errors import MalformedError, VerificationError
from ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from ledger.pin import Pin
from ledger.roll import SEALED_PREFIX
from ledger.selection import Selection
from ledger.signing import key_id, pae, strict_b64decode
from ledger.state.rounds import Grade
from ledger.statements import Act, Seen, decode_entry
from ledger.statements.foundation import CharterSealed
from ledger.statements.notices import ObjectionReceived
from ledger.statements.roll import KeyEnrolled, KeyRotated
from ledger.statements.rounds import ResultCertified
from projections.audit.promises import CLAUSE, CheckedKey, Claim, Promises, claims_of
from projections.audit.report import Check, Report
from projections.audit.signatures import Signatures

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


class Audit:
    """One audit in progress; `state` is what the entries decided so far amount to.

    Where an entry is missing or cannot be read, nothing after it can be decided again, and where one is missing the
    tree ends: the report says from where on. Everything else is still checked.
    """

    def __init__(self, source: LogSource, key: VerifierKey, workers: int = 2) -> None:
        """Audit `source` as the log of this key; `workers` processes check the signatures of a long log."""
        self._source, self._key, self._workers = source, key, workers
        self.report = Report()
        self.state = Selection()
        self._frontier = Frontier()
        self._roots: dict[int, bytes] = {0: EMPTY_ROOT}
        self._publics: dict[str, bytes] = {}
        self._pinned: dict[tuple[int, str, str], int] = {}
        self._sealed: set[bytes] = set()
        self._next = 0
        self._last_at = 0
        self._rows = self._leaves = self._acts = self._decisions = self._results = 0
        self._has_tree = self._decidable = True

    def run(self, progress: Progress | None = None) -> Report:
        """Check everything and return the report; `progress` is called with the number of entries done."""
        checkpoints = list(self._source.checkpoints())
        sizes = {size for size, _ in checkpoints}
        rows = iter(self._source.rows())
        claims = list(claims_of(self._key, (note for _, note in checkpoints)))
        with collector_at_rest(), Signatures(self._workers) as signatures:
            for number, (text, signature) in enumerate(claims):
                signatures.add(-1 - number, self._key.public, signature, text)
            while chunk := list(islice(rows, CHUNK)):
                for row in chunk:
                    self._row(row, sizes, signatures)
                if progress:
                    progress(self._next)
            signatures.finish()
        bad = set(signatures.bad)
        held = {claim for number, claim in enumerate(claims) if -1 - number not in bad}
        return self._report(checkpoints, held, sorted(place for place in bad if place >= 0))

    def _report(self, checkpoints: list[tuple[int, bytes]], held: set[Claim], bad_signatures: list[int]) -> Report:
        """Close the report: counts, signatures, and what the log promised; `held` are signatures of its own."""
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
        report.grades = grades_of(self.state)
        report.origin = self._key.name
        for place in bad_signatures:
            report.fail(Check.SIGNATURES, "SIGNATURE_INVALID", place)
        report.size, report.root = frontier.size, frontier.root()
        self._roots[frontier.size] = report.root
        key = CheckedKey(self._key.name, self._key.public, held)
        promises = Promises(report, key, self._roots, frontier.size, self._has_tree)
        promises.checkpoints(checkpoints)
        pinned = {Seen(root, signature, size): place for (size, root, signature), place in self._pinned.items()}
        promises.pin(self._source.pin(), promises.seen(pinned))
        return report

    def _row(self, row: Row, sizes: set[int], signatures: Signatures) -> None:
        """Check one row, and what its entry decides and signs."""
        report, place = self.report, row.place
        self._rows += 1
        if place != self._next:
            report.fail(Check.ORDER, "EVENT_MISSING", self._next, found=place)
            self._tree_ends(self._next)
            self._deciding_ends(self._next)
        self._next = place + 1
        act: Act | None = None
        try:
            act = decode_entry(row.entry)
        except MalformedError as error:
            report.fail(Check.FORM, "EVENT_ALTERED", place, reason=error.code)
            self._deciding_ends(place)
        if self._has_tree:
            self._leaves += 1
            self._tree(act, row)
            if place + 1 in sizes:
                self._roots[place + 1] = self._frontier.root()
        if act is not None:
            self._acts += 1
            signed = act.signed
            message = pae(signed.payload_type, signed.payload)
            self._columns(act, row, sha256(message).digest())
            signatures.add(place, self._publics.get(signed.statement.key), signed.signature, message)
            self._pin(act, place)
            if self._decidable:
                self._decisions += 1
                self._decide(act, place)

    def _tree_ends(self, place: int) -> None:
        self._has_tree = False
        self.report.not_checked.setdefault(Check.TREE, str(place))

    def _deciding_ends(self, place: int) -> None:
        self._decidable = False
        self.report.not_checked.setdefault(Check.DECISIONS, str(place))

    def _columns(self, act: Act, row: Row, identity: bytes) -> None:
        report, place = self.report, row.place
        if act.index != place:
            report.fail(Check.ORDER, "EVENT_MOVED", place, found=act.index)
        if act.at < self._last_at:
            report.fail(Check.ORDER, "CLOCK_REGRESSION", place, at=act.at, last=self._last_at)
        else:
            self._last_at = act.at
        if row.topic != act.statement.type or row.statement_id != identity:
            report.fail(Check.IDENTITY, "COLUMN_ALTERED", place)
        if act.person.startswith(SEALED_PREFIX):
            # A person's counter shows a statement that is there twice; a one-time key has none.
            if identity in self._sealed:
                report.fail(Check.IDENTITY, "STORE_DUPLICATE_STATEMENT", place)
            self._sealed.add(identity)
        if type(act.body) in _BRING_KEYS:
            for public in _new_keys(act):
                self._publics[key_id(public)] = public

    def _tree(self, act: Act | None, row: Row) -> None:
        nodes = self._frontier.append(act.leaf if act is not None else leaf_hash(row.entry))
        if b"".join([value for _, _, value in nodes]) == row.nodes:
            return
        if not row.nodes:
            self.report.fail(Check.TREE, "NODE_MISSING", row.place)
        elif nodes[0][2] != row.nodes[:32]:
            self.report.fail(Check.TREE, "EVENT_ALTERED", row.place, reason="leaf")
        else:
            self.report.fail(Check.TREE, "NODE_ALTERED", row.place)

    def _pin(self, act: Act, place: int) -> None:
        """Keep what the statement pins, to be held against the tree at the end; only a charter pins nothing."""
        seen = act.statement.seen
        if seen is not None:
            self._pinned.setdefault((seen.size, seen.root, seen.signature), place)
        elif type(act.body) is not CharterSealed:
            self.report.fail(Check.SEEN, "PIN_INVALID", place, CLAUSE)

    def _decide(self, act: Act, place: int) -> None:
        """Decide the statement again, and hold whose key it may use, as the sequencer did."""
        report, statement = self.report, act.statement
        try:
            if type(statement.body) is CharterSealed and not founds(statement.body, self._key):
                report.fail(Check.DECISIONS, "CHARTER_INVALID", place, "一", where="origin, log_key")
            public_key_of(self.state, act.signed)
            refusal = decide(self.state, statement, act.at)
            if type(statement.body) is ResultCertified:
                self._results += 1
            if refusal is not None:
                report.fail(Check.DECISIONS, refusal.code, place, refusal.clause, **refusal.facts)
                if refusal.code == "RESULT_NOT_DERIVED":
                    report.fail(Check.RESULTS, "REPLAY_DIVERGES", place, refusal.clause, **refusal.facts)
            self.state.apply(act)
        except VerificationError as error:
            report.fail(Check.SIGNATURES, error.code, place)
            self._deciding_ends(place)
        except Exception as error:
            # Only an entry that must never have been admitted can make a decision or a fold fail, in whatever manner.
            report.fail(Check.DECISIONS, "REPLAY_DIVERGES", place, reason=type(error).__name__)
            self._deciding_ends(place)


def grades_of(state: Selection) -> dict[str, int]:
    """Count the ballots by how they came: signed by the member, transcribed from paper, imported."""
    counts = Counter(cast.grade for cast in state.rounds.cast.values())
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
