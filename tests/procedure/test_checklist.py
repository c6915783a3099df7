"""The checklist of clause four in the 2022 programme: which criteria, whom they bind, what a refusal rests on."""

from datetime import date
from typing import TypeAlias

import pytest

from ledger.procedure.checklist import Ruling, criteria_of, eligibility_of, failing_clauses, joint_checks
from ledger.procedure.eligibility import Answer, Outcome
from ledger.procedure.programme import Programme
from ledger.procedure.programme_value import programme_from_value
from ledger.programmes import load_shipped

HEADS = "enterprise-head"
Answers: TypeAlias = dict[str, Answer]
NO_ANSWERS: Answers = {}


@pytest.fixture(scope="module")
def programme() -> Programme:
    return programme_from_value(load_shipped("zhuyuan-2022"))


def rulings(
    programme: Programme, *holding: str, head: bool = False, answers: Answers = NO_ANSWERS
) -> dict[str, Ruling]:
    """Everybody's employer is registered; `holding` are the further criteria that hold, `answers` override by id."""
    found = {}
    for criterion in programme.criteria:
        holds = criterion.required or criterion.id in holding
        answer = answers.get(criterion.id) or Answer(criterion.id, holds)
        found[criterion.id] = Ruling(answer, not criterion.heads_only or head, 7, "screener")
    return found


def test_one_of_the_conditions_is_enough_for_either_of_two_people(programme: Programme) -> None:
    for holding in ("skill", "allowance"):
        result = eligibility_of(programme, rulings(programme, holding))
        assert result.eligible
        assert failing_clauses(result, programme, "四") == ()


@pytest.mark.parametrize(
    ("answers", "clauses"),
    [
        ({}, ("四",)),
        ({"registered-employer": Answer("registered-employer", False), "skill": Answer("skill", True)}, ("四",)),
        (
            {"skill": Answer("skill", True), "violation": Answer("violation", True)},
            ("四、1",),
        ),
        (
            {
                "skill": Answer("skill", True),
                "political": Answer("political", True),
                "sanction": Answer("sanction", True, runs_until=date(2022, 10, 24)),
            },
            ("四、2", "四、3"),
        ),
        ({"science-award": Answer("science-award", True)}, ("四",)),
    ],
)
def test_a_refusal_rests_on_these_clauses(programme: Programme, answers: Answers, clauses: tuple[str, ...]) -> None:
    result = eligibility_of(programme, rulings(programme, answers=answers))
    assert not result.eligible
    assert failing_clauses(result, programme, "四") == clauses


@pytest.mark.parametrize(
    ("runs_until", "eligible"), [(date(2022, 10, 23), True), (date(2022, 10, 24), False), (date(2022, 10, 25), False)]
)
def test_the_third_counts_while_it_runs_on_the_eligibility_date(
    programme: Programme, runs_until: date, eligible: bool
) -> None:
    sanction = Answer("sanction", True, runs_until=runs_until)
    assert eligibility_of(programme, rulings(programme, "skill", answers={"sanction": sanction})).eligible is eligible


@pytest.mark.parametrize(
    ("head", "happened_on", "eligible"),
    [
        (True, date(2019, 10, 24), False),
        (True, date(2019, 10, 23), True),
        (False, date(2022, 1, 1), True),
    ],
)
def test_the_fifth_binds_heads_only_and_looks_back_three_years(
    programme: Programme, head: bool, happened_on: date, eligible: bool
) -> None:
    accident = Answer(HEADS, True, happened_on=happened_on)
    found = rulings(programme, "skill", head=head, answers={HEADS: accident})
    assert eligibility_of(programme, found).eligible is eligible


def test_whether_somebody_is_a_head_is_a_question_that_must_be_answered(programme: Programme) -> None:
    found = rulings(programme, "skill")
    del found[HEADS]
    result = eligibility_of(programme, found)
    assert result.unanswered == (HEADS,)
    assert not result.eligible


def test_the_sixth_counts_with_stated_facts_only(programme: Programme) -> None:
    for stated in (True, False):
        other = Answer("other-reason", True, facts_stated=stated)
        result = eligibility_of(programme, rulings(programme, "skill", answers={"other-reason": other}))
        assert not result.eligible
        assert result.unanswered == (() if stated else ("other-reason",))


def test_departments_reply_on_the_first_five_as_far_as_they_bind(programme: Programme) -> None:
    checked = ("violation", "political", "sanction", "dishonesty")
    assert joint_checks(programme, rulings(programme, "skill")) == checked
    assert joint_checks(programme, rulings(programme, "skill", head=True)) == (*checked, HEADS)
    assert joint_checks(programme, {}) == (*checked, HEADS)


def test_the_award_needs_its_benefit(programme: Programme) -> None:
    award = Answer("science-award", True, second_fact=True)
    assert eligibility_of(programme, rulings(programme, answers={"science-award": award})).eligible
    lines = {one.criterion: one.outcome for one in eligibility_of(programme, rulings(programme)).reasons}
    assert lines["science-award"] is Outcome.NOT_MET


def test_every_shipped_programme_has_a_checklist() -> None:
    for label in ("zhuyuan-2022", "labour-medal-2024"):
        value = programme_from_value(load_shipped(label))
        criteria = criteria_of(value)
        assert len((*criteria.requirements, *criteria.conditions, *criteria.exclusions)) == len(value.criteria)
        assert criteria.conditions
