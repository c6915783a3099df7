"""What margins cost: every set of the ballots of a panel of 13 that votes on 14 candidates, against a second."""

from functools import partial

from projections.margin_search import Touch, decisive, search
from projections.suppositions import Contest
from tests.benchmarks.machine import timed
from tests.projections.contests import contest

MEMBERS, CANDIDATES = 13, 14
SECOND = 1e6


def margins(repeat: int) -> tuple[list[float], list[float]]:
    """Return a second, and what all margins and decisive ballots of one vote take, in µs, vote after vote."""
    votes = [contest(seed, MEMBERS, CANDIDATES, keys="both", plain=seed % 2 == 0) for seed in range(repeat)]
    return [SECOND] * repeat, [timed(partial(_everything, vote), 1) for vote in votes]


def _everything(vote: Contest) -> None:
    found = search(vote)
    for touch in Touch:
        found.whole(touch)
        for candidate in vote.candidates:
            found.of(candidate, touch)
    decisive(vote, found.taken)
