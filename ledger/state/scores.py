"""Score sheets: given, revised, and what is conspicuous about them once scoring closes (disputes C01, C02, C05)."""

from fractions import Fraction

from ledger.procedure.score_review import identical_sheets, outliers
from ledger.procedure.scores import Sheet, displayed
from ledger.state.books import Books
from ledger.state.matters import Folds
from ledger.state.rounds import Session, SheetEntry
from ledger.statements import Act
from ledger.statements.rounds import ScoreGiven, ScoreRevised, ScoringClosed


def sheet_of(member: str, body: ScoreGiven | ScoreRevised) -> Sheet:
    """Return the sheet that a statement gives."""
    return Sheet(member, body.candidate, tuple((points.item, points.hundredths) for points in body.points))


def _given(state: Books, act: Act, now: Act) -> None:
    body: ScoreGiven = act.body
    session = state.rounds.begun(body.stage, body.group)
    session.sheets[act.person, body.candidate] = SheetEntry(now.index, sheet_of(act.person, body), body.evaluation)
    session.changed = now.index


def _revised(state: Books, act: Act, now: Act) -> None:
    body: ScoreRevised = act.body
    session = state.rounds.begun(body.stage, body.group)
    before = session.sheets[act.person, body.candidate]
    session.sheets[act.person, body.candidate] = SheetEntry(
        now.index, sheet_of(act.person, body), body.evaluation, [*before.replaced, before.index]
    )
    session.changed = now.index
    if session.scoring_closed is not None:
        entries = before.index, session.scoring_closed, now.index
        state.findings.add(
            "REVISED_AFTER_REVEAL", "breach", now.index, *entries, member=act.person, candidate=body.candidate
        )


def _closed(state: Books, act: Act, now: Act) -> None:
    session = state.rounds.begun(act.body.stage, act.body.group)
    session.scoring_closed = session.changed = now.index
    _review(state, session, now.index)


def _review(state: Books, session: Session, at: int) -> None:
    sheets = tuple(entry.sheet for entry in session.sheets.values())
    for one in outliers(sheets):
        state.findings.add(
            "SCORE_OUTLIER",
            "info",
            at,
            session.sheets[one.member, one.candidate].index,
            at,
            member=one.member,
            candidate=one.candidate,
            points=displayed(Fraction(one.total)),
            median=displayed(one.median),
            rank=one.rank,
            rank_without=one.rank_without,
        )
    for pair in identical_sheets(sheets):
        entries = sorted(
            entry.index for (member, _), entry in session.sheets.items() if member in (pair.first, pair.second)
        )
        state.findings.add(
            "SHEETS_IDENTICAL",
            "warn",
            at,
            *entries,
            at,
            first=pair.first,
            second=pair.second,
            candidates=pair.candidates,
        )


FOLDS: Folds = {ScoreGiven: _given, ScoreRevised: _revised, ScoringClosed: _closed}
