"""The play of 公示: calendars, and the notices that are due."""

from api.rehearsal.driver import World
from api.rehearsal.steps_stages import enter, leave, open_stage, programme_of, stage_of
from ledger.calendar_source import announced_year
from ledger.nominees import list_hash, to_publish
from ledger.procedure.notice import civil_date
from ledger.procedure.programme import StageKind
from ledger.procedure.workdays import CalendarUnknown
from ledger.state.clocks import clock_of
from ledger.state.places import standing
from ledger.statements.foundation import CalendarRecorded
from ledger.statements.notices import NoticePublished


def play_calendar(world: World, *years: int) -> None:
    """Record the working-day calendars of these years as announced; by default of this year and, if known, the next."""
    this = civil_date(world.now, world.offset_minutes).year
    for year in years or (this, this + 1):
        if any(known.year == year for known in world.state.charter.calendar.years):
            continue
        try:
            announced = announced_year(year)
        except CalendarUnknown:
            if years:
                raise
            continue
        off, on = (tuple(day.isoformat() for day in days) for days in announced)
        world.must("organiser", CalendarRecorded(off, on, f"国务院办公厅关于{year}年部分节假日安排的通知", year))


def notice(world: World, **changes: object) -> NoticePublished:
    """Return the notice that is due: everybody through the first channel, those who moved up through the last."""
    number = len(world.state.notices.by_id) + 1
    channels = stage_of(world, StageKind.NOTICE).channels
    candidates = to_publish(world.state, programme_of(world), world.now)
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
