"""Vacancies: the next alternate in the fixed order moves up (five(六), five(七)); nobody chooses whom."""

from ledger.decisions.prerequisites import unreasoned
from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.places import next_up, vacancies
from ledger.statements.deliberation import SeatLeftVacant, VacancyFilled

CLAUSE = "五(六)"


def _vacancy(state: Selection, vacated_by: str) -> Refusal | None:
    """Vacancies are filled in the order in which they arose."""
    waiting = [one.vacated_by for one in vacancies(state)]
    if vacated_by not in waiting:
        return refuse("NO_VACANCY", CLAUSE, person=vacated_by)
    if vacated_by != waiting[0]:
        return refuse("VACANCY_NOT_NEXT", CLAUSE, person=vacated_by, first=waiting[0])
    return None


def _fill(state: Selection, asked: Asked) -> Refusal | None:
    """Clauses 五(六), 五(七): the derived alternate fills the place; a name is only held against them."""
    body: VacancyFilled = asked.body
    refused = _vacancy(state, body.vacated_by)
    if refused is not None:
        return refused
    person, skipped = next_up(state, state.size)
    if person is None:
        return refuse("ALTERNATES_EXHAUSTED", CLAUSE, person=body.vacated_by)
    gone = {one.person for one in skipped}
    for passed in body.passed_over:
        if passed not in gone:
            return refuse("ALTERNATE_SKIPPED", CLAUSE, person=passed)
    if body.candidate is not None and body.candidate != person:
        return refuse("NOT_NEXT_ALTERNATE", CLAUSE, next=person, given=body.candidate)
    return None


def _leave_vacant(state: Selection, asked: Asked) -> Refusal | None:
    """Reading `vacancy_exhausted`: a place stays empty only once nobody is left to move up."""
    body: SeatLeftVacant = asked.body
    refused = _vacancy(state, body.vacated_by)
    if refused is not None:
        return refused
    person, _ = next_up(state, state.size)
    if person is not None:
        return refuse("ALTERNATE_SKIPPED", CLAUSE, person=person)
    return unreasoned(body.reason, CLAUSE, body.vacated_by)


DECISIONS: Decisions = {VacancyFilled: _fill, SeatLeftVacant: _leave_vacant}
COSIGN: CosignDecisions = {}
