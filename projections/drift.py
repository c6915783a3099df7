"""Dispute H16: do the tables still say what the entries give? Built again beside them, and compared row by row.

The comparison is undone when it is over. The entries count: a table that differs is a finding, and is rebuilt.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors
from psycopg.sql import SQL, Composed, Identifier

from ledger.errors import StoreError
from ledger.store.database import translated
from ledger.store.store import Store
from projections.live import released_size
from projections.tables import Advance, Position, Tables
from projections.tabular.catalogue import VIEWS
from projections.tabular.ddl import ALL_TABLES, layout_hash
from projections.tabular.model import Table

CODE, SEVERITY = "PROJECTION_DRIFT", "breach"
MOST = 100
"""Rows of one table that are named."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A row that is not what the entries give: `changed`, `missing` or `extra`.

    `row` has its key; it is empty where a table or view as a whole is not there or not as it was made.
    """

    table: str
    how: str
    row: dict[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came out: at which size, the hash of all contents as told and as derived, and every drift."""

    size: int
    told: str
    derived: str
    drifts: tuple[Drift, ...]


def _silent(done: int) -> None:
    """Show nothing."""


def compare(tables: Tables, store: Store, advance: Advance = _silent) -> Comparison:
    """Hold the tables against the entries that they say they know, as of one moment.

    Raises `StoreError`: `TABLES_MISSING` where there are none, `TABLES_OUTDATED` where other definitions made them.
    """
    with translated(tables.schema):
        tables.connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        try:
            with tables.connection.transaction(force_rollback=True):
                return _compared(tables, store, advance)
        finally:
            tables.connection.isolation_level = None


def _compared(tables: Tables, store: Store, advance: Advance) -> Comparison:
    position = position_of(tables)
    if position.layout != layout_hash():
        raise StoreError("TABLES_OUTDATED", schema=tables.schema)
    built = f"{tables.schema}_check"
    size = min(position.size, released_size(store))
    derived = tables.build(built, store, size, advance).content_hash()
    drifts = [drift for table in ALL_TABLES for drift in _table(tables, built, table)]
    return Comparison(size, position.content_hash, derived, (*drifts, *_views(tables, built)))


def _table(tables: Tables, built: str, table: Table) -> list[Drift]:
    try:
        with tables.connection.transaction():
            found = tables.connection.execute(_differing(tables.schema, built, table)).fetchall()
            if not found and _count(tables, tables.schema, table) != _count(tables, built, table):
                return [Drift(table.name, "extra", {})]
    except errors.UndefinedTable:
        return [Drift(table.name, "missing", {})]
    except psycopg.ProgrammingError:  # other columns, other types, another owner
        return [Drift(table.name, "changed", {})]
    return [Drift(table.name, how, dict(zip(table.key, map(str, key), strict=True))) for how, *key in found]


def _differing(live: str, built: str, table: Table) -> Composed:
    keys = SQL(", ").join(map(Identifier, table.key))
    first = Identifier(table.key[0])
    return SQL(
        """
        SELECT CASE WHEN a.{first} IS NULL THEN 'missing' WHEN b.{first} IS NULL THEN 'extra' ELSE 'changed' END, {keys}
        FROM {live} AS a FULL JOIN {built} AS b USING ({keys})
        WHERE ROW(a.*) IS DISTINCT FROM ROW(b.*) ORDER BY {keys} LIMIT {most}
        """
    ).format(
        first=first,
        keys=keys,
        live=Identifier(live, table.name),
        built=Identifier(built, table.name),
        most=MOST,
    )


def _count(tables: Tables, schema: str, table: Table) -> Any:
    query = SQL("SELECT count(*) FROM {}").format(Identifier(schema, table.name))
    return tables.connection.execute(query).fetchone()


def _views(tables: Tables, built: str) -> list[Drift]:
    live, made = _definitions(tables, tables.schema), _definitions(tables, built)
    return [
        Drift(view.name, "changed" if view.name in live else "missing", {})
        for view in VIEWS
        if live.get(view.name) != made[view.name]
    ]


def _definitions(tables: Tables, schema: str) -> dict[str, str]:
    query = "SELECT viewname, replace(definition, %s, '') FROM pg_views WHERE schemaname = %s"
    return dict(tables.connection.execute(query, (f"{schema}.", schema)).fetchall())


def position_of(tables: Tables) -> Position:
    """Return how far the tables have come. Raises `StoreError` `TABLES_MISSING` where there are none."""
    position = tables.position()
    if position is None:
        raise StoreError("TABLES_MISSING", schema=tables.schema)
    return position
