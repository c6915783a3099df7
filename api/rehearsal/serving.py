"""A service of its own for a rehearsal: the command `serve` as a process, up to its last answer."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from ledger.errors import StoreError

SECONDS = 60
_RUN = "from api.cli.main import main; main()"
_UNHURRIED = {
    f"BALLOT_LEDGER_LIMITS__{name}": str(10**6)
    for name in ("REQUESTS_A_MINUTE", "REQUEST_BURST", "WRITES_A_MINUTE", "WRITE_BURST")
}
"""One client is everybody here, and signs faster than people do."""


@contextmanager
def served(home: Path, workers: int) -> Iterator[str]:
    """Run the service of a ledger's folder on any free port of this machine; gives its URL, and ends it in order.

    What it logs is in `service.log` in the folder. Raises `StoreError` `SERVER_UNREACHABLE` if it does not come up.
    """
    command = [sys.executable, "-c", _RUN, "serve", "--home", str(home), "--port", "0", "--workers", str(workers)]
    # Whatever is set for another service has no say in this one.
    others = {name: value for name, value in os.environ.items() if not name.startswith("BALLOT_LEDGER_")}
    environment = others | _UNHURRIED
    with (
        (home / "service.log").open("wb") as log,
        subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=log, env=environment) as process,
    ):
        try:
            url = _url(process)
            _wait_for(url, process)
            yield url
            process.terminate()
            process.wait(SECONDS)
        finally:
            process.kill()


def _url(process: "subprocess.Popen[bytes]") -> str:
    """Read the answer of the command, which comes as soon as it listens."""
    said = b""
    for line in process.stdout or ():
        said += line
        if line == b"}\n":
            break
    try:
        return str(json.loads(said)["service"]["url"])
    except (ValueError, KeyError):
        raise StoreError("SERVER_UNREACHABLE") from None


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise StoreError("SERVER_UNREACHABLE")
