"""Closing a round: not early, with a quorum, a balance that comes out, and two scrutineers (五, disputes D11–D18)."""

from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.decisions.scrutiny import conflict_of
from ledger.decisions.sessions import stage_asked
from ledger.derivation import balance_of, lines_of, present_voters, recusals_of
from ledger.procedure.closing import may_close_early, quorum_problem
from ledger.procedure.counting import balance_problems
from ledger.procedure.programme import Programme, Stage
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.books import Pending
from ledger.state.rounds import Round, RoundStatus
from ledger.statements.rounds import CloseConsented, RoundClosed


def _consent(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute D15: a member who is present consents, by name, to closing before the scheduled end."""
    body: CloseConsented = asked.body
    stage = stage_asked(asked)
    played = state.rounds.by_id.get(body.round)
    if played is None:
        return refuse("UNKNOWN_ROUND", stage.clause, round=body.round)
    if played.status is not RoundStatus.OPEN:
        return refuse("ROUND_CLOSED", stage.clause, round=body.round)
    if asked.person not in present_voters(state, played):
        return refuse("NOT_PRESENT", stage.clause, person=asked.person)
    if asked.person in played.consents:
        return refuse("ALREADY_CONSENTED", stage.clause, index=played.consents[asked.person])
    return None


def _close(state: Selection, asked: Asked) -> Refusal | None:
    """Clauses 五(一)–(三), 五(五): the round ends; what the closer counted must be what the ledger holds."""
    body: RoundClosed = asked.body
    stage = stage_asked(asked)
    played = state.rounds.by_id.get(body.round)
    if played is None:
        return refuse("UNKNOWN_ROUND", stage.clause, round=body.round)
    if played.status is not RoundStatus.OPEN:
        return refuse("ROUND_CLOSED", stage.clause, round=body.round)
    return (
        _unfinished(state, asked, stage, played)
        or _no_quorum(state, asked.programme, stage, played)
        or _unbalanced(state, body, stage, played)
    )


def _unfinished(state: Selection, asked: Asked, stage: Stage, played: Round) -> Refusal | None:
    body: RoundClosed = asked.body
    held = len(played.ballots)
    if played.waiting or held > body.returned:
        return refuse("PENDING_SUBMISSIONS", stage.clause, waiting=len(played.waiting), held=held, given=body.returned)
    if asked.at >= played.closes_at:
        return None
    present = present_voters(state, played)
    if may_close_early(present, played.ballots.keys(), played.consents.keys()):
        return None
    waiting = len(present - played.ballots.keys())
    return refuse("EARLY_CLOSE", stage.clause, waiting=waiting, closes_at=played.closes_at)


def _no_quorum(state: Selection, programme: Programme, stage: Stage, played: Round) -> Refusal | None:
    roster = state.bodies.roster(played.stage, played.group)
    standing = [candidate for candidate in played.candidates if candidate not in state.out]
    short = quorum_problem(
        standing,
        frozenset(roster.members if roster else ()),
        played.ballots.keys(),
        recusals_of(state, played),
        programme.quorum,
        programme.quorum_floor,
    )
    if short is None:
        return None
    return refuse(short.fault.value, stage.clause, present=short.check.taking_part, needed=short.check.needed)


def _unbalanced(state: Selection, body: RoundClosed, stage: Stage, played: Round) -> Refusal | None:
    """Dispute D13: 发出 = 收回 + 未收回, and each candidate's line adds up to 收回."""
    problems = balance_problems(
        lines_of(state, played),
        issued=body.issued,
        returned=body.returned,
        unreturned=body.unreturned,
        void=body.void,
    )
    if problems:
        return refuse("BALANCE_MISMATCH", stage.clause, where=problems[0].fault.value, expected=problems[0].expected)
    held = balance_of(played)
    for name in ("issued", "returned", "unreturned", "void"):
        if getattr(held, name) != getattr(body, name):
            return refuse("BALANCE_MISMATCH", stage.clause, where=name, expected=getattr(held, name))
    return None


def _cosigned(state: Selection, asked: Asked, waiting: Pending) -> Refusal | None:
    """Dispute D18: two scrutineers watch over a close, neither of the body nor close to a candidate."""
    played = state.rounds.by_id[waiting.act.body.round]
    if played.status is not RoundStatus.CLOSING:
        return refuse("ROUND_REOPENED", waiting.rule.clause, round=played.id, index=played.superseded or 0)
    return conflict_of(state, played, asked.person)


DECISIONS: Decisions = {CloseConsented: _consent, RoundClosed: _close}
COSIGN: CosignDecisions = {RoundClosed: _cosigned}
