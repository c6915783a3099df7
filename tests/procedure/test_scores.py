"""Score sheets, their exact means and how a mean is shown."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure.scores import (
    MeanScore,
    ScoreFault,
    ScoreProblem,
    Sheet,
    displayed,
    mean_scores,
    missing_sheets,
    sheet_problems,
)

HIGHEST = {"skill": 6000, "benefit": 4000}


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([("skill", 6000), ("benefit", 0)], ()),
        ([("benefit", 1), ("skill", 5999)], ()),
        ([("skill", 6001), ("benefit", 0)], (ScoreProblem(ScoreFault.OUT_OF_RANGE, "skill", 6001),)),
        ([("skill", 100), ("benefit", -1)], (ScoreProblem(ScoreFault.OUT_OF_RANGE, "benefit", -1),)),
        ([("skill", 100)], (ScoreProblem(ScoreFault.MISSING, "benefit"),)),
        (
            [("skill", 100), ("benefit", 2), ("charm", 3)],
            (ScoreProblem(ScoreFault.UNKNOWN_CRITERION, "charm", 3),),
        ),
        (
            [("skill", 100), ("benefit", 2), ("skill", 100)],
            (ScoreProblem(ScoreFault.TWICE, "skill", 100),),
        ),
        ([], (ScoreProblem(ScoreFault.MISSING, "benefit"), ScoreProblem(ScoreFault.MISSING, "skill"))),
    ],
)
def test_what_is_wrong_with_a_sheet(points: list[tuple[str, int]], expected: tuple[ScoreProblem, ...]) -> None:
    assert sheet_problems(HIGHEST, points) == expected


def sheet(member: str, candidate: str, total: int) -> Sheet:
    return Sheet(member, candidate, (("skill", total - 10), ("benefit", 10)))


def test_the_mean_of_all_given_scores_is_exact() -> None:
    sheets = [sheet("e1", "li", 9000), sheet("e2", "li", 8500), sheet("e3", "li", 8501), sheet("e1", "wang", 7000)]

    assert mean_scores(sheets) == (
        MeanScore("li", Fraction(26001, 3), 3),
        MeanScore("wang", Fraction(7000), 1),
    )
    assert mean_scores([]) == ()


def test_two_sheets_of_one_member_for_one_candidate_are_an_error() -> None:
    with pytest.raises(ValueError, match="one member"):
        mean_scores([sheet("e1", "li", 9000), sheet("e1", "li", 8000)])


def test_a_recused_member_owes_no_sheet() -> None:
    members, candidates = frozenset({"e1", "e2"}), frozenset({"li", "wang"})
    given_sheets = [sheet("e1", "li", 9000)]

    assert missing_sheets(members, candidates, given_sheets, {"wang": frozenset({"e1"})}) == (
        ("e2", "li"),
        ("e2", "wang"),
    )
    assert missing_sheets(members, candidates, given_sheets, {}) == (("e1", "wang"), ("e2", "li"), ("e2", "wang"))


@pytest.mark.parametrize(
    ("mean", "text"),
    [
        (Fraction(9000), "90.00"),
        (Fraction(26000, 3), "86.67"),
        (Fraction(26001, 3), "86.67"),
        (Fraction(17333, 2), "86.67"),
        (Fraction(17335, 2), "86.68"),
        (Fraction(8666) + Fraction(499, 1000), "86.66"),
        (Fraction(5), "0.05"),
        (Fraction(1, 2), "0.01"),
        (Fraction(0), "0.00"),
        (Fraction(19999, 2), "100.00"),
    ],
)
def test_two_decimals_half_up(mean: Fraction, text: str) -> None:
    assert displayed(mean) == text


@given(
    st.dictionaries(st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz")), st.integers(10, 9999), min_size=1),
    st.data(),
)
def test_the_order_of_the_sheets_leaves_no_trace(totals: dict[tuple[str, str], int], data: st.DataObject) -> None:
    sheets = [sheet(member, candidate, total) for (member, candidate), total in totals.items()]
    means = mean_scores(sheets)

    assert mean_scores(data.draw(st.permutations(sheets))) == means
    for mean in means:
        of_candidate = [total for (_, candidate), total in totals.items() if candidate == mean.candidate]
        assert mean.mean * mean.sheets == sum(of_candidate)
        assert abs(Fraction(displayed(mean.mean)) * 100 - mean.mean) <= Fraction(1, 2)
