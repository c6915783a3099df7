"""Who may stand (资格审核): clause 四.

The employer is registered where the programme says, one of the listed conditions is met, and none of the exclusions
applies. Each criterion is decided by itself, on dated evidence; here the decisions are put together. Which criteria
there are, whom they bind and how far back they look is data of the programme.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one criterion."""

    MET = "met"
    NOT_MET = "not_met"
    SECOND_FACT_MISSING = "second_fact_missing"
    CLEAR = "clear"
    EXCLUDED = "excluded"
    DOES_NOT_BIND = "does_not_bind"
    OUTSIDE_PERIOD = "outside_period"
    FACTS_NOT_STATED = "facts_not_stated"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something everybody has to meet, such as an employer registered in the place."""

    id: str
    clause: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the conditions of which some must be met; `second_fact`: it counts only with a further fact shown."""

    id: str
    clause: str
    second_fact: bool = False


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Something that keeps a person out.

    Attributes:
        id: the criterion's id.
        clause: the clause and number.
        heads_only: binds heads of enterprises only.
        years_back: counts only if it happened within so many years before the eligibility date.
        while_running: counts only until its period of influence (影响期) is over.
        facts_required: counts only with the facts stated.
    """

    id: str
    clause: str
    heads_only: bool = False
    years_back: int | None = None
    while_running: bool = False
    facts_required: bool = False


@dataclass(frozen=True, slots=True)
class Criteria:
    """All criteria of a programme, in its order, and how many of the conditions are needed.

    Raises:
        ValueError: two criteria have the same id, or more conditions are needed than there are.
    """

    requirements: tuple[Requirement, ...]
    conditions: tuple[Condition, ...]
    exclusions: tuple[Exclusion, ...]
    conditions_needed: int = 1

    def __post_init__(self) -> None:
        """Refuse criteria that could not be told apart, or never be met."""
        every: tuple[Requirement | Condition | Exclusion, ...]
        every = (*self.requirements, *self.conditions, *self.exclusions)
        ids = [one.id for one in every]
        if len(set(ids)) != len(ids) or self.conditions_needed > len(self.conditions):
            raise ValueError("criteria have different ids, and no more are needed than there are")


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision on one criterion of one person.

    Attributes:
        criterion: the criterion's id.
        holds: the requirement or condition is met; the exclusion applies.
        second_fact: the further fact that a condition may need is shown.
        happened_on: of an exclusion that looks back: the last day it happened. Without it the decision stands as it is.
        runs_until: of an exclusion with a period: its last day. Without it the decision stands as it is.
        facts_stated: the facts are stated.
    """

    criterion: str
    holds: bool
    second_fact: bool = False
    happened_on: date | None = None
    runs_until: date | None = None
    facts_stated: bool = False


@dataclass(frozen=True, slots=True)
class CriterionOutcome:
    """One line of the checklist: the criterion, its clause and what became of it."""

    criterion: str
    clause: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The result of screening one person.

    Attributes:
        eligible: may stand; never true while something is unanswered.
        reasons: the whole checklist, in the programme's order.
        unanswered: criteria still to be decided, or decided without the facts they need.
    """

    eligible: bool
    reasons: tuple[CriterionOutcome, ...]
    unanswered: tuple[str, ...]


_OPEN = (Outcome.UNANSWERED, Outcome.FACTS_NOT_STATED)


def screen(
    criteria: Criteria, answers: Iterable[Answer], eligibility_date: date, *, head_of_enterprise: bool
) -> Eligibility:
    """Clause 四: registered employer, at least the needed number of conditions, no exclusion; all of it decided.

    Raises:
        ValueError: two answers on one criterion.
    """
    given: dict[str, Answer] = {}
    for answer in answers:
        if answer.criterion in given:
            raise ValueError("two answers on one criterion")
        given[answer.criterion] = answer

    required = [_line(one, _requirement(given.get(one.id))) for one in criteria.requirements]
    conditions = [_line(one, _condition(one, given.get(one.id))) for one in criteria.conditions]
    exclusions = [
        _line(one, _exclusion(one, given.get(one.id), eligibility_date, head_of_enterprise))
        for one in criteria.exclusions
    ]
    reasons = (*required, *conditions, *exclusions)
    unanswered = tuple(line.criterion for line in reasons if line.outcome in _OPEN)
    eligible = (
        not unanswered
        and all(line.outcome is Outcome.MET for line in required)
        and sum(line.outcome is Outcome.MET for line in conditions) >= criteria.conditions_needed
        and not any(line.outcome is Outcome.EXCLUDED for line in exclusions)
    )
    return Eligibility(eligible, reasons, unanswered)


def years_before(day: date, years: int) -> date:
    """Give the corresponding day so many years earlier; 29 February becomes the 28th where there is none."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _line(criterion: Requirement | Condition | Exclusion, outcome: Outcome) -> CriterionOutcome:
    """Write one line of the checklist."""
    return CriterionOutcome(criterion.id, criterion.clause, outcome)


def _requirement(answer: Answer | None) -> Outcome:
    """Clause 四: the employer is registered in the place."""
    if answer is None:
        return Outcome.UNANSWERED
    return Outcome.MET if answer.holds else Outcome.NOT_MET


def _condition(condition: Condition, answer: Answer | None) -> Outcome:
    """Clause 四(一)–(五): a condition that needs a second fact, such as an award's benefit, is met only with both."""
    if answer is not None and answer.holds and condition.second_fact and not answer.second_fact:
        return Outcome.SECOND_FACT_MISSING
    return _requirement(answer)


def _exclusion(exclusion: Exclusion, answer: Answer | None, eligibility_date: date, head: bool) -> Outcome:
    """Clause 四, exclusions 1–6: applies, unless it binds others only or lies outside its period on that date.

    Looking back includes the corresponding day; a period of influence includes its last day.
    """
    if exclusion.heads_only and not head:
        return Outcome.DOES_NOT_BIND
    if answer is None:
        return Outcome.UNANSWERED
    if not answer.holds:
        return Outcome.CLEAR
    if exclusion.facts_required and not answer.facts_stated:
        return Outcome.FACTS_NOT_STATED
    if _outside_period(exclusion, answer, eligibility_date):
        return Outcome.OUTSIDE_PERIOD
    return Outcome.EXCLUDED


def _outside_period(exclusion: Exclusion, answer: Answer, eligibility_date: date) -> bool:
    """Tell whether what happened lies too far back, or its period of influence is over."""
    if exclusion.years_back is not None and answer.happened_on is not None:
        return answer.happened_on < years_before(eligibility_date, exclusion.years_back)
    if exclusion.while_running and answer.runs_until is not None:
        return answer.runs_until < eligibility_date
    return False
