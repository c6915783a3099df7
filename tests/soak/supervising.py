"""`serve` as a supervisor keeps it: started again whenever it ends, looked at from outside, and killed on purpose."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
RUN = "from api.cli.main import main; main()"
PAUSE_SECONDS = 0.2
WIDE = {
    f"BALLOT_LEDGER_LIMITS__{name}": str(10**6)
    for name in (
        *("REQUESTS_A_MINUTE", "REQUEST_BURST", "WRITES_A_MINUTE", "WRITE_BURST"),
        *("BALLOTS_A_MINUTE", "BALLOT_BURST", "CREDENTIAL_TRIES_A_MINUTE", "CREDENTIAL_BURST"),
    )
}
"""Everybody comes from one address here."""


class Service:
    """The command, kept running from `start` to `stop`."""

    def __init__(self, home: Path, environment: Mapping[str, str], workers: int) -> None:
        """Serve the ledger of a folder on a port of its own."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home / "service.log"
        self._workers = workers
        self._command = [sys.executable, "-c", RUN, "serve", "--home", str(home), "--port", str(self.port)]
        self._command += ["--workers", str(workers), "--json"]
        self._environment = {**os.environ, **WIDE, **environment, "PYTHONPATH": str(ROOT)}
        self._ending = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self.starts = 0

    def start(self) -> None:
        """Begin, and begin again whenever it ends."""
        self._ending.clear()
        self._begin()
        self._thread = threading.Thread(target=self._keep, name="supervisor", daemon=True)
        self._thread.start()

    def _begin(self) -> None:
        self.starts += 1
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.DEVNULL, stderr=log, cwd=ROOT, env=self._environment
            )

    def _keep(self) -> None:
        while self._process is not None:
            self._process.wait()
            if self._ending.wait(PAUSE_SECONDS):
                return
            self._begin()

    def stop(self, seconds: float = 60) -> int | None:
        """Tell it to end, and return its exit code; None where it had to be killed."""
        self._ending.set()
        process = self._process
        if process is None:
            return 0
        process.terminate()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None
        finally:
            if self._thread is not None:
                self._thread.join()

    @property
    def sequencer(self) -> int:
        """The process that sequences: the parent of the workers."""
        return self._process.pid if self._process is not None else 0

    def workers(self) -> list[int]:
        """The processes of the workers that run now."""
        return [one for one in children(self.sequencer) if b"api.http.worker" in command_of(one)]

    def kill_sequencer(self) -> int:
        """End the process that sequences by kill -9; its workers end by themselves."""
        found = self.sequencer
        with suppress(ProcessLookupError):
            os.kill(found, signal.SIGKILL)
        return found

    def kill_worker(self, chosen: random.Random) -> int:
        """End one worker by kill -9; 0 where none runs."""
        found = self.workers()
        if not found:
            return 0
        one = chosen.choice(found)
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
        return one

    def is_ready(self) -> bool:
        """Whether all workers run, and requests can be answered."""
        try:
            with httpx.Client(timeout=5) as client:
                ready = client.get(f"{self.url}/ready").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
        return ready and (self._workers == 1 or len(self.workers()) == self._workers)

    def wait_ready(self, seconds: float) -> bool:
        """Wait until it is ready, for so long at most."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.is_ready():
                return True
            time.sleep(0.1)
        return False

    def memory(self) -> list[tuple[str, int, int]]:
        """The resident memory of each process: what it does, which it is, and how many KiB."""
        found = [("sequencer", self.sequencer), *(("worker", one) for one in self.workers())]
        return [(name, one, resident(one)) for name, one in found]


def children(process: int) -> list[int]:
    """The processes that a process started."""
    try:
        return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def command_of(process: int) -> bytes:
    """The command line of a process, empty where it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def resident(process: int) -> int:
    """The resident memory of a process in KiB, 0 where it is gone."""
    with suppress(OSError, IndexError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
