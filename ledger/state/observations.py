"""Looks at a running notice (five(七), dispute G02): taken down, or showing something else than before.

One look that does not reach a notice may be the observer's own line; a second in a row, with none between that did, is
an interruption. Whether a look lies within the notice is judged by when it was sequenced, as every deadline is; what
comes later is kept and shown, and proves nothing about the days of the notice by itself.
"""

from ledger.state.books import Books
from ledger.state.clocks import longest_clock
from ledger.state.notice_book import Notice, Observation, Watched
from ledger.statements import Act
from ledger.statements.notices import NoticeObserved

ENOUGH = 2
"""So many looks in a row that do not reach a notice are an interruption."""


def observed(state: Books, act: Act, now: Act) -> None:
    """Keep a look, and find what it shows."""
    body: NoticeObserved = act.body
    notice = state.notices.by_id[body.notice]
    watched = notice.watched.setdefault(body.channel, Watched())
    look = Observation(now.index, now.at, body.observed_at, act.person, body.page)
    watched.looks.append(look)
    if now.at >= longest_clock(state, notice).ends_at:
        state.findings.add("NOTICE_OBSERVED_LATE", "info", now.index, now.index, channel=body.channel, notice=notice.id)
    elif look.page is None:
        _unreachable(state, notice, watched, look, body.channel)
    else:
        _reached(state, notice, watched, look, body.channel)


def look_anew(notice: Notice) -> None:
    """After a change on the record, the next look at each channel says what the notice shows now."""
    for watched in notice.watched.values():
        watched.shown = None
        watched.others.clear()


def _unreachable(state: Books, notice: Notice, watched: Watched, look: Observation, channel: str) -> None:
    watched.missing.append(look)
    if len(watched.missing) == ENOUGH:
        before = (watched.last.index,) if watched.last else (notice.index,)
        entries = *before, *(one.index for one in watched.missing)
        state.findings.add(
            "NOTICE_INTERRUPTED", "breach", look.index, *entries,
            channel=channel, notice=notice.id, since=watched.missing[0].at,
        )  # fmt: skip


def _reached(state: Books, notice: Notice, watched: Watched, look: Observation, channel: str) -> None:
    if watched.missing:
        first = watched.missing[0]
        gap = len(watched.missing) >= ENOUGH
        code, severity = ("NOTICE_RESTORED", "warn") if gap else ("NOTICE_UNREACHED_ONCE", "info")
        entries = *((watched.last.index,) if watched.last else ()), *(one.index for one in watched.missing), look.index
        minutes = (look.at - first.at) // 60_000
        state.findings.add(code, severity, look.index, *entries, channel=channel, minutes=minutes, notice=notice.id)
        watched.missing.clear()
    watched.last = look
    if watched.shown is None:
        watched.shown = look
    elif look.page is not None and look.page != watched.shown.page and look.page not in watched.others:
        watched.others.add(look.page)
        state.findings.add(
            "NOTICE_ALTERED", "breach", look.index, watched.shown.index, look.index, channel=channel, notice=notice.id
        )
