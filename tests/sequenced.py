"""Logs on a real PostgreSQL with a real sequencer: where one is, how to open it, and how to play on it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from api.cli.stored_log import StoredLog
from api.rehearsal.driver import World
from api.rehearsal.live import SequencedLedger
from ledger.merkle import Frontier
from ledger.pin import PinFile
from ledger.sequencer import Clock, Sequencer, system_clock
from ledger.statements import decode_own_entry
from ledger.store import AppendBatch, NewEntry, Store
from ledger.store.ballots import BallotSource
from ledger.store.schema import TABLES
from projections.audit.report import Report
from projections.audit.verify import verify_log
from tests.simulator import LOG_KEYS, LOG_VKEY, ORIGIN, History, resume

SCHEMA = "ledger"
SERVICE = "ledger_service"


@dataclass(frozen=True)
class Site:
    """Where a log is: its database as its administrator and as its service reach it, and its pin."""

    admin_dsn: str
    service_dsn: str
    pin_path: Path

    @property
    def attempts_pin_path(self) -> Path:
        """The pin of the log of attempts."""
        return self.pin_path.with_name(f"{self.pin_path.name}.attempts")

    def store(self) -> Store:
        """Open the store as the service does."""
        return Store.open(self.service_dsn, SCHEMA, self.pin_path)

    @contextmanager
    def sequencer(self, clock: Clock = system_clock) -> Iterator[Sequencer]:
        """Run the log's sequencer."""
        with ExitStack() as stack:
            store = stack.enter_context(self.store())
            pins = [PinFile(path) for path in (self.pin_path, self.attempts_pin_path)]
            for pin in pins:
                stack.callback(pin.close)
            yield stack.enter_context(Sequencer(store, LOG_KEYS, ORIGIN, pins[0], clock, pins[1]))

    def ballots(self) -> BallotSource:
        """Where an audit reads the rows of a public vote."""
        return BallotSource(self.service_dsn, SCHEMA)

    def preload(self, history: History) -> None:
        """Put a history into the empty log: everything with the last checkpoint in one batch, then the earlier ones."""
        frontier = Frontier()
        entries = []
        for row in history.rows:
            nodes = frontier.append(decode_own_entry(row.entry).leaf)
            entries.append(NewEntry(row.entry, row.topic or "", row.statement_id, nodes))
        with self.store() as store:
            store.hold_sequencer_lock()
            store.append(AppendBatch(0, entries, history.notes[len(entries)]))
        earlier = [(size, note) for size, note in history.notes.items() if size < len(entries)]
        self.execute(
            sql.SQL("INSERT INTO {}.checkpoints SELECT * FROM unnest(%s::bigint[], %s::bytea[])").format(
                sql.Identifier(SCHEMA)
            ),
            [size for size, _ in earlier],
            [note for _, note in earlier],
        )

    def execute(self, query: sql.Composed, *values: object) -> None:
        """Run a statement as the administrator."""
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            connection.execute(query, values)

    def tamper(self, *statements: str, values: Sequence[object] = ()) -> None:
        """Change what is stored, as a superuser who takes every guard down; `{}` stands for the schema."""
        guards = [f"ALTER EVENT TRIGGER {SCHEMA}_refuse_{what} DISABLE" for what in ("drop", "ddl")]
        guards += [f"ALTER TABLE {SCHEMA}.{table} DISABLE TRIGGER ALL" for table in TABLES]
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            for guard in guards:
                connection.execute(guard.encode())
            with connection.transaction():
                for statement in statements:
                    connection.execute(statement.format(SCHEMA).encode(), values or None)

    def disconnect_writer(self) -> None:
        """End the sequencer's connection on the server's side, as a restart or a failover would."""
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'ballot-ledger sequencer' AND datname = current_database()"
            )

    def audit(self) -> Report:
        """Audit what is stored."""
        with self.store() as store:
            return verify_log(StoredLog(store, self.pin_path), LOG_VKEY)


class StoredLedger(SequencedLedger):
    """A sequencer's ledger whose stored entries a test can read back."""

    def __init__(self, site: Site, sequencer: Sequencer) -> None:
        super().__init__(sequencer)
        self._site = site

    def store(self) -> Store:
        """Open the store once more."""
        return self._site.store()

    @property
    def entries(self) -> list[bytes]:
        """The stored bytes of every entry."""
        with self._site.store() as store:
            return [entry for _, entry in store.read_entries()]


WorldFrom = Callable[[History], World]


@contextmanager
def played_on(site: Site, history: History) -> Iterator[World]:
    """Go on from a history on a running sequencer."""
    site.preload(history)
    with site.sequencer() as sequencer:
        yield resume(history, StoredLedger(site, sequencer))
