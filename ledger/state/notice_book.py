"""Notices: who is on them, their clocks, what was seen of them, and the objections they invite (five(七))."""

from dataclasses import dataclass, field
from datetime import date

from ledger.procedure.notice import NoticeClock, civil_date
from ledger.state.objection_book import Objections


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


@dataclass(slots=True)
class Notices:
    """All notices by id and by person. `relied_on`: the entry by which titles were named on the strength of them."""

    by_id: dict[str, Notice] = field(default_factory=dict)
    of_person: dict[str, Notice] = field(default_factory=dict)
    objections: Objections = field(default_factory=Objections)
    relied_on: int | None = None

    def running(self, at: int) -> tuple[tuple[date, int], ...]:
        """Return the notices that a calendar may not shorten at `at`, as (civil day of publication, working days).

        They are all that were published before and have not led to a naming: one that has just ended still decides.
        """
        if self.relied_on is not None:
            return ()
        clocks = (notice.clock for notice in self.by_id.values())
        return tuple(
            (civil_date(clock.published_at, clock.offset_minutes), clock.days)
            for clock in clocks
            if clock.published_at <= at
        )

    def one_time_key(self, person: str) -> bytes | None:
        """Return the public key with which a `sealed:` person filed an objection, or None."""
        return self.objections.one_time_keys.get(person)
