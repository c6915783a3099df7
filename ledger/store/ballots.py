"""What stands beside the entries of a public vote: attached rows, committed credentials, and which are used up."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from struct import Struct
from typing import Any
from weakref import WeakSet

import psycopg

from ledger.errors import MalformedError, StoreError
from ledger.store import schema as layout
from ledger.store.ahead import Ahead
from ledger.store.database import connect, translated

# Each is looked up in the index: a join would be planned by guesses about tables that grow by the million. Tags and
# keys come in one piece each, because an array of them takes longer to send than to look up.
_OFFENDING = """
SELECT place, known, used FROM (
    SELECT place,
        (SELECT position(given.tag IN c.tags) FROM {s}.credentials AS c
            WHERE c.index = $1 AND c.bucket = given.bucket LIMIT 1) % 32 IS NOT DISTINCT FROM 1 AS known,
        (SELECT index FROM {s}.spent AS s WHERE s.key = given.key LIMIT 1) AS used
    FROM (
        SELECT place::bigint, substr($2, 32 * place + 1, 32) AS tag, substr($3, $4 * place + 1, $4) AS key,
            (((get_byte($2, 32 * place) << 8) + get_byte($2, 32 * place + 1) << 8) + get_byte($2, 32 * place + 2))
                >> (24 - (SELECT bits FROM {s}.credentials WHERE index = $1 LIMIT 1)) AS bucket
        FROM generate_series(0, octet_length($2) / 32 - 1) AS place
        OFFSET 0
    ) AS given
    OFFSET 0
) AS found
WHERE NOT known OR used IS NOT NULL
"""
_TAG = 32
_IN_BUCKET = 24
"""Tags in one bucket at most, on average. A bucket is one row, found by its number."""
_MOST_IN_BUCKET = 4096
"""Far more than there ever are of hashes in one bucket; what is no list of hashes is refused."""
_PAGES_AT_ONCE = 2000
_MOST_BITS = 24
_INT8, _INT4, _BYTEA = (psycopg.postgres.types[name].oid for name in ("int8", "int4", "bytea"))
_TYPES = (_INT8, _BYTEA, _BYTEA, _INT4)
_EIGHT, _FOUR = Struct("!q"), Struct("!i")
_uncompiled: WeakSet[psycopg.Connection[Any]] = WeakSet()
"""The connections that are told already to compile nothing: each look-up is one trip to the database."""


class BallotTables:
    """What a store knows of ballots; every method may raise `StoreError`."""

    schema: str

    def _rows(self, query: str, values: Sequence[Any] = (), tries: int = 2) -> list[Any]:
        raise NotImplementedError

    def _pooled(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        raise NotImplementedError

    def _refresh(self) -> None:
        raise NotImplementedError

    def attached(self, index: int) -> bytes | None:
        """Return what is attached to entry `index`, None if nothing is."""
        rows = self._rows(f"SELECT data FROM {self.schema}.attachments WHERE position = %s", (index + 1,))
        return bytes(rows[0][0]) if rows else None

    def spent(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """Return which of these one-time credentials are used up, and by the entry of which index."""
        rows = self._rows(f"SELECT key, index FROM {self.schema}.spent WHERE key = ANY(%s)", (list(keys),))
        return dict(rows)

    def add_credentials(self, commitment: int, tags: Iterable[bytes], count: int) -> None:
        """Enter the credentials that the entry `commitment` committed to: all `count` tags, ascending, each once.

        Doing it again is harmless. What may be entered is for `ledger.poll_credentials` to check. Raises
        `MalformedError` `CREDENTIAL_MALFORMED` for tags that are no hashes.
        """
        bits = min(_MOST_BITS, (count // _IN_BUCKET).bit_length())
        pages = _pages(tags, bits)
        query = f"SELECT {self.schema}.add_credentials(%s, %s, %s, %s)"
        while some := list(islice(pages, _PAGES_AT_ONCE)):
            buckets, data = zip(*some, strict=True)
            self._rows(query, (commitment, bits, list(buckets), list(data)))

    def offending(self, commitment: int, tags: Sequence[bytes], keys: Sequence[bytes]) -> dict[int, int | None]:
        """Return which of these ballots cannot come in, by their place among `tags`.

        With None for one whose credential is not of the commitment in entry `commitment`, otherwise with the entry in
        which its one-time key was used up. All keys are of one length.
        """
        try:
            return self._offending(commitment, tags, keys)
        except StoreError as error:
            if error.code != "STORE_UNAVAILABLE":
                raise
        # The server had restarted: the pool has other connections by now.
        self._refresh()
        return self._offending(commitment, tags, keys)

    def _offending(self, commitment: int, tags: Sequence[bytes], keys: Sequence[bytes]) -> dict[int, int | None]:
        with self.looking_up(commitment, tags, keys) as found:
            return found()

    @contextmanager
    def looking_up(
        self, commitment: int, tags: Sequence[bytes], keys: Sequence[bytes]
    ) -> Iterator[Callable[[], dict[int, int | None]]]:
        """Have the database look up what `offending` returns, and give what waits for its answer.

        No thread is needed for it, which would take the interpreter from whoever works meanwhile.
        """
        query = _OFFENDING.format(s=self.schema).encode()
        size = _FOUR.pack(len(keys[0]) if keys else 0)
        values = [_EIGHT.pack(commitment), b"".join(tags), b"".join(keys), size]
        with translated(self.schema), self._pooled() as connection:
            if connection not in _uncompiled:
                # To compile so long a query takes longer than to run it.
                connection.execute("SET jit = off")
                connection.commit()
                _uncompiled.add(connection)
            ahead = Ahead(connection, query, values, _TYPES)
            try:
                yield lambda: _found(ahead.rows())
            finally:
                ahead.end()


def _found(rows: list[list[bytes | None]]) -> dict[int, int | None]:
    """Read place, whether it is known, and what used it up."""
    found: dict[int, int | None] = {}
    for place, known, used in rows:
        number = int.from_bytes(place or b"", "big")
        found[number] = int.from_bytes(used, "big") if used is not None and known == b"\x01" else None
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class BallotSource:
    """Reads the ballots of a log through a connection of its own; it can be handed to another process."""

    dsn: str
    schema: str

    def blocks(self, entries: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        """Yield the entries of these indices with what is attached to each, one at a time in memory."""
        query = f"SELECT data FROM {layout.checked_name(self.schema)}.attachments WHERE position = %s".encode()
        with connect(self.dsn, "ballot-ledger ballots") as connection, translated(self.schema):
            cursor = connection.cursor(binary=True)
            for index in entries:
                row = cursor.execute(query, (index + 1,)).fetchone()
                yield index, None if row is None else bytes(row[0])

    def credentials(self, commitment: int, chunk: int = 500) -> Iterator[bytes]:
        """Yield the tags of a commitment, ascending: many in each piece, one after another."""
        table = f"{layout.checked_name(self.schema)}.credentials"
        query = (
            f"SELECT bucket, tags FROM {table} WHERE index = %s AND bucket > %s ORDER BY bucket LIMIT {chunk}"
        ).encode()
        with connect(self.dsn, "ballot-ledger ballots") as connection, translated(self.schema):
            cursor, at = connection.cursor(binary=True), -1
            while rows := cursor.execute(query, (commitment, at)).fetchall():
                yield b"".join(bytes(page) for _, page in rows)
                at = rows[-1][0]


def _bucket(tag: bytes, bits: int) -> int:
    return int.from_bytes(tag[:3], "big") >> _MOST_BITS - bits


def _pages(tags: Iterable[bytes], bits: int) -> Iterator[tuple[int, bytes]]:
    """Give number and tags of every bucket of a list."""
    for bucket, given in groupby(tags, key=lambda tag: _bucket(tag, bits)):
        some = list(islice(given, _MOST_IN_BUCKET + 1))
        if len(some) > _MOST_IN_BUCKET:
            raise MalformedError("CREDENTIAL_MALFORMED", bytes=_TAG)
        yield bucket, b"".join(some)
