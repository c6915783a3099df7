"""What a log is in PostgreSQL: one schema with append-only tables and the functions that alone may write them.

Three rings of guards. The service's role may read and call `append`, `append_attempts` and `add_credentials`, nothing
else. Triggers that fire for everyone, superusers and replication roles too, refuse every UPDATE, DELETE and TRUNCATE.
Event triggers, where the administrator may create them, refuse to drop or alter what belongs to the log. A superuser
can still take them down: so proofs are anchored outside, and `ledger.store.guards` names every guard that is missing.

Tree nodes are stored by the leaf that completed them: the row of position p (leaf p - 1) holds the hashes of the nodes
(L, p / 2^L - 1) for every L with p divisible by 2^L, level 0 first.
"""

import re

from ledger.errors import MalformedError

TABLES = (
    "entries",
    "nodes",
    "checkpoints",
    "spent",
    "attachments",
    "credentials",
    "attempt_entries",
    "attempt_nodes",
    "attempt_checkpoints",
)
LOCK_APPEND = 0x626C0001
"""First half of the advisory lock that orders appends; the second half is the entries table's oid."""
LOCK_SEQUENCER = 0x626C0002
WRONG_INDEX = "BL001"
WRONG_BATCH = "BL002"
APPEND_ONLY = "BL003"

_SCHEMA = re.compile("[a-z][a-z0-9_]{0,39}")

_TABLES = """
CREATE TABLE IF NOT EXISTS {s}.entries (
    position bigint PRIMARY KEY CHECK (position > 0),
    state bytea NOT NULL CHECK (octet_length(state) BETWEEN 1 AND 65535),
    topic text NOT NULL,
    statement_id bytea NOT NULL UNIQUE CHECK (octet_length(statement_id) = 32)
) WITH (toast_tuple_target = 8160);
ALTER TABLE {s}.entries ALTER state SET STORAGE EXTERNAL;
CREATE TABLE IF NOT EXISTS {s}.nodes (
    position bigint PRIMARY KEY,
    hashes bytea NOT NULL CHECK (octet_length(hashes) > 0 AND octet_length(hashes) % 32 = 0)
);
CREATE TABLE IF NOT EXISTS {s}.checkpoints (size bigint PRIMARY KEY, note bytea NOT NULL);
CREATE TABLE IF NOT EXISTS {s}.spent (key bytea PRIMARY KEY, index bigint NOT NULL);
CREATE TABLE IF NOT EXISTS {s}.attachments (
    position bigint PRIMARY KEY,
    data bytea NOT NULL CHECK (octet_length(data) > 0)
);
ALTER TABLE {s}.attachments ALTER data SET STORAGE EXTERNAL;
CREATE TABLE IF NOT EXISTS {s}.credentials (
    index bigint,
    bucket int,
    bits int NOT NULL CHECK (bits BETWEEN 0 AND 24),
    tags bytea NOT NULL CHECK (octet_length(tags) > 0 AND octet_length(tags) % 32 = 0),
    PRIMARY KEY (index, bucket)
);
ALTER TABLE {s}.credentials ALTER tags SET STORAGE EXTERNAL;
CREATE TABLE IF NOT EXISTS {s}.attempt_entries (
    position bigint PRIMARY KEY CHECK (position > 0),
    state bytea NOT NULL CHECK (octet_length(state) BETWEEN 1 AND 65535)
);
CREATE TABLE IF NOT EXISTS {s}.attempt_nodes (
    position bigint PRIMARY KEY,
    hashes bytea NOT NULL CHECK (octet_length(hashes) > 0 AND octet_length(hashes) % 32 = 0)
);
CREATE TABLE IF NOT EXISTS {s}.attempt_checkpoints (size bigint PRIMARY KEY, note bytea NOT NULL);
"""

# Lock and read are statements of their own: each takes a new snapshot, so the read sees what the lock waited for.
_APPEND = """
DECLARE
    size bigint;
    added bigint := cardinality(entries);
    keys bytea;
    bytes int;
BEGIN
    PERFORM pg_advisory_xact_lock({lock}, '{s}.entries'::regclass::oid::int);
    SELECT max(e.position) INTO size FROM {s}.entries AS e;
    size := coalesce(size, 0);
    IF size <> expected_next THEN
        RAISE EXCEPTION 'wrong index' USING ERRCODE = '{wrong_index}', DETAIL = size;
    END IF;
    IF added = 0 OR cardinality(topics) <> added OR cardinality(statement_ids) <> added OR cardinality(nodes) <> added
        OR cardinality(spent) <> cardinality(spent_index) OR cardinality(spent) <> cardinality(spent_bytes)
        OR EXISTS (SELECT FROM unnest(spent, spent_bytes) AS one (k, b) WHERE b < 1 OR octet_length(k) % b <> 0)
        OR cardinality(attached) <> cardinality(attached_index) OR checkpoint_size <> size + added THEN
        RAISE EXCEPTION 'the parts of the batch do not fit' USING ERRCODE = '{wrong_batch}';
    END IF;
    INSERT INTO {s}.entries (position, state, topic, statement_id)
        SELECT size + n, state, topic, id
        FROM unnest(entries, topics, statement_ids) WITH ORDINALITY AS given (state, topic, id, n);
    INSERT INTO {s}.nodes (position, hashes)
        SELECT size + n, hashes FROM unnest(nodes) WITH ORDINALITY AS given (hashes, n);
    INSERT INTO {s}.checkpoints (size, note) VALUES (checkpoint_size, checkpoint);
    IF cardinality(spent) > 0 THEN
        FOR n IN 1 .. cardinality(spent) LOOP
            keys := spent[n];
            bytes := spent_bytes[n];
            INSERT INTO {s}.spent (key, index)
                SELECT substr(keys, start, bytes), spent_index[n]
                FROM generate_series(1, octet_length(keys), bytes) AS start;
        END LOOP;
    END IF;
    IF cardinality(attached) > 0 THEN
        INSERT INTO {s}.attachments (position, data)
            SELECT index + 1, data FROM unnest(attached, attached_index) AS given (data, index);
    END IF;
    PERFORM pg_notify('{channel}', checkpoint_size::text);
END
"""

