"""The derived tables as PostgreSQL statements: what they are, what they say, and who may read what."""

from collections.abc import Iterator
from hashlib import sha256

from psycopg.sql import SQL, Composed, Identifier, Literal

from ledger.messages import catalogue
from ledger.store.readers import public_role, reader_role
from projections.tabular.catalogue import CONTENTS, POSITION, TABLES, VIEWS
from projections.tabular.model import Column, Table, View

ALL_TABLES = (POSITION, CONTENTS, *TABLES)
_INDEXES = {"ballots": ("member",), "candidates": ("person",), "entries": ("kind", "person", "round")}


def layout_hash() -> str:
    """Return the hash of all definitions, and of the words in the rows: tables made with others are rebuilt."""
    return sha256(repr((ALL_TABLES, VIEWS, _INDEXES, catalogue())).encode()).hexdigest()


def create(schema: str) -> Iterator[Composed]:
    """Give the statements that make the empty tables; keys come after the rows (`finish`)."""
    yield SQL("CREATE SCHEMA {}").format(Identifier(schema))
    for table in ALL_TABLES:
        columns = [SQL("{} {}").format(Identifier(one.name), SQL(one.type)) for one in table.columns]
        yield SQL("CREATE TABLE {} ({})").format(Identifier(schema, table.name), SQL(", ").join(columns))


def finish(schema: str, log: str) -> Iterator[Composed]:
    """Give the statements that follow the rows: keys, indexes, views, comments, and the grants to readers."""
    comment = Literal(f"{log}: 由账本推算的表，以账本为准 · derived from the log, which is what counts")
    yield SQL("COMMENT ON SCHEMA {} IS {}").format(Identifier(schema), comment)
    for table in ALL_TABLES:
        yield from _keys(schema, table)
        yield from _comments(schema, table, "TABLE")
    for view in VIEWS:
        yield _view(schema, view)
        yield from _comments(schema, view, "VIEW")
    yield from _grants(schema, log)


def _keys(schema: str, table: Table) -> Iterator[Composed]:
    where = Identifier(schema, table.name)
    yield SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(where, _names(table.key))
    if table.part != table.key[0]:
        yield SQL("CREATE INDEX ON {} ({})").format(where, Identifier(table.part))
    for column in _INDEXES.get(table.name, ()):
        yield SQL("CREATE INDEX ON {} ({})").format(where, Identifier(column))


def _view(schema: str, view: View) -> Composed:
    columns = _names(tuple(one.name for one in view.columns))
    # Public views run with their owner's right to the tables and must not be made to tell more by a caller's function.
    options = SQL("WITH (security_barrier) ") if view.public else SQL("")
    query = SQL(view.query).format(s=Identifier(schema))
    return SQL("CREATE VIEW {} ({}) {}AS {}").format(Identifier(schema, view.name), columns, options, query)


def _comments(schema: str, made: Table | View, kind: str) -> Iterator[Composed]:
    where = Identifier(schema, made.name)
    yield SQL("COMMENT ON {} {} IS {}").format(SQL(kind), where, Literal(f"{made.zh} · {made.en}"))
    for column in made.columns:
        place = Identifier(schema, made.name, column.name)
        yield SQL("COMMENT ON COLUMN {} IS {}").format(place, Literal(_said(column)))


def _said(column: Column) -> str:
    return f"{column.zh} · {column.en}"


def _grants(schema: str, log: str) -> Iterator[Composed]:
    where, readers, public = Identifier(schema), Identifier(reader_role(log)), Identifier(public_role(log))
    yield SQL("REVOKE ALL ON SCHEMA {} FROM PUBLIC").format(where)
    yield SQL("GRANT USAGE ON SCHEMA {} TO {}, {}").format(where, readers, public)
    yield SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(where, readers)
    for view in VIEWS:
        if view.public:
            yield SQL("GRANT SELECT ON {} TO {}").format(Identifier(schema, view.name), public)


def _names(columns: tuple[str, ...]) -> Composed:
    return SQL(", ").join(map(Identifier, columns))
