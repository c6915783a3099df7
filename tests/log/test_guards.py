"""Who can change a log: nobody by mistake, and a superuser not without a guard that is then reported missing."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from ledger.errors import StoreError
from ledger.store import Store, guards, install, schema
from tests.log.conftest import SCHEMA, SERVICE, Grower, Log

OWNER = schema.owner_role(SCHEMA)
ADMIN = "testlog_administrator"
COLUMNS = {
    "entries": "topic",
    "nodes": "hashes",
    "checkpoints": "note",
    "spent": "index",
    "attachments": "data",
    "credentials": "tags",
    "attempt_entries": "state",
    "attempt_nodes": "hashes",
    "attempt_checkpoints": "note",
}
CHANGES = [
    f"{change} {SCHEMA}.{table} {rest}"
    for table, column in COLUMNS.items()
    for change, rest in (("DELETE FROM", ""), ("TRUNCATE", ""), ("UPDATE", f"SET {column} = {column}"))
]
DEFINITIONS = [
    f"DROP SCHEMA {SCHEMA} CASCADE",
    f"DROP TABLE {SCHEMA}.entries",
    f"DROP TABLE {SCHEMA}.spent CASCADE",
    f"DROP FUNCTION {SCHEMA}.append",
    f"DROP FUNCTION {SCHEMA}.refuse_change CASCADE",
    f"DROP TRIGGER refuse_change ON {SCHEMA}.entries",
    f"DROP OWNED BY {OWNER}",
    f"ALTER TABLE {SCHEMA}.entries DISABLE TRIGGER ALL",
    f"ALTER TABLE {SCHEMA}.entries DISABLE TRIGGER refuse_change",
    f"ALTER TABLE {SCHEMA}.nodes ENABLE REPLICA TRIGGER refuse_truncate",
    f"ALTER TABLE {SCHEMA}.entries RENAME TO others",
    f"ALTER TABLE {SCHEMA}.entries SET SCHEMA public",
    f"ALTER TABLE {SCHEMA}.entries DROP COLUMN topic",
    f"ALTER TABLE {SCHEMA}.entries ALTER state TYPE bytea USING 'forged'::bytea",
    f"ALTER TABLE {SCHEMA}.entries DROP CONSTRAINT entries_statement_id_key",
    f"ALTER SCHEMA {SCHEMA} RENAME TO other",
    f"ALTER TRIGGER refuse_change ON {SCHEMA}.entries RENAME TO other",
    f"ALTER FUNCTION {SCHEMA}.append SECURITY INVOKER",
    f"CREATE RULE hide AS ON INSERT TO {SCHEMA}.entries DO INSTEAD NOTHING",
    f"CREATE TRIGGER more BEFORE INSERT ON {SCHEMA}.entries EXECUTE FUNCTION {SCHEMA}.refuse_change()",
    f"CREATE OR REPLACE FUNCTION {SCHEMA}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    f"CREATE TABLE {SCHEMA}.more (a int)",
]


@pytest.fixture
def admin(log: Log, store: Store) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A superuser's connection to a log that holds something in every table."""
    store.append(replace(Grower().batch(3, spent=(b"key",)), attached=[(2, b"rows")]))
    store.append_attempts(Grower().batch(2))
    store.add_credentials(0, [bytes(32)], 1)
    with psycopg.connect(log.admin_dsn, autocommit=True) as connection:
        yield connection


