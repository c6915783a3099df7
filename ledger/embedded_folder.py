"""The folder of an embedded server: whose it is, who holds it, what still runs in it.

`data/` and `socket/` belong to the server's account and are closed to others; `lock` and `server.log` belong to whoever
starts the server. `data.new/` is a database cluster in the making, so that `data/` is always whole.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT

from ledger.embedded_binaries import Account
from ledger.errors import StoreError

PORT = 5432  # only part of the socket's name: nothing listens on TCP
SOCKET_PATH_BYTES = 107
LOG_LINES = 12
POLL_SECONDS = 0.02
LINGER_SECONDS = 3
STOP_STEPS = ((SIGINT, 20), (SIGQUIT, 5), (SIGKILL, 5))  # fast, immediate, none; and seconds to wait after each


@dataclass(frozen=True, slots=True)
class Home:
    """A folder that exists and that the server's account reaches; `account` is None where that is our own."""

    folder: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The database cluster."""
        return self.folder / "data"

    @property
    def new_data(self) -> Path:
        """The database cluster until it is whole."""
        return self.folder / "data.new"

    @property
    def log(self) -> Path:
        """What the server says; that of the start before is `server.log.1`."""
        return self.folder / "server.log"

    @classmethod
    def prepare(cls, folder: Path) -> "Home":
        """Make the folder if it is not there.

        Raises:
            StoreError: `STORE_FOLDER_UNUSABLE` with the reason: it holds something else, or cannot be reached.
        """
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o755)  # its contents are private; the server's account passes through
        folder = folder.resolve(strict=True)
        names = {path.name for path in folder.iterdir()}
        if names and not names & {"lock", "data"}:
            raise unusable(folder, "it holds something else")
        home = cls(folder, _account_for(folder / "data"))
        if home.account is not None and not home.account.reaches(home.data):
            raise unusable(folder, f"account {pwd.getpwuid(home.account.uid).pw_name} cannot reach it")
        return home

    def lock(self) -> int:
        """Lock the folder, return the open file; the kernel releases the lock when this process ends, however it ends.

        Raises:
            StoreError: `STORE_IN_USE`.
        """
        lock = open_private(str(self.folder / "lock"), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise StoreError("STORE_IN_USE", folder=str(self.folder)) from None
        return lock

    def existing_major(self) -> int | None:
        """Read the major version of the data; None where there is none yet."""
        if not self.data.exists():
            return None
        stated = self.data / "PG_VERSION"
        text = stated.read_text("ascii").strip() if stated.is_file() else ""
        if not (text.isdigit() and text.isascii()):
            raise unusable(self.folder, "its data is not PostgreSQL's")
        return int(text)

    def is_ready(self, pid: int) -> bool:
        """Say whether the server `pid` accepts connections, by lines 1 and 8 of its `postmaster.pid`."""
        with suppress(FileNotFoundError):
            lines = (self.data / "postmaster.pid").read_text("utf-8", "replace").splitlines()
            return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return False

    def rotate_log(self) -> None:
        """Put the log of the start before aside."""
        with suppress(FileNotFoundError):
            self.log.rename(self.log.with_suffix(".log.1"))

    def last_words(self) -> str:
        """Read the last lines of the log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:])

    def private(self, folder: Path) -> Path:
        """Make a folder that only the server's account (and root) may enter."""
        folder.mkdir(mode=0o700)
        if self.account is not None:
            os.chown(folder, self.account.uid, self.account.gid)
        return folder

    def socket_folder(self) -> Path:
        """Make the private folder of the socket: here, or in the temporary folder where this path is too long.

        libpq takes a comma for the end of a host, so a path with one is as good as too long. The name is derived from
        the folder, so that killed processes leave at most one behind; another's folder of that name is refused.
        """
        folder = self.folder / "socket"
        if "," in str(folder) or len(os.fsencode(folder)) + len(f"/.s.PGSQL.{PORT}.lock") > SOCKET_PATH_BYTES:
            digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
            folder = Path(tempfile.gettempdir(), f"ballot-ledger-{digest}")
        if os.path.lexists(folder):  # a killed server's: its recorded process id would keep the next one from starting
            state, owner = folder.lstat(), self.account.uid if self.account else os.geteuid()
            if not (stat.S_ISDIR(state.st_mode) and state.st_uid == owner and stat.S_IMODE(state.st_mode) == 0o700):
                raise unusable(folder, "it is not ours alone")
            shutil.rmtree(folder)
        return self.private(folder)

    def end_lingering(self) -> None:
        """Wait for, then stop, what a predecessor left running, down to orphaned children of a killed server.

        Called with the lock held. With no such process left, a remaining `postmaster.pid` is stale; its process id may
        meanwhile belong to someone else, which would keep a server from starting for ever.
        """
        if sys.platform != "linux":
            return
        for signal, seconds in ((0, LINGER_SECONDS), *STOP_STEPS):
            for pid in self._programs():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal)
            deadline = time.monotonic() + seconds
            while (left := self._programs()) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            if not left:
                (self.data / "postmaster.pid").unlink(missing_ok=True)
                return
        raise StoreError("STORE_IN_USE", folder=str(self.folder), process=left[0])

    def _programs(self) -> list[int]:
        """List the PostgreSQL processes at work here: initdb in our folder, each server process in its data."""
        folders, found = {str(self.folder), str(self.data), str(self.new_data)}, []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                program = Path(os.readlink(process / "exe")).name.removesuffix(" (deleted)")
                if program in ("postgres", "initdb") and os.readlink(process / "cwd") in folders:
                    found.append(int(process.name))
        return found


def unusable(folder: Path, reason: str) -> StoreError:
    """Build the error for a folder that cannot be a server's."""
    return StoreError("STORE_FOLDER_UNUSABLE", folder=str(folder), reason=reason)


@contextmanager
def unusable_on_os_error(folder: Path) -> Iterator[None]:
    """Give the operating system's refusal of a file or folder its code."""
    try:
        yield
    except OSError as error:
        raise unusable(folder, error.strerror or type(error).__name__) from error


def open_private(path: str, flags: int) -> int:
    """Open a file that only its owner may read, never through a link."""
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _account_for(data: Path) -> Account | None:
    if os.geteuid() != 0:
        return None
    if data.exists() and (state := data.stat()).st_uid != 0:
        return Account(state.st_uid, state.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise unusable(data.parent, "no unprivileged account to run as")
