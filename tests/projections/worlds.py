"""Whole selections with everything that can happen in them, played once and kept; tests only look at them."""

from dataclasses import dataclass, field
from functools import cache, cached_property

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import (
    HOUR,
    default_plan,
    play_applications,
    play_enrolment,
    play_screening,
)
from api.rehearsal.steps_bodies import play_members
from api.rehearsal.steps_deliberation import play_deciders, play_deliberation_stage, play_moved_up
from api.rehearsal.steps_naming import play_aftermath, play_approval, play_naming
from api.rehearsal.steps_notice import play_calendar, play_notice_stage, publish, wait_for_notices
from api.rehearsal.steps_objections import play_objection, receive
from api.rehearsal.steps_polls import play_channels, play_public_vote
from api.rehearsal.steps_rounds import (
    SessionPlan,
    ballot,
    certify,
    close_round,
    enter_on_paper,
    members,
    open_round,
    play_group_stage,
    play_panel_stage,
    play_people,
    play_round,
    play_sitting,
    play_watchers,
)
from api.rehearsal.steps_stages import programme_of
from ledger.lists import entering
from ledger.procedure.programme import Stage, StageKind
from ledger.selection import Selection
from ledger.state.places import standing
from ledger.statements import Act, decode_entry
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.foundation import StageClosed, StageOpened
from ledger.statements.rounds import AttendanceWitnessed, RoundReopened
from tests.simulator import History, MemoryLedger, freeze, new_world

PROGRAMMES = ("zhuyuan-2022", "labour-medal-2024")


@dataclass
class Played:
    """A play, its acts, and the sizes of the log at points that tests ask for by name."""

    world: World
    marks: dict[str, int] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)

    @property
    def state(self) -> Selection:
        return self.world.state

    @property
    def entries(self) -> list[bytes]:
        assert isinstance(self.world.ledger, MemoryLedger)
        return self.world.ledger.entries

    @cached_property
    def acts(self) -> tuple[Act, ...]:
        return tuple(decode_entry(entry) for entry in self.entries)

    def mark(self, name: str) -> None:
        self.marks[name] = self.state.size

    def keep(self, name: str) -> None:
        """Keep the play as it is now, so that a test can go on from here."""
        self.mark(name)
        self.histories[name] = freeze(self.world)

    def person(self, alias: str) -> str:
        return self.world.person(alias)


@cache
def smooth(programme: str) -> Played:
    """A selection without incidents except late filings and ineligible applicants."""
    played = _prepared(programme)
    world = played.world
    for stage in programme_of(world).stages:
        played.mark(f"before:{stage.id}")
        match stage.kind:
            case StageKind.GROUP_ROUND:
                play_group_stage(world, stage.id)
            case StageKind.PANEL_ROUND:
                play_panel_stage(world, stage.id)
            case StageKind.PUBLIC_VOTE:
                play_public_vote(world, stage.id)
            case StageKind.DELIBERATION:
                play_deliberation_stage(world)
            case StageKind.NOTICE:
                play_calendar(world)
                play_notice_stage(world)
            case StageKind.APPROVAL:
                play_approval(world)
                play_naming(world)
            case StageKind.AFTERMATH:
                play_aftermath(world)
            case _:
                pass
    return played


@cache
def eventful() -> Played:
    """A selection by the notice of 2022 in which nearly everything happens that may."""
    played = _prepared(PROGRAMMES[0])
    world = played.world
    stages = {stage.id: stage for stage in programme_of(world).stages}
    played.keep("experts")
    play_group_stage(world, "experts", {"power": _paper_plan(world, "power")})
    play_group_stage(world, "industry")
    _withdrawal(played)
    played.keep("shortlist")
    _shortlist(played, stages["shortlist"])
    played.keep("public")
    _public_vote(played, stages["public"])
    _final(played, stages["final"])
    first = standing(world.state)[0]
    played.keep("deliberation")
    play_deliberation_stage(world, fails=[standing(world.state)[4]], against=[first])
    _notice(played)
    played.keep("approval")
    play_approval(world)
    play_naming(world)
    play_aftermath(world)
    played.mark("end")
    return played


