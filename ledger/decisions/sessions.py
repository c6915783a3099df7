"""Attendance, scores and discussion: what comes before a ballot (五(一)–(三), 五(五), 七(三))."""

from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.lists import candidates_of
from ledger.procedure.acts import ORGANISER
from ledger.procedure.closing import quorum_problem
from ledger.procedure.counting import quorum
from ledger.procedure.programme import Stage
from ledger.procedure.reasons import Refusal, refuse
from ledger.procedure.scores import missing_sheets, sheet_problems
from ledger.selection import Selection
from ledger.state.scores import sheet_of
from ledger.statements.rounds import (
    AttendanceLeft,
    AttendanceRecorded,
    AttendanceWitnessed,
    DiscussionRecorded,
    ScoreGiven,
    ScoreRevised,
    ScoringClosed,
)


def not_on_roster(state: Selection, asked: Asked, stage: Stage, group: str | None, member: str) -> Refusal | None:
    """Refuse for whoever does not sit in this body or group."""
    roster = state.bodies.roster(stage.id, group)
    if roster is None or member not in roster.members:
        return refuse("NOT_ON_ROSTER", stage.clause, person=member, stage=stage.id)
    return None


def stage_asked(asked: Asked) -> Stage:
    """Return the stage that the gate found open."""
    if asked.stage is None:
        raise LookupError(asked.statement.type)
    return asked.stage


