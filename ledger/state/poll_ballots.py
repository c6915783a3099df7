"""A poll by single ballots: who may vote, which batches came in, which votes are left out (five(四), F01 to F08)."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ledger.statements.poll_ballots import (
    CredentialsCommitted,
    PollBatch,
    PollRuleDeclared,
    PollTotalsOpened,
    VotesInvalidated,
    VotesReinstated,
)

if TYPE_CHECKING:
    from ledger.selection import Selection
    from ledger.state.matters import Folds
    from ledger.statements import Act


@dataclass(frozen=True, slots=True)
class Counted:
    """A channel's totals by candidate as they count: the entry that gave them and the last one that changed them.

    `raw` are the totals as opened, before any ballot was left out; None where a channel gave only totals.
    """

    totals: dict[str, int]
    file: str
    index: int
    effective: int
    raw: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a channel committed to: how many credentials, the root of their tags (hexadecimal), and the entry."""

    count: int
    root: str
    index: int


@dataclass(frozen=True, slots=True)
class PublicBatch:
    """One batch: its entry, how many ballots, the root of its rows and its sealed subtotals (hexadecimal)."""

    index: int
    count: int
    root: str
    subtotals: str


@dataclass(slots=True)
class Invalidation:
    """Ballots left out: the statement's entry and the one that made it effective; `reinstated` the one that ended it.

    `totals` is by candidate, `rows` the digest of the list of rows.
    """

    index: int
    effective: int
    channel: str
    rule: str
    count: int
    rows: str
    totals: dict[str, int]
    reinstated: int | None = None


@dataclass(slots=True)
class PublicBallots:
    """The ballots of one poll, from before it opens: commitments and rules by id, batches by channel in order."""

    credentials: dict[str, Credentials] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    batches: dict[str, list[PublicBatch]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    invalidations: dict[int, Invalidation] = field(default_factory=dict)

    def of_channel(self, channel: str) -> list[PublicBatch]:
        """Return a channel's batches in order."""
        return self.batches.get(channel, [])

    def left_out(self, channel: str) -> Iterator[Invalidation]:
        """Give what is left out of a channel's ballots as it stands."""
        for one in self.invalidations.values():
            if one.channel == channel and one.reinstated is None:
                yield one


def _committed(state: "Selection", act: "Act", now: "Act") -> None:
    body: CredentialsCommitted = act.body
    state.polls.ballots_of(body.poll).credentials[body.channel] = Credentials(body.count, body.root, now.index)


def _declared(state: "Selection", act: "Act", now: "Act") -> None:
    body: PollRuleDeclared = act.body
    state.polls.ballots_of(body.poll).rules[body.rule] = now.index


def _batch(state: "Selection", act: "Act", now: "Act") -> None:
    body: PollBatch = act.body
    ballots = state.polls.ballots_of(body.poll)
    batch = PublicBatch(now.index, body.count, body.root, body.subtotals)
    ballots.batches.setdefault(body.channel, []).append(batch)
    ballots.counts[body.channel] = ballots.counts.get(body.channel, 0) + body.count


def _opened(state: "Selection", act: "Act", now: "Act") -> None:
    body: PollTotalsOpened = act.body
    totals = {total.candidate: total.votes for total in body.totals}
    state.polls.by_id[body.poll].totals[body.channel] = Counted(totals, body.openings, act.index, now.index, totals)


def _invalidated(state: "Selection", act: "Act", now: "Act") -> None:
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


def _reinstated(state: "Selection", act: "Act", now: "Act") -> None:
    body: VotesReinstated = act.body
    one = state.polls.ballots_of(body.poll).invalidations[body.index]
    one.reinstated = now.index
    _count_again(state, body.poll, one.channel, now.index)


def _count_again(state: "Selection", poll: str, channel: str, at: int) -> None:
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


FOLDS: "Folds" = {
    CredentialsCommitted: _committed,
    PollRuleDeclared: _declared,
    PollBatch: _batch,
    PollTotalsOpened: _opened,
    VotesInvalidated: _invalidated,
    VotesReinstated: _reinstated,
}
