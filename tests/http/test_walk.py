"""A whole selection over HTTP alone, by the client, as by the command line: it comes to the same results."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from api.client import Client
from api.rehearsal.demo import SEED
from api.rehearsal.driver import World
from api.rehearsal.over_http import ServedLedger
from api.rehearsal.scenario_notice import ANONYMOUS_TEXT, SIGNED_TEXT
from api.rehearsal.seals import sealing_key
from api.witness.serving import listen
from ledger.errors import VerificationError
from ledger.sealing import SealContext, open_sealed
from ledger.sealing_keys import FILE as SEALING_KEYS
from ledger.sealing_keys import decode
from tests.api.calling import call
from tests.api.conftest import reachable
from tests.http.conftest import Service
from tests.http.test_forms import answered_by
from tests.http.test_statements import service, vote
from tests.simulator import MemoryLedger

__all__ = ["reachable", "service"]


@pytest.fixture(scope="module")
def by_command(reachable: Path) -> dict[str, Any]:
    """The demonstration as the command line plays it."""
    told = call("demo", "--folder", reachable / "by-command", "--json")
    assert told.code == 0
    value: dict[str, Any] = told.value
    return value


@pytest.mark.parametrize("workers", [1, 2])
def test_a_selection_over_http_alone_comes_to_the_same_results(
    by_command: dict[str, Any], reachable: Path, workers: int
) -> None:
    folder = reachable / f"walk-{workers}"
    told = call("demo", "--over-http", "--workers", workers, "--folder", folder, "--seed", SEED, "--json")
    assert told.code == 0
    walked = told.value
    assert walked["served_hash"] == walked["results_hash"] == by_command["results_hash"]
    assert walked["named"] == by_command["named"]
    assert walked["verified"]["clean"]
    assert walked["verified"]["size"] == by_command["verified"]["size"]
    codes = [beat["code"] for beat in walked["beats"]]
    assert codes == [beat["code"] for beat in by_command["beats"]]
    assert {"paper-ballot", "public-vote", "leaders-object", "anonymous", "upheld", "approved", "named"} <= set(codes)
    told_by = (folder / "service.log").read_text()
    statements = walked["verified"]["size"]
    assert told_by.count('"route":"/v1/') > 2 * statements - 10, "each but the charter has a form and an answer"
    assert told_by.count('"route":"/v1/objections"') == 1
    assert sealed_texts(folder) == {ANONYMOUS_TEXT, SIGNED_TEXT}


def sealed_texts(folder: Path) -> set[str]:
    """What objectors uploaded, as the discipline office reads it."""
    programme, world = decode((folder / SEALING_KEYS).read_bytes()).programme, World(MemoryLedger(), SEED)
    objections = [world.identifier(f"objection/{number}") for number in (1, 2)]
    return {
        open_sealed(sealing_key(SEED), file.read_bytes(), SealContext(programme, objection)).decode()
        for file in (folder / "evidence").glob("*/*")
        if not file.suffix
        for objection in objections
        if opens(file.read_bytes(), SealContext(programme, objection))
    }


def opens(sealed: bytes, context: SealContext) -> bool:
    """Whether a sealed text belongs to this objection."""
    try:
        open_sealed(sealing_key(SEED), sealed, context)
    except VerificationError:
        return False
    return True


def test_a_play_that_somebody_else_writes_into_stops(service: Service) -> None:
    with answered_by(service) as client:
        played = ServedLedger(client)
        with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
            played.submit(vote(service.world), service.world.now)
        with pytest.raises(TypeError, match="route of its own"):
            played.submit(b"", 0, b"rows")


def test_answers_do_not_wait_for_one_another_on_the_wire() -> None:
    async def accepted() -> int:
        connected = asyncio.get_running_loop().create_future()
        with listen("127.0.0.1:0") as listening:
            server = await asyncio.start_server(lambda _, writer: connected.set_result(writer), sock=listening)
            async with server:
                _, near = await asyncio.open_connection(*listening.getsockname())
                writer: asyncio.StreamWriter = await connected
                delay_off: int = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                for one in (near, writer):
                    one.close()
        return delay_off

    assert asyncio.run(accepted())


def test_without_keys_a_client_reads_what_is_told(service: Service) -> None:
    with answered_by(service) as given:
        client = Client("http://ledger.test", http=given._http)
        assert client.checkpoint() == service.context.store.newest_checkpoint()[1]  # type: ignore[index]
