"""A PostgreSQL server that the ledger starts, supervises and stops by itself, with its data in one folder.

It listens on a private Unix socket only and writes durably (`fsync` stays on). It ends with the process that started
it, however that ends. A normal exit and Ctrl-C stop it in an orderly way. For kill -9, Linux sends the server SIGINT (a
fast shutdown, which ends its children too) when its parent dies; but that signal is bound to the *thread* that forked,
so a thread of its own starts each server and lives exactly as long. Elsewhere than on Linux, kill -9 leaves it running.

Started by root, the server runs as the owner of its data, at first `postgres` or else `nobody`.
"""

import atexit
import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT
from types import TracebackType

from psycopg.conninfo import make_conninfo

from ledger import embedded_child
from ledger.embedded_binaries import Account, Binaries, choose
from ledger.errors import StoreError

PORT = 5432  # only part of the socket's name: nothing listens on TCP
SOCKET_PATH_BYTES = 107
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
LOG_LINES = 12
POLL_SECONDS = 0.02
READY_SECONDS = 600  # recovery after a crash may read much log; a server that exits is noticed at once
LINGER_SECONDS = 3
STOP_STEPS = ((SIGINT, 20), (SIGQUIT, 5), (SIGKILL, 5))  # fast, immediate, none; and seconds to wait after each


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
    def start(cls, folder: Path) -> "EmbeddedPostgres":
        """Start the server of `folder`, making the folder and its database cluster at first.

        `dsn` of the result is a libpq connection string for the superuser of the database `postgres`.

        Raises:
            StoreError: `STORE_IN_USE` if another server object, in this or another process, holds the folder;
                `STORE_WRONG_MAJOR` if its data was made by a major version that is not at hand;
                `STORE_FOLDER_UNUSABLE` if it cannot be written or holds something else;
                `STORE_NOT_STARTED` with the server's last log lines in every other case.
        """
        with ExitStack() as cleanup:
            home = _Home.prepare(folder)
            cleanup.enter_context(_exclusive(home))
            with _as_store_error(home.folder):
                _end_lingering(home)
                binaries = choose(home.existing_major(), home.account)
                home.rotate_log()
                if home.existing_major() is None:
                    _create_cluster(home, binaries)
                sockets = cleanup.enter_context(_socket_folder(home))
                server = _start_server(home, binaries, sockets)
            cleanup.callback(server.end)
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


@dataclass(frozen=True, slots=True)
class _Home:
    """The folder: `data/` belongs to the server's account, `lock` and `server.log` to whoever starts it."""

    folder: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @classmethod
    def prepare(cls, folder: Path) -> "_Home":
        with _as_store_error(folder):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(0o755)  # its contents are private; the server's account passes through
            folder = folder.resolve(strict=True)
            names = {path.name for path in folder.iterdir()}
            if names and not names & {"lock", "data"}:
                raise StoreError("STORE_FOLDER_UNUSABLE", folder=str(folder), reason="it holds something else")
            home = cls(folder, _account_for(folder / "data"))
            if home.account is not None and not home.account.reaches(home.data):
                who = pwd.getpwuid(home.account.uid).pw_name
                raise StoreError("STORE_FOLDER_UNUSABLE", folder=str(folder), reason=f"account {who} cannot reach it")
            return home

    def existing_major(self) -> int | None:
        if not self.data.exists():
            return None
        stated = self.data / "PG_VERSION"
        text = stated.read_text("ascii").strip() if stated.is_file() else ""
        if not (text.isdigit() and text.isascii()):
            raise StoreError("STORE_FOLDER_UNUSABLE", folder=str(self.folder), reason="its data is not PostgreSQL's")
        return int(text)

    def is_ready(self, pid: int) -> bool:
        """Say whether the server `pid` accepts connections, by lines 1 and 8 of its `postmaster.pid`."""
        with suppress(FileNotFoundError):
            lines = (self.data / "postmaster.pid").read_text("utf-8", "replace").splitlines()
            return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return False

    def private(self, folder: Path) -> Path:
        """Make a folder that only the server's account (and root) may enter."""
        folder.mkdir(mode=0o700)
        if self.account is not None:
            os.chown(folder, self.account.uid, self.account.gid)
        return folder

    def rotate_log(self) -> None:
        with suppress(FileNotFoundError):
            self.log.rename(self.log.with_suffix(".log.1"))

    def popen(self, command: list[str]) -> "subprocess.Popen[bytes]":
        """Start a program under the server's account, bound to the life of the calling thread."""
        uid, gid = (self.account.uid, self.account.gid) if self.account else (-1, -1)
        child = [sys.executable, "-I", "-S", embedded_child.__file__, str(os.getpid()), str(uid), str(gid)]
        clean = {"PATH": os.defpath, "LC_ALL": "C"}  # no PGDATA, PGPORT or locale of the caller
        with open(self.log, "ab", opener=_private_file) as log:
            return subprocess.Popen(
                [*child, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=clean,
                start_new_session=True,  # the terminal's Ctrl-C is for us; we stop the server in order
            )

    def not_started(self) -> StoreError:
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return StoreError("STORE_NOT_STARTED", folder=str(self.folder), log="\n".join(lines[-LOG_LINES:]))


class _Child:
    """A running program, and the thread that forked it and must live as long."""

    def __init__(self, home: _Home, command: list[str]) -> None:
        forked: Future[subprocess.Popen[bytes]] = Future()
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, args=(home, command, forked), daemon=True)
        self._keeper.start()
        self.process = forked.result()

    def _keep(self, home: _Home, command: list[str], forked: "Future[subprocess.Popen[bytes]]") -> None:
        try:
            forked.set_result(home.popen(command))
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


