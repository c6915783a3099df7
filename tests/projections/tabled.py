"""Logs on a real database with their derived tables, as the tests of those ask for them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from ledger.merkle import Frontier
from ledger.pin import PinFile
from ledger.statements import decode_own_entry
from ledger.store import Store
from ledger.store.readers import install_readers
from projections.tables import Tables, open_tables
from projections.tabular.image import Image
from tests.sequenced import SCHEMA, SERVICE, Site
from tests.simulator import History

TABLES = "ledger_tables"


@dataclass(frozen=True)
class Tabled:
    """A log that holds a history, with the roles that its tables need."""

    site: Site

    def pin(self, entries: Sequence[bytes]) -> None:
        """Release the first entries of the log, as its sequencer would."""
        frontier = Frontier()
        for entry in entries:
            frontier.append(decode_own_entry(entry).leaf)
        pin = PinFile(self.site.pin_path)
        pin.advance(frontier.size, frontier.root())
        pin.close()

    @contextmanager
    def opened(self) -> Iterator[tuple[Store, Tables]]:
        """Open the log and its tables."""
        with self.site.store() as store, open_tables(store) as tables:
            yield store, tables

    def rows(self, query: str, role: str | None = None) -> list[tuple[Any, ...]]:
        """Ask the tables, as the administrator or as a role."""
        with psycopg.connect(self.site.admin_dsn) as connection:
            connection.execute(f"SET search_path = {TABLES}, pg_catalog".encode())
            if role:
                connection.execute(f"SET ROLE {role}".encode())
            return connection.execute(query.encode()).fetchall()

    def tamper(self, statement: str) -> int:
        """Change a table behind the back of the ledger; return how many rows it met."""
        with psycopg.connect(self.site.admin_dsn) as connection:
            connection.execute(f"SET search_path = {TABLES}, pg_catalog".encode())
            return connection.execute(statement.encode()).rowcount


def tabled(site: Site, history: History, released: int | None = None) -> Tabled:
    """Put a history into an empty log, release it to a size, and install what its tables need."""
    site.preload(history)
    install_readers(site.admin_dsn, SCHEMA, SERVICE)
    made = Tabled(site)
    made.pin(history.entries[:released])
    return made


def derived(entries: Sequence[bytes]) -> Image:
    """Return what the tables must hold after these entries, everything derived at the end."""
    image = Image()
    for entry in entries:
        image.take(decode_own_entry(entry), marking=False)
    image.entry_lines()
    for _ in image.everything():
        pass
    return image
