"""Screening by clause four: criterion by criterion, on dated evidence, for two different people throughout."""

from dataclasses import replace
from typing import Any

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import HOUR, filing, outcome, reply, ruling, screen
from ledger.procedure.programme import Criterion
from ledger.procedure.vacancies import DropOut
from ledger.state.application_window import screening_stage
from ledger.statements.foundation import ActCountersigned, StageClosed, StageOpened
from ledger.statements.screening import (
    AppealDecided,
    AppealFiled,
    DepartmentReplied,
    EligibilityChallenged,
    ScreeningDecided,
)
from tests.plays import PLAN, PROGRAMME, findings, flagged, history_at, refused, replayed
from tests.simulator import resume

FIRST, SECOND = PLAN.applicants[0], PLAN.applicants[1]
BARRED = replace(FIRST, ineligible=True)


def criterion(criterion_id: str) -> Criterion:
    found = PROGRAMME.criterion(criterion_id)
    assert found is not None
    return found


@pytest.fixture
def screening() -> World:
    return resume(history_at("screening"))


@pytest.fixture
def screened() -> World:
    return resume(history_at("screened"))


def decided(world: World, eligible: bool, *clauses: str, notice: str | None = None) -> ScreeningDecided:
    return ScreeningDecided(FIRST.application, clauses, eligible, notice, "核对无误")


# --- replies of departments (联审) ---


def test_a_department_replies_for_itself_or_through_the_organiser(screening: World) -> None:
    body = reply(screening, FIRST, criterion("violation"))
    screening.must("organiser", body)
    screening.must("sponsor-org-dept", replace(body, application=SECOND.application))
    refused(screening, "sponsor-union", body, "NOT_AUTHORISED", "四")
    refused(screening, "discipline", body, "NOT_AUTHORISED", "四")


@pytest.mark.parametrize(
    ("changes", "code", "clause"),
    [
        ({"criterion": "skill"}, "NOT_JOINT_CHECKED", "四(一)"),
        ({"criterion": "wealth"}, "UNKNOWN_CRITERION", "四"),
        ({"dated": "2022-02-30"}, "DATE_INVALID", "四"),
        ({"dated": "2022-12-01"}, "DATE_INVALID", "四"),
        ({"recheck": True}, "RECHECK_TOO_EARLY", "四"),
        ({"application": "nobody"}, "UNKNOWN_APPLICATION", "六(二)"),
    ],
)
def test_a_reply_that_is_not_one(screening: World, changes: dict[str, Any], code: str, clause: str) -> None:
    body = replace(reply(screening, FIRST, criterion("violation")), **changes)
    refused(screening, "organiser", body, code, clause)


# --- each criterion by itself ---


@pytest.mark.parametrize(
    ("criterion_id", "met", "changes", "code", "clause"),
    [
        ("violation", False, {}, "JOINT_CHECK_MISSING", "四、1"),
        ("skill", True, {"binds": False}, "CRITERION_INCONSISTENT", "四(一)"),
        ("enterprise-head", True, {"binds": False}, "CRITERION_INCONSISTENT", "四、5"),
        ("enterprise-head", True, {"happened_on": None}, "DATE_REQUIRED", "四、5"),
        ("enterprise-head", True, {}, "JOINT_CHECK_MISSING", "四、5"),
        ("sanction", True, {"runs_until": None}, "DATE_REQUIRED", "四、3"),
        ("sanction", True, {"runs_until": "2023-13-01"}, "DATE_INVALID", "四"),
        ("other-reason", True, {"supporting": None}, "FACTS_REQUIRED", "四、6"),
        ("skill", True, {"dated": "2022-12-31"}, "DATE_INVALID", "四"),
        ("skill", True, {"criterion": "wealth"}, "UNKNOWN_CRITERION", "四"),
    ],
)
def test_a_ruling_that_does_not_stand(
    screening: World, criterion_id: str, met: bool, changes: dict[str, Any], code: str, clause: str
) -> None:
    for one in (FIRST, SECOND):
        body = replace(ruling(screening, one, criterion(criterion_id), met=met), **changes)
        refused(screening, "organiser", body, code, clause)


