"""What the service costs over HTTP: client, server and database on the same cores, 64 connections kept open.

Single statements are held against the same application with the same parsing and signature check behind another door,
`OneByOne`: there each request has a transaction, a checkpoint and a pin of its own, one after another, as without group
commit. Both doors lead to the same sequencer and the same log, and both give receipts.

`python -m tests.benchmarks.service` runs it on a server of its own.
"""

import argparse
import asyncio
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from fastapi import FastAPI

from api.http.app import create_app
from api.http.connections import config_of
from api.http.context import Context
from api.http.door import Answered, Failed, LocalDoor
from api.http.reader import Reader
from api.http.server import QuietServer, run
from api.http.settings import Limits, Settings
from api.rehearsal.live import SequencedLedger
from ledger.errors import LedgerError
from ledger.opening import Home
from ledger.sequencer import Sequencer
from ledger.store import Store
from tests.benchmarks.history import Panel, history_before_voting
from tests.benchmarks.load import LoadProcess, Task, request
from tests.benchmarks.machine import new_site, server
from tests.benchmarks.report import Measure, heading, show
from tests.sequenced import SCHEMA, Site
from tests.simulator import ORIGIN, resume

MEMBERS = 1000
_MUCH = 2**40
_LIMITS = Limits(
    requests_a_minute=_MUCH, request_burst=_MUCH, writes_a_minute=_MUCH, write_burst=_MUCH, requests_at_once=1024
)
"""The clients are one address here: what holds an address to a rate is worked through, and never refuses."""


class OneByOne(LocalDoor):
    """One transaction per request: each is decided, committed, pinned and answered before the next one."""

    def __init__(self, sequencer: Sequencer) -> None:
        """Hand in to a started sequencer, by one thread."""
        super().__init__(sequencer)
        self._pool = ThreadPoolExecutor(1, "one-by-one")

    async def submit(
        self,
        envelopes: Sequence[bytes],
        at: int | None = None,
        attached: Sequence[bytes | None] = (),
        verified: Sequence[bytes | None] = (),
    ) -> list[Answered]:
        """Hand in and wait; see `Door.submit`."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._alone, envelopes[0], at)

    def _alone(self, envelope: bytes, at: int | None) -> list[Answered]:
        try:
            return [self._told(self._sequencer.answer(envelope, at))]
        except LedgerError as error:
            return [Failed(error)]


@contextmanager
def serving(*apps: FastAPI, settings: Settings) -> Iterator[list[int]]:
    """Serve applications in one thread, each on a port of its own."""
    listening = [socket.create_server(("127.0.0.1", 0), backlog=256) for _ in apps]
    servers = [QuietServer(config_of(app, settings), lambda: None) for app in apps]

    async def serve() -> None:
        await asyncio.gather(*(one.serve([at]) for one, at in zip(servers, listening, strict=True)))

    thread = threading.Thread(target=run, args=(serve(),), name="server")
    thread.start()
    try:
        yield [one.getsockname()[1] for one in listening]
    finally:
        for one in servers:
            one.should_exit = True
        thread.join()


@contextmanager
def reading(store: Store) -> Iterator[Reader]:
    """Keep a fold for reading current meanwhile, as a service does."""
    reader = Reader(store)
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()


def sent(load: LoadProcess, port: int, requests: list[bytes], status: int) -> float:
    """Send requests and return the time of each in µs; raises `LookupError` unless each is answered by `status`."""
    outcome = load.run(Task(port, requests))
    if outcome.statuses != {status: len(requests)}:
        raise LookupError(f"{outcome.statuses}: {outcome.sample[-1000:]!r}")
    return outcome.seconds / len(requests) * 1e6


def statements(site: Site, folder: Path, repeat: int) -> Measure:
    """Hand in single statements, through the service's door and one transaction each, by turns."""
    history = history_before_voting(MEMBERS)
    site.preload(history)
    alone: list[float] = []
    ours: list[float] = []
    with ExitStack() as stack:
        sequencer = stack.enter_context(site.sequencer())
        store = stack.enter_context(site.store())
        load = stack.enter_context(LoadProcess())
        reader = stack.enter_context(reading(store))
        settings = Settings(home=folder, limits=_LIMITS)
        made = partial(Context, Home(folder, ORIGIN, SCHEMA), store, settings=settings, reader=reader)
        apps = [create_app(made(door)) for door in (LocalDoor(sequencer), OneByOne(sequencer))]
        ports = stack.enter_context(serving(*apps, settings=settings))
        panel = Panel(resume(history, SequencedLedger(sequencer)), sequencer)
        for _ in range(repeat):
            for port, costs in zip(ports, (ours, alone), strict=True):
                panel.open_round()
                path = f"/v1/statements?at={panel.world.now}"
                costs.append(sent(load, port, [request(path, one) for one in panel.ballots(panel.members)], 201))
    name = "single statements with receipt, 64 connections / one transaction each"
    return Measure(name, 1.7, alone, ours, _a_second(ours))


def _a_second(costs: Sequence[float]) -> str:
    return f"  {1e6 / median(costs):.0f} a second"


def main() -> None:
    """Run everything and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.service", description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    given = parser.parse_args()
    heading()
    with server() as postgres, tempfile.TemporaryDirectory() as folder:
        show([statements(new_site(postgres), Path(folder), given.repeat)])


if __name__ == "__main__":
    main()
