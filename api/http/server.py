"""Running the service: one process with everything in it, or one with the sequencer and workers that forward to it.

However many workers there are, one process holds the database's lock and the pin, and sequences. A worker parses,
serves readings and hands statements on through the private socket `run/sequencer.sock`; when one dies it is started
again, and nothing that was acknowledged is lost with it, because nothing is acknowledged before commit and pin. Told to
end, workers answer what is under way first, then the sequencer answers what it was handed.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI
from psycopg.conninfo import make_conninfo

from api.http.app import create_app
from api.http.ballot_door import BallotDoor
from api.http.ballot_socket import BallotServer
from api.http.boxes import PASSPHRASE, Boxes, read_channel_keys
from api.http.connections import DrainingServer, config_of
from api.http.context import Context
from api.http.door import Door, LocalDoor
from api.http.logs import tell
from api.http.measuring import Metrics, ended
from api.http.numbers import remove_earlier, remove_own
from api.http.reader import Reader
from api.http.routes_ops import MEASURE_SECONDS, drain
from api.http.settings import Settings
from api.http.socket_door import DoorServer
from api.witness.collected import Collected, read_policy
from api.witness.collecting import Collector
from api.witness.own_log import StoredPublished, halting, log_keys, witnessed
from ledger.errors import LedgerError
from ledger.opening import Home, open_sequencer, open_store
from ledger.sequencer import Sequencer
from ledger.store.store import Store

PAUSE_SECONDS = 0.2
"""Before a worker that died is started again."""
GRACE_SECONDS = 5
"""Beyond the settings' time to shut down, before a worker that does not end is killed."""


def socket_path(home: Home) -> Path:
    """Return where the sequencer listens for workers."""
    return home.folder / "run" / "sequencer.sock"


def ballots_path(home: Home) -> Path:
    """Return where the boxes of public votes take workers' ballots."""
    return home.folder / "run" / "ballots.sock"


def run(serving: Coroutine[Any, Any, None]) -> None:
    """Run to its end on an event loop that is quicker than Python's own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serving)


class QuietServer(DrainingServer):
    """A server that leaves signals to whoever runs it, so that everything around it ends in order too."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def serve(home: Home, settings: Settings, listening: socket.socket) -> None:
    """Serve until told to end (SIGTERM, SIGINT); `listening` is where. Raises `LedgerError` if the log cannot open."""
    with (
        open_store(home, partial(tell, "database started again")) as store,
        open_sequencer(home, store, witnessed=witnessed(home)) as sequencer,
        collecting(home, store, sequencer),
    ):
        door, boxes = LocalDoor(sequencer), Boxes(store, sequencer, read_channel_keys(home))
        if settings.workers == 1:
            serve_app(home, store, lambda reader: door, settings, listening, boxes)
        else:
            run(_lead(home, store, door, boxes, settings, listening))


@contextmanager
def collecting(home: Home, store: Store, sequencer: Sequencer) -> Iterator[None]:
    """Have the witnesses of the ledger's policy cosign while the block runs; nothing without a policy."""
    policy = read_policy(home.folder)
    if policy is None:
        yield
        return
    log, key, kept = StoredPublished(store), log_keys(home, policy), Collected(home.folder)
    with Collector(policy, log, key, kept, halting(sequencer)):
        yield


def serve_app(
    home: Home,
    store: Store,
    door: Callable[[Reader], Door],
    settings: Settings,
    listening: socket.socket,
    ballots: BallotDoor,
) -> None:
    """Serve the application in this process until told to end; `door` gives the way in beside what is read."""
    with ExitStack() as stack:
        reader = Reader(store)
        stack.callback(reader.stop)
        reader.start()
        app = create_app(Context(home, store, door(reader), settings, reader, ballots=ballots))
        run(run_app(app, settings, listening))


async def run_app(app: FastAPI, settings: Settings, listening: socket.socket) -> None:
    """Serve on a listening socket until a signal comes; what is under way is answered first."""
    server = QuietServer(config_of(app, settings), partial(drain, app))
    reader, loop = app.state.context.reader, asyncio.get_running_loop()
    with _told(partial(_end, server), lambda: loop.run_in_executor(None, _rebuild, reader)):
        await server.serve(sockets=[listening])


