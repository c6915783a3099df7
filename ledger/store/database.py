"""Connections to PostgreSQL, and what its errors mean for the ledger.

No error carries a connection string: it may hold a password.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow, tuple_row

from ledger.errors import ConflictError, LedgerError, StoreError
from ledger.store import schema as layout

OLDEST_MAJOR = 15
Connection: TypeAlias = psycopg.Connection[TupleRow]

_CONFLICTS = {
    "entries_pkey": "STORE_WRONG_INDEX",
    "entries_statement_id_key": "STORE_DUPLICATE_STATEMENT",
    "spent_pkey": "STORE_SPENT",
}


def parse_dsn(dsn: str) -> dict[str, str]:
    """Take a libpq connection string or URL apart. Raises `StoreError` `STORE_UNREACHABLE` if it is neither."""
    try:
        return {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    except psycopg.ProgrammingError:
        raise StoreError("STORE_UNREACHABLE", reason="not a connection string") from None


def connect(dsn: str, application_name: str = "ballot-ledger") -> Connection:
    """Open a direct connection that commits each statement by itself.

    Raises `StoreError` `STORE_UNREACHABLE`, or `STORE_WRONG_MAJOR` for a server older than PostgreSQL 15.
    """
    parts = parse_dsn(dsn)
    try:
        connection = psycopg.connect(dsn, autocommit=True, fallback_application_name=application_name)
    except psycopg.Error as error:
        where = {name: parts[name] for name in ("host", "port", "dbname", "user") if name in parts}
        raise StoreError("STORE_UNREACHABLE", **where, reason=_without(parts.get("password"), str(error))) from None
    found = connection.info.server_version // 10000
    if found < OLDEST_MAJOR:
        connection.close()
        raise StoreError("STORE_WRONG_MAJOR", found=found, oldest=OLDEST_MAJOR)
    return connection


def check_installed(connection: psycopg.Connection[Any], schema: str) -> None:
    """Raise `StoreError` `STORE_NOT_INSTALLED` if the log is not there, `STORE_PRIVILEGE` if it may not be used."""
    cursor = connection.cursor(row_factory=tuple_row)
    row = cursor.execute(
        """
        SELECT has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
        FROM pg_namespace AS n JOIN pg_proc AS p ON p.pronamespace = n.oid WHERE n.nspname = %s AND p.proname = 'append'
        """,
        (schema,),
    ).fetchone()
    if row is None:
        raise StoreError("STORE_NOT_INSTALLED", schema=schema)
    if not row[0]:
        raise StoreError("STORE_PRIVILEGE", schema=schema)


@contextmanager
def translated(schema: str) -> Iterator[None]:
    """Turn the driver's errors into the ledger's."""
    try:
        yield
    except psycopg.Error as error:
        raise store_error(error, schema) from error


def store_error(error: psycopg.Error, schema: str) -> LedgerError:
    """Say what a failed statement means, by its SQLSTATE; a lost connection is `STORE_UNAVAILABLE`."""
    state = error.sqlstate
    if state == layout.WRONG_INDEX:
        return ConflictError("STORE_WRONG_INDEX", schema=schema, size=int(error.diag.message_detail or 0))
    conflict = _CONFLICTS.get(error.diag.constraint_name or "")
    if conflict is not None:
        return ConflictError(conflict, schema=schema)
    match error:
        case errors.InsufficientPrivilege():
            return StoreError("STORE_PRIVILEGE", schema=schema)
        case errors.UndefinedTable() | errors.UndefinedFunction() | errors.InvalidSchemaName():
            return StoreError("STORE_NOT_INSTALLED", schema=schema)
        case errors.ReadOnlySqlTransaction():
            return StoreError("STORE_READ_ONLY", schema=schema)
    if state is None or isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return StoreError("STORE_UNAVAILABLE", schema=schema)
    return StoreError("STORE_FAILED", schema=schema, sqlstate=state)


def _without(secret: str | None, text: str) -> str:
    text = " ".join(text.split())
    return text.replace(secret, "…") if secret else text
