"""Worlds in which a stage of the 2022 programme is about to begin, and what the tests of votes ask of them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import default_plan, play_applications, play_enrolment, play_screening
from api.rehearsal.steps_bodies import play_members
from api.rehearsal.steps_polls import play_channels, play_public_vote
from api.rehearsal.steps_rounds import (
    SessionPlan,
    open_round,
    play_group_stage,
    play_panel_stage,
    play_people,
    play_sitting,
    play_watchers,
)
from ledger.procedure.programme import StageKind
from ledger.procedure.reasons import Refusal
from ledger.programmes import load_shipped
from ledger.selection import Selection
from ledger.state.finding_book import Finding
from ledger.state.rounds import Round
from ledger.statements.foundation import StageOpened
from projections.replay import replay
from tests.simulator import History, MemoryLedger, entries_of, freeze, go_on, new_world, resume

APPLICANTS = 20
PANEL = tuple(f"panel-{number:02d}" for number in range(1, 10))
PEOPLE = tuple(f"applicant-{number:02d}" for number in range(1, APPLICANTS + 1))


def prepared(programme: Mapping[str, Any] | str = "zhuyuan-2022", *, channels: bool = True) -> World:
    """Return a world in which everybody has a key and role, and applications and screening are over.

    The channels of a public vote are registered too unless a test does that itself.
    """
    world = new_world(programme)
    plan = default_plan(
        world.state.charter.latest.programme, APPLICANTS, late=0, keyed_late=0, ineligible=0, units=APPLICANTS
    )
    play_enrolment(world, plan)
    play_members(world)
    play_watchers(world)
    for stage in world.state.charter.latest.programme.stages_of(StageKind.PUBLIC_VOTE):
        if channels:
            play_channels(world, stage.id)
    play_applications(world, plan)
    play_screening(world, plan)
    return world


def play_until(world: World, stage_id: str, votes: Mapping[str, int] | None = None) -> None:
    """Play every stage of rounds and polls before a stage that has not begun."""
    for stage in world.state.charter.latest.programme.before(stage_id):
        if stage.id in world.state.charter.stages:
            continue
        if stage.kind is StageKind.GROUP_ROUND:
            play_group_stage(world, stage.id)
        elif stage.kind is StageKind.PANEL_ROUND:
            play_panel_stage(world, stage.id)
        elif stage.kind is StageKind.PUBLIC_VOTE:
            play_public_vote(world, stage.id, votes)


@cache
def history_before(stage_id: str) -> History:
    """Return the history of the 2022 programme up to where a stage may open."""
    world = prepared()
    play_until(world, stage_id)
    play_people(world, stage_id)
    return freeze(world)


def world_before(stage_id: str) -> World:
    """Return a world of one's own in which a stage of the 2022 programme may open."""
    return go_on(history_before(stage_id))


def sitting(stage_id: str, group: str | None = None, plan: SessionPlan | None = None) -> World:
    """Return a world in which a panel's stage is open, and discussion is over."""
    world = world_before(stage_id)
    world.must("organiser", StageOpened(stage_id))
    play_sitting(world, stage_id, group, plan or SessionPlan())
    return world


def voting(stage_id: str = "shortlist", plan: SessionPlan | None = None) -> tuple[World, Round]:
    """Return a world in which the panel's round is open, and that round."""
    world = sitting(stage_id, None, plan)
    return world, open_round(world, stage_id, None)


def refused(world: World, alias: str, body: Any, code: str, clause: str, **header: Any) -> Refusal:
    """Assert that a statement is refused with this code and clause, and changes nothing."""
    size = world.state.size
    refusal = world.refused(alias, body, **header)
    assert (refusal.code, refusal.clause) == (code, clause), refusal
    assert world.state.size == size
    return refusal


def replayed(world: World) -> Selection:
    """Return the state folded anew from the entries."""
    return replay(entries_of(world))


def finding(world: World, code: str, severity: str) -> Finding:
    """Return the only finding of a code; live and replayed it is the same, open, and of this severity."""
    (live,) = (one for one in world.state.findings.by_id.values() if one.code == code)
    (again,) = (one for one in replayed(world).findings.by_id.values() if one.code == code)
    assert live == again
    assert (live.severity, live.closed) == (severity, None)
    return live


def findings(world: World, code: str) -> tuple[Finding, ...]:
    """Return all findings of a code."""
    return tuple(one for one in world.state.findings.by_id.values() if one.code == code)


def dishonest(world: World, alias: str, body: Any, **header: Any) -> None:
    """Let a ledger that does not decide admit a statement."""
    if not isinstance(world.ledger, MemoryLedger):
        world.ledger = MemoryLedger(entries_of(world))
    world.ledger.honest = False
    world.must(alias, body, **header)
    world.ledger.honest = True


def changed(programme: str = "zhuyuan-2022", *, readings: Mapping[str, str], **top: Any) -> dict[str, Any]:
    """Return a shipped programme with other readings or numbers."""
    value = dict(load_shipped(programme)) | top
    value["readings"] = [_chosen(one, readings.get(one["id"], one["chosen"])) for one in value["readings"]]
    return value


def _chosen(reading: Mapping[str, Any], chosen: str) -> dict[str, Any]:
    known = {reading["chosen"], *reading.get("alternatives", ())}
    return dict(reading) | {"chosen": chosen, "alternatives": sorted(known - {chosen})}


@cache
def history_voted(votes: tuple[tuple[str, int], ...]) -> History:
    """Return the history up to where the final stage may open, with these public votes."""
    world = resume(history_before("public"))
    play_until(world, "final", dict(votes))
    play_people(world, "final")
    return freeze(world)


def final_with(votes: Mapping[str, int]) -> World:
    """Return a world in which the final stage of the 2022 programme may open, with these public votes."""
    return go_on(history_voted(tuple(sorted(votes.items()))))