def test_nothing_is_ruled_before_screening() -> None:
    world = resume(history_at("filed"))
    refused(world, "organiser", ruling(world, FIRST, criterion("skill"), met=True), "STAGE_NOT_OPEN", "四")


def test_a_ruling_may_be_corrected_until_the_outcome_and_not_after(screening: World) -> None:
    screening.must("organiser", ruling(screening, FIRST, criterion("skill"), met=False))
    screening.must("organiser", ruling(screening, FIRST, criterion("skill"), met=True))
    screen(screening, FIRST)
    body = ruling(screening, FIRST, criterion("skill"), met=False)
    refused(screening, "organiser", body, "CRITERION_DECIDED", "四(一)")
    screening.must("organiser", ruling(screening, SECOND, criterion("skill"), met=False))


def test_an_overruled_reply_is_shown(screening: World) -> None:
    said = screening.must("organiser", reply(screening, FIRST, criterion("violation"), clear=False))
    act = screening.must("organiser", ruling(screening, FIRST, criterion("violation"), met=False))
    flagged(screening, "REPLY_OVERRULED", "warn", said.index, act.index)


# --- the outcome ---


def test_the_outcome_is_what_the_criteria_give(screening: World) -> None:
    screen(screening, BARRED)
    screen(screening, SECOND)
    known = screening.state.applications.by_id
    barred, passed = known[FIRST.application].decision, known[SECOND.application].decision
    assert barred is not None
    assert passed is not None
    assert (barred.eligible, passed.eligible) == (False, True)
    assert screening.state.applications.eligible() == (screening.person(SECOND.alias),)


def rule_all(world: World, barred: bool) -> None:
    for item in PROGRAMME.criteria:
        applies = barred and item.id == "violation"
        if item.joint_check and not item.heads_only:
            world.must("organiser", reply(world, FIRST, item, clear=not applies))
        world.must("organiser", ruling(world, FIRST, item, met=applies if item.exclusion else True))


@pytest.mark.parametrize(
    ("barred", "given", "code"),
    [
        (True, (True, (), None), "RESULT_NOT_DERIVED"),
        (True, (False, (), "n"), "CLAUSE_REQUIRED"),
        (True, (False, ("四、2",), "n"), "RESULT_NOT_DERIVED"),
        (True, (False, ("四、1",), None), "NOTICE_REQUIRED"),
        (False, (False, ("四、1",), "n"), "RESULT_NOT_DERIVED"),
        (False, (True, ("四、1",), None), "RESULT_NOT_DERIVED"),
    ],
)
def test_an_outcome_that_does_not_follow(screening: World, barred: bool, given: Any, code: str) -> None:
    rule_all(screening, barred)
    eligible, clauses, notice = given
    body = decided(screening, eligible, *clauses, notice=screening.digest(notice) if notice else None)
    refused(screening, "organiser", body, code, "四")


def test_an_outcome_is_decided_once(screening: World) -> None:
    screen(screening, FIRST)
    body = outcome(screening, FIRST, screening_stage(screening.state), PROGRAMME)
    refused(screening, "organiser", body, "APPLICATION_DECIDED", "四")
    refused(screening, "organiser", outcome(screening, SECOND, screening_stage(screening.state), PROGRAMME),
            "SCREENING_INCOMPLETE", "四")  # fmt: skip


# --- the screener's own unit ---


