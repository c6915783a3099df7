"""All notices, and the objections they invite (five(七)); one notice and its clock are in `clocks`."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from ledger.procedure.notice import civil_date
from ledger.state.clocks import Notice, record_of, start_clock
from ledger.state.objections import Objections
from ledger.state.observations import look_anew, observed
from ledger.statements.notices import NoticeChanged, NoticeObserved, NoticePublished

if TYPE_CHECKING:
    from ledger.selection import Selection
    from ledger.state.matters import Folds
    from ledger.statements import Act


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


def _published(state: "Selection", act: "Act", now: "Act") -> None:
    body: NoticePublished = act.body
    records = {person: record_of(state, person) for person in body.candidates}
    clock = start_clock(state, now.at)
    notice = Notice(body.notice, now.index, now.at, body.candidates, body.channels, body.deeds, clock, records)
    state.notices.by_id[body.notice] = notice
    state.notices.of_person |= dict.fromkeys(body.candidates, notice)


def _changed(state: "Selection", act: "Act", now: "Act") -> None:
    body: NoticeChanged = act.body
    notice = state.notices.by_id[body.notice]
    notice.deeds = body.deeds
    notice.records = {person: record_of(state, person) for person in notice.candidates}
    notice.changes.append(now.index)
    look_anew(notice)
    if body.material:
        notice.clock = start_clock(state, now.at)


FOLDS: "Folds" = {NoticePublished: _published, NoticeChanged: _changed, NoticeObserved: observed}
