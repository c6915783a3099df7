"""A log in PostgreSQL, and the pin beside it, as the audit reads them."""

from collections.abc import Iterator
from pathlib import Path

from ledger import pin
from ledger.pin import Pin
from ledger.store import Store
from projections.audit.verify import Row


class StoredLog:
    """An open store and a pin file as a `projections.audit.verify.LogSource`."""

    def __init__(self, store: Store, pin_path: Path | None) -> None:
        """Read `store`; `pin_path` is the pin's file, None where there is none to hold the log against."""
        self._store, self._pin_path = store, pin_path

    def rows(self) -> Iterator[Row]:
        """Give the rows in stored order."""
        return (Row(*row) for row in self._store.stored_rows())

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give (size, signed note) of every stored checkpoint, ascending."""
        return self._store.checkpoints()

    def pin(self) -> Pin | None:
        """Return the pin, or None if there is none."""
        return pin.read(self._pin_path) if self._pin_path is not None else None
