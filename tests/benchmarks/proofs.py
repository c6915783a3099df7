"""What proofs cost: at a million leaves from the database, and of each batch when it is sequenced.

`python -m tests.benchmarks.proofs` runs both on a server of its own. The limits stand as baselines: 1 ms for a proof,
15 % of the batch for its tree and checkpoint.
"""

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256

import psycopg
from psycopg.types.numeric import Int8

from api.rehearsal.live import SequencedLedger
from ledger import proving
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.merkle import Frontier, leaf_hash, root_nodes
from ledger.pin import PinFile
from ledger.store import Store
from tests.benchmarks.history import MEMBERS, Panel, history_before_voting
from tests.benchmarks.machine import new_site, on_one_core, server, timed
from tests.benchmarks.report import Measure, heading, show
from tests.sequenced import SCHEMA, Site
from tests.simulator import LOG_KEY, ORIGIN, resume

LEAVES = 1_000_000
LIMIT_US = 1000.0
SHARE = 0.15
_WARM = 50


def proofs(site: Site, leaves: int = LEAVES, repeat: int = 500) -> list[Measure]:
    """Build a tree of made-up leaves in an empty log and prove at places drawn by lot, one proof at a time."""
    grow_tree(site, leaves)
    draw = random.Random(leaves)
    with site.store() as store:
        pairs = [sorted(draw.sample(range(1, leaves + 1), 2)) for _ in range(repeat + _WARM)]
        works: dict[str, Callable[[int, int], object]] = {
            f"inclusion proof at {leaves} leaves, from the database / 1 ms": partial(_included, store, leaves),
            "inclusion proof at any earlier size / 1 ms": lambda old, new: proving.inclusion(store, old - 1, new),
            f"consistency proof up to {leaves} leaves / 1 ms": lambda old, _: proving.consistency(store, old, leaves),
            "consistency proof between any two sizes / 1 ms": partial(proving.consistency, store),
        }
        return [Measure(name, 1.0, [LIMIT_US] * repeat, _times(work, pairs)) for name, work in works.items()]


def _included(store: Store, leaves: int, index: int, _: int) -> object:
    return proving.inclusion(store, index - 1, leaves)


def _times(work: Callable[[int, int], object], pairs: list[list[int]]) -> list[float]:
    return [timed(partial(work, old, new), 1) for old, new in pairs][_WARM:]


def grow_tree(site: Site, leaves: int) -> None:
    """Fill the tables of an empty log with the tree of `leaves` made-up leaves, and pin it."""
    frontier = Frontier()
    with psycopg.connect(site.admin_dsn, autocommit=True) as connection:
        with connection.cursor().copy(f"COPY {SCHEMA}.nodes FROM STDIN (FORMAT BINARY)".encode()) as copy:
            copy.set_types(["int8", "bytea"])
            for position, hashes in _rows(frontier, leaves):
                copy.write_row((Int8(position), hashes))
        note = sign_checkpoint(Checkpoint(ORIGIN, leaves, frontier.root()), LOG_KEY)
        connection.execute(f"INSERT INTO {SCHEMA}.checkpoints VALUES (%s, %s)".encode(), (leaves, note))
        connection.execute(f"VACUUM ANALYZE {SCHEMA}.nodes".encode())
    pin = PinFile(site.pin_path)
    pin.advance(leaves, frontier.root())
    pin.close()


def _rows(frontier: Frontier, leaves: int) -> Iterator[tuple[int, bytes]]:
    for index in range(leaves):
        leaf = sha256(index.to_bytes(8, "big")).digest()
        yield index + 1, b"".join([value for _, _, value in frontier.append(leaf)])


def tree_share(panel: Panel, store: Store, dsn: str, repeat: int) -> Measure:
    """Sequence batches of 500 ballots, and build and store the tree and checkpoint of each once more by themselves.

    The second counts leaf hashes, nodes, root, signature and the inserts of nodes and checkpoint, not the commit, which
    the batch needs anyway.
    """
    limits: list[float] = []
    costs: list[float] = []
    with on_one_core(dsn), psycopg.connect(dsn, autocommit=True) as connection:
        _twin_tables(connection)
        for _ in range(repeat):
            panel.open_round()
            envelopes = panel.ballots(panel.members)
            first = panel.sequencer.size
            limits.append(SHARE * timed(partial(panel.submit, envelopes), len(envelopes)))
            entries = [entry for _, entry in store.read_entries(first)]
            peaks = store.nodes(root_nodes(first))
            costs.append(_tree_alone(connection, Frontier(first, [peaks[one] for one in root_nodes(first)]), entries))
    return Measure(f"tree and checkpoint of a batch of {MEMBERS} / 15 % of the batch", 1.0, limits, costs)


def _twin_tables(connection: psycopg.Connection) -> None:
    for table in ("nodes", "checkpoints"):
        connection.execute(f"DROP TABLE IF EXISTS twin_{table}".encode())
        connection.execute(f"CREATE TABLE twin_{table} (LIKE {SCHEMA}.{table} INCLUDING ALL)".encode())


def _tree_alone(connection: psycopg.Connection, frontier: Frontier, entries: list[bytes]) -> float:
    first = frontier.size
    with connection.transaction(), connection.cursor(binary=True) as cursor:
        start = time.perf_counter()
        rows = [b"".join([value for _, _, value in frontier.append(leaf_hash(entry))]) for entry in entries]
        note = sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()), LOG_KEY)
        cursor.execute(
            b"INSERT INTO twin_nodes SELECT %b + n, hashes"
            b" FROM unnest(%b::bytea[]) WITH ORDINALITY AS given (hashes, n)",
            (Int8(first), rows),
        )
        cursor.execute(b"INSERT INTO twin_checkpoints VALUES (%b, %b)", (Int8(frontier.size), note))
        return (time.perf_counter() - start) / len(entries) * 1e6


def main() -> None:
    """Run both and print the rows."""
    heading()
    with server() as postgres:
        show(proofs(new_site(postgres)))
        site, history = new_site(postgres), history_before_voting()
        site.pin_path.unlink()
        site.preload(history)
        with site.sequencer() as sequencer, site.store() as store:
            panel = Panel(resume(history, SequencedLedger(sequencer)), sequencer)
            show([tree_share(panel, store, site.admin_dsn, 15)])


if __name__ == "__main__":
    main()
