"""Running the service: alive, ready, measured; logs without personal data; what is away, and ending in order."""

import asyncio
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.http.app import create_app
from api.http.logs import LOGGER, JsonLines, configure, request_id, told_of
from api.http.measuring import Metrics
from api.http.routes_ops import drain
from api.http.settings import Settings
from api.http.socket_door import SocketDoor
from ledger.errors import StoreError
from tests.http.conftest import JSON, Service
from tests.http.test_statements import ask, open_round_history, vote
from tests.simulator import ORIGIN, History
from tests.voting import PANEL

Serve = Callable[[History], Service]


@pytest.fixture
def service(serving: Serve) -> Service:
    """A service whose panel may vote."""
    return serving(open_round_history()[0])


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What is logged, line by line."""
    root, stream = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level, logging.getLogger(LOGGER).level)
    configure("debug")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root.handlers[:] = [handler]
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    logging.getLogger(LOGGER).setLevel(before[2])


def path_at(service: Service) -> str:
    """Where statements are handed in, at the play's time."""
    return f"/v1/statements?at={service.world.now}"


def get(service: Service, path: str, **headers: str) -> httpx.Response:
    """Ask once."""

    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get(path)

    found: httpx.Response = ask(service, asking, **headers)
    return found


def test_health_ready_and_version(service: Service) -> None:
    size = open_round_history()[0].rows
    assert get(service, "/health").json() == {"status": "ok"}
    ready = get(service, "/ready")
    assert (ready.status_code, ready.headers["cache-control"]) == (200, "no-store")
    assert ready.json() == {"status": "ready", "entries": len(size), "behind": 0, "waiting": 0}
    found = get(service, "/version").json()
    assert (found["api"], found["origin"]) == ("v1", ORIGIN)
    assert found["version"].count(".") == 2


def test_without_a_sequencer_it_is_not_ready(service: Service) -> None:
    object.__setattr__(service.context, "door", SocketDoor(service.context.home.folder / "nobody.sock"))
    away = get(service, "/ready")
    assert (away.status_code, away.json()["code"]) == (503, "STORE_UNAVAILABLE")
    assert get(service, "/health").status_code == 200


def test_every_answer_bears_an_id_of_our_own_whatever_the_client_sent(service: Service) -> None:
    found = {get(service, "/health", **{"x-request-id": "Zhang San"}).headers["x-request-id"] for _ in range(3)}
    assert len(found) == 3
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in found)


