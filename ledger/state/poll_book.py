"""Channels, polls, their totals and their single ballots (five(四), F01 to F08)."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ledger.outcome import Outcome


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
