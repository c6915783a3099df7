"""What one client can make the service hold, read or wait for, each bound reached and one below it."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.http.connections import MOST_PIPELINED, CutOff, DrainingServer, config_of
from api.http.limits import MINUTE_NS, STATUS, Guard, Rate, address_of, json_depth
from api.http.settings import Limits, Settings
from ledger.messages import LANGUAGES, catalogue


async def refuse(scope: Scope, send: Send, code: str, status: int, wait: int | None) -> None:
    headers = {"retry-after": str(wait)} if wait else {}

    async def receive() -> Any:
        raise AssertionError("a refusal reads nothing")

    await JSONResponse({"code": code}, status, headers)(scope, receive, send)


async def echo(request: Request) -> Response:
    return JSONResponse({"bytes": len(await request.body())})


async def hang(request: Request) -> Response:
    await asyncio.sleep(3600)
    return Response()


async def swallow(request: Request) -> Response:
    """A handler that takes every error for its own, as frameworks do while they read a body."""
    try:
        await request.body()
    except Exception:
        return JSONResponse({"code": "SOMETHING_ELSE"}, 400)
    return JSONResponse({})


def guarded(**limits: int) -> Guard:
    routes = [
        Route("/echo", echo, methods=["GET", "POST"]),
        Route("/v1/evidence/one", echo, methods=["PUT"]),
        Route("/hang", hang),
        Route("/swallow", swallow, methods=["POST"]),
        Route("/health", echo),
    ]
    return Guard(Starlette(routes=routes), Limits(**limits), refuse, (ip_network("10.0.0.0/8"),))


def run(asking: Callable[[httpx.AsyncClient], Coroutine[Any, Any, Any]], guard: Guard, peer: str = "192.0.2.1") -> Any:
    async def asked() -> Any:
        transport = httpx.ASGITransport(guard, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://ledger") as client:
            return await asking(client)

    return asyncio.run(asked())


def one(guard: Guard, method: str, path: str, **more: Any) -> tuple[int, Any]:
    async def asking(client: httpx.AsyncClient) -> tuple[int, Any]:
        answer = await client.request(method, path, **more)
        return answer.status_code, answer.json()

    found: tuple[int, Any] = run(asking, guard)
    return found


async def pieces(sizes: list[int], wait: float = 0) -> AsyncIterator[bytes]:
    for size in sizes:
        await asyncio.sleep(wait)
        yield bytes(size)


@pytest.mark.parametrize("path", ["/echo", "/swallow"])
def test_a_body_has_a_size_whether_it_is_declared_or_not(path: str) -> None:
    guard = guarded(body_bytes=1000)
    assert one(guard, "POST", path, content=bytes(1000))[0] == 200
    for content in (bytes(1001), pieces([400, 400, 201])):
        assert one(guard, "POST", path, content=content) == (413, {"code": "BODY_TOO_LARGE"})
    assert guard.under_way == 0


def test_uploads_of_evidence_have_a_size_of_their_own() -> None:
    guard = guarded(body_bytes=1000, upload_bytes=5000)
    assert one(guard, "PUT", "/v1/evidence/one", content=bytes(5000)) == (200, {"bytes": 5000})
    assert one(guard, "PUT", "/v1/evidence/one", content=bytes(5001))[0] == 413
    as_json = {"content": bytes(1001), "headers": {"content-type": "application/json"}}
    assert one(guard, "PUT", "/v1/evidence/one", **as_json)[0] == 413


@pytest.mark.parametrize("kind", ["application/json", "application/problem+json; charset=utf-8", "Application/JSON"])
def test_json_nests_so_deep_and_no_deeper(kind: str) -> None:
    guard = guarded(json_depth=8)
    headers = {"content-type": kind}
    assert one(guard, "POST", "/echo", content=b"[" * 8 + b"]" * 8, headers=headers) == (200, {"bytes": 16})
    deep = b'{"a":' * 9 + b"1" + b"}" * 9
    assert one(guard, "POST", "/swallow", content=deep, headers=headers) == (400, {"code": "JSON_TOO_DEEP"})
    assert one(guard, "POST", "/echo", content=json.dumps(["[" * 99, '\\"[[[[[[[[[["']), headers=headers)[0] == 200


JSON = st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(JSON, st.booleans())
def test_the_depth_is_that_of_a_parser(value: object, escaped: bool) -> None:
    assert json_depth(json.dumps(value, ensure_ascii=escaped).encode(), 1000) == depth(value)


@given(st.binary())
def test_no_bytes_confuse_the_measuring(body: bytes) -> None:
    assert 0 <= json_depth(body, 5) <= 6


def test_a_long_target_and_a_large_head_are_refused() -> None:
    guard = guarded(target_bytes=20, header_bytes=500, header_count=10)
    assert one(guard, "GET", "/echo?" + "a" * 16) == (414, {"code": "TARGET_TOO_LONG"})
    assert one(guard, "GET", "/echo", headers={"x": "a" * 500}) == (431, {"code": "HEAD_TOO_LARGE"})
    many = {f"x-{number}": "" for number in range(10)}
    assert one(guard, "GET", "/echo", headers=many) == (431, {"code": "HEAD_TOO_LARGE"})


def test_a_body_that_trickles_in_is_given_up() -> None:
    guard = guarded(body_seconds=1, body_bytes_a_second=1_000_000)
    assert one(guard, "POST", "/swallow", content=pieces([1] * 4, 0.4)) == (408, {"code": "BODY_TIMEOUT"})
    assert one(guard, "POST", "/swallow", content=pieces([400_000] * 4, 0.4))[0] == 200


def test_an_answer_that_does_not_begin_is_given_up_with_a_time_to_try_again() -> None:
    async def asking(client: httpx.AsyncClient) -> None:
        answer = await client.get("/hang")
        assert (answer.status_code, answer.json()) == (503, {"code": "ANSWER_TIMEOUT"})
        assert answer.headers["retry-after"] == "1"

    guard = guarded(answer_seconds=1)
    run(asking, guard)
    assert guard.under_way == 0


def test_so_many_requests_at_once() -> None:
    guard = guarded(requests_at_once=3, answer_seconds=1)

    async def asking(client: httpx.AsyncClient) -> list[Any]:
        answers = await asyncio.gather(*(client.get("/hang") for _ in range(5)))
        return sorted(answer.json()["code"] for answer in answers)

    assert run(asking, guard) == ["ANSWER_TIMEOUT"] * 3 + ["SERVICE_BUSY"] * 2
    assert one(guard, "GET", "/echo")[0] == 200


def test_an_address_has_a_rate_and_writes_one_of_their_own() -> None:
    guard = guarded(request_burst=6, requests_a_minute=1, write_burst=2, writes_a_minute=1)

    async def asking(client: httpx.AsyncClient) -> list[int]:
        methods = ["POST", "POST", "POST", "GET", "GET", "GET", "GET"]
        return [(await client.request(method, "/echo")).status_code for method in methods]

    # What is refused as a write has been counted as a request.
    assert run(asking, guard) == [200, 200, 429, 200, 200, 200, 429]
    assert run(asking, guard, "192.0.2.2")[:2] == [200, 200]
    assert one(guard, "GET", "/health")[0] == 200

    async def waiting(client: httpx.AsyncClient) -> tuple[Any, int]:
        answer = await client.get("/echo")
        return answer.json(), int(answer.headers["retry-after"])

    problem, wait = run(waiting, guard)
    assert problem == {"code": "RATE_LIMITED"}
    assert 0 < wait <= 60


def test_a_rate_gives_back_with_time_and_remembers_so_many_keys() -> None:
    now = [0]
    rate = Rate(60, 3, 2, lambda: now[0])
    assert [rate.take("a") for _ in range(4)] == [0, 0, 0, 1]
    now[0] += 1_000_000_000
    assert [rate.take("a") for _ in range(2)] == [0, 1]
    now[0] += MINUTE_NS
    assert [rate.take("a") for _ in range(4)] == [0, 0, 0, 1]
    assert (rate.take("b", 3), rate.take("b"), rate.take("c", 4)) == (0, 1, 1)
    for number in range(100):
        rate.take(str(number))
    assert len(rate) == 2


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "nobody", "10.0.0.1"),
        ("::ffff:192.0.2.1", None, "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("10.0.0.1", "2001:db8:1:2:3:4:5:7", "2001:db8:1:2::/64"),
        (None, None, "local"),
    ],
)
def test_whom_a_rate_counts(peer: str | None, forwarded: str | None, expected: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope: Scope = {"type": "http", "client": (peer, 1) if peer else None, "headers": headers}
    assert address_of(scope, (ip_network("10.0.0.0/8"),)) == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_the_guard_has_a_sentence(language: str) -> None:
    known = {code for section in ("errors", "refusals") for code in catalogue()[language][section]}
    assert STATUS.keys() - known == set()


@contextmanager
def served(guard: ASGIApp, settings: Settings, drain: Callable[[], object] = lambda: None) -> Iterator[tuple[str, int]]:
    """The application on a real socket."""
    server = DrainingServer(config_of(guard, settings), drain)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listening.getsockname()
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def closed(connection: socket.socket) -> bool:
    """Whether the other side has ended the connection."""
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True


def answered(address: tuple[str, int], *sent: bytes) -> bytes:
    """What comes back until the server ends the connection."""
    with socket.create_connection(address, 5) as connection, suppress(BrokenPipeError, ConnectionResetError):
        for one in sent:
            connection.sendall(one)
        return b"".join(iter(lambda: connection.recv(65_536), b""))
    return b""


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /echo HTTP/1.1\r\nHost: ledger\r\nX-Long: ",
        b"GET /echo?",
        b"POST /echo HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Long: ",
        b"POST /echo HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked\r\n\r\n1;long=",
    ],
)
def test_a_line_that_does_not_end_is_given_up(begun: bytes) -> None:
    settings = Settings(limits=Limits(head_seconds=30, header_bytes=2_000, target_bytes=2_000))
    with served(guarded(), settings) as address:
        begin = time.monotonic()
        given = answered(address, begun, *(b"a" * 100_000 for _ in range(20)))
        assert given == b"" or b"HEAD_TOO_LARGE" in given or b"REQUEST_INVALID" in given
        assert time.monotonic() - begin < 5


@pytest.mark.parametrize("hosts", [b"", b"Host: ledger\r\nHost: ledger\r\n", b"Host: ledger\r\nHost: elsewhere\r\n"])
def test_a_request_names_one_host(hosts: bytes) -> None:
    """RFC 9112, 3.2: none, or more than one, and a proxy and this server may not mean the same."""
    with served(guarded(), Settings()) as address:
        given = answered(address, b"GET /echo HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
        assert given.startswith(b"HTTP/1.1 400")
        assert b"HOST_AMBIGUOUS" in given
        assert answered(address, b"GET /echo HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_what_follows_a_body_is_no_head() -> None:
    async def names(request: Request) -> Response:
        await request.body()
        return JSONResponse(sorted(request.headers))

    guard = Guard(Starlette(routes=[Route("/names", names, methods=["POST"])]), Limits(), refuse)
    head = b"POST /names HTTP/1.1\r\nHost: ledger\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with served(guard, Settings()) as address:
        given = answered(address, head, b"1\r\na\r\n0\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n")
    assert given.endswith(b'["connection","host","transfer-encoding"]')


def test_few_requests_wait_on_one_connection() -> None:
    with served(guarded(), Settings()) as address:
        given = answered(address, b"GET /echo HTTP/1.1\r\nHost: ledger\r\n\r\n" * 1000)
    assert given.count(b"HTTP/1.1") <= MOST_PIPELINED + 2
    assert b"HTTP/1.1 400" in given


def test_slow_heads_and_too_many_connections_are_closed() -> None:
    settings = Settings(limits=Limits(head_seconds=1, connections_an_address=2))
    drained: list[bool] = []
    with served(guarded(), settings, lambda: drained.append(True)) as address:
        with socket.create_connection(address, 5) as slow, socket.create_connection(address, 5) as quick:
            slow.sendall(b"GET /echo HTTP/1.1\r\nHost: ledger\r\nX-Slow: ")
            quick.sendall(b"GET /echo HTTP/1.1\r\nHost: ledger\r\n\r\n")
            assert quick.recv(100).startswith(b"HTTP/1.1 200")
            with socket.create_connection(address, 5) as third:
                assert closed(third)
            assert slow.recv(100) == b""
        with httpx.Client() as client:
            assert client.get(f"http://127.0.0.1:{address[1]}/echo").json() == {"bytes": 0}
        assert drained == []
    assert drained == [True]


def test_what_is_cut_off_at_the_end_is_told_to_come_again() -> None:
    settings = Settings(limits=Limits(shutdown_seconds=1))
    with ExitStack() as stack:
        server = ExitStack()
        address = server.enter_context(served(CutOff(guarded(), refuse), settings))
        hanging = stack.enter_context(socket.create_connection(address, 10))
        hanging.sendall(b"GET /hang HTTP/1.1\r\nHost: ledger\r\n\r\n")
        time.sleep(0.3)
        server.close()
        told = hanging.recv(10_000)
    assert told.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: " in told
    assert b'"SHUTTING_DOWN"' in told


def test_a_client_that_goes_away_is_no_fault() -> None:
    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async def nothing(message: Any) -> None:
        raise AssertionError("there is nobody to answer")

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    asyncio.run(problems.Faults(reading)(scope, gone, nothing))
