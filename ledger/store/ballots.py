"""What stands beside the entries of a public vote: attached rows, committed credentials, and which are used up."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.store import schema as layout
from ledger.store.database import connect, translated


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

    def credentials_among(self, commitment: int, tags: Sequence[bytes]) -> set[bytes]:
        """Return which of these tags are credentials of the commitment in entry `commitment`."""
        query = f"SELECT tag FROM {self.schema}.credential_tags WHERE tag = ANY(%s) AND index = %s"
        return {row[0] for row in self._rows(query, (list(tags), commitment))}


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
