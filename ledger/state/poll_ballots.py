"""A poll by single ballots: who may vote, which batches came in, which votes are left out (five(四), F01 to F08)."""

from dataclasses import replace

from ledger.state.books import Books
from ledger.state.matters import Folds
from ledger.state.poll_book import Counted, Credentials, Invalidation, PublicBatch
from ledger.statements import Act
from ledger.statements.poll_ballots import (
    CredentialsCommitted,
    PollBatch,
    PollRuleDeclared,
    PollTotalsOpened,
    VotesInvalidated,
    VotesReinstated,
)


def _committed(state: Books, act: Act, now: Act) -> None:
    body: CredentialsCommitted = act.body
    state.polls.ballots_of(body.poll).credentials[body.channel] = Credentials(body.count, body.root, now.index)


def _declared(state: Books, act: Act, now: Act) -> None:
    body: PollRuleDeclared = act.body
    state.polls.ballots_of(body.poll).rules[body.rule] = now.index


def _batch(state: Books, act: Act, now: Act) -> None:
    body: PollBatch = act.body
    ballots = state.polls.ballots_of(body.poll)
    batch = PublicBatch(now.index, body.count, body.root, body.subtotals)
    ballots.batches.setdefault(body.channel, []).append(batch)
    ballots.counts[body.channel] = ballots.counts.get(body.channel, 0) + body.count


def _opened(state: Books, act: Act, now: Act) -> None:
    body: PollTotalsOpened = act.body
    totals = {total.candidate: total.votes for total in body.totals}
    state.polls.by_id[body.poll].totals[body.channel] = Counted(totals, body.openings, act.index, now.index, totals)


def _invalidated(state: Books, act: Act, now: Act) -> None:
    body: VotesInvalidated = act.body
    totals = {total.candidate: total.votes for total in body.totals}
    state.polls.ballots_of(body.poll).invalidations[act.index] = Invalidation(
        act.index, now.index, body.channel, body.rule, body.count, body.rows, totals
    )
    _count_again(state, body.poll, body.channel, now.index)
    state.findings.add(
        "VOTES_INVALIDATED", "warn", act.index, act.index, now.index,
        channel=body.channel, rule=body.rule, count=body.count,
    )  # fmt: skip


def _reinstated(state: Books, act: Act, now: Act) -> None:
    body: VotesReinstated = act.body
    one = state.polls.ballots_of(body.poll).invalidations[body.index]
    one.reinstated = now.index
    _count_again(state, body.poll, one.channel, now.index)


def _count_again(state: Books, poll: str, channel: str, at: int) -> None:
    """Take what is left out from the totals as they were opened; those stay beside."""
    known = state.polls.by_id[poll]
    counted = known.totals[channel]
    if counted.raw is None:
        return
    valid = dict(counted.raw)
    for one in state.polls.ballots_of(poll).left_out(channel):
        for candidate, votes in one.totals.items():
            valid[candidate] -= votes
    known.totals[channel] = replace(counted, totals=valid, effective=at)


FOLDS: Folds = {
    CredentialsCommitted: _committed,
    PollRuleDeclared: _declared,
    PollBatch: _batch,
    PollTotalsOpened: _opened,
    VotesInvalidated: _invalidated,
    VotesReinstated: _reinstated,
}