def test_a_screener_of_the_applicants_unit_needs_one_of_another(screening: World) -> None:
    screening.enrol("colleague", "organiser", unit=FIRST.unit)
    screening.enrol("colleague-2", "organiser", unit=FIRST.unit)
    body = ruling(screening, FIRST, criterion("skill"), met=True)
    act = screening.must("colleague", body)
    found = flagged(screening, "SCREENER_CONFLICT", "breach", act.index)
    assert found.facts["unit"] == FIRST.unit
    assert not screening.state.applications.by_id[FIRST.application].rulings
    agree = ActCountersigned(act.index, act.leaf.hex())
    refused(screening, "colleague-2", agree, "SCREENER_CONFLICT", "四")
    refused(screening, "discipline", agree, "NOT_AUTHORISED", "四")
    screening.cosign(act, "screener-2")
    assert screening.state.applications.by_id[FIRST.application].rulings["skill"].decided_by == act.person
    screening.must("colleague", ruling(screening, SECOND, criterion("skill"), met=True))
    assert len(findings(screening.state, "SCREENER_CONFLICT")) == 1


# --- appeal ---


def test_an_upheld_appeal_has_every_criterion_decided_anew(screening: World) -> None:
    screen(screening, BARRED)
    appeal = AppealFiled(FIRST.application, screening.digest("appeal"))
    refused(screening, SECOND.alias, appeal, "NOT_AUTHORISED", "四")
    screening.must(FIRST.alias, appeal)
    refused(screening, FIRST.alias, appeal, "APPEAL_USED", "四")
    screening.must("organiser", AppealDecided(FIRST.application, "原答复系误报", True))
    assert not screening.state.applications.by_id[FIRST.application].rulings
    screen(screening, FIRST)
    assert screening.person(FIRST.alias) in screening.state.applications.eligible()


def test_a_dismissed_appeal_leaves_the_refusal_and_is_the_only_one(screening: World) -> None:
    screen(screening, BARRED)
    appeal = AppealFiled(FIRST.application, screening.digest("appeal"))
    refused(screening, "organiser", AppealDecided(FIRST.application, "驳回", False), "NO_OPEN_APPEAL", "四")
    screening.must(FIRST.alias, appeal)
    screening.must("organiser", AppealDecided(FIRST.application, "驳回", False))
    refused(screening, FIRST.alias, appeal, "APPEAL_USED", "四")
    assert screening.person(FIRST.alias) not in screening.state.applications.eligible()


def test_nobody_appeals_what_was_not_refused(screening: World) -> None:
    screen(screening, FIRST)
    for one in (FIRST, SECOND):
        body = AppealFiled(one.application, screening.digest("appeal"))
        refused(screening, one.alias, body, "NOTHING_TO_APPEAL", "四")


def test_an_open_appeal_keeps_screening_open(screening: World) -> None:
    for one in (BARRED, *PLAN.applicants[1:]):
        screen(screening, one)
    screening.must(FIRST.alias, AppealFiled(FIRST.application, screening.digest("appeal")))
    refused(screening, "organiser", StageClosed("screening"), "APPEAL_UNDECIDED", "四")
    screening.must("organiser", AppealDecided(FIRST.application, "驳回", False))
    screening.must("organiser", StageClosed("screening"))


# --- facts found later ---


def challenge(world: World, criterion_id: str) -> EligibilityChallenged:
    return EligibilityChallenged(FIRST.application, criterion_id, world.digest("late-fact"), "群众反映")


def test_a_challenge_is_decided_anew_and_takes_out_who_no_longer_qualifies(screened: World) -> None:
    screened.must("organiser", StageOpened("experts"))
    body = ruling(screened, FIRST, criterion("violation"), met=True)
    refused(screened, "organiser", body, "CRITERION_DECIDED", "四、1")
    challenged = screened.must("discipline", challenge(screened, "violation"))
    refused(screened, "discipline", challenge(screened, "violation"), "ALREADY_CHALLENGED", "四")
    person = screened.person(FIRST.alias)
    assert screened.state.applications.challenges_open(person) == ("violation",)
    act = screened.must("organiser", body)
    assert person not in screened.state.out
    last = screened.cosign(act, "screener-2")
    out = screened.state.out[person]
    assert (out.cause, out.index, out.stage) == (DropOut.STRUCK_OFF, last.index, "experts")
    decision = screened.state.applications.by_id[FIRST.application].decision
    assert decision is not None
    flagged(screened, "ELIGIBILITY_LOST", "warn", decision.index, challenged.index, last.index)
    assert not findings(screened.state, "SCREENER_CONFLICT")
    assert screened.state.applications.challenges_open(person) == ()


