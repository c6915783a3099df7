"""A ledger's folder on disk, and opening it: database, log key, pin and sequencer together.

* `ledger.json`: origin and database schema
* `log.key`: the log's private key, readable by the sequencer's account alone
* `pin`: size and root of the newest published tree (`ledger.pin`)
* `evidence/`: files and personal records by salted digest
* `postgres/`: the embedded server's data, unless DATABASE_URL names another
"""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

from ledger import canonical
from ledger.checkpoint import is_name
from ledger.embedded import EmbeddedPostgres
from ledger.errors import MalformedError, StoreError
from ledger.keyfile import read_key, write_key
from ledger.pin import PinFile
from ledger.sequencer import Clock, Sequencer, system_clock
from ledger.signing import SigningKey
from ledger.store.installation import install
from ledger.store.readers import install_readers
from ledger.store.store import Store

SERVICE_ROLE = "ballot_ledger_service"
DEFAULT_SCHEMA = "ledger"


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one ledger: where its parts are, and which log it is."""

    folder: Path
    origin: str
    schema: str

    @property
    def log_key(self) -> Path:
        """The file of the log's private key."""
        return self.folder / "log.key"

    @property
    def pin(self) -> Path:
        """The pin's file."""
        return self.folder / "pin"

    @property
    def evidence(self) -> Path:
        """The evidence folder."""
        return self.folder / "evidence"


def create_home(folder: Path, origin: str, schema: str = DEFAULT_SCHEMA, log_key: SigningKey | None = None) -> Home:
    """Make the folder of a new ledger with a new log key (or the one given).

    Raises `StoreError` `HOME_EXISTS` if there is one already, `HOME_UNUSABLE` if the folder cannot be written;
    `MalformedError` `ORIGIN_INVALID`.
    """
    if not is_name(origin):
        raise MalformedError("ORIGIN_INVALID", origin=origin[:80])
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        if (folder / "ledger.json").exists():
            raise StoreError("HOME_EXISTS", path=str(folder))
        write_key(folder / "log.key", log_key or SigningKey.from_seed(secrets.token_bytes(32)), None)
        (folder / "evidence").mkdir(mode=0o700)
        (folder / "ledger.json").write_bytes(canonical.encode({"origin": origin, "schema": schema}) + b"\n")
    except OSError as error:
        raise StoreError("HOME_UNUSABLE", path=str(folder), reason=str(error.strerror)) from None
    return Home(folder, origin, schema)


def read_home(folder: Path) -> Home:
    """Return the ledger of a folder. Raises `StoreError` `HOME_MISSING` or `HOME_UNUSABLE`."""
    try:
        found = json.loads((folder / "ledger.json").read_bytes())
        return Home(folder, str(found["origin"]), str(found["schema"]))
    except FileNotFoundError:
        raise StoreError("HOME_MISSING", path=str(folder)) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError("HOME_UNUSABLE", path=str(folder), reason="ledger.json") from None


@contextmanager
def open_store(home: Home) -> Iterator[Store]:
    """Open the ledger's database: the one DATABASE_URL names, else the embedded server, installed at first use."""
    with ExitStack() as stack:
        dsn = os.environ.get("DATABASE_URL")
        if not dsn:
            server = stack.enter_context(EmbeddedPostgres.start(home.folder / "postgres"))
            install(server.dsn, home.schema, SERVICE_ROLE)
            install_readers(server.dsn, home.schema, SERVICE_ROLE)
            dsn = make_conninfo(server.dsn, user=SERVICE_ROLE)
        yield stack.enter_context(Store.open(dsn, home.schema, home.pin))


@contextmanager
def open_sequencer(home: Home, store: Store, clock: Clock = system_clock) -> Iterator[Sequencer]:
    """Run the ledger's sequencer on an open store."""
    pin = PinFile(home.pin)
    try:
        with Sequencer(store, read_key(home.log_key, None), home.origin, pin, clock) as sequencer:
            yield sequencer
    finally:
        pin.close()
