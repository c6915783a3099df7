"""A public vote by single ballots: what is fixed before it opens, what comes in, what is left out (五(四), F01 to F08).

These decisions see entries alone. That rows, openings and lists are what their digests say, and that no credential
votes twice, is decided with them in `ledger.attached`.
"""

from ledger.decisions.polls import CLAUSE, known_poll
from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.poll_rows import MOST_CANDIDATES, MOST_ROWS, once
from ledger.procedure.reasons import Refusal, refuse
from ledger.procedure.totals import totals_problem
from ledger.selection import Selection
from ledger.state.poll_book import Poll, PublicBallots
from ledger.statements.poll_ballots import (
    CredentialsCommitted,
    PollBatch,
    PollRuleDeclared,
    PollTotalsOpened,
    VotesInvalidated,
    VotesReinstated,
)


def _commit(state: Selection, asked: Asked) -> Refusal | None:
    """F01, F05: a channel's voters are fixed before the poll opens, so that none can be invented while it runs."""
    body: CredentialsCommitted = asked.body
    channel = state.polls.channels.get(body.channel)
    if channel is None:
        return refuse("UNKNOWN_CHANNEL", CLAUSE, channel=body.channel)
    if channel.operator != asked.person:
        return refuse("NOT_AUTHORISED", CLAUSE, act=asked.statement.type, needed=body.channel)
    if not channel.verifiable:
        return refuse("CHANNEL_UNVERIFIABLE", CLAUSE, channel=body.channel)
    opened = state.polls.by_id.get(body.poll)
    if opened is not None:
        return refuse("CREDENTIALS_AFTER_OPENING", CLAUSE, poll=body.poll, index=opened.opened)
    known = state.polls.ballots_of(body.poll).credentials.get(body.channel)
    if known is not None:
        return refuse("CREDENTIALS_COMMITTED", CLAUSE, channel=body.channel, index=known.index)
    return None


def _declare(state: Selection, asked: Asked) -> Refusal | None:
    """F03: by which rules votes may be left out is said before the poll opens, and never changed."""
    body: PollRuleDeclared = asked.body
    opened = state.polls.by_id.get(body.poll)
    if opened is not None:
        return refuse("RULE_NOT_DECLARED_BEFORE", CLAUSE, rule=body.rule, poll=body.poll)
    known = state.polls.ballots_of(body.poll).rules.get(body.rule)
    if known is not None:
        return refuse("POLL_RULE_KNOWN", CLAUSE, rule=body.rule, index=known)
    return None