def _prepared(programme: str) -> Played:
    played = Played(new_world(programme))
    world = played.world
    plan = default_plan(programme_of(world), 34, units=6)
    play_enrolment(world, plan)
    play_members(world)
    play_watchers(world)
    play_deciders(world)
    for stage in programme_of(world).stages_of(StageKind.PUBLIC_VOTE):
        play_channels(world, stage.id)
    play_calendar(world)
    played.mark("enrolled")
    play_applications(world, plan)
    play_screening(world, plan)
    return played


def _paper_plan(world: World, group: str) -> SessionPlan:
    return SessionPlan(paper=[f"experts-{group}-01"])


def _withdrawal(played: Played) -> None:
    """Somebody whom the industry groups recommended withdraws before the panel meets."""
    world = played.world
    stage = world.state.charter.stage("shortlist")
    assert stage is not None
    person = entering(world.state, stage)[-1]
    application = world.state.applications.of_person(person)
    assert application is not None
    world.must(world.alias_of(person), ApplicationWithdrawn(application.application, "本人调离本市"))
    played.marks["withdrawn"] = world.state.size


def _shortlist(played: Played, stage: Stage) -> None:
    """One member's presence is witnessed; the vote is reopened once."""
    world = played.world
    play_people(world, stage.id)
    world.must("organiser", StageOpened(stage.id))
    absent = members(world, stage.id, None)[-1]
    plan = SessionPlan(absent=[absent])
    play_sitting(world, stage.id, None, plan)
    witnessed = world.must("organiser", AttendanceWitnessed(None, world.person(absent), "密钥遗失，本人到场", stage.id))
    world.cosign(witnessed, "scrutineer-1", "scrutineer-2")
    first = open_round(world, stage.id, None)
    everybody = [world.alias_of(person) for person in first.candidates]
    for alias in members(world, stage.id, None)[:-1]:
        world.must(alias, ballot(world, first.id, everybody[: first.max_approvals]))
        if len(first.ballots) == 2:
            played.mark("shortlist:open")
    enter_on_paper(world, first.id, absent, everybody[-first.max_approvals :])
    played.mark("shortlist:voted")
    close_round(world, first.id)
    reopening = world.must("organiser", RoundReopened("有成员反映表决票说明不清", first.id))
    world.cosign(reopening, "discipline")
    played.mark("shortlist:reopened")
    play_round(world, stage.id, None)
    played.mark("shortlist:counted")
    certify(world, world.state.rounds.session(stage.id, None).subject)
    world.must("organiser", StageClosed(stage.id))


def _public_vote(played: Played, stage: Stage) -> None:
    world = played.world
    votes = {alias: 5000 + 100 * place for place, alias in enumerate(_ranked(world, stage))}
    twelfth, thirteenth = _ranked(world, stage)[12:14]
    play_public_vote(world, stage.id, votes | {twelfth: 4321, thirteenth: 4321})


def _ranked(world: World, stage: Stage) -> list[str]:
    return sorted(world.alias_of(person) for person in entering(world.state, stage))


def _final(played: Played, stage: Stage) -> None:
    """Tenth and eleventh are equal and parted by public votes; the last two by a run-off."""
    world = played.world
    order = _ranked(world, stage)
    approvals = dict(zip(order, (9, 9, 9, 8, 8, 8, 7, 7, 6, 5, 5, 4, 2, 2), strict=True))
    runoff = {order[12]: 3, order[13]: 6}
    play_panel_stage(world, stage.id, SessionPlan(order=order, approvals=approvals, runoffs=[runoff]))
    played.marks["final:certified"] = world.state.size


def _notice(played: Played) -> None:
    """One objection is sustained, one is not, one bears no name, one comes late."""
    world = played.world
    world.must("organiser", StageOpened("notice"))
    publish(world)
    world.now += 30 * HOUR
    second, third = standing(world.state)[1:3]
    receive(world, second)
    played.mark("objection:open")
    play_objection(world, third, sustained=False)
    play_objection(world, second, sustained=True)
    play_objection(world, third, anonymous=True)
    wait_for_notices(world)
    receive(world, third)
    play_moved_up(world)
    for waiting in world.state.notices.objections.open(world.state.out):
        raise AssertionError(f"still open: {waiting}")
    world.must("organiser", StageClosed("notice"))
