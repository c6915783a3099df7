"""Opening and reopening rounds, and when a stage of rounds may begin and end (五(一)–(三), 五(五))."""

from ledger.decisions.registry import Asked, CosignDecisions, Decisions, StageGates
from ledger.decisions.sessions import stage_asked
from ledger.derivation import polled_before
from ledger.lists import groups_with_candidates
from ledger.procedure.closing import quorum_problem
from ledger.procedure.programme import Programme, Stage, StageKind
from ledger.procedure.reasons import Refusal, refuse
from ledger.round_plan import RoundPlan, due_round
from ledger.selection import Selection
from ledger.state.rounds import RoundStatus, Session
from ledger.statements.rounds import BallotsOpenedEarly, RoundOpened, RoundReopened


def _open(state: Selection, asked: Asked) -> Refusal | None:
    """Clauses 五(一)–(三), 五(五): the round that is due opens, with the derived list, discussion and a quorum."""
    body: RoundOpened = asked.body
    stage = stage_asked(asked)
    if body.round in state.rounds.by_id:
        return refuse("ROUND_EXISTS", stage.clause, round=body.round)
    refused = _not_ready(state, asked.programme, stage, body.group)
    if refused is not None:
        return refused
    plan = due_round(state, stage, body.group)
    if isinstance(plan, Refusal):
        return plan
    return (
        _undiscussed(state.rounds.session(stage.id, body.group), stage, plan)
        or _no_quorum(state, asked.programme, stage, plan)
        or _not_derived(asked, stage, plan)
    )


def _not_ready(state: Selection, programme: Programme, stage: Stage, group: str | None) -> Refusal | None:
    uncertified = _no_table(state, stage)
    if uncertified is not None:
        return uncertified
    if group not in groups_with_candidates(state, stage):
        return refuse("UNKNOWN_GROUP", stage.clause, group=group or "-")
    if state.bodies.roster(stage.id, group) is None:
        return refuse("ROSTER_MISSING", stage.clause, stage=stage.id)
    if stage.scored and state.rounds.session(stage.id, group).scoring_closed is None:
        return refuse("SCORING_OPEN", stage.clause, group=group or "-")
    return _public_open(state, programme, stage)


def _no_table(state: Selection, stage: Stage) -> Refusal | None:
    """Reading `group_seats`: nothing is voted on before the table of groups and seats is certified."""
    if stage.kind is StageKind.GROUP_ROUND and state.bodies.table_certified(stage.id) is None:
        return refuse("QUOTA_NOT_CERTIFIED", stage.clause, stage=stage.id)
    return None


def _public_open(state: Selection, programme: Programme, stage: Stage) -> Refusal | None:
    """Dispute E03: the public totals are certified, and so frozen, before the panel decides."""
    polled = polled_before(programme, stage)
    if polled is not None and state.polls.certified(polled.id) is None:
        return refuse("PUBLIC_NOT_CERTIFIED", stage.clause, stage=polled.id)
    return None


def _undiscussed(session: Session, stage: Stage, plan: RoundPlan) -> Refusal | None:
    considered = {person for discussion in session.discussions for person in discussion.considered}
    for person in plan.candidates:
        if person not in considered:
            return refuse("DISCUSSION_MISSING", stage.clause, candidate=person)
    return None


def _no_quorum(state: Selection, programme: Programme, stage: Stage, plan: RoundPlan) -> Refusal | None:
    roster = state.bodies.roster(stage.id, plan.group)
    members = frozenset(roster.members if roster else ())
    present = frozenset(state.rounds.session(stage.id, plan.group).present)
    recusals = {one: frozenset(who) for one, who in state.bodies.recused(stage.id, plan.group).items()}
    short = quorum_problem(plan.candidates, members, present, recusals, programme.quorum, programme.quorum_floor)
    if short is None:
        return None
    return refuse(short.fault.value, stage.clause, present=short.check.taking_part, needed=short.check.needed)


def _not_derived(asked: Asked, stage: Stage, plan: RoundPlan) -> Refusal | None:
    body: RoundOpened = asked.body
    derived = {
        "candidates": plan.candidates,
        "seats": plan.seats,
        "max_approvals": plan.max_approvals,
        "runoff": plan.runoff,
        "attempt": plan.attempt,
        "list_hash": plan.list_hash(body.round),
    }
    for where, expected in derived.items():
        if getattr(body, where) != expected:
            return refuse("LIST_NOT_DERIVED", stage.clause, where=where)
    if body.closes_at <= asked.at:
        return refuse("CLOSING_TIME_PAST", stage.clause, closes_at=body.closes_at)
    return None


def _reopen(state: Selection, asked: Asked) -> Refusal | None:
    """Disputes D12, D16: a round is voted again, with reason and discipline's signature; nothing of it is lost."""
    body: RoundReopened = asked.body
    stage = stage_asked(asked)
    played = state.rounds.by_id.get(body.round)
    if played is None:
        return refuse("UNKNOWN_ROUND", stage.clause, round=body.round)
    if played.superseded is not None:
        return refuse("ROUND_REOPENED", stage.clause, round=body.round, index=played.superseded)
    outcome = played.session.outcome
    if outcome is not None:
        return refuse("RESULT_CERTIFIED", stage.clause, subject=outcome.subject, index=outcome.index)
    return None


def _open_early(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute D14: choices are made readable before the close only on the record, by two signers."""
    body: BallotsOpenedEarly = asked.body
    stage = stage_asked(asked)
    played = state.rounds.by_id.get(body.round)
    if played is None:
        return refuse("UNKNOWN_ROUND", stage.clause, round=body.round)
    if played.status not in (RoundStatus.OPEN, RoundStatus.CLOSING):
        return refuse("ROUND_CLOSED", stage.clause, round=body.round)
    return None


def _may_begin(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Clause 五(五): the panel decides with regard to the certified public vote."""
    return _public_open(state, asked.programme, stage)


def _may_end(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Clauses 五(一)–(三), 五(五): a stage of rounds ends when the result of every group is certified."""
    uncertified = _no_table(state, stage)
    if uncertified is not None:
        return uncertified
    for group in groups_with_candidates(state, stage):
        session = state.rounds.session(stage.id, group)
        if session.outcome is None:
            return refuse("RESULT_NOT_CERTIFIED", stage.clause, subject=session.subject)
    return None


DECISIONS: Decisions = {RoundOpened: _open, RoundReopened: _reopen, BallotsOpenedEarly: _open_early}
COSIGN: CosignDecisions = {}
OPEN: StageGates = {StageKind.PANEL_ROUND: _may_begin}
CLOSE: StageGates = {StageKind.GROUP_ROUND: _may_end, StageKind.PANEL_ROUND: _may_end}
