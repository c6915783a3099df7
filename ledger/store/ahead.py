"""A query that the database works on while whoever asked does something else, in the same thread.

A second thread would wait for the interpreter longer than for the database. Straight through libpq, because the
driver's cursors wait for their results.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import errors, generators, pq

_BINARY = pq.Format.BINARY


class Ahead:
    """One statement that was sent on a connection; nothing else may use the connection before `end`."""

    def __init__(
        self, connection: psycopg.Connection[Any], query: bytes, values: Sequence[bytes], types: Sequence[int]
    ) -> None:
        """Send `query` with the binary forms of its values, whose types are given by their oids."""
        self._connection = connection
        self._waiting = True
        connection.pgconn.send_query_params(query, values, types, [_BINARY] * len(values), _BINARY)
        connection.wait(generators.send(connection.pgconn))

    def rows(self) -> list[list[bytes | None]]:
        """Wait for the rows, in their binary form; once. Raises the driver's error for a statement that failed."""
        self._waiting = False
        (result,) = self._connection.wait(generators.fetch_many(self._connection.pgconn))
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise errors.error_from_result(result)
        places = range(result.nfields)
        return [[result.get_value(row, place) for place in places] for row in range(result.ntuples)]

    def end(self) -> None:
        """Leave the connection free for others; rows that nobody waited for are thrown away."""
        if self._waiting:
            self._waiting = False
            self._connection.wait(generators.fetch_many(self._connection.pgconn))
