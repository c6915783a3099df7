"""Attempts: what known people handed in and the rules refused, as a second log of the same kind.

Its name is `<origin>/attempts`. An entry is canonical JSON: index and time, the identity of the refused statement, who
signed it, code, clause and facts of the refusal, and how many entries the log had when it was decided, so that whoever
holds the statement can decide it again. A statement by a one-time key is kept without its actor and without facts. A
checkpoint is signed by the key that the log's next checkpoint has after the newest attempt, so that a refusal has a
receipt as an entry has one.

Attempts are kept once everything admitted has been answered for, all refusals of a batch in one transaction: sign,
commit, pin, then answer. They are capped per person, so that nobody fills the disk with them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

from ledger import canonical
from ledger.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from ledger.errors import MalformedError, StoreError
from ledger.keyring import Keyring
from ledger.log_keys import LogKeys
from ledger.logstore import LogStore, Pinned
from ledger.merkle import Frontier, GetNode, inclusion_nodes, inclusion_proof, leaf_hash, root_at, root_nodes
from ledger.procedure.acts import INTAKE
from ledger.procedure.reasons import Refusal
from ledger.receipt import Receipt
from ledger.roll import SEALED_PREFIX, Roll
from ledger.statements import Signed
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.notices import ObjectionReceived, ObjectionWithdrawn
from ledger.statements.rounds import BallotCast, PaperBallotEntered, ScoreGiven, ScoreRevised
from ledger.store.batch import AppendBatch, NewEntry

SUFFIX = "/attempts"
MOST_ATTEMPTS = 10_000
"""Refused attempts kept of one person in one run; of all one-time keys together as many."""
MAX_ATTEMPT = 65_535

_VOTES = (BallotCast, PaperBallotEntered, ScoreGiven, ScoreRevised, DeliberationVoted)
_TELLING = frozenset({"approvals", "candidate", "subject"})

ReceiptOf: TypeAlias = Callable[[], Receipt]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One refused statement: `index` in the log of attempts, `log_size` entries in the log that it was judged by.

    `at` is UTC ms; `statement` the statement's identity in hexadecimal; `person` empty for a one-time key.
    """

    at: int
    clause: str
    code: str
    facts: Mapping[str, str | int]
    log_size: int
    person: str
    statement: str
    type: str
    index: int = -1

    def encode(self) -> bytes:
        """Return the canonical bytes, of which the leaf is the hash; facts that do not fit are left out."""
        data = canonical.encode(asdict(self))
        return data if len(data) <= MAX_ATTEMPT else replace(self, facts={"omitted": len(data)}).encode()


_SHAPE = {
    "at": int,
    "clause": str,
    "code": str,
    "facts": dict,
    "index": int,
    "log_size": int,
    "person": str,
    "statement": str,
    "type": str,
}


def decode_attempt(data: bytes) -> Attempt:
    """Return the attempt that `data` spells canonically; raises `MalformedError` `ATTEMPT_MALFORMED`."""
    try:
        value = canonical.decode(data)
    except MalformedError:
        raise MalformedError("ATTEMPT_MALFORMED", where="form") from None
    if type(value) is not dict or value.keys() != _SHAPE.keys():
        raise MalformedError("ATTEMPT_MALFORMED", where="members")
    wrong = [name for name, kind in _SHAPE.items() if type(value[name]) is not kind]
    if not wrong:
        wrong = [f"facts.{name}" for name, fact in value["facts"].items() if type(fact) not in (str, int)]
    if wrong:
        raise MalformedError("ATTEMPT_MALFORMED", where=wrong[0])
    return Attempt(**value)


def attempts_origin(origin: str) -> str:
    """Return the name of the log of attempts that belongs to the log `origin`."""
    return f"{origin}{SUFFIX}"


def attempts_key(keys: LogKeys, log_size: int) -> VerifierKey:
    """Return the key that signs once the newest attempt was judged by a log of `log_size` entries."""
    return VerifierKey(attempts_origin(keys.name), keys.at(log_size + 1).public)


def attempts_keys(keys: LogKeys) -> tuple[VerifierKey, ...]:
    """Return every key that may have signed the receipt of an attempt."""
    return tuple(VerifierKey(attempts_origin(keys.name), key.public) for key in keys)


def attempt_of(roll: Roll, signed: Signed, refusal: Refusal, at: int, log_size: int) -> Attempt | None:
    """Return what is kept of a refusal, under the holder of the key that signed; None for a key that nobody holds.

    An unnamed objector is never looked up. Of a vote no fact is kept that tells what was meant to be voted.
    """
    statement = signed.statement
    unnamed = _objector(roll, signed)
    key = None if unnamed else roll.keys.get(statement.key)
    if key is None and not unnamed:
        return None
    vote = isinstance(statement.body, _VOTES)
    facts = {name: fact for name, fact in refusal.facts.items() if not (vote and name in _TELLING)}
    return Attempt(
        at=at,
        clause=refusal.clause,
        code=refusal.code,
        facts={} if unnamed else facts,
        log_size=log_size,
        person=key.person if key is not None else "",
        statement=signed.id.hex(),
        type=statement.type,
    )