def test_a_challenge_that_proves_nothing_changes_nothing(screened: World) -> None:
    screened.must("discipline", challenge(screened, "violation"))
    screened.must("organiser", StageOpened("experts"))
    screened.cosign(
        screened.must("organiser", ruling(screened, FIRST, criterion("violation"), met=False)), "screener-2"
    )
    assert screened.person(FIRST.alias) not in screened.state.out
    assert screened.state.applications.challenges_open(screened.person(FIRST.alias)) == ()


def test_a_challenge_within_screening_has_the_outcome_decided_again(screening: World) -> None:
    screen(screening, FIRST)
    screening.must("organiser", challenge(screening, "violation"))
    refused(screening, "organiser", StageClosed("screening"), "SCREENING_INCOMPLETE", "四")
    screening.must("organiser", ruling(screening, FIRST, criterion("violation"), met=True))
    assert screening.state.applications.by_id[FIRST.application].decision is None
    screening.must("organiser", outcome(screening, FIRST, screening_stage(screening.state), PROGRAMME))
    assert screening.person(FIRST.alias) not in screening.state.applications.eligible()
    assert screening.person(FIRST.alias) not in screening.state.out


def test_a_refused_person_is_not_brought_back_after_screening(screening: World) -> None:
    for one in (BARRED, *PLAN.applicants[1:]):
        screen(screening, one)
    screening.must("organiser", StageClosed("screening"))
    screening.must("discipline", challenge(screening, "violation"))
    screening.must("organiser", StageOpened("experts"))
    screening.cosign(
        screening.must("organiser", ruling(screening, FIRST, criterion("violation"), met=False)), "screener-2"
    )
    assert screening.person(FIRST.alias) not in screening.state.applications.eligible()
    assert screening.person(FIRST.alias) not in screening.state.out


def test_only_what_is_decided_can_be_challenged(screening: World) -> None:
    refused(screening, "discipline", challenge(screening, "violation"), "CRITERION_UNDECIDED", "四")
    refused(screening, SECOND.alias, challenge(screening, "violation"), "NOT_AUTHORISED", "四")


# --- checked again before approval ---


def test_the_exclusions_are_checked_again(screened: World) -> None:
    screened.must("organiser", StageOpened("experts"))
    person = screened.person(FIRST.alias)
    checked = ("violation", "political", "sanction", "dishonesty")
    assert screened.state.applications.recheck_missing(person) == checked
    for item in checked[1:]:
        screened.must("organiser", reply(screened, FIRST, criterion(item), recheck=True))
    assert screened.state.applications.recheck_missing(person) == ("violation",)
    assert screened.state.applications.recheck_missing(screened.person(SECOND.alias)) == checked
    screened.must("organiser", reply(screened, FIRST, criterion("violation"), clear=False, recheck=True))
    assert screened.state.applications.challenges_open(person) == ("violation",)
    assert screened.state.applications.recheck_missing(person) == ("violation",)
    screened.cosign(
        screened.must("organiser", ruling(screened, FIRST, criterion("violation"), met=False)), "screener-2"
    )
    assert screened.state.applications.recheck_missing(person) == ()
    assert screened.state.applications.recheck_missing("nobody") == ()


def test_a_head_of_an_enterprise_is_checked_on_the_fifth_too(screening: World) -> None:
    item = criterion("enterprise-head")
    screening.must("organiser", reply(screening, FIRST, item))
    screening.must("organiser", ruling(screening, FIRST, item, met=False, binds=True))
    for other in PROGRAMME.criteria:
        if other is item:
            continue
        if other.joint_check:
            screening.must("organiser", reply(screening, FIRST, other))
        screening.must("organiser", ruling(screening, FIRST, other, met=not other.exclusion))
    screening.must("organiser", outcome(screening, FIRST, screening_stage(screening.state), PROGRAMME))
    assert "enterprise-head" in screening.state.applications.recheck_missing(screening.person(FIRST.alias))


