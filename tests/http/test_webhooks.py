"""Webhooks: CloudEvents, signed so that anybody can check, at least once, in order, never into a private network."""

import asyncio
import hashlib
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.http.feed import Feed, Item
from api.http.measuring import Metrics
from api.http.settings import Settings, Webhook
from api.http.webhooks import (
    Dispatcher,
    cloud_event,
    describe_key,
    is_public_address,
    judged_address,
    signature_base,
    signed_headers,
    webhook_key,
)
from api.witness.serving import listen, url_of
from ledger.errors import LedgerError
from ledger.merkle import leaf_hash
from ledger.opening import Home
from ledger.signing import SigningKey, key_id, verify_ed25519
from tests.http.test_statements import open_round_history
from tests.http.test_stream import Shelf, public_of
from tests.simulator import ORIGIN, History

HISTORY_START = 5


def home_of(folder: Path) -> Home:
    return Home(folder, ORIGIN, "ledger")


def test_the_signature_is_that_of_rfc_9421s_own_example() -> None:
    """Appendix B.2.6, with the key of appendix B.1.4."""
    seed = b64decode("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=")
    components = (
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("@method", "POST"),
        ("@path", "/foo"),
        ("@authority", "example.com"),
        ("content-type", "application/json"),
        ("content-length", "18"),
    )
    base, given = signature_base(components, ';created=1618884473;keyid="test-key-ed25519"')
    assert given.startswith('("date" "@method" "@path" "@authority" "content-type" "content-length");created=')
    signature = b64encode(SigningKey.from_seed(seed).sign(base)).decode()
    assert signature == "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="


def checked(url: str, headers: dict[str, str], body: bytes, public: bytes) -> None:
    """Check a delivery as a receiver does that knows the public key."""
    match = re.fullmatch(
        r'sig1=(\("@method" "@target-uri" "content-digest" "content-type"\)(;.+))', headers["signature-input"]
    )
    assert match is not None
    digest = f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"
    assert headers["content-digest"] == digest
    lines = (
        '"@method": POST',
        f'"@target-uri": {url}',
        f'"content-digest": {digest}',
        f'"content-type": {headers["content-type"]}',
        f'"@signature-params": {match[1]}',
    )
    signature = b64decode(headers["signature"].removeprefix("sig1=:").removesuffix(":"), validate=True)
    assert verify_ed25519(public, "\n".join(lines).encode(), signature)
    assert f'keyid="{key_id(public)}"' in match[2]
    assert 'alg="ed25519"' in match[2]


def test_what_is_signed_cannot_be_changed() -> None:
    key, url, body = SigningKey.from_seed(bytes(32)), "https://example.org/hook", b"{}"
    headers = signed_headers(key, url, body, 1_700_000_000)
    checked(url, headers, body, key.public)
    for changed in (("https://example.org/other", body), (url, b"[]")):
        with pytest.raises(AssertionError):
            checked(changed[0], headers, changed[1], key.public)
    assert "created=1700000000" in headers["signature-input"]


def test_an_entry_as_a_cloud_event() -> None:
    entry = open_round_history()[0].rows[0].entry
    event = json.loads(cloud_event(Item(7, 1_666_627_200_005, "charter.sealed", entry), ORIGIN))
    data = event.pop("data")
    assert data == json.loads(entry)
    assert event == {
        "specversion": "1.0",
        "id": "7",
        "source": f"/{ORIGIN}",
        "type": "ballot-ledger.charter.sealed",
        "time": "2022-10-24T16:00:00.005Z",
        "datacontenttype": "application/json",
        "leafhash": leaf_hash(entry).hex(),
    }


def test_the_key_is_made_once_kept_privately_and_told_without_its_secret(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    key = webhook_key(home)
    assert webhook_key(home).public == key.public
    assert (tmp_path / "webhook.key").stat().st_mode & 0o077 == 0
    told = describe_key(key)
    assert set(told) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert b64decode(told["x"].replace("-", "+").replace("_", "/") + "=") == key.public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("ff0e::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public_address(address) == public


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "[::1]", "169.254.169.254"])
def test_a_name_of_a_private_address_is_refused_however_it_is_spelled(host: str) -> None:
    with pytest.raises(LedgerError, match="WEBHOOK_ADDRESS"):
        asyncio.run(judged_address(host, 443, False))


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]

    async def ask(most: int) -> str:
        async def found(*_: Any, **__: Any) -> Any:
            return answers[:most]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
        return await judged_address("hook.example", 443, False)

    assert asyncio.run(ask(1)) == "93.184.216.34"
    for most in (0, 2):
        with pytest.raises(LedgerError, match="WEBHOOK_ADDRESS"):
            asyncio.run(ask(most))


