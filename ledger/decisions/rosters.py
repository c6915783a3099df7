"""Who sits in a body (评审组): set and amended before the round opens, nobody twice, no applicant (clause five).

Readings `body_overlap` and `committee_composition`. A seat out of the drawn order is a finding, not a refusal.
"""

from ledger.decisions.registry import Asked, Decisions
from ledger.decisions.sessions import stage_asked
from ledger.procedure.programme import Body, Stage, StageKind
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.rounds import RoundStatus
from ledger.statements.bodies import RosterAmended, RosterSet

# In these stages everybody decides who holds the body's role; there is no roster to look at.
_BY_ROLE = (StageKind.DELIBERATION, StageKind.APPROVAL)
_VOTING = (RoundStatus.OPEN, RoundStatus.CLOSING)


def frozen(state: Selection, stage: Stage, group: str | None) -> Refusal | None:
    """Refuse while a round of this body is open: who votes, and on whom, no longer changes."""
    current = state.rounds.session(stage.id, group).current
    if current is not None and current.status in _VOTING:
        return refuse("ROSTER_FROZEN", stage.clause, round=current.id, stage=stage.id)
    return None


def unknown_group(stage: Stage, group: str | None) -> Refusal | None:
    """Refuse a group that the stage does not have, or none where it has groups."""
    known = [one.id for one in stage.groups] if stage.groups else [None]
    if group not in known:
        return refuse("UNKNOWN_GROUP", stage.clause, stage=stage.id, group=group or "-")
    return None


def no_reason(stage: Stage, reason: str) -> Refusal | None:
    """Refuse a reason that says nothing."""
    return None if reason.strip() else refuse("REASON_REQUIRED", stage.clause)


def _body(asked: Asked, stage: Stage) -> Body | Refusal:
    body = asked.programme.body(stage.body) if stage.body else None
    return body if body is not None else refuse("STAGE_WITHOUT_BODY", stage.clause, stage=stage.id)


def _set(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 五: a roster of at least the stated size, set once and amended afterwards."""
    roster: RosterSet = asked.body
    stage = stage_asked(asked)
    body = _body(asked, stage)
    if isinstance(body, Refusal):
        return body
    return (
        unknown_group(stage, roster.group)
        or _once(state, stage, roster)
        or _size(asked, stage, body, roster)
        or _draw(state, stage, roster)
        or _seats(state, asked, stage, body, roster)
    )


def _once(state: Selection, stage: Stage, roster: RosterSet) -> Refusal | None:
    if state.charter.is_closed(stage.id):
        return refuse("STAGE_CLOSED", stage.clause, stage=stage.id)
    known = state.bodies.roster(stage.id, roster.group)
    if known is not None:
        return refuse("ROSTER_EXISTS", stage.clause, stage=stage.id, entry=known.index)
    return None


def _size(asked: Asked, stage: Stage, body: Body, roster: RosterSet) -> Refusal | None:
    leaders = stage.kind is StageKind.DELIBERATION
    least = max(body.least_members, asked.programme.leaders_least if leaders else 0)
    if len(roster.members) < least:
        return refuse("ROSTER_TOO_SMALL", stage.clause, members=len(roster.members), least=least)
    return None


def _draw(state: Selection, stage: Stage, roster: RosterSet) -> Refusal | None:
    if roster.draw is None:
        return None
    draw = state.bodies.draws.get(roster.draw)
    if draw is None or draw.purpose != "roster":
        return refuse("UNKNOWN_DRAW", stage.clause, draw=roster.draw)
    if draw.order is None:
        return refuse("DRAW_INCOMPLETE", stage.clause, draw=roster.draw)
    return None


def _seats(state: Selection, asked: Asked, stage: Stage, body: Body, roster: RosterSet) -> Refusal | None:
    everybody = (*roster.members, *roster.reserves)
    tags: dict[str, str] = {}
    for person in everybody:
        refused = _may_sit(state, stage, body, person)
        if refused is not None:
            return refused
        tag = state.roll.people[person].id_tag or person
        if tags.setdefault(tag, person) != person or everybody.count(person) > 1:
            return refuse("DUPLICATE_MEMBER", stage.clause, person=person, first=tags[tag])
    for person in roster.members:
        refused = _sits_elsewhere(state, asked, stage, person)
        if refused is not None:
            return refused
    return None


def _may_sit(state: Selection, stage: Stage, body: Body, person: str) -> Refusal | None:
    """A member holds the body's role, and has not applied, under this id or any other."""
    known = state.roll.people.get(person)
    if known is None:
        return refuse("UNKNOWN_PERSON", stage.clause, person=person)
    if body.role not in known.roles:
        return refuse("ROLE_NOT_HELD", stage.clause, person=person, role=body.role)
    if state.applications.is_applicant(person) or state.applications.is_applicant_tag(known.id_tag):
        return refuse("ROLE_CONFLICT", stage.clause, person=person, role=body.role, held="applicant")
    return None


def _sits_elsewhere(state: Selection, asked: Asked, stage: Stage, person: str) -> Refusal | None:
    """Reading `body_overlap`: nobody sits in two bodies; and in one stage nobody ever sits in two groups."""
    apart = asked.programme.reading("body_overlap") != "yes"
    tag = state.roll.people[person].id_tag
    same = {person} if tag is None else {person, state.roll.by_tag.get(tag, person)}
    for other in (one for who in sorted(same) for one in state.bodies.sittings(who)):
        theirs = state.charter.stage(other.stage)
        if other.stage == stage.id or (apart and theirs is not None and theirs.body != stage.body):
            return refuse("DOUBLE_ROLE", stage.clause, person=person, stage=other.stage, group=other.group or "-")
    for decides in asked.programme.stages if apart else ():
        body = asked.programme.body(decides.body or "")
        if decides.kind in _BY_ROLE and body and body.id != stage.body and body.role in state.roll.people[person].roles:
            return refuse("DOUBLE_ROLE", stage.clause, person=person, stage=decides.id, group="-")
    return None


def _amend(state: Selection, asked: Asked) -> Refusal | None:
    """A member is replaced, with reason, while no round is open; by rule by the next reserve."""
    change: RosterAmended = asked.body
    stage = stage_asked(asked)
    body = _body(asked, stage)
    if isinstance(body, Refusal):
        return body
    if state.charter.is_closed(stage.id):
        return refuse("STAGE_CLOSED", stage.clause, stage=stage.id)
    roster = state.bodies.roster(stage.id, change.group)
    if roster is None or change.outgoing not in roster.members:
        return refuse("NOT_ON_ROSTER", stage.clause, person=change.outgoing, stage=stage.id)
    if change.incoming in roster.members:
        return refuse("DUPLICATE_MEMBER", stage.clause, person=change.incoming, first=change.incoming)
    return (
        frozen(state, stage, change.group)
        or no_reason(stage, change.reason)
        or _may_sit(state, stage, body, change.incoming)
        or _same_tag(state, stage, roster.members, change)
        or _sits_elsewhere(state, asked, stage, change.incoming)
    )


def _same_tag(state: Selection, stage: Stage, members: tuple[str, ...], change: RosterAmended) -> Refusal | None:
    tag = state.roll.people[change.incoming].id_tag
    for member in members:
        if member != change.outgoing and tag is not None and state.roll.people[member].id_tag == tag:
            return refuse("DUPLICATE_MEMBER", stage.clause, person=change.incoming, first=member)
    return None


DECISIONS: Decisions = {RosterSet: _set, RosterAmended: _amend}
