"""A notice and each person's clock (five(七)).

A notice counts by the calendar it started under, at the least: a calendar recorded later can only make it longer. Its
days are civil days and go on while the selection rests, for people can object meanwhile.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.procedure.notice import NoticeClock, notice_clock
from ledger.procedure.programme import StageKind
from ledger.procedure.steps import only_stage
from ledger.state.voters import governing

if TYPE_CHECKING:
    from ledger.selection import Selection


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at a notice: its entry and time (UTC ms), when by the observer's clock, who, and the page's digest."""

    index: int
    at: int
    observed_at: int
    observer: str
    page: str | None


@dataclass(slots=True)
class Watched:
    """What was seen of a notice in one channel.

    `shown` is the look whose page every later one must show, until the notice is changed by a statement; `others` are
    the other pages seen since. `missing` are the looks in a row that did not reach it; `last` the last that did.
    """

    looks: list[Observation] = field(default_factory=list)
    shown: Observation | None = None
    others: set[str] = field(default_factory=set)
    missing: list[Observation] = field(default_factory=list)
    last: Observation | None = None


@dataclass(slots=True)
class Notice:
    """One notice: who is on it, where and when (UTC ms) it was published, its clock since then or the last restart.

    `records`: each person's personal record as published, so that a corrected name shows. `watched`: what was seen of
    it, by channel.
    """

    id: str
    index: int
    published_at: int
    candidates: tuple[str, ...]
    channels: tuple[str, ...]
    deeds: str
    clock: NoticeClock
    records: dict[str, str | None]
    changes: list[int] = field(default_factory=list)
    watched: dict[str, Watched] = field(default_factory=dict)


def start_clock(state: "Selection", at: int) -> NoticeClock:
    """Return the clock of a notice published at `at` (UTC ms); raises `CalendarUnknown`."""
    programme = governing(state, StageKind.NOTICE)
    stage = only_stage(programme, StageKind.NOTICE)
    days = stage.notice_days if stage and stage.notice_days else 1
    return notice_clock(at, programme.utc_offset_minutes, days, state.charter.calendar)


def clock_of(state: "Selection", person: str) -> NoticeClock | None:
    """Return a person's clock under the calendar it started with or the present one, whichever ends later."""
    notice = state.notices.of_person.get(person)
    return longest_clock(state, notice) if notice is not None else None


def longest_clock(state: "Selection", notice: Notice) -> NoticeClock:
    """Return the clock of a notice under the calendar it started with or the present one, whichever ends later."""
    started = notice.clock
    now = notice_clock(started.published_at, started.offset_minutes, started.days, state.charter.calendar)
    return max(started, now, key=lambda clock: clock.ends_at)


def record_of(state: "Selection", person: str) -> str | None:
    """Return the digest of a person's personal record as it stands."""
    record = state.applications.record_of(person)
    known = state.roll.people.get(person)
    return record or (known.record if known else None)
