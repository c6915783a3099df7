"""Deciding a batch: statements in, entries and tree nodes out, nothing written yet.

The working state moves ahead with every statement it admits, so that the next one in the batch is judged by it. It is
what the log will be if the batch commits; if it does not, the working state is thrown away and read again.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from ledger.attached import Accepted, Attached, Attachments, BallotStore, RecentlySpent, examine
from ledger.checkpoint import VerifierKey, parse_vkey
from ledger.decisions.gate import decide
from ledger.errors import LedgerError, MalformedError, StoreError, VerificationError
from ledger.log_keys import LogKeys
from ledger.merkle import Frontier, GetNode, Node, root_at
from ledger.procedure.reasons import Refusal, refuse
from ledger.roll import SEALED_PREFIX
from ledger.seen import ForkError, SeenBook
from ledger.selection import Selection
from ledger.signing import key_id, strict_b64decode
from ledger.statements import Act, Seen, Signed, encode_entry
from ledger.statements.foundation import ActCountersigned, CharterSealed
from ledger.statements.log import LogKeyRotated

CLOCK_TOLERANCE_MS = 1000

Judgement: TypeAlias = Act | Refusal | LedgerError


@dataclass(slots=True)
class Batch:
    """What a batch adds to a log of `first` entries."""

    first: int
    attached: Attachments
    admitted: list["Admitted"] = field(default_factory=list)


class Admitted(NamedTuple):
    """One admitted statement: the act, its entry's exact bytes, its identity and the nodes that its leaf completes."""

    act: Act
    entry: bytes
    statement_id: bytes
    nodes: list[Node]


class Desk:
    """The working state and tree of one log, moved ahead by what is admitted."""

    def __init__(self, origin: str, key: VerifierKey, state: Selection, frontier: Frontier, get_node: GetNode) -> None:
        """Start from what the store holds; `get_node` reads committed nodes."""
        self.origin, self.key = origin, key
        self.state, self.frontier = state, frontier
        self._get_node = get_node
        self._fresh = frontier.peaks()
        self._founding = LogKeys.of(key)
        self._recent = RecentlySpent(frontier.size)
        # Not by `self`: in a circle the whole state would outlive its desk until the collector comes by, if it does.
        desk: Desk = weakref.proxy(self)

        def key_at(size: int) -> VerifierKey:
            return desk.keys.at(size)

        self._seen = SeenBook(origin, key_at, lambda size: root_at(size, desk.node))
        self.fork: ForkError | None = None
        self.holds: Callable[[VerifierKey], bool] = key.__eq__
        """Whether the private key of a log key is at hand; without it no rotation to that key is admitted."""
        self.ballots: BallotStore | None = None
        """Where ballots of a public vote are; without it none is admitted."""

    @property
    def keys(self) -> LogKeys:
        """The log's keys as its entries state them; before the charter, the one it will name."""
        return self.state.log.known_keys or self._founding

    def node(self, level: int, index: int) -> bytes:
        """Return a node of the working tree, committed or not."""
        fresh = self._fresh.get((level, index))
        return fresh if fresh is not None else self._get_node(level, index)

    def begin(self) -> Batch:
        """Begin a batch at the working tree's size; of the nodes before it only the peaks are kept at hand."""
        self._fresh = self.frontier.peaks()
        self._recent.trim()
        return Batch(self.frontier.size, Attachments(self._recent))

    def prover(self) -> GetNode:
        """Return a reader of nodes that stays good for the entries of this batch while later ones come."""
        at_hand, stored = self._fresh, self._get_node

        def node(level: int, index: int) -> bytes:
            fresh = at_hand.get((level, index))
            return fresh if fresh is not None else stored(level, index)

        return node

    def issued(self, seen: Seen) -> None:
        """Remember a checkpoint that the log has just released."""
        self._seen.trust(seen)

    def judge(
        self, batch: Batch, signed: Signed, at: int, verified_by: bytes | None, attached: Attached | None = None
    ) -> Judgement:
        """Admit one statement into the batch at time `at` (UTC ms), or say why not.

        `verified_by` is the public key with which the caller has already checked the signature; `attached` are the
        bytes that the statement names by their digest or root.
        """
        if self.fork is not None:
            return self.fork
        try:
            self._authenticate(signed, verified_by)
            at = self._time(at)
            refusal = (
                self._pin(signed)
                or self._own_charter(signed)
                or decide(self.state, signed.statement, at)
                or self._next_key(signed)
            )
            given = refusal or self._attached(batch, signed, at, attached)
            if isinstance(given, Refusal):
                return given
            act = self._admit(batch, signed, at)
            if given is not None:
                batch.attached.admit(act.index, given)
            return act
        except ForkError as error:
            self.fork = error
            return error
        except (MalformedError, VerificationError, StoreError) as error:
            return error

    def _time(self, at: int) -> int:
        """Time never goes back: a small step is clamped up, a larger one is refused."""
        behind = self.state.at - at
        if behind > CLOCK_TOLERANCE_MS:
            raise StoreError("CLOCK_REGRESSION", at=at, last=self.state.at)
        return max(at, self.state.at)

    def _authenticate(self, signed: Signed, verified_by: bytes | None) -> None:
        public = public_key_of(self.state, signed)
        if public is None or public == verified_by:
            return  # a key that is not on the roll is refused by the decision, with its own code
        check_signature(signed, public)

    def _pin(self, signed: Signed) -> Refusal | None:
        if type(signed.statement.body) is CharterSealed:
            return None
        try:
            self._seen.check(signed.statement.seen, self.frontier.size)
        except ForkError:
            raise
        except VerificationError as error:
            return Refusal(error.code, "七(三)", error.facts)
        return None

    def _own_charter(self, signed: Signed) -> Refusal | None:
        """A charter founds this log and no other."""
        body = signed.statement.body
        if type(body) is not CharterSealed or founds(body, self.key):
            return None
        return refuse("CHARTER_INVALID", "一", where="origin, log_key")

    def _next_key(self, signed: Signed) -> Refusal | None:
        """The log turns to no key whose private half is not at hand, or it could never sign again."""
        body = signed.statement.body
        if type(body) is ActCountersigned:
            body = self.state.pending[body.index].act.body
        if type(body) is not LogKeyRotated:
            return None
        key = parse_vkey(body.log_key)
        return None if self.holds(key) else refuse("LOG_KEY_NOT_HELD", "七(三)", key=key.key_id.hex())

    def _attached(self, batch: Batch, signed: Signed, at: int, data: Attached | None) -> Accepted | Refusal | None:
        if self.ballots is None:
            return None
        return examine(self.state, signed.statement, at, data, self.ballots, batch.attached)

    def _admit(self, batch: Batch, signed: Signed, at: int) -> Act:
        index = self.frontier.size
        entry = encode_entry(index, at, signed.envelope)
        act = Act(index, at, entry, signed)
        self.state.apply(act)
        nodes = self.frontier.append(act.leaf)
        for level, place, value in nodes:
            self._fresh[level, place] = value
        batch.admitted.append(Admitted(act, entry, signed.id, nodes))
        return act


