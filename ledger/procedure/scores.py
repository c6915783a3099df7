"""Quantitative scoring (定量评分): clause 五(一), reading `score_rule`.

A sheet is one member's points for one candidate, criterion by criterion, in whole hundredths of a point. Scores never
rank by themselves; they can only break a tie (`tie_expert`). Means are exact fractions, rounded for display alone.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

_HUNDRED = 100


class ScoreFault(StrEnum):
    """Why a sheet is not valid (`SCORE_INVALID`)."""

    UNKNOWN_CRITERION = "unknown_criterion"
    TWICE = "twice"
    MISSING = "missing"
    OUT_OF_RANGE = "out_of_range"


@dataclass(frozen=True, slots=True)
class ScoreProblem:
    """One fault of a sheet, with the points concerned (hundredths; `None` where there are none)."""

    fault: ScoreFault
    criterion: str
    points: int | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One member's points for one candidate: (criterion, hundredths of a point)."""

    member: str
    candidate: str
    points: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """The sum of the points, in hundredths."""
        return sum(points for _, points in self.points)


@dataclass(frozen=True, slots=True)
class MeanScore:
    """A candidate's mean over all sheets given, in hundredths of a point, and how many sheets that were."""

    candidate: str
    mean: Fraction
    sheets: int


def sheet_problems(highest: Mapping[str, int], points: Iterable[tuple[str, int]]) -> tuple[ScoreProblem, ...]:
    """Clause 五(一): list what is wrong with a sheet, sorted by criterion; empty means it is valid.

    Every declared criterion is given once, from nothing up to its `highest` (hundredths of a point), and no other.
    """
    given: dict[str, int] = {}
    found = []
    for criterion, value in points:
        if criterion in given:
            found.append(ScoreProblem(ScoreFault.TWICE, criterion, value))
        elif criterion not in highest:
            found.append(ScoreProblem(ScoreFault.UNKNOWN_CRITERION, criterion, value))
        elif not 0 <= value <= highest[criterion]:
            found.append(ScoreProblem(ScoreFault.OUT_OF_RANGE, criterion, value))
        given[criterion] = value
    found.extend(ScoreProblem(ScoreFault.MISSING, criterion) for criterion in highest if criterion not in given)
    return tuple(sorted(found, key=lambda problem: (problem.criterion, problem.fault)))


def missing_sheets(
    members: AbstractSet[str],
    candidates: AbstractSet[str],
    sheets: Iterable[Sheet],
    recusals: Mapping[str, AbstractSet[str]],
) -> tuple[tuple[str, str], ...]:
    """Clause 五(一): list the (member, candidate) pairs still to be scored; a recused member owes no sheet. Sorted."""
    given = {(sheet.member, sheet.candidate) for sheet in sheets}
    return tuple(
        (member, candidate)
        for member in sorted(members)
        for candidate in sorted(candidates)
        if (member, candidate) not in given and member not in recusals.get(candidate, ())
    )


def mean_scores(sheets: Iterable[Sheet]) -> tuple[MeanScore, ...]:
    """Reading `score_rule`: the mean of all given scores, exact, of every candidate who has any; sorted by candidate.

    Raises:
        ValueError: two sheets of one member for one candidate (of a revised score only the last is given).
    """
    totals: dict[str, dict[str, int]] = {}
    for sheet in sheets:
        of_candidate = totals.setdefault(sheet.candidate, {})
        if sheet.member in of_candidate:
            raise ValueError("two sheets of one member for one candidate")
        of_candidate[sheet.member] = sheet.total
    return tuple(
        MeanScore(candidate, Fraction(sum(given.values()), len(given)), len(given))
        for candidate, given in sorted(totals.items())
    )


def displayed(mean: Fraction) -> str:
    """Write a mean (hundredths, not negative) as points with two decimals, half rounded up. For display only."""
    whole, cents = divmod(int(mean + Fraction(1, 2)), _HUNDRED)
    return f"{whole}.{cents:02d}"
