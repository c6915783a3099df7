"""A notice and each person's clock (five(七)).

A notice counts by the calendar it started under, at the least: a calendar recorded later can only make it longer. Its
days are civil days and go on while the selection rests, for people can object meanwhile.
"""

from ledger.procedure.notice import NoticeClock, notice_clock
from ledger.procedure.programme import StageKind
from ledger.procedure.steps import only_stage
from ledger.state.books import Books
from ledger.state.notice_book import Notice
from ledger.state.voters import governing


def start_clock(state: Books, at: int) -> NoticeClock:
    """Return the clock of a notice published at `at` (UTC ms); raises `CalendarUnknown`."""
    programme = governing(state, StageKind.NOTICE)
    stage = only_stage(programme, StageKind.NOTICE)
    days = stage.notice_days if stage and stage.notice_days else 1
    return notice_clock(at, programme.utc_offset_minutes, days, state.charter.calendar)


def clock_of(state: Books, person: str) -> NoticeClock | None:
    """Return a person's clock under the calendar it started with or the present one, whichever ends later."""
    notice = state.notices.of_person.get(person)
    return longest_clock(state, notice) if notice is not None else None


def longest_clock(state: Books, notice: Notice) -> NoticeClock:
    """Return the clock of a notice under the calendar it started with or the present one, whichever ends later."""
    started = notice.clock
    now = notice_clock(started.published_at, started.offset_minutes, started.days, state.charter.calendar)
    return max(started, now, key=lambda clock: clock.ends_at)


def record_of(state: Books, person: str) -> str | None:
    """Return the digest of a person's personal record as it stands."""
    record = state.applications.record_of(person)
    known = state.roll.people.get(person)
    return record or (known.record if known else None)
