"""The stream of public entries: exactly those, in order, never above the pin, resumed without a gap or a repetition."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest
from starlette.types import Message

from api.http.app import create_app
from api.http.feed import KEPT, Feed, Item
from api.http.routes_stream import event_of
from api.http.settings import Limits, Settings
from ledger.errors import StoreError
from ledger.merkle import leaf_hash
from ledger.statements import decode_own_entry
from projections.disclosure import Publicity
from tests.http.conftest import JSON, Service
from tests.http.test_ops import path_at
from tests.http.test_statements import open_round_history, vote
from tests.simulator import History

Serve = Callable[[History], Service]


@pytest.fixture
def service(serving: Serve) -> Service:
    """A service whose panel may vote."""
    return serving(open_round_history()[0])


def public_of(history: History) -> dict[int, bytes]:
    """The public entries of a history, by the table itself."""
    publicity = Publicity()
    rows = ((index, row.entry) for index, row in enumerate(history.rows))
    return {index: entry for index, entry in rows if publicity.take(decode_own_entry(entry))}


def events_of(text: str) -> list[tuple[int, bytes]]:
    """Read server-sent events as a browser does."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if "data" in fields:
            assert fields["event"] == "entry"
            found.append((int(fields["id"]), fields["data"].encode()))
    return found


def get(service: Service, path: str, **headers: str) -> httpx.Response:
    """Ask once, when the feed is current."""

    async def playing(app: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ledger.test") as client:
            return await client.get(path, headers=headers)

    found: httpx.Response = live(service, playing)
    return found


def test_the_public_entries_and_no_others_byte_for_byte(service: Service) -> None:
    history = open_round_history()[0]
    answer = get(service, "/v1/stream?follow=false&after=-1")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    found = events_of(answer.text)
    assert dict(found) == public_of(history)
    assert 20 < len(found) < len(history.rows)
    assert all(first < second for (first, _), (second, _) in pairwise(found))
    assert leaf_hash(found[0][1]) == decode_own_entry(history.rows[0].entry).leaf


@pytest.mark.parametrize("by_header", [True, False])
def test_it_resumes_after_any_index_without_a_gap_or_a_repetition(service: Service, by_header: bool) -> None:
    public = public_of(open_round_history()[0])
    size = len(open_round_history()[0].rows)
    for last in (0, 1, *sorted(public)[3:5], size - 2, size - 1, size + 1000):
        headers = {"last-event-id": str(last)} if by_header else {}
        query = "" if by_header else f"&after={last}"
        found = events_of(get(service, f"/v1/stream?follow=false{query}", **headers).text)
        assert dict(found) == {index: entry for index, entry in public.items() if index > last}


@pytest.mark.parametrize("last", ["-2", "01", "1.0", "1e3", "x", "9" * 30, "\uff19"])
def test_an_id_that_is_no_index_is_refused(service: Service, last: str) -> None:
    answer = get(service, f"/v1/stream?follow=false&after={last}")
    assert (answer.status_code, answer.json()["code"]) == (400, "EVENT_ID_MALFORMED")


class Following:
    """A client of the application that reads an endless answer piece by piece."""

    def __init__(self, service: Service, app: Any, query: bytes) -> None:
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._gone = asyncio.Event()
        headers = [(b"host", b"ledger.test")]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": "/v1/stream", "raw_path": b"/v1/stream", "query_string": query, "root_path": "",
            "headers": headers, "client": ("127.0.0.1", 1), "server": ("ledger.test", 80),
        }  # fmt: skip
        self.task = asyncio.create_task(app(scope, self._receive, self._send))
        self._asked = False

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status.set_result(message["status"])
        elif message.get("body"):
            self.pieces.put_nowait(message["body"])

    async def event(self) -> tuple[int, bytes]:
        """The next event; heartbeats are passed over."""
        while True:
            piece = await asyncio.wait_for(self.pieces.get(), 10)
            if found := events_of(piece.decode()):
                return found[0]

    async def leave(self) -> None:
        """Go away."""
        self._gone.set()
        await asyncio.wait_for(self.task, 10)


def set_limits(service: Service, **limits: int) -> None:
    """Give a service other bounds."""
    object.__setattr__(service.context, "settings", Settings(limits=Limits(**limits)))


def live(service: Service, playing: Callable[[Any], Any]) -> Any:
    """Run the application and let somebody play with it."""

    async def run() -> Any:
        app = create_app(service.context)
        async with app.router.lifespan_context(app):
            while app.state.feed.size < service.sequencer.size:
                await asyncio.sleep(0.02)
            return await playing(app)

    return asyncio.run(run())


