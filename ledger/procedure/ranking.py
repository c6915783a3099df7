"""Ranking by approvals, high to low (按赞成票数由高至低): clauses 五(一), 五(二), 五(三) and 五(五).

Equal approvals (并列) go down a ladder of keys that the programme declares: higher mean score in expert groups
(`tie_expert`), public votes in the final round 五(五), then run-offs, then a decision or a lot (`runoff_exhausted`).
A key is asked only about people who are still equal, so that none can ever reorder different approvals
(`public_weight`).
The ranking keeps its history: what decided each place, by which values, against whom.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from ledger.procedure.counting import Tally


class RecusalRanking(StrEnum):
    """Reading `recusal_ranking`: what is compared when recusals leave candidates fewer possible approvals."""

    RAW = "raw"
    SHARE = "share"


class DecidedBy(StrEnum):
    """What settled a place."""

    APPROVALS = "approvals"
    MEAN_SCORE = "mean_score"
    PUBLIC_VOTES = "public_votes"
    RUNOFF = "runoff"
    DECISION = "decision"
    LOT = "lot"
    UNRESOLVED = "unresolved"


@dataclass(frozen=True, slots=True)
class Key:
    """One rung of the ladder: a value for each candidate it knows, sorted by candidate; the higher value goes first.

    Attributes:
        name: what kind of key it is.
        values: (candidate, value).
        source: what the values come from, such as the id of a poll or a run-off.
    """

    name: DecidedBy
    values: tuple[tuple[str, Fraction], ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How one key was asked about a tie that this candidate was in.

    Attributes:
        name: the key.
        source: what its values come from.
        value: this candidate's value; `None` if the key says nothing about one of the tied, and so breaks no tie.
        ahead_of: those it put behind this candidate.
        behind: those it put before this candidate.
    """

    name: DecidedBy
    source: str
    value: Fraction | None
    ahead_of: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """One candidate's place and how it came about.

    Attributes:
        rank: counted from 1; those whom nothing separates share the rank.
        candidate: the candidate's id.
        approvals: approvals received.
        possible: approvals that were possible.
        measure: what was compared first: the approvals, or their share.
        tied_with: the others of equal measure.
        keys_used: the keys asked, in order.
        decided_by: what settled the place last.
        against: those whom that last step separated from this candidate, or has not.
    """

    rank: int
    candidate: str
    approvals: int
    possible: int
    measure: Fraction
    tied_with: tuple[str, ...]
    keys_used: tuple[KeyUse, ...]
    decided_by: DecidedBy
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """All places, first to last; candidates who share a rank stand by id, which means nothing."""

    places: tuple[Place, ...]
    reading: RecusalRanking

    @property
    def candidates(self) -> tuple[str, ...]:
        """The candidates, first to last."""
        return tuple(place.candidate for place in self.places)

    @property
    def classes(self) -> tuple[tuple[str, ...], ...]:
        """The candidates rank by rank; a class of more than one is a tie that is still open."""
        by_rank: dict[int, list[str]] = {}
        for place in self.places:
            by_rank.setdefault(place.rank, []).append(place.candidate)
        return tuple(tuple(tied) for tied in by_rank.values())


def public_votes_key(totals: Mapping[str, int], source: str = "") -> Key:
    """Clause 五(五): among equal approvals, more public votes go first. Give certified, verifiable totals only."""
    return _key(DecidedBy.PUBLIC_VOTES, totals, source)


def mean_score_key(means: Mapping[str, Fraction], source: str = "") -> Key:
    """Clause 五(一), reading `tie_expert`: among equal approvals, the higher mean score goes first."""
    return _key(DecidedBy.MEAN_SCORE, means, source)


def order_key(name: DecidedBy, order: Mapping[str, int], source: str = "") -> Key:
    """Readings `tie_…`, `runoff_exhausted`: a key from an order found by run-off, decision or lot; 1 goes first."""
    return _key(name, {candidate: -place for candidate, place in order.items()}, source)


