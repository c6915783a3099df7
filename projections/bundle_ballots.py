"""Writing the ballots of public votes into an export: lists of credentials, rows, and for auditors the votes."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import Protocol

from ledger.errors import MalformedError
from ledger.poll_rows import parse_block
from projections.bundle_draft import Draft
from projections.public_votes import PublicVotes, rows_path, tags_path


class BallotSource(Protocol):
    """Where ballots are, as an export is made of them."""

    def attached(self, index: int) -> bytes | None:
        """Return what is attached to an entry, None if nothing is there."""

    def credentials(self, commitment: int) -> Iterator[bytes]:
        """Give the tags that an entry committed to, ascending, in pieces; none where none were entered."""


def write_ballots(source: BallotSource, draft: Draft, votes: PublicVotes, *, auditor: bool) -> None:
    """Write what the audience gets; what is not there is left out, for whoever checks the export to find."""
    for commitment in votes.credentials.values():
        pieces = source.credentials(commitment.index)
        first = next(pieces, None)
        if first is not None:
            draft.put(tags_path(commitment.index), chain((first,), pieces))
    for index, path in votes.parts(auditor):
        data = source.attached(index)
        if data is None:
            continue
        if path != rows_path(index):
            draft.put(path, (data,))
            continue
        with suppress(MalformedError):
            draft.put(path, (parse_block(data).shown(),))
