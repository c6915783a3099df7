"""Entering the credentials that a channel committed to, and opening its totals: what a channel does around a poll."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Protocol

from ledger.errors import VerificationError
from ledger.merkle import HASH_BYTES
from ledger.poll_rows import check_block, credentials_root, encode_openings, parse_block
from ledger.selection import Selection
from ledger.statements.poll import Total
from ledger.statements.poll_ballots import PollTotalsOpened

_CHUNK = 20_000
_ANY_MINUTE = (0, 2**32 - 1)


class CredentialStore(Protocol):
    """Where credentials are entered (`ledger.store.Store`)."""

    def add_credentials(self, commitment: int, tags: Sequence[bytes]) -> None:
        """Enter tags; those that are there stay."""


def enter_credentials(store: CredentialStore, state: Selection, poll: str, channel: str, tags: Iterable[bytes]) -> int:
    """Enter the whole list of a channel's tags (32 bytes each), in any order; return how many there are.

    Only these can vote. Doing it again is harmless. Raises `VerificationError` `CREDENTIALS_MISMATCH` if the list is
    not the one whose root the channel committed to, before anything is entered.
    """
    listed = sorted(set(tags))
    committed = state.polls.ballots_of(poll).credentials.get(channel)
    if committed is None or committed.count != len(listed) or any(len(tag) != HASH_BYTES for tag in listed):
        raise VerificationError("CREDENTIALS_MISMATCH", channel=channel)
    if credentials_root(listed).hex() != committed.root:
        raise VerificationError("CREDENTIALS_MISMATCH", channel=channel)
    for start in range(0, len(listed), _CHUNK):
        store.add_credentials(committed.index, listed[start : start + _CHUNK])
    return len(listed)


def totals_of(
    state: Selection, poll_id: str, channel: str, attached: Callable[[int], bytes | None]
) -> tuple[PollTotalsOpened, bytes]:
    """Return the statement that opens a channel's totals, derived from its rows, and what is attached to it.

    For after the close: before that nobody adds anything up (dispute D14). Raises `VerificationError`
    `TOTALS_NOT_DERIVED` if rows are gone or the poll still runs, `MalformedError` if what is stored is no block.
    """
    poll = state.polls.by_id[poll_id]
    if poll.closed is None:
        raise VerificationError("TOTALS_NOT_DERIVED", where="open")
    openings: list[tuple[bytes, Sequence[int]]] = []
    sums = [0] * len(poll.candidates)
    for batch in state.polls.ballots_of(poll_id).of_channel(channel):
        data = attached(batch.index)
        if data is None:
            raise VerificationError("TOTALS_NOT_DERIVED", where=f"entry {batch.index}")
        block = parse_block(data)
        subtotals = check_block(block, len(poll.candidates), len(poll.candidates), _ANY_MINUTE).subtotals
        openings.append((block.salt, subtotals))
        sums = [total + votes for total, votes in zip(sums, subtotals, strict=True)]
    opening = encode_openings(openings)
    totals = tuple(Total(candidate, votes) for candidate, votes in zip(poll.candidates, sums, strict=True))
    return PollTotalsOpened(channel, sha256(opening).hexdigest(), poll_id, totals), opening
