"""What is attached to a statement, held against what the statement signs: rows, openings, lists of rows.

An entry is too small for thousands of ballots, so that it bears their root and the bytes stand beside it, committed in
the same transaction. This is where they are checked before an entry is admitted, and where a credential that votes
again is found: the offending rows are named, so that everybody else's ballots come in without them.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple, Protocol, TypeAlias

from ledger.decisions.polls import CLAUSE
from ledger.errors import LedgerError, MalformedError
from ledger.poll_rows import (
    MINUTE_MS,
    Block,
    Hashed,
    Place,
    check_hashed,
    hash_block,
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
from ledger.state.poll_book import Poll
from ledger.statements import Statement
from ledger.statements.poll_ballots import PollBatch, PollTotalsOpened, VotesInvalidated

MOST_BYTES = 4 << 20
"""Of what is attached to one statement."""
_REMEMBERED = 1 << 17
"""One-time keys of the newest entries that are held: about 20 MB, a second's worth of ballots."""
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

    def looking_up(
        self, commitment: int, tags: Sequence[bytes], keys: Sequence[bytes]
    ) -> AbstractContextManager[Callable[[], dict[int, int | None]]]:
        """Begin to look up what `offending` returns; what is given waits for it."""


class RecentlySpent:
    """One-time keys that the newest entries used up, committed or not: those of all entries from `since` on.

    So what was looked up before a batch's turn came is still good: nothing older than `since` can have changed.
    """

    def __init__(self, since: int) -> None:
        """Begin with a log of `since` entries."""
        self.since = since
        self._keys: set[bytes] = set()
        self._entries: deque[tuple[int, tuple[bytes, ...]]] = deque()

    def add(self, index: int, keys: tuple[bytes, ...]) -> None:
        """Remember what an entry used up."""
        self._entries.append((index, keys))
        self._keys.update(keys)

    def trim(self) -> None:
        """Forget the oldest of too many, once all of them are committed: a store knows no others."""
        while len(self._keys) > _REMEMBERED:
            oldest, gone = self._entries.popleft()
            self._keys.difference_update(gone)
            self.since = oldest + 1

    def among(self, keys: Sequence[bytes]) -> list[int]:
        """Return the places of the keys that are used up."""
        if self._keys.isdisjoint(keys):
            return []
        return [place for place, key in enumerate(keys) if key in self._keys]


