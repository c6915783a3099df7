"""What every test may use: a real PostgreSQL, one server per test process and one fresh database per test."""

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from api.rehearsal.driver import World
from ledger.embedded import EmbeddedPostgres
from ledger.store import install
from ledger.store.access import install_access
from tests.sequenced import SCHEMA, SERVICE, Site, WorldFrom, played_on
from tests.simulator import History

# No test of ours is about time: how fast a busy machine is at making examples says nothing about the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that every account can reach, which pytest's own folders are not."""
    path = _reachable_folder()
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """The administrator's connection string of a server that this test process shares."""
    path = _reachable_folder()
    with EmbeddedPostgres.start(path) as server:
        yield server.dsn
    shutil.rmtree(path)


@pytest.fixture
def database(postgres_dsn: str) -> Iterator[str]:
    """The connection string of a new, empty database, dropped after the test."""
    name = _create_database(postgres_dsn)
    yield make_conninfo(postgres_dsn, dbname=name)
    _drop_database(postgres_dsn, name)


@pytest.fixture(scope="session")
def installed(postgres_dsn: str) -> str:
    """The name of a database in which an empty log is installed, to make others from."""
    name = _create_database(postgres_dsn)
    admin = make_conninfo(postgres_dsn, dbname=name)
    assert install(admin, SCHEMA, SERVICE) == []
    install_access(admin, SCHEMA, SERVICE)
    return name


@pytest.fixture(scope="session")
def lasting_site(postgres_dsn: str, installed: str) -> Callable[[Path], AbstractContextManager[Site]]:
    """Make a new, empty log whose pins are in a folder, for what takes longer than one test."""

    @contextmanager
    def make(pins: Path) -> Iterator[Site]:
        name = _create_database(postgres_dsn, installed)
        dsn = make_conninfo(postgres_dsn, dbname=name)
        yield Site(dsn, make_conninfo(dsn, user=SERVICE), pins / "pin")
        _drop_database(postgres_dsn, name)

    return make


@pytest.fixture
def new_site(postgres_dsn: str, installed: str, tmp_path: Path) -> Iterator[Callable[[], Site]]:
    """Make new, empty logs, each in a database of its own."""
    names: list[str] = []

    def make() -> Site:
        names.append(_create_database(postgres_dsn, installed))
        dsn = make_conninfo(postgres_dsn, dbname=names[-1])
        return Site(dsn, make_conninfo(dsn, user=SERVICE), tmp_path / f"pin-{len(names)}")

    yield make
    for name in names:
        _drop_database(postgres_dsn, name)


@pytest.fixture
def site(new_site: Callable[[], Site]) -> Site:
    """A new, empty log."""
    return new_site()


@pytest.fixture
def world_from(site: Site) -> Iterator[WorldFrom]:
    """Go on from a history on a real sequencer; once in a test."""
    with ExitStack() as stack:

        def play(history: History) -> World:
            return stack.enter_context(played_on(site, history))

        yield play


def _create_database(dsn: str, template: str = "template1") -> str:
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        query = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(query.format(sql.Identifier(name), sql.Identifier(template)))
    return name


def _drop_database(dsn: str, name: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _reachable_folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="ballot-ledger-test-"))
    path.chmod(0o755)
    return path
