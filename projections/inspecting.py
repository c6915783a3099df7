"""Asking the derived tables as an inspector may: reading only, with the readers' rights, as of one position.

The worked questions are files of SQL beside this module, to be used as they are in any tool.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from psycopg.sql import SQL, Identifier

from ledger.errors import StoreError
from ledger.store.database import translated
from ledger.store.readers import reader_role
from projections.drift import position_of
from projections.tables import Tables

_FOLDER = "projections.queries"
_SUFFIX = ".sql"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gave at `size` entries: names of the columns, and the rows."""

    size: int
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


def questions() -> tuple[str, ...]:
    """Return the names of the worked questions, sorted."""
    names = (file.name for file in resources.files(_FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def sql_of(question: str) -> str:
    """Return the SQL of a worked question. Raises `StoreError` `QUERY_UNKNOWN`."""
    if question not in questions():
        raise StoreError("QUERY_UNKNOWN", asked=question[:60], known=", ".join(questions()))
    return resources.files(_FOLDER).joinpath(question + _SUFFIX).read_text(encoding="utf-8")


def title_of(question: str) -> str:
    """Return what a worked question asks, in both languages: its first line."""
    return sql_of(question).splitlines()[0].removeprefix("-- ")


def ask(tables: Tables, sql: str) -> Answer:
    """Run one statement as a reader, with the position that it was answered at.

    Raises `StoreError` `TABLES_MISSING`, or what the statement is refused with.
    """
    position_of(tables)
    with translated(tables.schema), tables.connection.transaction(force_rollback=True):
        tables.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        tables.connection.execute(SQL("SET LOCAL ROLE {}").format(Identifier(reader_role(tables.log))))
        tables.connection.execute(SQL("SET LOCAL search_path = {}").format(Identifier(tables.schema)))
        size = position_of(tables).size
        cursor = tables.connection.execute(sql.encode())
        names = tuple(column.name for column in cursor.description or ())
        return Answer(size, names, cursor.fetchall())
