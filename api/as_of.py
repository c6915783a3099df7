"""What "as known then" means: which entries were known at an index or civil time, and the instant that is judged at."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from ledger.errors import MalformedError
from ledger.selection import Selection
from ledger.statements import Act
from projections.elsewhere.acts import Source

DAY_MS = 86_400_000


def moment(asked: str, offset_minutes: int) -> int:
    """Return the instant (UTC ms) that a civil time names, inclusive; a day alone means to its end.

    Raises `MalformedError` `TIME_INVALID`.
    """
    zone = timezone(timedelta(minutes=offset_minutes))
    try:
        if len(asked) == 10:
            day = date.fromisoformat(asked)
            return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000 + DAY_MS - 1
        given = datetime.fromisoformat(asked)
        aware = given if given.tzinfo else given.replace(tzinfo=zone)
        return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise MalformedError("TIME_INVALID", asked=asked[:40]) from None


def known_at(acts: Sequence[Act], asked: str | None) -> int:
    """Return how many of `acts` were known at the index or civil time that was asked for.

    Raises `MalformedError`: `INDEX_UNKNOWN`, `TIME_INVALID`.
    """
    if asked is None:
        return len(acts)
    if is_index(asked):
        index = int(asked)
        if index >= len(acts):
            raise MalformedError("INDEX_UNKNOWN", index=index, entries=len(acts))
        return index + 1
    until = moment(asked, offset_of(acts))
    return sum(act.at <= until for act in acts)


def is_index(asked: str) -> bool:
    """Say whether an index was asked for, not a time; no log is longer than 18 digits."""
    return asked.isascii() and asked.isdigit() and len(asked) <= 18


def offset_of(acts: Sequence[Act]) -> int:
    """Return the offset that the charter records, in minutes; 0 before there is one."""
    return int(acts[0].body.programme["utc_offset_minutes"]) if acts else 0


def judged_at(state: Selection, asked: str | None, now: int) -> int:
    """Return the instant (UTC ms) at which deadlines and notices are judged: the one asked for, else `now`.

    In a rehearsal, and at a past index, time stands still at the last entry.
    """
    if asked is not None and not is_index(asked):
        offset = state.sealed.latest.programme.utc_offset_minutes if state.sealed else 0
        return max(state.at, moment(asked, offset))
    rehearsal = state.sealed is not None and state.sealed.rehearsal
    return state.at if asked is not None or rehearsal else max(state.at, now)


def runs(rows: Mapping[int, Source]) -> Iterator[dict[str, Any]]:
    """Say where acts are from that are rows, those of one table one after another together."""
    run: dict[str, Any] = {}
    for index, source in rows.items():
        follows = {"entry": source.entry, "table": source.table, "row": source.row - run.get("count", 0)}
        if run and follows == {name: run[name] for name in follows}:
            run["count"] += 1
            continue
        if run:
            yield run
        run = {"first": index, "count": 1, **source._asdict()}
    if run:
        yield run
