"""A log installed in a fresh database, and what prepares batches for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import pytest
from psycopg.conninfo import make_conninfo

from ledger import merkle
from ledger.store import AppendBatch, NewEntry, Store, install
from ledger.store.batch import Spent

SCHEMA = "testlog"
SERVICE = "testlog_service"


class Grower:
    """Prepares batches as a sequencer would, with stand-ins for entries and signed checkpoints."""

    def __init__(self, size: int = 0) -> None:
        """Begin as a log of `size` of these entries."""
        self.frontier = merkle.Frontier()
        self.roots = [self.frontier.root()]
        if size:
            self.batch(size)

    def batch(self, count: int, spent: tuple[bytes, ...] = (), tag: bytes = b"entry") -> AppendBatch:
        """Return the next `count` entries; the first of them spends `spent`."""
        first = self.frontier.size
        entries = []
        for index in range(first, first + count):
            data = b"%b-%d" % (tag, index)
            nodes = self.frontier.append(merkle.leaf_hash(data))
            entries.append(NewEntry(data, f"kind@{index % 3}", sha256(data).digest(), nodes))
            self.roots.append(self.frontier.root())
        return AppendBatch(first, entries, b"note %d" % self.frontier.size, [Spent(first, (key,)) for key in spent])


@dataclass(frozen=True)
class Log:
    """Where a log is: its administrator's and its service's connection strings."""

    admin_dsn: str
    service_dsn: str
    schema: str = SCHEMA


@pytest.fixture
def log(database: str) -> Log:
    """A log just installed, with every guard in place."""
    assert install(database, SCHEMA, SERVICE) == []
    return Log(database, make_conninfo(database, user=SERVICE))


@pytest.fixture
def store(log: Log) -> Iterator[Store]:
    """The log's store, opened by its service."""
    with Store.open(log.service_dsn, log.schema) as opened:
        yield opened


@pytest.fixture
def grower() -> Grower:
    """Batches from index 0 on."""
    return Grower()
