"""`GET /v1/stream`: the public entries as server-sent events, in the order of the log.

An event's `id` is the entry's index and its `data` the entry's exact bytes, whose leaf hash anybody computes. A client
that comes back with `Last-Event-ID` goes on at the next public entry, without a gap or a repetition. Nothing above the
pin is sent.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.http.context import Context, context_in
from api.http.feed import Feed, Item
from api.http.webhooks import Dispatcher, describe_key, webhook_key
from api.problems import HttpError
from ledger.checkpoint import MAX_SIZE, parse_decimal

MEDIA_TYPE = "text/event-stream"
RETRY_MILLISECONDS = 2_000
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff"}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep the feed current, and deliver to webhooks, while the application runs."""
    context: Context = app.state.context
    feed = app.state.feed = Feed(context.store, context.settings.limits.stream_page)
    app.state.streams = Counter[str]()
    dispatcher = Dispatcher(context.home, context.settings, feed, context.metrics)
    tasks = [asyncio.create_task(feed.run()), asyncio.create_task(dispatcher.run())]
    try:
        yield
    finally:
        feed.close()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


router = APIRouter(tags=["following"], lifespan=_lifespan)

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "events: `id` an entry's index, `event` is `entry`, `data` its bytes; comments in between",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": 'id: 0\nevent: entry\ndata: {"envelope":…}'}},
    },
    400: {"description": "`EVENT_ID_MALFORMED`"},
    503: {"description": "`SERVICE_BUSY`: too many clients follow already"},
}


@router.get("/v1/stream", summary="Follow the public entries", response_class=StreamingResponse, responses=_RESPONSES)
async def stream(
    request: Request,
    last_event_id: Annotated[str | None, Header(description="the index of the last entry that was received")] = None,
    after: Annotated[str | None, Query(description="the same, where headers cannot be set; -1 for all")] = None,
    follow: Annotated[bool, Query(description="whether to wait for more; false ends with what is there")] = True,
) -> StreamingResponse:
    """Send the public entries after an index, by default from now on, then every new one."""
    context, feed = context_in(request), _feed_of(request)
    start = _start(last_event_id if last_event_id is not None else after, feed.size)
    address = str(getattr(request.state, "address", "local"))
    counts: Counter[str] = request.app.state.streams
    limits = context.settings.limits
    if counts.total() >= limits.streams or counts[address] >= limits.streams_an_address:
        raise HttpError("SERVICE_BUSY", HTTPStatus.SERVICE_UNAVAILABLE, {"retry-after": "10"})
    counts[address] += 1
    items = feed.follow(start, limits.heartbeat_seconds) if follow else feed.rest(start)
    return _Counted(_told(context, items), counts, address)


class _Counted(StreamingResponse):
    """A stream that counts as one from when it is admitted until its client is gone, whether it began or not."""

    def __init__(self, content: AsyncGenerator[bytes], counts: Counter[str], address: str) -> None:
        super().__init__(content, headers=HEADERS, media_type=MEDIA_TYPE)
        self._counts, self._address = counts, address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._counts[self._address] -= 1
            if not self._counts[self._address]:
                del self._counts[self._address]


@router.get("/v1/webhook-key", summary="The key that signs what webhooks are sent")
async def key(request: Request) -> dict[str, Any]:
    """Return the public key under which deliveries are signed (RFC 9421), and its id."""
    return describe_key(await asyncio.to_thread(webhook_key, context_in(request).home))


def _feed_of(request: Request) -> Feed:
    found = request.app.state.feed
    if not isinstance(found, Feed) or found.closed:
        raise HttpError("SHUTTING_DOWN", HTTPStatus.SERVICE_UNAVAILABLE, {"retry-after": "5"})
    return found


def _start(last: str | None, size: int) -> int:
    """Return the index to begin with. An index that is not there yet is waited for: other workers may know it."""
    if last is None:
        return size
    if last == "-1":
        return 0
    found = parse_decimal(last)
    if found is None or found >= MAX_SIZE:
        raise HttpError("EVENT_ID_MALFORMED", HTTPStatus.BAD_REQUEST)
    return found + 1


async def _told(context: Context, items: AsyncGenerator[Item | None] | AsyncGenerator[Item]) -> AsyncGenerator[bytes]:
    with context.metrics.streaming():
        yield b"retry: %d\n\n" % RETRY_MILLISECONDS
        async with aclosing(items) as found:
            async for item in found:
                yield b":\n\n" if item is None else event_of(item)


def event_of(item: Item) -> bytes:
    """Return an entry as an event; its bytes are one line, as canonical JSON always is."""
    return b"id: %d\nevent: entry\ndata: %b\n\n" % (item.index, item.entry)
