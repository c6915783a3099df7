"""What a soak runs on: a ledger's folder with a poll open and clerks enrolled, and a database, embedded or its own."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

from api.rehearsal.driver import World
from ledger.embedded import EmbeddedPostgres
from ledger.evidence_schema import install_evidence
from ledger.keyfile import write_key
from ledger.opening import SERVICE_ROLE, Home, create_home
from ledger.poll_credentials import enter_credentials
from ledger.store import install
from ledger.store.access import install_access
from ledger.store.readers import install_readers
from tests.public_ballots import CHANNEL, OPERATOR, STAGE, opened, tags
from tests.sequenced import SCHEMA, Site
from tests.simulator import LOG_KEY, ORIGIN, History, freeze, resume
from tests.voting import world_before


@dataclass(frozen=True, slots=True)
class Play:
    """Where the load begins: the log so far, its clerks, its poll, and how many may vote there."""

    history: History
    clerks: tuple[str, ...]
    poll: str
    voters: int

    def world(self) -> World:
        """Return the play in memory, for somebody who signs."""
        return resume(self.history)


def play(clerks: int, voters: int) -> Play:
    """Open a public vote with so many voters, and enrol clerks who may enrol others."""
    world = world_before(STAGE)
    poll = opened(world, voters)
    names = tuple(f"clerk-{number}" for number in range(clerks))
    for name in names:
        world.enrol(name, "registrar")
    return Play(freeze(world), names, poll.id, voters)


@dataclass(frozen=True, slots=True)
class Ground:
    """A ledger's folder, how its service finds the database, and where that database's data are."""

    home: Home
    environment: dict[str, str]
    cluster: Path

    def kill_database(self) -> int:
        """End the database server by kill -9; return its process id, 0 where none was running."""
        try:
            found = int((self.cluster / "data" / "postmaster.pid").read_text().splitlines()[0])
            os.kill(found, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError, ValueError, IndexError):
            return 0
        return found


@contextmanager
def prepared(given: Play, embedded: bool) -> Iterator[Ground]:
    """Make the folder with the log in it; a database that is not embedded runs beside the service, and is watched."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ballot-ledger-soak-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        home = create_home(folder / "home", ORIGIN, SCHEMA, LOG_KEY)
        cluster = home.folder / "postgres" if embedded else folder / "database"
        if embedded:
            with EmbeddedPostgres.start(cluster) as server:
                fill(server.dsn, home, given)
            yield Ground(home, {"DATABASE_URL": ""}, cluster)
            return
        server = stack.enter_context(EmbeddedPostgres.start(cluster, lambda: None))
        fill(server.dsn, home, given)
        yield Ground(home, {"DATABASE_URL": make_conninfo(server.dsn, user=SERVICE_ROLE)}, cluster)


def fill(dsn: str, home: Home, given: Play) -> None:
    """Install the log, put the play into it with its pins, and give the channel's key to the service."""
    install(dsn, SCHEMA, SERVICE_ROLE)
    for more in (install_readers, install_evidence, install_access):
        more(dsn, SCHEMA, SERVICE_ROLE)
    site = Site(dsn, make_conninfo(dsn, user=SERVICE_ROLE), home.pin)
    site.preload(given.history)
    world = given.world()
    with site.sequencer(), site.store() as store:
        enter_credentials(store, world.state, given.poll, CHANNEL, tags(given.poll, range(given.voters)))
    site.attempts_pin_path.rename(home.attempts_pin)
    (home.folder / "channel-keys").mkdir(mode=0o700)
    write_key(home.folder / "channel-keys" / f"{CHANNEL}.key", world.actor(OPERATOR).key, None)
