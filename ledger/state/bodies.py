"""What draws, rosters, declarations, recusals and groups do to the bodies (five(一), five(二), seven(三))."""

from dataclasses import replace

from ledger import grouping
from ledger.procedure import draws
from ledger.state.application_window import units_of
from ledger.state.body_book import Bodies, CertifiedGroups, Draw, Regrouping, Roster
from ledger.state.books import Books
from ledger.state.matters import Folds
from ledger.statements import Act
from ledger.statements.bodies import (
    CandidateRegrouped,
    DeclarationMade,
    DrawAnnounced,
    GroupsCertified,
    RecusalImposed,
    RecusalMade,
    RosterAmended,
    RosterSet,
    SeedCommitted,
    SeedRevealed,
)

__all__ = ["FOLDS", "Bodies", "due_from_draw"]


def _announced(state: Books, act: Act, now: Act) -> None:
    body: DrawAnnounced = act.body
    matter = state.bodies
    earlier = matter.first_draws.setdefault((body.purpose, body.subject), [])
    if earlier:
        first = matter.draws[earlier[0]].index
        state.findings.add("DRAW_REPEATED", "warn", act.index, first, act.index, subject=body.subject)
    earlier.append(body.draw)
    matter.draws[body.draw] = Draw(body.draw, body.purpose, body.subject, body.pool, body.committers, act.index)


def _committed(state: Books, act: Act, now: Act) -> None:
    body: SeedCommitted = act.body
    state.bodies.draws[body.draw].commitments[act.person] = body.commitment


def _revealed(state: Books, act: Act, now: Act) -> None:
    body: SeedRevealed = act.body
    draw = state.bodies.draws[body.draw]
    draw.seeds[act.person] = body.seed
    if len(draw.seeds) == len(draw.committers):
        seeds = {person: bytes.fromhex(seed) for person, seed in draw.seeds.items()}
        draw.order, draw.drawn_at = draws.order(seeds, draw.pool, draw.context), act.index


def due_from_draw(state: Books, draw_id: str) -> tuple[str, ...]:
    """Return those of a draw who have not been seated by it yet, in the drawn order."""
    seated = {
        person
        for roster in state.bodies.rosters.values()
        if roster.draw == draw_id
        for person in (*roster.ever, *roster.reserves)
    }
    return tuple(person for person in state.bodies.draws[draw_id].order or () if person not in seated)


def _roster(state: Books, act: Act, now: Act) -> None:
    body: RosterSet = act.body
    if body.draw is not None:
        due = due_from_draw(state, body.draw)
        size = len(body.members)
        in_order = set(body.members) == set(due[:size]) and body.reserves == due[size : size + len(body.reserves)]
        if not in_order:
            drawn_at = state.bodies.draws[body.draw].drawn_at or act.index
            _off_order(state, act, drawn_at, body.stage, body.group)
    if body.rule is None:
        state.findings.add("COMPOSITION_RULE_NOT_HELD", "info", act.index, stage=body.stage, group=body.group or "-")
    state.bodies.rosters[(body.stage, body.group)] = Roster(
        stage=body.stage,
        group=body.group,
        members=body.members,
        reserves=body.reserves,
        ever=body.members,
        draw=body.draw,
        rule=body.rule,
        index=act.index,
    )


def _off_order(state: Books, act: Act, shown_by: int, stage: str, group: str | None) -> None:
    state.findings.add("EXPERT_OFF_ORDER", "breach", act.index, shown_by, act.index, stage=stage, group=group or "-")


def _amended(state: Books, act: Act, now: Act) -> None:
    body: RosterAmended = act.body
    before = state.bodies.rosters[(body.stage, body.group)]
    if before.reserves[:1] != (body.incoming,):
        _off_order(state, act, before.index, body.stage, body.group)
    state.bodies.rosters[(body.stage, body.group)] = replace(
        before,
        members=tuple(body.incoming if one == body.outgoing else one for one in before.members),
        reserves=tuple(one for one in before.reserves if one != body.incoming),
        ever=(*before.ever, body.incoming),
        amended=(*before.amended, act.index),
    )


def _declared(state: Books, act: Act, now: Act) -> None:
    body: DeclarationMade = act.body
    matter = state.bodies
    matter.declarations.setdefault((body.stage, body.group), {})[act.person] = act.index
    relations = matter.declared_relations.setdefault(act.person, {})
    relations |= {one.candidate: one.relation for one in body.relations}
    _undeclared(state, act, body, relations)


def _undeclared(state: Books, act: Act, body: DeclarationMade, relations: dict[str, str]) -> None:
    """Dispute B08: the same employer, neither declared nor recused, is shown to the auditors."""
    stage, unit = state.charter.stage(body.stage), state.roll.unit(act.person) or "-"
    for candidate in grouping.candidates_for(state, stage, body.group) if stage else ():
        application = state.applications.of_person(candidate)
        if application is None or unit not in units_of(state, application) or candidate in relations:
            continue
        if not state.bodies.is_recused(body.stage, body.group, act.person, candidate):
            facts = {"member": act.person, "candidate": candidate, "unit": unit}
            state.findings.add("UNDECLARED_CONFLICT", "warn", act.index, application.index, act.index, **facts)


def _recused(state: Books, act: Act, now: Act) -> None:
    body: RecusalMade = act.body
    _stand_back(state, body, act.person, act.index)


def _stand_back(state: Books, body: RecusalMade | RecusalImposed, member: str, index: int) -> None:
    sitting = state.bodies.recusals.setdefault((body.stage, body.group), {})
    sitting.setdefault(body.candidate, {}).setdefault(member, index)


def _recusal_imposed(state: Books, act: Act, now: Act) -> None:
    body: RecusalImposed = act.body
    _stand_back(state, body, body.member, act.index)
    facts = {"member": body.member, "candidate": body.candidate, "stage": body.stage}
    state.findings.add("FORCED_RECUSAL", "warn", act.index, **facts)


def _regrouped(state: Books, act: Act, now: Act) -> None:
    body: CandidateRegrouped = act.body
    stage = state.charter.stage(body.stage)
    before = grouping.groups_of(state, stage).get(body.candidate) if stage else None
    moved = Regrouping(act.index, body.candidate, before, body.group)
    state.bodies.regroupings.setdefault(body.stage, []).append(moved)
    # The table no longer says who is where, so it has to be certified again.
    state.bodies.tables.pop(body.stage, None)


def _certified(state: Books, act: Act, now: Act) -> None:
    body: GroupsCertified = act.body
    groups = {candidate: row.group for row in body.groups for candidate in row.candidates}
    seats = {row.group: row.seats for row in body.groups}
    state.bodies.tables[body.stage] = CertifiedGroups(act.index, groups, seats)


FOLDS: Folds = {
    DrawAnnounced: _announced,
    SeedCommitted: _committed,
    SeedRevealed: _revealed,
    RosterSet: _roster,
    RosterAmended: _amended,
    DeclarationMade: _declared,
    RecusalMade: _recused,
    RecusalImposed: _recusal_imposed,
    CandidateRegrouped: _regrouped,
    GroupsCertified: _certified,
}
