"""The rows of a channel's ballots against what was signed of them: roots, commitments, duplicates, credentials.

Rows are read batch by batch and checked by several processes; what a credential used up goes to files by the first bits
of its tag, and so does the list of credentials: both are compared one part at a time, tag by tag and in full. Memory
does not grow with the number of ballots.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Protocol, TypeVar

from ledger.errors import MalformedError
from ledger.merkle import HASH_BYTES, Node, joined, subtrees
from ledger.poll_rows import (
    Block,
    check_hashed,
    hash_block,
    hash_heads,
    parse_block,
    seal_subtotals,
    shown_heads,
    spent_key,
)
from ledger.state.poll_book import Credentials, PublicBatch

PARTS = 64
"""Into how many parts tags fall by their first bits: of ten million, one holds about 160,000."""
WORTH_PROCESSES = 100_000
"""Ballots from which on other processes cost less than they save."""
_LOW = [bytes([part << 2]) for part in range(PARTS)]
_FLUSH = 1 << 16
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class Ballots(Protocol):
    """Where rows and credentials are, for this process and others (`ledger.store.ballots.BallotSource`)."""

    def blocks(self, entries: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        """Yield the entries of these indices with what is attached to each."""

    def credentials(self, commitment: int) -> Iterator[bytes]:
        """Yield the tags of a commitment, ascending, many in each piece."""


class PollProblem(NamedTuple):
    """What is wrong: a code, the entry it is about, and where or how many."""

    code: str
    entry: int
    where: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What choices are held against: names in the list and on a ballot, first and last minute, offset of civil days."""

    candidates: int
    most: int
    minutes: tuple[int, int]
    offset_minutes: int


@dataclass(frozen=True, slots=True)
class ChannelVote:
    """What was signed of a channel's ballots in a poll.

    `judged` is None where choices are not to be read. `only_once`: a credential votes once, and not once a day.
    """

    commitment: Credentials
    batches: tuple[PublicBatch, ...]
    only_once: bool
    judged: Judged | None