def _objector(roll: Roll, signed: Signed) -> bool:
    """Whether this may be by who objects: a one-time key, or a person's own key where a one-time key was meant."""
    statement = signed.statement
    if statement.person.startswith(SEALED_PREFIX):
        return True
    key = roll.keys.get(statement.key)
    at_desk = key is not None and roll.has_role(key.person, (INTAKE,))
    return isinstance(statement.body, (ObjectionReceived, ObjectionWithdrawn)) and not at_desk


class AttemptLog:
    """The log of attempts, as the sequencer writes it."""

    def __init__(self, store: LogStore, keyring: Keyring, origin: str, pin: Pinned | None) -> None:
        """Write to `store`; `pin` is the pin of this log, None where nothing outside the database holds it."""
        self._store, self._keyring, self._origin, self._pin = store, keyring, attempts_origin(origin), pin
        self._kept: dict[str, int] = {}
        self._frontier = Frontier()
        self._last_at = 0
        self._stale = True

    def read(self) -> None:
        """Take the log as it is stored, and hold it against its pin.

        Raises `StoreError`: `ROLLBACK_DETECTED` (the pin is ahead), `HISTORY_REWRITTEN` (another root at the pin's
        size), `CHECKPOINT_MISMATCH`.
        """
        self._stale = True
        size = self._store.attempt_size()
        pinned = self._pin.newest if self._pin is not None else None
        if pinned is not None and pinned.size > size:
            raise StoreError("ROLLBACK_DETECTED", log=self._origin, pinned=pinned.size, size=size)
        peaks = self._store.attempt_nodes(root_nodes(size))
        frontier = Frontier(size, [peaks[address] for address in root_nodes(size)])
        if pinned is not None and root_at(pinned.size, self._stored_node) != pinned.root:
            raise StoreError("HISTORY_REWRITTEN", log=self._origin, pinned=pinned.size, size=size)
        last = self._store.attempt_entry(size - 1) if size else None
        note = self._store.newest_attempt_note()
        if size and (note is None or not note.startswith(self._checkpoint(frontier).text())):
            raise StoreError("CHECKPOINT_MISMATCH", log=self._origin, checkpoint=-1, size=size)
        self._last_at = decode_attempt(last).at if last is not None else 0
        self._advance_pin(frontier)
        self._frontier, self._stale = frontier, False

    def admits(self, person: str) -> bool:
        """Count one more attempt of a person; False once enough of them are kept."""
        self._kept[person] = self._kept.get(person, 0) + 1
        return self._kept[person] <= MOST_ATTEMPTS

    def record(self, attempts: Sequence[Attempt], keys: LogKeys) -> list[tuple[bytes, ReceiptOf]]:
        """Keep these attempts in one transaction; return each one's bytes and receipt. Published when this returns.

        Raises `LedgerError`; what was kept nevertheless, where the outcome is unknown, is found before the next.
        """
        if self._stale:
            self.read()
        frontier = self._frontier.copy()
        first, fresh, entries = frontier.size, frontier.peaks(), []
        for attempt in attempts:
            self._last_at = max(self._last_at, attempt.at)
            data = replace(attempt, at=self._last_at, index=frontier.size).encode()
            nodes = frontier.append(leaf_hash(data))
            fresh |= {(level, place): value for level, place, value in nodes}
            entries.append(NewEntry(data, "", b"", nodes))
        signer = self._keyring.signer(keys.at(attempts[-1].log_size + 1))
        note = sign_checkpoint(self._checkpoint(frontier), signer)
        self._stale = True
        self._store.append_attempts(AppendBatch(first, entries, note))
        self._advance_pin(frontier)
        self._frontier, self._stale = frontier, False
        node = self._node_or(fresh)
        return [(entry.data, self._receipt(first + n, frontier.size, node, note)) for n, entry in enumerate(entries)]

    def _checkpoint(self, frontier: Frontier) -> Checkpoint:
        return Checkpoint(self._origin, frontier.size, frontier.root())

    def _advance_pin(self, frontier: Frontier) -> None:
        if self._pin is not None:
            self._pin.advance(frontier.size, frontier.root())

    def _receipt(self, index: int, size: int, node: GetNode, note: bytes) -> ReceiptOf:
        return lambda: Receipt(index, inclusion_proof(index, size, node), note)

    def _stored_node(self, level: int, index: int) -> bytes:
        return self._store.attempt_nodes([(level, index)])[level, index]

    def _node_or(self, fresh: Mapping[tuple[int, int], bytes]) -> GetNode:
        """Read nodes from this batch, else from the store."""

        def node(level: int, index: int) -> bytes:
            known = fresh.get((level, index))
            return known if known is not None else self._stored_node(level, index)

        return node


def first_attempt_receipt(store: LogStore, index: int) -> Receipt | None:
    """Return the receipt of a stored attempt against the first checkpoint above it, None if there is none."""
    covering = store.attempt_note_covering(index)
    if covering is None:
        return None
    nodes = store.attempt_nodes(inclusion_nodes(index, covering.size))
    proof = inclusion_proof(index, covering.size, lambda level, place: nodes[level, place])
    return Receipt(index, proof, covering.note)
