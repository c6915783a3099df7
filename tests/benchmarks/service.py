"""What the service costs over HTTP: client, server and database on the same cores, 64 connections kept open.

Single statements are held against the same application with the same parsing and signature check behind another door,
`OneByOne`: there each request has a transaction, a checkpoint and a pin of its own, one after another, as without group
commit. Both doors lead to the same sequencer and the same log, and both give receipts.

Public ballots, whose channel's key the service holds, are held against an empty POST to a route of the same
application, which reads its body and answers 204: once to a route like any other, and once by the shortcut that
ballots take themselves (`api.http.express`), which is the least that this server does for a request.

Both are served by one process and by two workers as well, by turns; logs are written as the service writes them.
`python -m tests.benchmarks.service` runs it on a server of its own.
"""

import argparse
import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Protocol
from urllib.error import URLError

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from api.http import logs
from api.http.app import create_app, ways
from api.http.ballot_door import BallotDoor, NoBoxes
from api.http.ballot_socket import BallotServer
from api.http.boxes import Boxes
from api.http.connections import config_of
from api.http.context import Context
from api.http.door import Answered, Door, Failed, LocalDoor
from api.http.express import Express, Way, body_of
from api.http.reader import Reader
from api.http.server import QuietServer, ballots_path, run, socket_path
from api.http.settings import Limits, Settings
from api.http.socket_door import DoorServer
from api.rehearsal.live import SequencedLedger
from ledger.embedded import EmbeddedPostgres
from ledger.errors import LedgerError
from ledger.opening import Home, create_home
from ledger.sequencer import Sequencer
from ledger.state.poll_book import Poll
from ledger.store import Store
from tests.benchmarks.history import Panel, history_before_voting
from tests.benchmarks.load import LoadProcess, Task, request
from tests.benchmarks.machine import new_site, server
from tests.benchmarks.report import Measure, heading, show
from tests.public_ballots import CHANNEL, OPERATOR, STAGE, credential, opened
from tests.sequenced import SCHEMA, Site, StoredLedger
from tests.simulator import LOG_KEY, ORIGIN, History, resume
from tests.voting import history_before

MEMBERS = 1000
VOTERS = 2000
"""Ballots in one round."""
WORKERS = 2
EMPTY, SHORT = "/empty", "/empty-by-the-shortcut"
_BEGIN_SECONDS = 30
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


class Opening(Protocol):
    """What opens and closes in the server's event loop."""

    async def open(self) -> None:
        """Begin."""

    async def close(self) -> None:
        """End."""


@contextmanager
def serving(settings: Settings, apps: Sequence[FastAPI], beside: Sequence[Opening] = ()) -> Iterator[list[int]]:
    """Serve applications in one thread, each on a port of its own, with what is to be open `beside` them."""
    listening = [socket.create_server(("127.0.0.1", 0), backlog=256) for _ in apps]
    servers = [QuietServer(config_of(app, settings), lambda: None) for app in apps]

    async def serve() -> None:
        for one in beside:
            await one.open()
        await asyncio.gather(*(one.serve([at]) for one, at in zip(servers, listening, strict=True)))
        for one in beside:
            await one.close()

    thread = threading.Thread(target=run, args=(serve(),), name="server")
    thread.start()
    try:
        yield [one.getsockname()[1] for one in listening]
    finally:
        for one in servers:
            one.should_exit = True
        thread.join()


@dataclass(frozen=True)
class Bench:
    """One log with its sequencer, and a client."""

    home: Home
    site: Site
    sequencer: Sequencer
    store: Store
    reader: Reader
    load: LoadProcess

    @property
    def settings(self) -> Settings:
        """The settings under which everything is served."""
        return Settings(home=self.home.folder, limits=_LIMITS)

    def app(self, door: Door, boxes: BallotDoor | None = None) -> FastAPI:
        """Return the application with a door, and empty routes."""
        context = Context(self.home, self.store, door, self.settings, self.reader, ballots=boxes or NoBoxes())
        return _with_empty(create_app(context))

    def sent(self, port: int, requests: list[bytes], status: int) -> float:
        """Send requests and return the time of each in µs; raises `LookupError` unless each is answered by `status`."""
        outcome = self.load.run(Task(port, requests))
        if outcome.statuses != {status: len(requests)}:
            raise LookupError(f"{outcome.statuses}: {outcome.sample[-1000:]!r}")
        return outcome.seconds / len(requests) * 1e6

    @contextmanager
    def workers(self) -> Iterator[int]:
        """Serve by workers, for which the sockets are open; give their port."""
        limits = {f"BALLOT_LEDGER_LIMITS__{name.upper()}": str(most) for name, most in _LIMITS if most == _MUCH}
        environment = {**os.environ, **limits, "DATABASE_URL": self.site.service_dsn}
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listening, ExitStack() as stack:
            number, port = listening.fileno(), listening.getsockname()[1]
            command = [sys.executable, "-m", "api.http.worker", str(self.home.folder), str(number), str(os.getpid())]
            log = stack.enter_context((self.home.folder / "log").open("a"))
            for _ in range(WORKERS):
                process = subprocess.Popen(command, pass_fds=[number], env=environment, stderr=log)
                stack.callback(process.wait, _BEGIN_SECONDS)
                stack.callback(process.terminate)
            until = time.monotonic() + _BEGIN_SECONDS
            while not _healthy(port) and time.monotonic() < until:
                time.sleep(0.1)
            yield port


