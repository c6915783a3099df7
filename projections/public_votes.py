"""The ballots of public votes as entries tell of them one after another, and which files of an export belong to them.

Everybody gets the rows, which show no choice, and the lists of credentials. Auditors get rows with their votes from the
close of a poll on, and what opens its totals or leaves ballots out. Whoever writes an export and whoever checks it
derive from the same entries what must be there.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from ledger.poll_rows import once
from ledger.procedure.programme_value import InvalidProgrammeError, programme_from_value
from ledger.state.poll_book import Credentials, PublicBatch
from ledger.statements import Act
from ledger.statements.foundation import CharterSealed, ProgrammeAmended
from ledger.statements.poll import PollClosed
from ledger.statements.poll_ballots import CredentialsCommitted, PollBatch, PollTotalsOpened, VotesInvalidated
from projections.ballot_rows import ChannelVote

BALLOTS = "core/ballots/"
_NAME = re.compile(r"core/ballots/(?:0|[1-9][0-9]*)(?:\.rows|\.tags)?")


def block_path(index: int) -> str:
    """Return where an export has what is attached to an entry: rows with votes, openings, a list of rows."""
    return f"{BALLOTS}{index}"


def rows_path(index: int) -> str:
    """Return where an export has the rows of a batch without their votes."""
    return f"{BALLOTS}{index}.rows"


def tags_path(index: int) -> str:
    """Return where an export has the list of credentials that an entry committed to, 32 bytes each, ascending."""
    return f"{BALLOTS}{index}.tags"


class PublicVotes:
    """What the entries taken so far say of ballots in public votes."""

    def __init__(self) -> None:
        """Begin before entry 0."""
        self.credentials: dict[tuple[str, str], Credentials] = {}
        """What a channel committed to, by poll and channel."""
        self.batches: dict[tuple[str, str], list[PublicBatch]] = {}
        self.attached: list[int] = []
        """The entries that open totals or leave ballots out."""
        self.closed: set[str] = set()
        self._only_once: set[bool] = set()

    def take(self, act: Act) -> None:
        """Take the next entry; most are of no concern."""
        fold = _FOLDS.get(type(act.body))
        if fold is not None:
            fold(self, act, act.body)

    def votes(self) -> Iterator[ChannelVote]:
        """Give what can be checked of rows without their votes.

        Under a rule of once a day nobody can tell a double ballot without the minute, which is sealed; nor, where the
        rule was amended, which version governs.
        """
        for key, commitment in self.credentials.items():
            batches = self.batches.get(key)
            if batches:
                yield ChannelVote(commitment, tuple(batches), self._only_once == {True}, None)

    def parts(self, auditor: bool) -> Iterator[tuple[int, str]]:
        """Give entry and file of all that an audience gets besides the lists of credentials."""
        for (poll, _), batches in self.batches.items():
            path = block_path if auditor and poll in self.closed else rows_path
            yield from ((batch.index, path(batch.index)) for batch in batches)
        if auditor:
            yield from ((index, block_path(index)) for index in self.attached)

    def strangers(self, names: frozenset[str], auditor: bool) -> Iterator[str]:
        """Give the files among `names` that belong to no entry, or not to this audience."""
        known = {path for _, path in self.parts(auditor)} | {tags_path(one.index) for one in self.credentials.values()}
        yield from sorted(name for name in names if name.startswith(BALLOTS) and name not in known)

    def _programme(self, _act: Act, body: Any) -> None:
        try:
            self._only_once.add(once(programme_from_value(body.programme)))
        except InvalidProgrammeError:
            self._only_once.add(False)

    def _committed(self, act: Act, body: CredentialsCommitted) -> None:
        self.credentials.setdefault((body.poll, body.channel), Credentials(body.count, body.root, act.index))

    def _batch(self, act: Act, body: PollBatch) -> None:
        batch = PublicBatch(act.index, body.count, body.root, body.subtotals)
        self.batches.setdefault((body.poll, body.channel), []).append(batch)

    def _attached(self, act: Act, _body: Any) -> None:
        self.attached.append(act.index)

    def _closed(self, _act: Act, body: PollClosed) -> None:
        self.closed.add(body.poll)


_FOLDS: dict[type, Callable[[PublicVotes, Act, Any], None]] = {
    CharterSealed: PublicVotes._programme,
    ProgrammeAmended: PublicVotes._programme,
    CredentialsCommitted: PublicVotes._committed,
    PollBatch: PublicVotes._batch,
    PollTotalsOpened: PublicVotes._attached,
    VotesInvalidated: PublicVotes._attached,
    PollClosed: PublicVotes._closed,
}
