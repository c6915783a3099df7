"""Bounds for margins where there are too many ballots to count every set of them: two candidates at a time.

Clauses five(一)–(三), five(五). Where approvals alone are compared, touching a ballot moves one candidate towards
another by at most two approvals, so the fewest ballots that bring one ahead of another are found by taking the ballots
that move most. Whoever is unseated has as many candidates ahead as there are seats: the dearest of the cheapest that
many is a lower bound. For the vote as a whole it is more: the taken change if and only if one of those left gets ahead
of one of those taken, so the cheapest pair is the margin itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from projections.suppositions import Contest, Vote

_NEVER = 1 << 60


@dataclass(frozen=True, slots=True)
class Goal:
    """What is asked: to unseat (`taken`) or to seat a candidate, by removing or changing ballots.

    `or_open`: it is enough that only a run-off could say.
    """

    candidate: str
    taken: bool
    changing: bool
    or_open: bool


class Bounds:
    """Lower bounds of one contest, and the orders of ballots in which upper bounds are looked for."""

    def __init__(self, contest: Contest) -> None:
        """Count the approvals once."""
        self._contest = contest
        self._approvals = {
            one: sum(_approves(vote, one) for vote in contest.votes if not vote.void) for one in contest.candidates
        }
        self._pair = cache(self._fewest_for_pair)

    def fewest(self, goal: Goal) -> int | None:
        """Return how many ballots it takes at least; None if all of them do not."""
        if not self._contest.plain:
            return 1
        rivals = self._rivals(goal)
        if not rivals:
            return None
        most = max(cost for cost, _ in rivals)
        return None if most >= _NEVER else max(most, 1)

    def order(self, goal: Goal) -> tuple[int, ...]:
        """Return the places of all ballots, those first whose touching serves the goal most."""
        return self._ordered([self._as_pair(goal, rival) for cost, rival in self._rivals(goal) if cost], goal.changing)

    def cheapest_pair(self, taken: Iterable[str], changing: bool, or_open: bool) -> tuple[int | None, tuple[int, ...]]:
        """Return the fewest ballots that bring one who is left ahead of one who is taken, and the order that does."""
        within = set(taken)
        pairs = [(one, other) for one in self._contest.candidates if one in within
                 for other in self._contest.candidates if other not in within]  # fmt: skip
        costs = [(self._pair(*pair, changing, or_open), pair) for pair in pairs]
        cost, pair = min(costs, default=(_NEVER, ("", "")))
        if cost >= _NEVER:
            return (None if self._contest.plain else 1), ()
        return (max(cost, 1) if self._contest.plain else 1), self._ordered([pair], changing)

    def _rivals(self, goal: Goal) -> list[tuple[int, str]]:
        """Return those who cost least to be overtaken by, or to overtake, as many as the goal needs."""
        contest = self._contest
        others = [one for one in contest.candidates if one != goal.candidate]
        needed = contest.seats if goal.taken else len(contest.candidates) - contest.seats
        costs = sorted((self._pair(*self._as_pair(goal, one), goal.changing, goal.or_open), one) for one in others)
        return costs[:needed] if 0 < needed <= len(others) else []

    @staticmethod
    def _as_pair(goal: Goal, rival: str) -> tuple[str, str]:
        return (goal.candidate, rival) if goal.taken else (rival, goal.candidate)

    def _fewest_for_pair(self, before: str, after: str, changing: bool, or_open: bool) -> int:
        """Return how many ballots it takes to bring `after` ahead of `before`, at least level where that is enough."""
        need = self._approvals[before] - self._approvals[after] + (not self._level_is_enough(before, after, or_open))
        if need <= 0:
            return 0
        for touched, pull in enumerate(sorted(self._pulls(before, after, changing), reverse=True), start=1):
            need -= max(pull, 0)
            if need <= 0:
                return touched
        return _NEVER

    def _level_is_enough(self, before: str, after: str, or_open: bool) -> bool:
        for key in self._contest.firm_keys:
            known = dict(key.values)
            if before in known and after in known and known[before] != known[after]:
                return known[after] > known[before]
        return or_open or self._contest.partial_keys

    def _pulls(self, before: str, after: str, changing: bool) -> list[int]:
        return [pull(vote, before, after, changing) for vote in self._contest.votes]

    def _ordered(self, pairs: Iterable[tuple[str, str]], changing: bool) -> tuple[int, ...]:
        served = [0] * len(self._contest.votes)
        for before, after in pairs:
            for place, moved in enumerate(self._pulls(before, after, changing)):
                served[place] += moved
        return tuple(sorted(range(len(served)), key=lambda place: (-served[place], place)))


def pull(vote: Vote, before: str, after: str, changing: bool) -> int:
    """Return by how many approvals touching a ballot brings `after` nearer to `before`: from minus one to two."""
    if vote.void:
        return 0
    lost = _approves(vote, before)
    if changing:
        return lost + (after not in vote.approve and after not in vote.recused)
    return lost - _approves(vote, after)


def _approves(vote: Vote, candidate: str) -> bool:
    return candidate in vote.approve and candidate not in vote.recused
