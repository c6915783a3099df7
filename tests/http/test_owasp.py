"""OWASP's ten risks of APIs (2023), one after the other: what is attacked, how, and that it does not succeed."""

import asyncio
import base64
import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.client import sign_in_text
from api.http import webhooks
from api.http.settings import Limits
from api.http.webhooks import DeliveryRefused, deliver, is_public_address, judged_address
from api.problems import MEDIA_TYPE
from api.rehearsal.steps_rounds import ballot, closing
from api.timestamps import MAX_STAMP_BYTES, _post
from api.witness.client import WitnessClient
from ledger.checkpoint import MAX_NOTE_BYTES
from ledger.cosignature import WitnessKey
from ledger.errors import LedgerError
from ledger.signing import SigningKey, envelope_bytes, key_id
from ledger.statements import open_envelope
from ledger.statements.roll import KeyRevoked, RoleGranted, RoleWithdrawn
from ledger.witness_policy import Witness
from tests.finalists import CITY, notice_history
from tests.http.live import Lasting, Live, live_service
from tests.http.reading import REASON
from tests.http.test_openapi import DESCRIPTION, OPERATIONS
from tests.http.test_roles import routes
from tests.http.test_statements import open_round_history
from tests.simulator import LOG_VKEY
from tests.voting import PANEL

STRANGER = SigningKey.from_seed(b"o" * 32)


