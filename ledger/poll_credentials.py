"""Entering the credentials that a channel committed to, and opening its totals: what a channel does around a poll."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from heapq import merge
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Protocol

from ledger.errors import MalformedError, VerificationError
from ledger.merkle import HASH_BYTES, leaf_hash, streamed_root
from ledger.poll_rows import check_block, encode_openings, parse_block
from ledger.selection import Selection
from ledger.statements.poll import Total
from ledger.statements.poll_ballots import PollTotalsOpened

_ANY_MINUTE = (0, 2**32 - 1)
_RUN = 1 << 18
"""Tags that are sorted in memory at a time, about 30 MB; a longer list is merged from files of so many."""
_READ = 1 << 11


class CredentialStore(Protocol):
    """Where credentials are entered (`ledger.store.Store`)."""

    def add_credentials(self, commitment: int, tags: Iterable[bytes], count: int) -> None:
        """Enter a whole list, ascending; what is there stays."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A channel's tags, sorted, each once, in a file: how many, and the root that the channel commits to."""

    path: Path
    count: int
    root: str

    def __iter__(self) -> Iterator[bytes]:
        """Give the tags, ascending."""
        return _tags_in(self.path)


@contextmanager
def listed(tags: Iterable[bytes]) -> Iterator[Listed]:
    """Sort any number of tags (32 bytes each), in any order, and find their root, in the memory of a part of them.

    Raises `MalformedError` `CREDENTIAL_MALFORMED` for a tag of another length.
    """
    with TemporaryDirectory(prefix="ballot-ledger-") as name:
        folder, rest, runs = Path(name), iter(tags), list[Path]()
        while part := list(islice(rest, _RUN)):
            if any(len(tag) != HASH_BYTES for tag in part):
                raise MalformedError("CREDENTIAL_MALFORMED", bytes=HASH_BYTES)
            runs.append(folder / f"{len(runs)}")
            runs[-1].write_bytes(b"".join(sorted(set(part))))
        whole = folder / "whole"
        with whole.open("wb") as file:
            count, root = streamed_root(_written(file, _merged(runs)))
        yield Listed(whole, count, root.hex())


def _merged(runs: Sequence[Path]) -> Iterator[bytes]:
    last = b""
    for tag in merge(*map(_tags_in, runs)):
        if tag != last:
            yield tag
        last = tag


def _written(file: BinaryIO, tags: Iterable[bytes]) -> Iterator[bytes]:
    """Write tags, and give their leaf hashes."""
    for tag in tags:
        file.write(tag)
        yield leaf_hash(tag)


def _tags_in(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(_READ * HASH_BYTES):
            yield from (part[start : start + HASH_BYTES] for start in range(0, len(part), HASH_BYTES))


def tags_of_file(path: Path) -> Iterator[bytes]:
    """Read a channel's list: a tag on each line, in hexadecimal.

    Raises `MalformedError` `CREDENTIAL_MALFORMED` with the line, and `OSError` where there is nothing to read.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                tag = bytes.fromhex(line.decode("ascii").strip())
            except ValueError:
                raise MalformedError("CREDENTIAL_MALFORMED", bytes=HASH_BYTES, line=number) from None
            if len(tag) != HASH_BYTES:
                raise MalformedError("CREDENTIAL_MALFORMED", bytes=HASH_BYTES, line=number)
            yield tag


def enter_credentials(store: CredentialStore, state: Selection, poll: str, channel: str, tags: Iterable[bytes]) -> int:
    """Enter the whole list of a channel's tags (32 bytes each), in any order; return how many there are.

    Only these can vote. Doing it again is harmless. The list may be longer than memory. Raises `VerificationError`
    `CREDENTIALS_MISMATCH` if it is not the one whose root the channel committed to, before anything is entered.
    """
    committed = state.polls.ballots_of(poll).credentials.get(channel)
    if committed is None:
        raise VerificationError("CREDENTIALS_MISMATCH", channel=channel)
    try:
        with listed(tags) as found:
            if (found.count, found.root) != (committed.count, committed.root):
                raise VerificationError("CREDENTIALS_MISMATCH", channel=channel)
            store.add_credentials(committed.index, found, found.count)
    except MalformedError:
        raise VerificationError("CREDENTIALS_MISMATCH", channel=channel) from None
    return committed.count


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