def _attend(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute D11: a member is present by their own key, and once."""
    body: AttendanceRecorded = asked.body
    return _arrive(state, asked, body.group, asked.person)


def _witness(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute D11: staff record a member's presence; two witnesses countersign, and an auditor sees it."""
    body: AttendanceWitnessed = asked.body
    return _arrive(state, asked, body.group, body.member)


def _arrive(state: Selection, asked: Asked, group: str | None, member: str) -> Refusal | None:
    stage = stage_asked(asked)
    refused = not_on_roster(state, asked, stage, group, member)
    if refused is not None:
        return refused
    known = state.rounds.session(stage.id, group).present.get(member)
    if known is not None:
        return refuse("ALREADY_PRESENT", stage.clause, person=member, index=known.index)
    return None


def _leave(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute D12: a member leaves by their own key, or the organiser records before two witnesses that one left."""
    body: AttendanceLeft = asked.body
    stage = stage_asked(asked)
    member = body.member or asked.person
    if member != asked.person and not state.roll.has_role(asked.person, (ORGANISER,)):
        return refuse("NOT_AUTHORISED", stage.clause, act=asked.statement.type, needed=ORGANISER)
    if member not in state.rounds.session(stage.id, body.group).present:
        return refuse("NOT_PRESENT", stage.clause, person=member)
    return None


def _score(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 五(一): a member who declared and is not recused gives one whole sheet for each candidate of the group."""
    body: ScoreGiven = asked.body
    stage = stage_asked(asked)
    session = state.rounds.session(stage.id, body.group)
    refused = _may_score(state, asked, stage, body)
    if refused is not None:
        return refused
    if session.scoring_closed is not None:
        return refuse("SCORING_CLOSED", stage.clause, index=session.scoring_closed)
    known = session.sheets.get((asked.person, body.candidate))
    if known is not None:
        return refuse("ALREADY_SCORED", stage.clause, candidate=body.candidate, first=known.index)
    return None


def _revise(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute C02: a score is revised with reason; after the reveal it is a breach until auditors close it."""
    body: ScoreRevised = asked.body
    stage = stage_asked(asked)
    session = state.rounds.session(stage.id, body.group)
    refused = _may_score(state, asked, stage, body)
    if refused is not None:
        return refused
    if (asked.person, body.candidate) not in session.sheets:
        return refuse("NOT_SCORED", stage.clause, candidate=body.candidate)
    if session.outcome is not None:
        return refuse("RESULT_CERTIFIED", stage.clause, subject=session.subject, index=session.outcome.index)
    return None


def _may_score(state: Selection, asked: Asked, stage: Stage, body: ScoreGiven | ScoreRevised) -> Refusal | None:
    refused = not_on_roster(state, asked, stage, body.group, asked.person)
    if refused is not None:
        return refused
    if not stage.scored:
        return refuse("WRONG_STAGE", stage.clause, stage=stage.id, kind=stage.kind.value)
    if state.bodies.table_certified(stage.id) is None:
        return refuse("QUOTA_NOT_CERTIFIED", stage.clause, stage=stage.id)
    if asked.person not in state.bodies.declared(stage.id, body.group):
        return refuse("NO_DECLARATION", stage.clause, person=asked.person)
    if body.candidate not in candidates_of(state, stage, body.group):
        return refuse("UNKNOWN_CANDIDATE", stage.clause, candidate=body.candidate)
    if asked.person in state.bodies.recused(stage.id, body.group).get(body.candidate, {}):
        return refuse("RECUSED", stage.clause, candidate=body.candidate)
    highest = {item.id: item.most_hundredths for item in stage.score_items}
    problems = sheet_problems(highest, sheet_of(asked.person, body).points)
    if problems:
        return refuse("SCORE_INVALID", stage.clause, fault=problems[0].fault.value, item=problems[0].criterion)
    return None


def _close_scoring(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute C07: whoever came or scored at all has scored everybody they are not recused for, and enough have."""
    body: ScoringClosed = asked.body
    stage = stage_asked(asked)
    session = state.rounds.session(stage.id, body.group)
    roster = state.bodies.roster(stage.id, body.group)
    if not stage.scored or roster is None:
        return refuse("WRONG_STAGE", stage.clause, stage=stage.id, kind=stage.kind.value)
    if session.scoring_closed is not None:
        return refuse("SCORING_CLOSED", stage.clause, index=session.scoring_closed)
    members = frozenset(roster.members)
    scored = {member for member, _ in session.sheets}
    candidates = frozenset(candidates_of(state, stage, body.group))
    recusals = {one: frozenset(who) for one, who in state.bodies.recused(stage.id, body.group).items()}
    sheets = [entry.sheet for entry in session.sheets.values()]
    missing = missing_sheets(members & (scored | session.attended.keys()), candidates, sheets, recusals)
    if missing:
        member, candidate = missing[0]
        return refuse("SCORING_INCOMPLETE", stage.clause, missing=len(missing), person=member, candidate=candidate)
    programme = asked.programme
    short = quorum_problem(candidates, members, scored, recusals, programme.quorum, programme.quorum_floor)
    if short is not None:
        check = short.check
        return refuse(short.fault.value, stage.clause, present=check.taking_part, needed=check.needed)
    return None


def _discuss(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 五(三): the body's discussion: a quorum of those present, who was considered, the minutes."""
    body: DiscussionRecorded = asked.body
    stage = stage_asked(asked)
    session = state.rounds.session(stage.id, body.group)
    roster = state.bodies.roster(stage.id, body.group)
    attendees = frozenset(body.attendees)
    for member in sorted(attendees):
        refused = not_on_roster(state, asked, stage, body.group, member)
        if refused is not None:
            return refused
        if member not in session.present:
            return refuse("NOT_PRESENT", stage.clause, person=member)
    unknown = frozenset(body.considered) - frozenset(candidates_of(state, stage, body.group))
    if unknown:
        return refuse("UNKNOWN_CANDIDATE", stage.clause, candidate=min(unknown))
    needed = quorum(len(roster.members) if roster else 0, asked.programme.quorum, asked.programme.quorum_floor)
    if len(attendees) < needed:
        return refuse("NO_QUORUM", stage.clause, present=len(attendees), needed=needed)
    return None


DECISIONS: Decisions = {
    AttendanceRecorded: _attend,
    AttendanceWitnessed: _witness,
    AttendanceLeft: _leave,
    ScoreGiven: _score,
    ScoreRevised: _revise,
    ScoringClosed: _close_scoring,
    DiscussionRecorded: _discuss,
}
COSIGN: CosignDecisions = {}
