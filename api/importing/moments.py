"""Civil dates and times as files write them, and the instants they are at the programme's offset."""

import re
from datetime import UTC, datetime, timedelta, timezone

_CIVIL = re.compile(
    r"(?P<year>[0-9]{4})(?:[-/.]|年)(?P<month>[0-9]{1,2})(?:[-/.]|月)(?P<day>[0-9]{1,2})日?"
    r"(?:[T ]? ?(?P<hour>[0-9]{1,2})[:时](?P<minute>[0-9]{2})分?"
    r"(?::?(?P<second>[0-9]{2})秒?(?:\.(?P<fraction>[0-9]{1,3}))?)?"
    r" ?(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day(text: str) -> str | None:
    """Return a civil date as YYYY-MM-DD; None where the text is none, or states a time other than midnight."""
    found = _moment(text, UTC)
    if found is None or (found.hour, found.minute, found.second, found.microsecond) != (0, 0, 0, 0):
        return None
    return found.date().isoformat()


def instant(text: str, offset_minutes: int) -> str | None:
    """Return the UTC milliseconds, as digits, of a civil time at an offset; a day alone is its beginning.

    A time that states its own offset (`Z`, `+08:00`) keeps it. None: no civil time, or one before 1970.
    """
    found = _moment(text, timezone(timedelta(minutes=offset_minutes)))
    if found is None or found < _EPOCH:
        return None
    return str((found - _EPOCH) // timedelta(milliseconds=1))


def written(milliseconds: int) -> str:
    """Return an instant as it is exported, in UTC: `2022-10-24T09:00:00.000Z`."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _moment(text: str, zone: timezone) -> datetime | None:
    found = _CIVIL.fullmatch(text)
    if found is None:
        return None
    numbers = [int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    thousandths = int((found["fraction"] or "").ljust(3, "0"))
    try:
        return datetime(*numbers, thousandths * 1000, tzinfo=_zone(found["zone"]) or zone)  # type: ignore[misc, arg-type]
    except (ValueError, OverflowError):
        return None


def _zone(written_zone: str | None) -> timezone | None:
    if written_zone is None:
        return None
    if written_zone == "Z":
        return UTC
    sign = -1 if written_zone[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(written_zone[1:3]), minutes=int(written_zone[4:6])))
