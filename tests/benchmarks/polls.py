"""What a public vote by the million costs: signed batches against COPY, and the audit of every row against hashing.

Both sides have the same rows, in batches of the same size with a commit for each, on the same server, which flushes to
disk. COPY is the driver's binary one, row by row, into a table with a unique index on the tag. A batch is handed in as
its signed statement with its rows; all credentials are entered before, as they are before a poll opens. The clock
stops at the receipts. The audit checks hashes, commitments, choices, duplicates and totals, and then also that every
tag was committed to, which takes the root over the whole list; beside it stands hashing as many leaves and their trees
alone.

`python -m tests.benchmarks.polls --rows 10000000` runs both on a server of its own. Measured on two cores that others
used as well: of 1 M ballots, batches 0.51 of COPY (0.47 where many more processes wanted the cores), the audit 0.58 and
0.58 of hashing (at least 0.33 is wanted); of 10 M, the audit 0.45 and 0.40, at 6 to 7 µs a row as of 1 M, with 156 MiB
in each process; batches 0.30 of COPY, beside a list of ten million credentials, on cores that were most of the time
not ours.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from math import gcd
from multiprocessing import get_context

import psycopg
from psycopg.types.numeric import Int8

from api.rehearsal.driver import World
from api.rehearsal.live import SequencedLedger
from api.rehearsal.steps_polls import open_poll
from ledger.merkle import leaf_hash, streamed_root
from ledger.poll_credentials import enter_credentials
from ledger.poll_rows import MINUTE_MS, MOST_ROWS, Block, Vote, choice_of, make_block
from ledger.sequencer import Sequenced, Sequencer
from ledger.state.poll_book import Poll
from ledger.statements.foundation import StageOpened
from ledger.store import Store
from projections.poll_audit import audit
from tests.benchmarks.machine import new_site, server
from tests.benchmarks.report import Measure, heading, show
from tests.public_ballots import CHANNEL, OPERATOR, STAGE, batch, close, commitment
from tests.sequenced import Site
from tests.simulator import resume
from tests.voting import history_before

WORKERS = 2
COMPARED = 1_000_000
"""Of so many rows COPY is measured beside; what comes after them only makes the audit longer."""
AT_A_TIME = 4
"""Batches that COPY, and then the channel, hands in before it is the other's turn."""
_CHOICES = 64
_ROW_BYTES = 72


@dataclass(frozen=True)
class Polling:
    """A poll in progress on a running sequencer."""

    site: Site
    world: World
    sequencer: Sequencer
    store: Store
    poll: Poll
    voters: "Voters"


class Voters:
    """The credentials of a poll and the order in which they vote; none is held, each is made when it is asked for."""

    def __init__(self, count: int) -> None:
        """Make so many."""
        self.count = count
        self._apart = (1 << 64) // count
        self._stride = next(one for one in range(int(count * 0.618) | 1, 2 * count + 2) if gcd(one, count) == 1)

    def tag(self, number: int) -> bytes:
        """Return a voter's tag; the tags ascend with the numbers, and are spread as hashes are."""
        return (number * self._apart).to_bytes(8, "big") + sha256(b"%d" % number).digest()[:24]

    def tags(self) -> Iterator[bytes]:
        """Give all tags."""
        return map(self.tag, range(self.count))

    def voting(self, start: int, stop: int) -> list[bytes]:
        """Return the tags of those who vote in these places of the queue, from all over the list."""
        return [self.tag(place * self._stride % self.count) for place in range(start, stop)]


@contextmanager
def polling(site: Site, voters: int) -> Iterator[Polling]:
    """Open a poll for so many voters of one channel, all of them entered."""
    history = history_before(STAGE)
    site.preload(history)
    with site.sequencer() as sequencer, site.store() as store:
        world = resume(history, SequencedLedger(sequencer))
        every = Voters(voters)
        _, root = streamed_root(map(leaf_hash, every.tags()))
        world.must(OPERATOR, replace(commitment(world, 1), count=voters, root=root.hex()))
        world.must("organiser", StageOpened(STAGE))
        poll = open_poll(world, STAGE)
        enter_credentials(store, world.state, poll.id, CHANNEL, every.tags())
        yield Polling(site, world, sequencer, store, poll, every)


def signed_batches(here: Polling, rows: int) -> Measure:
    """Hand in batches of signed rows, and COPY the same rows into a table with the same unique index, by turns."""
    copied: list[float] = []
    ours: list[float] = []
    with psycopg.connect(here.site.admin_dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE copied (index bigint, serial bigint, tag bytea PRIMARY KEY, commitment bytea, vote bytea)"
        )
        for start in range(0, rows, AT_A_TIME * MOST_ROWS):
            stop = min(rows, start + AT_A_TIME * MOST_ROWS)
            blocks = [_block(here, one, min(one + MOST_ROWS, stop)) for one in range(start, stop, MOST_ROWS)]
            if start < COMPARED:
                copied.append(_copied(connection, blocks))
            cost = _sequenced(here, blocks)
            if start < COMPARED:
                ours.append(cost)
    return Measure(f"signed batches of {MOST_ROWS} rows / COPY, same unique index", 0.5, copied, ours)