# The log of attempts is one more tree, with neither statements nor credentials to be told apart.
_APPEND_ATTEMPTS = """
DECLARE
    size bigint;
    added bigint := cardinality(entries);
BEGIN
    PERFORM pg_advisory_xact_lock({lock}, '{s}.attempt_entries'::regclass::oid::int);
    SELECT max(e.position) INTO size FROM {s}.attempt_entries AS e;
    size := coalesce(size, 0);
    IF size <> expected_next THEN
        RAISE EXCEPTION 'wrong index' USING ERRCODE = '{wrong_index}', DETAIL = size;
    END IF;
    IF added = 0 OR cardinality(nodes) <> added OR checkpoint_size <> size + added THEN
        RAISE EXCEPTION 'the parts of the batch do not fit' USING ERRCODE = '{wrong_batch}';
    END IF;
    INSERT INTO {s}.attempt_entries (position, state)
        SELECT size + n, state FROM unnest(entries) WITH ORDINALITY AS given (state, n);
    INSERT INTO {s}.attempt_nodes (position, hashes)
        SELECT size + n, hashes FROM unnest(nodes) WITH ORDINALITY AS given (hashes, n);
    INSERT INTO {s}.attempt_checkpoints (size, note) VALUES (checkpoint_size, checkpoint);
END
"""

# Who may vote was committed to by an entry; loading the list that its root is of may be taken up again anywhere.
_ADD_CREDENTIALS = """
BEGIN
    INSERT INTO {s}.credentials (index, bucket, bits, tags)
        SELECT entry_index, bucket, given_bits, page FROM unnest(buckets, pages) AS given (bucket, page)
        ON CONFLICT DO NOTHING;
END
"""

_REFUSE_CHANGE = """
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', tg_table_name, tg_op USING ERRCODE = '{append_only}';
END
"""

# A trigger is named by the address of its table; everything else that matters has a schema.
_REFUSE_DROP = """
BEGIN
    IF EXISTS (
        SELECT FROM pg_event_trigger_dropped_objects() AS gone
        WHERE gone.schema_name = '{s}' OR gone.address_names[1] = '{s}'
            OR gone.object_identity IN ({guards})
    ) THEN
        RAISE EXCEPTION 'the log {s} may not be dropped' USING ERRCODE = '{append_only}';
    END IF;
END
"""

# What a command renames or moves away is no longer under its old name: so the tables must still be there, too.
_REFUSE_DDL = """
BEGIN
    IF EXISTS (
        SELECT FROM pg_event_trigger_ddl_commands() AS done
        WHERE done.command_tag NOT IN ('COMMENT', 'REINDEX', 'GRANT', 'REVOKE')
            AND (done.schema_name = '{s}' OR done.object_identity = '{s}' OR done.object_identity IN ({guards})
                OR strpos(done.object_identity, ' on {s}.') > 0)
    ) OR (
        SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = '{s}' AND relname IN ({tables})
    ) <> {table_count} THEN
        RAISE EXCEPTION 'the log {s} may not be altered' USING ERRCODE = '{append_only}';
    END IF;
END
"""


def checked_name(schema: str) -> str:
    """Return `schema` if it can name a log's schema, so that it may stand in SQL; `MalformedError` `SCHEMA_NAME`."""
    if not _SCHEMA.fullmatch(schema) or schema.startswith("pg_"):
        raise MalformedError("SCHEMA_NAME", where="lower-case letter, then at most 39 letters, digits or underscores")
    return schema


def owner_role(schema: str) -> str:
    """Return the role that owns a log's tables and functions and cannot log in."""
    return f"{schema}_owner"


def channel(schema: str) -> str:
    """Return the channel on which each commit tells the new size."""
    return f"{schema}.entries"


