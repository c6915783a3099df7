"""What is conspicuous in a group's score sheets: clause 五(一), dispute rows C01 and C05.

Nothing here changes a mean: no sheet is ever discarded. An auditor is shown sheets that stand far from the others',
with the candidate's rank without that expert, and pairs of experts whose sheets are the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from ledger.procedure.scores import Sheet, mean_scores

LIMIT = Fraction(35, 10)
"""The modified z-score beyond which a value is far from the others."""
_SCALE = Fraction(6745, 10_000)
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
        totals = [Fraction(sheet.total) for sheet in own]
        for sheet in own:
            if abs(distance(sheet.total, totals)) > LIMIT:
                others = [other for other in given if other.member != sheet.member]
                found.append(
                    Outlier(
                        sheet.member,
                        candidate,
                        sheet.total,
                        median(totals),
                        _rank(candidate, given),
                        _rank(candidate, others),
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


def distance(value: int, values: Sequence[Fraction]) -> Fraction:
    """Dispute C01: return the modified z-score of one of the values (hundredths of a point), with its sign.

    0.6745 times the distance from the median, over the median distance from it, which counts as one point at least;
    nothing where there are too few values to stand apart from.
    """
    if len(values) < _LEAST_SHEETS:
        return Fraction(0)
    middle = median(values)
    spread = max(median([abs(one - middle) for one in values]), Fraction(_LEAST_SPREAD))
    return (value - middle) * _SCALE / spread


def median(values: Sequence[Fraction]) -> Fraction:
    """Return the middle value, or the mean of the two in the middle."""
    ordered, middle = sorted(values), len(values) // 2
    if len(values) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def _rank(candidate: str, sheets: Iterable[Sheet]) -> int:
    """Return the place by mean score, equal means sharing it."""
    means = {mean.candidate: mean.mean for mean in mean_scores(sheets)}
    return 1 + sum(mean > means[candidate] for mean in means.values())
