"""The service over a real sequencer and PostgreSQL, in this process: requests go through the whole application."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from api.http.app import create_app
from api.http.context import Context
from api.http.door import LocalDoor
from api.http.reader import Reader
from api.http.settings import Limits, Settings
from api.rehearsal.driver import World
from ledger.opening import Home
from ledger.sequencer import Clock, Sequencer, system_clock
from tests.sequenced import SCHEMA, Site, StoredLedger
from tests.simulator import ORIGIN, History, resume

JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Service:
    """A running service: its context, the sequencer behind it, and a play on the same log."""

    context: Context
    sequencer: Sequencer
    world: World

    @asynccontextmanager
    async def client(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """Give a client of the application, without a network."""
        app = create_app(self.context)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 40_000))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://ledger.test", headers=headers) as client,
        ):
            yield client


@contextmanager
def served(
    site: Site, history: History, folder: Path, clock: Clock = system_clock, limits: Limits | None = None
) -> Iterator[Service]:
    """Run a service over a log that holds a history."""
    site.preload(history)
    with ExitStack() as stack:
        sequencer = stack.enter_context(site.sequencer(clock))
        store = stack.enter_context(site.store())
        reader = Reader(store, clock)
        reader.start()
        stack.callback(reader.stop)
        home = Home(folder, ORIGIN, SCHEMA)
        settings = Settings(home=folder, limits=limits or Limits())
        context = Context(home, store, LocalDoor(sequencer), settings, reader)
        yield Service(context, sequencer, resume(history, StoredLedger(site, sequencer)))


@pytest.fixture
def serving(site: Site, tmp_path: Path) -> Iterator[Callable[[History], Service]]:
    """Run a service over a log that holds a history; once in a test."""
    with ExitStack() as stack:

        def serve(history: History) -> Service:
            return stack.enter_context(served(site, history, tmp_path))

        yield serve
