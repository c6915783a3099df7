"""The one connection that appends: it holds the sequencer's lock, and each append is one call and one transaction.

Lock and append share the connection, so a sequencer that lost its lock cannot append. The connection is direct: behind
a pooler in transaction mode the lock would belong to nobody.
"""

from collections.abc import Sequence
from struct import Struct

import psycopg
from psycopg import errors, pq

from ledger.errors import LedgerError, StoreError
from ledger.store import schema as layout
from ledger.store.batch import AppendBatch
from ledger.store.database import Connection, check_installed, connect, store_error, translated

_INT8, _BYTEA, _TEXT = (psycopg.postgres.types[name] for name in ("int8", "bytea", "text"))
_PARAMETERS = (
    _INT8.oid,
    _BYTEA.array_oid,
    _TEXT.array_oid,
    _BYTEA.array_oid,
    _BYTEA.array_oid,
    _INT8.oid,
    _BYTEA.oid,
    _BYTEA.array_oid,
    _INT8.array_oid,
    _INT8.array_oid,
    _BYTEA.array_oid,
    _INT8.array_oid,
)
_ATTEMPT_PARAMETERS = (_INT8.oid, _BYTEA.array_oid, _BYTEA.array_oid, _INT8.oid, _BYTEA.oid)
_APPEND, _APPEND_ATTEMPTS = b"append", b"append_attempts"

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
        self._call(_APPEND, _parameters(batch), batch)

    def append_attempts(self, batch: AppendBatch) -> None:
        """Append to the log of attempts; topics, statement ids and credentials stay unused. Errors as `append`."""
        self._call(_APPEND_ATTEMPTS, _attempt_parameters(batch), batch)

    def _call(self, prepared: bytes, parameters: list[bytes], batch: AppendBatch) -> None:
        connection = self._connected()
        if self._lost_lock:
            raise StoreError("STORE_UNAVAILABLE", schema=self._schema, reason="the sequencer's lock was lost")
        try:
            # Straight through libpq: the driver's own way of sending arrays costs a third of a small append.
            formats = [pq.Format.BINARY] * len(parameters)
            _check(connection.pgconn.exec_prepared(prepared, parameters, formats, pq.Format.BINARY))
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
                    for name, types in ((_APPEND, _PARAMETERS), (_APPEND_ATTEMPTS, _ATTEMPT_PARAMETERS)):
                        places = ", ".join(f"${place}" for place in range(1, len(types) + 1))
                        query = f"SELECT {self._schema}.{name.decode()}({places})".encode()
                        _check(connection.pgconn.prepare(name, query, types))
            except LedgerError:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _forget(self) -> None:
        self._lost_lock = self._lost_lock or self._holds_lock
        self.close()


_EMPTY = Struct("!iiI")
_HEAD = Struct("!iiIii")
_EIGHT = Struct("!q")
_LENGTH = Struct("!i")


def _check(result: pq.abc.PGresult) -> None:
    """Raise the driver's error for a statement that failed."""
    if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        raise errors.error_from_result(result)


def _array(element_oid: int, items: Sequence[bytes]) -> bytes:
    """Return PostgreSQL's binary form of a one-dimensional array without nulls, given its elements' binary forms."""
    if not items:
        return _EMPTY.pack(0, 0, element_oid)
    # Dimensions, no nulls, type of elements; then length and lower bound of the only dimension.
    parts = [_HEAD.pack(1, 0, element_oid, len(items), 1)]
    for item in items:
        parts += (_LENGTH.pack(len(item)), item)
    return b"".join(parts)


def _parameters(batch: AppendBatch) -> list[bytes]:
    entries = batch.entries
    return [
        _EIGHT.pack(batch.first_index),
        _array(_BYTEA.oid, [entry.data for entry in entries]),
        _array(_TEXT.oid, [entry.topic.encode() for entry in entries]),
        _array(_BYTEA.oid, [entry.statement_id for entry in entries]),
        _nodes(batch),
        _EIGHT.pack(batch.size),
        batch.checkpoint_note,
        # Keys in one piece: as an array of thousands they take longer to unpack than to insert.
        _array(_BYTEA.oid, [b"".join(one.keys) for one in batch.spent]),
        _array(_INT8.oid, [_EIGHT.pack(len(one.keys[0])) for one in batch.spent]),
        _array(_INT8.oid, [_EIGHT.pack(one.entry) for one in batch.spent]),
        _array(_BYTEA.oid, [data for _, data in batch.attached]),
        _array(_INT8.oid, [_EIGHT.pack(index) for index, _ in batch.attached]),
    ]


def _nodes(batch: AppendBatch) -> bytes:
    return _array(_BYTEA.oid, [b"".join([value for _, _, value in entry.nodes]) for entry in batch.entries])


def _attempt_parameters(batch: AppendBatch) -> list[bytes]:
    return [
        _EIGHT.pack(batch.first_index),
        _array(_BYTEA.oid, [entry.data for entry in batch.entries]),
        _nodes(batch),
        _EIGHT.pack(batch.size),
        batch.checkpoint_note,
    ]
