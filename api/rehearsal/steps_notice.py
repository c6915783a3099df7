"""The play of 公示 and 异议: notices, and an objection from its receipt to the answer and what follows from it."""

import hashlib

from api.rehearsal.driver import Actor, World
from api.rehearsal.steps_deliberation import (
    close_vote,
    enter,
    leaders,
    leave,
    minutes,
    open_stage,
    play_deliberation,
    play_inspection,
    play_vote,
    refill,
    stage_of,
)
from ledger.calendar_source import announced_year
from ledger.nominees import first_missing, list_hash, to_propose, to_publish
from ledger.procedure.notice import civil_date
from ledger.procedure.programme import StageKind
from ledger.procedure.steps import steps_before
from ledger.roll import SEALED_PREFIX
from ledger.signing import SigningKey, encode_base64, key_id
from ledger.state.clocks import clock_of
from ledger.state.places import standing
from ledger.statements.foundation import CalendarRecorded
from ledger.statements.notices import (
    HearingNotified,
    NoticePublished,
    ObjectionAnswered,
    ObjectionDecided,
    ObjectionExamined,
    ObjectionInvestigated,
    ObjectionReceived,
    ReplyGiven,
    SealOpened,
)

HOUR = 3_600_000


def play_calendar(world: World, *years: int) -> None:
    """Record the working-day calendars of these years as announced; by default of this year and, if known, the next."""
    this = civil_date(world.now, world.offset_minutes).year
    for year in years or (this, this + 1):
        if any(known.year == year for known in world.state.charter.calendar.years):
            continue
        off, on = (tuple(day.isoformat() for day in days) for days in announced_year(year))
        world.must("organiser", CalendarRecorded(off, on, f"国务院办公厅关于{year}年部分节假日安排的通知", year))


def notice(world: World, **changes: object) -> NoticePublished:
    """Return the notice that is due: everybody through the first channel, those who moved up through the last."""
    number = len(world.state.notices.by_id) + 1
    channels = stage_of(world, StageKind.NOTICE).channels
    candidates = to_publish(world.state, world.state.charter.latest.programme, world.now)
    values: dict[str, object] = {
        "candidates": candidates,
        "channels": channels[:1] if number == 1 else channels[-1:],
        "deeds": world.digest(f"deeds/{number}"),
        "list_hash": list_hash(candidates),
        "notice": f"notice-{number}",
        "stage": open_stage(world).id,
    }
    return NoticePublished(**(values | changes))  # type: ignore[arg-type]


def publish(world: World) -> str:
    """Publish the notice that is due; returns its id."""
    body = notice(world)
    world.must("organiser", body)
    return body.notice


def wait_for_notices(world: World) -> None:
    """Let the time of everybody's notice run out."""
    ends = [clock.ends_at for person in standing(world.state) if (clock := clock_of(world.state, person)) is not None]
    world.now = max([world.now, *ends])


def play_notice(world: World, *, wait: bool = True) -> None:
    """Publish whoever is due, and wait for the end of the notice."""
    publish(world)
    if wait:
        wait_for_notices(world)


def play_notice_stage(world: World, *, close: bool = True) -> None:
    """Play clause 五(七) without objections, to its end."""
    enter(world, StageKind.NOTICE)
    play_notice(world)
    if close:
        leave(world, StageKind.NOTICE)


def play_moved_up(world: World) -> None:
    """Fill what is vacant and let whoever moved up go the programme's way to the end of their own notice."""
    programme = world.state.charter.latest.programme
    refill(world)
    for kind in steps_before(programme, StageKind.APPROVAL):
        if stage_of(world, kind).id not in world.state.charter.stages:
            continue
        waiting = [one for one in standing(world.state) if _lacks(world, one)]
        if waiting and kind is StageKind.DELIBERATION and to_propose(world.state):
            play_inspection(world)
            play_deliberation(world)
        elif waiting and kind is StageKind.NOTICE and to_publish(world.state, programme, world.now):
            play_notice(world)


def _lacks(world: World, person: str) -> bool:
    programme = world.state.charter.latest.programme
    return first_missing(world.state, programme, person, StageKind.APPROVAL, world.now) is not None


def one_time_actor(world: World, alias: str) -> Actor:
    """Return somebody who acts by a key made for one objection, known only as `sealed:` and the key's id."""
    known = world.actors.get(alias)
    if known is None:
        key = SigningKey.from_seed(hashlib.sha256(f"{world.seed}/one-time/{alias}".encode()).digest())
        known = Actor(alias, SEALED_PREFIX + key_id(key.public), key, "-", "-")
        world.actors[alias] = known
    return known


