"""The witness over HTTP: `POST /add-checkpoint` and the monitoring path `GET /<hash of the origin>/checkpoint`.

Bodies are bounded in bytes and time. Nothing of an error reaches an answer but its status: what went wrong inside is
told on standard error by its code alone.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from api.witness.message import MAX_BODY_BYTES
from api.witness.witness import Answer
from ledger.errors import LedgerError

BODY_SECONDS = 20
"""Time to send a whole request; longer holds a place that others wait for."""

Endpoint = Callable[[Request], Awaitable[Answer]]


def witness_app(show_note: Callable[[str], bytes | None], add_body: Callable[[bytes], Answer] | None) -> Starlette:
    """Return the application over `Witness.checkpoint` and `Witness.add`.

    Without the latter it only shows, and asks whoever submits to come back later (503).
    """

    async def add(request: Request) -> Answer:
        body = await _bounded_body(request)
        if body is None:
            return Answer(400)
        return await run_in_threadpool(add_body, body) if add_body is not None else Answer(503)

    async def show(request: Request) -> Answer:
        note = await run_in_threadpool(show_note, request.path_params["name"])
        return Answer(404) if note is None else Answer(200, note)

    return Starlette(
        routes=[
            Route("/add-checkpoint", _answering(add), methods=["POST"]),
            Route("/{name}/checkpoint", _answering(show), methods=["GET"]),
        ]
    )


def _answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            made = await endpoint(request)
        except Exception as error:
            code = error.code if isinstance(error, LedgerError) else type(error).__name__
            print(f"witness: {code}", file=sys.stderr, flush=True)
            made = Answer(500)
        headers = {"content-type": made.type, "cache-control": "no-store", "x-content-type-options": "nosniff"}
        return Response(made.body, made.status, headers)

    return answer


async def _bounded_body(request: Request) -> bytes | None:
    """Read a body; None if it is too large, too slow or breaks off."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    return None
    except (TimeoutError, ClientDisconnect):
        return None
    return bytes(body)