def test_a_vote_leaves_no_trace_of_who_or_what_in_the_log(
    service: Service, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    envelope = vote(service.world)

    async def asking(client: httpx.AsyncClient) -> None:
        token = {"authorization": "Bearer hush-hush", "x-forwarded-for": "198.51.100.7"}
        sent = await client.post(path_at(service) + "&name=hush-hush", content=envelope, headers=JSON | token)
        assert sent.status_code == 201
        assert (await client.post(path_at(service), content=envelope[:-9], headers=JSON)).status_code == 400
        assert (await client.get("/v1/hush-hush/张三")).status_code == 404

    ask(service, asking)
    told = [line for line in lines() if line.get("event") == "request"]
    assert [(line["route"], line["method"], line["status"]) for line in told] == [
        ("/v1/statements", "POST", 201),
        ("/v1/statements", "POST", 400),
        ("(none)", "GET", 404),
    ]
    assert len({line["request"] for line in told}) == 3
    known = {"at", "level", "logger", "event", "route", "method", "status", "microseconds", "request"}
    assert all(line.keys() == known for line in told)
    written = json.dumps(lines(), ensure_ascii=False)
    for secret in ("hush-hush", "198.51.100.7", "127.0.0.1", "张三", service.world.actor(PANEL[0]).person):
        assert secret not in written


def test_of_an_error_only_its_code_or_kind_and_its_places_are_told(lines: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        raise ValueError("Zhang San voted for Li Si")
    except ValueError as error:
        logging.getLogger("uvicorn.error").exception("failed for %s", "Zhang San", exc_info=error)
        told = told_of(error)
    assert told["error"] == "ValueError"
    assert str(told["trace"]).startswith("['test_ops.test_of_an_error")
    assert told_of(StoreError("STORE_UNAVAILABLE", host="db.example"))["error"] == "STORE_UNAVAILABLE"
    (line,) = lines()
    assert line["error"] == "ValueError"
    assert "Zhang" not in json.dumps(line)
    assert request_id.get() is None


def test_metrics_count_by_route_and_code_and_name_nobody(service: Service) -> None:
    service.context.store.appended = service.context.metrics.committed
    envelope = vote(service.world)

    async def asking(client: httpx.AsyncClient) -> str:
        for _ in range(2):
            await client.post(path_at(service), content=envelope, headers=JSON)
        refused = await client.post(path_at(service), content=vote(service.world), headers=JSON)
        assert refused.json()["code"] == "ALREADY_VOTED"
        answer = await client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        return answer.text

    found = ask(service, asking)
    size = service.sequencer.size
    assert 'ballot_ledger_requests_total{method="POST",route="/v1/statements",status="201"} 1.0' in found
    assert 'ballot_ledger_requests_total{method="POST",route="/v1/statements",status="200"} 1.0' in found
    assert 'ballot_ledger_refusals_total{code="ALREADY_VOTED"} 1.0' in found
    assert "ballot_ledger_sequenced_total 2.0" in found
    assert f"ballot_ledger_entries {float(size)}" in found
    assert "ballot_ledger_queue 0.0" in found
    assert "ballot_ledger_projection_lag_entries" in found
    assert not any(actor.person in found for actor in service.world.actors.values())


def test_batches_and_commits_are_measured_where_they_are_committed(service: Service) -> None:
    metrics = Metrics()
    metrics.committed(7, 3_000_000)
    metrics.witnessed("witness.example/a", -1)
    found = metrics.exposed().decode()
    assert 'ballot_ledger_batch_entries_bucket{le="8.0"} 1.0' in found
    assert 'ballot_ledger_commit_seconds_bucket{le="0.005"} 1.0' in found
    assert 'ballot_ledger_witness_lag_entries{witness="witness.example/a"} 0.0' in found


@pytest.mark.parametrize(
    ("token", "headers", "status"),
    [
        (None, {}, 200),
        (None, {"x-forwarded-for": "198.51.100.7"}, 404),
        (None, {"forwarded": "for=198.51.100.7"}, 404),
        ("hush-hush", {}, 404),
        ("hush-hush", {"authorization": "Bearer hush"}, 404),
        ("hush-hush", {"authorization": "Bearer hush-hush", "x-forwarded-for": "198.51.100.7"}, 200),
    ],
)
def test_who_reads_the_metrics(service: Service, token: str | None, headers: dict[str, str], status: int) -> None:
    settings = Settings(metrics_token=SecretStr(token) if token else None)
    object.__setattr__(service.context, "settings", settings)
    assert get(service, "/metrics", **headers).status_code == status


def test_an_ending_service_is_not_ready_and_lets_no_stream_begin(service: Service) -> None:
    async def ending() -> None:
        app = create_app(service.context)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://ledger.test") as client,
        ):
            assert (await client.get("/ready")).status_code == 200
            following = asyncio.create_task(client.get("/v1/stream"))
            await asyncio.sleep(0.1)
            assert not following.done()
            drain(app)
            assert (await asyncio.wait_for(following, 5)).text.startswith("retry: ")
            for path in ("/ready", "/v1/stream"):
                answer = await client.get(path)
                assert (answer.status_code, answer.json()["code"]) == (503, "SHUTTING_DOWN")
                assert answer.headers["retry-after"] == "5"
            # What comes on an open connection is still answered.
            sent = await client.post(path_at(service), content=vote(service.world), headers=JSON)
            assert sent.status_code == 201

    asyncio.run(ending())


@cache
def _two_processes() -> str:
    return (
        "import sys\nfrom api.http.measuring import Metrics\nm = Metrics()\nm.refused('ALREADY_VOTED')\n"
        "m.stands(10, 8, 3)\nprint(m.exposed().decode())\n"
    )


def test_the_numbers_of_several_processes_are_added_up(tmp_path: Path) -> None:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", _two_processes()], env=environment, capture_output=True, text=True, check=True
        )
    assert 'ballot_ledger_refusals_total{code="ALREADY_VOTED"} 2.0' in done.stdout
    assert "ballot_ledger_projection_lag_entries" in done.stdout
