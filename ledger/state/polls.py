"""The public vote: channels, polls, the totals each channel certified, clause five(四).

Only totals of channels that can be checked against ballots may order equals (reading `public_totals`); all are shown.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ledger.state.poll_ballots import Counted, PublicBallots
from ledger.statements.poll import ChannelRegistered, PollClosed, PollOpened, TotalsImported

if TYPE_CHECKING:
    from ledger.results import Outcome
    from ledger.selection import Selection
    from ledger.state.matters import Folds
    from ledger.statements import Act


@dataclass(frozen=True, slots=True)
class Channel:
    """A public platform: who signs for it, and whether its totals can be checked against ballots."""

    id: str
    operator: str
    verifiable: bool
    index: int


@dataclass(slots=True)
class Poll:
    """One public vote: its frozen list, its channels and their totals. Instants are UTC ms, the others entries."""

    id: str
    stage: str
    candidates: tuple[str, ...]
    channels: tuple[str, ...]
    list_hash: str
    page: str
    opened: int
    opened_at: int
    closes_at: int
    closed: int | None = None
    totals: dict[str, Counted] = field(default_factory=dict)
    replaced: list[Counted] = field(default_factory=list)
    outcome: "Outcome | None" = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The channels that have not given their totals."""
        return tuple(channel for channel in self.channels if channel not in self.totals)


@dataclass(slots=True)
class Polls:
    """All channels and polls."""

    channels: dict[str, Channel] = field(default_factory=dict)
    by_id: dict[str, Poll] = field(default_factory=dict)
    ballots: dict[str, PublicBallots] = field(default_factory=dict)

    def ballots_of(self, poll: str) -> PublicBallots:
        """Return what is known of a poll's ballots; there may be some before it opens."""
        return self.ballots.setdefault(poll, PublicBallots())

    def of_stage(self, stage: str) -> Poll | None:
        """Return the poll of a stage."""
        return next((poll for poll in self.by_id.values() if poll.stage == stage), None)

    def certified(self, stage: str) -> Poll | None:
        """Return the poll of a stage if its totals are certified."""
        poll = self.of_stage(stage)
        return poll if poll is not None and poll.outcome is not None else None

    def sums(self, poll: Poll) -> dict[str, int]:
        """Return each candidate's votes over the verifiable channels."""
        counted = [one for channel, one in poll.totals.items() if self.channels[channel].verifiable]
        return {candidate: sum(one.totals[candidate] for one in counted) for candidate in poll.candidates}

    def deciding(self, poll: Poll) -> dict[str, int]:
        """Return the votes that may order equals: certified, of verifiable channels; none where there is no such."""
        verifiable = any(self.channels[channel].verifiable for channel in poll.totals)
        return self.sums(poll) if verifiable and poll.outcome is not None else {}

    def hand_over(self, predecessor: str, successor: str) -> None:
        """Let a successor sign for the channels of an operator who left."""
        for channel in self.channels.values():
            if channel.operator == predecessor:
                self.channels[channel.id] = replace(channel, operator=successor)


def _registered(state: "Selection", act: "Act", now: "Act") -> None:
    body: ChannelRegistered = act.body
    state.polls.channels[body.channel] = Channel(body.channel, body.operator, body.verifiable, now.index)


def _opened(state: "Selection", act: "Act", now: "Act") -> None:
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


def _closed(state: "Selection", act: "Act", now: "Act") -> None:
    state.polls.by_id[act.body.poll].closed = now.index


def _imported(state: "Selection", act: "Act", now: "Act") -> None:
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


FOLDS: "Folds" = {
    ChannelRegistered: _registered,
    PollOpened: _opened,
    PollClosed: _closed,
    TotalsImported: _imported,
}
