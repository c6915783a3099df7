"""What the service costs over HTTP: client, server and database on the same cores, 64 connections kept open.

Single statements are held against the same application with the same parsing and signature check behind another door,
`OneByOne`: there each request has a transaction, a checkpoint and a pin of its own, one after another, as without group
commit. Both doors lead to the same sequencer and the same log, and both give receipts.

Public ballots, whose channel's key the service holds, are held against an empty POST to the same application, through
the same bounds, logs and counters and the same shortcut, which answers 204 and does nothing.

`python -m tests.benchmarks.service` runs it on a server of its own.
"""

import argparse
import asyncio
import json
import logging
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stderr
from functools import partial
from pathlib import Path
from statistics import median

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from api.http import logs
from api.http.app import create_app, ways
from api.http.boxes import Boxes
from api.http.connections import config_of
from api.http.context import Context
from api.http.door import Answered, Failed, LocalDoor
from api.http.express import Express, Way
from api.http.reader import Reader
from api.http.server import QuietServer, run
from api.http.settings import Limits, Settings
from api.rehearsal.live import SequencedLedger
from ledger.errors import LedgerError
from ledger.opening import Home
from ledger.sequencer import Sequencer
from ledger.state.poll_book import Poll
from ledger.store import Store
from tests.benchmarks.history import Panel, history_before_voting
from tests.benchmarks.load import LoadProcess, Task, request
from tests.benchmarks.machine import new_site, server
from tests.benchmarks.report import Measure, heading, show
from tests.public_ballots import CHANNEL, OPERATOR, STAGE, credential, opened
from tests.sequenced import SCHEMA, Site, StoredLedger
from tests.simulator import ORIGIN, resume
from tests.voting import history_before

MEMBERS = 1000
VOTERS = 2000
"""Ballots in one round."""
EMPTY = "/empty"
_MUCH = 2**40
_LIMITS = Limits(
    requests_a_minute=_MUCH,
    request_burst=_MUCH,
    writes_a_minute=_MUCH,
    write_burst=_MUCH,
    ballots_a_minute=_MUCH,
    ballot_burst=_MUCH,
    requests_at_once=1024,
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
def logged(path: Path) -> Iterator[None]:
    """Log meanwhile as the service does, into a file."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    with path.open("a") as file, redirect_stderr(file):
        logs.configure(Settings().log_level)
        try:
            yield
        finally:
            root.handlers[:] = before[0]
            root.setLevel(before[1])


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
        stack.enter_context(logged(folder / "log"))
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


def ballots(site: Site, folder: Path, repeat: int) -> Measure:
    """Cast public ballots, and send empty requests to the same application, by turns."""
    history = history_before(STAGE)
    site.preload(history)
    empty: list[float] = []
    ours: list[float] = []
    with ExitStack() as stack:
        sequencer = stack.enter_context(site.sequencer())
        store = stack.enter_context(site.store())
        load = stack.enter_context(LoadProcess())
        stack.enter_context(logged(folder / "log"))
        reader = stack.enter_context(reading(store))
        world = resume(history, StoredLedger(site, sequencer))
        settings, home = Settings(home=folder, limits=_LIMITS), Home(folder, ORIGIN, SCHEMA)
        boxes = Boxes(store, sequencer, {CHANNEL: world.actor(OPERATOR).key})
        app = with_empty(create_app(Context(home, store, LocalDoor(sequencer), settings, reader, ballots=boxes)))
        (port,) = stack.enter_context(serving(app, settings=settings))
        poll = opened(world, VOTERS * (repeat + 1))
        path = f"/v1/polls/{poll.id}/ballots?at={world.now}"
        for number in range(repeat + 1):
            voters = range(number * VOTERS, (number + 1) * VOTERS)
            cast = sent(load, port, [request(path, _ballot(poll, voter)) for voter in voters], 201)
            nothing = sent(load, port, [request(EMPTY)] * VOTERS, 204)
            if number:  # the first round warms up
                ours.append(cast)
                empty.append(nothing)
    return Measure("public ballots with receipts, 64 connections / empty POST", 0.5, empty, ours, _a_second(ours))


def _ballot(poll: Poll, voter: int) -> bytes:
    chosen = [poll.candidates[(voter + step) % len(poll.candidates)] for step in (0, 1, 3)]
    return json.dumps({"candidates": chosen, "channel": CHANNEL, "code": credential(voter).hex()}).encode()


def with_empty(app: FastAPI) -> FastAPI:
    """Return the application with a way to a handler that reads its request and does nothing."""

    async def nothing(request: Request) -> Response:
        await request.body()
        return Response(status_code=204)

    express = next(one for one in app.user_middleware if getattr(one.cls, "__name__", "") == Express.__name__)
    express.kwargs.update(ways=(*ways(), Way("POST", EMPTY, nothing)))
    return app


def _a_second(costs: Sequence[float]) -> str:
    return f"  {1e6 / median(costs):.0f} a second"


def main() -> None:
    """Run everything and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.service", description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    given = parser.parse_args()
    heading()
    with server() as postgres, tempfile.TemporaryDirectory() as folder:
        show([service(new_site(postgres), Path(folder), given.repeat) for service in (statements, ballots)])


if __name__ == "__main__":
    main()
