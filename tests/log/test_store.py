"""The store on a real PostgreSQL: what is appended is read back, and every failure has its name."""

import threading
import time
from hashlib import sha256
from typing import Any, cast

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger import merkle
from ledger.errors import ConflictError, LedgerError, MalformedError, StoreError
from ledger.store import AppendBatch, NewEntry, Store, database, schema
from tests.log.conftest import SCHEMA, SERVICE, Grower, Log


def code(error: pytest.ExceptionInfo[LedgerError]) -> str:
    """Return the code of a caught error."""
    return error.value.code


def test_an_empty_log(store: Store) -> None:
    assert store.size() == 0
    assert store.newest_checkpoint() is None
    assert store.checkpoint_covering(0) is None
    assert store.entry(0) is None
    assert list(store.read_entries()) == []
    assert store.nodes([]) == {}


def test_what_is_appended_is_read_back(store: Store, grower: Grower) -> None:
    for count in (1, 4, 3):
        store.append(grower.batch(count))
    entries = [(index, b"entry-%d" % index) for index in range(8)]
    assert store.size() == 8
    assert list(store.read_entries()) == entries
    assert list(store.read_entries(chunk=3)) == entries
    assert list(store.read_entries(2, 7, chunk=2)) == entries[2:7]
    assert [store.entry(index) for index in (0, 7, 8, -1)] == [b"entry-0", b"entry-7", None, None]
    found = [store.find_statement(sha256(data).digest()) for data in (b"entry-0", b"entry-7", b"entry-8")]
    assert found == [0, 7, None]


def test_checkpoints(store: Store, grower: Grower) -> None:
    for count in (1, 4, 3):
        store.append(grower.batch(count))
    assert store.newest_checkpoint() == (8, b"note 8")
    assert [store.checkpoint_at(size) for size in (1, 2, 5)] == [(1, b"note 1"), None, (5, b"note 5")]
    covering = [store.checkpoint_covering(index) for index in range(9)]
    assert [found and found.size for found in covering] == [1, 5, 5, 5, 5, 8, 8, 8, None]


def test_nodes_serve_every_root_and_proof(store: Store, grower: Grower) -> None:
    for count in (1, 4, 3, 30, 1):
        store.append(grower.batch(count))
    size = grower.frontier.size
    everything = [(level, index) for level in range(6) for index in range(size >> level)]
    nodes = store.nodes(everything)
    assert set(nodes) == set(everything)
    for old in range(size + 1):
        found = store.nodes(merkle.root_nodes(old))
        assert merkle.root_at(old, lambda *address, found=found: found[address]) == grower.roots[old]
    needed = store.nodes(merkle.inclusion_nodes(5, size))
    path = merkle.inclusion_proof(5, size, lambda *address: needed[address])
    assert merkle.verify_inclusion(5, size, merkle.leaf_hash(b"entry-5"), path, grower.roots[size])
    for missing in [(0, size), (5, 1), (7, 0)]:
        with pytest.raises(StoreError) as caught:
            store.nodes([missing])
        assert code(caught) == "STORE_NODE_MISSING"


@pytest.mark.parametrize("size", [1, 2500, 65535])
def test_entries_of_every_length_come_back_exactly(store: Store, size: int) -> None:
    data = bytes(place * 7 % 256 for place in range(size))
    nodes = merkle.Frontier().append(merkle.leaf_hash(data))
    store.append(AppendBatch(0, [NewEntry(data, "kind@1", bytes(32), nodes)], b"note"))
    assert list(store.read_entries()) == [(0, data)]


def test_a_wrong_index_writes_nothing(store: Store) -> None:
    store.append(Grower().batch(3))
    for size in (0, 2, 4, 100):
        with pytest.raises(ConflictError) as caught:
            store.append(Grower(size).batch(2, tag=b"other"))
        assert (code(caught), caught.value.facts["size"]) == ("STORE_WRONG_INDEX", 3)
    assert store.size() == 3
    store.append(Grower(3).batch(1))


