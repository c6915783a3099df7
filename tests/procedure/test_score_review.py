"""What is conspicuous in score sheets: outliers with the rank without that expert, and identical sheets."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure.score_review import Identical, Outlier, identical_sheets, outliers
from ledger.procedure.scores import Sheet


def sheets(rows: dict[str, dict[str, int]]) -> list[Sheet]:
    """Sheets of one criterion from {member: {candidate: points}}."""
    return [
        Sheet(member, candidate, (("skill", points * 100),))
        for member, given in rows.items()
        for candidate, points in given.items()
    ]


def test_one_favourite_at_a_hundred_and_all_others_at_sixty() -> None:
    given = sheets(
        {
            "e1": {"li": 80, "wang": 86, "zhao": 82},
            "e2": {"li": 81, "wang": 85, "zhao": 81},
            "e3": {"li": 79, "wang": 87, "zhao": 82},
            "e4": {"li": 100, "wang": 60, "zhao": 60},
        }
    )

    assert outliers(given) == (
        Outlier("e4", "li", 10_000, Fraction(8050), rank=1, rank_without=3),
        Outlier("e4", "wang", 6_000, Fraction(8550), rank=2, rank_without=1),
        Outlier("e4", "zhao", 6_000, Fraction(8150), rank=3, rank_without=2),
    )


def test_experts_of_one_mind_are_not_told_apart_by_a_point_or_two() -> None:
    given = sheets({"e1": {"li": 80}, "e2": {"li": 80}, "e3": {"li": 80}, "e4": {"li": 83}})

    assert outliers(given) == ()


def test_two_sheets_have_no_outlier() -> None:
    assert outliers(sheets({"e1": {"li": 0}, "e2": {"li": 100}})) == ()


def test_nobody_else_scored_the_candidate_again() -> None:
    """A single expert's sheets are never far from the others', there being none."""
    assert outliers(sheets({"e1": {"li": 100, "wang": 0}})) == ()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({"e1": {"li": 80, "wang": 70}, "e2": {"li": 80, "wang": 70}}, (Identical("e1", "e2", 2),)),
        ({"e1": {"li": 80, "wang": 70}, "e2": {"li": 80, "wang": 71}}, ()),
        ({"e1": {"li": 80}, "e2": {"li": 80}}, ()),
        ({"e1": {"li": 80, "wang": 70, "zhao": 60}, "e2": {"wang": 70, "zhao": 60}}, (Identical("e1", "e2", 2),)),
        ({"e1": {"li": 80, "wang": 70}, "e2": {"wang": 70, "zhao": 60}}, ()),
    ],
)
def test_sheets_that_are_the_same(rows: dict[str, dict[str, int]], expected: tuple[Identical, ...]) -> None:
    assert identical_sheets(sheets(rows)) == expected


@given(st.permutations(sheets({f"e{n}": {"li": 50 + 9 * n % 40, "wang": 70 + n % 3} for n in range(5)})))
def test_the_order_of_the_sheets_leaves_no_trace(given: list[Sheet]) -> None:
    ordered = sorted(given, key=lambda sheet: (sheet.member, sheet.candidate))

    assert outliers(given) == outliers(ordered)
    assert identical_sheets(given) == identical_sheets(ordered)
