"""What is conspicuous in a group's score sheets: clause 五(一), dispute rows C01 and C05.

Nothing here changes a mean: no sheet is ever discarded. An auditor is shown sheets that stand far from the others',
with the candidate's rank without that expert, and pairs of experts whose sheets are the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from ledger.procedure.scores import Sheet, mean_scores

# The modified z-score of 3.5: 0.6745 times the distance from the median, over the median distance from it.
_SCALE, _LIMIT = 6745, 35_000
# One point: experts who differ by less than that are not told apart by how closely the others agree.
_LEAST_SPREAD = 100
_LEAST_SHEETS = 3
_LEAST_COMMON = 2


@dataclass(frozen=True, slots=True)
class Outlier:
    """One sheet far from the others for the same candidate; total and median in hundredths of a point.

    `rank` is the candidate's place by mean score with every sheet, `rank_without` the place if this expert's sheets
    were left out for everybody.
    """

    member: str
    candidate: str
    total: int
    median: Fraction
    rank: int
    rank_without: int


@dataclass(frozen=True, slots=True)
class Identical:
    """Two experts who gave the same points, criterion by criterion, to all candidates that both scored."""

    first: str
    second: str
    candidates: int


def outliers(sheets: Iterable[Sheet]) -> tuple[Outlier, ...]:
    """Dispute C01: list the sheets whose total stands far from the others', sorted by candidate and member."""
    given = tuple(sorted(sheets, key=lambda sheet: (sheet.candidate, sheet.member)))
    of_candidate: dict[str, list[Sheet]] = {}
    for sheet in given:
        of_candidate.setdefault(sheet.candidate, []).append(sheet)
    found = []
    for candidate, own in of_candidate.items():
        median = _median([Fraction(sheet.total) for sheet in own])
        spread = max(_median([abs(sheet.total - median) for sheet in own]), Fraction(_LEAST_SPREAD))
        for sheet in own:
            if len(own) >= _LEAST_SHEETS and abs(sheet.total - median) * _SCALE > spread * _LIMIT:
                others = [other for other in given if other.member != sheet.member]
                found.append(
                    Outlier(
                        sheet.member, candidate, sheet.total, median, _rank(candidate, given), _rank(candidate, others)
                    )
                )
    return tuple(found)


def identical_sheets(sheets: Iterable[Sheet]) -> tuple[Identical, ...]:
    """Dispute C05: list the pairs of experts whose sheets agree on every candidate both scored, two or more."""
    by_member: dict[str, dict[str, tuple[tuple[str, int], ...]]] = {}
    for sheet in sheets:
        by_member.setdefault(sheet.member, {})[sheet.candidate] = tuple(sorted(sheet.points))
    found = []
    for first, second in combinations(sorted(by_member), 2):
        one, other = by_member[first], by_member[second]
        common = one.keys() & other.keys()
        if len(common) >= _LEAST_COMMON and all(one[candidate] == other[candidate] for candidate in common):
            found.append(Identical(first, second, len(common)))
    return tuple(found)


def _median(values: list[Fraction]) -> Fraction:
    ordered, middle = sorted(values), len(values) // 2
    if len(values) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def _rank(candidate: str, sheets: Iterable[Sheet]) -> int:
    """Return the place by mean score, equal means sharing it."""
    means = {mean.candidate: mean.mean for mean in mean_scores(sheets)}
    return 1 + sum(mean > means[candidate] for mean in means.values())
