"""Who may write and read the tables that are derived from a log, in one database; made by its administrator.

Three roles that cannot log in. The projector owns the derived tables, and the service writes them as the projector: it
may make schemas in this database, and has no more power over the log itself than anybody. Readers see the derived
tables, the public only what is public in them; whoever is to read is made a member of one of the two.
"""

from psycopg.sql import SQL, Identifier, Literal

from ledger.store import schema as layout
from ledger.store.database import Connection, connect, translated

_LOCK_READERS = 0x626C0004

_IN_PLACE = """
SELECT count(*) = 3 AND bool_and(pg_has_role(%(service)s, oid, 'MEMBER'))
    AND bool_or(rolname = %(projector)s AND has_database_privilege(oid, current_database(), 'CREATE'))
FROM pg_roles WHERE rolname = ANY(%(roles)s)
"""

# Roles belong to the whole server: an installation in another database may make them at the same time.
_MAKE = """
DO $body$ BEGIN
    CREATE ROLE {} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $body$
"""


def projector_role(schema: str) -> str:
    """Return the role that owns the derived tables of a log."""
    return f"{schema}_projector"


def reader_role(schema: str) -> str:
    """Return the role of those who may read all derived tables of a log: inspectors."""
    return f"{schema}_reader"


def public_role(schema: str) -> str:
    """Return the role of those who may read only what is public in the derived tables."""
    return f"{schema}_public"


def install_readers(admin_dsn: str, schema: str, service_role: str) -> None:
    """Make the three roles and let `service_role` act as each of them; harmless where that is done.

    Raises `StoreError` `STORE_PRIVILEGE` if the administrator may not grant what is needed, and what `connect` raises.
    """
    layout.checked_name(schema)
    roles = (projector_role(schema), reader_role(schema), public_role(schema))
    with connect(admin_dsn, "ballot-ledger install") as connection, translated(schema), connection.transaction():
        if not _in_place(connection, roles, service_role):
            _make(connection, roles, service_role)


def _in_place(connection: Connection, roles: tuple[str, str, str], service: str) -> bool:
    values = {"service": service, "projector": roles[0], "roles": list(roles)}
    return connection.execute(_IN_PLACE, values).fetchone() == (True,)


def _make(connection: Connection, roles: tuple[str, str, str], service: str) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_READERS,))
    (database,) = connection.execute("SELECT current_database()").fetchone() or ("",)
    for role in roles:
        connection.execute(SQL(_MAKE).format(Identifier(role)))
        connection.execute(SQL("GRANT {} TO {}").format(Identifier(role), Identifier(service)))
        connection.execute(SQL("COMMENT ON ROLE {} IS {}").format(Identifier(role), Literal("ballot-ledger tables")))
    grant = SQL("GRANT CREATE ON DATABASE {} TO {}")
    connection.execute(grant.format(Identifier(database), Identifier(roles[0])))