def _healthy(port: int) -> bool:
    with suppress(URLError, ConnectionError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
        return bool(answer.status == 200)
    return False


@contextmanager
def bench(site: Site, history: History) -> Iterator[Bench]:
    """Put a history into an empty log, and start everything but what is served."""
    home = create_home(site.pin_path.parent, ORIGIN, SCHEMA, LOG_KEY)
    site.preload(history)
    with ExitStack() as stack:
        sequencer = stack.enter_context(site.sequencer())
        store = stack.enter_context(site.store())
        load = stack.enter_context(LoadProcess())
        stack.enter_context(logged(home.folder / "log"))
        reader = Reader(store)
        stack.callback(reader.stop)
        reader.start()
        yield Bench(home, site, sequencer, store, reader, load)


def statements(site: Site, repeat: int) -> list[Measure]:
    """Hand in single statements, by turns: group commit and one transaction each, then one process and workers."""
    history = history_before_voting(MEMBERS)
    with bench(site, history) as here, ExitStack() as stack:
        door = LocalDoor(here.sequencer)
        apps, sockets = [here.app(door), here.app(OneByOne(here.sequencer))], DoorServer(door, socket_path(here.home))
        ours, alone = stack.enter_context(serving(here.settings, apps, [sockets]))
        panel = Panel(resume(history, SequencedLedger(here.sequencer)), here.sequencer)

        def vote(port: int) -> float:
            panel.open_round()
            path = f"/v1/statements?at={panel.world.now}"
            return here.sent(port, [request(path, one) for one in panel.ballots(panel.members)], 201)

        vote(ours)  # warms up
        single, each = _turns(repeat, lambda: vote(ours), lambda: vote(alone))
        workers = stack.enter_context(here.workers())
        vote(workers)
        process, several = _turns(repeat, lambda: vote(ours), lambda: vote(workers))
    name = "single statements with receipt over HTTP"
    return [
        Measure(f"{name} / one transaction each", 1.7, each, single, _a_second(single)),
        Measure(f"{name}, {WORKERS} workers / one process", None, process, several, _a_second(several)),
    ]


def ballots(site: Site, repeat: int) -> list[Measure]:
    """Cast public ballots, by turns: beside empty requests, then one process and workers."""
    history = history_before(STAGE)
    with bench(site, history) as here, ExitStack() as stack:
        world = resume(history, StoredLedger(site, here.sequencer))
        boxes = Boxes(here.store, here.sequencer, {CHANNEL: world.actor(OPERATOR).key})
        app = here.app(LocalDoor(here.sequencer), boxes)
        sockets: list[Opening] = [
            DoorServer(LocalDoor(here.sequencer), socket_path(here.home)),
            BallotServer(boxes, ballots_path(here.home)),
        ]
        (ours,) = stack.enter_context(serving(here.settings, [app], sockets))
        rounds = range(3 * repeat + 2)
        poll, fresh = opened(world, VOTERS * len(rounds)), iter(rounds)
        path = f"/v1/polls/{poll.id}/ballots?at={world.now}"

        def cast(port: int) -> float:
            first = VOTERS * next(fresh)
            return here.sent(port, [request(path, _ballot(poll, first + one)) for one in range(VOTERS)], 201)

        def nothing(path: str) -> float:
            return here.sent(ours, [request(path)] * VOTERS, 204)

        cast(ours)  # warms up
        single, empty, short = _turns(repeat, lambda: cast(ours), lambda: nothing(EMPTY), lambda: nothing(SHORT))
        workers = stack.enter_context(here.workers())
        cast(workers)
        process, several = _turns(repeat, lambda: cast(ours), lambda: cast(workers))
    name = "public ballots with receipts"
    return [
        Measure(f"{name} / empty POST to a route like any other", 0.5, empty, single, _a_second(single)),
        Measure(f"{name} / empty POST by the shortcut of ballots", None, short, single),
        Measure(f"{name}, {WORKERS} workers / one process", None, process, several, _a_second(several)),
    ]


def _turns(repeat: int, *works: Callable[[], float]) -> list[list[float]]:
    """Do one work after another, again and again; return what each one cost."""
    costs: list[list[float]] = [[] for _ in works]
    for _ in range(repeat):
        for work, found in zip(works, costs, strict=True):
            found.append(work())
    return costs


def _ballot(poll: Poll, voter: int) -> bytes:
    chosen = [poll.candidates[(voter + step) % len(poll.candidates)] for step in (0, 1, 3)]
    return json.dumps({"candidates": chosen, "channel": CHANNEL, "code": credential(voter).hex()}).encode()


def _with_empty(app: FastAPI) -> FastAPI:
    """Return the application with routes that read their request and do nothing."""

    async def nothing(request: Request) -> Response:
        await body_of(request)
        return Response(status_code=204)

    app.post(EMPTY)(nothing)
    # A route is found the later the more stand before it: this one is half-way among them.
    app.router.routes.insert(len(app.router.routes) // 2, app.router.routes.pop())
    express = next(one for one in app.user_middleware if getattr(one.cls, "__name__", "") == Express.__name__)
    express.kwargs.update(ways=(*ways(), Way("POST", SHORT, nothing)))
    return app


def _a_second(costs: Sequence[float]) -> str:
    return f"  {1e6 / median(costs):.0f} a second"


def services(postgres: EmbeddedPostgres, repeat: int) -> list[Measure]:
    """Run both, each on a log of its own."""
    found: list[Measure] = []
    for measure in (statements, ballots):
        site, folder = new_site(postgres), postgres.folder.parent / f"home-{measure.__name__}"
        found += measure(replace(site, pin_path=folder / "pin"), repeat)
    return found


def main() -> None:
    """Run everything and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.service", description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    given = parser.parse_args()
    heading()
    with server() as postgres:
        show(services(postgres, given.repeat))


if __name__ == "__main__":
    main()
