"""Working days (工作日) of the public notice: clause 五(七), under the reading `notice_start`.

The days come from a calendar recorded in the ledger year by year: which weekdays are holidays, and which Saturdays and
Sundays are made up for by work (调休). A year that nobody recorded is never guessed. Instants and offsets are the
business of `notice`; here a day is a civil date.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

_SATURDAY = 5
_DAY = timedelta(days=1)


class CalendarUnknown(LookupError):
    """A day was asked for in a year whose holidays are not on the record.

    Attributes:
        year: the year that is missing.
    """

    def __init__(self, year: int) -> None:
        """Name the missing `year`."""
        super().__init__(f"no working-day calendar is recorded for {year}")
        self.year = year


def is_weekend(day: date) -> bool:
    """Tell whether `day` is a Saturday or a Sunday, whatever the holidays say."""
    return day.weekday() >= _SATURDAY


@dataclass(frozen=True, slots=True)
class RecordedYear:
    """The exceptions of one year from the plain Monday-to-Friday week, as announced and recorded.

    Attributes:
        year: the calendar year.
        off: weekdays on which nobody works (holidays).
        on: Saturdays and Sundays that are worked (make-up days).

    Raises:
        ValueError: a date lies outside the year, `off` holds a weekend day or `on` a weekday.
    """

    year: int
    off: frozenset[date]
    on: frozenset[date]

    def __post_init__(self) -> None:
        """Refuse dates that cannot be exceptions of this year."""
        if any(day.year != self.year for day in self.off | self.on):
            raise ValueError(f"a date of another year in the calendar of {self.year}")
        if any(is_weekend(day) for day in self.off) or not all(is_weekend(day) for day in self.on):
            raise ValueError("off days are weekdays, make-up days are Saturdays or Sundays")


@dataclass(frozen=True, slots=True)
class Shortened:
    """A running notice that a new calendar would end earlier than the calendar it started under.

    Attributes:
        published: the day the notice was published.
        days: its length in working days.
        before: its last day under the old calendar.
        after: its last day under the new one, earlier than `before`.
    """

    published: date
    days: int
    before: date
    after: date


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """The recorded years, sorted; equal records make equal calendars.

    Raises:
        ValueError: the years are not strictly ascending.
    """

    years: tuple[RecordedYear, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a year that appears twice, or out of order."""
        numbers = [recorded.year for recorded in self.years]
        if numbers != sorted(set(numbers)):
            raise ValueError("each year is recorded once, in ascending order")

    @classmethod
    def of(cls, years: Mapping[int, tuple[frozenset[date], frozenset[date]]]) -> "WorkCalendar":
        """Build a calendar from `{year: (off, on)}`, in whatever order the years come."""
        return cls(tuple(RecordedYear(year, *years[year]) for year in sorted(years)))

    def with_year(self, recorded: RecordedYear) -> "WorkCalendar":
        """Give the calendar that holds `recorded` in place of what was known of that year."""
        others = [year for year in self.years if year.year != recorded.year]
        return WorkCalendar(tuple(sorted([*others, recorded], key=lambda year: year.year)))

    def is_workday(self, day: date) -> bool:
        """Tell whether people work on `day`.

        Raises:
            CalendarUnknown: the year of `day` is not recorded.
        """
        for recorded in self.years:
            if recorded.year == day.year:
                return day in recorded.on if is_weekend(day) else day not in recorded.off
        raise CalendarUnknown(day.year)

    def end_of_notice(self, published: date, days: int) -> date:
        """Clause 五(七): the last day of a notice of so many working days; the day of publication does not count.

        Raises:
            CalendarUnknown: the notice runs into a year that is not recorded.
            ValueError: `days` is less than one.
        """
        if days < 1:
            raise ValueError("a notice lasts at least one working day")
        day = published
        while days:
            day += _DAY
            days -= self.is_workday(day)
        return day

    def remaining(self, published: date, days: int, today: date) -> int:
        """Count the working days of the notice that are not over when `today` begins, `today` itself included.

        Raises:
            CalendarUnknown: the notice runs into a year that is not recorded.
            ValueError: `days` is less than one.
        """
        last = self.end_of_notice(published, days)
        first = max(today, published + _DAY)
        return sum(self.is_workday(first + _DAY * ahead) for ahead in range((last - first).days + 1))


def shortens(old: WorkCalendar, new: WorkCalendar, running: Iterable[tuple[date, int]]) -> tuple[Shortened, ...]:
    """Clause 五(七): find the running notices, given as (published, days), that a changed calendar would cut short.

    Nobody may lose a day in which to object; a notice that grows longer is no ground against the new calendar, nor is
    one whose end the old calendar could not tell. Empty means that the change may be recorded. Sorted by publication.

    Raises:
        CalendarUnknown: the new calendar drops a year that a running notice needs.
    """
    found = []
    for published, days in sorted(set(running)):
        try:
            before = old.end_of_notice(published, days)
        except CalendarUnknown:
            continue
        after = new.end_of_notice(published, days)
        if after < before:
            found.append(Shortened(published, days, before, after))
    return tuple(found)