# --- what passes formally ---


@pytest.mark.parametrize(
    ("changes", "code", "clause"),
    [
        ({"materials": ()}, "MATERIAL_MISSING", "六(三)"),
        ({}, "PAPER_MISSING", "七(四)2"),
    ],
)
def test_nobody_passes_with_something_missing(changes: dict[str, Any], code: str, clause: str) -> None:
    world = resume(history_at("window"))
    one = replace(FIRST, way="self", special=True)
    world.must(one.alias, filing(world, one, **changes))
    world.now += 32 * 24 * HOUR
    world.must("organiser", StageClosed("applications"))
    world.must("organiser", StageOpened("screening"))
    rule_all(world, barred=False)
    refused(world, "organiser", decided(world, True), code, clause)


def test_nobody_passes_without_review_and_every_level() -> None:
    world = resume(history_at("window"))
    world.must(FIRST.alias, filing(world, FIRST))
    world.now += 32 * 24 * HOUR
    world.must("organiser", StageClosed("applications"))
    world.must("organiser", StageOpened("screening"))
    rule_all(world, barred=False)
    refused(world, "organiser", decided(world, True), "REVIEW_MISSING", "七(二)")


def test_nobody_is_refused_for_an_application_they_never_agreed_to() -> None:
    world = resume(history_at("window"))
    world.must("intake-1", filing(world, FIRST))
    world.now += 32 * 24 * HOUR
    world.must("organiser", StageClosed("applications"))
    world.must("organiser", StageOpened("screening"))
    rule_all(world, barred=True)
    body = decided(world, False, "四、1", notice=world.digest("notice"))
    refused(world, "organiser", body, "NO_APPLICANT_CONSENT", "六(二)")


def test_what_is_missing_does_not_stop_a_refusal() -> None:
    world = resume(history_at("window"))
    world.must(FIRST.alias, filing(world, FIRST))
    world.now += 32 * 24 * HOUR
    world.must("organiser", StageClosed("applications"))
    world.must("organiser", StageOpened("screening"))
    rule_all(world, barred=True)
    world.must("organiser", decided(world, False, "四、1", notice=world.digest("notice")))


@pytest.mark.parametrize("alias", [FIRST.alias, SECOND.alias])
def test_acts_on_an_unknown_application(screening: World, alias: str) -> None:
    appeal = AppealFiled("nobody", screening.digest("appeal"))
    refused(screening, alias, appeal, "UNKNOWN_APPLICATION", "六(二)")
    decision = AppealDecided("nobody", "驳回", False)
    refused(screening, "organiser", decision, "UNKNOWN_APPLICATION", "六(二)")
    later = replace(challenge(screening, "violation"), application="nobody")
    refused(screening, "discipline", later, "UNKNOWN_APPLICATION", "六(二)")


def test_a_refused_or_linked_application_does_not_keep_screening_open() -> None:
    world = resume(history_at("filed"))
    second = replace(FIRST, application="second-way", way="self", special=True)
    world.must(FIRST.alias, filing(world, second))
    world.now += 32 * 24 * HOUR
    world.must("organiser", StageClosed("applications"))
    world.must("organiser", StageOpened("screening"))
    for one in PLAN.applicants:
        screen(world, one)
    world.must("organiser", StageClosed("screening"))
    assert world.state.applications.by_id["second-way"].decision is None


def test_replies_come_from_any_stage_on(screened: World) -> None:
    body: DepartmentReplied = reply(screened, FIRST, criterion("violation"))
    refused(screened, "organiser", body, "STAGE_NOT_OPEN", "四")
    screened.must("organiser", StageOpened("experts"))
    screened.must("organiser", body)
    assert replayed(screened).applications == screened.state.applications
