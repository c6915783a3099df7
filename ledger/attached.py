"""What is attached to a statement, held against what the statement signs: rows, openings, lists of rows.

An entry is too small for thousands of ballots, so that it bears their root and the bytes stand beside it, committed in
the same transaction. This is where they are checked before an entry is admitted, and where a credential that votes
again is found: the offending rows are named, so that everybody else's ballots come in without them.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

from ledger.decisions.polls import CLAUSE
from ledger.errors import MalformedError
from ledger.poll_rows import (
    MINUTE_MS,
    Block,
    Place,
    check_block,
    once,
    parse_block,
    parse_openings,
    parse_places,
    seal_subtotals,
    spent_key,
    subtotals_of,
)
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.polls import Poll
from ledger.statements import Statement
from ledger.statements.poll_ballots import PollBatch, PollTotalsOpened, VotesInvalidated

MOST_BYTES = 4 << 20
"""Of what is attached to one statement."""
_WORTH_A_THREAD = 256
"""Ballots in a batch from which on starting a thread costs less than it saves."""
_NAMED = 20
"""How many offending rows a refusal names; whoever made the batch asks for the others by their tags."""


class BallotStore(Protocol):
    """The store as ballots need it (`ledger.store.Store`)."""

    def attached(self, index: int) -> bytes | None:
        """Return what is attached to an entry."""

    def offending(self, commitment: int, tags: Sequence[bytes], keys: Sequence[bytes]) -> dict[int, int | None]:
        """Return which ballots cannot come in, by their place among `tags`.

        With the entry that used up their one-time key, or None for a tag that is not of the commitment in entry
        `commitment`.
        """


@dataclass(slots=True)
class Attachments:
    """What the entries of one batch bring with them: bytes by entry, and the one-time keys that they use up."""

    data: list[tuple[int, bytes]] = field(default_factory=list)
    spent: dict[bytes, int] = field(default_factory=dict)
    size: int = 0

    def admit(self, index: int, given: "Accepted") -> None:
        """Keep what belongs to an admitted entry."""
        self.data.append((index, given.data))
        self.size += len(given.data)
        self.spent.update(dict.fromkeys(given.keys, index))


@dataclass(frozen=True, slots=True)
class Accepted:
    """Attached bytes that are what their statement says, and the one-time keys that they use up."""

    data: bytes
    keys: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    state: Selection
    statement: Statement[Any]
    at: int
    data: bytes
    store: BallotStore
    here: Attachments

    @property
    def poll(self) -> Poll:
        return self.state.polls.by_id[self.statement.body.poll]


def examine(
    state: Selection, statement: Statement[Any], at: int, data: bytes | None, store: BallotStore, here: Attachments
) -> Accepted | Refusal | None:
    """Hold what is attached to a statement that the rules admit against it; None where nothing belongs to it.

    `here` is what the same batch of entries already brings. Refused: `ROWS_MISSING`, `ROWS_INVALID`,
    `CREDENTIAL_UNKNOWN`, `ALREADY_VOTED_PUBLIC`, `TOTALS_NOT_DERIVED`, `ALREADY_INVALIDATED`. What `store` raises
    passes through.
    """
    check = _CHECKS.get(type(statement.body))
    if check is None:
        return None if data is None else refuse("ROWS_INVALID", CLAUSE, where="unexpected")
    if data is None:
        return refuse("ROWS_MISSING", CLAUSE, act=statement.type)
    if len(data) > MOST_BYTES:
        return refuse("ROWS_INVALID", CLAUSE, where="size")
    try:
        return check(_Case(state, statement, at, data, store, here))
    except MalformedError as error:
        return refuse("ROWS_INVALID", CLAUSE, where=str(error.facts.get("where", error.code)))


def _rows(case: _Case) -> Accepted | Refusal:
    """A batch: rows and votes hold, the root and the sealed subtotals are theirs, every credential votes for once."""
    poll, block = case.poll, parse_block(case.data)
    programme = case.state.charter.version_for(poll.stage).programme
    keys = keys_of(block, programme.utc_offset_minutes, only_once=once(programme))
    if block.count < _WORTH_A_THREAD:
        return _fault(case, block, programme.seats) or _standing(case, keys, _look_up(case, block, keys))
    # The database looks credentials up while the rows are hashed here.
    with ThreadPoolExecutor(1) as beside:
        looking = beside.submit(_look_up, case, block, keys)
        return _fault(case, block, programme.seats) or _standing(case, keys, looking.result())


def _fault(case: _Case, block: Block, most: int) -> Refusal | None:
    body: PollBatch = case.statement.body
    window = (case.poll.opened_at // MINUTE_MS, case.at // MINUTE_MS)
    found = check_block(block, len(case.poll.candidates), most, window)
    if found.fault is not None:
        return refuse("ROWS_INVALID", CLAUSE, where=found.fault)
    if block.count != body.count or found.root.hex() != body.root:
        return refuse("ROWS_INVALID", CLAUSE, where="root")
    if seal_subtotals(block.salt, found.subtotals) != body.subtotals:
        return refuse("ROWS_INVALID", CLAUSE, where="subtotals")
    return None


def keys_of(block: Block, offset_minutes: int, *, only_once: bool) -> list[bytes]:
    """Return what the rows of a block use up, in their order."""
    if only_once:
        return block.tags()
    return [
        spent_key(tag, vote.minute, offset_minutes, only_once=False)
        for tag, vote in zip(block.tags(), block.votes(), strict=True)
    ]


def _look_up(case: _Case, block: Block, keys: list[bytes]) -> dict[int, int | None]:
    body: PollBatch = case.statement.body
    commitment = case.state.polls.ballots_of(body.poll).credentials[body.channel].index
    return case.store.offending(commitment, block.tags(), keys)


def _standing(case: _Case, keys: list[bytes], found: Mapping[int, int | None]) -> Accepted | Refusal:
    """F05: every credential was committed to, and votes for the first time, in this batch of entries too."""
    unknown = sorted(serial for serial, used in found.items() if used is None)
    if unknown:
        return _offending("CREDENTIAL_UNKNOWN", unknown)
    here = case.here.spent
    again = {serial for serial, key in enumerate(keys) if key in here} if here else set()
    if found or again:
        return _offending("ALREADY_VOTED_PUBLIC", sorted(found.keys() | again))
    return Accepted(case.data, tuple(keys))


def _offending(code: str, serials: list[int]) -> Refusal:
    return refuse(code, CLAUSE, ballots=len(serials), serials=",".join(map(str, serials[:_NAMED])))


def _openings(case: _Case) -> Accepted | Refusal:
    """F08: each opening is what its batch sealed, and their sum is the totals."""
    body: PollTotalsOpened = case.statement.body
    if sha256(case.data).hexdigest() != body.openings:
        return refuse("TOTALS_NOT_DERIVED", CLAUSE, where="openings")
    openings = parse_openings(case.data)
    batches = case.state.polls.ballots_of(body.poll).of_channel(body.channel)
    if [seal_subtotals(salt, subtotals) for salt, subtotals in openings] != [one.subtotals for one in batches]:
        return refuse("TOTALS_NOT_DERIVED", CLAUSE, where="openings")
    sums = [sum(votes) for votes in zip(*(subtotals for _, subtotals in openings), strict=True)]
    derived = dict(zip(case.poll.candidates, sums or [0] * len(case.poll.candidates), strict=True))
    wrong = next((one for one in body.totals if derived[one.candidate] != one.votes), None)
    if wrong is not None:
        return refuse("TOTALS_NOT_DERIVED", CLAUSE, where=wrong.candidate)
    return Accepted(case.data)


def _places(case: _Case) -> Accepted | Refusal:
    """F03: the listed rows are there, each is left out once, and what they gave is what is said."""
    body: VotesInvalidated = case.statement.body
    places = parse_places(case.data)
    if sha256(case.data).hexdigest() != body.rows or len(places) != body.count:
        return refuse("ROWS_INVALID", CLAUSE, where="places")
    out: set[Place] = set()
    for one in case.state.polls.ballots_of(body.poll).left_out(body.channel):
        out.update(parse_places(case.store.attached(one.index) or b""))
    if not out.isdisjoint(places):
        return refuse("ALREADY_INVALIDATED", CLAUSE, ballots=len(out.intersection(places)))
    given = votes_at(case.state, body.poll, body.channel, places, case.store.attached)
    if given is None:
        return refuse("ROWS_INVALID", CLAUSE, where="places")
    if any(given[total.candidate] != total.votes for total in body.totals):
        return refuse("TOTALS_NOT_DERIVED", CLAUSE, where="totals")
    return Accepted(case.data)


def votes_at(
    state: Selection, poll_id: str, channel: str, places: Sequence[Place], attached: Callable[[int], bytes | None]
) -> dict[str, int] | None:
    """Return what the listed rows give to each candidate; None if one of them is not there."""
    poll = state.polls.by_id[poll_id]
    batches = state.polls.ballots_of(poll_id).of_channel(channel)
    by_batch: dict[int, list[int]] = {}
    for place in places:
        by_batch.setdefault(place.sequence, []).append(place.serial)
    choices: dict[bytes, int] = {}
    for sequence, serials in by_batch.items():
        data = attached(batches[sequence].index) if sequence < len(batches) else None
        block = parse_block(data) if data is not None else None
        if block is None or max(serials) >= block.count:
            return None
        votes = list(block.votes())
        for serial in serials:
            choice = votes[serial].choice
            choices[choice] = choices.get(choice, 0) + 1
    return dict(zip(poll.candidates, subtotals_of(choices, len(poll.candidates)), strict=True))


_CHECKS: Mapping[type[Any], Callable[[_Case], Accepted | Refusal]] = {
    PollBatch: _rows,
    PollTotalsOpened: _openings,
    VotesInvalidated: _places,
}

__all__ = ["MOST_BYTES", "Accepted", "Attachments", "BallotStore", "examine", "keys_of", "votes_at"]
