"""The log as the `eventsourcing` library sees it: a recorder to read, follow and project from, and to append through.

An entry is a notification whose id is its position (index + 1) and whose state is the entry's exact bytes. Nothing
above the pin is shown. A commit announces itself before the pin is written, so a subscription watches the pin as well.
"""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    InterfaceError,
    Mapper,
    Notification,
    OperationalError,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import (
    PostgresApplicationRecorder,
    PostgresDatastore,
    PostgresFactory,
    PostgresSubscription,
)
from eventsourcing.utils import Environment, EnvType, retry
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from ledger import pin
from ledger.checkpoint import MAX_SIZE
from ledger.errors import StoreError
from ledger.store import schema as layout
from ledger.store.batch import AppendBatch
from ledger.store.database import check_installed, parse_dsn
from ledger.store.writer import Writer

RECONNECT_SECONDS = 2.0
"""How long the pool tries by itself to replace a lost connection."""
LEDGER_DSN = "LEDGER_DSN"
LEDGER_PIN = "LEDGER_PIN"
_WAIT_SECONDS = 0.1
"""How long a subscription waits for a notification before it looks at the pin again."""
_SOON_SECONDS = 0.001
"""How soon it looks after one: the pin usually follows a commit within a millisecond."""


def environment(dsn: str, schema: str, pin_path: Path | None = None) -> dict[str, str]:
    """Return the settings with which an application of the library reads the log `schema`.

    Without `pin_path` all that is committed is shown; only tools that judge the log itself want that.
    """
    return {
        "PERSISTENCE_MODULE": f"{__name__}:EntryFactory",
        "POSTGRES_SCHEMA": schema,
        "POSTGRES_POOL_SIZE": "1",
        "POSTGRES_CONNECT_TIMEOUT": "5",
        LEDGER_DSN: dsn,
        LEDGER_PIN: "" if pin_path is None else str(pin_path),
    }


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry as a domain event of the library; `originator_version` is its position, `state` its bytes."""

    originator_id: str
    originator_version: int
    topic: str
    state: bytes

    @property
    def index(self) -> int:
        """The entry's index in the log, from 0."""
        return self.originator_version - 1


class EntryMapper(Mapper[str]):
    """Hands entries through byte for byte; nothing is serialised, upcast or looked up by its Python name."""

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """Wrap a stored event."""
        return RecordedEntry(
            str(stored_event.originator_id), stored_event.originator_version, stored_event.topic, stored_event.state
        )

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """Unwrap an entry; raises `StoreError` `STORE_NOT_AN_APPEND` for any other event."""
        if not isinstance(domain_event, RecordedEntry):
            raise StoreError("STORE_NOT_AN_APPEND", event=type(domain_event).__name__)
        return StoredEvent(
            domain_event.originator_id, domain_event.originator_version, domain_event.topic, domain_event.state
        )


class EntryRecorder(PostgresApplicationRecorder):
    """Reads a log for the library, up to the pin; appends only what a sequencer prepared."""

    def __init__(self, datastore: PostgresDatastore, *, writer: Writer, pin_path: Path | None = None) -> None:
        """Read through `datastore`, append through `writer`."""
        super().__init__(datastore, events_table_name="entries")
        self.schema = layout.checked_name(datastore.schema)
        self.channel_name = layout.channel(self.schema)
        self.writer = writer
        self.pin_path = pin_path
        self._table = Identifier(self.schema, "entries")

    def create_table(self) -> None:
        """Check that the log is installed: an administrator does that, not the service (`STORE_NOT_INSTALLED`)."""
        with self.datastore.get_connection() as connection:
            check_installed(connection, self.schema)

    def released(self) -> int | None:
        """Return how many entries may be shown: the pin's size, or None where no pin limits them."""
        if self.pin_path is None:
            return None
        found = pin.read(self.pin_path)
        return 0 if found is None else found.size

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Append `batch=…`, an `AppendBatch` of exactly these events; return their positions.

        Raises `StoreError` `STORE_NOT_AN_APPEND` for events that no sequencer prepared; else as `Writer.append`.
        """
        batch = kwargs.get("batch")
        if not isinstance(batch, AppendBatch) or tuple(stored_events) != self.events_of(batch):
            raise StoreError("STORE_NOT_AN_APPEND", schema=self.schema)
        self.writer.append(batch)
        return range(batch.first_index + 1, batch.size + 1)

    def events_of(self, batch: AppendBatch) -> tuple[StoredEvent, ...]:
        """Return the entries of `batch` as the library's events."""
        return tuple(
            StoredEvent(self.schema, position, entry.topic, entry.data)
            for position, entry in enumerate(batch.entries, batch.first_index + 1)
        )

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return up to `limit` released entries from `start` to `stop`, of `topics` if any are given."""
        first = 1 if start is None else start if inclusive_of_start else start + 1
        found: list[Notification] = self._select(first, self._last(stop), limit, topics)
        return found

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return released entries as one sequence, whose originator is the log itself."""
        if originator_id != self.schema:
            return []
        found: list[Notification] = self._select((gt or 0) + 1, self._last(lte), limit, (), desc=desc)
        return found

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def max_notification_id(self) -> int | None:
        """Return the newest released position, None if there is none."""
        query = SQL("SELECT max(position) FROM {} WHERE position <= %s").format(self._table)
        with self.datastore.get_connection() as connection:
            row = connection.cursor(row_factory=tuple_row).execute(query, (self._last(None),)).fetchone()
        return row[0] if row else None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[PostgresApplicationRecorder]:
        """Follow the released entries after position `gt`."""
        return EntrySubscription(self, gt=gt, topics=topics)

    def _last(self, wanted: int | None) -> int:
        """Return the last position that may be shown, at most `wanted`."""
        return min(bound for bound in (wanted, self.released(), MAX_SIZE) if bound is not None)

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def _select(
        self, first: int, last: int, limit: int | None, topics: Sequence[str], *, desc: bool = False
    ) -> list[Notification]:
        query = SQL(
            "SELECT position, topic, state FROM {} WHERE position BETWEEN %s AND %s"
            " AND (%s::text[] IS NULL OR topic = ANY(%s)) ORDER BY position {} LIMIT %s"
        ).format(self._table, SQL("DESC" if desc else "ASC"))
        wanted = list(topics) or None
        with self.datastore.get_connection() as connection:
            cursor = connection.cursor(row_factory=tuple_row, binary=True)
            rows = cursor.execute(query, (first, last, wanted, wanted, limit)).fetchall()
        return [Notification(self.schema, position, topic, state, position) for position, topic, state in rows]


