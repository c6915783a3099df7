"""The tables of the log of attempts, as a store reads and appends them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ledger.merkle import HASH_BYTES, Address
from ledger.store.batch import AppendBatch
from ledger.store.recorder import EntryRecorder


class StoredCheckpoint(NamedTuple):
    """The number of entries a checkpoint covers, and its signed note."""

    size: int
    note: bytes


class AttemptTables:
    """What a store knows of attempts; every method may raise `StoreError`."""

    schema: str
    recorder: EntryRecorder

    def _rows(self, query: str, values: Sequence[Any] = (), tries: int = 2) -> list[Any]:
        raise NotImplementedError

    def append_attempts(self, batch: AppendBatch) -> None:
        """Append attempts, all of them or nothing; see `Writer.append_attempts`."""
        self.recorder.writer.append_attempts(batch)

    def attempt_size(self) -> int:
        """Return the number of committed attempts."""
        return int(self._rows(f"SELECT coalesce(max(position), 0) FROM {self.schema}.attempt_entries")[0][0])

    def attempt_entry(self, index: int) -> bytes | None:
        """Return the bytes of attempt `index`, None if there is no such attempt."""
        rows = self._rows(f"SELECT state FROM {self.schema}.attempt_entries WHERE position = %s", (index + 1,))
        return bytes(rows[0][0]) if rows else None

    def attempt_nodes(self, addresses: Sequence[Address]) -> dict[Address, bytes]:
        """Return the hashes of these complete subtrees; an address whose hash is not there gives an empty one."""
        positions = {(index + 1) << level for level, index in addresses}
        query = f"SELECT position, hashes FROM {self.schema}.attempt_nodes WHERE position = ANY(%s)"
        hashes: dict[int, bytes] = dict(self._rows(query, (list(positions),)))
        return {
            (level, index): hashes.get((index + 1) << level, b"")[level * HASH_BYTES : (level + 1) * HASH_BYTES]
            for level, index in addresses
        }

    def newest_attempt_note(self) -> bytes | None:
        """Return the newest checkpoint of the attempts, None if there is none."""
        rows = self._rows(f"SELECT note FROM {self.schema}.attempt_checkpoints ORDER BY size DESC LIMIT 1")
        return bytes(rows[0][0]) if rows else None

    def attempt_note_covering(self, index: int) -> StoredCheckpoint | None:
        """Return the first checkpoint above attempt `index`, None if there is none."""
        query = f"SELECT size, note FROM {self.schema}.attempt_checkpoints WHERE size > %s ORDER BY size LIMIT 1"
        rows = self._rows(query, (index,))
        return StoredCheckpoint(*rows[0]) if rows else None

    def attempt_rows(self, chunk: int = 500) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield every attempt as it is stored, in order: index, bytes, hashes of its nodes."""
        query = (
            f"SELECT e.position - 1, e.state, coalesce(n.hashes, '') FROM {self.schema}.attempt_entries AS e"
            f" LEFT JOIN {self.schema}.attempt_nodes AS n USING (position)"
            " WHERE position > %s ORDER BY position LIMIT %s"
        )
        last = -(2**63)
        while rows := self._rows(query, (last, chunk)):
            yield from rows
            last = rows[-1][0] + 1

    def attempt_notes(self, chunk: int = 500) -> Iterator[tuple[int, bytes]]:
        """Yield (size, note) of every stored checkpoint of the attempts, the smallest first."""
        last = -(2**63)
        query = f"SELECT size, note FROM {self.schema}.attempt_checkpoints WHERE size > %s ORDER BY size LIMIT %s"
        while rows := self._rows(query, (last, chunk)):
            yield from rows
            last = rows[-1][0]
