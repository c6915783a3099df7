"""The play of 考察与审议: people who decide, inspections, the proposed list, named votes, vacancies.

Works for any programme: bodies, numbers and the order of stages are read from its value.
"""

from collections.abc import Collection, Sequence

from api.rehearsal.driver import World
from api.rehearsal.steps_notice import play_notice
from api.rehearsal.steps_stages import enter, leave, programme_of, stage_of
from ledger.nominees import list_hash, to_propose, to_publish
from ledger.procedure.programme import StageKind
from ledger.procedure.steps import steps_before
from ledger.state.deliberation_book import Matter
from ledger.state.places import next_up, standing, vacancies
from ledger.state.voters import kept_out
from ledger.statements import Act
from ledger.statements.deliberation import (
    CandidatesProposed,
    DeliberationClosed,
    DeliberationVoted,
    InspectionReported,
    SeatLeftVacant,
    VacancyFilled,
    Voice,
)

SPARE = 2
_STAFF = (
    ("inspector-1", "inspector"),
    ("inspector-2", "inspector"),
    ("intake-1", "intake_office"),
    ("intake-2", "intake_office"),
    ("auditor-2", "discipline"),
)


def leaders(world: World) -> tuple[str, ...]:
    """Return the aliases of the leadership group: as many as must vote, and some who may stay away."""
    return tuple(f"leader-{number:02d}" for number in range(1, programme_of(world).leaders_least + SPARE + 1))


def chairs(world: World) -> tuple[str, ...]:
    """Return the aliases of the body that approves."""
    body = programme_of(world).body(stage_of(world, StageKind.APPROVAL).body or "")
    return tuple(f"chair-{number:02d}" for number in range(1, (body.least_members if body else 1) + SPARE + 1))


def ensure(world: World, alias: str, role: str, unit: str) -> None:
    """Give a person a key and a role unless they have them."""
    known = world.state.roll.people.get(world.person(alias))
    if known is None:
        world.enrol(alias, role, unit=unit)
    elif role not in known.roles:
        world.grant(alias, role)


def play_deciders(world: World) -> None:
    """Enrol inspectors, reception desk, a second auditor, leaders and chairs; best while no stage is open."""
    programme = programme_of(world)
    for alias, role in _STAFF:
        ensure(world, alias, role, f"office-{alias}")
    offices = programme.sponsors
    for aliases, kind in ((leaders(world), StageKind.DELIBERATION), (chairs(world), StageKind.APPROVAL)):
        body = programme.body(stage_of(world, kind).body or "")
        for place, alias in enumerate(aliases):
            ensure(world, alias, body.role if body else "leader", offices[place % len(offices)])


def play_inspection(world: World, fails: Collection[str] = ()) -> None:
    """Let the inspectors report on everybody who holds a place and was not inspected; `fails` are person ids."""
    for place, person in enumerate(standing(world.state)):
        if person not in world.state.deliberation.inspections:
            world.must(f"inspector-{place % 2 + 1}", inspection(world, person, passed=person not in fails))


def inspection(world: World, person: str, *, passed: bool = True) -> InspectionReported:
    """Return an inspector's report."""
    reason = "所报事迹属实" if passed else "所报成果与岗位实际不符"
    return InspectionReported(person, "在一线岗位查看操作并走访班组", passed, reason, world.digest(f"report/{person}"))


def proposal(world: World) -> CandidatesProposed:
    """Return the candidate list as it follows from places and inspections."""
    candidates = to_propose(world.state)
    return CandidatesProposed(candidates, list_hash(candidates))


def propose(world: World) -> str:
    """Propose the derived list; returns the id of the matter to vote on."""
    return f"proposal:{world.must('organiser', proposal(world)).index}"


def voices(subjects: Sequence[str], against: Collection[str] = (), *, reasoned: bool = False) -> tuple[Voice, ...]:
    """Return a voice on each subject: no with a reason on those `against`, else yes (with a reason if `reasoned`)."""
    return tuple(
        Voice(subject not in against, "经讨论，理由见会议纪要" if reasoned or subject in against else None, subject)
        for subject in subjects
    )


def play_vote(
    world: World, matter_id: str, aliases: Sequence[str], against: Collection[str] = (), *, reasoned: bool = False
) -> Matter:
    """Let these people vote by name on every subject they may decide."""
    matter = world.state.deliberation.matters[matter_id]
    for alias in aliases:
        person = world.person(alias)
        subjects = [one for one in matter.subjects if not kept_out(world.state, matter_id, person, one)]
        if subjects:
            world.must(alias, DeliberationVoted(matter_id, voices(subjects, against, reasoned=reasoned)))
    return matter


def minutes(world: World, matter_id: str) -> str:
    """Return the digest of the minutes of a matter, another one each time it is deliberated."""
    matter = world.state.deliberation.matter(matter_id)
    return world.digest(f"minutes/{matter_id}/{len(matter.earlier) if matter else 0}")


def close_vote(world: World, matter_id: str) -> Act:
    """End a named vote with its minutes."""
    return world.must("organiser", DeliberationClosed(matter_id, minutes(world, matter_id)))


def play_deliberation(world: World, against: Collection[str] = ()) -> str:
    """Propose, let all leaders vote (no on the person ids `against`) and close; returns the matter's id."""
    matter_id = propose(world)
    play_vote(world, matter_id, leaders(world), against)
    close_vote(world, matter_id)
    return matter_id


def refill(world: World) -> None:
    """Fill every vacancy in its order; leave places empty once nobody is left."""
    while waiting := vacancies(world.state):
        vacated_by = waiting[0].vacated_by
        person, _ = next_up(world.state, world.state.size)
        if person is None:
            world.must("organiser", SeatLeftVacant("备选人员已全部递补", vacated_by))
        else:
            world.must("organiser", VacancyFilled(None, (), vacated_by))


def play_moved_up(world: World) -> None:
    """Fill what is vacant and let whoever moved up go the programme's way to the end of their own notice."""
    programme = programme_of(world)
    refill(world)
    for kind in steps_before(programme, StageKind.APPROVAL):
        if stage_of(world, kind).id not in world.state.charter.stages:
            continue
        if kind is StageKind.DELIBERATION and to_propose(world.state):
            play_inspection(world)
            play_deliberation(world)
        elif kind is StageKind.NOTICE and to_publish(world.state, programme, world.now):
            play_notice(world)


def play_deliberation_stage(
    world: World, against: Collection[str] = (), fails: Collection[str] = (), *, close: bool = True
) -> None:
    """Play clause 五(六) to its end: inspect, propose, deliberate, fill, and so on until everybody is agreed to."""
    enter(world, StageKind.DELIBERATION)
    published_first = StageKind.NOTICE in steps_before(programme_of(world), StageKind.DELIBERATION)
    while to_propose(world.state) or vacancies(world.state):
        play_inspection(world, fails)
        refill(world)
        if published_first and to_publish(world.state, programme_of(world), world.now):
            play_notice(world)
        due = to_propose(world.state)
        if due and all(one in world.state.deliberation.inspections for one in due):
            play_deliberation(world, against)
    if close:
        leave(world, StageKind.DELIBERATION)
