"""Every view of one state at once, as bytes: what two states must show alike is compared here."""

from collections.abc import Iterator, Sequence

from ledger.selection import Selection
from ledger.statements import Act
from projections.ballots import rounds
from projections.candidates import stage_lists
from projections.explain import explain_out, explain_place, explain_way
from projections.history import (
    history_of_all,
    history_of_application,
    history_of_objection,
    history_of_person,
    history_of_round,
    history_of_session,
)
from projections.knowledge import knowledge
from projections.named_votes import named_votes
from projections.notices import notices
from projections.objections import objections
from projections.offpath import off_path
from projections.plain import to_bytes
from projections.results import results
from projections.status import findings, status
from projections.vacancies import places


def all_views(state: Selection, acts: Sequence[Act], at: int) -> dict[str, bytes]:
    """Return the bytes of every view; of those about one person or matter, for some of each."""
    return {name: to_bytes(view) for name, view in _views(state, acts, at)}


def _views(state: Selection, acts: Sequence[Act], at: int) -> Iterator[tuple[str, object]]:
    yield "rounds", rounds(state)
    yield "results", results(state)
    yield "stage_lists", stage_lists(state)
    yield "places", places(state, at)
    yield "notices", notices(state, at)
    yield "objections", objections(state, acts, at)
    yield "named_votes", named_votes(state)
    yield "history", history_of_all(state, acts)
    yield "off_path", off_path(state, acts)
    yield "knowledge", knowledge(acts, state.size)
    yield "status", status(state, at)
    yield "findings", findings(state, everything=True)
    for person in people(state):
        yield f"way:{person}", explain_way(state, person, at)
        yield f"out:{person}", explain_out(state, person)
        yield f"history:{person}", history_of_person(state, acts, person)
        for stage in state.charter.latest.programme.stages:
            yield f"place:{stage.id}:{person}", explain_place(state, stage.id, person)
    for application in list(state.applications.by_id)[:2]:
        yield f"application:{application}", history_of_application(state, acts, application)
    for round_id in list(state.rounds.by_id)[-2:]:
        yield f"round:{round_id}", history_of_round(state, acts, round_id)
    for stage_id, group in list(state.rounds.sessions)[-2:]:
        yield f"session:{stage_id}:{group}", history_of_session(state, acts, stage_id, group)
    for objection in state.notices.objections.by_id:
        yield f"objection:{objection}", history_of_objection(state, acts, objection)


def people(state: Selection) -> tuple[str, ...]:
    """Return some people worth asking about: the first and last applicants, those of the final order, those out."""
    applicants = list(state.applications.by_person)
    final = state.rounds.final
    listed = (*final.nominees[:5], *final.alternates) if final else ()
    return tuple(dict.fromkeys([*applicants[:2], *applicants[-3:], *listed, *state.out]))
