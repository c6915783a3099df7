"""Every row of a public vote once more: hashes, commitments, choices, duplicates, credentials, totals.

The rows are checked by `projections.ballot_rows`; here is what a poll says of them: which channels gave ballots, what
they opened as their totals, and what was left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from ledger.attached import votes_at
from ledger.errors import MalformedError, VerificationError
from ledger.poll_rows import MINUTE_MS, once, parse_openings, parse_places
from ledger.selection import Selection
from ledger.state.poll_book import Invalidation, Poll
from projections.ballot_rows import Ballots, ChannelVote, Judged, PollProblem, check_channel, processes
from projections.secrecy import poll_readable

__all__ = ["Ballots", "PollAudit", "PollProblem", "audit", "channel_vote", "channels_of"]


@dataclass(frozen=True, slots=True)
class PollAudit:
    """What the rows of a poll give: the totals by channel as cast and as they count, and all that is wrong."""

    ballots: int
    raw: dict[str, dict[str, int]]
    valid: dict[str, dict[str, int]]
    problems: tuple[PollProblem, ...]


def channels_of(state: Selection, poll: Poll) -> list[str]:
    """Return the channels of a poll that give ballots."""
    known = state.polls.ballots.get(poll.id)
    return [one for one in poll.channels if known is not None and one in known.credentials]


def channel_vote(state: Selection, poll: Poll, channel: str) -> ChannelVote:
    """Return what was signed of a channel's ballots; while the poll runs no choice is to be read (dispute D14)."""
    known = state.polls.ballots_of(poll.id)
    programme = state.charter.version_for(poll.stage).programme
    window = (poll.opened_at // MINUTE_MS, poll.closes_at // MINUTE_MS)
    judged = Judged(len(poll.candidates), programme.seats, window, programme.utc_offset_minutes)
    return ChannelVote(
        known.credentials[channel],
        tuple(known.of_channel(channel)),
        once(programme),
        judged if poll_readable(poll) else None,
    )


def audit(state: Selection, poll_id: str, source: Ballots, workers: int = 2, *, credentials: bool = True) -> PollAudit:
    """Check every row of a poll that is over against its entries, and count again what they give.

    Problems: those of `projections.ballot_rows.check_channel`, and `TOTALS_NOT_DERIVED`. Without `credentials` the list
    that a channel committed to is left aside. Raises `VerificationError` `POLL_RUNNING` while the poll runs (dispute
    D14), and what `source` raises.
    """
    poll = state.polls.by_id[poll_id]
    if not poll_readable(poll):
        raise VerificationError("POLL_RUNNING", closes_at=poll.closes_at)
    raw: dict[str, dict[str, int]] = {}
    valid: dict[str, dict[str, int]] = {}
    problems: list[PollProblem] = []
    ballots = 0
    with processes(workers, sum(state.polls.ballots_of(poll_id).counts.values())) as pool:
        for channel in channels_of(state, poll):
            vote = channel_vote(state, poll, channel)
            found = check_channel(vote, source, pool, workers, credentials=credentials)
            raw[channel] = dict(zip(poll.candidates, found.sums, strict=True))
            ballots += found.ballots
            problems += found.problems
            problems += _opened(poll, channel, vote, raw[channel], source)
            valid[channel], more = _valid(state, poll, channel, raw[channel], source)
            problems += more
    return PollAudit(ballots, raw, valid, tuple(problems))


def _opened(poll: Poll, channel: str, vote: ChannelVote, raw: dict[str, int], source: Ballots) -> Iterator[PollProblem]:
    """Hold what a channel opened against its rows, and what is attached to it against its own digest."""
    counted = poll.totals.get(channel)
    if counted is None:
        return
    if counted.raw != raw:
        yield PollProblem("TOTALS_NOT_DERIVED", counted.index, channel)
    data = _attached(source, counted.index)
    if data is None:
        yield PollProblem("ROWS_MISSING", counted.index, channel)
    elif sha256(data).hexdigest() != counted.file or not _opens(data, len(vote.batches)):
        yield PollProblem("ROWS_ALTERED", counted.index, "openings")


def _opens(data: bytes, batches: int) -> bool:
    try:
        return len(parse_openings(data)) == batches
    except MalformedError:
        return False


def _attached(source: Ballots, index: int) -> bytes | None:
    return next(source.blocks([index]))[1]


def _valid(
    state: Selection, poll: Poll, channel: str, raw: dict[str, int], source: Ballots
) -> tuple[dict[str, int], list[PollProblem]]:
    """Return what counts once the rows that are left out are taken away, from the lists of rows themselves."""
    valid, problems = dict(raw), []
    for one in state.polls.ballots_of(poll.id).left_out(channel):
        given, problem = _left_out(state, poll, one, source)
        if problem is not None:
            problems.append(problem)
        valid = {candidate: votes - given[candidate] for candidate, votes in valid.items()}
    return valid, problems


def _left_out(
    state: Selection, poll: Poll, one: Invalidation, source: Ballots
) -> tuple[dict[str, int], PollProblem | None]:
    """Return what the rows of an invalidation give; what it says itself where they cannot be read."""
    data = _attached(source, one.index)
    if data is None:
        return one.totals, PollProblem("ROWS_MISSING", one.index, one.channel)
    if sha256(data).hexdigest() != one.rows:
        return one.totals, PollProblem("ROWS_ALTERED", one.index, "places")
    try:
        given = votes_at(state, poll.id, one.channel, parse_places(data), lambda index: _attached(source, index))
    except MalformedError:
        given = None
    if given is None:
        return one.totals, PollProblem("ROWS_MISSING", one.index, one.channel)
    wrong = PollProblem("TOTALS_NOT_DERIVED", one.index, one.channel) if given != one.totals else None
    return given, wrong
