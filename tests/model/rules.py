"""The notice's arithmetic once more, in the plainest way: lists, sorting and fractions, and nothing of the rule code.

Written from the clauses and the readings alone, so that it disagrees with the rules wherever either misreads them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import ceil

Years = dict[int, tuple[set[str], set[str]]]
"""Recorded calendars: weekdays that are holidays, weekend days that work."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text: str, offset_minutes: int) -> int:
    """A civil time as UTC milliseconds."""
    utc = datetime.fromisoformat(text).replace(tzinfo=UTC) - timedelta(minutes=offset_minutes)
    return (utc - EPOCH) // timedelta(milliseconds=1)


def civil(at: int, offset_minutes: int) -> date:
    """The civil date of an instant."""
    return (EPOCH + timedelta(milliseconds=at, minutes=offset_minutes)).date()


def notice_end(published_at: int, days: int, years: Years, offset_minutes: int) -> int:
    """五(七): count working days from the day after publication; the notice ends at 24:00 of the last one."""
    day = civil(published_at, offset_minutes)
    while days:
        day += timedelta(days=1)
        off, on = years[day.year]
        text = day.isoformat()
        days -= text in on or (day.weekday() < 5 and text not in off)
    return instant((day + timedelta(days=1)).isoformat(), offset_minutes)


def clamp(value: Fraction, size: int) -> Fraction:
    """At least one, at most the group's size."""
    return max(Fraction(1), min(Fraction(size), value))


def shares(rows: Mapping[str, tuple[int, int]], total: int, drawn: Sequence[str]) -> dict[str, int] | None:
    """五(一), 五(二): divide `total` over groups of (received, size); None where a draw is needed or it is too small.

    A multiple of the applications, held between one and the size, that adds up to the total; then largest remainders.
    """
    total = min(total, sum(size for _, size in rows.values()))
    if not rows:
        return {}
    if total < len(rows):
        return None
    multiples = sorted({Fraction(edge, got) for got, size in rows.values() for edge in (1, size)})

    def held(multiple: Fraction) -> dict[str, Fraction]:
        return {group: clamp(multiple * got, size) for group, (got, size) in rows.items()}

    above = next(one for one in multiples if sum(held(one).values()) >= total)
    below = max((one for one in multiples if one < above), default=above)
    low, high = sum(held(below).values()), sum(held(above).values())
    exact = held(below + (above - below) * Fraction(total - low, high - low) if high > low else above)
    seats = {group: int(share) for group, share in exact.items()}
    waiting = sorted(rows, key=lambda group: (seats[group] - exact[group], -rows[group][0]))
    extra = total - sum(seats.values())
    edge = [(exact[one] - seats[one], rows[one][0]) for one in waiting[max(extra - 1, 0) : extra + 1]]
    if extra and len(edge) == 2 and edge[0] == edge[1]:
        if set(drawn) < set(rows):
            return None
        waiting.sort(key=lambda group: (seats[group] - exact[group], -rows[group][0], drawn.index(group)))
    for group in waiting[:extra]:
        seats[group] += 1
    return seats


def shortlist_size(seats: int, rounding: str) -> int:
    """五(三): more than the seats by a third; how a broken third is rounded is a reading."""
    third = Fraction(seats, 3)
    if rounding == "ceil":
        return seats + ceil(third)
    if rounding == "strictly_more":
        return seats + int(third) + 1
    return seats + (int(third) if rounding == "floor" else int(third + Fraction(1, 2)))


def classes(people: Iterable[str], keys: Sequence[Mapping[str, Fraction]]) -> list[list[str]]:
    """Order people by one key after the other, high to low; a key that does not know all the tied says nothing."""
    tied = sorted(people)
    if not tied:
        return []
    for place, key in enumerate(keys):
        if len(tied) > 1 and all(one in key for one in tied):
            values = sorted({key[one] for one in tied}, reverse=True)
            rest = keys[place + 1 :]
            return [equal for value in values for equal in classes([one for one in tied if key[one] == value], rest)]
    return [tied]


def cut(ordered: list[list[str]], seats: int) -> tuple[list[str], list[str], list[list[str]]]:
    """Take from the top as many as there are seats: (taken, tied across the cut, the classes below)."""
    taken: list[str] = []
    for place, equal in enumerate(ordered):
        if len(taken) + len(equal) > seats:
            across = equal if len(taken) < seats else []
            return taken, across, ordered[place + bool(across) :]
        taken += equal
    return taken, [], []


def years_before(day: date, years: int) -> date:
    """The same day so many years earlier; of a leap day the last of February."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
