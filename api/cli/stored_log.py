"""A log in PostgreSQL, and the pin beside it, as the audit reads them."""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from ledger import pin
from ledger.pin import Pin
from ledger.store import Store
from projections.audit.verify import Row


class StoredLog:
    """An open store and a pin file as a `projections.audit.verify.LogSource`, as they are when this is made.

    What the sequencer adds while an audit reads on is for the next one: else the pin could be ahead of what was read.
    """

    def __init__(self, store: Store, pin_path: Path | None) -> None:
        """Read `store`; `pin_path` is the pin's file, None where there is none to hold the log against."""
        self._store = store
        self._pin = pin.read(pin_path) if pin_path is not None else None
        newest = store.newest_checkpoint()
        # Rows and checkpoints come in one transaction; where only one of them goes this far, the audit must see it.
        self._stop = max(store.size(), newest.size if newest is not None else 0)

    def rows(self) -> Iterator[Row]:
        """Give the rows in stored order."""
        rows = (Row(*row) for row in self._store.stored_rows())
        return takewhile(lambda row: row.place < self._stop, rows)

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give (size, signed note) of every stored checkpoint, ascending."""
        return takewhile(lambda one: one[0] <= self._stop, self._store.checkpoints())

    def pin(self) -> Pin | None:
        """Return the pin, or None if there is none."""
        return self._pin
