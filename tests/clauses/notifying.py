"""五(七): notice, its clock, objections from receipt to answer, and whoever moves up by them."""

from dataclasses import replace
from datetime import timedelta

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import (
    play_deliberation,
    play_inspection,
    refill,
    voices,
)
from api.rehearsal.steps_notice import notice, publish, wait_for_notices
from api.rehearsal.steps_objections import (
    decision,
    examine,
    hear,
    investigate,
    objection,
    play_objection,
    receive,
    vote_on,
)
from ledger.nominees import list_hash
from ledger.procedure.notice import civil_date
from ledger.state.clocks import clock_of
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.foundation import StageClosed
from ledger.statements.notices import (
    DecisionBlocked,
    HearingNotified,
    NoticeChanged,
    NoticeObserved,
    ObjectionAnswered,
    ObjectionExamined,
    ObjectionInvestigated,
    ObjectionWithdrawn,
    ReplyGiven,
    SealOpened,
)
from tests.clauses.deliberating import first, second
from tests.clauses.founding import calendar
from tests.clauses.row import Forbidden, Row
from tests.finalists import alternates


def published_elsewhere(world: World) -> Forbidden:
    return Forbidden("organiser", notice(world, channels=("somebodys-blog",)))


def saturday_worked(world: World) -> Forbidden:
    """A Saturday within the notice is said to be worked."""
    clock = clock_of(world.state, second(world))
    assert clock is not None
    day = civil_date(clock.published_at, world.offset_minutes)
    while day.weekday() != 5:
        day += timedelta(days=1)
    body = calendar(world)
    return Forbidden("screener-2", replace(body, on=tuple(sorted({*body.on, day.isoformat()}))))


def notice_over(world: World) -> None:
    wait_for_notices(world)
    world.must("organiser", StageClosed("notice"))


def a_moment_too_soon(world: World) -> Forbidden:
    clock = clock_of(world.state, first(world))
    assert clock is not None
    world.now = clock.ends_at - 1001
    return Forbidden("screener-2", StageClosed("notice"))


def material_change(world: World) -> None:
    before = clock_of(world.state, first(world))
    world.now += 86_400_000
    changed = NoticeChanged(world.digest("more deeds"), True, "notice-1", "补充主要事迹")
    world.must("organiser", changed)
    after = clock_of(world.state, first(world))
    assert before is not None
    assert after is not None
    assert after.ends_at > before.ends_at


def slight_change(world: World) -> Forbidden:
    return Forbidden("screener-2", NoticeChanged(world.digest("other deeds"), False, "notice-1", "调整事迹文字"))


def look(world: World, channel: str | None = None) -> NoticeObserved:
    """What discipline saw a minute ago in the notice's first channel, or in another."""
    notice_id, shown = next(iter(world.state.notices.by_id.items()))
    return NoticeObserved(channel or shown.channels[0], notice_id, world.now - 60_000, world.digest("page"))


def seen(world: World) -> None:
    world.now += 3_600_000
    world.must("inspector-1", look(world))
    world.must("discipline", replace(look(world), page=None))


def seen_elsewhere(world: World) -> Forbidden:
    world.now += 3_600_000
    return Forbidden("discipline", look(world, "somebodys-blog"))


def in_writing(world: World) -> None:
    examine(world, receive(world, first(world)))


def anonymous_hearing(world: World) -> Forbidden:
    known = receive(world, second(world), anonymous=True)
    examine(world, known, real_name=False)
    return Forbidden(
        "organiser", HearingNotified(second(world), known, world.now + 86_400_000, world.digest("substance"))
    )


def unopened(world: World) -> Forbidden:
    known = receive(world, second(world))
    return Forbidden("discipline", ObjectionExamined(True, known, True, "实名"))


def exposed(world: World) -> Forbidden:
    known = receive(world, second(world))
    examine(world, known)
    sealed = world.state.notices.objections.by_id[known].sealed
    return Forbidden("organiser", HearingNotified(second(world), known, world.now + 86_400_000, sealed))


