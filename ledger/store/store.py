"""One log in PostgreSQL, as the ledger uses it: append a batch, read entries, nodes, checkpoints, attempts.

Reading goes through a pool and shows what is committed; whoever serves others limits it by the pin. Appending goes
through one direct connection (`ledger.store.writer`).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from psycopg_pool import PoolTimeout

from ledger.errors import StoreError
from ledger.merkle import HASH_BYTES, Address
from ledger.store import schema as layout
from ledger.store.attempts import AttemptTables, StoredCheckpoint
from ledger.store.ballots import BallotSource, BallotTables
from ledger.store.batch import AppendBatch
from ledger.store.database import Connection, check_installed, connect, store_error
from ledger.store.installation import guards
from ledger.store.recorder import EntryFactory, EntryRecorder, environment

__all__ = ["Store", "StoredCheckpoint"]


class Store(AttemptTables, BallotTables):
    """An open log. Reading is safe from any thread; appending is for the one sequencer."""

    def __init__(self, recorder: EntryRecorder, dsn: str) -> None:
        """Use `Store.open`."""
        self.schema = recorder.schema
        self.recorder = recorder
        self._dsn = dsn
        self.appended: Callable[[int, int], None] | None = None
        """Told of every batch that is committed: how many entries, and how many nanoseconds it took."""
        self._pool = recorder.datastore.pool

    @classmethod
    def open(cls, dsn: str, schema: str, pin_path: Path | None = None) -> "Store":
        """Open the log `schema` with the service's role; `pin_path` limits what subscriptions show.

        Raises `StoreError`: `STORE_UNREACHABLE`, `STORE_WRONG_MAJOR`, `STORE_NOT_INSTALLED`, `STORE_PRIVILEGE`.
        """
        layout.checked_name(schema)
        with connect(dsn) as connection:
            check_installed(connection, schema)
        return cls(EntryFactory(environment(dsn, schema, pin_path)).application_recorder(), dsn)

    def close(self) -> None:
        """Close every connection, and with them release the sequencer's lock."""
        self.recorder.writer.close()
        self.recorder.datastore.close()

    def __enter__(self) -> "Store":
        """Return the open store."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def guards(self) -> list[str]:
        """Name every guard of the log that is missing (`ledger.store.installation.guards`)."""
        with connect(self._dsn) as connection:
            return guards(connection, self.schema)

    def ballots(self) -> BallotSource:
        """Return a reader of ballots with connections of its own, also in other processes."""
        return BallotSource(self._dsn, self.schema)

    def another_connection(self, name: str) -> Connection:
        """Open a connection of the service's role for what stands beside the log; `name` is shown by the server."""
        return connect(self._dsn, name)

    def hold_sequencer_lock(self) -> None:
        """Become the log's one sequencer; see `Writer.hold_sequencer_lock`."""
        self.recorder.writer.hold_sequencer_lock()

    def append(self, batch: AppendBatch) -> None:
        """Append a batch, all of it or nothing; see `Writer.append`."""
        began = time.perf_counter_ns()
        self.recorder.writer.append(batch)
        if self.appended is not None:
            self.appended(len(batch.entries), time.perf_counter_ns() - began)

    def size(self) -> int:
        """Return the number of committed entries."""
        return int(self._rows(f"SELECT coalesce(max(position), 0) FROM {self.schema}.entries")[0][0])

    def entry(self, index: int) -> bytes | None:
        """Return the bytes of entry `index`, None if there is no such entry."""
        rows = self._rows(f"SELECT state FROM {self.schema}.entries WHERE position = %s", (index + 1,))
        return bytes(rows[0][0]) if rows else None

    def read_entries(self, start: int = 0, stop: int | None = None, chunk: int = 500) -> Iterator[tuple[int, bytes]]:
        """Yield (index, bytes) of the entries `start` to before `stop`, by default to the end as it is now.

        Raises `StoreError` `STORE_GAP` if an entry that must be there is not.
        """
        stop = self.size() if stop is None else stop
        query = (
            f"SELECT position - 1, state FROM {self.schema}.entries"
            " WHERE position > %s AND position <= %s ORDER BY position"
        )
        for low in range(start, stop, chunk):
            high = min(low + chunk, stop)
            rows = self._rows(query, (low, high))
            if len(rows) != high - low:
                present = {row[0] for row in rows}
                raise StoreError("STORE_GAP", index=next(index for index in range(low, high) if index not in present))
            yield from rows

    def stored_rows(self, chunk: int = 500) -> Iterator[tuple[int, bytes, str, bytes, bytes]]:
        """Yield every row as it is stored, in order: index, bytes, topic, statement id, and the hashes of its nodes.

        For audits, so nothing is taken to be sound: rows may be missing, and the hashes are empty where theirs is.
        """
        query = (
            "SELECT e.position - 1, e.state, e.topic, e.statement_id, coalesce(n.hashes, '')"
            f" FROM {self.schema}.entries AS e LEFT JOIN {self.schema}.nodes AS n USING (position)"
            " WHERE position > %s ORDER BY position LIMIT %s"
        )
        rows = self._rows(query, (-(2**63), chunk))
        with ThreadPoolExecutor(1, "reading-ahead") as ahead:
            while rows:
                # The database goes on to the next rows while these are looked at.
                coming = ahead.submit(self._rows, query, (rows[-1][0] + 1, chunk))
                yield from rows
                rows = coming.result()

    def checkpoints(self, chunk: int = 500) -> Iterator[StoredCheckpoint]:
        """Yield every stored checkpoint, the smallest first."""
        last = -(2**63)
        query = f"SELECT size, note FROM {self.schema}.checkpoints WHERE size > %s ORDER BY size LIMIT %s"
        while rows := self._rows(query, (last, chunk)):
            yield from (StoredCheckpoint(*row) for row in rows)
            last = rows[-1][0]

    def find_statement(self, statement_id: bytes) -> int | None:
        """Return the index of the entry of a statement, None if it is not in the log."""
        rows = self._rows(f"SELECT position - 1 FROM {self.schema}.entries WHERE statement_id = %s", (statement_id,))
        return int(rows[0][0]) if rows else None

    def newest_checkpoint(self) -> StoredCheckpoint | None:
        """Return the checkpoint of the log as it stands, None for an empty log."""
        return self._checkpoint("ORDER BY size DESC LIMIT 1")

    def checkpoint_at(self, size: int) -> StoredCheckpoint | None:
        """Return the checkpoint of exactly this size, None if none was issued at it."""
        return self._checkpoint("WHERE size = %s", size)

    def checkpoint_covering(self, index: int) -> StoredCheckpoint | None:
        """Return the first checkpoint above entry `index`, None if the entry is not committed."""
        return self._checkpoint("WHERE size > %s ORDER BY size LIMIT 1", index)

    def nodes(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        """Return the hashes of these complete subtrees, in one query.

        Raises `StoreError` `STORE_NODE_MISSING` for a subtree that is not complete, or whose hash is not there.
        """
        positions = {(index + 1) << level for level, index in addresses}
        query = f"SELECT position, hashes FROM {self.schema}.nodes WHERE position = ANY(%s)"
        hashes: dict[int, bytes] = dict(self._rows(query, (list(positions),)))
        found: dict[Address, bytes] = {}
        for level, index in addresses:
            value = hashes.get((index + 1) << level, b"")[level * HASH_BYTES : (level + 1) * HASH_BYTES]
            if not value:
                raise StoreError("STORE_NODE_MISSING", level=level, index=index)
            found[level, index] = value
        return found

    def _checkpoint(self, which: str, *values: int) -> StoredCheckpoint | None:
        rows = self._rows(f"SELECT size, note FROM {self.schema}.checkpoints {which}", values)
        return StoredCheckpoint(*rows[0]) if rows else None

    def _pooled(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        return self._pool.connection()

    def _refresh(self) -> None:
        self._pool.check()

    def _rows(self, query: str, values: Sequence[Any] = (), tries: int = 2) -> list[Any]:
        """Run one statement; again on another connection if it is one that reads and the server had restarted."""
        try:
            with self._pool.connection() as connection:
                return connection.cursor(row_factory=tuple_row, binary=True).execute(query.encode(), values).fetchall()
        except psycopg.OperationalError as error:
            if tries == 1 or isinstance(error, PoolTimeout):
                raise store_error(error, self.schema) from error
        except psycopg.Error as error:
            raise store_error(error, self.schema) from error
        self._pool.check()
        return self._rows(query, values, tries - 1)
