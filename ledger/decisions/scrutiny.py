"""Who may not watch over a count: members of the body, relatives and colleagues of candidates (dispute D18)."""

from ledger.derivation import rules_of
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.rounds import Round


def conflict_of(state: Selection, played: Round, person: str) -> Refusal | None:
    """Refuse a scrutineer or teller who sits in the body or group, or is close to a candidate of the round."""
    clause = rules_of(state, played.stage)[1].clause
    roster = state.bodies.roster(played.stage, played.group)
    if roster is not None and person in roster.ever:
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