@dataclass(slots=True)
class Attachments:
    """What the entries of one batch bring with them: bytes by entry, and the one-time keys that they use up."""

    recent: RecentlySpent
    data: list[tuple[int, bytes]] = field(default_factory=list)
    spent: list[tuple[int, tuple[bytes, ...]]] = field(default_factory=list)
    size: int = 0

    def admit(self, index: int, given: "Accepted") -> None:
        """Keep what belongs to an admitted entry."""
        self.data.append((index, given.data))
        self.size += len(given.data)
        if given.keys:
            self.spent.append((index, given.keys))
            self.recent.add(index, given.keys)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Attached bytes that are what their statement says, and the one-time keys that they use up."""

    data: bytes
    keys: tuple[bytes, ...] = ()


class _Asked(NamedTuple):
    """On what it depends which ballots of a batch can come in."""

    commitment: int
    offset_minutes: int
    only_once: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """The rows of a batch, hashed and looked up before its turn came, when the log had at least `size` entries."""

    data: bytes
    block: Block
    hashed: Hashed
    asked: _Asked
    keys: tuple[bytes, ...]
    found: Mapping[int, int | None]
    size: int


Attached: TypeAlias = bytes | Ready


@dataclass(frozen=True, slots=True)
class _Case:
    state: Selection
    statement: Statement[Any]
    at: int
    data: bytes
    ready: Ready | None
    store: BallotStore
    here: Attachments

    @property
    def poll(self) -> Poll:
        return self.state.polls.by_id[self.statement.body.poll]


def make_ready(state: Selection, statement: Statement[Any], data: bytes, store: BallotStore, size: int) -> Attached:
    """Do what can be done for a batch before its turn, in whatever thread: the database looks up while this hashes.

    `size` is how many entries are committed. What is no batch, or cannot be read, is given back as it came: it is
    judged in its turn.
    """
    if type(statement.body) is not PollBatch or len(data) > MOST_BYTES:
        return data
    asked = _asked(state, statement.body)
    if asked is None:
        return data
    try:
        block = parse_block(data)
        keys = keys_of(block, asked.offset_minutes, only_once=asked.only_once)
        with store.looking_up(asked.commitment, block.tags(), keys) as found:
            hashed = hash_block(block)
            return Ready(data, block, hashed, asked, tuple(keys), found(), size)
    except LedgerError:
        return data


def _asked(state: Selection, body: PollBatch) -> _Asked | None:
    poll, ballots = state.polls.by_id.get(body.poll), state.polls.ballots.get(body.poll)
    committed = ballots.credentials.get(body.channel) if ballots is not None else None
    if poll is None or committed is None:
        return None
    programme = state.charter.version_for(poll.stage).programme
    return _Asked(committed.index, programme.utc_offset_minutes, once(programme))


def examine(
    state: Selection, statement: Statement[Any], at: int, given: Attached | None, store: BallotStore, here: Attachments
) -> Accepted | Refusal | None:
    """Hold what is attached to a statement that the rules admit against it; None where nothing belongs to it.

    `here` is what the same batch of entries already brings. Refused: `ROWS_MISSING`, `ROWS_INVALID`,
    `CREDENTIAL_UNKNOWN`, `ALREADY_VOTED_PUBLIC`, `TOTALS_NOT_DERIVED`, `ALREADY_INVALIDATED`. What `store` raises
    passes through.
    """
    ready = given if isinstance(given, Ready) else None
    data = given.data if isinstance(given, Ready) else given
    check = _CHECKS.get(type(statement.body))
    if check is None:
        return None if data is None else refuse("ROWS_INVALID", CLAUSE, where="unexpected")
    if data is None:
        return refuse("ROWS_MISSING", CLAUSE, act=statement.type)
    if len(data) > MOST_BYTES:
        return refuse("ROWS_INVALID", CLAUSE, where="size")
    try:
        return check(_Case(state, statement, at, data, ready, store, here))
    except MalformedError as error:
        return refuse("ROWS_INVALID", CLAUSE, where=str(error.facts.get("where", error.code)))


def _rows(case: _Case) -> Accepted | Refusal:
    """A batch: rows and votes hold, the root and the sealed subtotals are theirs, every credential votes for once."""
    asked = _asked(case.state, case.statement.body)
    ready = case.ready
    if asked is None or ready is None or ready.asked != asked or ready.size < case.here.recent.since:
        ready = _now(case, asked)
    return _fault(case, ready) or _standing(case, ready)


def _now(case: _Case, asked: _Asked | None) -> Ready:
    """Do in the batch's turn what was not done before it, or too long before it."""
    if asked is None:
        raise MalformedError("ROWS_MALFORMED", where="poll")
    block = parse_block(case.data)
    keys = keys_of(block, asked.offset_minutes, only_once=asked.only_once)
    found = case.store.offending(asked.commitment, block.tags(), keys)
    return Ready(case.data, block, hash_block(block), asked, tuple(keys), found, case.here.recent.since)


def _fault(case: _Case, ready: Ready) -> Refusal | None:
    body: PollBatch = case.statement.body
    most = case.state.charter.version_for(case.poll.stage).programme.seats
    window = (case.poll.opened_at // MINUTE_MS, case.at // MINUTE_MS)
    found = check_hashed(ready.block, ready.hashed, len(case.poll.candidates), most, window)
    if found.fault is not None:
        return refuse("ROWS_INVALID", CLAUSE, where=found.fault)
    if ready.block.count != body.count or found.root.hex() != body.root:
        return refuse("ROWS_INVALID", CLAUSE, where="root")
    if seal_subtotals(ready.block.salt, found.subtotals) != body.subtotals:
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


def _standing(case: _Case, ready: Ready) -> Accepted | Refusal:
    """F05: every credential was committed to, and votes for the first time, since it was looked up too."""
    unknown = sorted(serial for serial, used in ready.found.items() if used is None)
    if unknown:
        return _offending("CREDENTIAL_UNKNOWN", unknown)
    again = case.here.recent.among(ready.keys)
    if ready.found or again:
        return _offending("ALREADY_VOTED_PUBLIC", sorted({*ready.found, *again}))
    return Accepted(case.data, ready.keys)


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

__all__ = [
    "MOST_BYTES",
    "Accepted",
    "Attached",
    "Attachments",
    "BallotStore",
    "Ready",
    "RecentlySpent",
    "examine",
    "keys_of",
    "make_ready",
    "votes_at",
]
