"""The log through the `eventsourcing` library: notifications, subscriptions, projections, no other way to write."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import OperationalError, StoredEvent, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from ledger.errors import ConflictError, StoreError
from ledger.pin import PinFile
from ledger.store import EntryMapper, RecordedEntry, Store, environment
from ledger.store.recorder import EntryFactory, EntryRecorder
from tests.log.conftest import SCHEMA, SERVICE, Grower, Log


class LogApplication(Application[str]):
    """The log as an application of the library."""

    name = "log"


class Counting(Projection[PostgresTrackingRecorder]):
    """Remembers what it was given, and its position in the database."""

    name = "counting"
    seen: list[RecordedEntry]

    def __init__(self, view: PostgresTrackingRecorder) -> None:
        """Begin with nothing seen."""
        super().__init__(view)
        self.seen = []

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Remember the entry."""
        self.seen.append(domain_event)
        self.view.insert_tracking(tracking)


@pytest.fixture
def application(log: Log) -> Iterator[LogApplication]:
    """An application without a pin."""
    with LogApplication(environment(log.service_dsn, log.schema)) as opened:
        yield opened


def ids(recorder: EntryRecorder, *arguments: Any, **options: Any) -> list[int]:
    """Return the ids of selected notifications."""
    return [found.id for found in recorder.select_notifications(*arguments, **options)]


def test_notifications_are_the_entries(store: Store, grower: Grower) -> None:
    recorder = store.recorder
    assert recorder.max_notification_id() is None
    store.append(grower.batch(8))
    found = recorder.select_notifications(1, 3)
    assert [(one.id, one.originator_version, one.topic, one.state) for one in found] == [
        (1, 1, "kind@0", b"entry-0"),
        (2, 2, "kind@1", b"entry-1"),
        (3, 3, "kind@2", b"entry-2"),
    ]
    assert {one.originator_id for one in found} == {SCHEMA}
    assert ids(recorder, None, 2) == [1, 2]
    assert ids(recorder, 5, 10, inclusive_of_start=False) == [6, 7, 8]
    assert ids(recorder, 5, 10, stop=6) == [5, 6]
    assert ids(recorder, 1, 10, topics=["kind@0"]) == [1, 4, 7]
    assert ids(recorder, 1, 2, topics=("kind@0", "kind@2")) == [1, 3]
    assert recorder.max_notification_id() == 8
    assert [one.originator_version for one in recorder.select_events(SCHEMA, gt=2, lte=7, limit=3)] == [3, 4, 5]
    assert [one.originator_version for one in recorder.select_events(SCHEMA, desc=True, limit=2)] == [8, 7]
    assert list(recorder.select_events(uuid4())) == []


def test_nothing_above_the_pin_is_shown(log: Log, grower: Grower, tmp_path: Path) -> None:
    path = tmp_path / "pin"
    with Store.open(log.service_dsn, SCHEMA, path) as store:
        store.append(grower.batch(5))
        assert ids(store.recorder, 1, 10) == []
        assert store.recorder.max_notification_id() is None
        pin = PinFile(path)
        pin.advance(3, grower.roots[3])
        assert ids(store.recorder, 1, 10) == [1, 2, 3]
        assert ids(store.recorder, 1, 10, stop=2) == [1, 2]
        assert store.recorder.max_notification_id() == 3
        assert [one.originator_version for one in store.recorder.select_events(SCHEMA)] == [1, 2, 3]
        assert store.size() == 5
        pin.close()


def test_the_library_appends_only_what_a_sequencer_prepared(application: LogApplication, grower: Grower) -> None:
    batch = grower.batch(2)
    entries = [RecordedEntry(SCHEMA, place, entry.topic, entry.data) for place, entry in enumerate(batch.entries, 1)]
    application.events.put(entries, batch=batch)
    assert [found.state for found in application.recorder.select_notifications(1, 10)] == [b"entry-0", b"entry-1"]
    with pytest.raises(ConflictError) as lost:
        application.events.put(entries, batch=batch)
    assert lost.value.code == "STORE_WRONG_INDEX"
    recorder = application.recorder
    assert isinstance(recorder, EntryRecorder)
    more = grower.batch(1)
    stranger = StoredEvent(SCHEMA, 3, "kind@1", b"forged")
    refused: list[Any] = [
        lambda: recorder.insert_events([stranger]),
        lambda: recorder.insert_events([stranger], batch=more),
        lambda: recorder.insert_events([], batch=more),
        lambda: recorder.insert_events([stranger], batch="batch"),
        lambda: application.events.put([cast(Any, Aggregate().collect_events()[0])]),
    ]
    for attempt in refused:
        with pytest.raises(StoreError) as caught:
            attempt()
        assert caught.value.code == "STORE_NOT_AN_APPEND"
    assert list(recorder.insert_events(recorder.events_of(more), batch=more)) == [3]


