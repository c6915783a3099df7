"""Attempts on places and titles: to come back after leaving, to lose an objection, to be two people."""

from dataclasses import replace

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import filing
from api.rehearsal.steps_deliberation import inspection
from api.rehearsal.steps_naming import play_approval, play_naming, play_rechecks
from api.rehearsal.steps_objections import (
    answer,
    decision,
    examine,
    hear,
    investigate,
    receive,
    vote_on,
)
from api.rehearsal.steps_rounds import candidates, play_panel_stage
from api.rehearsal.steps_stages import enter, leave
from ledger.procedure.programme import StageKind
from ledger.procedure.vacancies import DropOut
from ledger.state.places import standing, vacancies
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.foundation import StageClosed
from ledger.statements.naming import BenefitApplied, QualificationEnded, ResponsibilityReferred
from ledger.statements.notices import DecisionBlocked, ObjectionExamined
from ledger.statements.screening import CriterionDecided, EligibilityChallenged
from tests.finalists import at_approval, at_final, at_notice, nominees, refuses
from tests.plays import PLAN, flagged, history_at, replayed
from tests.simulator import resume
from tests.states import shape
from tests.voting import world_before


def withdrawal(world: World, person: str) -> ApplicationWithdrawn:
    application = world.state.applications.of_person(person)
    assert application is not None
    return ApplicationWithdrawn(application.application, "个人原因")


def sustained(world: World, person: str) -> str:
    """Let an objection be decided against somebody, and leave it unanswered."""
    objection = receive(world, person)
    examine(world, objection)
    hear(world, objection)
    investigate(world, objection, founded=True)
    vote_on(world, objection, sustained=True)
    world.must("organiser", decision(world, objection, person, sustained=True))
    return objection


def block(world: World, objection: str) -> None:
    world.must("discipline", DecisionBlocked(objection, "调查材料不全，请重新审议"))


def test_whoever_withdrew_while_disqualified_does_not_come_back_when_the_decision_is_blocked() -> None:
    world = at_notice()
    person = nominees(world)[0]
    objection = sustained(world, person)
    last = world.must(world.alias_of(person), withdrawal(world, person))
    block(world, objection)
    assert person not in standing(world.state)
    out = world.state.out[person]
    assert (out.cause, out.index) == (DropOut.WITHDRAWN, last.index)
    assert shape(replayed(world)) == shape(world.state)


def unqualify(world: World, person: str) -> None:
    """Find later that somebody meets an exclusion, and let two screeners decide it anew."""
    application = world.state.applications.of_person(person)
    assert application is not None
    stage = world.state.charter.version_for("screening").programme
    criterion = next(one for one in stage.criteria if one.required)
    evidence = world.digest("later")
    body = EligibilityChallenged(application.application, criterion.id, evidence, "单位登记已迁出")
    world.must("discipline", body)
    decided = CriterionDecided(
        application=application.application,
        binds=True,
        criterion=criterion.id,
        dated="2022-10-01",
        evidence=evidence,
        happened_on=None,
        met=False,
        reason="单位不在本市登记",
        runs_until=None,
        supporting=None,
    )
    if world.person("screener-late") not in world.state.roll.people:
        world.enrol("screener-late", "organiser", unit="office-screening")
    world.cosign(world.must("organiser", decided), "screener-late")


def test_whoever_lost_eligibility_while_disqualified_does_not_come_back_when_the_decision_is_blocked() -> None:
    world = at_notice()
    person = nominees(world)[1]
    objection = sustained(world, person)
    unqualify(world, person)
    block(world, objection)
    assert person not in standing(world.state)


def test_a_blocked_decision_gives_the_place_back_and_opens_the_objection_that_had_become_idle() -> None:
    world = at_notice()
    person = nominees(world)[0]
    first = sustained(world, person)
    second = receive(world, person)
    examine(world, second)
    answer(world, second)
    block(world, first)
    assert person in standing(world.state)
    waiting = {one.id for one in world.state.notices.objections.open(world.state.out)}
    assert waiting == {first, second}
    hear(world, second)
    investigate(world, second, founded=False)
    vote_on(world, second, sustained=False)
    world.must("organiser", decision(world, second, person, sustained=False))
    answer(world, second)
    assert {one.id for one in world.state.notices.objections.open(world.state.out)} == {first}
    assert shape(replayed(world)) == shape(world.state)


def test_an_objection_about_two_is_decided_for_the_one_who_came_back_later() -> None:
    world = at_notice()
    one, other = nominees(world)[:2]
    first = sustained(world, one)
    both = receive(world, one, other)
    examine(world, both)
    hear(world, both)
    investigate(world, both, founded=False)
    vote_on(world, both, sustained=False)
    world.must("organiser", decision(world, both, other, sustained=False))
    answer(world, both)
    block(world, first)
    hear(world, both)
    investigate(world, both, founded=False)
    assert world.state.deliberation.matters[f"objection:{both}"].subjects == (one,)
    vote_on(world, both, sustained=False)
    world.must("organiser", decision(world, both, one, sustained=False))
    answer(world, both)
    assert {known.id for known in world.state.notices.objections.open(world.state.out)} == {first}


