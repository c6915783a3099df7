"""Disputes A01 to A11: applications and eligibility. One test for each row of the catalogue, through the ledger."""

from dataclasses import replace

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import (
    HOUR,
    Applicant,
    file_application,
    filing,
    outcome,
    paper,
    paper_recommendation,
    receive_paper,
    recommendation,
    reply,
    review,
    ruling,
    screen,
)
from ledger.procedure.programme import Criterion
from ledger.procedure.vacancies import DropOut
from ledger.state.application_window import closes_at, screening_stage
from ledger.statements.applications import (
    ApplicationRefused,
    ApplicationSupplemented,
    ApplicationWithdrawn,
    ConsentGiven,
    DuplicateLinked,
    Material,
    SupplementRequested,
    WithdrawalEntered,
)
from ledger.statements.foundation import ActCountersigned, DeadlineExtended, StageClosed, StageOpened
from ledger.statements.naming import FindingRaised
from ledger.statements.screening import AppealFiled, EligibilityChallenged, ScreeningDecided
from tests.plays import PLAN, PROGRAMME, WorldAt, flagged, refused, replayed

FIRST, SECOND = PLAN.applicants[0], PLAN.applicants[1]
SPONSORS = ("sponsor-union", "sponsor-org-dept", "sponsor-publicity", "sponsor-hrss", "sponsor-industry")


def criterion(criterion_id: str) -> Criterion:
    return next(one for one in PROGRAMME.criteria if one.id == criterion_id)


def extension(world: World, **changes: object) -> DeadlineExtended:
    values: dict[str, object] = {
        "closes_at": closes_at(world.state) + 72 * HOUR,
        "only_for": None,
        "published": world.digest("published"),
        "reason": "因疫情防控延期",
        "stage": "applications",
    }
    return DeadlineExtended(**(values | changes))  # type: ignore[arg-type]


def test_A01_a_late_application_is_an_entry_and_nothing_later_is_done_with_it(world_at: WorldAt) -> None:
    world = world_at("window")
    world.now = closes_at(world.state)
    for one in (FIRST, SECOND):
        file_application(world, one)
        known = world.state.applications.by_id[one.application]
        assert known.late
        assert world.state.applications.received() == ()
    deadline = "DEADLINE_PASSED", "七(四)1"
    refused(world, FIRST.recommender, review(world, FIRST), *deadline)
    refused(world, FIRST.recommender, recommendation(world, FIRST, "unit"), *deadline)
    refused(world, "intake-1", paper_recommendation(world, FIRST, "unit", world.now), *deadline)
    refused(world, "organiser", SupplementRequested(FIRST.application, world.now + HOUR, "补正"), *deadline)
    supplement = ApplicationSupplemented(FIRST.application, (Material(world.digest("x"), "other"),), None)
    refused(world, FIRST.alias, supplement, *deadline)
    refused(world, FIRST.alias, ConsentGiven(FIRST.application), *deadline)
    refused(world, FIRST.alias, ApplicationWithdrawn(FIRST.application, "不参加"), *deadline)
    refused(world, "intake-1", paper(world, FIRST, closes_at(world.state) - HOUR), *deadline)
    world.must("organiser", ApplicationRefused(FIRST.application, "late", "过期不予受理"))
    refused(world, "organiser", ApplicationRefused(FIRST.application, "late", "过期不予受理"), *deadline)
    world.must("organiser", StageClosed("applications"))
    world.must("organiser", StageOpened("screening"))
    refused(world, "organiser", ruling(world, SECOND, criterion("skill"), met=True), *deadline)
    refused(world, "organiser", reply(world, SECOND, criterion("violation")), *deadline)
    refused(world, "organiser", ScreeningDecided(SECOND.application, (), True, None, "符合条件"), *deadline)
    refused(world, SECOND.alias, AppealFiled(SECOND.application, world.digest("appeal")), *deadline)
    refused(world, "organiser", StageClosed("screening"), "APPLICATION_UNDECIDED", "四")
    world.must("organiser", ApplicationRefused(SECOND.application, "late", "过期不予受理"))
    world.must("organiser", StageClosed("screening"))
    assert world.state.applications.eligible() == ()