def test_a_new_public_entry_reaches_those_who_follow_and_a_ballot_does_not(service: Service) -> None:
    async def playing(app: Any) -> None:
        last = service.sequencer.size - 1
        following = Following(service, app, b"after=%d" % last)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ledger.test") as client:
            sent = await client.post(path_at(service), content=vote(service.world), headers=JSON)
            assert sent.status_code == 201
            made = service.world.envelope("organiser", suspended())
            told = await client.post(path_at(service), content=made, headers=JSON)
            assert told.status_code == 201, told.text
            again = await following.event()
        assert again == (told.json()["index"], service.context.store.entry(told.json()["index"]))
        assert again[0] == sent.json()["index"] + 1
        await following.leave()
        assert not app.state.streams

    live(service, playing)


def suspended() -> Any:
    """A public statement that a play may make at any time."""
    from ledger.statements.foundation import SelectionSuspended

    return SelectionSuspended(evidence="ab" * 32, reason="a pause")


def test_who_follows_hears_a_beat_and_is_one_of_so_many(service: Service) -> None:
    set_limits(service, heartbeat_seconds=1, streams_an_address=2)

    async def playing(app: Any) -> None:
        clients = [Following(service, app, b"") for _ in range(3)]
        assert [await client.status for client in clients] == [200, 200, 503]
        assert await clients[0].pieces.get() == b"retry: 2000\n\n"
        assert await asyncio.wait_for(clients[0].pieces.get(), 5) == b":\n\n"
        for client in clients:
            await client.leave()
        another = Following(service, app, b"")
        assert await another.status == 200
        await another.leave()

    live(service, playing)


class Shelf:
    """A store whose pin a test moves, and which may be away."""

    def __init__(self, history: History) -> None:
        self._entries = [row.entry for row in history.rows]
        self.pinned = 0
        self.away = False
        self.recorder = self

    def released(self) -> int:
        return self.pinned

    def size(self) -> int:
        self._asked()
        return len(self._entries)

    def read_entries(self, start: int, stop: int) -> Any:
        for index in range(start, stop):
            self._asked()
            yield index, self._entries[index]

    def _asked(self) -> None:
        if self.away:
            raise StoreError("STORE_UNAVAILABLE", schema="ledger")


def fed(shelf: Shelf, page: int, playing: Callable[[Feed], Any]) -> Any:
    """Run a feed over a shelf."""

    async def run() -> Any:
        feed = Feed(shelf, page)  # type: ignore[arg-type]
        task = asyncio.create_task(feed.run())
        try:
            return await asyncio.wait_for(playing(feed), 20)
        finally:
            feed.close()
            await task

    return asyncio.run(run())


async def some(items: AsyncGenerator[Item | None], most: int) -> list[int]:
    """The indexes of the next items."""
    found = []
    async for item in items:
        if item is not None:
            found.append(item.index)
        if len(found) == most:
            break
    return found


def test_nothing_above_the_pin_is_shown_though_it_is_committed() -> None:
    history = open_round_history()[0]
    public, shelf = sorted(public_of(history)), Shelf(history)

    async def playing(feed: Feed) -> None:
        for pinned in (1, 3, public[5], public[5] + 1, len(history.rows)):
            shelf.pinned = pinned
            while feed.size < pinned:
                await asyncio.sleep(0.01)
            assert feed.size == pinned
            assert [item.index async for item in feed.rest(0)] == [index for index in public if index < pinned]

    fed(shelf, 3, playing)


@pytest.mark.parametrize("page", [1, 2, 1000])
def test_who_is_behind_gets_pages_and_misses_nothing(monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr("api.http.feed.KEPT", 4)
    assert KEPT == 1024
    history = open_round_history()[0]
    public, shelf = sorted(public_of(history)), Shelf(history)
    shelf.pinned = len(history.rows)

    async def playing(feed: Feed) -> None:
        assert await some(feed.follow(0, 5), len(public)) == public
        assert len(feed._newest) == 4
        items, _ = await feed.page(0)
        assert len(items) <= page
        for start in range(0, len(history.rows), 97):
            wanted = [index for index in public if index >= start]
            assert [item.index async for item in feed.rest(start)] == wanted

    fed(shelf, page, playing)


def test_a_store_that_is_away_is_waited_for_and_nothing_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.http.feed.AGAIN_SECONDS", 0.05)
    monkeypatch.setattr("api.http.feed.KEPT", 4)
    history = open_round_history()[0]
    public, shelf = sorted(public_of(history)), Shelf(history)
    shelf.pinned, shelf.away = 10, True

    async def playing(feed: Feed) -> None:
        following = asyncio.create_task(some(feed.follow(0, 0.05), len(public)))
        for away in (True, False, True, False):
            shelf.away = away
            await asyncio.sleep(0.2)
            shelf.pinned = len(history.rows)
        assert await following == public

    fed(shelf, 5, playing)


def test_an_event_is_one_line_of_data_whatever_a_statement_says() -> None:
    for index, row in enumerate(open_round_history()[0].rows):
        assert row.entry.count(b"\n") == row.entry.count(b"\r") == 0
        event = event_of(Item(index, 0, "kind", row.entry))
        assert event.count(b"\n") == 4
        assert events_of(event.decode()) == [(index, row.entry)]
