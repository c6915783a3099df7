"""Attempts to do with one signature what takes several, or to let an old one take effect too late."""

from dataclasses import replace

import pytest

from api.rehearsal.driver import World, founders
from api.rehearsal.steps_applications import filing
from api.rehearsal.steps_rounds import SCRUTINEERS, TELLER, SessionPlan, ballot, certify, close_round
from ledger.programmes import load_shipped, programme_hash
from ledger.statements.foundation import (
    ActCountersigned,
    CharterEndorsed,
    CharterSealed,
    DeadlineExtended,
    StageOpened,
)
from ledger.statements.roll import OfficeSucceeded, RoleGranted
from ledger.statements.rounds import (
    AttendanceLeft,
    AttendanceWitnessed,
    BallotDisputed,
    BallotInvalidated,
    BallotReinstated,
    RoundReopened,
)
from tests.disputes.test_section_4 import vote_as_planned
from tests.plays import PLAN, history_at, replayed
from tests.simulator import LOG_VKEY, ORIGIN, START, MemoryLedger, resume
from tests.voting import PANEL, PEOPLE, refused, sitting, voting

SHORTLIST = "shortlist"


def organised_by_a_sponsors_office() -> World:
    """Return a world whose organiser belongs to the office of a sponsor, and signs nothing for it."""
    value = load_shipped("zhuyuan-2022")
    world = World(MemoryLedger(), "test", START)
    people = tuple(replace(one, office="union") if one.role == "organiser" else one for one in founders(world, value))
    sealed = CharterSealed(people, LOG_VKEY.encode(), ORIGIN, value, programme_hash(value), True)
    charter = world.must("organiser", sealed, seen=None)
    for office in ("org-dept", "publicity", "union", "hrss", "industry"):
        world.must(f"sponsor-{office}", CharterEndorsed(charter.leaf.hex()))
    world.must("organiser", StageOpened("applications"))
    return world


def extension(world: World) -> DeadlineExtended:
    old = world.state.charter.closes_at(world.state.charter.latest.programme.stages[0]) or 0
    return DeadlineExtended(old + 86_400_000, None, world.digest("published"), "疫情防控", "applications")


def test_an_organiser_does_not_sign_for_the_sponsor_whose_office_employs_them() -> None:
    world = organised_by_a_sponsors_office()
    act = world.must("organiser", extension(world))
    world.cosign(act, "sponsor-org-dept", "sponsor-publicity", "sponsor-hrss", "sponsor-industry")
    assert world.state.charter.extensions == {}
    world.cosign(act, "sponsor-union")
    assert world.state.charter.extensions["applications"][0] == act.body.closes_at
    assert replayed(world) == world.state


def test_the_successor_of_a_sponsor_who_has_signed_does_not_sign_a_second_time() -> None:
    world = resume(history_at("window"))
    world.enrol("next", unit="union")
    act = world.must("organiser", extension(world))
    world.cosign(act, "sponsor-union")
    body = OfficeSucceeded(world.person("sponsor-union"), "调离", "sponsor", world.person("next"))
    world.cosign(world.must("registrar", body), "discipline")
    again = ActCountersigned(act.index, act.leaf.hex())
    refused(world, "next", again, "SECOND_SIGNER_NEEDED", "七(四)1")
    world.cosign(act, "sponsor-org-dept", "sponsor-publicity", "sponsor-hrss", "sponsor-industry")
    assert "applications" in world.state.charter.extensions


def test_a_reopening_that_waited_does_not_take_effect_once_the_result_is_certified() -> None:
    world, played = voting()
    vote_as_planned(world, played)
    act = world.must("organiser", RoundReopened("结果不合意", played.id))
    close_round(world, played.id)
    certify(world, played.session.subject)
    refused(world, "discipline", ActCountersigned(act.index, act.leaf.hex()), "RESULT_CERTIFIED", "五(三)")
    assert played.superseded is None


def test_a_presence_that_waited_does_not_bring_back_who_came_and_left() -> None:
    world = sitting(SHORTLIST, plan=SessionPlan(absent=PANEL[8:]))
    act = world.must("organiser", AttendanceWitnessed(None, world.person(PANEL[8]), "本人密钥未带", SHORTLIST))
    world.cosign(act, SCRUTINEERS[0])
    other = world.must("organiser", AttendanceWitnessed(None, world.person(PANEL[8]), "本人密钥未带", SHORTLIST))
    world.cosign(other, SCRUTINEERS[0], TELLER)
    refused(world, TELLER, ActCountersigned(act.index, act.leaf.hex()), "ALREADY_PRESENT", "五(三)")
    world.must(PANEL[8], AttendanceLeft(None, None, SHORTLIST))


def test_an_invalidation_that_waited_does_not_take_effect_once_the_ballot_was_reinstated() -> None:
    world, played = voting()
    cast = world.must(PANEL[0], ballot(world, played.id, PEOPLE[:3]))
    world.must(PANEL[0], BallotDisputed(cast.index, "并非本人意愿"))
    act = world.must("organiser", BallotInvalidated(cast.index, "经查属实"))
    world.cosign(world.must("organiser", BallotReinstated(cast.index, "经查不属实")), "discipline")
    refused(world, "discipline", ActCountersigned(act.index, act.leaf.hex()), "BALLOT_NOT_DISPUTED", "七(三)")
    assert played.ballots[world.person(PANEL[0])].invalid is None


def proposed_by_another() -> World:
    """Return a world in which a recommender has filed for somebody who holds no role at all."""
    world, one = resume(history_at("window")), PLAN.applicants[0]
    world.enrol("quiet", unit=one.unit)
    quiet = world.actor("quiet")
    body = filing(world, one, applicant=quiet.person, id_tag=quiet.id_tag)
    world.must(one.recommender, body)
    return world


@pytest.mark.parametrize("role", ["inspector", "leader", "chair_office", "scrutineer", "discipline", "panel_member"])
def test_an_applicant_is_granted_no_role_that_the_programme_keeps_apart(role: str) -> None:
    world = proposed_by_another()
    answer = refused(
        world, "registrar", RoleGranted(world.person("quiet"), "工作需要", role), "ROLE_CONFLICT", "七(三)"
    )
    assert answer.facts["held"] == "applicant"


def test_an_applicant_takes_over_no_office() -> None:
    world = proposed_by_another()
    world.enrol("leader-01", "leader")
    body = OfficeSucceeded(world.person("leader-01"), "调离", "leader", world.person("quiet"))
    refused(world, "registrar", body, "ROLE_CONFLICT", "七(三)")
