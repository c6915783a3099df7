"""Who may not watch over a count: members of the body, relatives and colleagues of candidates (dispute D18)."""

from ledger.derivation import rules_of
from ledger.procedure.programme import Stage
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.body_book import Roster
from ledger.state.rounds import Round


def _rosters(state: Selection, stage: Stage) -> tuple[Roster, ...]:
    """Return the rosters of the body that decides in a stage, of all its groups and stages."""
    stages = {one.id for one in state.charter.latest.programme.stages if one.body == stage.body}
    return tuple(roster for roster in state.bodies.rosters.values() if roster.stage in {*stages, stage.id})


def conflict_of(state: Selection, played: Round, person: str) -> Refusal | None:
    """Refuse a scrutineer or teller who sat in the body, in whatever group, or is close to a candidate of the round."""
    stage = rules_of(state, played.stage)[1]
    clause = stage.clause
    if any(person in roster.ever for roster in _rosters(state, stage)):
        return refuse("SCRUTINEER_CONFLICT", clause, person=person, relation="member")
    relations = state.bodies.relations(person)
    unit = state.roll.unit(person)
    for candidate in played.candidates:
        if candidate in relations:
            return refuse("SCRUTINEER_CONFLICT", clause, person=person, relation=relations[candidate])
        application = state.applications.of_person(candidate)
        if application is not None and application.unit == unit:
            return refuse("SCRUTINEER_CONFLICT", clause, person=person, relation="unit")
    return None
