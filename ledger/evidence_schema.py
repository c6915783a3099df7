"""Evidence in PostgreSQL, in a schema beside the log's: two tables, and the three functions that alone may write them.

The service's role may read and call the functions, nothing else. None of them alters what is on file, and `erase` looks
into the log: it erases only what the entry it is given says is erased.
"""

from ledger.store.beside import Beside, Function

NOT_ON_RECORD = "BL010"

_TABLES = """
CREATE TABLE IF NOT EXISTS {here}.files (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    class text NOT NULL CHECK (class IN ('personal', 'deciding')),
    media_type text,
    size bigint,
    upload bytea UNIQUE,
    erased_by bigint,
    CHECK ((erased_by IS NULL) = (upload IS NOT NULL AND size IS NOT NULL AND media_type IS NOT NULL))
);
CREATE TABLE IF NOT EXISTS {here}.chunks (
    upload bytea NOT NULL CHECK (octet_length(upload) = 16),
    number integer NOT NULL CHECK (number >= 0),
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 1048576),
    PRIMARY KEY (upload, number)
);
ALTER TABLE {here}.chunks ALTER content SET STORAGE EXTERNAL
"""

_PUT_CHUNK = "INSERT INTO {here}.chunks (upload, number, content) VALUES ($1, $2, $3)"

_FILE = "INSERT INTO {here}.files (digest, class, media_type, size, upload) VALUES ($1, $2, $3, $4, $5)"

_ERASE = """
DECLARE
    said jsonb;
    gone bytea;
BEGIN
    SELECT convert_from(e.state, 'UTF8')::jsonb INTO said
        FROM {log}.entries AS e WHERE e.position = entry + 1 AND e.topic = 'evidence.erased';
    said := convert_from(decode(said -> 'envelope' ->> 'payload', 'base64'), 'UTF8')::jsonb;
    IF said IS NULL OR said -> 'body' ->> 'digest' IS DISTINCT FROM encode(what, 'hex') THEN
        RAISE EXCEPTION 'no such erasure in the log' USING ERRCODE = '{not_on_record}';
    END IF;
    SELECT f.upload INTO gone FROM {here}.files AS f WHERE f.digest = what FOR UPDATE;
    DELETE FROM {here}.chunks AS c WHERE c.upload = gone;
    UPDATE {here}.files AS f SET erased_by = entry, media_type = NULL, size = NULL, upload = NULL
        WHERE f.digest = what AND f.erased_by IS NULL;
END
"""

_EVIDENCE = Beside(
    suffix="evidence",
    lock=0x626C0005,
    tables=_TABLES,
    functions=(
        Function("put_chunk", "bytea, integer, bytea", "void", "sql", _PUT_CHUNK),
        Function("file", "bytea, text, text, bigint, bytea", "void", "sql", _FILE),
        Function("erase", "what bytea, entry bigint", "void", "plpgsql", _ERASE),
    ),
    names={"not_on_record": NOT_ON_RECORD},
)


def evidence_schema(schema: str) -> str:
    """Return the schema in which the evidence of the log `schema` is kept."""
    return _EVIDENCE.schema(schema)


def install_evidence(admin_dsn: str, schema: str, service_role: str) -> None:
    """Make what evidence needs in a database where the log is installed; errors as `Beside.install`."""
    _EVIDENCE.install(admin_dsn, schema, service_role)
