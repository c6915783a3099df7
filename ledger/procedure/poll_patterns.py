"""Patterns in a public vote that somebody must look at (五(四); disputes F01, F02, F05). Exact integers, no judgement.

A candidate's votes in a stretch of time are held against what everybody else's votes in that stretch let expect: the
rhythm of day and night, a report in the news and the last hour move all candidates, a bought package moves one. The
stretch itself is left out of what is expected, or an attack would excuse itself. Equal ballots from one origin are held
against how often that very choice is made elsewhere: offices and mobile networks share an origin, and differ.

A pattern is no proof and takes no vote away; it names the ballots for those who decide by a rule declared beforehand.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

BUCKET_MINUTES = 10
"""The finest step of time: shorter ones hold too few votes to tell anything of a poll of some thousands."""
SERIES_BUCKETS = 12
"""Two hours, in which a known package of 1,800 votes was delivered (F02)."""
LEAST_VOTES = 30
"""Fewer votes in a stretch are no pattern whatever the rates: a family, a team, a workshop."""
LEAST_FROM_ORIGIN = 20
"""Fewer equal ballots from one origin are no pattern: a household, an office that agrees."""
BURST_FACTOR = 3
"""So many times the expected: a workshop that votes in its break doubles a candidate's share, and is no burst."""
SERIES_FACTOR = 5
SERIES_SHARE = 10
"""A break holds at least a tenth of all the candidate's votes: less than that changes no order worth paying for."""
DEVIATIONS_SQUARED = 64
"""Eight standard deviations, squared: a poll of a month has 10^5 stretches, and none of them comes that far by chance.

A ballot gives a candidate at most one vote, so that votes in a stretch vary as their expected number does.
"""
UNKNOWN_ORIGIN = bytes(16)
_SLOTS = 1 << 20

BURST, SERIES_BREAK, SHARED_ORIGIN = "BURST", "SERIES_BREAK", "SHARED_ORIGIN"


class Ballot(NamedTuple):
    """One ballot: minute since 1970-01-01T00:00Z, choice as bits by place in the list, tag of the origin."""

    minute: int
    choice: int
    origin: bytes


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern: its code, the first and last minute, the votes in it and those expected, as numerator/denominator.

    `candidate` is a place in the list, None for a shared origin; `choice` and `origin` are given for that alone.
    `series` are the candidate's votes hour by hour over the whole poll (F02), empty for a shared origin.
    """

    code: str
    first_minute: int
    last_minute: int
    votes: int
    expected: tuple[int, int]
    candidate: int | None = None
    choice: int | None = None
    origin: bytes | None = None
    series: tuple[int, ...] = ()

    def concerns(self, ballot: Ballot) -> bool:
        """Say whether a ballot is one of those that the pattern is made of."""
        if self.candidate is None:
            return ballot.origin == self.origin and ballot.choice == self.choice
        return bool(ballot.choice >> self.candidate & 1) and self.first_minute <= ballot.minute <= self.last_minute


def patterns(ballots: Callable[[], Iterable[Ballot]], candidates: int) -> tuple[Pattern, ...]:
    """Disputes F01, F02, F05: return what stands out in a poll, by time and then by origin.

    `ballots` gives all ballots and is called twice, so that millions of them need not be held.
    """
    cells: Counter[tuple[int, int]] = Counter()
    slots = array("L", bytes(_SLOTS * array("L").itemsize))
    total = 0
    for ballot in ballots():
        cells[ballot.minute // BUCKET_MINUTES, ballot.choice] += 1
        slots[_slot(ballot.origin)] += 1
        total += 1
    votes = _by_candidate(cells, candidates)
    found = list(_over_time(votes))
    found += _origins(ballots, slots, _by_choice(cells), total)
    return tuple(found)


def _slot(origin: bytes) -> int:
    return int.from_bytes(origin[:8], "big") % _SLOTS


def _by_candidate(cells: Mapping[tuple[int, int], int], candidates: int) -> list[dict[int, int]]:
    """Return each candidate's votes by step of time."""
    votes: list[dict[int, int]] = [defaultdict(int) for _ in range(candidates)]
    for (bucket, choice), times in cells.items():
        for candidate in range(candidates):
            if choice >> candidate & 1:
                votes[candidate][bucket] += times
    return votes