def _block(here: Polling, start: int, stop: int) -> Block:
    """Make the ballots of those who come next."""
    candidates = len(here.poll.candidates)
    choices = [choice_of([one % candidates, one % 5, one % 3], candidates) for one in range(_CHOICES)]
    minute, noise = here.world.now // MINUTE_MS, os.urandom(17 * (stop - start))
    votes = {
        tag: Vote(choices[noise[at] % _CHOICES], noise[at + 1 : at + 17], minute)
        for at, tag in zip(range(0, len(noise), 17), here.voters.voting(start, stop), strict=True)
    }
    return make_block(votes, os.urandom(16))


def _copied(connection: psycopg.Connection, blocks: list[Block]) -> float:
    """COPY the rows, a transaction for each batch."""
    rows = [
        [(Int8(batch), Int8(serial), head[:32], head[32:], vote) for serial, (head, vote) in enumerate(block.pairs())]
        for batch, block in enumerate(blocks)
    ]
    begun = time.perf_counter()
    for some in rows:
        with connection.cursor().copy(b"COPY copied FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "int8", "bytea", "bytea", "bytea"])
            for row in some:
                copy.write_row(row)
    return (time.perf_counter() - begun) / sum(map(len, rows)) * 1e6


def _sequenced(here: Polling, blocks: list[Block]) -> float:
    """Hand the batches in as their channel does: one after another, and none waits for the answer to the one before."""
    done = len(here.world.state.polls.ballots_of(here.poll.id).of_channel(CHANNEL))
    given = [
        (here.world.envelope(OPERATOR, batch(here.world, here.poll, block, sequence=done + number)), block.encode())
        for number, block in enumerate(blocks)
    ]
    begun = time.perf_counter()
    answers = [here.sequencer.submit(envelope, here.world.now, attached) for envelope, attached in given]
    for one in answers:
        answer = one.result()
        if not isinstance(answer, Sequenced) or not answer.receipt.checkpoint_note:
            raise LookupError(str(answer))
    return (time.perf_counter() - begun) / sum(block.count for block in blocks) * 1e6


def recounts(here: Polling, repeat: int) -> list[Measure]:
    """Audit every row of the closed poll beside hashing as many leaves and their trees, by turns, two workers each.

    Then once more with every credential: that is one more tree on either side, of the whole list.
    """
    batches = here.world.state.polls.ballots_of(here.poll.id).of_channel(CHANNEL)
    rows = [one.count for one in batches]
    listed = [min(MOST_ROWS, here.voters.count - start) for start in range(0, here.voters.count, MOST_ROWS)]
    names = {
        f"audit of {sum(rows)} rows / leaf and tree hashing, {WORKERS} workers": rows,
        f"the same with {here.voters.count} credentials / hashing rows and list": rows + listed,
    }
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
    for _ in range(repeat):
        for credentials, (name, counts) in enumerate(names.items()):
            bare, ours = times[name]
            bare.append(_timed(partial(_hash_alone, counts), sum(rows)))
            ours.append(_timed(partial(_audit, here, sum(rows), credentials=bool(credentials)), sum(rows)))
    own, child = (
        resource.getrusage(which).ru_maxrss >> 10 for which in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    note = f"  at most {child} MiB in each of {WORKERS} workers; {own} MiB in the benchmark with its sequencer"
    first, second = (Measure(name, 1 / 3, *both) for name, both in times.items())
    return [first, replace(second, note=note)]


def _timed(work: Callable[[], object], rows: int) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) / rows * 1e6


def _audit(here: Polling, rows: int, *, credentials: bool) -> None:
    found = audit(here.world.state, here.poll.id, here.site.ballots(), WORKERS, credentials=credentials)
    if found.problems or found.ballots != rows:
        raise LookupError(str(found.problems[:3]))


def _hash_alone(counts: list[int]) -> None:
    parts = [counts[worker::WORKERS] for worker in range(WORKERS)]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        list(pool.map(hash_trees, parts))


def hash_trees(counts: list[int]) -> None:
    """Hash so many rows, batch by batch, and the tree over each batch."""
    noise = os.urandom(_ROW_BYTES * MOST_ROWS)
    for count in counts:
        row = [
            sha256(b"\x00" + noise[at : at + _ROW_BYTES]).digest() for at in range(0, _ROW_BYTES * count, _ROW_BYTES)
        ]
        while len(row) > 1:
            odd = row[len(row) & ~1 :]
            row = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]
            row += odd


def polls(site: Site, rows: int = COMPARED, repeat: int = 3) -> list[Measure]:
    """Run a poll of so many ballots in an empty log."""
    with polling(site, rows) as here:
        handed_in = signed_batches(here, rows)
        close(here.world, here.poll)
        return [handed_in, *recounts(here, repeat)]


def main() -> None:
    """Run both and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.polls", description=__doc__)
    parser.add_argument("--rows", type=int, default=COMPARED, help="how many ballots are cast")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of the audit")
    given = parser.parse_args()
    heading()
    with server() as postgres:
        show(polls(new_site(postgres), given.rows, given.repeat))


if __name__ == "__main__":
    main()
