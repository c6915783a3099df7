"""What decisions on an application ask first: does it stand, is there time, did the paper arrive, who speaks for it."""

from ledger.decisions.registry import Asked
from ledger.procedure import formalities
from ledger.procedure.acts import INTAKE
from ledger.procedure.notice import in_time
from ledger.procedure.programme import Programme
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.application_book import Application
from ledger.state.application_window import applications_stage, closes_at, has_key, programme_of, window_ended
from ledger.statements.applications import Material

FILING, LEVELS, MATERIALS, DEADLINE, PAPER = "六(二)", "六(二)1", "六(三)", "七(四)1", "七(四)2"


def not_standing(state: Selection, application_id: str) -> Refusal | None:
    """Clause 七(四)1: refuse an act on an application that is unknown, refused, withdrawn or late."""
    one = state.applications.by_id.get(application_id)
    if one is not None and one.late and one.refused is None and one.withdrawn is None:
        return refuse("DEADLINE_PASSED", DEADLINE, deadline=closes_at(state), at=one.at)
    return not_open(state, application_id)


def not_open(state: Selection, application_id: str) -> Refusal | None:
    """Refuse an act on an application that is unknown, refused or withdrawn."""
    one = state.applications.by_id.get(application_id)
    if one is None:
        return refuse("UNKNOWN_APPLICATION", FILING, application=application_id)
    if one.refused is not None and one.late:
        return refuse("DEADLINE_PASSED", DEADLINE, deadline=closes_at(state), at=one.at)
    if one.refused is not None:
        return refuse("APPLICATION_REFUSED", FILING, application=application_id, entry=one.refused)
    if one.withdrawn is not None:
        return refuse("APPLICATION_WITHDRAWN", FILING, application=application_id, entry=one.withdrawn)
    return None


def too_late(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 七(四)1: refuse once the window has ended (过期不予受理)."""
    if window_ended(state, asked.at):
        return refuse("DEADLINE_PASSED", DEADLINE, deadline=closes_at(state), at=asked.at)
    return None


def paper_too_late(state: Selection, asked: Asked, arrived_at: int) -> Refusal | None:
    """Reading `arrival`: a paper counts by its arrival, within the grace of 七(四)2, not by when it was sent."""
    if arrived_at > asked.at:
        return refuse("ARRIVAL_IN_FUTURE", PAPER, arrived=arrived_at, at=asked.at)
    deadline = formalities.paper_deadline(governing(state).paper, closes_at(state))
    if not in_time(arrived_at, deadline):
        return refuse("DEADLINE_PASSED", PAPER, deadline=deadline, at=arrived_at)
    return None


def governing(state: Selection) -> Programme:
    """Return the programme version that governs applications."""
    return programme_of(state, applications_stage(state))


def unknown_material(programme: Programme, materials: tuple[Material, ...]) -> Refusal | None:
    """Clause 六(三): every document is of a kind that the programme lists."""
    kinds = {kind.id for kind in programme.materials}
    for one in materials:
        if one.material not in kinds:
            return refuse("UNKNOWN_MATERIAL", MATERIALS, material=one.material)
    return None


def speaks_for(state: Selection, one: Application, person: str) -> bool:
    """Say whether a person acts for an application: the applicant; for one without a key also who filed it."""
    if person == one.person:
        return True
    helps = person in (one.author, one.recommender) or state.roll.has_role(person, (INTAKE,))
    return helps and not has_key(state, one.person)
