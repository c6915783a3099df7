"""Patterns in public votes: a hundred ordinary polls give next to none, every planted attack is found with its rows."""

from random import Random

import pytest

from ledger.procedure.poll_patterns import (
    BURST,
    SERIES_BREAK,
    SHARED_ORIGIN,
    UNKNOWN_ORIGIN,
    Ballot,
    Pattern,
    patterns,
    stands_out,
)

CANDIDATES, DAYS, START = 14, 7, 27_700_000
HOURLY = (2, 1, 1, 1, 1, 2, 5, 9, 12, 12, 11, 12, 14, 11, 9, 9, 10, 11, 14, 16, 17, 15, 10, 5)
"""How busy the hours of a day are; a report in the news makes one hour of the poll ten times as busy for everybody."""


def clean(seed: int, ballots: int = 2500) -> list[Ballot]:
    """An ordinary poll: popular and less popular candidates, day and night, mobile networks shared by thousands."""
    draw = Random(seed)
    weights = [draw.randint(1, 20) for _ in range(CANDIDATES)]
    hours = list(HOURLY) * DAYS
    hours[draw.randrange(len(hours))] *= 10
    networks = [b"network %d" % number for number in range(6)]
    cast = []
    for hour in draw.choices(range(len(hours)), hours, k=ballots):
        names = set(draw.choices(range(CANDIDATES), weights, k=draw.choice((1, 1, 3, 10))))
        origin = draw.choice(networks) if draw.random() < 0.4 else draw.randbytes(16)
        cast.append(Ballot(START + hour * 60 + draw.randrange(60), sum(1 << name for name in names), origin.ljust(16)))
    return cast


def found(ballots: list[Ballot]) -> tuple[Pattern, ...]:
    return patterns(lambda: iter(ballots), CANDIDATES)


def test_a_hundred_clean_polls_give_at_most_one_finding() -> None:
    assert sum(len(found(clean(seed))) for seed in range(100)) <= 1


def attacked(seed: int, bots: list[Ballot]) -> dict[str, Pattern]:
    ballots = clean(seed)
    Random(seed).shuffle(bots)
    whole = sorted(ballots + bots)
    marked = {}
    for one in found(whole):
        marked[one.code] = one
        assert {ballot for ballot in bots if one.concerns(ballot)} == set(bots)
    return marked


@pytest.mark.parametrize("seed", range(10))
def test_F01_bots_within_minutes_are_a_burst(seed: int) -> None:
    draw = Random(seed)
    target, begin = draw.randrange(CANDIDATES), START + draw.randrange(DAYS * 144) * 10
    bots = [Ballot(begin + draw.randrange(10), 1 << target, draw.randbytes(16)) for _ in range(150)]
    burst = attacked(seed, bots)[BURST]
    assert (burst.candidate, burst.first_minute, burst.last_minute) == (target, begin, begin + 9)
    assert burst.votes >= 150


@pytest.mark.parametrize("seed", range(10))
def test_F02_a_package_within_two_hours_is_a_break_of_the_series(seed: int) -> None:
    draw = Random(100 + seed)
    target, begin = draw.randrange(CANDIDATES), START + draw.randrange(DAYS * 24 - 2) * 60
    bots = [Ballot(begin + draw.randrange(110), 1 << target, draw.randbytes(16)) for _ in range(900)]
    ballots = clean(seed) + bots
    breaks = [one for one in found(ballots) if one.code == SERIES_BREAK]
    assert {one.candidate for one in breaks} == {target}
    assert all(any(one.concerns(bot) for one in breaks) for bot in bots)
    assert sum(breaks[0].series) == sum(ballot.choice >> target & 1 for ballot in ballots)


@pytest.mark.parametrize("seed", range(10))
def test_F05_many_equal_ballots_of_one_origin(seed: int) -> None:
    draw = Random(200 + seed)
    choice = sum(1 << name for name in draw.sample(range(CANDIDATES), 2))
    bots = [Ballot(START + draw.randrange(DAYS * 1440), choice, b"one phone".ljust(16)) for _ in range(40)]
    shared = attacked(seed, bots)
    assert shared.keys() == {SHARED_ORIGIN}
    assert (shared[SHARED_ORIGIN].origin, shared[SHARED_ORIGIN].choice) == (b"one phone".ljust(16), choice)


def test_what_cannot_be_compared_is_no_pattern() -> None:
    assert found([]) == ()
    alone = [Ballot(START, 1, UNKNOWN_ORIGIN)] * 500
    assert found(alone) == ()
    assert found([one._replace(origin=b"x" * 16) for one in alone]) == ()
    assert not stands_out(10, (1, 0), 3)
    assert stands_out(40, (5, 1), 3)
    assert not stands_out(14, (5, 1), 3)
