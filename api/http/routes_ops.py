"""For whoever runs the service: is it alive, may it be sent requests, what are its numbers, which version is it.

`/health` asks nothing of anybody. `/ready` asks the store, the read side and the way in, so that a load balancer sends
requests elsewhere while one of them is away, or while the service ends. `/metrics` are for a bearer of the token or
for this machine alone.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.http.context import Context, context_in
from api.http.described import as_file
from api.http.door import LocalDoor
from api.http.feed import Feed
from api.problems import HttpError
from api.witness.collected import Collected, read_policy
from api.witness.status import status_of
from ledger.errors import LedgerError, StoreError
from ledger.pin import read
from projections.live import released_size

API_VERSION = "v1"
READY_SECONDS = 3.0
MEASURE_SECONDS = 2.0
MOST_BEHIND = 10_000
"""Entries that the read side may be behind and still be asked."""
NO_STORE = {"cache-control": "no-store"}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Take the numbers that stand by themselves while the application runs."""
    context: Context = app.state.context
    context.store.appended = context.metrics.committed
    task = asyncio.create_task(_keep_measuring(context))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_measuring(context: Context) -> None:
    while True:
        measure(context)
        await asyncio.sleep(MEASURE_SECONDS)


def measure(context: Context) -> None:
    """Take how many entries are published, how far reading is, and how many statements wait."""
    with suppress(LedgerError):
        released = context.store.recorder.released()
        size = context.door.size if released is None else released
        context.metrics.stands(size, context.reader.position, context.door.waiting)
        if isinstance(context.door, LocalDoor):
            context.metrics.sequencing(context.door.waiting)


router = APIRouter(tags=["running"], lifespan=_lifespan)

_UNREADY: dict[int | str, dict[str, Any]] = {503: {"description": "what is away, as a problem"}}
_NUMBERS = {
    **as_file("text/plain", "every number, in the text format of Prometheus"),
    404: {"description": "for whom they are not"},
}


def drain(app: FastAPI) -> None:
    """Begin to end: nothing is ready any more and streams end; what was handed in is still answered."""
    app.state.draining = True
    feed = getattr(app.state, "feed", None)
    if isinstance(feed, Feed):
        feed.close()


@router.get("/health", summary="Whether the process answers")
async def health(response: Response) -> dict[str, str]:
    """Answer."""
    response.headers.update(NO_STORE)
    return {"status": "ok"}


@router.get("/ready", summary="Whether requests can be answered now", responses=_UNREADY)
async def ready(request: Request, response: Response) -> dict[str, Any]:
    """Say how far reading is, once the store and the read side answer and the sequencer is reached.

    Problems: `SHUTTING_DOWN`, `STORE_UNAVAILABLE`, `READ_BUSY` (the read side is far behind), and those of the store.
    """
    response.headers.update(NO_STORE)
    if getattr(request.app.state, "draining", False):
        raise HttpError("SHUTTING_DOWN", HTTPStatus.SERVICE_UNAVAILABLE, {"retry-after": "5"})
    context = context_in(request)
    if not context.door.is_open:
        raise StoreError("STORE_UNAVAILABLE")
    size = await stored_size(context)
    behind = max(0, size - context.reader.position)
    if behind > MOST_BEHIND:
        raise HttpError("READ_BUSY", HTTPStatus.SERVICE_UNAVAILABLE, behind=behind)
    return {"status": "ready", "entries": size, "behind": behind, "waiting": context.door.waiting}


async def stored_size(context: Context) -> int:
    """Ask the store how many entries are published, for a few seconds. Raises `StoreError` if it does not answer."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            return await asyncio.to_thread(released_size, context.store)
    except TimeoutError:
        raise StoreError("STORE_UNAVAILABLE") from None


@router.get("/metrics", summary="Numbers for Prometheus", response_class=Response, responses=_NUMBERS)
async def metrics(request: Request) -> Response:
    """Return all numbers, as Prometheus reads them."""
    context = context_in(request)
    if not _may_measure(request, context):
        raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
    measure(context)
    for name, lag in await asyncio.to_thread(witness_lags, context):
        context.metrics.witnessed(name, lag)
    return Response(await asyncio.to_thread(context.metrics.exposed), headers=NO_STORE, media_type=CONTENT_TYPE_LATEST)


def _may_measure(request: Request, context: Context) -> bool:
    token = context.settings.metrics_token
    if token is not None:
        given = request.headers.get("authorization", "").encode()
        return hmac.compare_digest(given, b"Bearer " + token.get_secret_value().encode())
    # Behind a proxy on this machine every peer is this machine, so whoever comes through one needs the token.
    forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "via"))
    try:
        return not forwarded and request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False


@router.get("/version", summary="Which version of the service and of its interface this is")
async def versions(request: Request, response: Response) -> dict[str, str]:
    """Return the release, the version in the paths, and which log is served."""
    response.headers["cache-control"] = "public, max-age=60"
    return {"version": version("ballot-ledger"), "api": API_VERSION, "origin": context_in(request).home.origin}


def witness_lags(context: Context) -> list[tuple[str, int]]:
    """Return for every witness of the policy how many published entries it has not cosigned."""
    try:
        policy = read_policy(context.home.folder)
        keys = context.reader.read(None, lambda picture: picture.state.log.known_keys)
        if policy is None or keys is None:
            return []
        found = status_of(policy, keys, context.home.origin, Collected(context.home.folder), read(context.home.pin))
    except LedgerError:
        return []
    return [(one.name, one.lag(found.published)) for one in found.witnesses]
