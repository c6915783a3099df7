"""Section 6 and H20, over HTTP: the store is away in the last minute; nothing is lost, and nobody gets time alone."""

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from psycopg.conninfo import make_conninfo

from api.rehearsal.driver import World
from ledger.embedded import EmbeddedPostgres
from ledger.receipt import parse, verify
from ledger.statements.foundation import SelectionSuspended
from ledger.statements.framing import frame_entry
from ledger.store import install
from tests.disputes.test_section_1 import extension
from tests.http.conftest import JSON, Service, served
from tests.http.test_statements import open_round_history, vote
from tests.http.test_stream import events_of
from tests.plays import history_at
from tests.sequenced import SCHEMA, SERVICE, Site
from tests.simulator import LOG_VKEY, History
from tests.test_embedded import processes_in
from tests.voting import PANEL


class Power:
    """A real PostgreSQL with a log in it, which a test stops and starts at the same place."""

    def __init__(self, folder: Path, tmp: Path) -> None:
        self._folder = folder
        self._server: EmbeddedPostgres | None = EmbeddedPostgres.start(folder)
        dsn = self._server.dsn
        assert install(dsn, SCHEMA, SERVICE) == []
        self.site = Site(dsn, make_conninfo(dsn, user=SERVICE), tmp / "pin")

    def stop(self, killed: bool = False) -> None:
        """End the server, in order or by kill -9."""
        if self._server is None:
            return
        if killed:
            pid = int((self._folder / "data" / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, signal.SIGKILL)
        self._server.stop()
        self._server = None
        # A backend that outlives its killed server for a moment still commits, durably: the store is not away yet.
        until = time.monotonic() + 20
        while processes_in(self._folder) and time.monotonic() < until:
            time.sleep(0.01)

    def start(self) -> None:
        """Start it again."""
        self._server = EmbeddedPostgres.start(self._folder)


@pytest.fixture(autouse=True)
def sequenced() -> None:
    """Each test puts its play into a PostgreSQL of its own, and nobody else does."""


@pytest.fixture
def power(tmp_path: Path) -> Iterator[Power]:
    """A PostgreSQL of this test alone."""
    folder = Path(tempfile.mkdtemp(prefix="ballot-ledger-power-"))
    folder.chmod(0o755)
    found = Power(folder, tmp_path)
    yield found
    found.stop()
    shutil.rmtree(folder)


@contextmanager
def service_on(site: Site, history: History, folder: Path) -> Iterator[Service]:
    with ExitStack() as stack:
        yield stack.enter_context(served(site, history, folder))


async def sent(client: httpx.AsyncClient, world: World, envelope: bytes, **headers: str) -> httpx.Response:
    """Hand in a statement at the play's time."""
    return await client.post(f"/v1/statements?at={world.now}", content=envelope, headers=JSON | headers)


async def until_taken(client: httpx.AsyncClient, world: World, envelope: bytes) -> httpx.Response:
    """Send the same statement again and again, as a client does, until it is answered with a receipt."""
    until = time.monotonic() + 60
    while True:
        answer = await sent(client, world, envelope)
        if answer.status_code != 503 or time.monotonic() > until:
            return answer
        await asyncio.sleep(0.2)


def away(answer: httpx.Response) -> dict[str, Any]:
    """It is the clear answer that the store is away: no receipt, and a time to come again."""
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["code"], told["clause"]) == (503, "STORE_UNAVAILABLE", None)
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert "receipt" not in told
    assert told["facts"] == {}
    return told


def holds(service: Service, envelope: bytes, told: dict[str, Any]) -> None:
    """The receipt proves the entry."""
    entry = frame_entry(told["index"], told["at"], envelope)
    assert service.context.store.entry(told["index"]) == entry
    verify(parse(told["receipt"].encode()), entry, [LOG_VKEY])


