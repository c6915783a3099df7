"""Results: the rows of every session and poll with reasons, ties and exact values; old attempts beside new.

Clauses 五(一)–(五). Rows are what `ledger.results` derives and a certification signs; nothing is counted here. A
session whose vote is not closed has no rows, and a poll that has not ended no totals.
"""

from dataclasses import dataclass
from enum import StrEnum

from ledger.derivation import derive
from ledger.derived import Derivation
from ledger.outcome import Outcome, Row
from ledger.place_reasons import reasons
from ledger.procedure.scores import displayed, mean_scores
from ledger.results import poll_outcome, session_outcome
from ledger.selection import Selection
from ledger.state.poll_book import Poll
from ledger.state.rounds import Session
from projections.ballots import RoundView, rounds_of
from projections.secrecy import poll_readable
from projections.words import NOBODY, Names, Sentence, Speaker


class ResultStanding(StrEnum):
    """How far a result is."""

    NOT_COUNTED = "not_counted"
    TIED = "tied"
    COUNTED = "counted"
    CERTIFIED = "certified"


@dataclass(frozen=True, slots=True)
class OpenTie:
    """A tie still to be settled: among whom, for how many places, whether who is taken hangs on it.

    `exhausted`: no further run-off is allowed; the leaders or a lot settle it.
    """

    candidates: tuple[str, ...]
    places: int
    at_cut: bool
    exhausted: bool


@dataclass(frozen=True, slots=True)
class MeanView:
    """A candidate's mean score: exact, in hundredths of a point, as shown, and over how many sheets."""

    candidate: str
    mean: str
    shown: str
    sheets: int


@dataclass(frozen=True, slots=True)
class PlaceReasons:
    """Why a candidate has their place, step by step."""

    candidate: str
    reasons: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class ResultView:
    """One result.

    Attributes:
        subject: the session or poll; `stage` and `group` it belongs to.
        projection: the way of counting and its version; `rows_root` what a certification signs of the rows.
        standing: whether it is counted, tied or certified; `certified` the entry that certified it.
        rows: the derived rows, and the reasons for each; taken and left in order.
        tie: the tie that has to be settled next.
        removed: those on the list who no longer stand.
        means: mean scores, once scoring is closed.
        rounds: every round of the session, reopened attempts beside the ones that count.
    """

    subject: str
    stage: str
    group: str | None
    projection: str
    rows_root: str
    standing: ResultStanding
    certified: int | None
    rows: tuple[Row, ...]
    reasons: tuple[PlaceReasons, ...]
    taken: tuple[str, ...]
    left: tuple[str, ...]
    tie: OpenTie | None
    removed: tuple[str, ...]
    means: tuple[MeanView, ...]
    rounds: tuple[RoundView, ...]


def results(state: Selection, names: Names = NOBODY) -> tuple[ResultView, ...]:
    """Return all results that have begun: sessions as they began, then polls."""
    sessions = (session_result(state, one, names) for one in state.rounds.sessions.values())
    polls = (poll_result(state, one) for one in state.polls.by_id.values())
    return (*sessions, *polls)


def result(state: Selection, subject: str, names: Names = NOBODY) -> ResultView | None:
    """Return the result of one subject, or None."""
    return next((one for one in results(state, names) if one.subject == subject), None)


def outcome_of(state: Selection, session: Session) -> Outcome | None:
    """Return a session's result: as certified, else as it stands; None before its vote is closed."""
    return session.outcome or session_outcome(state, session)


def session_result(state: Selection, session: Session, names: Names = NOBODY) -> ResultView:
    """Return the result of one session."""
    outcome = outcome_of(state, session)
    derived = derive(state, session)
    return ResultView(
        subject=session.subject,
        stage=session.stage,
        group=session.group,
        projection=outcome.projection if outcome else "",
        rows_root=outcome.rows_root if outcome else "",
        standing=_standing(session, derived),
        certified=session.outcome.index if session.outcome else None,
        rows=outcome.rows if outcome else (),
        reasons=_reasons(state, outcome, names) if outcome else (),
        taken=outcome.taken if outcome else (),
        left=outcome.left if outcome else (),
        tie=_tie(derived) if derived and session.outcome is None else None,
        removed=derived.removed if derived else (),
        means=means_of(session),
        rounds=rounds_of(state, session.stage, session.group),
    )


def poll_result(state: Selection, poll: Poll) -> ResultView:
    """Return the result of a poll; no totals before it has ended."""
    outcome = (poll.outcome or poll_outcome(state, poll)) if poll_readable(poll) else None
    certified = poll.outcome.index if poll.outcome else None
    counted = ResultStanding.NOT_COUNTED if outcome is None or poll.missing else ResultStanding.COUNTED
    return ResultView(
        subject=f"poll:{poll.id}",
        stage=poll.stage,
        group=None,
        projection=outcome.projection if outcome else "",
        rows_root=outcome.rows_root if outcome else "",
        standing=counted if certified is None else ResultStanding.CERTIFIED,
        certified=certified,
        rows=outcome.rows if outcome else (),
        reasons=(),
        taken=(),
        left=(),
        tie=None,
        removed=(),
        means=(),
        rounds=(),
    )


def _reasons(state: Selection, outcome: Outcome, names: Names) -> tuple[PlaceReasons, ...]:
    speaker = Speaker.of(state, names)
    return tuple(
        PlaceReasons(row["candidate"], tuple(speaker.reason(one) for one in reasons(state, outcome, row["candidate"])))
        for row in outcome.rows
    )


def means_of(session: Session) -> tuple[MeanView, ...]:
    """Reading `score_rule`: return the mean scores of a session by candidate; none before scoring is closed."""
    if session.scoring_closed is None:
        return ()
    return tuple(
        MeanView(one.candidate, f"{one.mean.numerator}/{one.mean.denominator}", displayed(one.mean), one.sheets)
        for one in mean_scores(entry.sheet for entry in session.sheets.values())
    )


def _standing(session: Session, derived: Derivation | None) -> ResultStanding:
    if session.outcome is not None:
        return ResultStanding.CERTIFIED
    if derived is None:
        return ResultStanding.NOT_COUNTED
    return ResultStanding.COUNTED if derived.due is None else ResultStanding.TIED


def _tie(derived: Derivation) -> OpenTie | None:
    due = derived.due
    return None if due is None else OpenTie(due.candidates, due.places, due.at_cut, derived.exhausted)