def founds(charter: CharterSealed, key: VerifierKey) -> bool:
    """Say whether a charter founds the log of this key, and no other."""
    try:
        return charter.origin == key.name and parse_vkey(charter.log_key) == key
    except MalformedError:
        return False


def is_rehearsed(state: Selection, signed: Signed) -> bool:
    """Say whether the time may come from outside: the charter in force, or the one that is to be, is a rehearsal's."""
    if state.sealed is not None:
        return state.sealed.rehearsal
    body = signed.statement.body
    return type(body) is not CharterSealed or body.rehearsal


def public_key_of(state: Selection, signed: Signed) -> bytes | None:
    """Return the public key that must have signed: the roll's, a founder's own for the charter, or a one-time key.

    None for a key that is not on the roll. Raises `VerificationError` `SIGNATURE_INVALID` where a founder or an unnamed
    objector offers no key of the id that the statement names.
    """
    statement = signed.statement
    body = statement.body
    if type(body) is CharterSealed:
        offered: list[bytes | None] = [
            _public(founder.public_key) for founder in body.founders if founder.person == statement.person
        ]
    elif statement.person.startswith(SEALED_PREFIX):
        own: str | None = getattr(body, "one_time_key", None)
        offered = [_public(own) if own else state.notices.one_time_key(statement.person)]
    else:
        known = state.roll.keys.get(statement.key)
        return known.public if known else None
    for public in offered:
        if public is not None and key_id(public) == statement.key:
            return public
    raise VerificationError("SIGNATURE_INVALID", key=_shown_key(signed))


def check_signature(signed: Signed, public: bytes) -> None:
    """Raise `VerificationError` `SIGNATURE_INVALID` unless `public` signed the statement."""
    if not signed.verify(public):
        raise VerificationError("SIGNATURE_INVALID", key=_shown_key(signed))


def _shown_key(signed: Signed) -> str:
    """The key to name in an error; that of somebody unnamed, who may have taken their own by mistake, is not named."""
    return "-" if signed.statement.person.startswith(SEALED_PREFIX) else signed.statement.key


def _public(text: str) -> bytes:
    return strict_b64decode(text, "public_key")
