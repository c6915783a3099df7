"""An embedded server that is watched: killed, it comes back at the same place with its data; ended, it stays ended."""

import os
import signal
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from ledger import embedded_watch
from ledger.embedded import EmbeddedPostgres
from ledger.embedded_watch import Watch
from ledger.errors import StoreError
from tests.test_embedded import processes_in, read, write


def postmaster(folder: Path) -> int:
    """The process id of the running server."""
    return int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_killed_server_comes_back_where_it_was_with_its_data(folder: Path) -> None:
    again = threading.Semaphore(0)
    with EmbeddedPostgres.start(folder, again.release) as server:
        write(server.dsn, "one")
        for number in range(2):
            with psycopg.connect(server.dsn):
                os.kill(postmaster(folder), signal.SIGKILL)
                assert again.acquire(timeout=30)
            write(server.dsn, f"more {number}")
        assert read(server.dsn) == ["one", "more 0", "more 1"]
        left = processes_in(folder)
    assert left
    assert processes_in(folder) == []


def test_a_server_that_cannot_start_is_tried_until_it_can(folder: Path) -> None:
    again = threading.Semaphore(0)
    with EmbeddedPostgres.start(folder, again.release) as server:
        write(server.dsn, "kept")
        settings = folder / "data" / "postgresql.conf"
        before = settings.read_text()
        settings.write_text("no_such_setting = 1\n")
        os.kill(postmaster(folder), signal.SIGKILL)
        assert not again.acquire(timeout=1)
        settings.write_text(before)
        assert again.acquire(timeout=30)
        assert read(server.dsn) == ["kept"]


def test_an_end_in_the_middle_of_starting_again_leaves_nothing(folder: Path) -> None:
    server = EmbeddedPostgres.start(folder, lambda: None)
    os.kill(postmaster(folder), signal.SIGKILL)
    time.sleep(0.15)
    server.stop()
    assert processes_in(folder) == []
    with EmbeddedPostgres.start(folder) as free:
        write(free.dsn, "free")


class Server:
    """A process that ends when a test says so."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def wait(self) -> None:
        """Wait for the end."""
        self.over.wait()

    def end(self) -> None:
        """End it."""
        self.over.set()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can wait for."""
    monkeypatch.setattr(embedded_watch, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(embedded_watch, "MOST_SECONDS", 0.04)


@pytest.mark.usefixtures("quick")
def test_failures_are_waited_out_with_pauses_that_grow_to_a_bound() -> None:
    starts: list[float] = []
    servers: list[Server] = []

    def start(ending: threading.Event) -> Server:
        starts.append(time.monotonic())
        if 1 < len(starts) < 6:
            raise StoreError("STORE_NOT_STARTED") if len(starts) % 2 else OSError
        servers.append(Server())
        return servers[-1]

    again = threading.Semaphore(0)
    watch = Watch(start, again.release)
    servers[0].over.set()
    assert again.acquire(timeout=10)
    watch.end()
    assert len(servers) == 2
    assert servers[1].over.is_set()
    pauses = [later - sooner for sooner, later in pairwise(starts[1:])]
    assert all(pause >= least for pause, least in zip(pauses, (0.02, 0.04, 0.04, 0.04), strict=True))


@pytest.mark.usefixtures("quick")
def test_what_fails_at_first_fails_whoever_starts_it() -> None:
    def start(ending: threading.Event) -> Server:
        raise StoreError("STORE_NOT_STARTED")

    with pytest.raises(StoreError, match="STORE_NOT_STARTED"):
        Watch(start)