def _rebuild(reader: Reader) -> None:
    """Fold what is read anew; what cannot be read is told, and what answered goes on answering."""
    try:
        tell("read side rebuilt", entries=reader.rebuild())
    except LedgerError as error:
        tell("read side not rebuilt", logging.ERROR, error)


def _end(server: uvicorn.Server) -> None:
    server.should_exit = True


@contextmanager
def _told(end: Callable[[], object], rebuild: Callable[[], object]) -> Iterator[None]:
    """Heed SIGTERM and SIGINT, and SIGUSR1 by which the read side is rebuilt."""
    loop = asyncio.get_running_loop()
    handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGUSR1: rebuild}
    for one, handler in handlers.items():
        loop.add_signal_handler(one, handler)
    try:
        yield
    finally:
        for one in handlers:
            loop.remove_signal_handler(one)


async def _lead(
    home: Home, store: Store, door: Door, boxes: Boxes, settings: Settings, listening: socket.socket
) -> None:
    """Keep the workers running, and decide what they hand in."""
    remove_earlier(home)
    ending, metrics = asyncio.Event(), Metrics()
    store.appended = metrics.committed
    server, ballots = DoorServer(door, socket_path(home)), BallotServer(boxes, ballots_path(home))
    await server.open()
    await ballots.open()
    running: set[asyncio.subprocess.Process] = set()
    with _told(ending.set, partial(_pass_on, running)):
        try:
            keepers = [
                asyncio.create_task(_keep(_worker(home, store, listening), settings, ending, running))
                for _ in range(settings.workers)
            ]
            measuring = asyncio.create_task(_measure(metrics, door))
            await ending.wait()
            await asyncio.gather(*keepers)
            measuring.cancel()
        finally:
            await ballots.close()
            await server.close()
            remove_own()


def _pass_on(running: Iterable[asyncio.subprocess.Process]) -> None:
    """Have every worker rebuild what it reads from."""
    for process in tuple(running):
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGUSR1)


async def _measure(metrics: Metrics, door: Door) -> None:
    """Tell what only the sequencer's process knows, and nobody asks it for."""
    while True:
        metrics.sequencing(door.waiting)
        await asyncio.sleep(MEASURE_SECONDS)


Starter = Callable[[], "asyncio.Future[asyncio.subprocess.Process]"]


def _worker(home: Home, store: Store, listening: socket.socket) -> Starter:
    """Return what starts one worker: it inherits the listening socket and learns of the database by its environment."""
    number = listening.fileno()
    told = {**os.environ, "DATABASE_URL": database_of(store)}
    # The channels' keys are the sequencer's alone.
    told.pop(PASSPHRASE, None)
    return lambda: asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "api.http.worker",
            str(home.folder),
            str(number),
            str(os.getpid()),
            pass_fds=(number,),
            env=told,
        )
    )


def database_of(store: Store) -> str:
    """Return the connection string of an open store, the embedded server's too; it holds the password, if any."""
    with store.another_connection("ballot-ledger serve") as connection:
        parameters = connection.info.get_parameters()
        return make_conninfo(**{**parameters, "application_name": ""}, password=connection.info.password)


async def _keep(
    start: Starter, settings: Settings, ending: asyncio.Event, running: set[asyncio.subprocess.Process]
) -> None:
    """Run a worker, and another when it dies, until the end; then let it finish."""
    while not ending.is_set():
        process = await start()
        running.add(process)
        waits = [asyncio.create_task(process.wait()), asyncio.create_task(ending.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        waits[1].cancel()
        await asyncio.gather(waits[1], return_exceptions=True)
        running.discard(process)
        if ending.is_set():
            await _finish(process, settings.limits.shutdown_seconds + GRACE_SECONDS)
            return
        ended(process.pid)
        tell("worker ended", status=process.returncode or 0)
        await asyncio.sleep(PAUSE_SECONDS)


async def _finish(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Tell a worker to end; one that does not is killed."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