class EntrySubscription(PostgresSubscription):
    """Follows a log: woken by commits, and by the pin where one limits what is shown."""

    def __init__(self, recorder: EntryRecorder, gt: int | None = None, topics: Sequence[str] = ()) -> None:
        """Begin after position `gt`."""
        # The threads that the library starts in its own constructor need this.
        self._entries = recorder
        super().__init__(recorder, gt=gt, topics=topics)

    def _listen(self) -> None:
        try:
            self._follow()
        except BaseException as error:  # raised again where the subscription is iterated
            self._thread_error = self._thread_error or error
            self.stop()

    def _follow(self) -> None:
        with self._entries.datastore.get_connection() as connection:
            connection.execute(SQL("LISTEN {}").format(Identifier(self._entries.channel_name)))
            # What was committed before LISTEN announced itself to nobody.
            self._has_been_notified.set()
            wait, shown = _WAIT_SECONDS, self._entries.released()
            while not self._has_been_stopped and not self._thread_error:
                notified = any(True for _ in connection.notifies(timeout=wait, stop_after=1))
                wait = _SOON_SECONDS if notified else min(2 * wait, _WAIT_SECONDS)
                released = self._entries.released()
                if released != shown or (notified and released is None):
                    shown = released
                    self._has_been_notified.set()
            connection.execute("UNLISTEN *")


class EntryFactory(PostgresFactory):
    """Makes the library's parts for one log from the settings of `environment`."""

    def __init__(self, env: Environment | EnvType | None) -> None:
        """Read the settings; raises `StoreError` `STORE_UNREACHABLE` if they name no database."""
        given = env if isinstance(env, Environment) else Environment(env=env)
        dsn = given.get(LEDGER_DSN)
        if not dsn:
            raise StoreError("STORE_UNREACHABLE", reason=f"{LEDGER_DSN} is not set")
        rest = parse_dsn(dsn)
        named = {
            f"POSTGRES_{name.upper()}": rest.pop(name, "") for name in ("dbname", "host", "port", "user", "password")
        }
        super().__init__(Environment(given.name, {**given, **named}))
        # The library knows five parameters of a connection; TLS and the others matter as much.
        cast(MutableMapping[str, Any], self.datastore.pool.kwargs).update(rest)
        # Its pause between attempts doubles up to minutes; given up, whoever asks next makes a new attempt at once.
        self.datastore.pool.reconnect_timeout = RECONNECT_SECONDS
        self._writer = Writer(dsn, self.datastore.schema)

    def application_recorder(self) -> EntryRecorder:
        """Return a recorder of the log; raises `StoreError` `STORE_NOT_INSTALLED`."""
        pin_path = self.env.get(LEDGER_PIN)
        recorder = EntryRecorder(self.datastore, writer=self._writer, pin_path=Path(pin_path) if pin_path else None)
        recorder.create_table()
        return recorder

    def close(self) -> None:
        """Close every connection."""
        self._writer.close()
        super().close()

    def mapper(self, transcoder: Any = None, mapper_class: Any = None) -> Mapper[Any]:
        """Return the mapper that hands bytes through."""
        return EntryMapper(transcoder=transcoder or self.transcoder())
