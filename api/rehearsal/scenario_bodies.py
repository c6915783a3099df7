"""The contested play: keys for everybody, filings spread over the window, screening, and the people of the bodies."""

from api.rehearsal.beats import Beat, Tell
from api.rehearsal.driver import World
from api.rehearsal.steps_applications import (
    Applicant,
    Plan,
    filing,
    paper_recommendation,
    play_enrolment,
    play_filing,
    play_late_filing,
    play_screening,
    receive_paper,
)
from api.rehearsal.steps_bodies import groups_of, members_of, play_draw, play_members
from api.rehearsal.steps_deliberation import play_deciders
from api.rehearsal.steps_notice import play_calendar
from api.rehearsal.steps_polls import play_channels
from api.rehearsal.steps_rounds import play_watchers
from ledger import grouping
from ledger.procedure.programme import Stage, StageKind
from ledger.state.application_window import applications_stage, closes_at
from ledger.statements.applications import ConsentGiven
from ledger.statements.bodies import RosterSet
from ledger.statements.foundation import StageClosed, StageOpened

HOUR = 3_600_000
SEATED_MORE = {StageKind.GROUP_ROUND: 2, StageKind.PANEL_ROUND: 4}
"""Members seated beyond the least number that a body needs."""
PANEL_RESERVES = 2


def play_people(world: World, plan: Plan, years: tuple[int, ...], tell: Tell) -> None:
    """Record the calendars and enrol everybody with a key of their own, before any stage opens."""
    play_calendar(world, *years)
    play_enrolment(world, plan)
    play_deciders(world)
    play_watchers(world)
    for stage in _stages(world):
        if stage.kind is StageKind.PUBLIC_VOTE:
            play_channels(world, stage.id)
        elif stage.kind in SEATED_MORE:
            play_members(world, [stage.id], SEATED_MORE[stage.kind] + _reserves(stage))
    tell(Beat("", "enrolled", (world.state.size - 1,), {"people": len(world.state.roll.people)}))


def _stages(world: World) -> tuple[Stage, ...]:
    return world.state.charter.latest.programme.stages


def _reserves(stage: Stage) -> int:
    return PANEL_RESERVES if stage.kind is StageKind.PANEL_ROUND else 0


def play_window(world: World, plan: Plan, tell: Tell) -> None:
    """Let everybody file within the window, one on paper that is keyed late, one too late."""
    stage = applications_stage(world.state)
    opens = world.now = max(world.now, stage.opens_at or 0)
    world.must("organiser", StageOpened(stage.id))
    deadline = closes_at(world.state)
    timely = [one for one in plan.timely if not one.keyed_late]
    for place, one in enumerate(timely):
        world.now = max(world.now, opens + 9 * HOUR + place * (deadline - opens - 24 * HOUR) // len(timely))
        play_filing(world, one)
    world.now = max(world.now, deadline + 9 * HOUR)
    for one in plan.applicants:
        if one.keyed_late:
            _key_late(world, one, deadline - 8 * HOUR)
        elif one.late:
            play_late_filing(world, one)
    closed = world.must("organiser", StageClosed(stage.id))
    _tell_window(world, plan, stage.id, closed.index, tell)


def _key_late(world: World, one: Applicant, arrived_at: int) -> None:
    """The paper arrived before the deadline; the desk keys it after."""
    world.must("intake-1", filing(world, one, consent=world.digest(f"consent/{one.alias}")))
    receive_paper(world, one, arrived_at)
    world.must(one.alias, ConsentGiven(one.application))
    way = world.state.charter.latest.programme.way(one.way)
    for level in way.levels if way else ():
        world.cosign(world.must("intake-1", paper_recommendation(world, one, level, arrived_at)), "intake-2")


def _tell_window(world: World, plan: Plan, stage: str, closed: int, tell: Tell) -> None:
    known = world.state.applications
    occupations, units = known.received_by("occupation"), len(plan.units)
    facts = {"applications": len(known.received()), "occupations": len(occupations), "units": units}
    tell(Beat(stage, "window", (world.state.charter.stages[stage].opened, closed), facts))
    for one in plan.applicants:
        filed = known.by_id[one.application]
        if one.late:
            tell(Beat(stage, "late-filing", (filed.index, filed.refused or filed.index), {"who": filed.person}))
        if one.keyed_late:
            tell(Beat(stage, "keyed-late", (filed.index, filed.paper or filed.index), {"who": filed.person}))


def screen_all(world: World, plan: Plan, stage: str, tell: Tell) -> None:
    """Decide every criterion of every application in time."""
    play_screening(world, plan)
    progress = world.state.charter.stages[stage]
    facts = {"eligible": len(world.state.applications.eligible()), "decided": len(plan.timely)}
    tell(Beat(stage, "screened", (progress.opened, progress.closed or progress.opened), facts))
    for one in plan.timely:
        known = world.state.applications.by_id[one.application]
        if one.ineligible and known.decision is not None:
            tell(Beat(stage, "ineligible", (known.decision.index,), {"who": known.person}))


def seat(world: World, stage: Stage, tell: Tell) -> None:
    """Set a stage's rosters: groups as enrolled, the panel as drawn once from seeds committed beforehand."""
    programme, more = world.state.charter.version_for(stage.id).programme, SEATED_MORE[stage.kind]
    rule = world.digest("composition-measure")
    for group in groups_of(stage):
        aliases = members_of(programme, stage, group, more + _reserves(stage))
        people = tuple(world.person(alias) for alias in aliases)
        draw = None
        if stage.kind is StageKind.PANEL_ROUND:
            people, draw = _drawn(world, stage, people)
        size = len(people) - _reserves(stage)
        act = world.must("organiser", RosterSet(draw, group, people[:size], people[size:], rule, stage.id))
        if draw is not None:
            drawn = world.state.bodies.draws[draw]
            facts = {"pool": len(people), "members": size}
            tell(Beat(stage.id, "drawn", (drawn.index, drawn.drawn_at or drawn.index, act.index), facts))


def _drawn(world: World, stage: Stage, pool: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """The panel is drawn when it first sits; when it sits again its members stay as they were drawn."""
    earlier = [one for one in world.state.bodies.rosters.values() if set(pool) == {*one.members, *one.reserves}]
    if earlier:
        return (*earlier[-1].members, *earlier[-1].reserves), None
    draw = f"draw-{stage.id}"
    return play_draw(world, "roster", grouping.subject(stage.id), sorted(pool), draw), draw
