"""The plays of applications, screening and bodies: full size, both programmes, the same entries every time."""

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import default_plan, play_applications, play_enrolment, play_screening
from api.rehearsal.steps_bodies import groups_of, play_declarations, play_groups, play_members, play_rosters
from ledger.procedure.programme import StageKind
from ledger.statements.foundation import StageOpened
from tests.plays import findings, replayed
from tests.simulator import MemoryLedger, new_world

SHIPPED = ["zhuyuan-2022", "labour-medal-2024"]


def play(label: str) -> World:
    world = new_world(label)
    programme = world.state.charter.latest.programme
    plan = default_plan(programme)
    play_enrolment(world, plan)
    play_members(world)
    play_applications(world, plan)
    play_screening(world, plan)
    stage = programme.stages_of(StageKind.GROUP_ROUND)[0]
    play_rosters(world, stage.id, drawn=True)
    world.must("organiser", StageOpened(stage.id))
    play_groups(world, stage.id)
    for group in groups_of(stage):
        play_declarations(world, stage.id, group)
    return world


def entries(world: World) -> list[bytes]:
    assert isinstance(world.ledger, MemoryLedger)
    return world.ledger.entries


@pytest.mark.parametrize("label", SHIPPED)
def test_the_full_play_is_admitted_and_is_the_same_every_time(label: str) -> None:
    world = play(label)
    assert entries(play(label)) == entries(world)
    assert replayed(world) == world.state
    plan = default_plan(world.state.charter.latest.programme)
    assert len(plan.applicants) >= 60
    known = world.state.applications
    assert len(known.received()) == len(plan.timely)
    assert known.eligible() == tuple(sorted(world.person(one.alias) for one in plan.eligible))
    (late,) = (one for one in plan.applicants if one.late)
    assert known.by_id[late.application].refused is not None
    assert len(findings(world.state, "LATE_KEYING")) == 1
    assert world.state.findings.open_breaches() == ()


def test_the_full_play_spreads_over_six_occupations() -> None:
    plan = default_plan(new_world("zhuyuan-2022").state.charter.latest.programme)
    occupations = [one.occupation for one in plan.applicants]
    assert len(set(occupations)) == 6
    assert min(occupations.count(one) for one in occupations) >= 10
    assert {one.way for one in plan.applicants} == {"unit", "association", "expert", "self"}
