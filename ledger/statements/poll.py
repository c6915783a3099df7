"""The public vote by its certified channel totals (five(四))."""

from dataclasses import dataclass

from ledger.statements.fields import Count, Digest, Id, Instant, Text
from ledger.statements.kinds import kind


@kind("channel.registered")
@dataclass(frozen=True, slots=True)
class ChannelRegistered:
    """A public voting platform; `verifiable` says whether its totals can be checked against ballots."""

    channel: Id
    operator: Id
    platform: Text
    verifiable: bool


@kind("poll.opened")
@dataclass(frozen=True, slots=True)
class PollOpened:
    """The shortlist goes to the public channels for the declared window; `page` is the snapshot of what was shown."""

    candidates: tuple[Id, ...]
    channels: tuple[Id, ...]
    closes_at: Instant
    list_hash: Digest
    page: Digest
    poll: Id
    stage: Id


@kind("poll.closed")
@dataclass(frozen=True, slots=True)
class PollClosed:
    """The public vote ends."""

    poll: Id


@dataclass(frozen=True, slots=True)
class Total:
    """Votes of one candidate in one channel."""

    candidate: Id
    votes: Count


@kind("totals.imported")
@dataclass(frozen=True, slots=True)
class TotalsImported:
    """A channel's totals with their file; effective when a second person countersigns."""

    channel: Id
    file: Digest
    poll: Id
    source: Text
    totals: tuple[Total, ...]