def _by_choice(cells: Mapping[tuple[int, int], int]) -> Counter[int]:
    choices: Counter[int] = Counter()
    for (_, choice), times in cells.items():
        choices[choice] += times
    return choices


def _over_time(votes: Sequence[Mapping[int, int]]) -> Iterator[Pattern]:
    buckets = sorted({bucket for one in votes for bucket in one})
    if not buckets:
        return
    span = range(buckets[0], buckets[-1] + 1)
    every = [sum(one.get(bucket, 0) for one in votes) for bucket in span]
    hours = BUCKET_MINUTES * 6 // 10
    for candidate, one in enumerate(votes):
        own = [one.get(bucket, 0) for bucket in span]
        series = tuple(sum(own[start : start + hours]) for start in range(0, len(own), hours))
        others = [both - mine for both, mine in zip(every, own, strict=True)]
        for code, width in ((BURST, 1), (SERIES_BREAK, SERIES_BUCKETS)):
            for start, stop, count, expected in _stretches(code, width, own, others):
                first, last = (span[0] + start) * BUCKET_MINUTES, (span[0] + stop) * BUCKET_MINUTES - 1
                yield Pattern(code, first, last, count, expected, candidate, series=series)


def _stretches(
    code: str, width: int, own: list[int], others: list[int]
) -> Iterator[tuple[int, int, int, tuple[int, int]]]:
    """Give the stretches of so many steps that stand out, the strongest first, none overlapping another."""
    all_own, all_others = sum(own), sum(others)
    standing: list[tuple[int, int, tuple[int, int]]] = []
    mine, theirs = sum(own[:width]), sum(others[:width])
    for start in range(max(1, len(own) - width + 1)):
        if start:
            stop = start + width - 1
            mine += own[stop] - own[start - 1]
            theirs += others[stop] - others[start - 1]
        expected = ((all_own - mine) * theirs, all_others - theirs)
        factor = BURST_FACTOR if code == BURST else SERIES_FACTOR
        enough = code == BURST or mine * SERIES_SHARE >= all_own
        if enough and mine >= LEAST_VOTES and stands_out(mine, expected, factor):
            standing.append((mine, start, expected))
    taken: list[int] = []
    for count, start, expected in sorted(standing, key=lambda one: (-one[0], one[1])):
        if all(abs(start - other) >= width for other in taken):
            taken.append(start)
            yield start, start + width, count, expected


def stands_out(votes: int, expected: tuple[int, int], factor: int) -> bool:
    """Say whether so many votes are far above the expected number, a fraction; nothing to compare with is no."""
    above, below = expected
    if below <= 0:
        return False
    excess = votes * below - above
    return votes * below > factor * above and excess * excess >= DEVIATIONS_SQUARED * above * below


def _origins(
    ballots: Callable[[], Iterable[Ballot]], slots: Sequence[int], choices: Mapping[int, int], total: int
) -> Iterator[Pattern]:
    """F05: many equal ballots of one origin; only origins whose slot holds enough ballots are counted one by one."""
    equal: Counter[tuple[bytes, int]] = Counter()
    times: dict[tuple[bytes, int], tuple[int, int]] = {}
    every: Counter[bytes] = Counter()
    for ballot in ballots():
        if ballot.origin != UNKNOWN_ORIGIN and slots[_slot(ballot.origin)] >= LEAST_FROM_ORIGIN:
            key = ballot.origin, ballot.choice
            equal[key] += 1
            every[ballot.origin] += 1
            first, last = times.get(key, (ballot.minute, ballot.minute))
            times[key] = min(first, ballot.minute), max(last, ballot.minute)
    for key, votes in sorted(equal.items()):
        origin, choice = key
        expected = (every[origin] * (choices[choice] - votes), total - every[origin])
        if votes >= LEAST_FROM_ORIGIN and stands_out(votes, expected, BURST_FACTOR):
            yield Pattern(SHARED_ORIGIN, *times[key], votes, expected, choice=choice, origin=origin)
