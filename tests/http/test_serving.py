"""`serve` as a process: one worker or several, killed and told to end; what was acknowledged is in the log, once."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api.client import Client, Declined, Receipted
from api.http.door import Accepted, Failed, LocalDoor, RefusedBy
from api.http.socket_door import DoorServer, SocketDoor
from ledger.attempts import SUFFIX
from ledger.errors import ConflictError, MalformedError, StoreError, VerificationError
from ledger.opening import create_home
from ledger.receipt import parse, verify
from ledger.seen import ForkError
from tests.api.calling import call
from tests.http.conftest import Service
from tests.http.test_statements import open_round_history, service, vote
from tests.sequenced import Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, History, resume
from tests.voting import PANEL

__all__ = ["service"]

ROOT = Path(__file__).parents[2]
RUN = "from api.cli.main import main; main()"


@pytest.fixture
def home(site: Site, tmp_path: Path) -> Path:
    """The folder of a ledger whose panel may vote."""
    return home_on(site, tmp_path / "home", open_round_history()[0])


def home_on(site: Site, folder: Path, history: History) -> Path:
    """Put a history into a log, and make the folder of its ledger."""
    site.preload(history)
    with site.sequencer():
        pass
    create_home(folder, ORIGIN, log_key=LOG_KEY)
    shutil.copy(site.pin_path, folder / "pin")
    shutil.copy(site.attempts_pin_path, folder / "attempts.pin")
    return folder


@contextmanager
def serving(site: Site, home: Path, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run the command; gives the process and the URL, and kills what is left."""
    command = [sys.executable, "-c", RUN, "serve", "--home", str(home), "--port", "0", "--workers", str(workers)]
    env = {**os.environ, "DATABASE_URL": site.service_dsn, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, cwd=ROOT, env=env) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == b"}\n":
                break
        try:
            url = json.loads(b"".join(lines))["service"]["url"]
            until(lambda: answers(url), 60)
            yield process, url
        finally:
            process.kill()


def answers(url: str) -> bool:
    """Whether the service answers by now."""
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("not in time")


def children(process: int) -> list[int]:
    """The processes that a process started."""
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def hand_in(url: str, envelope: bytes, at: int) -> Receipted:
    """Hand in a statement that must be taken."""
    with Client(url, [LOG_VKEY]) as client:
        answer = client.submit(envelope, at)
    assert isinstance(answer, Receipted), answer
    return answer


def stored(site: Site, given: Sequence[Receipted]) -> None:
    """Every receipt that was given holds, over the one entry that the store has there."""
    with site.store() as store:
        for one in given:
            assert store.entry(one.index) == one.entry
            verify(parse(one.receipt), one.entry, [LOG_VKEY])
        statements = [row[3] for row in store.stored_rows()]
    assert len(set(statements)) == len(statements)
    assert site.audit().clean


@pytest.mark.parametrize("workers", [1, 2])
def test_the_read_side_is_rebuilt_when_the_process_is_told_to(site: Site, home: Path, workers: int) -> None:
    with serving(site, home, workers) as (process, url):
        for _ in range(3):
            process.send_signal(signal.SIGUSR1)
            assert httpx.get(f"{url}/v1/stages", timeout=20).status_code == 200
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_one_process_serves_and_ends_in_order(site: Site, home: Path) -> None:
    world = resume(open_round_history()[0])
    envelopes = [vote(world, member) for member in PANEL[:3]]
    with serving(site, home, 1) as (process, url):
        given = [hand_in(url, one, world.now) for one in envelopes]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    stored(site, given)


def test_a_killed_worker_loses_nothing_and_workers_end_with_their_parent(site: Site, home: Path) -> None:
    world = resume(open_round_history()[0])
    envelopes = [vote(world, member) for member in PANEL]
    with serving(site, home, 2) as (process, url):
        until(lambda: len(children(process.pid)) == 2)
        assert oct((home / "run" / "sequencer.sock").stat().st_mode & 0o777) == "0o600"
        with ThreadPoolExecutor(4) as pool:
            handed = [pool.submit(hand_in, url, one, world.now) for one in envelopes]
            os.kill(children(process.pid)[0], signal.SIGKILL)
            given = [one.result(60) for one in handed]
        assert [hand_in(url, envelopes[0], world.now).index, True] == [given[0].index, True]
        until(lambda: len(children(process.pid)) == 2)
        workers = children(process.pid)
        process.kill()
        process.wait(10)
        until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    stored(site, given)


