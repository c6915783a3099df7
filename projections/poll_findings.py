"""Patterns in a channel's ballots with the rows they are made of, for auditors; never while the poll runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ledger.errors import StoreError, VerificationError
from ledger.poll_rows import Place, parse_block
from ledger.procedure.poll_patterns import Ballot, Pattern, patterns
from ledger.selection import Selection
from projections.secrecy import poll_readable


@dataclass(frozen=True, slots=True)
class PollFinding:
    """A pattern and where its ballots stand, in the order of the log."""

    pattern: Pattern
    rows: tuple[Place, ...]


def findings_of(
    state: Selection, poll_id: str, channel: str, attached: Callable[[int], bytes | None]
) -> tuple[PollFinding, ...]:
    """Return what stands out among the ballots of a channel; `attached` gives what is attached to an entry.

    Raises `VerificationError` `POLL_RUNNING` while the poll runs: patterns would tell how the vote goes (dispute D14).
    Raises `StoreError` `ROWS_MISSING` if rows are gone.
    """
    poll = state.polls.by_id[poll_id]
    if not poll_readable(poll):
        raise VerificationError("POLL_RUNNING", closes_at=poll.closes_at)

    def placed() -> Iterator[tuple[Place, Ballot]]:
        for sequence, batch in enumerate(state.polls.ballots_of(poll_id).of_channel(channel)):
            data = attached(batch.index)
            if data is None:
                raise StoreError("ROWS_MISSING", index=batch.index)
            for serial, vote in enumerate(parse_block(data).votes()):
                ballot = Ballot(vote.minute, int.from_bytes(vote.choice, "big"), vote.origin)
                yield Place(sequence, serial), ballot

    found = patterns(lambda: (ballot for _, ballot in placed()), len(poll.candidates))
    rows: list[list[Place]] = [[] for _ in found]
    if found:
        for place, ballot in placed():
            for pattern, listed in zip(found, rows, strict=True):
                if pattern.concerns(ballot):
                    listed.append(place)
    return tuple(PollFinding(pattern, tuple(listed)) for pattern, listed in zip(found, rows, strict=True))
