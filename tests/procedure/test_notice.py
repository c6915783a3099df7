"""The clock of a notice, deadlines and late objections, at two offsets and for two people."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure.notice import (
    NoticeStatus,
    ObjectionTiming,
    civil_date,
    closes_at,
    in_time,
    instant,
    notice_clock,
    objection_timing,
    status,
    working_days_left,
)
from ledger.procedure.workdays import CalendarUnknown
from tests.procedure.test_workdays import CALENDAR

EAST_8 = 480


def at(text: str) -> int:
    """UTC milliseconds of an ISO instant, worked out by the standard library."""
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("2022-10-24T15:59:59.999+00:00", EAST_8, date(2022, 10, 24)),
        ("2022-10-24T16:00:00.000+00:00", EAST_8, date(2022, 10, 25)),
        ("2022-10-24T23:59:59.999+00:00", 0, date(2022, 10, 24)),
        ("2022-10-24T02:00:00.000+00:00", -180, date(2022, 10, 23)),
        ("1969-12-31T23:59:59.999+00:00", 0, date(1969, 12, 31)),
    ],
)
def test_civil_date(text: str, offset: int, expected: date) -> None:
    assert civil_date(at(text), offset) == expected


@given(st.integers(-(10**12), 4 * 10**12), st.integers(-14 * 60, 14 * 60))
def test_civil_dates_agree_with_the_standard_library(ms: int, offset: int) -> None:
    zone = timezone(timedelta(minutes=offset))
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    day = civil_date(ms, offset)

    assert day == moment.astimezone(zone).date()
    assert instant(day, offset) <= ms < closes_at(day, offset)


def test_the_last_day_is_inside_the_deadline() -> None:
    deadline = closes_at(date(2022, 10, 24), EAST_8)

    assert deadline == at("2022-10-25T00:00:00+08:00")
    assert in_time(at("2022-10-24T23:59:59.999+08:00"), deadline)
    assert not in_time(deadline, deadline)


@pytest.mark.parametrize(
    ("published", "last_day"),
    [
        ("2022-09-28T09:00:00+08:00", date(2022, 10, 10)),
        ("2022-09-28T23:59:59.999+08:00", date(2022, 10, 10)),
        ("2022-09-30T00:00:00+08:00", date(2022, 10, 12)),
        ("2022-12-28T09:00:00+08:00", date(2023, 1, 5)),
        ("2024-02-02T17:30:00+08:00", date(2024, 2, 8)),
    ],
)
def test_the_notice_ends_at_24_of_its_last_working_day(published: str, last_day: date) -> None:
    clock = notice_clock(at(published), EAST_8, 5, CALENDAR)

    assert clock.last_day == last_day
    assert clock.ends_at == at(f"{last_day + timedelta(days=1)}T00:00:00+08:00")
    assert clock.admissible_until == at(f"{last_day}T23:59:59.999+08:00")


def test_the_same_instant_is_another_day_at_another_offset() -> None:
    published = at("2022-10-24T20:00:00+00:00")

    assert notice_clock(published, 0, 5, CALENDAR).last_day == date(2022, 10, 31)
    assert notice_clock(published, EAST_8, 5, CALENDAR).last_day == date(2022, 11, 1)


@pytest.mark.parametrize(
    ("moment", "standing", "timing", "left"),
    [
        ("2022-10-23T23:59:59.999+08:00", NoticeStatus.NOT_BEGUN, ObjectionTiming.EARLY, 5),
        ("2022-10-24T10:00:00+08:00", NoticeStatus.RUNNING, ObjectionTiming.IN_TIME, 5),
        ("2022-10-28T08:00:00+08:00", NoticeStatus.RUNNING, ObjectionTiming.IN_TIME, 2),
        ("2022-10-30T08:00:00+08:00", NoticeStatus.RUNNING, ObjectionTiming.IN_TIME, 1),
        ("2022-10-31T23:59:59.999+08:00", NoticeStatus.RUNNING, ObjectionTiming.IN_TIME, 1),
        ("2022-11-01T00:00:00+08:00", NoticeStatus.ELAPSED, ObjectionTiming.LATE, 0),
        ("2022-12-01T00:00:00+08:00", NoticeStatus.ELAPSED, ObjectionTiming.LATE, 0),
    ],
)
def test_a_notice_through_its_life(moment: str, standing: NoticeStatus, timing: ObjectionTiming, left: int) -> None:
    clock = notice_clock(at("2022-10-24T10:00:00+08:00"), EAST_8, 5, CALENDAR)

    assert status(clock, at(moment)) is standing
    assert objection_timing(clock, at(moment)) is timing
    assert working_days_left(clock, at(moment), CALENDAR) == left


def test_two_people_have_two_clocks() -> None:
    first = notice_clock(at("2022-10-24T10:00:00+08:00"), EAST_8, 5, CALENDAR)
    moved_up = notice_clock(at("2022-10-28T10:00:00+08:00"), EAST_8, 5, CALENDAR)
    after_the_first = at("2022-11-01T09:00:00+08:00")

    assert moved_up.last_day == date(2022, 11, 4)
    assert status(first, after_the_first) is NoticeStatus.ELAPSED
    assert status(moved_up, after_the_first) is NoticeStatus.RUNNING


def test_a_notice_into_an_unrecorded_year_does_not_start() -> None:
    with pytest.raises(CalendarUnknown):
        notice_clock(at("2026-12-30T10:00:00+08:00"), EAST_8, 5, CALENDAR)