def refused(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> str | None:
    """Try a statement; return the SQLSTATE with which it is refused."""
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate
    return None


@pytest.mark.usefixtures("admin")
def test_the_service_may_read_and_append_and_nothing_else(log: Log) -> None:
    with psycopg.connect(log.service_dsn, autocommit=True) as service:
        privilege = errors.InsufficientPrivilege.sqlstate
        inserts = [f"INSERT INTO {SCHEMA}.{table} DEFAULT VALUES" for table in schema.TABLES]
        others = [
            "SET session_replication_role = replica",
            f"SET ROLE {OWNER}",
            f"GRANT {OWNER} TO {SERVICE}",
            f"COPY {SCHEMA}.entries FROM STDIN",
            f"ALTER EVENT TRIGGER {SCHEMA}_refuse_ddl DISABLE",
            f"DROP EVENT TRIGGER {SCHEMA}_refuse_drop",
        ]
        for statement in CHANGES + inserts + others:
            assert refused(service, statement) == privilege, statement
        for statement in DEFINITIONS:
            assert refused(service, statement) in (privilege, errors.DependentObjectsStillExist.sqlstate), statement
        for table in schema.TABLES:
            row = service.execute(f"SELECT count(*) > 0 FROM {SCHEMA}.{table}".encode()).fetchone()
            assert row == (True,)


@pytest.mark.parametrize("preparation", ["", f"SET ROLE {OWNER}", "SET session_replication_role = replica"])
def test_neither_owner_nor_superuser_nor_replication_changes_anything(
    admin: psycopg.Connection[tuple[object, ...]], preparation: str
) -> None:
    admin.execute(preparation.encode() or b"SELECT")
    for statement in CHANGES:
        assert refused(admin, statement) == schema.APPEND_ONLY, statement
    for statement in DEFINITIONS:
        assert refused(admin, statement) is not None, statement
    admin.execute("RESET ROLE; RESET session_replication_role")
    assert guards(admin, SCHEMA, SERVICE) == []
    assert [refused(admin, statement) for statement in DEFINITIONS] == [schema.APPEND_ONLY] * len(DEFINITIONS)


def test_work_beside_the_log_goes_on(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    for statement in (
        "CREATE TABLE public.other (a int)",
        "ALTER TABLE public.other ADD b int",
        "DROP TABLE public.other",
        f"REINDEX TABLE {SCHEMA}.entries",
        f"COMMENT ON TABLE {SCHEMA}.entries IS 'the log'",
        f"VACUUM ANALYZE {SCHEMA}.entries",
    ):
        assert refused(admin, statement) is None, statement


DOWN = f"DROP EVENT TRIGGER {SCHEMA}_refuse_drop; DROP EVENT TRIGGER {SCHEMA}_refuse_ddl;"
BOTH = {f"event trigger {SCHEMA}_refuse_drop", f"event trigger {SCHEMA}_refuse_ddl"}

GUARD_FUNCTIONS = {f"function ledger_guards.{SCHEMA}_refuse_{what}" for what in ("drop", "ddl")}
TABLE_GUARDS = {f"table {table}" for table in schema.TABLES}
RENEWED = [
    (f"ALTER EVENT TRIGGER {SCHEMA}_refuse_ddl DISABLE", {f"event trigger {SCHEMA}_refuse_ddl"}),
    (f"ALTER EVENT TRIGGER {SCHEMA}_refuse_drop ENABLE", {f"event trigger {SCHEMA}_refuse_drop"}),
    (DOWN, BOTH),
    ("DROP SCHEMA ledger_guards CASCADE", BOTH | GUARD_FUNCTIONS),
    (f"{DOWN} ALTER TABLE {SCHEMA}.nodes DISABLE TRIGGER refuse_change", BOTH | {"trigger nodes refuse_change"}),
    (f"{DOWN} ALTER TABLE {SCHEMA}.nodes ENABLE TRIGGER refuse_truncate", BOTH | {"trigger nodes refuse_truncate"}),
    (f"{DOWN} DROP TRIGGER refuse_truncate ON {SCHEMA}.spent", BOTH | {"trigger spent refuse_truncate"}),
    (f"{DOWN} ALTER FUNCTION {SCHEMA}.append SECURITY INVOKER", BOTH | {f"function {SCHEMA}.append"}),
    (f"{DOWN} ALTER FUNCTION {SCHEMA}.append RESET search_path", BOTH | {f"function {SCHEMA}.append"}),
    (
        f"{DOWN} CREATE OR REPLACE FUNCTION {SCHEMA}.refuse_change() RETURNS trigger LANGUAGE plpgsql"
        " SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NEW; END'",
        BOTH | {f"function {SCHEMA}.refuse_change"},
    ),
    (f"GRANT INSERT ON {SCHEMA}.entries TO {SERVICE}", {"table entries"}),
    (f"GRANT DELETE ON {SCHEMA}.entries TO PUBLIC", {"table entries"}),
]
REPORTED = [
    (f"{DOWN} CREATE RULE r AS ON INSERT TO {SCHEMA}.spent DO INSTEAD NOTHING", BOTH | {"table spent"}),
    (f"{DOWN} ALTER TABLE {SCHEMA}.spent OWNER TO CURRENT_USER", BOTH | {"table spent"}),
    (f"ALTER ROLE {OWNER} LOGIN", {"owner cannot log in"}),
    (f"GRANT {OWNER} TO {SERVICE}", {"service role has no other powers"} | TABLE_GUARDS),
    (f"ALTER ROLE {SERVICE} CREATEROLE", {"service role has no other powers"}),
    (f"ALTER ROLE {SERVICE} REPLICATION", {"service role has no other powers"}),
]


@pytest.mark.parametrize(("statements", "missing"), RENEWED + REPORTED)
def test_what_a_superuser_takes_down_is_reported(
    admin: psycopg.Connection[tuple[object, ...]], store: Store, statements: str, missing: set[str]
) -> None:
    try:
        admin.execute(statements.encode())
        assert set(store.guards()) == set(guards(admin, SCHEMA, SERVICE)) == missing
    finally:
        # Roles belong to the whole server, not to this test's database.
        admin.execute(f"ALTER ROLE {OWNER} NOLOGIN; REVOKE {OWNER} FROM {SERVICE}".encode())
        admin.execute(f"ALTER ROLE {SERVICE} NOCREATEROLE NOREPLICATION".encode())


@pytest.mark.parametrize("statements", [statements for statements, _ in RENEWED])
def test_installing_again_renews_what_was_taken_down(
    admin: psycopg.Connection[tuple[object, ...]], log: Log, store: Store, statements: str
) -> None:
    admin.execute(statements.encode())
    assert install(log.admin_dsn, SCHEMA, SERVICE) == []
    assert [data for _, data in store.read_entries()] == [b"entry-0", b"entry-1", b"entry-2"]
    store.append(Grower(3).batch(1))


def test_a_superuser_as_service_is_reported(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    assert set(guards(admin, SCHEMA)) == {"service role has no other powers"} | TABLE_GUARDS


def test_everything_is_missing_where_nothing_is_installed(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        found = guards(connection, "nowhere", SERVICE)
    assert "table entries" in found
    assert "function nowhere.append" in found
    assert len(found) == 5 + 3 * len(schema.TABLES) + 6


def test_two_logs_in_one_database(log: Log) -> None:
    assert install(log.admin_dsn, f"{SCHEMA}_refuse", SERVICE) == []
    with psycopg.connect(log.admin_dsn, autocommit=True) as connection:
        assert guards(connection, SCHEMA, SERVICE) == []
    with Store.open(log.service_dsn, f"{SCHEMA}_refuse") as other, Store.open(log.service_dsn, SCHEMA) as first:
        other.hold_sequencer_lock()
        first.hold_sequencer_lock()
        other.append(Grower().batch(2))
        assert (other.size(), first.size()) == (2, 0)


def test_installations_at_the_same_time(database: str) -> None:
    results: list[list[str]] = []
    threads = [threading.Thread(target=lambda: results.append(install(database, SCHEMA, SERVICE))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[], [], [], []]


def test_a_role_made_by_somebody_else_just_now(log: Log, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.store.installation._exists", lambda *_: False)
    assert "table entries" in install(database, SCHEMA, SERVICE)
    monkeypatch.undo()
    assert install(log.admin_dsn, SCHEMA, SERVICE) == []


def test_an_administrator_who_is_no_superuser(database: str) -> None:
    """A managed server: roles and schemas may be made, event triggers not, and that is said."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ADMIN}".encode())
        connection.execute(f"CREATE ROLE {ADMIN} LOGIN CREATEROLE".encode())
        name = connection.info.dbname
        connection.execute(f"GRANT CREATE ON DATABASE {name} TO {ADMIN}".encode())
        # On PostgreSQL 16 and later a role may only be granted by one who administers it.
        for role in (OWNER, SERVICE):
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None:
                connection.execute(f"GRANT {role} TO {ADMIN} WITH ADMIN OPTION".encode())
        try:
            found = install(make_conninfo(database, user=ADMIN), SCHEMA, SERVICE)
            assert set(found) == BOTH | GUARD_FUNCTIONS
            with Store.open(make_conninfo(database, user=SERVICE), SCHEMA) as store:
                store.append(Grower().batch(1))
        finally:
            connection.execute(f"REVOKE ALL ON DATABASE {name} FROM {ADMIN}; DROP OWNED BY {ADMIN}".encode())
            connection.execute(f"DROP ROLE {ADMIN}".encode())


def test_who_may_not_install(database: str, log: Log) -> None:
    with pytest.raises(StoreError) as caught:
        install(make_conninfo(database, user=SERVICE), "other", "another_service")
    assert caught.value.code == "STORE_PRIVILEGE"


def test_a_schema_of_somebody_else_is_left_alone(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {SCHEMA}; CREATE TABLE {SCHEMA}.entries (a int)".encode())
    with pytest.raises(StoreError) as caught:
        install(database, SCHEMA, SERVICE)
    assert caught.value.code == "STORE_SCHEMA_FOREIGN"
