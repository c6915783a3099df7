"""A log in PostgreSQL, with the evidence and attestations beside it, as exports are made of it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property

from ledger.checkpoint import parse_decimal
from ledger.errors import StoreError, VerificationError
from ledger.evidence import EvidenceStore
from ledger.opening import Home
from ledger.proving import released_checkpoint
from ledger.store import Store
from projections.bundle_core import StoredEvidence
from projections.disclosure import Audience
from projections.publishing import Horizon

MOST_ATTESTED_BYTES = 1 << 20
"""No note and no timestamp is longer."""
_ATTESTED = (("cosigned", ""), ("timestamps", ".tsr"))


def _silent(done: int) -> None:
    """Show nothing."""


class StoredSource:
    """An open store and the ledger's folder as a `projections.bundle_core.ExportSource`."""

    def __init__(
        self, store: Store, home: Home, evidence: EvidenceStore, progress: Callable[[int], None] = _silent
    ) -> None:
        """Read `store` and `evidence`; `progress` is called while entries are read to see which votes are over."""
        self._store, self._home, self._evidence, self._progress = store, home, evidence, progress

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
        return self._pinned if audience is Audience.PUBLIC else self._horizon.shown_to(audience)

    @cached_property
    def _horizon(self) -> Horizon:
        horizon = Horizon()
        horizon.move(self._store, self._pinned, self._progress)
        return horizon

    def read_entries(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Give entries in order."""
        return self._store.read_entries(start, stop)

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give every issued checkpoint, ascending."""
        return ((one.size, one.note) for one in self._store.checkpoints())

    def evidence(self, digest: str) -> StoredEvidence | None:
        """Return the evidence of a digest as it is on file; what is not what was filed is cut short, and so found."""
        try:
            record = self._evidence.record(digest)
        except StoreError:
            return None
        except VerificationError:
            return StoredEvidence(b"", None)
        gone = record.erased or record.size is None
        return StoredEvidence(record.encode(), None if gone else self._content(digest), record.erased)

    def _content(self, digest: str) -> Iterator[bytes]:
        with suppress(VerificationError):
            yield from self._evidence.pieces(digest)

    def attached(self, index: int) -> bytes | None:
        """Return what is attached to an entry."""
        return self._store.attached(index)

    def credentials(self, commitment: int) -> Iterator[bytes]:
        """Give the credentials that were entered for a commitment."""
        return self._store.ballots().credentials(commitment)

    def attestations(self) -> Iterator[tuple[str, int, bytes]]:
        """Give cosigned checkpoints and timestamps that are kept beside the log."""
        for folder, suffix in _ATTESTED:
            for path in (self._home.folder / "attest" / folder).glob(f"*{suffix}"):
                size = parse_decimal(path.name.removesuffix(suffix))
                if size is not None and path.is_file() and path.stat().st_size <= MOST_ATTESTED_BYTES:
                    yield f"{folder}/{path.name}", size, path.read_bytes()
