"""Public notices (公示) and each person's own clock, clause 五(七): last day, working days left, what changed."""

from dataclasses import dataclass
from datetime import date

from ledger.procedure.notice import NoticeStatus, status, working_days_left
from ledger.procedure.workdays import CalendarUnknown
from ledger.selection import Selection
from ledger.state.clocks import clock_of, longest_clock
from ledger.state.notice_book import Notice
from projections.words import Speaker


@dataclass(frozen=True, slots=True)
class PersonNotice:
    """One person's notice at an instant.

    Attributes:
        person: the person's id.
        notice: the notice's id; `index` is the entry that published it.
        published: civil time from which the clock runs (a material change starts it anew).
        days: its length in working days.
        last_day: the last working day.
        ends_at: 24:00 of the last day (UTC ms), the first instant outside.
        status: not begun, running or elapsed.
        days_left: working days not yet over; None where the calendar of a year is not on record.
        moved_up: whether the person moved up from the alternates.
        open_objections: objections about the person that hold up the approval.
    """

    person: str
    notice: str
    index: int
    published: str
    days: int
    last_day: date
    ends_at: int
    ends: str
    status: NoticeStatus
    days_left: int | None
    moved_up: bool
    open_objections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a notice on the record (dispute G02).

    Attributes:
        index: its entry; `at` when that was sequenced, which is what counts (UTC ms).
        observed_at: when the observer says they looked (UTC ms).
        channel: where; `observer` who.
        page: the digest of what was shown, None where the notice was not to be reached.
        in_time: whether it was sequenced before the notice was over.
    """

    index: int
    at: int
    observed_at: int
    channel: str
    observer: str
    page: str | None
    in_time: bool


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One notice: where it is published, what changed it, the clock of everybody on it, and who looked at it when."""

    notice: str
    index: int
    channels: tuple[str, ...]
    changes: tuple[int, ...]
    people: tuple[PersonNotice, ...]
    looks: tuple[Look, ...] = ()


def notices(state: Selection, at: int) -> tuple[NoticeView, ...]:
    """Return all notices as they stand at `at` (UTC ms), in the order of publication."""
    return tuple(_notice(state, notice, at) for notice in state.notices.by_id.values())


def person_notice(state: Selection, person: str, at: int) -> PersonNotice | None:
    """Return the notice that counts for a person at `at` (UTC ms), or None before it is published."""
    notice = state.notices.of_person.get(person)
    clock = clock_of(state, person)
    if notice is None or clock is None:
        return None
    speaker = Speaker.of(state)
    try:
        days_left: int | None = working_days_left(clock, at, state.charter.calendar)
    except CalendarUnknown:
        days_left = None
    open_ones = state.notices.objections.open(state.out)
    return PersonNotice(
        person=person,
        notice=notice.id,
        index=notice.index,
        published=speaker.civil(clock.published_at),
        days=clock.days,
        last_day=clock.last_day,
        ends_at=clock.ends_at,
        ends=speaker.civil(clock.ends_at),
        status=status(clock, at),
        days_left=days_left,
        moved_up=person in state.deliberation.places.moved_up,
        open_objections=tuple(one.id for one in open_ones if person in one.undecided(state.out)),
    )


def _notice(state: Selection, notice: Notice, at: int) -> NoticeView:
    views = (person_notice(state, person, at) for person in notice.candidates)
    return NoticeView(
        notice=notice.id,
        index=notice.index,
        channels=notice.channels,
        changes=tuple(notice.changes),
        people=tuple(view for view in views if view is not None and view.notice == notice.id),
        looks=looks_of(state, notice),
    )


def looks_of(state: Selection, notice: Notice) -> tuple[Look, ...]:
    """Return every look at a notice, in the order of the log."""
    ends_at = longest_clock(state, notice).ends_at
    found = [
        Look(one.index, one.at, one.observed_at, channel, one.observer, one.page, one.at < ends_at)
        for channel, watched in notice.watched.items()
        for one in watched.looks
    ]
    return tuple(sorted(found, key=lambda look: look.index))