def _batch(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 五(四): a channel that committed to its credentials gives its ballots, in order, while the window runs."""
    body: PollBatch = asked.body
    poll = known_poll(state, asked, body.poll)
    if isinstance(poll, Refusal):
        return poll
    refused = _channel(state, asked, poll, body.channel)
    if refused is not None:
        return refused
    if poll.closed is not None or asked.at >= poll.closes_at:
        return refuse("POLL_CLOSED", CLAUSE, poll=poll.id, index=poll.opened if poll.closed is None else poll.closed)
    if len(poll.candidates) > MOST_CANDIDATES or not 0 < body.count <= MOST_ROWS:
        return refuse("BATCH_SIZE", CLAUSE, count=body.count, most=MOST_ROWS)
    ballots = state.polls.ballots_of(poll.id)
    expected = len(ballots.of_channel(body.channel))
    if body.sequence != expected:
        return refuse("BATCH_OUT_OF_ORDER", CLAUSE, given=body.sequence, expected=expected)
    committed = ballots.credentials[body.channel].count
    cast = ballots.counts.get(body.channel, 0) + body.count
    if once(asked.programme) and cast > committed:
        return refuse("CREDENTIALS_EXCEEDED", CLAUSE, ballots=cast, credentials=committed)
    return None


def _channel(state: Selection, asked: Asked, poll: Poll, channel: str) -> Refusal | None:
    if channel not in poll.channels:
        return refuse("UNKNOWN_CHANNEL", CLAUSE, channel=channel)
    if state.polls.channels[channel].operator != asked.person:
        return refuse("NOT_AUTHORISED", CLAUSE, act=asked.statement.type, needed=channel)
    if channel not in state.polls.ballots_of(poll.id).credentials:
        return refuse("CREDENTIALS_NOT_COMMITTED", CLAUSE, channel=channel)
    return None


def _open(state: Selection, asked: Asked) -> Refusal | None:
    """F08: after the close, once, every candidate's votes; what they must add up to is in `ledger.attached`."""
    body: PollTotalsOpened = asked.body
    poll = known_poll(state, asked, body.poll)
    if isinstance(poll, Refusal):
        return poll
    refused = _changeable(poll) or _channel(state, asked, poll, body.channel)
    if refused is not None:
        return refused
    known = poll.totals.get(body.channel)
    if known is not None:
        return refuse("TOTALS_OPENED", CLAUSE, channel=body.channel, index=known.index)
    problem = totals_problem([total.candidate for total in body.totals], poll.candidates)
    if problem is not None:
        return refuse("TOTALS_INVALID", CLAUSE, fault=problem.fault.value, candidate=problem.candidate)
    return None


def _changeable(poll: Poll) -> Refusal | None:
    """F08: totals move between the close of a poll and their certification, never before and never after."""
    if poll.outcome is not None:
        return refuse("PUBLIC_CERTIFIED", CLAUSE, poll=poll.id, index=poll.outcome.index)
    return refuse("POLL_NOT_CLOSED", CLAUSE, poll=poll.id) if poll.closed is None else None


def _invalidate(state: Selection, asked: Asked) -> Refusal | None:
    """F03, F04: votes are left out by a rule older than the poll; nothing else about any candidate changes."""
    body: VotesInvalidated = asked.body
    poll = known_poll(state, asked, body.poll)
    if isinstance(poll, Refusal):
        return poll
    ballots = state.polls.ballots_of(poll.id)
    refused = _changeable(poll)
    if refused is not None:
        return refused
    counted = poll.totals.get(body.channel)
    if counted is None or counted.raw is None:
        return refuse("TOTALS_MISSING", CLAUSE, poll=poll.id, channel=body.channel)
    if body.rule not in ballots.rules:
        return refuse("RULE_NOT_DECLARED_BEFORE", CLAUSE, rule=body.rule, poll=poll.id)
    waiting = None if asked.final else _waiting(state, body)
    if waiting is not None:
        return refuse("ALREADY_PENDING", CLAUSE, index=waiting)
    problem = totals_problem([total.candidate for total in body.totals], poll.candidates)
    if problem is not None:
        return refuse("TOTALS_INVALID", CLAUSE, fault=problem.fault.value, candidate=problem.candidate)
    if any(total.votes > counted.totals[total.candidate] for total in body.totals) or not _fits(ballots, body):
        return refuse("INVALIDATION_TOO_LARGE", CLAUSE, count=body.count, channel=body.channel)
    return None


def _waiting(state: Selection, body: VotesInvalidated) -> int | None:
    """Return what waits for its second signature on the same ballots: two of them could name the same rows."""
    same = (body.poll, body.channel)
    for index, pending in state.pending.items():
        other = pending.act.body
        if isinstance(other, VotesInvalidated) and (other.poll, other.channel) == same:
            return index
    return None


def _fits(ballots: PublicBallots, body: VotesInvalidated) -> bool:
    out = sum(one.count for one in ballots.left_out(body.channel))
    return 0 < body.count <= ballots.counts.get(body.channel, 0) - out


def _reinstate(state: Selection, asked: Asked) -> Refusal | None:
    """F03: what was left out counts again by a statement of its own, as long as the totals are not certified."""
    body: VotesReinstated = asked.body
    poll = known_poll(state, asked, body.poll)
    if isinstance(poll, Refusal):
        return poll
    refused = _changeable(poll)
    if refused is not None:
        return refused
    known = state.polls.ballots_of(poll.id).invalidations.get(body.index)
    if known is None:
        return refuse("UNKNOWN_INVALIDATION", CLAUSE, index=body.index)
    if known.reinstated is not None:
        return refuse("ALREADY_REINSTATED", CLAUSE, index=known.reinstated)
    # What waits for a second signature was held against what is left out now, so that no row is left out twice.
    waiting = None if asked.final else _waiting_again(state, body)
    return refuse("ALREADY_PENDING", CLAUSE, index=waiting) if waiting is not None else None


def _waiting_again(state: Selection, body: VotesReinstated) -> int | None:
    for index, pending in state.pending.items():
        other = pending.act.body
        if isinstance(other, VotesReinstated) and other.index == body.index:
            return index
    return None


DECISIONS: Decisions = {
    CredentialsCommitted: _commit,
    PollRuleDeclared: _declare,
    PollBatch: _batch,
    PollTotalsOpened: _open,
    VotesInvalidated: _invalidate,
    VotesReinstated: _reinstate,
}
COSIGN: CosignDecisions = {}
