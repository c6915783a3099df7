"""What five(六) to five(八) ask alike: a person's steps, no place vacant, lists as derived, reasons given."""

from collections.abc import Iterable

from ledger.decisions.registry import Asked
from ledger.nominees import Step, first_missing, list_hash
from ledger.procedure.programme import StageKind
from ledger.procedure.reasons import Refusal, refuse
from ledger.procedure.steps import only_stage
from ledger.selection import Selection
from ledger.state.clocks import clock_of
from ledger.state.places import vacancies


def steps_missing(
    state: Selection, asked: Asked, persons: Iterable[str], before: StageKind, clause: str
) -> Refusal | None:
    """Refuse the first of these persons who lacks a step before the stage of this kind."""
    for person in persons:
        missing = first_missing(state, asked.programme, person, before, asked.at)
        if missing is Step.NOTICE_OVER:
            clock = clock_of(state, person)
            return refuse("NOTICE_NOT_ELAPSED", clause, person=person, ends_at=clock.ends_at if clock else 0)
        if missing is not None:
            return refuse("PREREQUISITE_MISSING", clause, step=missing.value, subject=person)
    return None


def not_begun(state: Selection, asked: Asked, kind: StageKind) -> Refusal | None:
    """Refuse a step of a stage that has not begun; after that, those who move up take the step in later stages too."""
    stage = only_stage(asked.programme, kind)
    if stage is not None and stage.id in state.charter.stages:
        return None
    return refuse("STAGE_NOT_OPEN", stage.clause if stage else "五", stage=stage.id if stage else kind.value)


def places_vacant(state: Selection, clause: str) -> Refusal | None:
    """Refuse while a place is neither filled nor left empty on the record."""
    for vacancy in vacancies(state):
        return refuse("PREREQUISITE_MISSING", clause, step="vacancy.filled", subject=vacancy.vacated_by)
    return None


def not_derived(given: tuple[str, ...], given_hash: str, derived: tuple[str, ...], clause: str) -> Refusal | None:
    """Refuse a list that is not the derived one, or whose hash is not its own."""
    if given == derived and given_hash == list_hash(derived):
        return None
    return refuse("RESULT_NOT_DERIVED", clause, expected=list_hash(derived), given=given_hash)


def unreasoned(text: str | None, clause: str, subject: str) -> Refusal | None:
    """Refuse a reason that says nothing."""
    return refuse("REASON_REQUIRED", clause, subject=subject) if text is None or not text.strip() else None