def decided_key(name: DecidedBy, values: Iterable[tuple[str, int]], source: str = "") -> Key:
    """Reading `runoff_exhausted`: among those left equal, more of the leaders' votes, or the lot, go first."""
    return _key(name, dict(values), source)


def runoff_key(runoff: Ranking, source: str = "") -> Key:
    """Readings `tie_…`: a key from a completed run-off; those equal in it again stay equal."""
    return order_key(DecidedBy.RUNOFF, {place.candidate: place.rank for place in runoff.places}, source)


def rank(tallies: Iterable[Tally], keys: tuple[Key, ...] = (), reading: RecusalRanking = RecusalRanking.RAW) -> Ranking:
    """Clauses 五(一)–(三), 五(五): rank by approvals, high to low; the ladder of keys settles equal ones.

    Raises:
        ValueError: two lines of one candidate.
    """
    equals: dict[Fraction, list[Tally]] = {}
    lines = sorted(tallies, key=lambda line: line.candidate)
    for line in lines:
        equals.setdefault(_measure(line, reading), []).append(line)
    if len({line.candidate for line in lines}) != len(lines):
        raise ValueError("two lines of one candidate")

    places: list[Place] = []
    for measure in sorted(equals, reverse=True):
        of_candidate = {line.candidate: line for line in equals[measure]}
        tied = tuple(of_candidate)
        for still_equal, used in _resolve(tied, keys, ()):
            first = len(places) + 1
            places.extend(_place(first, of_candidate[one], measure, tied, still_equal, used) for one in still_equal)
    return Ranking(tuple(places), reading)


def _measure(line: Tally, reading: RecusalRanking) -> Fraction:
    """Reading `recusal_ranking`: approvals as they are, or as a share of those possible (of none possible: nothing)."""
    if reading is RecusalRanking.RAW:
        return Fraction(line.approve)
    return Fraction(line.approve, line.possible or 1)


def _resolve(
    tied: tuple[str, ...], keys: tuple[Key, ...], used: tuple[KeyUse, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[KeyUse, ...]]]:
    """Take a tie down the ladder; yield, best first, the classes it falls into and the keys asked about each."""
    if len(tied) == 1 or not keys:
        yield tied, used
        return
    key, rest = keys[0], keys[1:]
    known = dict(key.values)
    if not all(one in known for one in tied):
        yield from _resolve(tied, rest, (*used, KeyUse(key.name, key.source, None)))
        return
    for value in sorted({known[one] for one in tied}, reverse=True):
        ahead_of = tuple(one for one in tied if known[one] < value)
        behind = tuple(one for one in tied if known[one] > value)
        equal = tuple(one for one in tied if known[one] == value)
        yield from _resolve(equal, rest, (*used, KeyUse(key.name, key.source, value, ahead_of, behind)))


def _place(
    first: int,
    line: Tally,
    measure: Fraction,
    tied: tuple[str, ...],
    still_equal: tuple[str, ...],
    used: tuple[KeyUse, ...],
) -> Place:
    """Write one place with its history; the key asked last is the one that settled it."""
    others = tuple(one for one in tied if one != line.candidate)
    decided_by, against = DecidedBy.APPROVALS, others
    if len(still_equal) > 1:
        decided_by = DecidedBy.UNRESOLVED
        against = tuple(one for one in still_equal if one != line.candidate)
    elif used:
        decided_by = used[-1].name
        against = tuple(sorted((*used[-1].ahead_of, *used[-1].behind)))
    return Place(first, line.candidate, line.approve, line.possible, measure, others, used, decided_by, against)


def _key(name: DecidedBy, values: Mapping[str, int | Fraction], source: str) -> Key:
    """Make a key; the order in which values were collected leaves no trace."""
    return Key(name, tuple((candidate, Fraction(value)) for candidate, value in sorted(values.items())), source)
