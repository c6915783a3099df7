"""Declarations, recusals (回避) and groups: clauses five(一), five(二), seven(三). See also `draws` and `rosters`."""

from ledger import grouping
from ledger.decisions import draws, rosters
from ledger.decisions.registry import Asked, CosignDecisions, Decisions, StageGates
from ledger.decisions.rosters import frozen, no_reason, unknown_group
from ledger.decisions.sessions import stage_asked
from ledger.procedure.acts import SCRUTINEER, TELLER
from ledger.procedure.groups import SharesImpossible
from ledger.procedure.programme import Stage
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.statements.bodies import (
    CandidateRegrouped,
    DeclarationMade,
    GroupsCertified,
    RecusalImposed,
    RecusalMade,
)

RECUSAL = "七(三)"


def _declare(state: Selection, asked: Asked) -> Refusal | None:
    """Members, scrutineers and tellers say, each for themselves, how they are related to the candidates."""
    body: DeclarationMade = asked.body
    stage = stage_asked(asked)
    counts_votes = state.roll.has_role(asked.person, (SCRUTINEER, TELLER))
    if not counts_votes and not state.bodies.sits(stage.id, body.group, asked.person):
        return refuse("NOT_ON_ROSTER", stage.clause, person=asked.person, stage=stage.id)
    if body.group is not None:
        refused = unknown_group(stage, body.group)
        if refused is not None:
            return refused
    named = [one.candidate for one in body.relations]
    if len(set(named)) != len(named):
        return refuse("RELATION_TWICE", stage.clause, person=asked.person)
    return _unknown_candidate(state, stage, body.group, *named)


def _unknown_candidate(state: Selection, stage: Stage, group: str | None, *named: str) -> Refusal | None:
    known = set(grouping.candidates_for(state, stage, group)) if named else set()
    for candidate in named:
        if candidate not in known:
            return refuse("UNKNOWN_CANDIDATE", stage.clause, candidate=candidate)
    return None


def _recuse(state: Selection, asked: Asked) -> Refusal | None:
    """A member stands back from one candidate; only from an own seat."""
    body: RecusalMade = asked.body
    return _may_stand_back(state, stage_asked(asked), body, asked.person)


def _impose_recusal(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute B09: the organiser may keep a member from a candidate, with reason and notice, before the round."""
    body: RecusalImposed = asked.body
    stage = stage_asked(asked)
    return (
        _may_stand_back(state, stage, body, body.member)
        or no_reason(stage, body.reason)
        or frozen(state, stage, body.group)
    )


def _may_stand_back(state: Selection, stage: Stage, body: RecusalMade | RecusalImposed, member: str) -> Refusal | None:
    if not state.bodies.sits(stage.id, body.group, member):
        return refuse("NOT_ON_ROSTER", RECUSAL, person=member, stage=body.stage)
    refused = _unknown_candidate(state, stage, body.group, body.candidate)
    if refused is not None:
        return refused
    if state.bodies.is_recused(stage.id, body.group, member, body.candidate):
        return refuse("ALREADY_RECUSED", RECUSAL, person=member, candidate=body.candidate)
    return None


def _regroup(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 五(一), dispute B01: a candidate is moved, with reason, before the first score or ballot of the stage."""
    body: CandidateRegrouped = asked.body
    stage = stage_asked(asked)
    first = state.rounds.first_score_or_ballot(stage.id)
    if first is not None:
        return refuse("GROUPING_FROZEN", stage.clause, stage=stage.id, entry=first)
    refused = unknown_group(stage, body.group) or no_reason(stage, body.reason)
    if refused is not None:
        return refused
    groups = grouping.groups_of(state, stage)
    if body.candidate not in groups:
        return refuse("UNKNOWN_CANDIDATE", stage.clause, candidate=body.candidate)
    if groups[body.candidate] == body.group:
        return refuse("GROUP_UNCHANGED", stage.clause, candidate=body.candidate, group=body.group)
    return None


def _certify_groups(state: Selection, asked: Asked) -> Refusal | None:
    """Reading `group_seats`: the table is what the rule gives, certified before the first score (disputes B02, B03)."""
    body: GroupsCertified = asked.body
    stage = stage_asked(asked)
    first = state.rounds.first_score_or_ballot(stage.id)
    if first is not None:
        return refuse("QUOTA_FROZEN", stage.clause, stage=stage.id, entry=first)
    for person, group in grouping.groups_of(state, stage).items():
        if group is None:
            return refuse("GROUP_UNCOVERED", stage.clause, candidate=person, stage=stage.id)
    derived = grouping.table(state, stage)
    if isinstance(derived, SharesImpossible):
        groups = ", ".join(derived.groups)
        return refuse("SHARES_IMPOSSIBLE", stage.clause, reason=derived.reason.value, groups=groups)
    return _as_derived(stage, body, derived)


def _as_derived(stage: Stage, body: GroupsCertified, derived: tuple[grouping.Row, ...]) -> Refusal | None:
    total, given = sum(row.seats for row in derived), sum(row.seats for row in body.groups)
    if given != total:
        return refuse("QUOTA_SUM", stage.clause, stage=stage.id, given=given, expected=total)
    stated = tuple(grouping.Row(row.group, row.candidates, row.received, row.seats) for row in body.groups)
    if stated != derived:
        wrong = next((row.group for row, other in zip(derived, stated, strict=False) if row != other), "-")
        return refuse("QUOTA_DERIVATION", stage.clause, stage=stage.id, group=wrong)
    return None


DECISIONS: Decisions = {
    **draws.DECISIONS,
    **rosters.DECISIONS,
    DeclarationMade: _declare,
    RecusalMade: _recuse,
    RecusalImposed: _impose_recusal,
    CandidateRegrouped: _regroup,
    GroupsCertified: _certify_groups,
}
COSIGN: CosignDecisions = {}
OPEN: StageGates = {}
CLOSE: StageGates = {}
