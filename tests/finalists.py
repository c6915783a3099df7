"""Plays that begin where the final order is fixed, and how to go on from there."""

from functools import cache
from typing import Any

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import default_plan, play_applications, play_enrolment, play_screening
from api.rehearsal.steps_bodies import play_members
from api.rehearsal.steps_deliberation import play_deciders, play_deliberation_stage
from api.rehearsal.steps_notice import play_calendar, play_notice, wait_for_notices
from api.rehearsal.steps_polls import play_channels, play_public_vote
from api.rehearsal.steps_rounds import play_group_stage, play_panel_stage, play_watchers
from api.rehearsal.steps_stages import enter, leave, programme_of, stage_of
from ledger.procedure.programme import StageKind
from ledger.procedure.reasons import Refusal
from ledger.statements.kinds import name_of
from tests.simulator import History, freeze, go_on, new_world, resume

CITY, MEDAL = "zhuyuan-2022", "labour-medal-2024"
PROGRAMMES = (CITY, MEDAL)
APPLICANTS = {CITY: 24, MEDAL: 40}


def play_to_final(world: World, applicants: int) -> World:
    """Play a programme from its charter until its final order is fixed."""
    value = programme_of(world)
    plan = default_plan(value, applicants)
    play_enrolment(world, plan)
    play_members(world)
    play_watchers(world)
    play_deciders(world)
    for stage in value.stages_of(StageKind.PUBLIC_VOTE):
        play_channels(world, stage.id)
    play_applications(world, plan)
    play_screening(world, plan)
    for stage in value.stages:
        if stage.kind is StageKind.GROUP_ROUND:
            play_group_stage(world, stage.id)
        elif stage.kind is StageKind.PUBLIC_VOTE:
            play_public_vote(world, stage.id)
        elif stage.kind is StageKind.PANEL_ROUND:
            play_panel_stage(world, stage.id)
    play_calendar(world)
    return world


@cache
def final_history(programme: str) -> History:
    """Play a programme until its final order is fixed."""
    return freeze(play_to_final(new_world(programme), APPLICANTS[programme]))


@cache
def notice_history(programme: str) -> History:
    """Play a programme until its first notice has been published."""
    world = resume(final_history(programme))
    if deliberation_first(world):
        play_deliberation_stage(world)
    enter(world, StageKind.NOTICE)
    play_notice(world, wait=False)
    return freeze(world)


@cache
def approval_history(programme: str) -> History:
    """Play a programme until its stage of approval is open and everybody's notice is over."""
    world = resume(notice_history(programme))
    wait_for_notices(world)
    leave(world, StageKind.NOTICE)
    if not deliberation_first(world):
        play_deliberation_stage(world)
    enter(world, StageKind.APPROVAL)
    return freeze(world)


def at_final(programme: str = CITY) -> World:
    """Return a play in which the order is fixed and nothing has followed."""
    return go_on(final_history(programme))


def at_notice(programme: str = CITY) -> World:
    """Return a play in which everybody's notice has just begun."""
    return go_on(notice_history(programme))


def at_approval(programme: str = CITY) -> World:
    """Return a play in which the list is to be submitted."""
    return go_on(approval_history(programme))


def nominees(world: World) -> tuple[str, ...]:
    """Return the nominees by place."""
    return world.state.rounds.final.nominees if world.state.rounds.final else ()


def alternates(world: World) -> tuple[str, ...]:
    """Return the alternates in order."""
    return world.state.rounds.final.alternates if world.state.rounds.final else ()


def deliberation_first(world: World) -> bool:
    """Say whether the programme deliberates before it publishes."""
    stages = [stage.id for stage in programme_of(world).stages]
    kinds = (StageKind.DELIBERATION, StageKind.NOTICE)
    first, second = (stages.index(stage_of(world, kind).id) for kind in kinds)
    return first < second


def refuses(world: World, alias: str, body: Any, code: str, clause: str | None = None, **facts: str | int) -> Refusal:
    """Submit what must be refused with this code, clause and facts, and leave the log as it is."""
    size = world.state.size
    refusal = world.refused(alias, body)
    assert (refusal.code, world.state.size) == (code, size), f"{name_of(type(body))[0]}: {refusal}"
    assert clause is None or refusal.clause == clause
    assert facts.items() <= refusal.facts.items(), refusal
    return refusal
