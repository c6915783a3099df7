"""Installing a schema beside the log's: tables that the service's role may read, and functions that alone write them.

The role that owns the log's schema owns these too, and the functions run as that role. Installing again changes
nothing where all functions stand as they should, and mends them where they do not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from psycopg.sql import SQL, Identifier

from ledger.store import schema as layout
from ledger.store.database import Connection, connect, translated

_AS_OWNER = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"

_IN_PLACE = """
SELECT count(*) = %(count)s
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace JOIN pg_roles AS r ON r.oid = p.proowner
WHERE n.nspname = %(schema)s AND r.rolname = %(owner)s AND p.prosecdef AND p.prosrc = ANY(%(sources)s)
    AND p.proconfig = ARRAY['search_path=pg_catalog, pg_temp']
    AND has_function_privilege(%(role)s, p.oid, 'EXECUTE') AND has_schema_privilege(%(role)s, n.oid, 'USAGE')
"""


class Function(NamedTuple):
    """One function: its name, its parameters, what it returns, and its body."""

    name: str
    takes: str
    gives: str
    language: Literal["sql", "plpgsql"]
    source: str


@dataclass(frozen=True, slots=True)
class Beside:
    """A schema beside the log's, named after it with `suffix`.

    In `tables`, in `further` (statements after the functions) and in the sources of `functions`, `{here}` stands for
    the schema, `{log}` for the log's, and each of `names` for its value. `lock` keeps two installations apart.
    """

    suffix: str
    lock: int
    tables: str
    functions: tuple[Function, ...]
    further: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def schema(self, log: str) -> str:
        """Return the name of the schema beside the log's schema `log`."""
        return f"{layout.checked_name(log)}_{self.suffix}"

    def install(self, admin_dsn: str, log: str, service_role: str) -> None:
        """Make schema, tables, functions and grants in a database where the log is installed; harmless where they are.

        Raises `StoreError` `STORE_PRIVILEGE`, `STORE_NOT_INSTALLED`, and what `connect` raises.
        """
        with connect(admin_dsn, "ballot-ledger install") as connection, translated(log), connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (self.lock,))
            values = {
                "schema": self.schema(log),
                "owner": layout.owner_role(log),
                "role": service_role,
                "sources": [self._filled(function.source, log) for function in self.functions],
                "count": len(self.functions),
            }
            if connection.execute(_IN_PLACE, values).fetchone() != (True,):
                self._build(connection, log, service_role)

    def _build(self, connection: Connection, log: str, service_role: str) -> None:
        owner, here = layout.owner_role(log), self.schema(log)
        is_superuser = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        superuser = connection.execute(is_superuser).fetchone() == (True,)
        if not superuser:
            connection.execute(SQL("GRANT {} TO CURRENT_USER").format(Identifier(owner)))
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {here} AUTHORIZATION {owner}".encode())
        connection.execute(SQL("SET LOCAL ROLE {}").format(Identifier(owner)))
        connection.execute(self._filled(self.tables, log).encode())
        for function in self.functions:
            connection.execute(self._created(function, log).encode())
        connection.execute(self._filled(self.further, log).encode())
        connection.execute(self._grants(here, Identifier(service_role).as_string(connection)).encode())
        connection.execute("RESET ROLE")
        if not superuser:
            connection.execute(SQL("REVOKE {} FROM CURRENT_USER").format(Identifier(owner)))

    def _created(self, function: Function, log: str) -> str:
        return (
            f"CREATE OR REPLACE FUNCTION {self.schema(log)}.{function.name}({function.takes})"
            f" RETURNS {function.gives} LANGUAGE {function.language} {_AS_OWNER}"
            f" AS $body${self._filled(function.source, log)}$body$"
        )

    def _grants(self, here: str, role: str) -> str:
        names = ", ".join(f"{here}.{function.name}" for function in self.functions)
        return f"""
        REVOKE ALL ON SCHEMA {here} FROM PUBLIC;
        REVOKE ALL ON ALL TABLES IN SCHEMA {here} FROM PUBLIC, {role};
        REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {here} FROM PUBLIC, {role};
        GRANT USAGE ON SCHEMA {here} TO {role};
        GRANT SELECT ON ALL TABLES IN SCHEMA {here} TO {role};
        GRANT EXECUTE ON FUNCTION {names} TO {role}
        """

    def _filled(self, text: str, log: str) -> str:
        return text.format_map({**self.names, "here": self.schema(log), "log": log})
