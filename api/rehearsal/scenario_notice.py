"""The contested play: the leaders' objection, the notice over the holidays, two objections, alternates, the naming."""

from datetime import date, timedelta

from api.rehearsal.beats import Beat, Fact, Tell
from api.rehearsal.driver import World
from api.rehearsal.seals import Seals
from api.rehearsal.steps_deliberation import (
    close_vote,
    leaders,
    play_deliberation,
    play_inspection,
    play_vote,
    propose,
    refill,
)
from api.rehearsal.steps_naming import play_approval, play_naming
from api.rehearsal.steps_notice import publish, wait_for_notices
from api.rehearsal.steps_objections import (
    answer,
    decision,
    examine,
    hear,
    investigate,
    objection,
    one_time_actor,
    vote_on,
)
from api.rehearsal.steps_stages import enter, leave, stage_of
from ledger.procedure.notice import civil_date
from ledger.procedure.programme import StageKind
from ledger.procedure.workdays import is_weekend
from ledger.signing import encode_base64
from ledger.state.clocks import clock_of
from ledger.state.places import standing
from ledger.statements.foundation import StageClosed

REJECTED, LEAD, UPHELD = 6, 4, 2
"""The places, from 0, of those whom the leaders reject, an anonymous letter is about, and a founded one is about."""
AGAINST = 8
DESK = "intake-1"
ANONYMOUS_TEXT = "反映某人选业绩不实（未署名）"
SIGNED_TEXT = "实名反映：某人选申报材料中的一项成果系他人完成，附证明材料"


def on(world: World, day: str, hour: int = 9) -> None:
    """Go on at a civil time, or now if that is past."""
    later = World(world.ledger, world.seed, 0, world.offset_minutes)
    later.set_time(day, hour)
    world.now = max(world.now, later.now)


def play_leaders(world: World, tell: Tell) -> None:
    """Inspect and propose ten; the leaders object to one, whose place goes to the first alternate, inspected too."""
    stage = enter(world, StageKind.DELIBERATION)
    play_inspection(world)
    ten = standing(world.state)
    inspected = sorted(world.state.deliberation.inspections[one].index for one in ten)
    tell(Beat(stage.id, "inspected", (inspected[0], inspected[-1]), {"people": len(ten)}))
    on(world, "2022-12-14")
    matter, rejected, group = propose(world), ten[REJECTED], leaders(world)
    play_vote(world, matter, group[:AGAINST], (rejected,))
    play_vote(world, matter, group[AGAINST:])
    closed = close_vote(world, matter)
    facts: dict[str, Fact] = {"who": rejected, "against": AGAINST, "members": len(group)}
    tell(Beat(stage.id, "leaders-object", (int(matter.split(":")[1]), closed.index), facts))
    on(world, "2022-12-19")
    _move_up(world, stage.id, tell)
    on(world, "2022-12-21")
    matter = play_deliberation(world)
    tell(Beat(stage.id, "agreed-again", (world.state.deliberation.matters[matter].closed or 0,)))
    leave(world, StageKind.DELIBERATION)


def _move_up(world: World, stage: str, tell: Tell) -> None:
    refill(world)
    filled = world.state.deliberation.places.fillings[-1]
    play_inspection(world)
    moved = filled.filled_by or ""
    entries = (filled.at, world.state.deliberation.inspections[moved].index)
    tell(Beat(stage, "moved-up", entries, {"who": moved, "instead": filled.vacated_by, "seat": filled.seat}))


