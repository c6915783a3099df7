"""A programme's criteria as the checklist of screening: which there are, which need a department's reply, what failed.

Clause 四, put into the values of `eligibility`. Whether a person is the head of an enterprise is decided with the
exclusion that binds heads only: as long as that is open, it counts as open, never as not binding.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from ledger.procedure.eligibility import (
    Answer,
    Condition,
    Criteria,
    Eligibility,
    Exclusion,
    Outcome,
    Requirement,
    screen,
)
from ledger.procedure.programme import Criterion, Programme


@dataclass(frozen=True, slots=True)
class Ruling:
    """The decision on one criterion of one person, by the entry `index`.

    `binds` is false where an exclusion of heads of enterprises meets somebody who is none; for the rest see `Answer`.
    """

    answer: Answer
    binds: bool
    index: int
    decided_by: str


def criteria_of(programme: Programme) -> Criteria:
    """Return the programme's requirements, conditions and exclusions; one of the conditions is needed."""
    return Criteria(
        tuple(Requirement(one.id, one.clause) for one in programme.criteria if one.required),
        tuple(
            Condition(one.id, one.clause, one.supporting)
            for one in programme.criteria
            if not one.required and not one.exclusion
        ),
        tuple(
            Exclusion(one.id, one.clause, one.heads_only, one.lookback_years, one.while_running, one.facts_required)
            for one in programme.criteria
            if one.exclusion
        ),
    )


def eligibility_of(programme: Programme, rulings: Mapping[str, Ruling]) -> Eligibility:
    """Clause 四: put the rulings together, on the programme's eligibility date."""
    return screen(
        criteria_of(programme),
        (ruling.answer for ruling in rulings.values()),
        date.fromisoformat(programme.eligibility_date),
        head_of_enterprise=_may_be_head(programme.criteria, rulings),
    )


def _may_be_head(criteria: Iterable[Criterion], rulings: Mapping[str, Ruling]) -> bool:
    bound = [one.id for one in criteria if one.exclusion and one.heads_only]
    return any(one not in rulings or rulings[one].binds for one in bound)


def joint_checks(programme: Programme, rulings: Mapping[str, Ruling]) -> tuple[str, ...]:
    """Clause 四, 联审: the exclusions on which departments have to reply, as far as they bind the person."""
    return tuple(
        one.id for one in programme.criteria if one.joint_check and (one.id not in rulings or rulings[one.id].binds)
    )


def failing_clauses(result: Eligibility, programme: Programme, clause: str) -> tuple[str, ...]:
    """Return the clauses a refusal rests on, in the programme's order; `clause` for want of any condition."""
    kinds = {one.id: one for one in programme.criteria}
    conditions = [one for one in result.reasons if not kinds[one.criterion].required]
    conditions = [one for one in conditions if not kinds[one.criterion].exclusion]
    found = [one.clause for one in result.reasons if kinds[one.criterion].required and one.outcome is Outcome.NOT_MET]
    if not any(one.outcome is Outcome.MET for one in conditions):
        found.append(clause)
    found += [one.clause for one in result.reasons if one.outcome is Outcome.EXCLUDED]
    return tuple(dict.fromkeys(found))
