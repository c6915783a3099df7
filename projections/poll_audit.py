"""Every row of a public vote once more: hashes, commitments, choices, duplicates, credentials, totals.

Rows are read batch by batch and checked by several processes; what a credential used up goes to files by the first bits
of its tag, so that duplicates are found one part at a time. Memory does not grow with the number of ballots.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Protocol

from ledger.attached import votes_at
from ledger.errors import MalformedError, VerificationError
from ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from ledger.poll_rows import (
    MINUTE_MS,
    Block,
    check_block,
    once,
    parse_block,
    parse_places,
    seal_subtotals,
    spent_key,
)
from ledger.selection import Selection
from ledger.state.poll_book import Poll, PublicBatch
from projections.secrecy import poll_readable

PARTS = 64
"""Into how many parts tags fall by their first bits: of ten million, one holds about 160,000."""
KEY_BYTES = 16
"""So much of a tag is compared: no two of one poll agree in 128 bits by chance."""
_DAY_BYTES = 4
_FLUSH = 1 << 16


class Ballots(Protocol):
    """Where rows and credentials are, for this process and others (`ledger.store.ballots.BallotSource`)."""

    def blocks(self, entries: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        """Yield what is attached to each of these entries."""

    def credentials(self, commitment: int, low: bytes, high: bytes | None) -> Iterator[bytes]:
        """Yield the tags of a commitment from `low` to before `high`, ascending."""


class PollProblem(NamedTuple):
    """What is wrong: a code, the entry it is about, and where or how many."""

    code: str
    entry: int
    where: str


@dataclass(frozen=True, slots=True)
class PollAudit:
    """What the rows of a poll give: the totals by channel as cast and as they count, and all that is wrong."""

    ballots: int
    raw: dict[str, dict[str, int]]
    valid: dict[str, dict[str, int]]
    problems: tuple[PollProblem, ...]


@dataclass(frozen=True, slots=True)
class _Task:
    """What a process needs to check batches of one channel."""

    source: Ballots
    batches: tuple[PublicBatch, ...]
    candidates: int
    most: int
    minutes: tuple[int, int]
    offset_minutes: int
    only_once: bool
    folder: Path
    worker: int


@dataclass(slots=True)
class _Found:
    sums: list[int]
    ballots: int = 0
    problems: list[PollProblem] = field(default_factory=list)


def audit(state: Selection, poll_id: str, source: Ballots, workers: int = 2, *, credentials: bool = True) -> PollAudit:
    """Check every row of a poll that is over against its entries, and count again what they give.

    Problems: `ROWS_MISSING`, `ROWS_ALTERED`, `ALREADY_VOTED_PUBLIC`, `CREDENTIAL_UNKNOWN`, `CREDENTIALS_MISMATCH`,
    `TOTALS_NOT_DERIVED`. Without `credentials` the list that a channel committed to is left aside. Raises
    `VerificationError` `POLL_RUNNING` while the poll runs (dispute D14), and what `source` raises.
    """
    poll = state.polls.by_id[poll_id]
    if not poll_readable(poll):
        raise VerificationError("POLL_RUNNING", closes_at=poll.closes_at)
    raw: dict[str, dict[str, int]] = {}
    valid: dict[str, dict[str, int]] = {}
    problems: list[PollProblem] = []
    ballots = 0
    channels = [one for one in poll.channels if one in state.polls.ballots_of(poll_id).credentials]
    with ExitStack() as stack:
        pool = None
        if workers > 1:
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
        for channel in channels:
            found = _channel(state, poll, channel, source, pool, workers, credentials=credentials)
            raw[channel] = dict(zip(poll.candidates, found.sums, strict=True))
            ballots += found.ballots
            problems += found.problems
            valid[channel], more = _valid(state, poll, channel, raw[channel], source)
            problems += more
    return PollAudit(ballots, raw, valid, tuple(problems))


def _channel(
    state: Selection,
    poll: Poll,
    channel: str,
    source: Ballots,
    pool: ProcessPoolExecutor | None,
    workers: int,
    *,
    credentials: bool,
) -> _Found:
    known = state.polls.ballots_of(poll.id)
    programme = state.charter.version_for(poll.stage).programme
    commitment = known.credentials[channel]
    batches = known.of_channel(channel)
    found = _Found([0] * len(poll.candidates))
    with TemporaryDirectory(prefix="ballot-ledger-") as name:
        tasks = [
            _Task(
                source,
                tuple(batches[worker::workers]),
                len(poll.candidates),
                programme.seats,
                (poll.opened_at // MINUTE_MS, poll.closes_at // MINUTE_MS),
                programme.utc_offset_minutes,
                once(programme),
                Path(name),
                worker,
            )
            for worker in range(workers)
        ]
        each = pool.map if pool else map
        for part in each(_check, tasks):
            found.sums = [one + other for one, other in zip(found.sums, part.sums, strict=True)]
            found.ballots += part.ballots
            found.problems += part.problems
        listed = commitment.index if credentials else None
        parts = [(tasks[worker], tuple(range(worker, PARTS, workers)), workers, listed) for worker in range(workers)]
        counts = list(
            pool.map(_compare, *zip(*parts, strict=True)) if pool else map(_compare, *zip(*parts, strict=True))
        )
    twice, unknown = (sum(one[place] for one in counts) for place in (0, 1))
    if twice:
        found.problems.append(PollProblem("ALREADY_VOTED_PUBLIC", commitment.index, str(twice)))
    if unknown:
        found.problems.append(PollProblem("CREDENTIAL_UNKNOWN", commitment.index, str(unknown)))
    if credentials and _listed(source, commitment.index) != (commitment.count, commitment.root):
        found.problems.append(PollProblem("CREDENTIALS_MISMATCH", commitment.index, channel))
    counted = poll.totals.get(channel)
    if counted is not None and counted.raw != dict(zip(poll.candidates, found.sums, strict=True)):
        found.problems.append(PollProblem("TOTALS_NOT_DERIVED", counted.index, channel))
    return found


def _check(task: _Task) -> _Found:
    """Check one worker's batches, and leave what their rows used up in files by the first bits of the tags."""
    found = _Found([0] * task.candidates)
    spool = [bytearray() for _ in range(PARTS)]
    for batch, (_, data) in zip(task.batches, task.source.blocks([batch.index for batch in task.batches]), strict=True):
        if data is None:
            found.problems.append(PollProblem("ROWS_MISSING", batch.index, "-"))
            continue
        try:
            block = parse_block(data)
        except MalformedError as error:
            found.problems.append(PollProblem("ROWS_ALTERED", batch.index, str(error.facts.get("where", "-"))))
            continue
        checked = check_block(block, task.candidates, task.most, task.minutes)
        where = checked.fault
        if block.count != batch.count or checked.root.hex() != batch.root:
            where = where or "root"
        elif seal_subtotals(block.salt, checked.subtotals) != batch.subtotals:
            where = where or "subtotals"
        if where is not None:
            found.problems.append(PollProblem("ROWS_ALTERED", batch.index, where))
        found.ballots += block.count
        found.sums = [one + other for one, other in zip(found.sums, checked.subtotals, strict=True)]
        _spool(task, block, spool)
    for part, kept in enumerate(spool):
        _flush(task, part, kept)
    return found


