"""Ranking by approvals, its ladder of keys and its history."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure.counting import Tally
from ledger.procedure.ranking import (
    DecidedBy,
    Key,
    KeyUse,
    Place,
    Ranking,
    RecusalRanking,
    mean_score_key,
    order_key,
    public_votes_key,
    rank,
    runoff_key,
)

BALLOTS = 20


def line(candidate: str, approve: int, recused: int = 0, returned: int = BALLOTS) -> Tally:
    return Tally(candidate, approve, returned - recused - approve, 0, 0, recused, returned)


def lines(**approvals: int) -> list[Tally]:
    return [line(candidate, approve) for candidate, approve in approvals.items()]


def ranks(ranking: Ranking) -> dict[str, int]:
    return {place.candidate: place.rank for place in ranking.places}


def place_of(ranking: Ranking, candidate: str) -> Place:
    return next(place for place in ranking.places if place.candidate == candidate)


def test_approvals_alone() -> None:
    ranking = rank(lines(zhao=17, li=18, wang=3))

    assert ranking.candidates == ("li", "zhao", "wang")
    assert place_of(ranking, "zhao") == Place(
        2, "zhao", 17, BALLOTS, Fraction(17), (), (), DecidedBy.APPROVALS, against=()
    )


def test_public_votes_settle_equal_approvals_and_say_so() -> None:
    votes = public_votes_key({"li": 8190, "zhao": 8214, "wang": 99999}, "poll:1")
    ranking = rank(lines(li=17, zhao=17, wang=3), (votes,))

    assert ranking.candidates == ("zhao", "li", "wang")
    zhao, li, wang = ranking.places
    assert (zhao.rank, zhao.tied_with, zhao.decided_by, zhao.against) == (1, ("li",), DecidedBy.PUBLIC_VOTES, ("li",))
    assert zhao.keys_used == (KeyUse(DecidedBy.PUBLIC_VOTES, "poll:1", Fraction(8214), ahead_of=("li",)),)
    assert (li.rank, li.decided_by, li.against) == (2, DecidedBy.PUBLIC_VOTES, ("zhao",))
    assert li.keys_used == (KeyUse(DecidedBy.PUBLIC_VOTES, "poll:1", Fraction(8190), behind=("zhao",)),)
    assert (wang.keys_used, wang.decided_by) == ((), DecidedBy.APPROVALS)


def test_experts_go_by_score_then_by_runoff() -> None:
    scores = mean_score_key(
        {"a": Fraction(26000, 3), "b": Fraction(8666), "c": Fraction(26000, 3), "d": Fraction(9000)}
    )
    runoff = runoff_key(rank(lines(a=4, c=5)), "round:2")
    ranking = rank(lines(a=9, b=9, c=9, d=8), (scores, runoff))

    assert ranking.candidates == ("c", "a", "b", "d")
    assert [place.decided_by for place in ranking.places] == [
        DecidedBy.RUNOFF,
        DecidedBy.RUNOFF,
        DecidedBy.MEAN_SCORE,
        DecidedBy.APPROVALS,
    ]
    first = place_of(ranking, "c")
    assert (first.tied_with, first.against) == (("a", "b"), ("a",))
    assert [use.name for use in first.keys_used] == [DecidedBy.MEAN_SCORE, DecidedBy.RUNOFF]
    assert place_of(ranking, "b").against == ("a", "c")


def test_what_no_key_settles_stays_open_and_shares_the_rank() -> None:
    ranking = rank(lines(a=9, b=9, c=9, d=8), (public_votes_key({"a": 5, "b": 7, "c": 5, "d": 1}),))

    assert ranks(ranking) == {"b": 1, "a": 2, "c": 2, "d": 4}
    assert ranking.classes == (("b",), ("a", "c"), ("d",))
    assert place_of(ranking, "a").decided_by is DecidedBy.UNRESOLVED
    assert place_of(ranking, "a").against == ("c",)
    assert place_of(ranking, "c").against == ("a",)


def test_a_second_runoff_goes_below_the_first() -> None:
    first = runoff_key(rank(lines(a=4, b=6, c=4)), "runoff:1")
    second = runoff_key(rank(lines(a=3, c=5)), "runoff:2")
    ranking = rank(lines(a=9, b=9, c=9), (first, second))

    assert ranking.candidates == ("b", "c", "a")
    assert [use.source for use in place_of(ranking, "a").keys_used] == ["runoff:1", "runoff:2"]
    assert [use.source for use in place_of(ranking, "b").keys_used] == ["runoff:1"]


@pytest.mark.parametrize("name", [DecidedBy.DECISION, DecidedBy.LOT])
def test_a_decision_or_lot_gives_an_order(name: DecidedBy) -> None:
    ranking = rank(lines(a=9, b=9), (order_key(name, {"a": 2, "b": 1}, "entry:77"),))

    assert ranking.candidates == ("b", "a")
    assert [place.decided_by for place in ranking.places] == [name, name]


def test_a_key_that_does_not_know_everybody_breaks_no_tie() -> None:
    partial = public_votes_key({"a": 10, "b": 20}, "poll:1")
    decision = order_key(DecidedBy.DECISION, {"a": 1, "b": 2, "c": 3})
    alone, followed = rank(lines(a=9, b=9, c=9), (partial,)), rank(lines(a=9, b=9, c=9), (partial, decision))

    assert ranks(alone) == {"a": 1, "b": 1, "c": 1}
    assert place_of(alone, "b").keys_used == (KeyUse(DecidedBy.PUBLIC_VOTES, "poll:1", None),)
    assert followed.candidates == ("a", "b", "c")
    assert place_of(followed, "a").decided_by is DecidedBy.DECISION


def test_two_people_who_are_tied_elsewhere_do_not_meet() -> None:
    """A run-off among the first two says nothing about the last two."""
    runoff = runoff_key(rank(lines(a=2, b=5)))
    ranking = rank(lines(a=9, b=9, c=4, d=4), (runoff,))

    assert ranking.classes == (("b",), ("a",), ("c", "d"))


@pytest.mark.parametrize(
    ("reading", "order"), [(RecusalRanking.RAW, ("a", "b", "c")), (RecusalRanking.SHARE, ("b", "a", "c"))]
)
def test_recusals_under_both_readings(reading: RecusalRanking, order: tuple[str, ...]) -> None:
    tallies = [line("a", 15), line("b", 14, recused=3), line("c", 0, recused=BALLOTS)]
    ranking = rank(tallies, (), reading)

    assert ranking.candidates == order
    assert ranking.reading is reading
    assert place_of(ranking, "b").possible == 17


def test_two_lines_of_one_candidate_are_an_error() -> None:
    with pytest.raises(ValueError, match="one candidate"):
        rank([line("a", 3), line("a", 4)])


def test_nobody_to_rank() -> None:
    assert (rank([]).places, rank([]).classes) == ((), ())


NAMES = [f"c{number}" for number in range(8)]
approvals = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 4), min_size=1)
totals = st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(0, 3)))


@given(approvals, totals, totals)
def test_public_totals_never_reorder_different_approvals(
    given_lines: dict[str, int], votes: dict[str, int], other: dict[str, int]
) -> None:
    ranking = rank(lines(**given_lines), (public_votes_key(votes),))
    again = rank(lines(**given_lines), (public_votes_key(other),))

    for result in (ranking, again):
        assert [place.approvals for place in result.places] == sorted(given_lines.values(), reverse=True)
    for one, more in given_lines.items():
        for another, fewer in given_lines.items():
            if more > fewer:
                assert place_of(ranking, one).rank < place_of(ranking, another).rank
                assert place_of(again, one).rank < place_of(again, another).rank


@given(approvals, totals, totals, st.data())
def test_a_ranking_does_not_depend_on_the_order_of_its_input(
    given_lines: dict[str, int], votes: dict[str, int], orders: dict[str, int], data: st.DataObject
) -> None:
    shuffled = dict(data.draw(st.permutations(list(votes.items()))))
    tallies = lines(**given_lines)
    keys: tuple[Key, ...] = (public_votes_key(votes), order_key(DecidedBy.RUNOFF, orders))

    assert rank(data.draw(st.permutations(tallies)), (public_votes_key(shuffled), keys[1])) == rank(tallies, keys)


@given(approvals, totals, totals)
def test_ranks_follow_the_ladder_and_the_history_is_complete(
    given_lines: dict[str, int], votes: dict[str, int], orders: dict[str, int]
) -> None:
    """An independent oracle: sort by the tuple of all keys, and count who stands strictly before."""
    ranking = rank(lines(**given_lines), (public_votes_key(votes), order_key(DecidedBy.RUNOFF, orders)))
    merit = {one: (-given_lines[one], -votes[one], orders[one]) for one in given_lines}

    for place in ranking.places:
        one = place.candidate
        assert place.rank == 1 + sum(merit[other] < merit[one] for other in merit)
        assert set(place.tied_with) == {o for o in merit if o != one and given_lines[o] == given_lines[one]}
        separated = {o for use in place.keys_used for o in (*use.ahead_of, *use.behind)}
        still_equal = {o for o in merit if o != one and merit[o] == merit[one]}
        assert separated | still_equal == set(place.tied_with)
        assert (place.decided_by is DecidedBy.UNRESOLVED) == bool(still_equal)
        assert still_equal <= set(place.against) if still_equal else set(place.against) <= separated
