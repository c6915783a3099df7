"""The window of applications: which stage it is, when it ends, and who signs for themselves."""

from ledger.procedure.notice import in_time
from ledger.procedure.programme import Programme, Stage, StageKind
from ledger.state.application_book import Application
from ledger.state.books import Books


def applications_stage(state: Books) -> Stage:
    """Return the programme's stage of applications, as the version that governs it states it."""
    return _only(state, StageKind.APPLICATIONS)


def screening_stage(state: Books) -> Stage:
    """Return the programme's stage of screening, as the version that governs it states it."""
    return _only(state, StageKind.SCREENING)


def programme_of(state: Books, stage: Stage) -> Programme:
    """Return the programme version that governs a stage."""
    return state.charter.version_for(stage.id).programme


def _only(state: Books, kind: StageKind) -> Stage:
    stage = state.charter.latest.programme.stages_of(kind)[0]
    return state.charter.version_for(stage.id).programme.stage(stage.id) or stage


def closes_at(state: Books) -> int:
    """Return the deadline for applications (UTC ms, the first instant that is too late), extensions included."""
    deadline = state.charter.closes_at(applications_stage(state))
    return deadline if deadline is not None else 0


def window_ended(state: Books, at: int) -> bool:
    """Say whether the window of applications has ended by `at`: its deadline has passed, or its stage is closed."""
    return not in_time(at, closes_at(state)) or state.charter.is_closed(applications_stage(state).id)


def units_of(state: Books, application: Application) -> tuple[str, ...]:
    """Return the units an applicant belongs to: as applied with, and as enrolled where that differs."""
    enrolled = state.roll.unit(application.person)
    return tuple(dict.fromkeys(unit for unit in (application.unit, enrolled) if unit is not None))


def has_key(state: Books, person: str) -> bool:
    """Say whether a person holds a key in force, and so signs for themselves."""
    known = state.roll.people.get(person)
    return known is not None and any(state.roll.keys[key].revoked is None for key in known.keys)
