"""Beside the log: who read what is not for everyone, and who is signed in; one schema in the same database.

Disputes B12 and H25: rosters before their opening, named ballots, full exports and opened seals are handed out only
after the reading was recorded, with person and reason. Records are append-only as the log's tables are. Sessions hold
the hash of a token, never the token; a challenge is spent by the session it opened. Neither is part of the log, and
no record says anything about who filed an objection.
"""

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier
from psycopg_pool import PoolTimeout

from ledger.errors import StoreError
from ledger.store.beside import Beside, Function
from ledger.store.database import store_error
from ledger.store.store import Store

MOST_REASON = 400
"""The longest reason that is kept, in characters."""

_TABLES = """
CREATE TABLE IF NOT EXISTS {here}.reads (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    person text NOT NULL CHECK (length(person) BETWEEN 1 AND 128),
    what text NOT NULL CHECK (length(what) BETWEEN 1 AND 64),
    subject text NOT NULL CHECK (length(subject) <= 200),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 400),
    size bigint NOT NULL CHECK (size >= 0)
);
CREATE TABLE IF NOT EXISTS {here}.sessions (
    challenge bytea PRIMARY KEY CHECK (octet_length(challenge) = 32),
    token bytea NOT NULL UNIQUE CHECK (octet_length(token) = 32),
    person text NOT NULL,
    key text NOT NULL,
    expires bigint NOT NULL,
    closed boolean NOT NULL DEFAULT false
)
"""

_RECORD = "INSERT INTO {here}.reads (at, person, what, subject, reason, size) VALUES ($1, $2, $3, $4, $5, $6)"
_OPEN = """
    DELETE FROM {here}.sessions WHERE expires <= $6;
    INSERT INTO {here}.sessions (challenge, token, person, key, expires) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING RETURNING true
"""
_CLOSE = "UPDATE {here}.sessions SET closed = true WHERE token = $1"

_APPEND_ONLY = """
CREATE OR REPLACE FUNCTION {here}.refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', tg_table_name, tg_op USING ERRCODE = 'BL003';
END
$body$;
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {here}.reads
    FOR EACH ROW EXECUTE FUNCTION {here}.refuse_change();
CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON {here}.reads
    FOR EACH STATEMENT EXECUTE FUNCTION {here}.refuse_change();
ALTER TABLE {here}.reads ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE {here}.reads ENABLE ALWAYS TRIGGER refuse_truncate
"""

_ACCESS = Beside(
    suffix="service",
    lock=0x626C0006,
    tables=_TABLES,
    functions=(
        Function("record", "bigint, text, text, text, text, bigint", "void", "sql", _RECORD),
        Function("open_session", "bytea, bytea, text, text, bigint, bigint", "boolean", "sql", _OPEN),
        Function("close_session", "bytea", "void", "sql", _CLOSE),
    ),
    further=_APPEND_ONLY,
)


def access_schema(schema: str) -> str:
    """Return the schema of the access records and sessions beside the log `schema`."""
    return _ACCESS.schema(schema)


def install_access(admin_dsn: str, schema: str, service_role: str) -> None:
    """Make what they need in a database where the log is installed; errors as `Beside.install`."""
    _ACCESS.install(admin_dsn, schema, service_role)


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """One recorded reading: its number from 1, when (UTC ms), who, what, of which subject, why, at which log size."""

    number: int
    at: int
    person: str
    what: str
    subject: str
    reason: str
    size: int


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in: who, by which key, and until when (UTC ms)."""

    person: str
    key: str
    expires: int


class AccessBook:
    """Access records and sessions of one log; safe from any thread. Every method may raise `StoreError`."""

    def __init__(self, store: Store) -> None:
        """Use the connections of an open store."""
        self._store, self._schema = store, access_schema(store.schema)

    def record(self, at: int, person: str, what: str, subject: str, reason: str, size: int) -> None:
        """Keep that somebody is about to read something; committed when this returns."""
        if not 1 <= len(reason) <= MOST_REASON:
            raise StoreError("STORE_FAILED", schema=self._schema, sqlstate="23514")
        # A subject is what somebody asked for, and PostgreSQL keeps no NUL.
        named = subject[:200].replace("\0", "\N{REPLACEMENT CHARACTER}")
        self._rows("SELECT {}.record(%s, %s, %s, %s, %s, %s)", at, person, what, named, reason, size)

    def records(self, after: int = 0, most: int = 500) -> tuple[ReadRecord, ...]:
        """Return up to `most` records with a number above `after`, in order."""
        query = (
            "SELECT number, at, person, what, subject, reason, size FROM {}.reads"
            " WHERE number > %s ORDER BY number LIMIT %s"
        )
        return tuple(ReadRecord(*row) for row in self._rows(query, after, most))

    def open_session(self, challenge: bytes, token: bytes, session: Session, now: int) -> bool:
        """Keep a session by the hashes of its challenge and token; False if that challenge was used before."""
        query = "SELECT {}.open_session(%s, %s, %s, %s, %s, %s)"
        return self._rows(query, challenge, token, session.person, session.key, session.expires, now) == [(True,)]

    def session(self, token: bytes, now: int) -> Session | None:
        """Return the open session of a token's hash, None where there is none."""
        query = "SELECT person, key, expires FROM {}.sessions WHERE token = %s AND expires > %s AND NOT closed"
        rows = self._rows(query, token, now)
        return Session(*rows[0]) if rows else None

    def close_session(self, token: bytes) -> None:
        """End a session; its challenge stays spent."""
        self._rows("SELECT {}.close_session(%s)", token)

    def _rows(self, query: LiteralString, *values: object) -> list[Any]:
        statement = SQL(query).format(Identifier(self._schema))
        try:
            with self._store.recorder.datastore.pool.connection() as connection:
                return connection.cursor(row_factory=tuple_row).execute(statement, values).fetchall()
        except (psycopg.Error, PoolTimeout) as error:
            raise store_error(error, self._schema) from error