class Receiver:
    """Somebody who is told, and who answers as a test wants; `heard` is every delivery."""

    def __init__(self, answers: Callable[[int], int]) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self._answers = answers
        self.url = ""

    async def hook(self, request: Request) -> Response:
        body = await request.body()
        self.heard.append((str(request.url), dict(request.headers), body))
        return Response("ignored", self._answers(len(self.heard)), {"location": "http://127.0.0.1:9/"})

    @property
    def ids(self) -> list[int]:
        """The indexes of what was heard."""
        return [int(json.loads(body)["id"]) for _, _, body in self.heard]

    @asynccontextmanager
    async def listening(self) -> Any:
        app = Starlette(routes=[Route("/hook", self.hook, methods=["POST"])])
        with closing(listen("127.0.0.1:0")) as socket:
            self.url = f"{url_of(socket)}/hook?key=1"
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
            task = asyncio.create_task(server.serve(sockets=[socket]))
            while not server.started:
                await asyncio.sleep(0.01)
            try:
                yield
            finally:
                server.should_exit = True
                await task


def delivered(
    folder: Path,
    receiver: Receiver,
    until: Callable[[], bool],
    allowed: bool = True,
    failures: int = 20,
    kinds: tuple[str, ...] = (),
) -> Dispatcher:
    """Deliver the public entries of a play until a test has seen enough."""

    async def run() -> Dispatcher:
        async with receiver.listening():
            hook = Webhook.model_validate({"name": "city", "url": receiver.url, "kinds": kinds, "start": HISTORY_START})
            settings = Settings(webhooks=(hook,), webhook_private_addresses=allowed, webhook_failures=failures)
            history = open_round_history()[0]
            shelf = Shelf(history)
            shelf.pinned = len(history.rows)
            feed = Feed(shelf, 64)  # type: ignore[arg-type]
            made = Dispatcher(home_of(folder), settings, feed, Metrics(), lambda _: 0.01)
            tasks = [asyncio.create_task(feed.run()), asyncio.create_task(made.run())]
            try:
                async with asyncio.timeout(20):
                    while not until():
                        await asyncio.sleep(0.01)
            finally:
                feed.close()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            return made

    return asyncio.run(run())


def public_from(start: int, history: History) -> list[int]:
    return [index for index in sorted(public_of(history)) if index >= start]


def test_every_public_entry_once_in_order_and_signed(tmp_path: Path) -> None:
    wanted = public_from(HISTORY_START, open_round_history()[0])
    receiver = Receiver(lambda count: 204)
    delivered(tmp_path, receiver, lambda: len(receiver.heard) >= len(wanted))
    assert receiver.ids == wanted
    public = webhook_key(home_of(tmp_path)).public
    for url, headers, body in receiver.heard:
        checked(url, headers, body, public)
        assert headers["content-type"] == "application/cloudevents+json"


def test_only_the_kinds_that_were_asked_for(tmp_path: Path) -> None:
    receiver = Receiver(lambda count: 200)
    delivered(tmp_path, receiver, lambda: len(receiver.heard) >= 2, kinds=("stage.opened",))
    assert {json.loads(body)["type"] for _, _, body in receiver.heard} == {"ballot-ledger.stage.opened"}


@pytest.mark.parametrize("status", [500, 404, 307])
def test_what_fails_is_tried_again_and_nothing_is_left_out(tmp_path: Path, status: int) -> None:
    wanted = public_from(HISTORY_START, open_round_history()[0])[:4]
    receiver = Receiver(lambda count: 200 if count % 3 == 0 else status)
    delivered(tmp_path, receiver, lambda: len(receiver.heard) >= 12)
    assert receiver.ids[:12] == [index for index in wanted for _ in range(3)]


def test_it_goes_on_after_a_restart_where_it_was(tmp_path: Path) -> None:
    wanted = public_from(HISTORY_START, open_round_history()[0])
    first, second = Receiver(lambda count: 200), Receiver(lambda count: 200)
    delivered(tmp_path, first, lambda: len(first.heard) >= 5)
    delivered(tmp_path, second, lambda: len(second.heard) >= 5)
    heard = first.ids + second.ids
    assert sorted(set(heard)) == wanted[: len(set(heard))]
    # What was under way when it ended may come again, and no more than that.
    assert len(heard) - len(set(heard)) <= 1


@pytest.mark.parametrize(("status", "tries"), [(500, 3), (410, 1)])
def test_after_so_many_failures_it_is_switched_off_until_its_address_changes(
    tmp_path: Path, status: int, tries: int
) -> None:
    receiver = Receiver(lambda count: status)
    kept = tmp_path / "run" / "webhooks" / "city.json"
    made = delivered(
        tmp_path, receiver, lambda: kept.exists() and json.loads(kept.read_bytes())["disabled"], failures=3
    )
    assert len(receiver.heard) == tries
    hook = Webhook.model_validate({"name": "city", "url": receiver.url})
    assert made.standing(hook).disabled
    moved = made.standing(Webhook.model_validate({"name": "city", "url": "https://example.org/new"}))
    assert (moved.disabled, moved.failures, moved.next) == (False, 0, receiver.ids[0])


def test_nothing_is_sent_to_this_machine_unless_it_is_allowed(tmp_path: Path) -> None:
    receiver = Receiver(lambda count: 200)
    kept = tmp_path / "run" / "webhooks" / "city.json"
    delivered(
        tmp_path, receiver, lambda: kept.exists() and json.loads(kept.read_bytes())["disabled"],
        allowed=False, failures=3,
    )  # fmt: skip
    assert receiver.heard == []