def test_A01_a_filing_after_the_stage_is_closed_is_late_as_well(world_at: WorldAt) -> None:
    world = world_at("screened")
    late = replace(FIRST, alias="latecomer", application="application-late")
    world.enrol(late.alias, "applicant", unit=late.unit)
    file_application(world, late)
    assert world.state.applications.by_id[late.application].late
    refused(world, late.recommender, review(world, late), "DEADLINE_PASSED", "七(四)1")
    world.must("organiser", ApplicationRefused(late.application, "late", "过期不予受理"))


def test_A01_paper_that_arrived_in_time_and_was_keyed_late_counts(world_at: WorldAt) -> None:
    world = world_at("window")
    deadline = closes_at(world.state)
    world.now = deadline + HOUR
    filed = world.must("intake-1", filing(world, FIRST, consent=world.digest("consent")))
    refused(world, "intake-1", paper(world, FIRST, deadline), "DEADLINE_PASSED", "七(四)1")
    received = world.must("intake-1", paper(world, FIRST, deadline - 1))
    refused(world, FIRST.alias, ConsentGiven(FIRST.application), "DEADLINE_PASSED", "七(四)1")
    alone = ActCountersigned(received.index, received.leaf.hex())
    refused(world, "intake-1", alone, "SECOND_SIGNER_NEEDED", "七(四)2")
    second = world.cosign(received, "intake-2")
    assert not world.state.applications.by_id[FIRST.application].late
    flagged(world, "LATE_KEYING", "info", filed.index, received.index, second.index)
    world.must(FIRST.alias, ConsentGiven(FIRST.application))
    assert [one.application for one in world.state.applications.received()] == [FIRST.application]


@pytest.mark.parametrize("person", [FIRST.alias, SECOND.alias])
def test_A02_the_deadline_is_extended_for_all_or_for_nobody(world_at: WorldAt, person: str) -> None:
    world = world_at("window")
    favour = extension(world, only_for=world.person(person))
    refused(world, "sponsor-union", favour, "SCOPE_NOT_GENERAL", "七(四)1")
    old = closes_at(world.state)
    act = world.must(SPONSORS[0], extension(world))
    world.cosign(act, *SPONSORS[1:4])
    assert closes_at(world.state) == old
    world.now = old
    last = ActCountersigned(act.index, act.leaf.hex())
    refused(world, SPONSORS[4], last, "DEADLINE_PASSED", "七(四)1")
    assert closes_at(world.state) == old


def test_A03_material_is_frozen_after_the_deadline(world_at: WorldAt) -> None:
    world = world_at("filed")
    world.now = closes_at(world.state)
    better = (Material(world.digest("better-photo"), "proof"),)
    for one in (FIRST, SECOND):
        body = ApplicationSupplemented(one.application, better, None)
        refused(world, one.alias, body, "ATTACHMENT_FROZEN", "六(三)")
    request = world.must("organiser", SupplementRequested(FIRST.application, world.now + 24 * HOUR, "证书不清"))
    asked = ApplicationSupplemented(FIRST.application, better, request.index)
    refused(world, SECOND.alias, replace(asked, application=SECOND.application), "ATTACHMENT_FROZEN", "六(三)")
    act = world.must(FIRST.alias, asked)
    filed = world.state.applications.by_id[FIRST.application].materials
    assert (filed[-1].digest, filed[-1].index) == (better[0].digest, act.index)
    world.now = request.body.due_at
    refused(world, FIRST.alias, asked, "ATTACHMENT_FROZEN", "六(三)")


