"""Where a proposed working-day calendar comes from: the State Council's arrangements, as `chinesecalendar` has them.

The ledger judges only by calendars that were signed and recorded; this reads the dates to sign. It stands outside
`procedure` because its data changes with the library's version.
"""

from datetime import date, timedelta

import chinese_calendar

from ledger.procedure.workdays import CalendarUnknown, is_weekend


def announced_year(year: int) -> tuple[tuple[date, ...], tuple[date, ...]]:
    """Give a year's exceptions from the plain week: (weekdays that are holidays, weekend days that work), ascending.

    Raises:
        CalendarUnknown: the arrangements for that year are not in the library; they are never guessed.
    """
    first = date(year, 1, 1)
    days = [first + timedelta(days=ahead) for ahead in range((date(year, 12, 31) - first).days + 1)]
    try:
        working = frozenset(day for day in days if chinese_calendar.is_workday(day))
    except NotImplementedError as unknown:
        raise CalendarUnknown(year) from unknown
    off = tuple(day for day in days if day not in working and not is_weekend(day))
    on = tuple(day for day in days if day in working and is_weekend(day))
    return off, on
