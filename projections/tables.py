"""The derived tables in PostgreSQL: built into a new schema and swapped in, or moved on by a batch in one transaction.

The rows of a batch, the position they reach and the hashes of what the tables then hold commit together, so whoever
reads one reads all of one position. Everything is derived from the log; nothing here is read back as a fact, except
how far the tables have come.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from psycopg import Copy, Cursor
from psycopg.sql import SQL, Composed, Identifier

from ledger.errors import ConflictError, StoreError
from ledger.statements import decode_own_entry
from ledger.store.database import Connection, translated
from ledger.store.readers import projector_role
from ledger.store.store import Store
from projections.tabular.catalogue import BY_NAME
from projections.tabular.ddl import create, finish, layout_hash
from projections.tabular.image import ENTRIES, Change, Image
from projections.tabular.model import line, moment

BATCH = 1000
"""Entries that one transaction takes."""
LOCK_PROJECTOR = 0x626C0005
Advance: TypeAlias = "Callable[[int], object]"

_SETTINGS = (
    "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET search_path = pg_catalog; SET maintenance_work_mem = '256MB'"
)


def _silent(done: int) -> None:
    """Show nothing."""


def tables_schema(log: str) -> str:
    """Return the schema in which the tables derived from a log stand."""
    return f"{log}_tables"


@dataclass(frozen=True, slots=True)
class Position:
    """How far the tables have come: entries known, definitions they were made by, and the hash of all contents."""

    size: int
    layout: str
    content_hash: str


class Tables:
    """The derived tables of one log, as their one writer, or a reader that needs no lock, holds them."""

    def __init__(self, connection: Connection, log: str) -> None:
        """Use `open_tables`."""
        self.connection, self.log = connection, log
        self.schema = tables_schema(log)

    def lock(self) -> None:
        """Become the one writer until the connection ends. Raises `StoreError` `TABLES_IN_USE` if another is."""
        query = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
        if self._row(query, LOCK_PROJECTOR, self.schema) != (True,):
            raise StoreError("TABLES_IN_USE", schema=self.schema)

    def position(self) -> Position | None:
        """Return how far the tables have come; None where there are none."""
        if self._row("SELECT to_regclass(%s)", f"{self.schema}.position") in (None, (None,)):
            return None
        query = SQL("SELECT size, layout, content_hash FROM {}").format(Identifier(self.schema, "position"))
        with translated(self.schema):
            row = self.connection.execute(query).fetchone()
        return None if row is None else Position(*row)

    def contents(self) -> dict[str, tuple[int, str]]:
        """Return how many rows each table must hold by its own account, and their hash."""
        query = SQL("SELECT table_name, rows, content_hash FROM {}").format(Identifier(self.schema, "contents"))
        with translated(self.schema):
            return {name: (rows, digest) for name, rows, digest in self.connection.execute(query)}

    def rebuild(self, store: Store, size: int, advance: Advance = _silent) -> Image:
        """Build everything anew from the first `size` entries and swap it in; until then the old tables are read.

        Returns the fold, from which the tables are moved on.
        """
        made, old = f"{self.schema}_new", f"{self.schema}_old"
        with translated(self.schema):
            self._drop(old)
            with self.connection.transaction():
                image = self.build(made, store, size, advance)
                if self._row("SELECT to_regnamespace(%s)", self.schema) != (None,):
                    self._rename(self.schema, old)
                self._rename(made, self.schema)
            # Whoever still reads the old tables ends in peace: only this waits for them.
            self._drop(old)
        return image

    def build(self, schema: str, store: Store, size: int, advance: Advance = _silent) -> Image:
        """Fill a new schema from the first `size` entries, within the caller's transaction; return the fold."""
        self._drop(schema)
        self._run(create(schema))
        image, cursor = Image(), self.connection.cursor()
        with cursor.copy(_copy(schema, ENTRIES)) as copy:
            for index, entry in store.read_entries(0, size, chunk=BATCH):
                image.take(decode_own_entry(entry), marking=False)
                if index % BATCH == BATCH - 1:
                    copy.write(image.entry_lines())
                    advance(index + 1)
            copy.write(image.entry_lines())
        _write_changes(cursor, schema, image.everything())
        cursor.execute(_position(schema), _position_values(image))
        _write_contents(cursor, schema, image)
        self._run(finish(schema, self.log))
        return image

    def move(self, image: Image, entries: Iterable[bytes]) -> None:
        """Take a batch of entries, in one transaction; the image is of no use after an error.

        Raises `ConflictError` `TABLES_MOVED` if the tables are not where the image is.
        """
        before = image.state.size
        for entry in entries:
            image.take(decode_own_entry(entry))
        with translated(self.schema), self.connection.transaction():
            cursor = self.connection.cursor()
            query = SQL("SELECT size FROM {} FOR UPDATE").format(Identifier(self.schema, "position"))
            if cursor.execute(query).fetchone() != (before,):
                raise ConflictError("TABLES_MOVED", schema=self.schema, size=before)
            held = {name: (one.rows, one.hash) for name, one in image.contents.items()}
            with cursor.copy(_copy(self.schema, ENTRIES)) as copy:
                copy.write(image.entry_lines())
            _write_changes(cursor, self.schema, image.changes())
            _write_contents(cursor, self.schema, image, held)
            cursor.execute(_move(self.schema), _position_values(image))

    def _run(self, statements: Iterable[Composed]) -> None:
        for statement in statements:
            self.connection.execute(statement)

    def _rename(self, schema: str, name: str) -> None:
        self.connection.execute(SQL("ALTER SCHEMA {} RENAME TO {}").format(Identifier(schema), Identifier(name)))

    def _drop(self, schema: str) -> None:
        if self._row("SELECT to_regnamespace(%s)", schema) != (None,):
            self.connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))

    def _row(self, query: str, *values: object) -> "tuple[Any, ...] | None":
        with translated(self.schema):
            return self.connection.execute(query.encode(), values).fetchone()


