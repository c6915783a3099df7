"""What stands beside the entries of a public vote: attached rows, committed credentials, and which are used up."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.store import schema as layout
from ledger.store.database import connect, translated

# Each is looked up in the index: a join would be planned by guesses about tables that grow by the million. Tags and
# keys come in one piece each, because an array of them takes longer to send than to look up.
_OFFENDING = """
SELECT place, known, used FROM (
    SELECT place,
        EXISTS (SELECT FROM {s}.credential_tags AS c WHERE c.tag = given.tag AND c.index = %s OFFSET 0) AS known,
        (SELECT index FROM {s}.spent AS s WHERE s.key = given.key LIMIT 1) AS used
    FROM (
        SELECT place, substr(%b::bytea, 32 * place + 1, 32) AS tag, substr(%b::bytea, %s * place + 1, %s) AS key
        FROM generate_series(0, %s) AS place
        OFFSET 0
    ) AS given
    OFFSET 0
) AS found
WHERE NOT known OR used IS NOT NULL
"""
_LOOKED_UP = 4096


class BallotTables:
    """What a store knows of ballots; every method may raise `StoreError`."""

    schema: str

    def _rows(self, query: str, values: Sequence[Any] = (), tries: int = 2) -> list[Any]:
        raise NotImplementedError

    def attached(self, index: int) -> bytes | None:
        """Return what is attached to entry `index`, None if nothing is."""
        rows = self._rows(f"SELECT data FROM {self.schema}.attachments WHERE position = %s", (index + 1,))
        return bytes(rows[0][0]) if rows else None

    def spent(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """Return which of these one-time credentials are used up, and by the entry of which index."""
        rows = self._rows(f"SELECT key, index FROM {self.schema}.spent WHERE key = ANY(%s)", (list(keys),))
        return dict(rows)

    def add_credentials(self, commitment: int, tags: Sequence[bytes]) -> None:
        """Enter tags of the credentials that the entry `commitment` committed to; those that are there stay.

        Hand in any part of the list at a time. What may be entered is for `ledger.poll_credentials` to check.
        """
        self._rows(f"SELECT {self.schema}.add_credentials(%s, %s)", (commitment, list(tags)))

    def offending(self, commitment: int, tags: Sequence[bytes], keys: Sequence[bytes]) -> dict[int, int | None]:
        """Return which of these ballots cannot come in, by their place among `tags`.

        With None for one whose credential is not of the commitment in entry `commitment`, otherwise with the entry in
        which its one-time key was used up. All keys are of one length.
        """
        query, size = _OFFENDING.format(s=self.schema), len(keys[0]) if keys else 0
        found: dict[int, int | None] = {}
        for start in range(0, len(tags), _LOOKED_UP):
            some, theirs = tags[start : start + _LOOKED_UP], keys[start : start + _LOOKED_UP]
            values = (commitment, b"".join(some), b"".join(theirs), size, size, len(some) - 1)
            for place, known, used in self._rows(query, values):
                found[start + place] = used if known else None
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

    def credentials(self, commitment: int, low: bytes, high: bytes | None, chunk: int = 10_000) -> Iterator[bytes]:
        """Yield the tags of a commitment from `low` to before `high` (None: to the end), ascending."""
        query = (
            f"SELECT tag FROM {layout.checked_name(self.schema)}.credential_tags"
            " WHERE index = %s AND tag >= %s AND (%s::bytea IS NULL OR tag < %s) ORDER BY tag LIMIT %s"
        ).encode()
        with connect(self.dsn, "ballot-ledger ballots") as connection, translated(self.schema):
            cursor = connection.cursor(binary=True)
            while rows := cursor.execute(query, (commitment, low, high, high, chunk)).fetchall():
                yield from (bytes(row[0]) for row in rows)
                low = bytes(rows[-1][0]) + b"\x00"
