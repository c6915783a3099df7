"""A PostgreSQL server that the ledger starts, supervises and stops by itself, with its data in one folder.

It listens on a private Unix socket only and writes durably (`fsync` stays on). It ends with the process that started
it, however that ends. A normal exit and Ctrl-C stop it in an orderly way. For kill -9, Linux sends the server SIGINT (a
fast shutdown, which ends its children too) when its parent dies; but that signal is bound to the *thread* that forked,
so a thread of its own starts each server and lives exactly as long. Elsewhere than on Linux, kill -9 leaves it running.

A server that ends by itself (the kernel was out of memory, somebody killed it) stays ended, unless it was asked for
`watched`: then it is started again at the same place (`ledger.embedded_watch`), and whoever had a connection connects
anew.

Started by root, the server runs as the owner of its data, at first `postgres` or else `nobody`.
"""

import atexit
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from psycopg.conninfo import make_conninfo

from ledger import embedded_child
from ledger.embedded_binaries import Binaries, choose
from ledger.embedded_folder import POLL_SECONDS, PORT, STOP_STEPS, Home, open_private, unusable_on_os_error
from ledger.embedded_watch import Watch
from ledger.errors import StoreError

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_line_prefix": "%m [%p] ",
    # What stands in a row or a statement can name a person: it stays out of the server's log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
READY_SECONDS = 600  # recovery after a crash may read much log; a server that exits is noticed at once


class EmbeddedPostgres:
    """One running server and its folder; a context manager. Made by `start`."""

    def __init__(self, folder: Path, dsn: str, major: int, cleanup: ExitStack) -> None:
        """Take over a running server; `cleanup` stops it and releases its folder."""
        self.folder = folder
        self.dsn = dsn
        self.major = major
        self._cleanup = cleanup
        self._owner = os.getpid()
        atexit.register(self.stop)

    @classmethod
    def start(cls, folder: Path, watched: Callable[[], object] | None = None) -> "EmbeddedPostgres":
        """Start the server of `folder`, making the folder and its database cluster at first.

        `dsn` of the result is a libpq connection string for the superuser of the database `postgres`. With `watched` a
        server that ends by itself is started again, and `watched` is then called, in a thread of its own.

        Raises:
            StoreError: `STORE_IN_USE` if another server object, in this or another process, holds the folder;
                `STORE_WRONG_MAJOR` if its data was made by a major version that is not at hand;
                `STORE_FOLDER_UNUSABLE` if it cannot be written or holds something else;
                `STORE_NOT_STARTED` with the server's last log lines in every other case.
        """
        # Plain callbacks: a context manager made of a generator would also clean up when a forked copy of it ends.
        with ExitStack() as cleanup, unusable_on_os_error(folder):
            home = Home.prepare(folder)
            cleanup.callback(os.close, home.lock())
            home.end_lingering()
            binaries = choose(home.existing_major(), home.account)
            home.rotate_log()
            if home.existing_major() is None:
                _create_cluster(home, binaries)
            sockets = home.socket_folder()
            cleanup.callback(shutil.rmtree, sockets, ignore_errors=True)
            if watched is None:
                cleanup.callback(_start_server(home, binaries, sockets).end)
            else:
                cleanup.callback(_watch(home, binaries, sockets, watched).end)
            dsn = make_conninfo(host=str(sockets), port=PORT, user="postgres", dbname="postgres")
            return cls(home.folder, dsn, binaries.major, cleanup.pop_all())

    def stop(self) -> None:
        """Stop the server (running transactions are rolled back) and release the folder; again is harmless."""
        if os.getpid() != self._owner:
            return  # a forked copy of this object: the server is not its own
        atexit.unregister(self.stop)
        self._cleanup.close()

    def __enter__(self) -> "EmbeddedPostgres":
        """Return the running server."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the server."""
        self.stop()


class _Child:
    """A running program, and the thread that forked it and must live as long."""

    def __init__(self, home: Home, command: list[str]) -> None:
        forked: Future[subprocess.Popen[bytes]] = Future()
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, args=(home, command, forked), daemon=True)
        self._keeper.start()
        self.process = forked.result()

    def wait(self) -> None:
        """Return once the program has ended."""
        self.process.wait()

    def _keep(self, home: Home, command: list[str], forked: "Future[subprocess.Popen[bytes]]") -> None:
        try:
            forked.set_result(_fork(home, command))
        except OSError as failure:
            forked.set_exception(failure)
        else:
            self._over.wait()

    def end(self) -> None:
        """Ask the program to stop, more and more firmly, until it is gone."""
        for signal, seconds in STOP_STEPS:
            if self.process.poll() is not None:
                break
            self.process.send_signal(signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        self._over.set()
        self._keeper.join()


def _fork(home: Home, command: list[str]) -> "subprocess.Popen[bytes]":
    """Start a program under the server's account, bound to the life of the calling thread."""
    uid, gid = (home.account.uid, home.account.gid) if home.account else (-1, -1)
    child = [sys.executable, "-I", "-S", embedded_child.__file__, str(os.getpid()), str(uid), str(gid)]
    with open(home.log, "ab", opener=open_private) as log:
        return subprocess.Popen(
            [*child, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.folder,
            env={"PATH": os.defpath, "LC_ALL": "C"},  # no PGDATA, PGPORT or locale of the caller
            start_new_session=True,  # the terminal's Ctrl-C is for us; we stop the server in order
        )


def _create_cluster(home: Home, binaries: Binaries) -> None:
    """Make the database cluster under another name first."""
    if home.new_data.exists():
        shutil.rmtree(home.new_data)
    home.private(home.new_data)
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--data-checksums"]
    initdb = _Child(home, [str(binaries.initdb), f"--pgdata={home.new_data}", "--no-instructions", *options])
    try:
        if initdb.process.wait() != 0:
            raise _not_started(home)
    finally:
        initdb.end()
    home.new_data.rename(home.data)
    _fsync(home.folder)


def _start_server(home: Home, binaries: Binaries, sockets: Path, ending: threading.Event | None = None) -> _Child:
    """Start the server and wait until it accepts connections, or until somebody is `ending` all this."""
    quoted = str(sockets).replace('"', '""')
    settings = {**SETTINGS, "unix_socket_directories": f'"{quoted}"', "port": str(PORT)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = _Child(home, [str(binaries.postgres), "-D", str(home.data), *options])
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not home.is_ready(server.process.pid):
            if server.process.poll() is not None or time.monotonic() > deadline or (ending and ending.is_set()):
                raise _not_started(home)
            time.sleep(POLL_SECONDS)
    except BaseException:
        server.end()
        raise
    return server


def _watch(home: Home, binaries: Binaries, sockets: Path, began_again: Callable[[], object]) -> Watch:
    """Start the server, and again at the same place whenever it ends by itself."""
    started = False

    def start(ending: threading.Event) -> _Child:
        nonlocal started
        if started:
            # Its backends may outlive a killed server for a moment, and its socket's file for ever.
            home.end_lingering()
            home.socket_folder()
        started = True
        return _start_server(home, binaries, sockets, ending)

    return Watch(start, began_again)


def _not_started(home: Home) -> StoreError:
    return StoreError("STORE_NOT_STARTED", folder=str(home.folder), log=home.last_words())


def _fsync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
