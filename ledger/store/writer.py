"""The one connection that appends: it holds the sequencer's lock, and each append is one call and one transaction.

Lock and append share the connection, so a sequencer that lost its lock cannot append. The connection is direct: behind
a pooler in transaction mode the lock would belong to nobody.
"""

from struct import Struct
from typing import Any, ClassVar

import psycopg
from psycopg import pq
from psycopg.adapt import Buffer, Dumper
from psycopg.types.numeric import Int8

from ledger.errors import LedgerError, StoreError
from ledger.store import schema as layout
from ledger.store.batch import AppendBatch
from ledger.store.database import Connection, check_installed, connect, store_error, translated

# A lock whose holder vanished from the network must not stand for the two hours that are the system's default.
_SETTINGS = """
SELECT set_config('tcp_keepalives_idle', '20', false), set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false),
    CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
        THEN set_config('synchronous_commit', 'on', false) END
"""


class Writer:
    """Appends to one log. Used by one thread; connects when it is first needed."""

    def __init__(self, dsn: str, schema: str) -> None:
        """Remember where to connect to."""
        self._dsn = dsn
        self._schema = layout.checked_name(schema)
        self._connection: Connection | None = None
        self._lost_lock = False
        self._holds_lock = False
        self._append = f"SELECT {schema}.append(%b, %b, %b::text[], %b, %b, %b, %b, %b, %b::bigint[])".encode()

    def hold_sequencer_lock(self) -> None:
        """Become the log's one sequencer until `close` or until the connection is lost; again is harmless.

        Raises `StoreError` `SEQUENCER_ALREADY_RUNNING` if another connection is, and what `connect` raises. After an
        append of unknown outcome this succeeds only once the server is done with it: what is read then is settled.
        """
        if self._holds_lock:
            return
        connection = self._connected()
        query = f"SELECT pg_try_advisory_lock(%s, '{self._schema}.entries'::regclass::oid::int)".encode()
        with translated(self._schema):
            if connection.execute(query, (layout.LOCK_SEQUENCER,)).fetchone() != (True,):
                raise StoreError("SEQUENCER_ALREADY_RUNNING", schema=self._schema)
        self._holds_lock, self._lost_lock = True, False

    def append(self, batch: AppendBatch) -> None:
        """Append the batch: all of it is committed when this returns.

        Raises:
            ConflictError: `STORE_WRONG_INDEX` if the log's size is not `first_index`; `STORE_DUPLICATE_STATEMENT`;
                `STORE_SPENT`. Nothing was written.
            StoreError: `STORE_OUTCOME_UNKNOWN` if the connection broke: hold the lock again, then read what is there.
                `STORE_UNAVAILABLE` if an earlier append lost the lock; other codes say why nothing was written.
        """
        connection = self._connected()
        if self._lost_lock:
            raise StoreError("STORE_UNAVAILABLE", schema=self._schema, reason="the sequencer's lock was lost")
        try:
            connection.execute(self._append, _parameters(batch), prepare=True)
        except psycopg.Error as error:
            if not connection.closed:
                raise store_error(error, self._schema) from error
            self._forget()
            raise StoreError(
                "STORE_OUTCOME_UNKNOWN", schema=self._schema, first_index=batch.first_index, size=batch.size
            ) from error

    def close(self) -> None:
        """Close the connection and with it release the lock."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._holds_lock = None, False

    def _connected(self) -> Connection:
        if self._connection is not None and self._connection.closed:
            self._forget()
        if self._connection is None:
            connection = connect(self._dsn, "ballot-ledger sequencer")
            try:
                with translated(self._schema):
                    connection.execute(_SETTINGS)
                    check_installed(connection, self._schema)
            except LedgerError:
                connection.close()
                raise
            connection.adapters.register_dumper(_ByteaArray, _ByteaArrayDumper)
            self._connection = connection
        return self._connection

    def _forget(self) -> None:
        self._lost_lock = self._lost_lock or self._holds_lock
        self.close()


class _ByteaArray(list[bytes]):
    """A list that the driver sends as bytea[] in one piece, eight times as fast as element by element."""


class _ByteaArrayDumper(Dumper):
    format = pq.Format.BINARY
    oid = psycopg.postgres.types["bytea"].array_oid
    _empty: ClassVar[Struct] = Struct("!iiI")
    _head: ClassVar[Struct] = Struct("!iiIii")
    _length: ClassVar[Struct] = Struct("!i")

    def dump(self, obj: list[bytes]) -> Buffer:
        """Return PostgreSQL's binary form of a one-dimensional array without nulls."""
        element_oid = psycopg.postgres.types["bytea"].oid
        # Dimensions, no nulls, type of elements; then length and lower bound of the only dimension, if there is one.
        parts = [
            self._head.pack(1, 0, element_oid, len(obj), 1) if obj else self._head.pack(0, 0, element_oid, 0, 0)[:12]
        ]
        for item in obj:
            parts += (self._length.pack(len(item)), item)
        return b"".join(parts)


def _parameters(batch: AppendBatch) -> tuple[Any, ...]:
    entries = batch.entries
    return (
        Int8(batch.first_index),
        _ByteaArray(entry.data for entry in entries),
        [entry.topic for entry in entries],
        _ByteaArray(entry.statement_id for entry in entries),
        _ByteaArray(b"".join([value for _, _, value in entry.nodes]) for entry in entries),
        Int8(batch.size),
        batch.checkpoint_note,
        _ByteaArray(key for key, _ in batch.spent),
        [Int8(index) for _, index in batch.spent],
    )
