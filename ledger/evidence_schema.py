"""Evidence in PostgreSQL, in a schema beside the log's: two tables, and the three functions that alone may write them.

The service's role may read and call the functions, nothing else. None of them alters what is on file, and `erase` looks
into the log: it erases only what the entry it is given says is erased.
"""

from psycopg.sql import SQL, Identifier

from ledger.store import schema as layout
from ledger.store.database import Connection, connect, translated

_LOCK_EVIDENCE = 0x626C0005
NOT_ON_RECORD = "BL010"

_TABLES = """
CREATE TABLE IF NOT EXISTS {e}.files (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    class text NOT NULL CHECK (class IN ('personal', 'deciding')),
    media_type text,
    size bigint,
    upload bytea UNIQUE,
    erased_by bigint,
    CHECK ((erased_by IS NULL) = (upload IS NOT NULL AND size IS NOT NULL AND media_type IS NOT NULL))
);
CREATE TABLE IF NOT EXISTS {e}.chunks (
    upload bytea NOT NULL CHECK (octet_length(upload) = 16),
    number integer NOT NULL CHECK (number >= 0),
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 1048576),
    PRIMARY KEY (upload, number)
);
ALTER TABLE {e}.chunks ALTER content SET STORAGE EXTERNAL
"""

_PUT_CHUNK = "INSERT INTO {e}.chunks (upload, number, content) VALUES ($1, $2, $3)"

_FILE = "INSERT INTO {e}.files (digest, class, media_type, size, upload) VALUES ($1, $2, $3, $4, $5)"

_ERASE = """
DECLARE
    said jsonb;
    gone bytea;
BEGIN
    SELECT convert_from(e.state, 'UTF8')::jsonb INTO said
        FROM {s}.entries AS e WHERE e.position = entry + 1 AND e.topic = 'evidence.erased';
    said := convert_from(decode(said -> 'envelope' ->> 'payload', 'base64'), 'UTF8')::jsonb;
    IF said IS NULL OR said -> 'body' ->> 'digest' IS DISTINCT FROM encode(what, 'hex') THEN
        RAISE EXCEPTION 'no such erasure in the log' USING ERRCODE = '{not_on_record}';
    END IF;
    SELECT f.upload INTO gone FROM {e}.files AS f WHERE f.digest = what FOR UPDATE;
    DELETE FROM {e}.chunks AS c WHERE c.upload = gone;
    UPDATE {e}.files AS f SET erased_by = entry, media_type = NULL, size = NULL, upload = NULL
        WHERE f.digest = what AND f.erased_by IS NULL;
END
"""

_IN_PLACE = """
SELECT count(*) = 3
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace JOIN pg_roles AS r ON r.oid = p.proowner
WHERE n.nspname = %(schema)s AND r.rolname = %(owner)s AND p.prosecdef
    AND p.proconfig = ARRAY['search_path=pg_catalog, pg_temp'] AND p.prosrc = ANY(%(sources)s)
    AND has_function_privilege(%(role)s, p.oid, 'EXECUTE') AND has_schema_privilege(%(role)s, n.oid, 'USAGE')
"""


def evidence_schema(schema: str) -> str:
    """Return the schema in which the evidence of the log `schema` is kept."""
    return f"{layout.checked_name(schema)}_evidence"


def install_evidence(admin_dsn: str, schema: str, service_role: str) -> None:
    """Make schema, tables, functions and grants in a database where the log is installed; harmless where they are.

    Raises `StoreError` `STORE_PRIVILEGE`, `STORE_NOT_INSTALLED`, and what `connect` raises.
    """
    with connect(admin_dsn, "ballot-ledger install") as connection, translated(schema), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_EVIDENCE,))
        values = {
            "schema": evidence_schema(schema),
            "owner": layout.owner_role(schema),
            "role": service_role,
            "sources": list(_sources(schema).values()),
        }
        if connection.execute(_IN_PLACE, values).fetchone() != (True,):
            _build(connection, schema, service_role)


def _build(connection: Connection, schema: str, service_role: str) -> None:
    owner, evidence = layout.owner_role(schema), evidence_schema(schema)
    superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (True,)
    if not superuser:
        connection.execute(SQL("GRANT {} TO CURRENT_USER").format(Identifier(owner)))
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {evidence} AUTHORIZATION {owner}".encode())
    connection.execute(SQL("SET LOCAL ROLE {}").format(Identifier(owner)))
    connection.execute(_TABLES.format(e=evidence).encode())
    connection.execute(_functions(schema).encode())
    connection.execute(_grants(evidence, Identifier(service_role).as_string(connection)).encode())
    connection.execute("RESET ROLE")
    if not superuser:
        connection.execute(SQL("REVOKE {} FROM CURRENT_USER").format(Identifier(owner)))


def _sources(schema: str) -> dict[str, str]:
    names = {"s": schema, "e": evidence_schema(schema), "not_on_record": NOT_ON_RECORD}
    sources = {"put_chunk": _PUT_CHUNK, "file": _FILE, "erase": _ERASE}
    return {name: source.format_map(names) for name, source in sources.items()}


def _functions(schema: str) -> str:
    source, evidence = _sources(schema), evidence_schema(schema)
    by_owner = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
    return f"""
    CREATE OR REPLACE FUNCTION {evidence}.put_chunk(bytea, integer, bytea) RETURNS void LANGUAGE sql {by_owner}
    AS $body${source["put_chunk"]}$body$;
    CREATE OR REPLACE FUNCTION {evidence}.file(bytea, text, text, bigint, bytea) RETURNS void LANGUAGE sql {by_owner}
    AS $body${source["file"]}$body$;
    CREATE OR REPLACE FUNCTION {evidence}.erase(what bytea, entry bigint) RETURNS void LANGUAGE plpgsql {by_owner}
    AS $body${source["erase"]}$body$
    """


def _grants(evidence: str, role: str) -> str:
    return f"""
    REVOKE ALL ON SCHEMA {evidence} FROM PUBLIC;
    REVOKE ALL ON ALL TABLES IN SCHEMA {evidence} FROM PUBLIC, {role};
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {evidence} FROM PUBLIC, {role};
    GRANT USAGE ON SCHEMA {evidence} TO {role};
    GRANT SELECT ON ALL TABLES IN SCHEMA {evidence} TO {role};
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {evidence} TO {role}
    """