def test_several_workers_end_in_order(site: Site, home: Path) -> None:
    world = resume(open_round_history()[0])
    with serving(site, home, 2) as (process, url):
        given = [hand_in(url, vote(world), world.now)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    assert not (home / "run" / "sequencer.sock").exists()
    stored(site, given)


def test_the_socket_carries_every_kind_of_answer(service: Service, tmp_path: Path) -> None:
    most = service.world.state.rounds.by_id[open_round_history()[1]].max_approvals
    good, over = vote(service.world), vote(service.world, PANEL[1], most + 1)
    at = service.world.now

    async def play() -> None:
        path = tmp_path / "run" / "s.sock"
        far, near = DoorServer(LocalDoor(service.sequencer), path), SocketDoor(path)
        await near.open()
        # Handed in before anybody listens: sent once there is a connection.
        early = asyncio.create_task(near.submit([good], at))
        await asyncio.sleep(0.1)
        assert (near.waiting, near.is_open) == (1, False)
        await far.open()
        (first,) = await early
        assert isinstance(first, Accepted)
        assert not first.again
        again, refused, malformed = await near.submit([good, over, b"{}"], at)
        assert isinstance(again, Accepted)
        assert (again.again, again.receipt) == (True, first.receipt)
        assert isinstance(refused, RefusedBy)
        assert refused.refusal.facts == {"approvals": most + 1, "most": most}
        assert refused.receipt is not None
        assert f"{ORIGIN}{SUFFIX}".encode() in refused.receipt
        assert isinstance(malformed, Failed)
        assert isinstance(malformed.error, MalformedError)
        assert (near.size, near.seen()) == (service.sequencer.size, service.sequencer.seen())
        assert [near.is_open] == [True]
        seen = service.sequencer.seen()
        assert seen is not None
        service.sequencer.halt(ForkError(seen, service.sequencer.size))
        while near.is_open:
            await asyncio.sleep(0.05)
        await far.close()
        lost = SocketDoor(path, seconds=0.2)
        await lost.open()
        (nobody,) = await lost.submit([good], at)
        assert isinstance(nobody, Failed)
        assert (type(nobody.error), nobody.error.code) == (StoreError, "STORE_UNAVAILABLE")
        await lost.close()
        await near.close()

    asyncio.run(play())


def test_an_error_keeps_its_kind_through_the_socket() -> None:
    from api.http import socket_door

    for kind in (MalformedError, VerificationError, ConflictError, StoreError):
        error = kind("CODE", where="x", size=1)
        told = socket_door._answered(socket_door._said(Failed(error)))
        assert isinstance(told, Failed)
        assert (type(told.error), told.error.code, told.error.facts) == (kind, "CODE", {"where": "x", "size": 1})


def test_what_cannot_be_served_is_said(tmp_path: Path) -> None:
    missing = call("serve", "--home", tmp_path / "nowhere", "--json")
    assert (missing.code, missing.value["error"]["code"]) == (2, "HOME_MISSING")
    create_home(tmp_path / "home", ORIGIN, log_key=LOG_KEY)
    wrong = call("serve", "--home", tmp_path / "home", "--json", BALLOT_LEDGER_LIMITS__BODY_BYTES="-1")
    assert (wrong.code, wrong.value["error"]["code"]) == (2, "SETTINGS_INVALID")
    assert "-1" not in wrong.out


def test_a_refusal_reaches_the_client_with_its_receipt(site: Site, home: Path) -> None:
    world = resume(open_round_history()[0])
    most = world.state.rounds.by_id[open_round_history()[1]].max_approvals
    with serving(site, home, 1) as (_, url), Client(url, [LOG_VKEY]) as client:
        answer = client.submit(vote(world, PANEL[0], most + 1), world.now)
    assert isinstance(answer, Declined)
    assert (answer.refusal.code, answer.attempt is None, answer.receipt is None) == ("OVERVOTE", False, False)