def test_one_statement_has_one_entry(store: Store, grower: Grower) -> None:
    store.append(grower.batch(2))
    again = grower.batch(1)
    twice = AppendBatch(
        2, [NewEntry(b"other", "kind@1", Grower().batch(1).entries[0].statement_id, again.entries[0].nodes)], b""
    )
    with pytest.raises(ConflictError) as caught:
        store.append(twice)
    assert code(caught) == "STORE_DUPLICATE_STATEMENT"
    assert store.size() == 2


def test_a_credential_is_spent_once(store: Store, grower: Grower) -> None:
    store.append(grower.batch(2, spent=(b"first", b"second")))
    assert store.spent([b"first", b"third"]) == {b"first": 0}
    with pytest.raises(ConflictError) as caught:
        store.append(Grower(2).batch(1, spent=(b"third", b"second")))
    assert code(caught) == "STORE_SPENT"
    assert store.size() == 2
    assert store.spent([b"third"]) == {}


def test_batches_that_do_not_fit_together_are_refused(store: Store, log: Log) -> None:
    with pytest.raises(StoreError) as caught:
        store.append(AppendBatch(0, [], b"note"))
    assert (code(caught), caught.value.facts["sqlstate"]) == ("STORE_FAILED", schema.WRONG_BATCH)
    arrays = "%s::bytea[], %s::text[], %s::bytea[], %s::bytea[]"
    beside = "%s::bytea[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bigint[]"
    call = f"SELECT {SCHEMA}.append(0, {arrays}, %s, 'note', {beside})"
    one, key = [b"x"], [bytes(32)]
    wrong: list[tuple[Any, ...]] = [
        (one, ["t", "t"], key, key, 1, [], [], [], [], []),
        (one, ["t"], [], key, 1, [], [], [], [], []),
        (one, ["t"], key, [], 1, [], [], [], [], []),
        (one, ["t"], key, key, 2, [], [], [], [], []),
        (one, ["t"], key, key, 1, key, [32], [], [], []),
        (one, ["t"], key, key, 1, key, [], [0], [], []),
        (one, ["t"], key, key, 1, key, [31], [0], [], []),
        (one, ["t"], key, key, 1, key, [0], [0], [], []),
        (one, ["t"], key, key, 1, [], [], [], key, []),
    ]
    with psycopg.connect(log.service_dsn, autocommit=True) as connection:
        for values in wrong:
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(call.encode(), values)
            assert refused.value.sqlstate == schema.WRONG_BATCH
        for values in [
            (one, ["t"], [b"short"], key, 1, [], [], [], [], []),
            (one, ["t"], key, [b"short"], 1, [], [], [], [], []),
        ]:
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute(call.encode(), values)
    assert store.size() == 0


def test_many_writers_leave_no_gap(log: Log) -> None:
    """Eight threads race with batches of one to three entries; each index is won once and none is left out."""
    won: list[int] = []
    lost: set[str] = set()

    def race(number: int) -> None:
        with Store.open(log.service_dsn, log.schema) as mine:
            done = 0
            while done < 10:
                size = mine.size()
                frontier = merkle.Frontier.load(size, lambda *address: mine.nodes([address])[address])
                entries = []
                for place in range(1 + number % 3):
                    data = b"%d-%d-%d" % (number, done, place)
                    nodes = frontier.append(merkle.leaf_hash(data))
                    entries.append(NewEntry(data, "kind@1", merkle.leaf_hash(data), nodes))
                try:
                    mine.append(AppendBatch(size, entries, frontier.root()))
                except ConflictError as error:
                    lost.add(error.code)
                else:
                    won.extend(range(size, size + len(entries)))
                    done += 1

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Store.open(log.service_dsn, log.schema) as store:
        entries = list(store.read_entries())
        assert sorted(won) == [index for index, _ in entries] == list(range(10 * sum(1 + n % 3 for n in range(8))))
        newest = store.newest_checkpoint()
    assert lost <= {"STORE_WRONG_INDEX"}
    assert newest == (len(entries), merkle.tree_root(merkle.leaf_hash(data) for _, data in entries))


