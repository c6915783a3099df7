"""Working days of the notice, against recorded vectors and two independent calendars."""

from collections.abc import Callable
from datetime import date, timedelta

import chinese_calendar
import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.calendar_source import announced_year
from ledger.procedure.workdays import CalendarUnknown, RecordedYear, Shortened, WorkCalendar, is_weekend, shortens

YEARS = range(2022, 2027)
MAKE_UP_DAYS = {
    2022: "01-29 01-30 04-02 04-24 05-07 10-08 10-09",
    2023: "01-28 01-29 04-23 05-06 06-25 10-07 10-08",
    2024: "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
    2025: "01-26 02-08 04-27 09-28 10-11",
    2026: "01-04 02-14 02-28 05-09 09-20 10-10",
}
NOTICES = [
    ("2022-09-28", "2022-10-10", "2022-10-05"),
    ("2022-09-30", "2022-10-12", "2022-10-07"),
    ("2022-10-24", "2022-10-31", "2022-10-31"),
    ("2022-12-28", "2023-01-05", "2023-01-04"),
    ("2023-01-18", "2023-01-30", "2023-01-25"),
    ("2024-02-02", "2024-02-08", "2024-02-09"),
]


def recorded(year: int) -> RecordedYear:
    off, on = announced_year(year)
    return RecordedYear(year, frozenset(off), frozenset(on))


CALENDAR = WorkCalendar(tuple(recorded(year) for year in YEARS))
PLAIN_WEEK = WorkCalendar(tuple(RecordedYear(year, frozenset(), frozenset()) for year in YEARS))


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=ahead) for ahead in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("year", YEARS)
def test_every_make_up_day_is_worked(year: int) -> None:
    expected = tuple(date.fromisoformat(f"{year}-{day}") for day in MAKE_UP_DAYS[year].split())

    assert announced_year(year)[1] == expected
    assert all(is_weekend(day) and CALENDAR.is_workday(day) for day in expected)


@pytest.mark.parametrize("year", YEARS)
def test_every_day_agrees_with_two_calendars(year: int) -> None:
    other = holidays.country_holidays("CN", years=year)
    for day in days_of(year):
        assert CALENDAR.is_workday(day) == chinese_calendar.is_workday(day) == other.is_working_day(day)


@pytest.mark.parametrize(("published", "last", "naive"), NOTICES)
def test_five_working_days(published: str, last: str, naive: str) -> None:
    day = date.fromisoformat(published)

    assert CALENDAR.end_of_notice(day, 5) == date.fromisoformat(last)
    assert PLAIN_WEEK.end_of_notice(day, 5) == date.fromisoformat(naive)


@pytest.mark.parametrize("year", [2003, 2027])
def test_a_year_that_was_not_announced_is_never_guessed(year: int) -> None:
    with pytest.raises(CalendarUnknown) as refused:
        announced_year(year)
    assert refused.value.year == year


def test_a_notice_into_an_unrecorded_year_is_refused() -> None:
    assert CALENDAR.end_of_notice(date(2026, 12, 24), 5) == date(2026, 12, 31)
    with pytest.raises(CalendarUnknown) as refused:
        CALENDAR.end_of_notice(date(2026, 12, 25), 5)
    assert refused.value.year == 2027


@pytest.mark.parametrize(
    ("today", "left"),
    [
        ("2022-09-20", 5),
        ("2022-09-28", 5),
        ("2022-09-29", 5),
        ("2022-09-30", 4),
        ("2022-10-01", 3),
        ("2022-10-08", 3),
        ("2022-10-09", 2),
        ("2022-10-10", 1),
        ("2022-10-11", 0),
        ("2022-12-01", 0),
    ],
)
def test_working_days_remaining(today: str, left: int) -> None:
    assert CALENDAR.remaining(date(2022, 9, 28), 5, date.fromisoformat(today)) == left


@pytest.mark.parametrize("days", [0, -1])
def test_a_notice_without_days_is_an_error(days: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        CALENDAR.end_of_notice(date(2022, 9, 28), days)


def test_a_changed_calendar_may_lengthen_but_not_shorten_a_running_notice() -> None:
    known = recorded(2022)
    longer = CALENDAR.with_year(RecordedYear(2022, known.off | {date(2022, 10, 10)}, known.on))
    shorter = CALENDAR.with_year(RecordedYear(2022, known.off - {date(2022, 10, 7)}, known.on))
    running = [(date(2022, 10, 24), 5), (date(2022, 9, 28), 5)]

    assert longer.end_of_notice(date(2022, 9, 28), 5) == date(2022, 10, 11)
    assert shortens(CALENDAR, longer, running) == ()
    assert shortens(CALENDAR, shorter, running) == (
        Shortened(date(2022, 9, 28), 5, date(2022, 10, 10), date(2022, 10, 9)),
    )
    assert shortens(CALENDAR, shorter, running[:1]) == ()


def test_a_year_recorded_for_the_first_time_shortens_nothing_and_one_dropped_is_refused() -> None:
    before = WorkCalendar((recorded(2022),))
    across = [(date(2022, 12, 28), 5)]

    assert shortens(before, before.with_year(recorded(2023)), across) == ()
    with pytest.raises(CalendarUnknown):
        shortens(CALENDAR, before, across)


def test_the_order_in_which_years_are_given_leaves_no_trace() -> None:
    exceptions = {year: (recorded(year).off, recorded(year).on) for year in YEARS}
    backwards = dict(reversed(exceptions.items()))

    assert WorkCalendar.of(exceptions) == WorkCalendar.of(backwards) == CALENDAR
    assert WorkCalendar().with_year(recorded(2023)).with_year(recorded(2022)).years == (recorded(2022), recorded(2023))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: RecordedYear(2022, frozenset({date(2023, 10, 3)}), frozenset()),
        lambda: RecordedYear(2022, frozenset({date(2022, 10, 8)}), frozenset()),
        lambda: RecordedYear(2022, frozenset(), frozenset({date(2022, 10, 10)})),
        lambda: WorkCalendar((recorded(2023), recorded(2022))),
        lambda: WorkCalendar((recorded(2022), recorded(2022))),
    ],
)
def test_a_calendar_that_cannot_be_is_not_built(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"year|days"):
        wrong()


@given(st.dates(date(2022, 1, 1), date(2026, 11, 1)), st.integers(1, 15))
def test_a_notice_has_exactly_its_working_days(published: date, days: int) -> None:
    last = CALENDAR.end_of_notice(published, days)
    inside = [published + timedelta(days=ahead) for ahead in range(1, (last - published).days + 1)]

    assert sum(chinese_calendar.is_workday(day) for day in inside) == days
    assert chinese_calendar.is_workday(last)
    for day in inside:
        assert CALENDAR.remaining(published, days, day) == sum(
            map(chinese_calendar.is_workday, inside[inside.index(day) :])
        )
