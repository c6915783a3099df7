"""The shortcut of frequent requests: the same handler, the same answers, and nothing else goes that way."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from api import problems
from api.http.app import create_app, ways
from api.http.express import Express, Way, body_of
from api.problems import HttpError
from tests.http.conftest import JSON, Service
from tests.http.test_statements import service

__all__ = ["service"]


async def handler(request: Request) -> Response:
    if request.query_params:
        raise HttpError("NOT_FOUND", 404)
    return JSONResponse({"poll": request.path_params["poll"], "body": (await body_of(request)).decode()})


def answered(app: FastAPI | Express, method: str, path: str, **more: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ledger.test") as client:
            return await client.request(method, path, **more)

    return asyncio.run(ask())


def application(shortcut: bool) -> FastAPI:
    app = FastAPI(redirect_slashes=False)
    app.post("/polls/{poll}/ballots")(handler)
    if shortcut:
        app.add_middleware(Express, ways=[Way("POST", "/polls/{poll}/ballots", handler)])
    problems.install(app)
    return app


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/polls/one/ballots", 200),
        ("POST", "/polls/%E4%B8%80/ballots", 200),
        ("POST", "/polls/one/ballots?x=1", 404),
        ("GET", "/polls/one/ballots", 405),
        ("POST", "/polls/one/two/ballots", 404),
        ("POST", "/polls/one/ballots/", 404),
        ("POST", "/polls//ballots", 404),
    ],
)
def test_a_shortcut_leads_where_the_route_leads(method: str, path: str, status: int) -> None:
    plain, short = (answered(application(shortcut), method, path, content=b"x") for shortcut in (False, True))
    assert plain.status_code == short.status_code == status
    told = [{**one.json(), "instance": ""} for one in (plain, short)]
    assert told[0] == told[1]


def test_a_body_in_pieces_is_one_and_a_client_that_is_gone_has_none() -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b"},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return messages.pop(0)

    request = Request({"type": "http", "headers": []}, receive)
    assert asyncio.run(body_of(request)) == b"ab"
    with pytest.raises(ClientDisconnect):
        asyncio.run(body_of(request))


def test_every_shortcut_is_a_route_that_is_described(service: Service) -> None:
    described = create_app(service.context).openapi()["paths"]
    assert {way.path for way in ways()} >= {"/v1/statements", "/v1/polls/{poll}/ballots"}
    assert all(way.method.lower() in described[way.path] for way in ways())


@pytest.mark.parametrize("at", ["", "-1", "1.0", "+1", "01", " 1", "1_0", str(2**53), "99999999999999999999"])
def test_a_time_is_a_plain_number(service: Service, at: str) -> None:
    async def ask() -> httpx.Response:
        async with service.client() as client:
            return await client.post("/v1/statements", params={"at": at}, content=b"{}", headers=JSON)

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["facts"]) == (422, {"where": "query.at"})