def heard(world: World) -> None:
    known = receive(world, first(world))
    examine(world, known)
    hear(world, known)


def reply_of_another(world: World) -> Forbidden:
    known = receive(world, second(world))
    examine(world, known)
    respond_by = world.now + 86_400_000
    world.must("organiser", HearingNotified(second(world), known, respond_by, world.digest("substance")))
    return Forbidden(world.alias_of(first(world)), ReplyGiven(second(world), known, None, world.digest("reply")))


def unheard(world: World) -> Forbidden:
    known = receive(world, second(world))
    examine(world, known)
    return Forbidden("organiser", ObjectionInvestigated(world.digest("findings"), True, known, "核查属实"))


def sustained(world: World) -> None:
    play_objection(world, first(world))
    assert first(world) in world.state.out


def not_as_voted(world: World) -> Forbidden:
    known = receive(world, second(world))
    examine(world, known)
    hear(world, known)
    investigate(world, known, founded=False)
    vote_on(world, known, sustained=False)
    return Forbidden("organiser", decision(world, known, second(world), sustained=True))


def blocked(world: World) -> None:
    known = receive(world, first(world))
    examine(world, known)
    hear(world, known)
    investigate(world, known, founded=True)
    vote_on(world, known, sustained=True)
    world.must("discipline", DecisionBlocked(known, "表决程序有瑕疵"))


def blocked_too_soon(world: World) -> Forbidden:
    known = receive(world, second(world))
    examine(world, known)
    return Forbidden("discipline", DecisionBlocked(known, "不同意受理"))


def undecided_answer(world: World) -> Forbidden:
    known = receive(world, second(world))
    examine(world, known)
    return Forbidden("intake-1", ObjectionAnswered(known, world.digest("answer")))


def withdrawn_objection(world: World) -> None:
    known = receive(world, first(world))
    world.must("intake-1", ObjectionWithdrawn(world.digest("letter"), known))


def withdrawn_by_another(world: World) -> Forbidden:
    known = receive(world, second(world))
    return Forbidden("organiser", ObjectionWithdrawn(world.digest("letter"), known))


def on_arrival(world: World) -> None:
    world.now += 3_600_000
    act = world.must("intake-1", objection(world, first(world), arrived_at=world.now - 60_000))
    world.cosign(act, "intake-2")


def from_the_future(world: World) -> Forbidden:
    return Forbidden("intake-1", objection(world, second(world), arrived_at=world.now + 3_600_000))


def own_days(world: World) -> None:
    """The objection is sustained; the next alternate is inspected, agreed to and published for days of their own."""
    play_objection(world, first(world))
    refill(world)
    play_inspection(world)
    play_deliberation(world)
    before = clock_of(world.state, second(world))
    world.now += 86_400_000
    publish(world)
    assert clock_of(world.state, second(world)) == before
    own = clock_of(world.state, alternates(world)[0])
    assert own is not None
    assert before is not None
    assert own.ends_at > before.ends_at


def unpublished_alternate(world: World) -> Forbidden:
    play_objection(world, second(world))
    refill(world)
    wait_for_notices(world)
    return Forbidden("organiser", StageClosed("notice"))


def republished_uninspected(world: World) -> Forbidden:
    play_objection(world, second(world))
    refill(world)
    candidates = (alternates(world)[0],)
    return Forbidden("organiser", notice(world, candidates=candidates, list_hash=list_hash(candidates)))


def decider_of_the_unit(world: World) -> Forbidden:
    unit = world.state.applications.of_person(second(world))
    assert unit is not None
    world.enrol("leader-colleague", "leader", unit=unit.unit)
    known = receive(world, second(world))
    examine(world, known)
    hear(world, known)
    investigate(world, known, founded=True)
    given = voices((second(world),), reasoned=True)
    return Forbidden("leader-colleague", DeliberationVoted(f"objection:{known}", given))


def year_unknown(world: World) -> Forbidden:
    """At the end of a year whose successor was not announced."""
    last = max(one.year for one in world.state.charter.calendar.years)
    while civil_date(world.now, world.offset_minutes).isoformat() < f"{last}-12-30":
        world.now += 86_400_000
    return Forbidden("organiser", notice(world))


