"""Who stands where: the lists that stages hand on to one another, derived and never typed (clauses four, five).

A stage is entered by what the nearest earlier list-producing stage put forward: the eligible of the screening, or those
taken in the certified results of a round. Who dropped out leaves every list from that entry on; earlier ballots stay.
"""

from ledger.outcome import FinalOrder
from ledger.procedure.programme import Stage, StageKind
from ledger.state.books import Books

_ROUNDS = (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND)


def entering(state: Books, stage: Stage) -> tuple[str, ...]:
    """Return the candidates who enter a stage and still stand, sorted by person id."""
    programme = state.charter.version_for(stage.id).programme
    for earlier in reversed(programme.before(stage.id)):
        if earlier.kind in _ROUNDS:
            taken = [person for outcome in state.rounds.outcomes(earlier.id) for person in outcome.taken]
            return _standing(state, taken)
        if earlier.kind is StageKind.SCREENING:
            return _standing(state, state.applications.eligible())
    return ()


def candidates_of(state: Books, stage: Stage, group: str | None) -> tuple[str, ...]:
    """Return the candidates of one group of a stage, or of the whole stage where it has none, sorted by person id."""
    everybody = entering(state, stage)
    if stage.kind is not StageKind.GROUP_ROUND:
        return everybody
    groups = state.bodies.group_of(stage.id)
    return tuple(person for person in everybody if groups.get(person) == group)


def groups_with_candidates(state: Books, stage: Stage) -> tuple[str | None, ...]:
    """Return the groups of a stage that have candidates, in the programme's order; one None where it has no groups."""
    if stage.kind is not StageKind.GROUP_ROUND:
        return (None,)
    groups = state.bodies.group_of(stage.id)
    filled = {groups.get(person) for person in entering(state, stage)}
    return tuple(group.id for group in stage.groups if group.id in filled)


def in_declared_order(state: Books, subject: str, candidates: tuple[str, ...]) -> tuple[str, ...]:
    """Dispute D17: return the candidates as a list shows them: as drawn for this subject beforehand, else by id."""
    places = {person: place for place, person in enumerate(state.bodies.drawn("order", subject) or ())}
    return tuple(sorted(candidates, key=lambda person: (places.get(person, len(places)), person)))


def final_order(state: Books) -> FinalOrder | None:
    """Clause five(五): return the nominees and alternates as the last panel round's certified result fixed them."""
    return state.rounds.final


def _standing(state: Books, people: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(person for person in people if person not in state.out))