def _create_cluster(home: _Home, binaries: Binaries) -> None:
    """Make the database cluster under another name, so that `data` is always whole."""
    fresh = home.folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    home.private(fresh)
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--data-checksums"]
    initdb = _Child(home, [str(binaries.initdb), f"--pgdata={fresh}", "--no-instructions", *options])
    try:
        if initdb.process.wait() != 0:
            raise home.not_started()
    finally:
        initdb.end()
    fresh.rename(home.data)
    _fsync(home.folder)


def _start_server(home: _Home, binaries: Binaries, sockets: Path) -> _Child:
    """Start the server and wait until it accepts connections."""
    quoted = str(sockets).replace('"', '""')
    settings = {**SETTINGS, "unix_socket_directories": f'"{quoted}"', "port": str(PORT)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = _Child(home, [str(binaries.postgres), "-D", str(home.data), *options])
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not home.is_ready(server.process.pid):
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise home.not_started()
            time.sleep(POLL_SECONDS)
    except BaseException:
        server.end()
        raise
    return server


def _end_lingering(home: _Home) -> None:
    """Wait for, then stop, what a predecessor left running, down to orphaned children of a killed server.

    With our lock held and no such process left, a remaining `postmaster.pid` is stale; its process id may meanwhile
    belong to someone else, which would keep a server from starting for ever.
    """
    if sys.platform != "linux":
        return
    for signal, seconds in ((0, LINGER_SECONDS), *STOP_STEPS):
        for pid in _servers_in(home.data):
            with suppress(ProcessLookupError):
                os.kill(pid, signal)
        deadline = time.monotonic() + seconds
        while left := _servers_in(home.data):
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        if not left:
            (home.data / "postmaster.pid").unlink(missing_ok=True)
            return
    raise StoreError("STORE_IN_USE", folder=str(home.folder), process=left[0])


def _servers_in(data: Path) -> list[int]:
    """List the PostgreSQL processes that work in a data folder: each server process makes it its current folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            program = os.path.basename(os.readlink(process / "exe")).removesuffix(" (deleted)")
            if program == "postgres" and os.readlink(process / "cwd") == str(data):
                found.append(int(process.name))
    return found


@contextmanager
def _exclusive(home: _Home) -> Iterator[None]:
    """Hold the folder's lock; the kernel releases it when this process ends, however it ends."""
    with _as_store_error(home.folder):
        lock = _private_file(str(home.folder / "lock"), os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise StoreError("STORE_IN_USE", folder=str(home.folder)) from None
    try:
        yield
    finally:
        os.close(lock)


@contextmanager
def _socket_folder(home: _Home) -> Iterator[Path]:
    """Make the private folder of the socket: in the data's folder, or in the temporary one where that path is too long.

    libpq takes a comma for the end of a host, so a path with one is as good as too long. The name is derived from the
    folder, so that killed processes leave at most one behind; another's folder of that name is refused.
    """
    folder = home.folder / "socket"
    if "," in str(folder) or len(os.fsencode(folder)) + len(f"/.s.PGSQL.{PORT}.lock") > SOCKET_PATH_BYTES:
        digest = hashlib.sha256(os.fsencode(home.folder)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir(), f"ballot-ledger-{digest}")
    owner = home.account.uid if home.account else os.geteuid()
    try:
        home.private(folder)
    except FileExistsError:
        state = folder.lstat()
        if not (stat.S_ISDIR(state.st_mode) and state.st_uid == owner and stat.S_IMODE(state.st_mode) == 0o700):
            raise StoreError("STORE_FOLDER_UNUSABLE", folder=str(folder), reason="it is not ours alone") from None
    try:
        yield folder
    finally:
        with suppress(OSError):  # not empty only after the server had to be killed; the next start uses it again
            folder.rmdir()


@contextmanager
def _as_store_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreError("STORE_FOLDER_UNUSABLE", folder=str(folder), reason=reason) from error


def _account_for(data: Path) -> Account | None:
    """Name the account that the server of this data runs as; None where it is our own."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (state := data.stat()).st_uid != 0:
        return Account(state.st_uid, state.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise StoreError("STORE_FOLDER_UNUSABLE", folder=str(data.parent), reason="no unprivileged account to run as")


def _private_file(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _fsync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
