"""The public vote: channels, polls, the totals each channel certified, clause five(四).

Only totals of channels that can be checked against ballots may order equals (reading `public_totals`); all are shown.
"""

from ledger.state.books import Books
from ledger.state.matters import Folds
from ledger.state.poll_book import Channel, Counted, Poll
from ledger.statements import Act
from ledger.statements.poll import ChannelRegistered, PollClosed, PollOpened, TotalsImported


def _registered(state: Books, act: Act, now: Act) -> None:
    body: ChannelRegistered = act.body
    state.polls.channels[body.channel] = Channel(body.channel, body.operator, body.verifiable, now.index)


def _opened(state: Books, act: Act, now: Act) -> None:
    body: PollOpened = act.body
    state.polls.by_id[body.poll] = Poll(
        id=body.poll,
        stage=body.stage,
        candidates=body.candidates,
        channels=body.channels,
        list_hash=body.list_hash,
        page=body.page,
        opened=now.index,
        opened_at=now.at,
        closes_at=body.closes_at,
    )


def _closed(state: Books, act: Act, now: Act) -> None:
    state.polls.by_id[act.body.poll].closed = now.index


def _imported(state: Books, act: Act, now: Act) -> None:
    body: TotalsImported = act.body
    poll = state.polls.by_id[body.poll]
    before = poll.totals.get(body.channel)
    totals = {total.candidate: total.votes for total in body.totals}
    poll.totals[body.channel] = Counted(totals, body.file, act.index, now.index)
    if before is not None:
        poll.replaced.append(before)
        state.findings.add("TOTALS_REPLACED", "warn", act.index, before.index, act.index, channel=body.channel)
    if not state.polls.channels[body.channel].verifiable:
        state.findings.add("UNVERIFIABLE_SOURCE", "warn", act.index, act.index, now.index, channel=body.channel)


FOLDS: Folds = {
    ChannelRegistered: _registered,
    PollOpened: _opened,
    PollClosed: _closed,
    TotalsImported: _imported,
}