def test_A04_one_person_in_two_ways_counts_once(world_at: WorldAt) -> None:
    world = world_at("filed")
    again = replace(FIRST, application="application-again")
    refused(world, FIRST.alias, filing(world, again), "DUPLICATE_APPLICANT", "六(二)")
    under_another_name = filing(
        world,
        replace(again, way="association", special=True),
        applicant=world.identifier("former-name"),
        consent=world.digest("consent"),
    )
    world.must("intake-1", under_another_name)
    known = world.state.applications
    assert known.by_id[again.application].kin == [FIRST.application, again.application]
    assert known.of_person(world.identifier("former-name")) is None
    assert len(known.received()) == len(PLAN.applicants)
    world.now = closes_at(world.state)
    world.must("organiser", StageClosed("applications"))
    world.must("organiser", StageOpened("screening"))
    for one in (FIRST, again):
        for item in PROGRAMME.criteria:
            if item.joint_check:
                world.must("organiser", reply(world, one, item))
            world.must("organiser", ruling(world, one, item, met=not item.exclusion))
    world.must("organiser", ScreeningDecided(FIRST.application, (), True, None, "符合条件"))
    twice = ScreeningDecided(again.application, (), True, None, "符合条件")
    refused(world, "organiser", twice, "DUPLICATE_APPLICANT", "六(二)")
    assert known.eligible() == (world.person(FIRST.alias),)


def test_A04_a_near_match_is_a_finding_and_merged_by_decision_only(world_at: WorldAt) -> None:
    world = world_at("filed")
    one, other = (world.state.applications.by_id[item.application] for item in (FIRST, SECOND))
    match = FindingRaised("POSSIBLE_DUPLICATE", (one.index, other.index), "姓名繁简不同，电话相同", "warn")
    world.must("organiser", match)
    flagged(world, "POSSIBLE_DUPLICATE", "warn", one.index, other.index)
    assert len(world.state.applications.received()) == len(PLAN.applicants)
    link = DuplicateLinked(SECOND.application, FIRST.application, "经核对身份证件为同一人")
    act = world.must("organiser", link)
    refused(world, "organiser", ActCountersigned(act.index, act.leaf.hex()), "SECOND_SIGNER_NEEDED", "六(二)")
    world.cosign(act, "discipline")
    assert len(world.state.applications.received()) == len(PLAN.applicants) - 1
    assert world.state.applications.of_person(other.person) is None


def test_A05_two_people_of_one_name_are_two(world_at: WorldAt) -> None:
    world = world_at("window")
    one, other = (
        Applicant(f"zhang-wei-{number}", f"application-zw-{number}", FIRST.unit, FIRST.occupation, FIRST.industry,
                  FIRST.way, special=False)
        for number in (1, 2)
    )  # fmt: skip
    same_record = world.digest("record/张伟")
    for applicant in (one, other):
        world.enrol(applicant.alias, "applicant", unit=applicant.unit)
        file_application(world, applicant, record=same_record)
        world.must(applicant.recommender, review(world, applicant))
        for level, alias in (
            ("unit", applicant.recommender),
            ("county", "recommender-county"),
            ("city", "recommender-city"),
        ):
            world.must(alias, recommendation(world, applicant, level))
        receive_paper(world, applicant, world.now)
    known = world.state.applications
    assert [len(known.by_id[item.application].kin) for item in (one, other)] == [1, 1]
    assert known.received_by("occupation") == {FIRST.occupation: 2}
    world.now = closes_at(world.state)
    world.must(other.alias, ApplicationWithdrawn(other.application, "不参加"))
    world.must("organiser", StageClosed("applications"))
    world.must("organiser", StageOpened("screening"))
    screen(world, one)
    world.must("organiser", StageClosed("screening"))
    assert known.eligible() == (world.person(one.alias),)
    assert set(world.state.out) == {world.person(other.alias)}