def test_a_gap_is_found(store: Store, log: Log, grower: Grower) -> None:
    """Whoever takes the guards down and deletes an entry is noticed by the next reader."""
    store.append(grower.batch(5))
    with psycopg.connect(log.admin_dsn, autocommit=True) as connection:
        connection.execute(schema.drop_event_triggers(SCHEMA).encode())
        connection.execute(f"ALTER TABLE {SCHEMA}.entries DISABLE TRIGGER ALL".encode())
        connection.execute(f"DELETE FROM {SCHEMA}.entries WHERE position = 4".encode())
    with pytest.raises(StoreError) as caught:
        list(store.read_entries())
    assert (code(caught), caught.value.facts) == ("STORE_GAP", {"index": 3})


def test_attempts_are_a_tree_of_their_own(store: Store, grower: Grower) -> None:
    assert (store.attempt_size(), store.newest_attempt_note(), store.attempt_entry(0)) == (0, None, None)
    store.append_attempts(grower.batch(3))
    store.append_attempts(grower.batch(2))
    assert (store.size(), store.attempt_size(), store.newest_attempt_note()) == (0, 5, b"note 5")
    assert [data for _, data, _ in store.attempt_rows(chunk=2)] == [b"entry-%d" % n for n in range(5)]
    assert list(store.attempt_notes(chunk=1)) == [(3, b"note 3"), (5, b"note 5")]
    assert store.attempt_note_covering(3) == (5, b"note 5")
    assert store.attempt_note_covering(5) is None
    assert merkle.root_at(5, lambda level, index: store.attempt_nodes([(level, index)])[level, index]) == (
        grower.frontier.root()
    )
    with pytest.raises(ConflictError) as caught:
        store.append_attempts(Grower(3).batch(1))
    assert code(caught) == "STORE_WRONG_INDEX"


def test_one_sequencer_at_a_time(store: Store, log: Log, grower: Grower) -> None:
    store.hold_sequencer_lock()
    store.hold_sequencer_lock()
    store.append(grower.batch(1))
    with Store.open(log.service_dsn, log.schema) as standby:
        with pytest.raises(StoreError) as caught:
            standby.hold_sequencer_lock()
        assert code(caught) == "SEQUENCER_ALREADY_RUNNING"
        store.close()
        wait_for(lambda: takes_lock(standby))
        standby.append(grower.batch(1))
        assert standby.size() == 2


def wait_for(condition: Any, seconds: float = 20) -> None:
    """Wait until `condition()` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def takes_lock(store: Store) -> bool:
    """Try to become the sequencer; anything but another one in the way is an error."""
    try:
        store.hold_sequencer_lock()
    except StoreError as error:
        if error.code != "SEQUENCER_ALREADY_RUNNING":
            raise
        return False
    return True


def end_sequencer(log: Log) -> None:
    """Cut the sequencer's connection, as a crash or an administrator would, and wait until it is gone."""
    mine = "FROM pg_stat_activity WHERE application_name = 'ballot-ledger sequencer' AND datname = current_database()"
    with psycopg.connect(log.admin_dsn, autocommit=True) as admin:
        admin.execute(f"SELECT pg_terminate_backend(pid) {mine}".encode())
        wait_for(lambda: admin.execute(f"SELECT {mine}".encode()).fetchone() is None)


def test_a_connection_killed_in_the_middle_of_an_append(store: Store, log: Log, grower: Grower) -> None:
    """The append waits for a lock that somebody else holds; its server process is ended there."""
    store.hold_sequencer_lock()
    store.append(grower.batch(1))
    outcome: list[str] = []

    def append() -> None:
        try:
            store.append(grower.batch(1))
        except LedgerError as error:
            outcome.append(error.code)

    with psycopg.connect(log.admin_dsn, autocommit=True) as admin:
        entries = f"SELECT pg_advisory_lock(%s, '{SCHEMA}.entries'::regclass::oid::int)"
        admin.execute(entries.encode(), (schema.LOCK_APPEND,))
        thread = threading.Thread(target=append)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        wait_for(lambda: admin.execute(waiting).fetchone() == (1,))
        end_sequencer(log)
        thread.join()
    assert outcome == ["STORE_OUTCOME_UNKNOWN"]
    assert store.size() == 1
    with pytest.raises(StoreError) as caught:
        store.append(Grower(1).batch(1))
    assert code(caught) == "STORE_UNAVAILABLE"
    wait_for(lambda: takes_lock(store))
    store.append(Grower(1).batch(1))
    assert store.size() == 2