def test_the_mapper_keeps_every_byte() -> None:
    stored = StoredEvent(SCHEMA, 7, "kind@1", bytes(range(256)))
    mapper = EntryMapper(transcoder=None)  # type: ignore[arg-type]
    entry = mapper.to_domain_event(stored)
    assert entry == RecordedEntry(SCHEMA, 7, "kind@1", bytes(range(256)))
    assert isinstance(entry, RecordedEntry)
    assert entry.index == 6
    assert mapper.to_stored_event(entry) == stored


def follow(store: Store, count: int, *, gt: int | None = None) -> tuple[threading.Thread, list[tuple[int, float]]]:
    """Follow the log in a thread until `count` entries came; note each position and when it came."""
    seen: list[tuple[int, float]] = []
    started = threading.Event()

    def run() -> None:
        with store.recorder.subscribe(gt=gt) as subscription:
            started.set()
            for notification in subscription:
                seen.append((notification.id, time.monotonic()))
                if len(seen) == count:
                    break

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    return thread, seen


def test_a_subscription_sees_what_was_and_what_comes(store: Store, grower: Grower) -> None:
    store.append(grower.batch(3))
    thread, seen = follow(store, 10, gt=1)
    for count in (1, 5, 2):
        time.sleep(0.05)
        store.append(grower.batch(count))
    thread.join(10)
    assert [position for position, _ in seen] == list(range(2, 12))


def test_a_subscription_waits_for_the_pin(log: Log, grower: Grower, tmp_path: Path) -> None:
    path = tmp_path / "pin"
    with Store.open(log.service_dsn, SCHEMA, path) as store:
        pin = PinFile(path)
        thread, seen = follow(store, 6)
        released: dict[int, float] = {}
        for position in range(1, 7):
            store.append(grower.batch(1))
            time.sleep(0.03 * (position % 3))
            released[position] = time.monotonic()
            pin.advance(position, grower.roots[position])
        thread.join(10)
        pin.close()
    assert [position for position, _ in seen] == list(range(1, 7))
    assert all(came >= released[position] for position, came in seen)


def test_the_pin_alone_wakes_a_subscription(log: Log, grower: Grower, tmp_path: Path) -> None:
    path = tmp_path / "pin"
    with Store.open(log.service_dsn, SCHEMA, path) as store:
        store.append(grower.batch(2))
        thread, seen = follow(store, 2)
        time.sleep(0.5)
        assert seen == []
        pin = PinFile(path)
        pin.advance(2, grower.roots[2])
        thread.join(10)
        pin.close()
    assert [position for position, _ in seen] == [1, 2]


def test_a_subscription_whose_connection_breaks_says_so(store: Store, log: Log) -> None:
    def cut() -> None:
        listening = 0
        with psycopg.connect(log.admin_dsn, autocommit=True) as admin:
            while not listening:
                listening = admin.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE 'LISTEN %%'"
                ).fetchall()[0][0]

    thread = threading.Thread(target=cut)
    with store.recorder.subscribe() as subscription:
        thread.start()
        with pytest.raises(OperationalError):
            next(subscription)
    thread.join()


def test_a_projection_follows_and_resumes(log: Log, store: Store, grower: Grower) -> None:
    with psycopg.connect(log.admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA views AUTHORIZATION {SERVICE}".encode())
    settings = {**environment(log.service_dsn, SCHEMA), "COUNTING_POSTGRES_SCHEMA": "views"}
    store.append(grower.batch(3))
    for first, last in ((1, 4), (5, 6)):
        with ProjectionRunner(
            application_class=LogApplication,
            projection_class=Counting,
            view_class=PostgresTrackingRecorder,
            env=settings,
        ) as runner:
            store.append(grower.batch(last - grower.frontier.size))
            runner.wait(last, timeout=10)
            seen = runner.projection.seen  # type: ignore[attr-defined]
            assert [entry.originator_version for entry in seen] == list(range(first, last + 1))
            assert [entry.state for entry in seen] == [b"entry-%d" % index for index in range(first - 1, last)]


def test_a_factory_needs_a_database_and_a_log(log: Log) -> None:
    with pytest.raises(StoreError) as caught:
        EntryFactory({})
    assert caught.value.code == "STORE_UNREACHABLE"
    factory = EntryFactory(environment(f"{log.service_dsn} sslmode=disable", "another"))
    assert isinstance(factory.datastore.pool.kwargs, dict)
    assert factory.datastore.pool.kwargs["sslmode"] == "disable"
    with pytest.raises(StoreError) as caught:
        factory.application_recorder()
    assert caught.value.code == "STORE_NOT_INSTALLED"
    factory.close()
