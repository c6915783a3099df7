"""Public votes: what is asked of whom, how many ballots are in, and once a poll has ended the totals of each source.

While a poll runs only counts are known here, to everybody alike, and no total of anybody (clause 五(四), D14).
Afterwards the totals of every source stand apart, as opened and as they count, and one whose totals nobody can check
says so (F07).
"""

from dataclasses import dataclass

from ledger.poll_rows import once
from ledger.selection import Selection
from ledger.state.poll_book import Poll
from projections.secrecy import poll_readable

UNVERIFIABLE = "UNVERIFIABLE_SOURCE"


@dataclass(frozen=True, slots=True)
class LeftOutView:
    """Ballots that do not count: by which rule, how many, the entry that made it so and the one that ended it."""

    rule: str
    count: int
    entry: int
    reinstated: int | None


@dataclass(frozen=True, slots=True)
class SourceView:
    """One channel of a poll.

    Attributes:
        verifiable: whether its totals can be checked against ballots; if not, `finding` is `UNVERIFIABLE_SOURCE`.
        credentials: how many may vote there, as it committed to; None for a channel that gives only totals.
        taken: how many of its ballots are in the log.
        entry: the entry that gave its totals; `raw` are the totals as given, `valid` without what is left out.
    """

    channel: str
    verifiable: bool
    finding: str | None
    credentials: int | None
    taken: int
    entry: int | None
    raw: dict[str, int] | None
    valid: dict[str, int] | None
    left_out: tuple[LeftOutView, ...]


@dataclass(frozen=True, slots=True)
class PollView:
    """One poll. Instants are UTC ms; `opened`, `closed` and `certified` are entries.

    Attributes:
        candidates: in the order of the frozen list, whose hash is `list_hash`; `page` the digest of what was shown.
        most: how many names a ballot may bear; `rule` whether a credential votes `once` or `once_a_day`.
        taken: how many ballots are in, over all channels.
        rules: by which ballots may be left out, declared before the opening.
        sums: the votes over all sources that can be checked; None while no totals are given.
    """

    poll: str
    stage: str
    candidates: tuple[str, ...]
    list_hash: str
    page: str
    most: int
    rule: str
    opened: int
    opened_at: int
    closes_at: int
    closed: int | None
    certified: int | None
    taken: int
    rules: tuple[str, ...]
    sources: tuple[SourceView, ...]
    sums: dict[str, int] | None


def polls(state: Selection) -> tuple[PollView, ...]:
    """Return every poll in the order of their opening."""
    return tuple(poll_view(state, one) for one in state.polls.by_id.values())


def poll_view(state: Selection, poll: Poll) -> PollView:
    """Return what everybody may know of a poll."""
    ballots = state.polls.ballots_of(poll.id)
    programme = state.charter.version_for(poll.stage).programme
    readable = poll_readable(poll) and bool(poll.totals)
    return PollView(
        poll=poll.id,
        stage=poll.stage,
        candidates=poll.candidates,
        list_hash=poll.list_hash,
        page=poll.page,
        most=programme.seats,
        rule="once" if once(programme) else "once_a_day",
        opened=poll.opened,
        opened_at=poll.opened_at,
        closes_at=poll.closes_at,
        closed=poll.closed,
        certified=poll.outcome.index if poll.outcome else None,
        taken=sum(ballots.counts.values()),
        rules=tuple(sorted(ballots.rules)),
        sources=tuple(_source(state, poll, channel) for channel in poll.channels),
        sums=state.polls.sums(poll) if readable else None,
    )


def _source(state: Selection, poll: Poll, channel: str) -> SourceView:
    ballots, verifiable = state.polls.ballots_of(poll.id), state.polls.channels[channel].verifiable
    committed = ballots.credentials.get(channel)
    given = poll.totals.get(channel) if poll_readable(poll) else None
    return SourceView(
        channel=channel,
        verifiable=verifiable,
        finding=None if verifiable else UNVERIFIABLE,
        credentials=committed.count if committed is not None else None,
        taken=ballots.counts.get(channel, 0),
        entry=given.index if given is not None else None,
        raw=dict(given.raw or given.totals) if given is not None else None,
        valid=dict(given.totals) if given is not None else None,
        left_out=tuple(
            LeftOutView(one.rule, one.count, one.effective, one.reinstated)
            for one in ballots.invalidations.values()
            if one.channel == channel
        ),
    )
