"""Installing a log in a database as its administrator, and naming the guards that are missing.

Installing again is harmless: nothing is touched if everything is in place, and what is missing is renewed. Entries are
never migrated.
"""

from psycopg import errors
from psycopg.sql import SQL, Identifier

from ledger.errors import StoreError
from ledger.store import schema as layout
from ledger.store.database import Connection, connect, translated

# One installation at a time in a database, whatever the log.
_LOCK_INSTALL = 0x626C0003

_GUARDS = """
WITH log AS (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
SELECT 'trigger ' || c.relname || ' ' || t.tgname
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_proc AS p ON p.oid = t.tgfoid, log
WHERE c.relnamespace = log.oid AND p.pronamespace = log.oid AND p.proname = 'refuse_change' AND t.tgenabled = 'A'
    AND t.tgqual IS NULL AND (t.tgname, t.tgtype) IN (('refuse_change', 27), ('refuse_truncate', 34))
UNION ALL
SELECT 'table ' || c.relname
FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner, log
WHERE c.relnamespace = log.oid AND c.relkind = 'r' AND r.rolname = %(owner)s AND NOT c.relhasrules
    AND NOT has_table_privilege(%(role)s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
UNION ALL
SELECT 'event trigger ' || e.evtname
FROM pg_event_trigger AS e JOIN pg_proc AS p ON p.oid = e.evtfoid JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE e.evtenabled = 'A' AND n.nspname = 'ledger_guards' AND p.proname = e.evtname AND e.evttags IS NULL
    AND (substr(e.evtname, length(%(schema)s) + 1), e.evtevent)
        IN (('_refuse_drop', 'sql_drop'), ('_refuse_ddl', 'ddl_command_end'))
UNION ALL
SELECT 'server flushes to disk' WHERE current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'
UNION ALL
SELECT 'owner cannot log in' FROM pg_roles WHERE rolname = %(owner)s AND NOT rolcanlogin AND NOT rolsuper
UNION ALL
SELECT 'service role has no other powers' FROM pg_roles
WHERE rolname = %(role)s AND NOT rolsuper AND NOT rolcreaterole AND NOT rolreplication
    AND NOT pg_has_role(rolname, %(owner)s, 'MEMBER')
"""

_FUNCTIONS = """
SELECT n.nspname || '.' || p.proname, p.prosrc
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace JOIN pg_roles AS r ON r.oid = p.proowner
WHERE p.proconfig = ARRAY['search_path=pg_catalog, pg_temp'] AND (
    (n.nspname = %(schema)s AND r.rolname = %(owner)s
        AND p.prosecdef = (p.proname IN ('append', 'append_attempts', 'add_credentials')))
    OR (n.nspname = 'ledger_guards' AND r.rolsuper))
"""


def install(admin_dsn: str, schema: str, service_role: str) -> list[str]:
    """Install the log `schema` and give `service_role` reading and appending; return the guards that are missing.

    Makes the two roles if they are not there; a service role made here can log in and has no password. Without a
    superuser there are no event triggers, and the result says so.

    Raises `StoreError`: `STORE_PRIVILEGE` if the administrator may not do it, `STORE_SCHEMA_FOREIGN` if the schema
    belongs to someone else, and what `connect` raises.
    """
    layout.checked_name(schema)
    with connect(admin_dsn, "ballot-ledger install") as connection, translated(schema), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_INSTALL,))
        _make_role(connection, layout.owner_role(schema), login=False)
        _make_role(connection, service_role, login=True)
        if guards(connection, schema, service_role):
            _build(connection, schema, service_role)
        return guards(connection, schema, service_role)


def guards(connection: Connection, schema: str, service_role: str | None = None) -> list[str]:
    """Name every guard of the log that is missing or changed; an empty list if all are in place.

    Needs no privilege. `service_role` is the role whose powers are looked at, by default the one connected.
    """
    source = layout.bodies(schema)
    role = service_role or connection.info.user
    owner = layout.owner_role(schema)
    values = {"schema": schema, "owner": owner, "role": role}
    with translated(schema):
        present = {row[0] for row in connection.execute(_GUARDS, values)} if _exists(connection, owner) else set()
        functions: dict[str, str] = dict(connection.execute(_FUNCTIONS, values).fetchall())
    present |= {f"function {name}" for name in source if functions.get(name) == source[name]}
    expected = [f"function {name}" for name in source]
    for table in layout.TABLES:
        expected += [f"table {table}", f"trigger {table} refuse_change", f"trigger {table} refuse_truncate"]
    expected += [f"event trigger {schema}_refuse_drop", f"event trigger {schema}_refuse_ddl"]
    expected += ["server flushes to disk", "owner cannot log in", "service role has no other powers"]
    return [guard for guard in expected if guard not in present]


def _build(connection: Connection, schema: str, service_role: str) -> None:
    """Make or renew everything; the caller's transaction makes it one step."""
    owner = layout.owner_role(schema)
    superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (True,)
    if superuser:
        connection.execute(SQL(layout.drop_event_triggers(schema)))
    else:
        connection.execute(SQL("GRANT {} TO CURRENT_USER").format(Identifier(owner)))
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}".encode())
    found = connection.execute("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = %s", (schema,))
    if found.fetchone() != (owner,):
        raise StoreError("STORE_SCHEMA_FOREIGN", schema=schema)
    connection.execute(SQL("SET LOCAL ROLE {}").format(Identifier(owner)))
    connection.execute(layout.create_tables(schema).encode())
    connection.execute(layout.create_functions(schema).encode())
    connection.execute(layout.grants(schema, Identifier(service_role).as_string(connection)).encode())
    connection.execute("RESET ROLE")
    if superuser:
        connection.execute(layout.create_event_triggers(schema).encode())
    else:
        connection.execute(SQL("REVOKE {} FROM CURRENT_USER").format(Identifier(owner)))


def _exists(connection: Connection, role: str) -> bool:
    return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None


def _make_role(connection: Connection, role: str, *, login: bool) -> None:
    if not _exists(connection, role):
        options = SQL("LOGIN" if login else "NOLOGIN")
        try:
            with connection.transaction():
                connection.execute(SQL("CREATE ROLE {} {}").format(Identifier(role), options))
        except (errors.DuplicateObject, errors.UniqueViolation):
            # Roles belong to the whole server: an installation in another database made it just now.
            return
