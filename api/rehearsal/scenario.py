"""A whole selection as a play, on whatever ledger it is given: from the charter that is sealed already to the naming.

The programme of 2022 is played with everything that a selection can be contested by; any other programme is played
straight through. The same seed gives the same entries.
"""

from api.rehearsal.beats import Beat, Tell, silent
from api.rehearsal.driver import World
from api.rehearsal.scenario_bodies import play_people, play_window, screen_all, seat
from api.rehearsal.scenario_notice import on, play_leaders, play_names, play_notices
from api.rehearsal.scenario_rounds import play_final, play_groups_stage, play_public, play_shortlist
from api.rehearsal.seals import Seals, unsealed
from api.rehearsal.steps_applications import default_plan, play_applications, play_enrolment, play_screening
from api.rehearsal.steps_deliberation import play_deciders, play_deliberation_stage
from api.rehearsal.steps_naming import play_approval, play_naming
from api.rehearsal.steps_notice import play_calendar, play_notice_stage
from api.rehearsal.steps_polls import play_public_vote
from api.rehearsal.steps_rounds import play_group_stage, play_panel_stage
from ledger.procedure.notice import civil_date
from ledger.procedure.programme import StageKind

FOUNDED = ("2022-09-20", 9)
"""When the contested play begins, so that its dates fit."""
APPLICANTS = 64
_DAYS = {
    "screening": "2022-10-26",
    "experts": "2022-11-07",
    "industry": "2022-11-14",
    "shortlist": "2022-11-18",
    "public": "2022-11-21",
    "final": "2022-12-01",
    "inspection": "2022-12-05",
}


def play_contested(world: World, tell: Tell = silent, seals: Seals = unsealed) -> None:
    """Play the selection of 2022: every stage, and on the way every kind of trouble it provides for."""
    programme = world.state.charter.latest.programme
    plan = default_plan(programme, APPLICANTS)
    sealed = world.state.charter.endorsed
    tell(Beat("", "charter", (0, max(sealed.values())), {"sponsors": len(sealed), "stages": len(programme.stages)}))
    play_people(world, plan, (programme.year, programme.year + 1), tell)
    panels = 0
    for stage in programme.stages:
        if stage.id in _DAYS:
            on(world, _DAYS[stage.id])
        if stage.kind in (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND):
            seat(world, stage, tell)
        match stage.kind:
            case StageKind.APPLICATIONS:
                play_window(world, plan, tell)
            case StageKind.SCREENING:
                screen_all(world, plan, stage.id, tell)
            case StageKind.GROUP_ROUND:
                play_groups_stage(world, stage, bool(stage.scored), tell)
            case StageKind.PANEL_ROUND:
                (play_final if panels else play_shortlist)(world, stage, tell)
                panels += 1
            case StageKind.PUBLIC_VOTE:
                play_public(world, stage, tell)
            case StageKind.DELIBERATION:
                play_leaders(world, tell)
            case StageKind.NOTICE:
                play_notices(world, seals, tell)
            case StageKind.APPROVAL:
                play_names(world, tell)
            case _:
                return


def play_straight(world: World, applicants: int = 30) -> None:
    """Play any programme from its first stage to the naming, with nothing contested but a late filing."""
    programme = world.state.charter.latest.programme
    plan = default_plan(programme, applicants)
    year = civil_date(world.now, world.offset_minutes).year
    play_calendar(world, *sorted({year, programme.year, programme.year + 1}))
    play_enrolment(world, plan)
    play_deciders(world)
    for stage in programme.stages:
        match stage.kind:
            case StageKind.APPLICATIONS:
                play_applications(world, plan)
            case StageKind.SCREENING:
                play_screening(world, plan)
            case StageKind.GROUP_ROUND:
                play_group_stage(world, stage.id)
            case StageKind.PANEL_ROUND:
                play_panel_stage(world, stage.id)
            case StageKind.PUBLIC_VOTE:
                play_public_vote(world, stage.id)
            case StageKind.DELIBERATION:
                play_deliberation_stage(world)
            case StageKind.NOTICE:
                play_notice_stage(world)
            case StageKind.APPROVAL:
                play_approval(world)
                play_naming(world)
            case _:
                return