def test_A06_screening_does_not_end_with_an_open_criterion(world_at: WorldAt) -> None:
    world = world_at("screening")
    for one in PLAN.applicants[1:]:
        screen(world, one)
    for item in PROGRAMME.criteria:
        if item.id == "sanction":
            continue
        if item.joint_check:
            world.must("organiser", reply(world, FIRST, item))
        world.must("organiser", ruling(world, FIRST, item, met=not item.exclusion))
    passed = ScreeningDecided(FIRST.application, (), True, None, "符合条件")
    refusal = refused(world, "organiser", passed, "SCREENING_INCOMPLETE", "四")
    assert refusal.facts["criteria"] == "sanction"
    refused(world, "organiser", StageClosed("screening"), "SCREENING_INCOMPLETE", "四")
    missing = criterion("sanction")
    refused(world, "organiser", ruling(world, FIRST, missing, met=False), "JOINT_CHECK_MISSING", "四、3")
    world.must("organiser", reply(world, FIRST, missing))
    world.must("organiser", ruling(world, FIRST, missing, met=False))
    world.must("organiser", passed)
    world.must("organiser", StageClosed("screening"))


def test_A06_what_is_found_later_is_decided_anew(world_at: WorldAt) -> None:
    world = world_at("screened")
    person = world.person(FIRST.alias)
    found = EligibilityChallenged(FIRST.application, "sanction", world.digest("late-fact"), "处分影响期未满")
    world.must("discipline", found)
    assert world.state.applications.challenges_open(person) == ("sanction",)
    world.must("organiser", StageOpened("experts"))
    act = world.must("organiser", ruling(world, FIRST, criterion("sanction"), met=True))
    last = world.cosign(act, "screener-2")
    assert world.state.out[person].cause is DropOut.STRUCK_OFF
    assert world.state.out[person].index == last.index
    assert world.person(SECOND.alias) not in world.state.out
    assert replayed(world).out == world.state.out


def test_A07_nobody_is_dropped_without_a_decision_reason_and_notice(world_at: WorldAt) -> None:
    world = world_at("screening")
    for one in PLAN.applicants[1:]:
        screen(world, one)
    refusal = refused(world, "organiser", StageClosed("screening"), "APPLICATION_UNDECIDED", "四")
    assert refusal.facts["application"] == FIRST.application
    barred = replace(FIRST, ineligible=True)
    for item in PROGRAMME.criteria:
        applies = item.id == "violation"
        if item.joint_check:
            world.must("organiser", reply(world, FIRST, item, clear=not applies))
        world.must("organiser", ruling(world, FIRST, item, met=applies or not item.exclusion))
    refused(world, "organiser", StageClosed("screening"), "APPLICATION_UNDECIDED", "四")
    derived = outcome(world, barred, screening_stage(world.state), PROGRAMME)
    assert derived.clauses == ("四、1",)
    refused(world, "organiser", replace(derived, clauses=()), "CLAUSE_REQUIRED", "四")
    refused(world, "organiser", replace(derived, notice=None), "NOTICE_REQUIRED", "四")
    refused(world, "organiser", replace(derived, clauses=("四、6",)), "RESULT_NOT_DERIVED", "四")
    world.must("organiser", derived)
    world.must("organiser", StageClosed("screening"))


def test_A08_a_screener_of_the_applicants_unit_is_a_breach_and_needs_a_second(world_at: WorldAt) -> None:
    world = world_at("screening")
    world.enrol("colleague", "organiser", unit=FIRST.unit)
    act = world.must("colleague", ruling(world, FIRST, criterion("skill"), met=True))
    found = flagged(world, "SCREENER_CONFLICT", "breach", act.index)
    assert (found.facts["screener"], found.facts["unit"]) == (world.person("colleague"), FIRST.unit)
    assert "skill" not in world.state.applications.by_id[FIRST.application].rulings
    world.cosign(act, "organiser")
    assert "skill" in world.state.applications.by_id[FIRST.application].rulings
    assert found in world.state.findings.open_breaches()
    world.must("colleague", ruling(world, SECOND, criterion("skill"), met=True))
    assert "skill" in world.state.applications.by_id[SECOND.application].rulings