def _spool(task: _Task, block: Block, spool: list[bytearray]) -> None:
    tags = block.tags()
    if task.only_once:
        for tag in tags:
            spool[tag[0] >> 2].extend(tag[:KEY_BYTES])
    else:
        for tag, vote in zip(tags, block.votes(), strict=True):
            day = spent_key(tag, vote.minute, task.offset_minutes, only_once=False)[len(tag) :]
            spool[tag[0] >> 2].extend(tag[:KEY_BYTES] + day)
    for part, kept in enumerate(spool):
        if len(kept) > _FLUSH:
            _flush(task, part, kept)


def _file(task: _Task, worker: int, part: int) -> Path:
    return task.folder / f"{worker}-{part}"


def _flush(task: _Task, part: int, kept: bytearray) -> None:
    with _file(task, task.worker, part).open("ab") as file:
        file.write(kept)
    kept.clear()


def _compare(task: _Task, parts: tuple[int, ...], workers: int, commitment: int | None) -> tuple[int, int]:
    """Return how many ballots used up what another one had, and how many credentials were not committed to."""
    size = KEY_BYTES if task.only_once else KEY_BYTES + _DAY_BYTES
    twice = unknown = 0
    for part in parts:
        data = b"".join(_file(task, worker, part).read_bytes() for worker in range(workers))
        keys = {data[start : start + size] for start in range(0, len(data), size)}
        twice += len(data) // size - len(keys)
        if commitment is not None:
            low, high = bytes([part << 2]), bytes([part + 1 << 2]) if part + 1 < PARTS else None
            tags = {tag[:KEY_BYTES] for tag in task.source.credentials(commitment, low, high)}
            unknown += sum(key[:KEY_BYTES] not in tags for key in keys)
    return twice, unknown


def _listed(source: Ballots, commitment: int) -> tuple[int, str]:
    """Return how many credentials are listed, and the root over them."""
    frontier = Frontier()
    for tag in source.credentials(commitment, b"", None):
        frontier.append(leaf_hash(tag))
    return frontier.size, (frontier.root() if frontier.size else EMPTY_ROOT).hex()


def _valid(
    state: Selection, poll: Poll, channel: str, raw: dict[str, int], source: Ballots
) -> tuple[dict[str, int], list[PollProblem]]:
    """Return what counts once the rows that are left out are taken away, from the lists of rows themselves."""
    valid, problems = dict(raw), []

    def attached(index: int) -> bytes | None:
        return next(source.blocks([index]))[1]

    for one in state.polls.ballots_of(poll.id).left_out(channel):
        data = attached(one.index)
        try:
            places = parse_places(data) if data is not None else None
            given = votes_at(state, poll.id, channel, places, attached) if places is not None else None
        except MalformedError:
            given = None
        if given is None:
            problems.append(PollProblem("ROWS_MISSING", one.index, channel))
            given = one.totals
        elif given != one.totals:
            problems.append(PollProblem("TOTALS_NOT_DERIVED", one.index, channel))
        valid = {candidate: votes - given[candidate] for candidate, votes in valid.items()}
    return valid, problems