class CutAfterCommit:
    """A connection that does what it is told and then loses the answer."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Wrap a connection."""
        self.connection = connection

    @property
    def closed(self) -> bool:
        """Say whether the connection is closed."""
        return self.connection.closed

    @property
    def pgconn(self) -> Any:
        """Stand between the writer and libpq."""
        return self

    def exec_prepared(self, *arguments: Any) -> Any:
        """Run the statement, then break."""
        self.connection.pgconn.exec_prepared(*arguments)
        self.connection.close()
        raise psycopg.OperationalError("the connection is lost")

    def close(self) -> None:
        """Close again."""
        self.connection.close()


def test_an_append_that_took_effect_without_an_answer(store: Store, grower: Grower) -> None:
    store.hold_sequencer_lock()
    store.append(grower.batch(1))
    writer = store.recorder.writer
    writer._connection = cast(Any, CutAfterCommit(writer._connected()))
    with pytest.raises(StoreError) as caught:
        store.append(grower.batch(2))
    assert (code(caught), caught.value.facts["size"]) == ("STORE_OUTCOME_UNKNOWN", 3)
    wait_for(lambda: takes_lock(store))
    assert store.newest_checkpoint() == (3, b"note 3")
    store.append(grower.batch(1))


def test_a_connection_lost_while_idle(store: Store, log: Log, grower: Grower) -> None:
    """Without the lock a later append connects again; the one that found the connection dead cannot know."""
    store.append(grower.batch(1))
    end_sequencer(log)
    lost = grower.batch(1)
    with pytest.raises(StoreError) as caught:
        store.append(lost)
    assert code(caught) == "STORE_OUTCOME_UNKNOWN"
    store.append(lost)
    assert store.size() == 2
    end_sequencer(log)
    with pytest.raises(StoreError) as caught:
        store.hold_sequencer_lock()
    assert code(caught) == "STORE_UNAVAILABLE"
    store.hold_sequencer_lock()
    store.append(grower.batch(1))


def test_reading_survives_connections_that_went_stale(store: Store, log: Log, grower: Grower) -> None:
    store.append(grower.batch(3))
    assert store.size() == 3
    with psycopg.connect(log.admin_dsn, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = %s AND datname = current_database()",
            (SERVICE,),
        )
    assert store.size() == 3


def test_a_server_that_is_gone(store: Store, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(log.admin_dsn, autocommit=True) as admin:
        admin.execute(f"ALTER ROLE {SERVICE} NOLOGIN".encode())
        try:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (SERVICE,))
            monkeypatch.setattr(store.recorder.datastore.pool, "timeout", 0.2)
            with pytest.raises(StoreError) as caught:
                store.size()
            assert code(caught) == "STORE_UNAVAILABLE"
            with pytest.raises(StoreError) as caught:
                store.append(Grower().batch(1))
            assert code(caught) == "STORE_UNREACHABLE"
        finally:
            admin.execute(f"ALTER ROLE {SERVICE} LOGIN".encode())