@pytest.mark.parametrize("killed", [False, True])
def test_H20_a_stopped_database_gives_no_receipt_and_the_service_recovers_by_itself(
    power: Power, tmp_path: Path, killed: bool
) -> None:
    with service_on(power.site, open_round_history()[0], tmp_path) as service:
        before, lost, new = (vote(service.world, member) for member in PANEL[:3])

        async def playing() -> None:
            async with service.client() as client:
                first = await sent(client, service.world, before)
                assert first.status_code == 201
                power.stop(killed)
                told = [
                    away(await sent(client, service.world, lost, **{"accept-language": language}))
                    for language in ("zh", "en")
                ]
                assert [one["detail"] for one in told] == [told[0]["zh"], told[0]["en"]]
                assert (await client.get("/ready")).status_code == 503
                assert (await client.get("/health")).status_code == 200
                power.start()
                taken = await until_taken(client, service.world, lost)
                assert taken.status_code in {200, 201}, taken.text
                holds(service, lost, taken.json())
                # Whoever did not hear the answer sends again, and gets what they would have got.
                for envelope, answer in ((before, first), (lost, taken)):
                    again = await sent(client, service.world, envelope)
                    assert again.status_code == 200
                    assert again.json() == answer.json() | {"again": True}
                assert (await sent(client, service.world, new)).status_code == 201
                assert (await client.get("/ready")).status_code == 200

        size = service.sequencer.size
        asyncio.run(playing())
        assert service.sequencer.size == size + 3
    assert power.site.audit().failures == []


@asynccontextmanager
async def probing(client: httpx.AsyncClient) -> AsyncIterator[list[int]]:
    """Ask all the time from outside whether the service is ready, and write down each answer."""
    seen: list[int] = []

    async def ask() -> None:
        while True:
            seen.append((await client.get("/ready")).status_code)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(ask())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_F12_an_outage_seen_from_outside_is_on_record_and_gives_time_to_all_or_to_nobody(
    power: Power, tmp_path: Path
) -> None:
    with service_on(power.site, history_at("window"), tmp_path) as service:
        world = service.world

        async def playing() -> None:
            async with service.client() as client:
                async with probing(client) as seen:
                    while 200 not in seen:
                        await asyncio.sleep(0.05)
                    power.stop()
                    while 503 not in seen:
                        await asyncio.sleep(0.05)
                    power.start()
                    while seen[-1] != 200:
                        await asyncio.sleep(0.05)
                for_one = world.envelope("sponsor-union", extension(world, only_for=world.person("somebody")))
                refused = await until_taken(client, world, for_one)
                assert (refused.status_code, refused.json()["code"]) == (422, "SCOPE_NOT_GENERAL")
                probe = hashlib.sha256(bytes(status // 100 for status in seen)).hexdigest()
                outage = world.envelope("organiser", SelectionSuspended(probe, "the service was away"))
                told = await sent(client, world, outage)
                assert told.status_code == 201, told.text
                # Everybody reads it, with the digest of what the probe saw.
                path, until = f"/v1/stream?follow=false&after={told.json()['index'] - 1}", time.monotonic() + 20
                shown: list[tuple[int, bytes]] = []
                while not shown and time.monotonic() < until:
                    shown = events_of((await client.get(path)).text)
                entry = frame_entry(told.json()["index"], told.json()["at"], outage)
                assert shown == [(told.json()["index"], entry)]

        asyncio.run(playing())
    assert power.site.audit().failures == []


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own with little room."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no room at all."""
    path = folder / "filler"
    with path.open("wb") as file:
        while True:
            try:
                file.write(bytes(1 << 16))
                file.flush()
            except OSError:
                return path


@pytest.mark.system
def test_H20_a_full_disk_gives_no_receipt_and_the_service_goes_on_once_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    power = Power(small_disk / "postgres", tmp_path)
    try:
        with service_on(power.site, open_round_history()[0], tmp_path) as service:
            asyncio.run(_fill_and_go_on(service, small_disk))
        assert power.site.audit().failures == []
    finally:
        power.stop()


async def _fill_and_go_on(service: Service, disk: Path) -> None:
    world, taken = service.world, dict[bytes, dict[str, Any]]()
    async with service.client() as client:
        filler = fill(disk)
        refused: bytes | None = None
        for number in range(2000):
            envelope = world.envelope("registrar", world.enrolment(f"invented-{number}"))
            world.now += 1000
            answer = await sent(client, world, envelope)
            if answer.status_code == 503:
                away(answer)
                refused = envelope
                break
            assert answer.status_code == 201, answer.text
            taken[envelope] = answer.json()
        assert refused is not None
        filler.unlink()
        answer = await until_taken(client, world, refused)
        assert answer.status_code in {200, 201}, answer.text
        taken[refused] = answer.json()
        for envelope, told in taken.items():
            holds(service, envelope, told)