def play_notices(world: World, seals: Seals, tell: Tell) -> None:
    """Publish all ten over New Year; an anonymous letter, a founded objection, the next alternate's own notice."""
    stage = enter(world, StageKind.NOTICE)
    on(world, "2022-12-28", 10)
    _tell_notice(world, stage.id, publish(world), tell)
    on(world, "2022-12-30", 11)
    _anonymous(world, stage.id, standing(world.state)[LEAD], seals, tell)
    on(world, "2023-01-03", 10)
    founded, accused = _signed(world, standing(world.state)[UPHELD], seals)
    on(world, "2023-01-05", 9)
    refusal = world.refused("organiser", StageClosed(stage.id))
    facts = {"who": world.person("organiser"), "clause": refusal.clause}
    tell(Beat(stage.id, refusal.code, (), facts, refused=True))
    _uphold(world, stage.id, founded, accused, tell)
    on(world, "2023-01-13")
    _move_up(world, stage.id, tell)
    on(world, "2023-01-16")
    play_deliberation(world)
    on(world, "2023-01-16", 15)
    _tell_notice(world, stage.id, publish(world), tell)
    wait_for_notices(world)
    on(world, "2023-01-30")
    leave(world, StageKind.NOTICE)


def _tell_notice(world: World, stage: str, notice_id: str, tell: Tell) -> None:
    known = world.state.notices.by_id[notice_id]
    clock = clock_of(world.state, known.candidates[0])
    if clock is None:
        return
    published = civil_date(clock.published_at, clock.offset_minutes)
    facts: dict[str, Fact] = {
        "people": len(known.candidates),
        "published": published.isoformat(),
        "days": clock.days,
        "last_day": clock.last_day.isoformat(),
        "naive": weekdays_after(published, clock.days).isoformat(),
    }
    tell(Beat(stage, "published", (known.index,), facts))


def weekdays_after(published: date, days: int) -> date:
    """Return where counting Monday to Friday would end, which knows no public holiday."""
    day = published
    while days:
        day += timedelta(days=1)
        days -= not is_weekend(day)
    return day


def _anonymous(world: World, stage: str, about: str, seals: Seals, tell: Tell) -> None:
    body = objection(world, about)
    alias = f"objector-{body.objection[:8]}"
    public = encode_base64(one_time_actor(world, alias).key.public)
    sealed = seals(world, body.objection, 1, ANONYMOUS_TEXT, None)
    received = world.must(alias, objection(world, about, one_time_key=public, sealed=sealed))
    examine(world, body.objection, real_name=False)
    examined = world.state.notices.objections.by_id[body.objection].examined
    tell(Beat(stage, "anonymous", (received.index, examined or received.index), {"who": about}))


def _signed(world: World, about: str, seals: Seals) -> tuple[str, str]:
    body = objection(world, about)
    sealed = seals(world, body.objection, 2, SIGNED_TEXT, DESK)
    world.must(DESK, objection(world, about, sealed=sealed))
    examine(world, body.objection)
    hear(world, body.objection)
    return body.objection, about


def _uphold(world: World, stage: str, objection_id: str, about: str, tell: Tell) -> None:
    on(world, "2023-01-09")
    investigate(world, objection_id, founded=True)
    on(world, "2023-01-11")
    vote_on(world, objection_id, sustained=True)
    decided = world.must("organiser", decision(world, objection_id, about, sustained=True))
    answer(world, objection_id)
    known = world.state.notices.objections.by_id[objection_id]
    heard = known.hearings[about]
    entries = (known.index, heard.index, heard.reply or heard.index, decided.index, known.answered or decided.index)
    tell(Beat(stage, "upheld", entries, {"who": about, "number": known.number}))


def play_names(world: World, tell: Tell) -> None:
    """Check again, submit, approve, name and confer."""
    on(world, "2023-01-31")
    submitted = play_approval(world)
    stage = stage_of(world, StageKind.APPROVAL).id
    known = world.state.naming.submissions[submitted]
    chairs = len(world.state.deliberation.matters[f"approval:{submitted}"].votes)
    facts = {"people": len(known.candidates), "chairs": chairs}
    tell(Beat(stage, "approved", (known.index, known.decided or known.index), facts))
    on(world, "2023-02-02")
    named = play_naming(world)
    sponsors = len(world.state.charter.latest.programme.sponsors)
    facts = {"people": len(known.candidates), "sponsors": sponsors}
    tell(Beat(stage, "named", (named, world.state.naming.conferred or named), facts))