def test_one_auditor_alone_does_not_make_a_signed_objection_vanish() -> None:
    world = at_notice()
    person = nominees(world)[0]
    objection = receive(world, person)
    examine(world, objection, real_name=False)
    assert world.state.notices.objections.open(world.state.out) == ()
    answer(world, objection)
    valid = ObjectionExamined(True, objection, True, "经复核，署名属实")
    refuses(world, "discipline", valid, "ALREADY_EXAMINED", "五(七)")
    refuses(world, "auditor-2", replace(valid, real_name=False), "ALREADY_EXAMINED", "五(七)")
    world.must("auditor-2", valid)
    assert [one.id for one in world.state.notices.objections.open(world.state.out)] == [objection]
    refuses(world, "discipline", replace(valid, real_name=False), "ALREADY_EXAMINED", "五(七)")


def named() -> World:
    """Return a world in which the titles are named and the stage of approval is still open."""
    world = at_approval()
    play_rechecks(world)
    play_approval(world)
    play_naming(world, close=False)
    return world


def test_a_withdrawal_after_the_naming_leaves_no_place_to_fill() -> None:
    world = named()
    person = nominees(world)[0]
    world.must(world.alias_of(person), withdrawal(world, person))
    assert vacancies(world.state) == ()
    assert world.state.naming.holds_title(person)
    leave(world, StageKind.APPROVAL)


def test_seats_that_nobody_is_left_to_fill_do_not_stay_empty_in_silence() -> None:
    world = world_before("final")
    for alias in candidates(world, "final", None)[:5]:
        world.must(alias, withdrawal(world, world.person(alias)))
    play_panel_stage(world, "final")
    act = world.state.rounds.final
    assert act is not None
    found = flagged(world, "SEATS_UNFILLED", "warn", act.index)
    assert found.facts == {"nominees": 9, "seats": 10}


def test_one_inspector_does_not_remove_the_first_in_silence() -> None:
    world = at_final()
    enter(world, StageKind.DELIBERATION)
    first, second = nominees(world)[:2]
    world.must("inspector-1", inspection(world, second, passed=False))
    assert not [one for one in world.state.findings.by_id.values() if one.code == "TOP_RANK_REMOVED"]
    act = world.must("inspector-1", inspection(world, first, passed=False))
    assert flagged(world, "TOP_RANK_REMOVED", "warn", act.index).facts == {"person": first}


def test_an_end_of_a_qualification_binds_the_person_under_every_id() -> None:
    world = resume(history_at("filed"))
    one = PLAN.applicants[0]
    tag = world.actor(one.alias).id_tag
    other = world.identifier("another-id")
    second = filing(
        world, one, applicant=other, application=world.identifier("second"), consent=world.digest("consent"),
        id_tag=tag, recommender=None, special_circumstance="行业协会推荐", way="association",
    )  # fmt: skip
    world.enrol("intake-9", "intake_office", unit="office-intake-9")
    world.must("intake-9", second)
    body = QualificationEnded(world.person(one.alias), world.digest("falsehood"), "业绩材料系伪造")
    world.cosign(world.must("organiser", body), "discipline")
    world.must(one.alias, ApplicationWithdrawn(one.application, "撤回"))
    assert world.state.applications.of_person(other) is not None
    assert other in world.state.out


def test_whoever_withdraws_on_discovery_does_not_shield_those_who_recommended() -> None:
    world = at_notice()
    person = nominees(world)[0]
    application = world.state.applications.of_person(person)
    assert application is not None
    world.must(world.alias_of(person), withdrawal(world, person))
    ended = QualificationEnded(person, world.digest("falsehood"), "业绩材料系伪造")
    world.cosign(world.must("organiser", ended), "discipline")
    refuses(world, "organiser", ended, "ALREADY_OUT", "七(三)")
    recommender = application.recommender
    assert recommender is not None
    world.must("organiser", ResponsibilityReferred(person, "推荐把关不严", recommender))
    assert world.state.out[person].cause is DropOut.WITHDRAWN


def test_the_year_after_ends_though_a_benefit_was_never_decided() -> None:
    world = named()
    leave(world, StageKind.APPROVAL)
    enter(world, StageKind.AFTERMATH)
    titles = world.state.naming.titles
    assert titles is not None
    benefit = next(one for one in world.state.charter.latest.programme.benefits if one.on_application)
    world.set_time("2023-03-01")
    person = titles.candidates[0]
    world.must(world.alias_of(person), BenefitApplied(benefit.id, titles.index))
    stage = next(one.id for one in world.state.charter.latest.programme.stages_of(StageKind.AFTERMATH))
    refuses(world, "organiser", StageClosed(stage), "PREREQUISITE_MISSING", step="benefit.granted")
    world.set_time("2024-01-01")
    world.must("organiser", StageClosed(stage))