@pytest.fixture(scope="module")
def live(lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service whose selection has come to its notice."""
    with live_service(lasting_site, tmp_path_factory.mktemp("owasp"), notice_history(CITY)) as one:
        yield one


@pytest.fixture(scope="module")
def polling(lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service whose panel may vote."""
    with live_service(lasting_site, tmp_path_factory.mktemp("polling"), open_round_history()[0]) as one:
        yield one


def vote(live: Live, member: str, place: int = 0, **header: Any) -> bytes:
    """A member's ballot for one candidate."""
    world, round_id = live.service.world, open_round_history()[1]
    chosen = world.alias_of(world.state.rounds.by_id[round_id].candidates[place])
    return world.envelope(member, ballot(world, round_id, [chosen]), **header)


def hand_in(live: Live, envelope: bytes, **headers: str) -> httpx.Response:
    """Hand a statement in at the time of the play."""
    path = f"/v1/statements?at={live.service.world.now}"
    return live.http.post(path, content=envelope, headers={"content-type": "application/json"} | headers)


def told(answer: httpx.Response) -> tuple[int, Any]:
    """Status and problem, but for what differs in every answer."""
    return answer.status_code, answer.json() | {"instance": ""}


def test_API1_broken_object_level_authorisation(live: Live) -> None:
    """Attacked: other people's histories, ballots and uploads, by putting their ids where one's own belong."""
    world = live.service.world
    mine, other = world.person("applicant-01"), world.person("applicant-02")
    headers = live.session("applicant-01") | REASON
    for path in ("/v1/history/{}", "/v1/explanations/{}"):
        assert live.http.get(path.format(mine), headers=headers).status_code == 200
        found, absent = (live.http.get(path.format(one), headers=headers) for one in (other, "f" * 32))
        assert told(found) == told(absent)
        assert found.status_code == 403
    declared = {"class": "personal", "media_type": "application/pdf", "sha256": "0" * 64, "size": 8}
    made = live.http.post("/v1/uploads", json=declared, headers=headers)
    assert made.status_code == 201, made.text
    owned, nowhere = made.headers["location"], f"/v1/uploads/{'f' * 32}"
    thief = live.session("applicant-02")
    piece = {"upload-offset": "0", "upload-complete": "?1", "content-type": "application/octet-stream"}
    for method, more in (("GET", {}), ("PATCH", piece), ("DELETE", {})):
        answers = [live.http.request(method, one, headers=thief | more) for one in (owned, nowhere)]
        assert told(answers[0]) == told(answers[1])
        assert answers[0].status_code == 404
    assert live.http.get(owned, headers=headers).json()["offset"] == 0


def test_API1_a_ballot_is_cast_by_nobody_but_its_member(polling: Live) -> None:
    """Attacked: another member's vote, by their id over one's own signature."""
    world, size = polling.service.world, polling.service.sequencer.size
    victim = world.person(PANEL[1])
    stolen = vote(polling, PANEL[0], person=victim)
    assert told(hand_in(polling, stolen))[1]["code"] == "KEY_NOT_OWNERS"
    signed = open_envelope(vote(polling, PANEL[1]))
    forged = envelope_bytes(signed.payload_type, signed.payload, signed.statement.key, STRANGER.sign(signed.payload))
    assert hand_in(polling, forged).status_code == 401
    assert polling.service.sequencer.size == size


def test_API2_broken_authentication_at_signing_in(live: Live) -> None:
    """Attacked: sign-in, by challenges used twice, made up, of another service, and by signatures for other things."""
    key = live.service.world.actor("organiser").key

    def sign_in(given: dict[str, str], text: str, name: str = key_id(key.public)) -> httpx.Response:
        signature = base64.b64encode(key.sign(text.encode())).decode()
        body = {"challenge": given["challenge"], "key": name, "signature": signature}
        return live.http.post("/v1/session", json=body)

    def fresh() -> dict[str, str]:
        found: dict[str, str] = live.http.post("/v1/session/challenge").json()
        return found

    given = fresh()
    assert sign_in(given, given["message"]).status_code == 201
    failures = [sign_in(given, given["message"])]
    given = fresh()
    failures.append(sign_in(given, sign_in_text("https://elsewhere.example", given["challenge"]).decode()))
    failures.append(sign_in(given, given["challenge"]))
    own = {"challenge": base64.urlsafe_b64encode(bytes(56)).decode().rstrip("=")}
    failures.append(sign_in(own, sign_in_text(given["origin"], own["challenge"]).decode()))
    failures.append(sign_in(given, given["message"], key_id(STRANGER.public)))
    assert {one.status_code for one in failures} == {401}
    assert len({json.dumps(told(one)[1]) for one in failures}) == 1
    envelope = envelope_bytes("application/json", given["message"].encode(), key_id(key.public), key.sign(b""))
    assert hand_in(live, envelope).status_code == 400


def test_API2_sessions_end_with_their_key_and_change_with_their_role(
    lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Attacked: what a session may once its key is revoked or its role taken away; guessed and misplaced tokens."""
    with live_service(lasting_site, tmp_path_factory.mktemp("sessions"), notice_history(CITY)) as live:
        world = live.service.world
        inspector, intake = live.session("inspector-1"), live.session("intake-1")
        assert live.http.get("/v1/status", headers=inspector).status_code == 200
        withdrawn = RoleWithdrawn(world.person("inspector-1"), "任期届满", "inspector")
        world.cosign(world.must("registrar", withdrawn), "discipline")
        assert live.http.get("/v1/status", headers=inspector).status_code == 403
        actor = world.actor("intake-1")
        revoked = KeyRevoked("stolen", key_id(actor.key.public), actor.person, "被盗", None)
        world.cosign(world.must("registrar", revoked), "discipline")
        assert live.http.get("/v1/status", headers=intake).status_code == 401
        organiser = live.session("organiser")
        token = organiser["authorization"].removeprefix("Bearer ")
        for wrong in (token[:-1], token + "A", token.swapcase(), sha256(token.encode()).hexdigest(), "x"):
            answer = live.http.get("/v1/status", headers={"authorization": f"Bearer {wrong}"})
            assert answer.status_code == 401
        assert live.http.get(f"/v1/status?token={token}&access_token={token}").status_code == 401
        assert live.http.get("/v1/status", headers={"cookie": f"session={token}; token={token}"}).status_code == 401
        assert "set-cookie" not in live.http.get("/v1/status", headers=organiser).headers


def test_API3_broken_object_property_level_authorisation(live: Live) -> None:
    """Attacked: members that nobody may set, and answers that tell more of an object than their reader may know."""
    given = live.http.post("/v1/session/challenge").json()
    signature = base64.b64encode(live.service.world.actor("panel-01").key.sign(given["message"].encode())).decode()
    key = key_id(live.service.world.actor("panel-01").key.public)
    body = {"challenge": given["challenge"], "key": key, "signature": signature}
    for more in ({"roles": ["discipline"]}, {"person": live.service.world.person("organiser")}, {"expires_at": 2**50}):
        answer = live.http.post("/v1/session", json=body | more)
        assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID")
    envelope = json.loads(live.service.world.envelope("discipline", RoleGranted("a" * 32, "x", "organiser")))
    for other in ({"index": 0}, {"at": 0}, {"admin": True}):
        assert hand_in(live, json.dumps(envelope | other, separators=(",", ":")).encode()).status_code == 400
    members = [live.service.world.person(alias) for alias in PANEL]
    tags = [actor.id_tag for actor in live.service.world.actors.values()]
    for path in ("/v1/rounds", "/v1/rankings", "/v1/stages", "/v1/notices", "/v1/vacancies", "/v1/programme"):
        text = live.http.get(path).text
        # Nobody but by role learns who sat in a panel, and nobody at all a keyed hash of somebody's number.
        assert not [one for one in (*members, *tags) if one in text], path
        assert '"ballots"' not in text
        assert '"open_objections":["' not in text
    session = live.http.get("/v1/session", headers=live.session("panel-01")).json()
    assert session.keys() <= {"method", "person", "roles"}


def test_API4_unrestricted_resource_consumption(
    lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Attacked: memory, time and connections, by large, deep, many, endless and expensive requests."""
    limits = Limits(request_burst=40, requests_a_minute=1, body_bytes=100_000, batch_size=10, page_size=5)
    with live_service(lasting_site, tmp_path_factory.mktemp("small"), notice_history(CITY), limits) as live:
        many, kind = "application/vnd.ballot-ledger.statements+json", "application/json"
        asked: list[tuple[bytes, str, int, str]] = [
            (b"x" * 100_001, kind, 413, "BODY_TOO_LARGE"),
            (b"[" * 99_000, kind, 400, "JSON_TOO_DEEP"),
            (b'{"statements":[%b]}' % b",".join([b"{}"] * 11), many, 413, "TOO_MANY_STATEMENTS"),
            (b"\n" * 50_000, "application/x-ndjson", 413, "TOO_MANY_STATEMENTS"),
        ]
        for content, media, status, code in asked:
            answer = live.http.post("/v1/statements", content=content, headers={"content-type": media})
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert live.http.get("/v1/stages?at=" + "9" * 5_000).json()["code"] == "TARGET_TOO_LONG"
        assert live.http.get("/v1/stages", headers={"x-large": "x" * 17_000}).json()["code"] == "HEAD_TOO_LARGE"
        page = live.http.get("/v1/stages?limit=10000").json()
        assert (len(page["stages"]), page["next"] is None) == (5, False)
        codes = [live.http.get("/v1/stages") for _ in range(60)]
        assert {one.status_code for one in codes} == {200, 429}
        last = codes[-1]
        assert (last.status_code, last.json()["code"]) == (429, "RATE_LIMITED")
        assert int(last.headers["retry-after"]) > 0
        assert live.http.get("/health").status_code == 200


def test_API5_broken_function_level_authorisation(polling: Live) -> None:
    """Attacked: what offices alone may do and read, by members and applicants, and by headers that rename a request."""
    world, size = polling.service.world, polling.service.sequencer.size
    everybody = [
        (PANEL[0], closing(world, open_round_history()[1])),
        (PANEL[0], RoleGranted(world.person(PANEL[0]), "x", "discipline")),
        ("applicant-01", RoleGranted(world.person("applicant-01"), "x", "organiser")),
    ]
    for alias, body in everybody:
        answer = hand_in(polling, world.envelope(alias, body))
        assert (answer.status_code, answer.json()["code"]) == (403, "NOT_AUTHORISED")
    assert polling.service.sequencer.size == size
    for alias in (PANEL[0], "applicant-01"):
        headers = polling.session(alias) | REASON
        for path in ("/v1/reads", "/v1/exports?audience=auditor", "/tile/entries/000", "/v1/status", "/v1/objections"):
            assert polling.http.get(path, headers=headers).status_code in {403, 404}, path
        renamed = headers | {
            "x-http-method-override": "DELETE",
            "x-original-url": "/v1/reads",
            "x-rewrite-url": "/v1/reads",
        }
        answer = polling.http.get("/v1/session", headers=renamed)
        assert answer.json()["person"] == world.person(alias)
        assert polling.http.get("/v1/session", headers=headers).status_code == 200


def test_API6_unrestricted_access_to_sensitive_business_flows(polling: Live) -> None:
    """Attacked: the vote itself, by many hands at once, by machines that guess codes, and by watching how it goes."""
    world, size = polling.service.world, polling.service.sequencer.size
    world.now += 1000
    same, others = vote(polling, PANEL[2]), [vote(polling, PANEL[3], place) for place in range(6)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda one: hand_in(polling, one), [same] * 12))
        raced = list(pool.map(lambda one: hand_in(polling, one), others))
    assert sorted(one.status_code for one in answers) == [200] * 11 + [201]
    assert len({one.json()["receipt"] for one in answers}) == 1
    assert sorted(one.status_code for one in raced) == [201] + [409] * 5
    assert {one.json()["code"] for one in raced if one.status_code == 409} == {"ALREADY_VOTED"}
    assert polling.service.sequencer.size == size + 2
    for alias in ("organiser", "discipline", PANEL[0]):
        headers = polling.session(alias) | REASON
        for path in ("/v1/rounds", "/v1/rankings", f"/v1/rounds/{open_round_history()[1]}/ballots"):
            answer = polling.http.get(path, headers=headers)
            assert not [one for one in running(answer.json()) if one.get("lines") or one.get("ballots")]
    guesses = [{"channel": "c", "code": f"{number:032x}", "candidates": ["a"]} for number in range(30)]
    for body in guesses:
        assert 400 <= polling.http.post("/v1/polls/nowhere/ballots", json=body).status_code < 500


def running(value: Any) -> list[dict[str, Any]]:
    """Every round of an answer that is open."""
    if isinstance(value, dict):
        here = [value] if value.get("status") in {"open", "closing"} and "list_hash" in value else []
        return here + [one for member in value.values() for one in running(member)]
    return [one for member in value for one in running(member)] if isinstance(value, list) else []


PRIVATE = (
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fd00:ec2::254",
)  # fmt: skip


def test_API7_server_side_request_forgery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attacked: what only this machine reaches, by webhooks to private addresses, redirects and names that change."""
    assert not [one for one in PRIVATE if is_public_address(one)]
    for host in ("127.1", "0x7f.1", "2130706433", "localhost", "[::1]"):
        with pytest.raises((DeliveryRefused, OSError)):
            asyncio.run(judged_address(host, 80, False))
    # A name that is public when it is judged and private when it is connected to: the address that was judged is used.
    asked: list[str] = []

    def rebinding(self: Any, host: str, port: int, **more: Any) -> Any:
        asked.append(host)

        async def found() -> Any:
            address = "93.184.215.14" if len(asked) == 1 else "127.0.0.1"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        return found()

    reached: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        reached.append(f"{request.url} {request.headers['host']}")
        return httpx.Response(302, headers={"location": "http://169.254.169.254/latest/meta-data"})

    async def delivering() -> int:
        monkeypatch.setattr(asyncio.get_running_loop().__class__, "getaddrinfo", rebinding, raising=False)
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), follow_redirects=False) as client:
            return await deliver(client, "https://rebinds.example/hook", b"{}", STRANGER, False)

    assert asyncio.run(delivering()) == 302
    assert reached == ["https://93.184.215.14/hook rebinds.example"]
    assert asked == ["rebinds.example"]
    with pytest.raises(DeliveryRefused):
        asyncio.run(deliver(httpx.AsyncClient(), "http://example.org/", b"{}", STRANGER, False))
    # And nothing that is asked over HTTP names an address to go to.
    assert '"format": "uri"' not in json.dumps(DESCRIPTION)
    names = {one["name"].lower() for operation in OPERATIONS.values() for one in operation.get("parameters", ())}
    assert names.isdisjoint({"url", "uri", "callback", "redirect", "host", "webhook", "target", "next_url"})


def test_API8_security_misconfiguration(live: Live) -> None:
    """Attacked: headers that are missing, origins of other pages, errors that talk, pages of tools, odd methods."""
    asked = [
        "/v1/programme",
        "/v1/nowhere",
        "/problems/OVERVOTE",
        "/health",
        "/v1/status",
        "/checkpoint",
        "/tile/0/000",
    ]
    evil = {"origin": "https://evil.example", "access-control-request-method": "DELETE"}
    for path in asked:
        answer = live.http.get(path, headers=evil)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert "server" not in answer.headers
        assert "x-powered-by" not in answer.headers
        assert "evil" not in answer.text
    assert live.http.options("/v1/session", headers=evil).status_code == 405
    assert live.http.request("TRACE", "/v1/programme", headers={"authorization": "secret"}).status_code == 405
    for path in (
        "/docs",
        "/redoc",
        "/openapi.json",
        "/docs/oauth2-redirect",
        "/.env",
        "/.git/config",
        "/static/../etc",
    ):
        assert told(live.http.get(path))[1]["code"] == "NOT_FOUND"
    given = live.http.post(
        "/v1/session/challenge", headers={"host": "evil.example", "x-forwarded-host": "evil.example"}
    )
    assert given.json()["origin"] == live.url
    for path in (
        "/v1/stages?at=%00",
        "/v1/stages/%f0%28%8c%28",
        "/v1/stages?cursor=%ff",
        "/entry/..%2f..%2fetc/passwd",
    ):
        answer = live.http.get(path)
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert "Traceback" not in answer.text
        assert "passwd" not in answer.text
    smuggled = b"POST /v1/statements HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"
    smuggled += b"0\r\n\r\nGET /x"
    assert live.raw(smuggled + b" HTTP/1.1\r\nconnection: close\r\n\r\n").count(b"HTTP/1.1") == 1


def test_API8_numbers_are_for_a_bearer_of_the_token_alone(
    lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Attacked: the service's numbers, from this machine and through a proxy on it."""
    with live_service(lasting_site, tmp_path_factory.mktemp("numbers"), open_round_history()[0]) as live:
        assert live.http.get("/metrics").status_code == 200
        assert live.http.get("/metrics", headers={"x-forwarded-for": "127.0.0.1"}).status_code == 404
        object.__setattr__(live.service.context.settings, "metrics_token", SecretStr("a token"))
        for wrong in (
            {},
            {"authorization": "Bearer"},
            {"authorization": "Bearer a toke"},
            {"authorization": "a token"},
        ):
            assert live.http.get("/metrics", headers=wrong).status_code == 404
        assert live.http.get("/metrics", headers={"authorization": "Bearer a token"}).status_code == 200


UNVERSIONED = {"/checkpoint", "/tile/{path:path}", "/entry/{path:path}", "/health", "/ready", "/metrics", "/version"}


def test_API9_improper_inventory_management(live: Live) -> None:
    """Attacked: what nobody remembers is there: other versions, undescribed routes, and hosts of tests."""
    outside = {path for path in routes() if not path.startswith("/v1/")}
    # The log's files stand at the paths that their specification gives; the rest is asked by machines that run us.
    assert outside == UNVERSIONED | {"/problems/{code}"}
    described = {path.replace(":path}", "}") for path in routes()}
    assert described == set(DESCRIPTION["paths"])
    for path in (
        "/v0/stages",
        "/v2/stages",
        "/v1beta/stages",
        "/api/v1/stages",
        "/internal",
        "/admin",
        "/debug",
        "/test",
    ):
        assert live.http.get(path).status_code == 404
    assert live.http.get("/version").json()["api"] == "v1"
    assert not [one for one in OPERATIONS.values() if one.get("deprecated")]


@contextmanager
def malicious(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Somebody else's service, which answers as a function does."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(20)

        def serve() -> None:
            try:
                connection, _ = door.accept()
                with connection:
                    connection.settimeout(20)
                    connection.recv(65_536)
                    answer(connection)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


def endless(connection: socket.socket) -> None:
    """Answer with more than anybody should read."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
    for _ in range(4_000):
        connection.sendall(b"x" * 65_536)


def dripping(connection: socket.socket) -> None:
    """Answer a byte at a time, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
    pause = threading.Event()
    while not pause.wait(0.2):
        connection.sendall(b"x")


def elsewhere(connection: socket.socket) -> None:
    """Send whoever asks to where they should not go."""
    connection.sendall(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")


def compressed(connection: socket.socket) -> None:
    """Answer with a little that unpacks to a lot."""
    body = gzip.compress(b"x" * (64 << 20))
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)


@pytest.mark.parametrize("answer", [endless, dripping, elsewhere, compressed])
def test_API10_unsafe_consumption_of_apis(
    answer: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attacked: we ourselves, by the answers of witnesses, time-stamping authorities and receivers of webhooks."""
    monkeypatch.setattr("api.timestamps.SECONDS", 1.0)
    monkeypatch.setattr(webhooks, "SECONDS", 8.0)
    with malicious(answer) as url:
        stamp = expected(lambda: _post(url, b"request"))
        # What is packed stays packed: nothing unpacks an answer before it is bounded.
        assert stamp is None or (answer is compressed and len(stamp) <= MAX_STAMP_BYTES)
    witness = Witness("witness.example", WitnessKey("witness.example", LOG_VKEY.public), "http://127.0.0.1")
    with malicious(answer) as url, WitnessClient(replace(witness, url=url), 1.0) as client:
        reply = expected(lambda: client.add(0, (), b"note"))
        assert reply is None or (reply.status, len(reply.body) <= MAX_NOTE_BYTES) in {(302, True), (200, True)}

    async def delivered(url: str) -> int:
        async with httpx.AsyncClient(follow_redirects=False, trust_env=False) as client:
            return await deliver(client, url, b"{}", STRANGER, True)

    with malicious(answer) as url:
        # Of an answer to a webhook nothing but the status is read.
        assert asyncio.run(delivered(url)) in {200, 302}


def expected(ask: Callable[[], Any]) -> Any:
    """What was answered, None where whoever answered was given up."""
    found: Any = None
    with suppress(LedgerError):
        found = ask()
    return found
