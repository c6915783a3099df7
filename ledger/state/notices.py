"""Notices as they are published, changed and looked at (five(七)); their clocks are in `clocks`."""

from ledger.state.books import Books
from ledger.state.clocks import record_of, start_clock
from ledger.state.matters import Folds
from ledger.state.notice_book import Notice
from ledger.state.observations import look_anew, observed
from ledger.statements import Act
from ledger.statements.notices import NoticeChanged, NoticeObserved, NoticePublished


def _published(state: Books, act: Act, now: Act) -> None:
    body: NoticePublished = act.body
    records = {person: record_of(state, person) for person in body.candidates}
    clock = start_clock(state, now.at)
    notice = Notice(body.notice, now.index, now.at, body.candidates, body.channels, body.deeds, clock, records)
    state.notices.by_id[body.notice] = notice
    state.notices.of_person |= dict.fromkeys(body.candidates, notice)


def _changed(state: Books, act: Act, now: Act) -> None:
    body: NoticeChanged = act.body
    notice = state.notices.by_id[body.notice]
    notice.deeds = body.deeds
    notice.records = {person: record_of(state, person) for person in notice.candidates}
    notice.changes.append(now.index)
    look_anew(notice)
    if body.material:
        notice.clock = start_clock(state, now.at)


FOLDS: Folds = {NoticePublished: _published, NoticeChanged: _changed, NoticeObserved: observed}
