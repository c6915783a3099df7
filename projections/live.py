"""Keeping the derived tables current: begin where they are, catch up to the pin, then follow the log's subscription.

Tables that are missing, were made by other definitions, know more than the log, or are not what this program derives
at their position are built anew. A batch that fails leaves them where they were; whoever follows begins again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from eventsourcing.persistence import Subscription
from eventsourcing.postgres import PostgresApplicationRecorder

from ledger.errors import StoreError
from ledger.statements import decode_own_entry
from ledger.store.store import Store
from projections.tables import BATCH, Advance, Tables, open_tables
from projections.tabular.ddl import layout_hash
from projections.tabular.image import Image


def _silent(done: int) -> None:
    """Show nothing."""


def released_size(store: Store) -> int:
    """Return how many entries may be shown: those the pin covers, all where there is no pin.

    Raises `StoreError` `ROLLBACK_DETECTED` if the store has lost some of them.
    """
    # The pin first: a log that grows meanwhile is never below it.
    released = store.recorder.released()
    size = store.size()
    if released is not None and released > size:
        raise StoreError("ROLLBACK_DETECTED", pinned=released, size=size)
    return size if released is None else released


class Live:
    """The tables of one log and the fold that they are at; one at a time for a log."""

    def __init__(self, store: Store, tables: Tables, image: Image, rebuilt: bool) -> None:
        """Use `live`."""
        self.tables, self.rebuilt = tables, rebuilt
        self._store, self._image = store, image
        self._subscription: Subscription[PostgresApplicationRecorder] | None = None
        self._stopped = False

    @property
    def size(self) -> int:
        """How many entries the tables know."""
        return self._image.state.size

    def catch_up(self, advance: Advance = _silent) -> int:
        """Take all entries that may be shown, a batch at a time; return how many the tables know then."""
        batch: list[bytes] = []
        for index, entry in self._store.read_entries(self.size, released_size(self._store), chunk=BATCH):
            batch.append(entry)
            if len(batch) == BATCH:
                self.tables.move(self._image, batch)
                batch.clear()
                advance(index + 1)
        if batch:
            self.tables.move(self._image, batch)
        return self.size

    def follow(self, moved: Callable[[int], object] = _silent) -> None:
        """Take every entry as the pin releases it, until `stop`; `moved` is told the size after each batch.

        What has come in meanwhile is one batch, so that a busy log needs no transaction for each entry.
        """
        recorder = self._store.recorder
        with recorder.subscribe(gt=self.size) as subscription:
            self._subscription = subscription
            if self._stopped:
                return
            batch: list[bytes] = []
            known = 0
            for notification in subscription:
                batch.append(notification.state)
                if notification.id >= known:
                    known = released_size(self._store)
                if notification.id >= known or len(batch) == BATCH:
                    self.tables.move(self._image, batch)
                    batch.clear()
                    moved(self.size)

    def stop(self) -> None:
        """Let `follow` return, from another thread."""
        self._stopped = True
        if self._subscription is not None:
            self._subscription.stop()


@contextmanager
def live(store: Store, advance: Advance = _silent, *, anew: bool = False) -> Iterator[Live]:
    """Open the tables to be moved on, where they are or, with `anew`, built from the first entry.

    Raises `StoreError`: `TABLES_IN_USE`, `TABLES_NOT_INSTALLED`, `ROLLBACK_DETECTED`.
    """
    with open_tables(store) as tables:
        tables.lock()
        image = None if anew else _resumed(store, tables, advance)
        rebuilt = image is None
        yield Live(store, tables, image or tables.rebuild(store, released_size(store), advance), rebuilt)


def _resumed(store: Store, tables: Tables, advance: Advance) -> Image | None:
    """Return the fold at which the tables are, or None where they must be built anew."""
    position = tables.position()
    if position is None or position.layout != layout_hash() or position.size > released_size(store):
        return None
    image = Image()
    for index, entry in store.read_entries(0, position.size, chunk=BATCH):
        image.take(decode_own_entry(entry), marking=False)
        if index % BATCH == BATCH - 1:
            image.entry_lines()
            advance(index + 1)
    image.entry_lines()
    for _ in image.everything():
        pass  # only the hashes are wanted
    return image if image.content_hash() == position.content_hash else None