@dataclass(slots=True)
class Found:
    """What the rows turn out to be: how many ballots, the votes by place in the list, and all that is wrong."""

    sums: list[int]
    ballots: int = 0
    problems: list[PollProblem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Task:
    """What a process needs to check every `workers`th batch of a channel, and every so manieth part of its tags."""

    source: Ballots
    vote: ChannelVote
    folder: Path
    worker: int
    workers: int
    counts: tuple[int, ...] | None = None


class _Compared(NamedTuple):
    twice: int
    unknown: int
    sound: bool
    nodes: list[Node]


@contextmanager
def processes(workers: int, ballots: int) -> Iterator[Executor | None]:
    """Give as many processes as are worth their while; None for a few ballots."""
    if workers < 2 or ballots < WORTH_PROCESSES:
        yield None
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool


def check_channel(
    vote: ChannelVote, source: Ballots, pool: Executor | None = None, workers: int = 2, *, credentials: bool = True
) -> Found:
    """Check all rows of a channel, and that each credential was committed to and used once; count what they give.

    Problems: `ROWS_MISSING`, `ROWS_ALTERED`, `ALREADY_VOTED_PUBLIC`, `CREDENTIAL_UNKNOWN`, `CREDENTIALS_MISMATCH`.
    Without `credentials` the list that the channel committed to is left aside. What `source` raises passes through.
    """
    found = Found([0] * (vote.judged.candidates if vote.judged is not None else 0))
    workers = workers if pool is not None else 1
    with TemporaryDirectory(prefix="ballot-ledger-") as name:
        tasks = [_Task(source, vote, Path(name), worker, workers) for worker in range(workers)]
        checking = _each(pool, _check, tasks)
        # Read while the others check.
        counts = _split(source.credentials(vote.commitment.index), Path(name)) if credentials else None
        for part in checking:
            found.sums = [one + other for one, other in zip(found.sums, part.sums, strict=True)]
            found.ballots += part.ballots
            found.problems += part.problems
        tasks = [_Task(source, vote, Path(name), worker, workers, counts) for worker in range(workers)]
        compared = dict(one for some in _each(pool, _compare, tasks) for one in some)
    found.problems += _standing(vote, counts, [compared[part] for part in range(PARTS)])
    return found


def _each(pool: Executor | None, work: Callable[[_Given], _Made], given: Sequence[_Given]) -> Iterable[_Made]:
    return pool.map(work, given) if pool is not None else map(work, given)


def _standing(vote: ChannelVote, counts: tuple[int, ...] | None, parts: list[_Compared]) -> Iterator[PollProblem]:
    commitment = vote.commitment
    twice, unknown = sum(part.twice for part in parts), sum(part.unknown for part in parts)
    if twice:
        yield PollProblem("ALREADY_VOTED_PUBLIC", commitment.index, str(twice))
    if counts is None:
        return
    if unknown:
        yield PollProblem("CREDENTIAL_UNKNOWN", commitment.index, str(unknown))
    root = joined(node for part in parts for node in part.nodes).hex()
    if (sum(counts), root) != (commitment.count, commitment.root) or not all(part.sound for part in parts):
        yield PollProblem("CREDENTIALS_MISMATCH", commitment.index, "list")


def _check(task: _Task) -> Found:
    """Check one worker's batches, and leave what their rows used up in files by the first bits of the tags."""
    judged = task.vote.judged
    found = Found([0] * (judged.candidates if judged is not None else 0))
    spool = [bytearray() for _ in range(PARTS)]
    batches = task.vote.batches[task.worker :: task.workers]
    for batch, (_, data) in zip(batches, task.source.blocks([batch.index for batch in batches]), strict=True):
        if data is None:
            found.problems.append(PollProblem("ROWS_MISSING", batch.index, "-"))
            continue
        try:
            keys, where = _batch(task.vote, batch, data, found)
        except MalformedError as error:
            found.problems.append(PollProblem("ROWS_ALTERED", batch.index, str(error.facts.get("where", "-"))))
            continue
        if where is not None:
            found.problems.append(PollProblem("ROWS_ALTERED", batch.index, where))
        _spool(task, keys, spool)
    for part, kept in enumerate(spool):
        _flush(task, part, kept)
    return found


def _batch(vote: ChannelVote, batch: PublicBatch, data: bytes, found: Found) -> tuple[list[bytes], str | None]:
    """Count a batch; return what its rows used up, and what is wrong with it."""
    judged = vote.judged
    if judged is None:
        heads = shown_heads(data)
        hashed = hash_heads(heads)
        found.ballots += len(heads)
        wrong = len(heads) != batch.count or hashed.root.hex() != batch.root
        keys = list(hashed.tags) if vote.only_once else []
        return keys, hashed.fault or ("root" if wrong else None)
    block = parse_block(data)
    hashed = hash_block(block)
    checked = check_hashed(block, hashed, judged.candidates, judged.most, judged.minutes)
    found.ballots += block.count
    found.sums = [one + other for one, other in zip(found.sums, checked.subtotals, strict=True)]
    where = checked.fault
    if block.count != batch.count or checked.root.hex() != batch.root:
        where = where or "root"
    elif seal_subtotals(block.salt, checked.subtotals) != batch.subtotals:
        where = where or "subtotals"
    return list(hashed.tags) if vote.only_once else _days(block, hashed.tags, judged.offset_minutes), where


def _days(block: Block, tags: Sequence[bytes], offset: int) -> list[bytes]:
    votes = zip(tags, block.votes(), strict=True)
    return [spent_key(tag, vote.minute, offset, only_once=False) for tag, vote in votes]


def _spool(task: _Task, keys: list[bytes], spool: list[bytearray]) -> None:
    keys.sort()
    places = [*(bisect_left(keys, low) for low in _LOW), len(keys)]
    for part, kept in enumerate(spool):
        kept.extend(b"".join(keys[places[part] : places[part + 1]]))
        if len(kept) > _FLUSH:
            _flush(task, part, kept)


def _flush(task: _Task, part: int, kept: bytearray) -> None:
    with (task.folder / f"{task.worker}-{part}").open("ab") as file:
        file.write(kept)
    kept.clear()


def _split(pieces: Iterable[bytes], folder: Path) -> tuple[int, ...]:
    """Lay a list of tags down in files by their first bits; return how many are in each."""
    counts = [0] * PARTS
    with ExitStack() as stack:
        files = [stack.enter_context((folder / f"tags-{part}").open("wb")) for part in range(PARTS)]
        for piece in pieces:
            tags: list[bytes] = [piece]
            if len(piece) % HASH_BYTES or piece[0] >> 2 != piece[-HASH_BYTES] >> 2:
                tags = [piece[start : start + HASH_BYTES] for start in range(0, len(piece), HASH_BYTES)]
            for some in tags:
                counts[some[0] >> 2] += len(some) // HASH_BYTES
                files[some[0] >> 2].write(some)
    return tuple(counts)


def _compare(task: _Task) -> list[tuple[int, _Compared]]:
    """Compare every so manieth part of what was used up with what was committed to."""
    return [(part, _part(task, part)) for part in range(task.worker, PARTS, task.workers)]


def _part(task: _Task, part: int) -> _Compared:
    vote = task.vote
    size = HASH_BYTES if vote.only_once else HASH_BYTES + len(spent_key(b"", 0, 0, only_once=False))
    data = b"".join((task.folder / f"{worker}-{part}").read_bytes() for worker in range(task.workers))
    keys = {data[start : start + size] for start in range(0, len(data), size)}
    twice = len(data) // size - len(keys)
    if task.counts is None:
        return _Compared(twice, 0, True, [])
    data = (task.folder / f"tags-{part}").read_bytes()
    tags = [data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)]
    voted = keys if vote.only_once else {key[:HASH_BYTES] for key in keys}
    known = set(tags)
    nodes = subtrees(sum(task.counts[:part]), [sha256(b"\x00" + tag).digest() for tag in tags])
    return _Compared(twice, len(voted - known), len(known) == len(tags) and tags == sorted(tags), nodes)
