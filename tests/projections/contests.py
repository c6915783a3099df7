"""Small votes made up for the tests of margins, and the same answers found by trying everything."""

import random
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain, combinations, product

from ledger.procedure.counting import MinApproval
from ledger.procedure.ranking import DecidedBy, Key, RecusalRanking
from projections.suppositions import Contest, Vote


def contest(seed: int, ballots: int, candidates: int, *, keys: str = "full", plain: bool = True) -> Contest:
    """Make up a vote that is not tied at the cut; the seats leave somebody out.

    `keys`: a key that knows everybody, one that knows some (a run-off), both, or none. Unless `plain`, members may be
    recused, ballots void, shares compared and a minimum asked for.
    """
    rng = random.Random(seed)
    while True:
        made = _contest(rng, ballots, candidates, keys, plain)
        if made.cut.tied_at_cut is None:
            return made


def _contest(rng: random.Random, ballots: int, candidates: int, keys: str, plain: bool) -> Contest:
    names = tuple(f"c{number:02}" for number in range(candidates))
    seats = rng.randint(1, candidates - 1)
    votes = []
    for number in range(ballots):
        recused = frozenset(rng.sample(names, rng.choice((0, 0, 1)))) if not plain else frozenset()
        open_to = [name for name in names if name not in recused]
        approve = frozenset(rng.sample(open_to, min(rng.randint(0, seats), len(open_to))))
        votes.append(Vote(100 + number, f"m{number:02}", approve, recused, not plain and rng.random() < 0.15))
    return Contest(
        names,
        tuple(votes),
        seats,
        seats,
        tuple(
            _key(rng, names, whole) for whole in {"full": [True], "some": [False], "both": [True, False], "": []}[keys]
        ),
        RecusalRanking.RAW if plain else rng.choice(tuple(RecusalRanking)),
        MinApproval.NONE if plain else rng.choice(tuple(MinApproval)),
    )


def _key(rng: random.Random, names: tuple[str, ...], whole: bool) -> Key:
    known = names if whole else rng.sample(names, rng.randint(1, len(names) - 1))
    values = sorted((name, Fraction(rng.randint(0, 3))) for name in known)
    return Key(DecidedBy.PUBLIC_VOTES if whole else DecidedBy.RUNOFF, tuple(values), "somewhere")


def removals(vote: Contest, size: int) -> Iterator[Contest]:
    """Give the vote without each set of `size` ballots."""
    for gone in combinations(range(len(vote.votes)), size):
        yield replace(vote, votes=tuple(one for place, one in enumerate(vote.votes) if place not in gone))


def changes(vote: Contest, size: int) -> Iterator[Contest]:
    """Give the vote with each set of `size` valid ballots changed in every way the limits allow."""
    valid = [place for place, one in enumerate(vote.votes) if not one.void]
    for touched in combinations(valid, size):
        for approvals in product(*(_allowed(vote, vote.votes[place]) for place in touched)):
            votes = list(vote.votes)
            for place, approve in zip(touched, approvals, strict=True):
                votes[place] = replace(votes[place], approve=approve)
            yield replace(vote, votes=tuple(votes))


def _allowed(vote: Contest, one: Vote) -> list[frozenset[str]]:
    names = [name for name in vote.candidates if name not in one.recused]
    most = min(vote.max_approvals, len(names))
    return [frozenset(each) for each in chain.from_iterable(combinations(names, size) for size in range(most + 1))]
