"""Civil dates, deadlines and the clock of a public notice (公示): clauses 五(七), 七(四), `deadline`, `notice_start`.

Instants are integer UTC milliseconds; a civil date is a date at the offset (minutes east of UTC) that the charter
records. A period includes its first instant and excludes its end, so "24:00 of the last day" is 00:00 of the next.
Each person has a clock of their own; whether an objection is open, and what that stops, is judged elsewhere.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ledger.procedure.workdays import WorkCalendar

_MINUTE = 60_000
_DAY = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()


class NoticeStatus(StrEnum):
    """Where a notice stands."""

    NOT_BEGUN = "not_begun"
    RUNNING = "running"
    ELAPSED = "elapsed"


class ObjectionTiming(StrEnum):
    """When an objection (异议) arrived, measured against the notice of the person it is about."""

    EARLY = "early"
    IN_TIME = "in_time"
    LATE = "late"


def civil_date(at: int, offset_minutes: int) -> date:
    """Give the civil date of an instant in UTC milliseconds, at an offset in minutes east of UTC."""
    return date.fromordinal(_EPOCH + (at + offset_minutes * _MINUTE) // _DAY)


def instant(day: date, offset_minutes: int) -> int:
    """Give the instant, in UTC milliseconds, at which `day` begins at that offset."""
    return (day.toordinal() - _EPOCH) * _DAY - offset_minutes * _MINUTE


def closes_at(last_day: date, offset_minutes: int) -> int:
    """Clause 七(四), reading `deadline`: the last day is inside; give the first instant that is too late."""
    return instant(last_day, offset_minutes) + _DAY


def in_time(received_at: int, deadline: int) -> bool:
    """Tell whether something came before the deadline, the first instant that is too late (过期不予受理)."""
    return received_at < deadline


@dataclass(frozen=True, slots=True)
class NoticeClock:
    """One person's notice: when it was published and when it is over.

    Attributes:
        published_at: instant of publication, UTC milliseconds.
        offset_minutes: the recorded offset, minutes east of UTC.
        days: length in working days.
        last_day: the civil date of the last working day.
        ends_at: 24:00 of the last day as an instant; the first one outside the notice.
    """

    published_at: int
    offset_minutes: int
    days: int
    last_day: date
    ends_at: int

    @property
    def admissible_until(self) -> int:
        """The last millisecond at which an objection is in time."""
        return self.ends_at - 1


def notice_clock(published_at: int, offset_minutes: int, days: int, calendar: WorkCalendar) -> NoticeClock:
    """Clause 五(七): start the clock of a notice; the next working day is its first, 24:00 of the last its end.

    Raises:
        CalendarUnknown: the notice runs into a year whose holidays are not recorded.
        ValueError: `days` is less than one.
    """
    last_day = calendar.end_of_notice(civil_date(published_at, offset_minutes), days)
    return NoticeClock(published_at, offset_minutes, days, last_day, closes_at(last_day, offset_minutes))


def status(clock: NoticeClock, at: int) -> NoticeStatus:
    """Clause 五(八): approval waits until the notice has elapsed; say where it stands at an instant."""
    if at < clock.published_at:
        return NoticeStatus.NOT_BEGUN
    return NoticeStatus.RUNNING if at < clock.ends_at else NoticeStatus.ELAPSED


def working_days_left(clock: NoticeClock, at: int, calendar: WorkCalendar) -> int:
    """Count the working days of the notice not yet over at an instant, a day that has begun included.

    Raises:
        CalendarUnknown: `calendar` lacks a year of the notice.
    """
    published = civil_date(clock.published_at, clock.offset_minutes)
    return calendar.remaining(published, clock.days, civil_date(at, clock.offset_minutes))


def objection_timing(clock: NoticeClock, received_at: int) -> ObjectionTiming:
    """Clause 五(七): objections count inside the notice; a late one is kept and passed to inspection."""
    if received_at < clock.published_at:
        return ObjectionTiming.EARLY
    return ObjectionTiming.IN_TIME if received_at <= clock.admissible_until else ObjectionTiming.LATE