@contextmanager
def open_tables(store: Store) -> Iterator[Tables]:
    """Open the tables of a log with the right to write them.

    Raises `StoreError` `TABLES_NOT_INSTALLED` where the service may not act as the projector.
    """
    role = projector_role(store.schema)
    with store.another_connection("ballot-ledger tables") as connection:
        with translated(store.schema):
            query = "SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = %s"
            if connection.execute(query, (role,)).fetchone() != (True,):
                raise StoreError("TABLES_NOT_INSTALLED", schema=store.schema)
            connection.execute(_SETTINGS)
            connection.execute(SQL("SET ROLE {}").format(Identifier(role)))
        yield Tables(connection, store.schema)


def _copy(schema: str, table: str) -> Composed:
    return SQL("COPY {} FROM STDIN").format(Identifier(schema, table))


def _write_changes(cursor: "Cursor[Any]", schema: str, changes: Iterable[tuple[str, Change]]) -> None:
    """Replace the changed parts, table by table. Parts that held nothing need no DELETE, as all of a new schema."""
    for name, group in groupby(changes, key=itemgetter(0)):
        batch: list[Change] = []
        for _, change in group:
            batch.append(change)
            if len(batch) == BATCH:
                _replace(cursor, schema, name, batch)
                batch.clear()
        _replace(cursor, schema, name, batch)


def _replace(cursor: "Cursor[Any]", schema: str, name: str, changes: list[Change]) -> None:
    table = BY_NAME[name]
    stale = [change.part for change in changes if not change.fresh]
    if stale:
        array = SQL(f"{table.column(table.part).type}[]")
        query = SQL("DELETE FROM {} WHERE {} = ANY(%s::text[]::{})")
        cursor.execute(query.format(Identifier(schema, name), Identifier(table.part), array), (stale,))
    if any(change.lines for change in changes):
        with cursor.copy(_copy(schema, name)) as copy:
            _feed(copy, changes)


def _feed(copy: Copy, changes: list[Change]) -> None:
    for change in changes:
        copy.write(b"".join(change.lines))


def _position(schema: str) -> Composed:
    query = SQL("INSERT INTO {} VALUES (true, %s, %s, %s, %s)")
    return query.format(Identifier(schema, "position"))


def _move(schema: str) -> Composed:
    query = SQL("UPDATE {} SET size = %s, sequenced_at = %s, layout = %s, content_hash = %s")
    return query.format(Identifier(schema, "position"))


def _position_values(image: Image) -> tuple[int, str | None, str, str]:
    state = image.state
    return state.size, moment(state.at) if state.size else None, layout_hash(), image.content_hash()


def _write_contents(
    cursor: "Cursor[Any]", schema: str, image: Image, held: dict[str, tuple[int, str]] | None = None
) -> None:
    """Write what every table holds; of tables that were there before, only what is new."""
    known = held or {}
    now = {name: (one.rows, one.hash) for name, one in image.contents.items()}
    changed = [(name, *told) for name, told in now.items() if known.get(name) != told]
    where = Identifier(schema, "contents")
    if known:
        query = SQL("DELETE FROM {} WHERE table_name = ANY(%s)").format(where)
        cursor.execute(query, ([name for name, *_ in changed],))
    with cursor.copy(_copy(schema, "contents")) as copy:
        for row in changed:
            copy.write(line(row))
