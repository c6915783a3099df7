"""Screening by clause four: requirement, conditions and exclusions, for two different people throughout."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure.eligibility import (
    Answer,
    Condition,
    Criteria,
    CriterionOutcome,
    Eligibility,
    Exclusion,
    Outcome,
    Requirement,
    screen,
    years_before,
)

CRITERIA = Criteria(
    requirements=(Requirement("registered", "四"),),
    conditions=(
        Condition("skill", "四(一)"),
        Condition("award", "四(四)"),
        Condition("science", "四(四)", second_fact=True),
    ),
    exclusions=(
        Exclusion("offence", "四.1"),
        Exclusion("sanction", "四.3", while_running=True),
        Exclusion("accident", "四.5", heads_only=True, years_back=3),
        Exclusion("other", "四.6", facts_required=True),
    ),
)
DAY = date(2022, 9, 23)
WELDER = {
    "registered": Answer("registered", True),
    "skill": Answer("skill", True),
    "award": Answer("award", False),
    "science": Answer("science", False),
    "offence": Answer("offence", False),
    "sanction": Answer("sanction", False),
    "other": Answer("other", False),
}
HEAD = {
    **WELDER,
    "skill": Answer("skill", False),
    "science": Answer("science", True, second_fact=True),
    "accident": Answer("accident", False),
}


def welder(*changed: Answer) -> Eligibility:
    answers = {**WELDER, **{answer.criterion: answer for answer in changed}}
    return screen(CRITERIA, answers.values(), DAY, head_of_enterprise=False)


def head(*changed: Answer) -> Eligibility:
    answers = {**HEAD, **{answer.criterion: answer for answer in changed}}
    return screen(CRITERIA, answers.values(), DAY, head_of_enterprise=True)


def outcome(result: Eligibility, criterion: str) -> Outcome:
    return next(line.outcome for line in result.reasons if line.criterion == criterion)


def test_two_people_who_may_stand_and_why() -> None:
    assert welder() == Eligibility(
        eligible=True,
        reasons=(
            CriterionOutcome("registered", "四", Outcome.MET),
            CriterionOutcome("skill", "四(一)", Outcome.MET),
            CriterionOutcome("award", "四(四)", Outcome.NOT_MET),
            CriterionOutcome("science", "四(四)", Outcome.NOT_MET),
            CriterionOutcome("offence", "四.1", Outcome.CLEAR),
            CriterionOutcome("sanction", "四.3", Outcome.CLEAR),
            CriterionOutcome("accident", "四.5", Outcome.DOES_NOT_BIND),
            CriterionOutcome("other", "四.6", Outcome.CLEAR),
        ),
        unanswered=(),
    )
    assert head().eligible
    assert outcome(head(), "science") is Outcome.MET
    assert outcome(head(), "accident") is Outcome.CLEAR


@pytest.mark.parametrize(
    ("answer", "of_welder", "of_head", "expected"),
    [
        (Answer("registered", False), False, False, Outcome.NOT_MET),
        (Answer("skill", False), False, True, Outcome.NOT_MET),
        (Answer("award", True), True, True, Outcome.MET),
        (Answer("science", True), True, False, Outcome.SECOND_FACT_MISSING),
        (Answer("science", True, second_fact=True), True, True, Outcome.MET),
        (Answer("offence", True), False, False, Outcome.EXCLUDED),
        (Answer("sanction", True), False, False, Outcome.EXCLUDED),
        (Answer("sanction", True, runs_until=date(2022, 9, 22)), True, True, Outcome.OUTSIDE_PERIOD),
        (Answer("sanction", True, runs_until=date(2022, 9, 23)), False, False, Outcome.EXCLUDED),
        (Answer("sanction", True, happened_on=date(2001, 1, 1)), False, False, Outcome.EXCLUDED),
        (Answer("offence", True, happened_on=date(2001, 1, 1)), False, False, Outcome.EXCLUDED),
        (Answer("offence", True, runs_until=date(2001, 1, 1)), False, False, Outcome.EXCLUDED),
        (Answer("other", True, facts_stated=True), False, False, Outcome.EXCLUDED),
    ],
)
def test_one_answer_and_what_it_does_to_two_people(
    answer: Answer, of_welder: bool, of_head: bool, expected: Outcome
) -> None:
    assert (welder(answer).eligible, head(answer).eligible) == (of_welder, of_head)
    assert outcome(welder(answer), answer.criterion) is outcome(head(answer), answer.criterion) is expected


@pytest.mark.parametrize(
    ("happened_on", "eligible", "expected"),
    [
        (date(2019, 9, 22), True, Outcome.OUTSIDE_PERIOD),
        (date(2019, 9, 23), False, Outcome.EXCLUDED),
        (date(2022, 9, 1), False, Outcome.EXCLUDED),
        (None, False, Outcome.EXCLUDED),
    ],
)
def test_an_accident_binds_heads_of_enterprises_for_three_years(
    happened_on: date | None, eligible: bool, expected: Outcome
) -> None:
    accident = Answer("accident", True, happened_on=happened_on)

    assert head(accident).eligible is eligible
    assert outcome(head(accident), "accident") is expected
    assert welder(accident).eligible
    assert outcome(welder(accident), "accident") is Outcome.DOES_NOT_BIND


def test_nobody_is_eligible_while_a_criterion_is_unanswered() -> None:
    answers = [answer for answer in HEAD.values() if answer.criterion not in {"accident", "award"}]
    result = screen(CRITERIA, answers, DAY, head_of_enterprise=True)

    assert result.unanswered == ("award", "accident")
    assert not result.eligible
    assert outcome(result, "accident") is Outcome.UNANSWERED


def test_the_sixth_exclusion_needs_stated_facts() -> None:
    result = welder(Answer("other", True))

    assert (result.eligible, result.unanswered) == (False, ("other",))
    assert outcome(result, "other") is Outcome.FACTS_NOT_STATED


def test_a_programme_may_need_two_conditions() -> None:
    two = Criteria(CRITERIA.requirements, CRITERIA.conditions, CRITERIA.exclusions, conditions_needed=2)
    both = {**WELDER, "award": Answer("award", True)}

    assert not screen(two, WELDER.values(), DAY, head_of_enterprise=False).eligible
    assert screen(two, both.values(), DAY, head_of_enterprise=False).eligible


def test_two_answers_on_one_criterion_are_an_error() -> None:
    with pytest.raises(ValueError, match="two answers"):
        screen(CRITERIA, [Answer("skill", True), Answer("skill", False)], DAY, head_of_enterprise=False)


@pytest.mark.parametrize(
    ("conditions", "needed"),
    [((Condition("registered", "四(一)"),), 1), ((Condition("skill", "四(一)"),), 2), ((), 1)],
)
def test_criteria_that_cannot_be_are_not_built(conditions: tuple[Condition, ...], needed: int) -> None:
    with pytest.raises(ValueError, match="criteria"):
        Criteria(CRITERIA.requirements, conditions, (), needed)


@pytest.mark.parametrize(
    ("day", "years", "expected"),
    [
        (date(2022, 9, 23), 3, date(2019, 9, 23)),
        (date(2024, 2, 29), 4, date(2020, 2, 29)),
        (date(2024, 2, 29), 3, date(2021, 2, 28)),
    ],
)
def test_years_before(day: date, years: int, expected: date) -> None:
    assert years_before(day, years) == expected


@given(st.permutations(list(HEAD.values())))
def test_the_order_of_the_answers_leaves_no_trace(answers: list[Answer]) -> None:
    assert screen(CRITERIA, answers, DAY, head_of_enterprise=True) == head()
