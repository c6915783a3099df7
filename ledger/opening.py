"""A ledger's folder on disk, and opening it: database, log key, pin and sequencer together.

* `ledger.json`: origin and database schema
* `log.key`: the founding log key's private half, readable by the sequencer's account alone; `log-<key id>.key`: those
  of rotations; `log.vkey`: the founding key's public half
* `pin`: size and root of the newest published tree (`ledger.pin`); `attempts.pin`: of the log of attempts
* `attest/`: what others attest of the log, and evidence of forks (`fork-<time>.json`)
* `evidence/`: files and personal records by salted digest
* `postgres/`: the embedded server's data, unless DATABASE_URL names another
"""

import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

from ledger import canonical
from ledger.attempts import attempts_origin
from ledger.checkpoint import VerifierKey, is_name, parse_vkey
from ledger.embedded import EmbeddedPostgres
from ledger.errors import MalformedError, StoreError
from ledger.evidence_schema import install_evidence
from ledger.forks import seen_in
from ledger.keyfile import read_key, write_key
from ledger.keyring import Keyring
from ledger.logstore import Witnessed
from ledger.merkle import EMPTY_ROOT
from ledger.pin import PinFile
from ledger.sequencer import Clock, Sequencer, system_clock
from ledger.signing import SigningKey
from ledger.store.access import install_access
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
    def attempts_pin(self) -> Path:
        """The file of the pin of the log of attempts."""
        return self.folder / "attempts.pin"

    @property
    def log_vkey(self) -> Path:
        """The file of the founding log key's public half."""
        return self.folder / "log.vkey"

    def next_log_key(self, key: VerifierKey) -> Path:
        """The file of the private half of a log key that a rotation brings in."""
        return self.folder / f"log-{key.key_id.hex()}.key"

    @property
    def attest(self) -> Path:
        """The folder of what others attest of the log: cosignatures, timestamps, and evidence of forks."""
        return self.folder / "attest"

    def keep_fork(self, evidence: bytes) -> None:
        """Write evidence of a fork to a new file; raises `StoreError` `HOME_UNUSABLE`."""
        path = self.attest / f"fork-{time.time_ns() // 1_000_000}.json"
        try:
            self.attest.mkdir(exist_ok=True)
            with path.open("xb") as file:
                file.write(evidence)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError("HOME_UNUSABLE", path=str(path), reason=str(error.strerror)) from None

    @property
    def evidence(self) -> Path:
        """The evidence folder."""
        return self.folder / "evidence"


def create_home(folder: Path, origin: str, schema: str = DEFAULT_SCHEMA, log_key: SigningKey | None = None) -> Home:
    """Make the folder of a new ledger with a new log key (or the one given).

    Raises `StoreError` `HOME_EXISTS` if there is one already, `HOME_UNUSABLE` if the folder cannot be written;
    `MalformedError` `ORIGIN_INVALID`.
    """
    if not is_name(attempts_origin(origin)):
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


def founding_key(home: Home) -> VerifierKey:
    """Return the founding log key as this folder knows it: its public file, else from its private one."""
    try:
        return parse_vkey(home.log_vkey.read_text().strip())
    except FileNotFoundError:
        return VerifierKey(home.origin, read_key(home.log_key, None).public)
    except (OSError, ValueError):
        raise StoreError("HOME_UNUSABLE", path=str(home.folder), reason=home.log_vkey.name) from None


def open_keyring(home: Home) -> Keyring:
    """Return the log's private keys in this folder, each looked for when it is first needed."""
    founding = founding_key(home)

    def load(key: VerifierKey) -> SigningKey | None:
        path = home.log_key if key == founding else home.next_log_key(key)
        return read_key(path, None) if path.exists() else None

    return Keyring(founding, (), load)


@contextmanager
def open_store(home: Home, watched: Callable[[], object] | None = None) -> Iterator[Store]:
    """Open the ledger's database: the one DATABASE_URL names, else the embedded server, installed at first use.

    With `watched` an embedded server that ends by itself is started again, and `watched` is called after that.
    """
    with ExitStack() as stack:
        dsn = os.environ.get("DATABASE_URL")
        if not dsn:
            server = stack.enter_context(EmbeddedPostgres.start(home.folder / "postgres", watched))
            install(server.dsn, home.schema, SERVICE_ROLE)
            install_readers(server.dsn, home.schema, SERVICE_ROLE)
            install_evidence(server.dsn, home.schema, SERVICE_ROLE)
            install_access(server.dsn, home.schema, SERVICE_ROLE)
            dsn = make_conninfo(server.dsn, user=SERVICE_ROLE)
        yield stack.enter_context(Store.open(dsn, home.schema, home.pin))


@contextmanager
def open_sequencer(
    home: Home, store: Store, clock: Clock = system_clock, witnessed: Iterable[Witnessed] = ()
) -> Iterator[Sequencer]:
    """Run the ledger's sequencer on an open store; `witnessed` is what witnesses answered for this log.

    Nothing is written unless the stored log keeps what pin, witnesses and evidence of forks promise of it.

    Raises `StoreError` `PIN_MISSING` if there are entries, no pin, and no witness answered; else as `Sequencer`.
    """
    given = tuple(witnessed)
    with ExitStack() as stack:
        sizes = (store.size, store.attempt_size)
        pins = [stack.enter_context(opened_pin(path)) for path in (home.pin, home.attempts_pin)]
        for pin, size in zip(pins, sizes, strict=True):
            begin_pin(pin, size(), bool(given))
        promised = (*given, *forks_on_file(home))
        keyring = open_keyring(home)
        yield stack.enter_context(
            Sequencer(store, keyring, home.origin, pins[0], clock, pins[1], promised, home.keep_fork)
        )


@contextmanager
def opened_pin(path: Path) -> Iterator[PinFile]:
    """Hold a pin file as its one writer."""
    pin = PinFile(path)
    try:
        yield pin
    finally:
        pin.close()


def begin_pin(pin: PinFile, size: int, vouched_for: bool) -> None:
    """Pin a log that is empty before its first entry, so that from then on a missing pin means a lost one."""
    if pin.newest is not None or vouched_for:
        return
    if size:
        raise StoreError("PIN_MISSING", path=str(pin.path), size=size)
    pin.advance(0, EMPTY_ROOT)


def forks_on_file(home: Home) -> tuple[Witnessed, ...]:
    """Return what evidence of forks in this folder promises: the log starts again only once it keeps that too."""
    found = []
    for path in sorted(home.attest.glob("fork-*.json")):
        try:
            seen = seen_in(path.read_bytes())
        except (OSError, MalformedError):
            raise StoreError("HOME_UNUSABLE", path=str(home.folder), reason=path.name) from None
        found.append(Witnessed(path.name, seen.size, seen.root))
    return tuple(found)