def bodies(schema: str) -> dict[str, str]:
    """Return the source of each function of a log, by name; guards compare it with what is installed."""
    names = {
        "s": schema,
        "lock": str(LOCK_APPEND),
        "channel": channel(schema),
        "wrong_index": WRONG_INDEX,
        "wrong_batch": WRONG_BATCH,
        "append_only": APPEND_ONLY,
        "guards": f"'ledger_guards.{schema}_refuse_drop()', 'ledger_guards.{schema}_refuse_ddl()'",
        "tables": ", ".join(f"'{table}'" for table in TABLES),
        "table_count": str(len(TABLES)),
    }
    sources = {
        f"{schema}.append": _APPEND,
        f"{schema}.append_attempts": _APPEND_ATTEMPTS,
        f"{schema}.add_credentials": _ADD_CREDENTIALS,
        f"{schema}.refuse_change": _REFUSE_CHANGE,
        f"ledger_guards.{schema}_refuse_drop": _REFUSE_DROP,
        f"ledger_guards.{schema}_refuse_ddl": _REFUSE_DDL,
    }
    return {name: source.format_map(names) for name, source in sources.items()}


def create_tables(schema: str) -> str:
    """Return the statements that make those of a log's tables that are not there yet, by the owner."""
    return _TABLES.format(s=schema)


def create_functions(schema: str) -> str:
    """Return the statements that make a log's functions and their triggers; may be run again, by the owner."""
    source = bodies(schema)
    statements = [
        f"DROP FUNCTION IF EXISTS {schema}.add_credentials(bigint, bytea[])",
        # Earlier functions had fewer arguments, and would stand beside this one.
        f"DROP FUNCTION IF EXISTS {schema}.append(bigint, bytea[], text[], bytea[], bytea[], bigint, bytea, bytea[], "
        "bigint[])",
        f"DROP FUNCTION IF EXISTS {schema}.append(bigint, bytea[], text[], bytea[], bytea[], bigint, bytea, bytea[], "
        "bigint[], bytea[], bigint[])",
        f"""CREATE OR REPLACE FUNCTION {schema}.append(
            expected_next bigint, entries bytea[], topics text[], statement_ids bytea[], nodes bytea[],
            checkpoint_size bigint, checkpoint bytea, spent bytea[], spent_bytes bigint[], spent_index bigint[],
            attached bytea[], attached_index bigint[]
        ) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $body${source[f"{schema}.append"]}$body$""",
        f"""CREATE OR REPLACE FUNCTION {schema}.append_attempts(
            expected_next bigint, entries bytea[], nodes bytea[], checkpoint_size bigint, checkpoint bytea
        ) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $body${source[f"{schema}.append_attempts"]}$body$""",
        f"""CREATE OR REPLACE FUNCTION {schema}.add_credentials(
            entry_index bigint, given_bits int, buckets int[], pages bytea[])
        RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $body${source[f"{schema}.add_credentials"]}$body$""",
        f"""CREATE OR REPLACE FUNCTION {schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp AS $body${source[f"{schema}.refuse_change"]}$body$""",
    ]
    for table in TABLES:
        statements += [
            f"""CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {schema}.{table}
            FOR EACH ROW EXECUTE FUNCTION {schema}.refuse_change()""",
            f"""CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON {schema}.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change()""",
            f"ALTER TABLE {schema}.{table} ENABLE ALWAYS TRIGGER refuse_change",
            f"ALTER TABLE {schema}.{table} ENABLE ALWAYS TRIGGER refuse_truncate",
        ]
    return ";\n".join(statements)


def create_event_triggers(schema: str) -> str:
    """Return the statements that make the event triggers; run by a superuser.

    Their functions stand outside the log's schema: dropping that schema would otherwise drop its guard first.
    """
    source = bodies(schema)
    statements = ["CREATE SCHEMA IF NOT EXISTS ledger_guards"]
    for name, event in (("refuse_drop", "sql_drop"), ("refuse_ddl", "ddl_command_end")):
        function = f"ledger_guards.{schema}_{name}"
        statements += [
            f"""CREATE OR REPLACE FUNCTION {function}() RETURNS event_trigger LANGUAGE plpgsql
            SET search_path = pg_catalog, pg_temp AS $body${source[function]}$body$""",
            f"CREATE EVENT TRIGGER {schema}_{name} ON {event} EXECUTE FUNCTION {function}()",
            f"ALTER EVENT TRIGGER {schema}_{name} ENABLE ALWAYS",
        ]
    return ";\n".join(statements)


def drop_event_triggers(schema: str) -> str:
    """Return the statements that take the event triggers down, for an administrator who renews the guards."""
    return f"DROP EVENT TRIGGER IF EXISTS {schema}_refuse_drop; DROP EVENT TRIGGER IF EXISTS {schema}_refuse_ddl"


def grants(schema: str, service_role: str) -> str:
    """Return the statements that leave the service's role with reading and the three functions; run by the owner.

    `service_role` is an identifier already quoted for SQL.
    """
    return f"""
    REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
    REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {service_role};
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC, {service_role};
    GRANT USAGE ON SCHEMA {schema} TO {service_role};
    GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {service_role};
    GRANT EXECUTE ON FUNCTION {schema}.append, {schema}.append_attempts, {schema}.add_credentials TO {service_role}
    """