def test_A09_a_unit_recommends_by_its_own_signature_or_is_entered_from_paper_by_two(world_at: WorldAt) -> None:
    world = world_at("window")
    file_application(world, FIRST)
    refused(world, SECOND.recommender, review(world, FIRST), "UNIT_MISMATCH", "七(二)")
    refused(world, FIRST.alias, review(world, FIRST), "NOT_AUTHORISED", "七(二)")
    world.must(FIRST.recommender, review(world, FIRST))
    skipped = recommendation(world, FIRST, "city")
    refused(world, "recommender-city", skipped, "LEVEL_ORDER", "六(二)1")
    refused(world, SECOND.recommender, recommendation(world, FIRST, "unit"), "UNIT_MISMATCH", "七(二)")
    act = world.must("intake-1", paper_recommendation(world, FIRST, "unit", world.now))
    alone = ActCountersigned(act.index, act.leaf.hex())
    refused(world, "intake-1", alone, "SECOND_SIGNER_NEEDED", "六(二)1")
    last = world.cosign(act, "intake-2")
    flagged(world, "PAPER_RECOMMENDATION", "info", act.index, last.index)
    assert world.state.applications.by_id[FIRST.application].recommended["unit"].on_paper


def test_A10_an_application_in_someones_name_is_confirmed_by_them_or_goes_nowhere(world_at: WorldAt) -> None:
    world = world_at("window")
    world.must(FIRST.recommender, filing(world, FIRST, consent=world.digest("alleged-consent")))
    world.must(FIRST.recommender, review(world, FIRST))
    for level, alias in (("unit", FIRST.recommender), ("county", "recommender-county"), ("city", "recommender-city")):
        world.must(alias, recommendation(world, FIRST, level))
    receive_paper(world, FIRST, world.now)
    assert world.state.applications.received_by("occupation") == {}
    refused(world, FIRST.recommender, ConsentGiven(FIRST.application), "NOT_AUTHORISED", "六(二)")
    world.now = closes_at(world.state)
    world.must("organiser", StageClosed("applications"))
    world.must("organiser", StageOpened("screening"))
    for item in PROGRAMME.criteria:
        if item.joint_check:
            world.must("organiser", reply(world, FIRST, item))
        world.must("organiser", ruling(world, FIRST, item, met=not item.exclusion))
    passed = ScreeningDecided(FIRST.application, (), True, None, "符合条件")
    refused(world, "organiser", passed, "NO_APPLICANT_CONSENT", "六(二)")
    world.must(FIRST.alias, ConsentGiven(FIRST.application))
    world.must("organiser", passed)
    assert world.state.applications.eligible() == (world.person(FIRST.alias),)


def test_A11_only_the_applicant_withdraws(world_at: WorldAt) -> None:
    world = world_at("screened")
    body = ApplicationWithdrawn(FIRST.application, "本人不再参加")
    for alias in ("organiser", "intake-1", FIRST.recommender, SECOND.alias, "discipline"):
        refused(world, alias, body, "NOT_AUTHORISED", "六(二)")
    refused(world, "organiser", WithdrawalEntered(FIRST.application, world.digest("scan")), "NOT_AUTHORISED", "六(二)")
    act = world.must(FIRST.alias, body)
    out = world.state.out[world.person(FIRST.alias)]
    assert (out.cause, out.index) == (DropOut.WITHDRAWN, act.index)
    entered = world.must("intake-1", WithdrawalEntered(SECOND.application, world.digest("scan")))
    alone = ActCountersigned(entered.index, entered.leaf.hex())
    refused(world, "intake-1", alone, "SECOND_SIGNER_NEEDED", "六(二)")
    assert world.person(SECOND.alias) not in world.state.out
    last = world.cosign(entered, "discipline")
    assert world.state.out[world.person(SECOND.alias)].index == last.index
    assert len(world.state.applications.eligible()) == len(PLAN.applicants) - 2
    assert replayed(world).applications == world.state.applications
