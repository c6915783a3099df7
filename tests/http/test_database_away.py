"""The database is killed or stopped under a running `serve`: no receipt meanwhile, and recovery without a restart."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from psycopg.conninfo import make_conninfo

from api.client import Client, ProblemError, Receipted
from api.rehearsal.driver import World
from ledger.embedded import EmbeddedPostgres
from ledger.errors import StoreError
from ledger.opening import SERVICE_ROLE, Home, create_home
from tests.sequenced import SCHEMA
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN
from tests.soak.ground import Ground, Play, fill, play, prepared
from tests.soak.supervising import Service
from tests.test_embedded import processes_in

CLERK = "clerk-0"


@pytest.fixture
def given() -> Play:
    """A play with one clerk."""
    return play(1, 10)


def hand_in(url: str, world: World, envelope: bytes) -> Receipted | str:
    """Hand in once and without patience; give the receipt, or the code of what was in the way."""
    with Client(url, [LOG_VKEY], http=httpx.Client(base_url=url, timeout=40), pause=lambda seconds: None) as client:
        try:
            answer = client.submit(envelope, world.now)
        except (ProblemError, StoreError) as error:
            return error.code
    assert isinstance(answer, Receipted), answer
    return answer


def enrolment(world: World, name: str) -> bytes:
    """Return a statement that nobody has handed in yet."""
    return world.envelope(CLERK, world.enrolment(name))


def until_taken(url: str, world: World, envelope: bytes, seconds: float = 60) -> Receipted:
    """Hand in the same statement again and again; every answer before the receipt says that the store is away."""
    end = time.monotonic() + seconds
    while True:
        answer = hand_in(url, world, envelope)
        if isinstance(answer, Receipted):
            return answer
        assert answer in {"STORE_UNAVAILABLE", "SERVER_UNREACHABLE"}, answer
        assert time.monotonic() < end
        time.sleep(0.1)


def status(url: str, path: str) -> int:
    """Ask once."""
    return httpx.get(f"{url}{path}", timeout=20).status_code


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_embedded_server_comes_back_and_nobody_is_restarted(given: Play, workers: int) -> None:
    world = given.world()
    with prepared(given, embedded=True) as ground:
        service = running(ground, workers)
        try:
            first = until_taken(service.url, world, enrolment(world, "one"))
            processes = [service.sequencer, *service.workers()]
            for number in range(2):
                assert ground.kill_database()
                later = until_taken(service.url, world, enrolment(world, f"after {number}"))
                assert later.index == first.index + 1 + number
                until(lambda: status(service.url, "/ready") == 200)
            assert [service.sequencer, *service.workers()] == processes
            assert service.starts == 1
        finally:
            assert service.stop() == 0


def running(ground: Ground, workers: int) -> Service:
    """Start the service, and wait for it."""
    service = Service(ground.home.folder, ground.environment, workers)
    service.start()
    assert service.wait_ready(60)
    return service


@pytest.fixture
def home() -> Iterator[Home]:
    """A ledger's folder whose database is elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix="ballot-ledger-away-"))
    folder.chmod(0o755)
    yield create_home(folder / "home", ORIGIN, SCHEMA, LOG_KEY)
    shutil.rmtree(folder)


def test_a_database_that_is_stopped_for_a_while_is_gone_back_to(given: Play, home: Home) -> None:
    world, cluster = given.world(), home.folder.parent / "database"
    server = EmbeddedPostgres.start(cluster)
    fill(server.dsn, home, given)
    ground = Ground(home, {"DATABASE_URL": make_conninfo(server.dsn, user=SERVICE_ROLE)}, cluster)
    service = running(ground, 2)
    try:
        first = until_taken(service.url, world, enrolment(world, "one"))
        processes = [service.sequencer, *service.workers()]
        server.stop()
        until(lambda: not processes_in(cluster))
        lost = enrolment(world, "two")
        assert hand_in(service.url, world, lost) in {"STORE_UNAVAILABLE", "SERVER_UNREACHABLE"}
        assert (status(service.url, "/ready"), status(service.url, "/health")) == (503, 200)
        time.sleep(5)
        server = EmbeddedPostgres.start(cluster)
        began = time.monotonic()
        taken = until_taken(service.url, world, lost)
        assert taken.index == first.index + 1
        until(lambda: all(status(service.url, "/ready") == 200 for _ in range(6)))
        # However long it was away, coming back takes no multiple of that.
        assert time.monotonic() - began < 30
        assert [service.sequencer, *service.workers()] == processes
    finally:
        assert service.stop() == 0
        server.stop()
