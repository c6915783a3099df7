"""Who is taken, when a tie stops the taking, and which run-off is due."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure.cuts import Cut, RunoffNeed, cut, runoff_needed, share_changes_cut
from ledger.procedure.ranking import public_votes_key, rank, runoff_key
from tests.procedure.test_ranking import approvals, line, lines, totals


@pytest.mark.parametrize(
    ("given_lines", "seats", "expected"),
    [
        pytest.param({"a": 9, "b": 8, "c": 7}, 2, Cut(2, ("a", "b"), ("c",), None, 0), id="no tie"),
        pytest.param({"a": 9, "b": 9, "c": 7}, 2, Cut(2, ("a", "b"), ("c",), None, 0), id="tie above the cut"),
        pytest.param({"a": 9, "b": 8, "c": 8}, 2, Cut(2, ("a",), (), ("b", "c"), 1), id="tie across the cut"),
        pytest.param(
            {"a": 9, "b": 8, "c": 8, "d": 7, "e": 7},
            2,
            Cut(2, ("a",), ("d", "e"), ("b", "c"), 1),
            id="tie at and below",
        ),
        pytest.param({"a": 8, "b": 7, "c": 7}, 1, Cut(1, ("a",), ("b", "c"), None, 0), id="tie below the cut"),
        pytest.param({"a": 9, "b": 8}, 5, Cut(5, ("a", "b"), (), None, 3), id="fewer than seats"),
        pytest.param({"a": 8, "b": 8}, 0, Cut(0, (), ("a", "b"), None, 0), id="no seats"),
        pytest.param({"a": 8, "b": 8, "c": 8}, 2, Cut(2, (), (), ("a", "b", "c"), 2), id="all tied"),
    ],
)
def test_cuts(given_lines: dict[str, int], seats: int, expected: Cut) -> None:
    assert cut(rank(lines(**given_lines)), seats) == expected


def test_negative_seats_are_an_error() -> None:
    with pytest.raises(ValueError, match="negative"):
        cut(rank(lines(a=1)), -1)


def test_alternates_are_ordered_where_their_order_matters() -> None:
    ranking = rank(lines(a=9, b=8, c=7, d=7, e=7, f=6, g=5, h=5))

    assert cut(ranking, 2).unordered == ()
    assert cut(ranking, 2, order_matters=True).unordered == (("c", "d", "e"), ("g", "h"))
    assert runoff_needed(ranking, 2) is None
    assert runoff_needed(ranking, 2, order_matters=True) == RunoffNeed(("c", "d", "e"), 2, at_cut=False)


def test_a_final_round_from_tie_to_fixed_alternates() -> None:
    """Four seats, six on the list: a tie at the cut, then one among the alternates, then none."""
    tallies = lines(a=9, b=9, c=8, d=7, e=7, f=7)
    votes = public_votes_key({"a": 1, "b": 2, "c": 3, "d": 40, "e": 40, "f": 40})

    first = runoff_needed(rank(tallies, (votes,)), 4, order_matters=True)
    assert first == RunoffNeed(("d", "e", "f"), 1, at_cut=True)

    one = runoff_key(rank(lines(d=3, e=8, f=3)))
    second = runoff_needed(rank(tallies, (votes, one)), 4, order_matters=True)
    assert second == RunoffNeed(("d", "f"), 1, at_cut=False)
    assert runoff_needed(rank(tallies, (votes, one)), 4) is None

    two = runoff_key(rank(lines(d=5, f=6)))
    settled = rank(tallies, (votes, one, two))
    assert runoff_needed(settled, 4, order_matters=True) is None
    assert cut(settled, 4) == Cut(4, ("b", "a", "c", "e"), ("f", "d"), None, 0)


def test_public_votes_at_the_cut() -> None:
    tallies = lines(li=17, zhao=17, wang=18)

    assert cut(rank(tallies, (public_votes_key({"li": 8190, "zhao": 8214, "wang": 1}),)), 2).taken == ("wang", "zhao")
    assert cut(rank(tallies, (public_votes_key({"li": 8215, "zhao": 8214, "wang": 1}),)), 2).taken == ("wang", "li")


def test_the_share_reading_changes_a_cut() -> None:
    tallies = [line("a", 16), line("b", 15), line("c", 14, recused=4)]
    change = share_changes_cut(tallies, (), 2)

    assert change is not None
    assert (change.only_raw, change.only_share) == (("b",), ("c",))
    assert (change.raw.taken, change.share.taken) == (("a", "b"), ("c", "a"))


def test_the_share_reading_opens_a_tie_at_the_cut() -> None:
    change = share_changes_cut([line("a", 16), line("b", 12, recused=5)], (), 1)

    assert change is not None
    assert (change.raw.tied_at_cut, change.share.tied_at_cut) == (None, ("a", "b"))
    assert (change.only_raw, change.only_share) == (("a",), ())


def test_the_share_reading_widens_a_tie_at_the_cut() -> None:
    change = share_changes_cut([line("a", 16), line("b", 12), line("c", 12), line("d", 6, recused=10)], (), 2)

    assert change is not None
    assert (change.raw.tied_at_cut, change.share.tied_at_cut) == (("b", "c"), ("b", "c", "d"))
    assert change.only_raw == change.only_share == ()


def test_the_share_reading_changes_nothing_above_the_cut() -> None:
    tallies = [line("a", 16), line("b", 15, recused=4), line("c", 2)]

    assert share_changes_cut(tallies, (), 2) is None
    assert share_changes_cut(tallies, (), 1) is not None


@given(approvals, totals, st.integers(0, 9))
def test_every_cut_accounts_for_everybody(given_lines: dict[str, int], votes: dict[str, int], seats: int) -> None:
    ranking = rank(lines(**given_lines), (public_votes_key(votes),))
    result = cut(ranking, seats, order_matters=True)
    tied = result.tied_at_cut or ()

    assert (*result.taken, *tied, *result.left) == ranking.candidates
    assert len(result.taken) + result.places_left == seats
    assert not tied or 0 < result.places_left < len(tied)
    need = runoff_needed(ranking, seats, order_matters=True)
    assert (need is None) == (not tied and not result.unordered)
    assert need is None or 0 < need.places < len(need.candidates)
