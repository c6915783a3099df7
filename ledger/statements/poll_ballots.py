"""The public vote by single ballots: credentials committed beforehand, batches of rows, totals opened, votes left out.

Rows, choices and salts are attached to the statement that names their root (`ledger.poll_rows`); no entry holds them.
"""

from dataclasses import dataclass

from ledger.statements.fields import Count, Digest, Id, Text
from ledger.statements.kinds import kind
from ledger.statements.poll import Total


@kind("channel.credentials_committed")
@dataclass(frozen=True, slots=True)
class CredentialsCommitted:
    """A channel says before a poll opens who may vote in it: how many credentials, and the Merkle root of their tags.

    The leaves of the tree are the tags, ascending; so a channel cannot invent voters once it sees how the vote goes.
    """

    channel: Id
    count: Count
    poll: Id
    root: Digest


@kind("poll.rule_declared")
@dataclass(frozen=True, slots=True)
class PollRuleDeclared:
    """A rule by which votes of a poll may be left out, said before it opens."""

    poll: Id
    rule: Id
    text: Text


@kind("poll.batch")
@dataclass(frozen=True, slots=True)
class PollBatch:
    """Ballots that came in together: how many, the Merkle root of their rows, and the sealed subtotals.

    `sequence` is the number of the channel's batches in this poll before this one.
    """

    channel: Id
    count: Count
    poll: Id
    root: Digest
    sequence: Count
    subtotals: Digest


@kind("poll.opened_totals")
@dataclass(frozen=True, slots=True)
class PollTotalsOpened:
    """A channel's totals after the close, with the digest of what opens the sealed subtotals of every batch."""

    channel: Id
    openings: Digest
    poll: Id
    totals: tuple[Total, ...]


@kind("votes.invalidated")
@dataclass(frozen=True, slots=True)
class VotesInvalidated:
    """Ballots of a channel that do not count, by a rule declared beforehand; effective with a second signature.

    `query` says in words how they were found, `rows` is the digest of their list, `totals` what they gave to whom.
    """

    channel: Id
    count: Count
    poll: Id
    query: Text
    rows: Digest
    rule: Id
    totals: tuple[Total, ...]


@kind("votes.reinstated")
@dataclass(frozen=True, slots=True)
class VotesReinstated:
    """Ballots that were left out by the entry `index` count again; effective with a second signature."""

    index: Count
    poll: Id
    reason: Text