def objection(world: World, *against: str, **changes: object) -> ObjectionReceived:
    """Return the outer statement of an objection against these people, to their notice."""
    number = len(world.state.notices.objections.by_id) + 1
    values: dict[str, object] = {
        "against": against,
        "arrived_at": None,
        "notice": world.state.notices.of_person[against[0]].id,
        "objection": world.identifier(f"objection/{number}"),
        "one_time_key": None,
        "sealed": world.digest(f"sealed/{number}"),
    }
    return ObjectionReceived(**(values | changes))  # type: ignore[arg-type]


def receive(world: World, *against: str, anonymous: bool = False) -> str:
    """Let an objection come in: in writing at the desk, or by a one-time key; returns its id."""
    body = objection(world, *against)
    if anonymous:
        alias = f"objector-{body.objection[:8]}"
        public = encode_base64(one_time_actor(world, alias).key.public)
        body = objection(world, *against, one_time_key=public)
        world.must(alias, body)
    else:
        world.must("intake-1", body)
    return body.objection


def examine(world: World, objection_id: str, *, real_name: bool = True) -> None:
    """Let discipline open the seal and say whether the objection is admissible."""
    known = world.state.notices.objections.by_id[objection_id]
    world.must("discipline", SealOpened("核对异议人身份", known.sealed))
    reason = "实名书面提出" if real_name else "未署名，作为线索留存"
    world.must("discipline", ObjectionExamined(True, objection_id, real_name, reason))


def hear(world: World, objection_id: str, *, replies: bool = True) -> None:
    """Tell those concerned the substance and let them reply, or let their time pass."""
    known = world.state.notices.objections.by_id[objection_id]
    for person in known.undecided(world.state.out):
        substance = world.digest(f"substance/{objection_id}/{person}")
        respond_by = world.now + 24 * HOUR
        world.must("organiser", HearingNotified(person, objection_id, respond_by, substance))
        if replies:
            reply(world, objection_id, person)
        else:
            world.now = respond_by


def reply(world: World, objection_id: str, person: str) -> None:
    """Let a candidate reply by the own key, or on paper through the desk where they have none."""
    text = world.digest(f"reply/{objection_id}/{person}")
    if world.state.roll.people[person].keys:
        world.must(world.alias_of(person), ReplyGiven(person, objection_id, None, text))
    else:
        paper = world.digest(f"reply-paper/{objection_id}/{person}")
        world.must("intake-1", ReplyGiven(person, objection_id, paper, text))


def investigate(world: World, objection_id: str, *, founded: bool) -> None:
    """Let the organiser report the findings."""
    reason = "经核实，反映的问题属实" if founded else "经核实，反映的问题不属实"
    findings = world.digest(f"findings/{objection_id}")
    world.must("organiser", ObjectionInvestigated(findings, founded, objection_id, reason))


def vote_on(world: World, objection_id: str, *, sustained: bool) -> None:
    """Let the leaders decide by name, with reasons."""
    matter_id = f"objection:{objection_id}"
    subjects = world.state.deliberation.matters[matter_id].subjects
    play_vote(world, matter_id, leaders(world), () if sustained else subjects, reasoned=True)
    close_vote(world, matter_id)


def decision(world: World, objection_id: str, person: str, *, sustained: bool) -> ObjectionDecided:
    """Return the decision on one candidate."""
    held = minutes(world, f"objection:{objection_id}")
    return ObjectionDecided(person, world.digest(f"findings/{objection_id}"), held, objection_id, sustained)


def answer(world: World, objection_id: str) -> None:
    """Give the filer the reasoned reply."""
    world.must("intake-1", ObjectionAnswered(objection_id, world.digest(f"answer/{objection_id}")))


def play_objection(world: World, *against: str, sustained: bool = True, anonymous: bool = False) -> str:
    """Play an objection to its answer; returns its id.

    A sustained one leaves its place vacant: `play_moved_up` goes on. An anonymous one ends as a lead.
    """
    objection_id = receive(world, *against, anonymous=anonymous)
    examine(world, objection_id, real_name=not anonymous)
    if not anonymous:
        hear(world, objection_id)
        investigate(world, objection_id, founded=sustained)
        about = world.state.notices.objections.by_id[objection_id].undecided(world.state.out)
        vote_on(world, objection_id, sustained=sustained)
        for person in about:
            world.must("organiser", decision(world, objection_id, person, sustained=sustained))
        answer(world, objection_id)
    return objection_id
