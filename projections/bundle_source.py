"""A log in PostgreSQL, with the evidence and attestations beside it, as exports are made of it."""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from ledger.checkpoint import parse_decimal
from ledger.collector import collector_at_rest
from ledger.errors import StoreError
from ledger.opening import Home
from ledger.proving import released_checkpoint
from ledger.selection import Selection
from ledger.statements import decode_own_entry
from ledger.store import Store
from projections.bundle_core import StoredEvidence
from projections.bundle_zip import CHUNK
from projections.disclosure import Audience, shown_to

MOST_ATTESTED_BYTES = 1 << 20
"""No note and no timestamp is longer."""
_ATTESTED = (("cosigned", ""), ("timestamps", ".tsr"))


class StoredSource:
    """An open store and the ledger's folder as a `projections.bundle_core.ExportSource`."""

    def __init__(self, store: Store, home: Home, progress: Callable[[int], None] | None = None) -> None:
        """Read `store`; `progress` is called while entries are folded to see which votes are over."""
        self._store, self._home, self._progress = store, home, progress

    @property
    def origin(self) -> str:
        """The log's name."""
        return self._home.origin

    @cached_property
    def _pinned(self) -> int:
        released = released_checkpoint(self._store)
        return released.size if released is not None else 0

    def pinned(self) -> int:
        """Return how many entries are published, as they were when this was first asked."""
        return self._pinned

    def shown(self, audience: Audience) -> int:
        """Return how many entries an audience may get."""
        return self._pinned if audience is Audience.PUBLIC else shown_to(audience, self._state)

    @cached_property
    def _state(self) -> Selection:
        state = Selection()
        with collector_at_rest():
            for index, entry in self._store.read_entries(0, self._pinned):
                try:
                    state.apply(decode_own_entry(entry))
                except Exception as error:
                    # No entry that was admitted fails here; whatever the alteration broke, its place is what matters.
                    raise StoreError("EVENT_ALTERED", index=index, reason=type(error).__name__) from error
                if self._progress is not None and index % 512 == 0:
                    self._progress(index)
        return state

    def read_entries(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Give entries in order."""
        return self._store.read_entries(start, stop)

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give every issued checkpoint, ascending."""
        return ((one.size, one.note) for one in self._store.checkpoints())

    def evidence(self, digest: str) -> StoredEvidence | None:
        """Return the evidence of a digest as it is on file."""
        path = self._home.evidence / digest[:2] / digest
        record = path.with_suffix(".json")
        if not record.is_file():
            return None
        return StoredEvidence(record.read_bytes(), _parts(path) if path.is_file() else None)

    def attestations(self) -> Iterator[tuple[str, int, bytes]]:
        """Give cosigned checkpoints and timestamps that are kept beside the log."""
        for folder, suffix in _ATTESTED:
            for path in (self._home.folder / "attest" / folder).glob(f"*{suffix}"):
                size = parse_decimal(path.name.removesuffix(suffix))
                if size is not None and path.is_file() and path.stat().st_size <= MOST_ATTESTED_BYTES:
                    yield f"{folder}/{path.name}", size, path.read_bytes()


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            yield part
