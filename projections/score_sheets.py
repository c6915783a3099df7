"""Score sheets under review, group by group: far from the others', the same as another's, mild or severe.

Clause five(一), disputes C01 and C05. Robust and exact: medians and the median distance from them, as fractions. It is
a report: no sheet is ever discarded, and no mean is changed by it. Points show only once scoring is closed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ledger.procedure.score_review import LIMIT, distance, identical_sheets, median, outliers
from ledger.procedure.scores import Sheet
from ledger.selection import Selection
from ledger.state.rounds import Session


@dataclass(frozen=True, slots=True)
class FarSheet:
    """A sheet whose total is far from the others' for the same candidate; points in hundredths.

    `distance` is the modified z-score (0.6745 times the distance from the median over the median distance from it),
    with its sign. `rank` is the candidate's by mean score, `rank_without` what it would be without this expert.
    """

    entry: int
    member: str
    candidate: str
    total: int
    median: Fraction
    distance: Fraction
    rank: int
    rank_without: int


@dataclass(frozen=True, slots=True)
class FarPoints:
    """The points of one criterion that are far from the others' for the same candidate; in hundredths."""

    entry: int
    member: str
    candidate: str
    criterion: str
    points: int
    median: Fraction
    distance: Fraction


@dataclass(frozen=True, slots=True)
class SamePair:
    """Two experts whose sheets agree in every criterion for all candidates both scored, with the entries."""

    first: str
    second: str
    candidates: int
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Expert:
    """One expert: how many sheets, and how far they lie from the candidates' medians.

    `leaning` is the median difference from them (mild above nothing, severe below), `spread` the median distance from
    that; both in hundredths of a point.
    """

    member: str
    sheets: int
    leaning: Fraction
    spread: Fraction
    far: int


@dataclass(frozen=True, slots=True)
class SheetReview:
    """The sheets of one group and what is conspicuous about them; the means were made of all `sheets`."""

    subject: str
    closed: int
    sheets: int
    far: tuple[FarSheet, ...]
    far_points: tuple[FarPoints, ...]
    same: tuple[SamePair, ...]
    experts: tuple[Expert, ...]


def review(state: Selection, stage: str, group: str | None = None) -> tuple[SheetReview, ...]:
    """Return the review of every group of a stage whose scoring is closed, or of one group."""
    sessions = (one for one in state.rounds.sessions.values() if one.stage == stage and group in (None, one.group))
    return tuple(_review(one, one.scoring_closed) for one in sessions if one.scoring_closed is not None and one.sheets)


def _review(session: Session, closed: int) -> SheetReview:
    sheets = [entry.sheet for _, entry in sorted(session.sheets.items())]
    far = tuple(_far(session, sheets))
    return SheetReview(
        session.subject,
        closed,
        len(sheets),
        far,
        tuple(_far_points(session, sheets)),
        tuple(_same(session, sheets)),
        tuple(_experts(sheets, far)),
    )


def _far(session: Session, sheets: Sequence[Sheet]) -> Iterator[FarSheet]:
    for one in outliers(sheets):
        others = [Fraction(sheet.total) for sheet in sheets if sheet.candidate == one.candidate]
        yield FarSheet(
            session.sheets[one.member, one.candidate].index,
            one.member,
            one.candidate,
            one.total,
            one.median,
            distance(one.total, others),
            one.rank,
            one.rank_without,
        )


def _far_points(session: Session, sheets: Sequence[Sheet]) -> Iterator[FarPoints]:
    given: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for sheet in sheets:
        for criterion, points in sheet.points:
            given.setdefault((sheet.candidate, criterion), []).append((sheet.member, points))
    for (candidate, criterion), own in sorted(given.items()):
        values = [Fraction(points) for _, points in own]
        for member, points in own:
            apart = distance(points, values)
            if abs(apart) > LIMIT:
                entry = session.sheets[member, candidate].index
                yield FarPoints(entry, member, candidate, criterion, points, median(values), apart)


def _same(session: Session, sheets: Iterable[Sheet]) -> Iterator[SamePair]:
    for pair in identical_sheets(sheets):
        both = (pair.first, pair.second)
        entries = sorted(entry.index for (member, _), entry in session.sheets.items() if member in both)
        yield SamePair(pair.first, pair.second, pair.candidates, tuple(entries))


def _experts(sheets: Sequence[Sheet], far: Sequence[FarSheet]) -> Iterator[Expert]:
    totals: dict[str, list[Fraction]] = {}
    for sheet in sheets:
        totals.setdefault(sheet.candidate, []).append(Fraction(sheet.total))
    medians = {candidate: median(values) for candidate, values in totals.items()}
    for member in sorted({sheet.member for sheet in sheets}):
        differences = [sheet.total - medians[sheet.candidate] for sheet in sheets if sheet.member == member]
        leaning = median(differences)
        spread = median([abs(one - leaning) for one in differences])
        yield Expert(member, len(differences), leaning, spread, sum(one.member == member for one in far))