def test_opening_says_what_is_wrong(log: Log, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "pass word'\\"
    cases = [
        (make_conninfo(database, host="/nowhere", password=secret), SCHEMA, "STORE_UNREACHABLE"),
        ("host=localhost port=many password=secret", SCHEMA, "STORE_UNREACHABLE"),
        ("not a connection string", SCHEMA, "STORE_UNREACHABLE"),
        (log.service_dsn, "another", "STORE_NOT_INSTALLED"),
    ]
    for dsn, name, expected in cases:
        with pytest.raises(StoreError) as caught:
            Store.open(dsn, name)
        assert code(caught) == expected
        assert "secret" not in str(caught.value)
        assert secret not in str(caught.value)
        assert "pass word" not in str(caught.value)
    for name in ("", "Log", "log;", "1log", "pg_log", "l" * 41):
        with pytest.raises(MalformedError) as malformed:
            Store.open(log.service_dsn, name)
        assert code(malformed) == "SCHEMA_NAME"
    monkeypatch.setattr("ledger.store.database.OLDEST_MAJOR", 99)
    with pytest.raises(StoreError) as caught:
        Store.open(log.service_dsn, SCHEMA)
    assert code(caught) == "STORE_WRONG_MAJOR"


def test_a_password_in_a_server_message_is_not_repeated() -> None:
    assert database._without("hunter2", "bad option\n  hunter2 given") == "bad option … given"


def test_a_role_that_may_not_read(log: Log, store: Store) -> None:
    with psycopg.connect(log.admin_dsn, autocommit=True) as admin:
        admin.execute(f"REVOKE USAGE ON SCHEMA {SCHEMA} FROM {SERVICE}".encode())
    with pytest.raises(StoreError) as caught:
        Store.open(log.service_dsn, SCHEMA)
    assert code(caught) == "STORE_PRIVILEGE"
    with pytest.raises(StoreError) as caught:
        store.size()
    assert code(caught) == "STORE_PRIVILEGE"


def test_a_standby_cannot_be_written(log: Log, grower: Grower) -> None:
    with Store.open(make_conninfo(log.service_dsn, options="-c default_transaction_read_only=on"), SCHEMA) as standby:
        assert standby.size() == 0
        with pytest.raises(StoreError) as caught:
            standby.append(grower.batch(1))
        assert code(caught) == "STORE_READ_ONLY"


def test_a_log_removed_under_an_open_store(log: Log, store: Store, grower: Grower) -> None:
    with psycopg.connect(log.admin_dsn, autocommit=True) as admin:
        admin.execute(schema.drop_event_triggers(SCHEMA).encode())
        admin.execute(f"DROP SCHEMA {SCHEMA} CASCADE".encode())
    with pytest.raises(StoreError) as caught:
        store.size()
    assert code(caught) == "STORE_NOT_INSTALLED"
    with pytest.raises(StoreError) as caught:
        store.append(grower.batch(1))
    assert code(caught) == "STORE_NOT_INSTALLED"


def test_commits_are_flushed_even_where_the_role_was_told_not_to(log: Log, store: Store) -> None:
    with psycopg.connect(log.admin_dsn, autocommit=True) as admin:
        setting = f"ALTER ROLE {SERVICE} IN DATABASE {admin.info.dbname} SET synchronous_commit = "
        for wanted, found in (("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")):
            admin.execute(f"{setting} {wanted}".encode())
            store.recorder.writer.close()
            assert store.recorder.writer._connected().execute("SHOW synchronous_commit").fetchone() == (found,)


def test_credentials_are_found_in_their_buckets(store: Store, log: Log) -> None:
    tags = sorted(sha256(b"%d" % number).digest() for number in range(3000))
    for _ in range(2):
        store.add_credentials(7, tags, len(tags))
    assert b"".join(store.ballots().credentials(7, chunk=9)) == b"".join(tags)
    assert list(store.ballots().credentials(8)) == []
    strange = [*tags[:2], bytes(32), tags[2][1:] + b"x"]
    assert store.offending(7, strange, strange) == {2: None, 3: None}
    assert store.offending(8, tags[:2], tags[:2]) == {0: None, 1: None}
    assert store.offending(7, [], []) == {}
    with pytest.raises(MalformedError, match="CREDENTIAL_MALFORMED"):
        store.add_credentials(9, (number.to_bytes(32, "big") for number in range(5000)), 5000)


def test_a_lookup_goes_on_beside_and_leaves_the_connection_free(store: Store, grower: Grower, log: Log) -> None:
    key = bytes(32)
    store.add_credentials(0, [key], 1)
    store.append(grower.batch(1, spent=(key,)))
    for _ in range(20):
        with store.looking_up(0, [key], [key]):
            pass
    with store.looking_up(0, [key], [key]) as found:
        assert found() == {0: 0}
    with psycopg.connect(log.admin_dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", (SERVICE,)
        )
    assert store.offending(0, [key], [key]) == {0: 0}