NOTICE = (
    Row(
        "五(七)",
        "Names and main deeds through the programme's own channels.",
        "agreed",
        publish,
        published_elsewhere,
        "CHANNEL_NOT_DECLARED",
    ),
    Row(
        "五(七)",
        "Five working days, to the end of the fifth.",
        "published",
        notice_over,
        a_moment_too_soon,
        "NOTICE_NOT_ELAPSED",
    ),
    Row(
        "五(七)",
        "The working-day calendar is recorded and never shortens a running notice.",
        "published",
        lambda world: world.must("organiser", calendar(world)),
        saturday_worked,
        "CALENDAR_SHORTENS",
    ),
    Row(
        "五(七)",
        "A year that is not announced is never guessed.",
        "agreed",
        publish,
        year_unknown,
        "CALENDAR_UNKNOWN",
    ),
    Row(
        "五(七)",
        "A material change restarts the notice; only a corrected name does not.",
        "published",
        material_change,
        slight_change,
        "CHANGE_IS_MATERIAL",
    ),
    Row(
        "五(七)",
        "Whoever watches over a notice reports what its own channels show.",
        "published",
        seen,
        seen_elsewhere,
        "CHANNEL_NOT_DECLARED",
    ),
    Row(
        "五(七)",
        "Whoever moves up has their own five working days, the others keep theirs.",
        "published",
        own_days,
        unpublished_alternate,
        "NOTICE_NOT_ELAPSED",
    ),
    Row(
        "五(七)",
        "And is inspected and agreed to before that.",
        "published",
        own_days,
        republished_uninspected,
        "PREREQUISITE_MISSING",
    ),
)
OBJECTIONS = (
    Row(
        "五(七)",
        "An objection is real-name and in writing; another is a lead and no more.",
        "published",
        in_writing,
        anonymous_hearing,
        "OBJECTION_NOT_ADMITTED",
    ),
    Row(
        "五(七)",
        "Its arrival on paper is attested by two and lies behind.",
        "published",
        on_arrival,
        from_the_future,
        "ARRIVAL_IN_FUTURE",
    ),
    Row(
        "五(七)",
        "Discipline opens the seal on the record before it says who is real.",
        "published",
        in_writing,
        unopened,
        "PREREQUISITE_MISSING",
    ),
    Row(
        "五(七)",
        "The candidate is told the substance, never the source.",
        "published",
        heard,
        exposed,
        "SOURCE_EXPOSED",
    ),
    Row("五(七)", "And replies for themselves.", "published", heard, reply_of_another, "NOT_AUTHORISED"),
    Row("五(七)", "Nobody is disqualified unheard.", "published", sustained, unheard, "PREREQUISITE_MISSING"),
    Row(
        "五(七)",
        "The decision is what the leaders voted by name.",
        "published",
        sustained,
        not_as_voted,
        "RESULT_NOT_DERIVED",
    ),
    Row(
        "五(七)",
        "Nobody decides an objection against their own unit.",
        "published",
        sustained,
        decider_of_the_unit,
        "DECIDER_CONFLICT",
    ),
    Row(
        "五(七)",
        "Discipline may block a decision once there is one.",
        "published",
        blocked,
        blocked_too_soon,
        "PREREQUISITE_MISSING",
    ),
    Row(
        "五(七)",
        "Every objection gets a reasoned reply, once decided.",
        "published",
        sustained,
        undecided_answer,
        "PREREQUISITE_MISSING",
    ),
    Row(
        "五(七)",
        "Only who filed an objection withdraws it.",
        "published",
        withdrawn_objection,
        withdrawn_by_another,
        "NOT_AUTHORISED",
    ),
    Row(
        "五(七)",
        "Sealed evidence is opened with reason, and only what is there.",
        "published",
        in_writing,
        lambda world: Forbidden("discipline", SealOpened("核对", world.digest("nothing"))),
        "UNKNOWN_EVIDENCE",
    ),
)
ROWS = (*NOTICE, *OBJECTIONS)
