"""The way of the requests that come by the thousand: straight from the bounds to their handlers.

Such a route is declared twice with the same handler: among the application's routes, which describe it and refuse other
methods, and here, where it is found without looking through all of them and no dependencies are solved. What a handler
raises is answered as everywhere else.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from ledger.errors import LedgerError

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Way:
    """One such route: its method, its path as in `@router.post`, whose parameters are text, and who answers."""

    method: str
    path: str
    handler: Handler
    _pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Compile the path."""
        object.__setattr__(self, "_pattern", compile_path(self.path)[0])

    def leads(self, scope: Scope) -> bool:
        """Whether a request goes this way; its path parameters are in the scope then."""
        if scope["method"] != self.method:
            return False
        found = self._pattern.match(scope["path"])
        if found is None:
            return False
        scope["path_params"], scope["route"] = found.groupdict(), self
        return True


class Express:
    """An application with shortcuts to some of its routes."""

    def __init__(self, app: ASGIApp, ways: Iterable[Way]) -> None:
        """Stand before `app`."""
        self._app, self._ways = app, tuple(ways)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that goes one of the ways, pass on every other."""
        if scope["type"] == "http":
            for way in self._ways:
                if way.leads(scope):
                    await (await _answer(way.handler, Request(scope, receive)))(scope, receive, send)
                    return
        await self._app(scope, receive, send)


class Made(Response):
    """A response whose head was made beforehand, but for the length of its body."""

    def __init__(self, body: bytes, status: int, head: Sequence[tuple[bytes, bytes]]) -> None:
        """Answer with `body`; the names in `head` are in small letters."""
        self.body, self.status_code, self.background = body, status, None
        self.raw_headers = [*head, (b"content-length", b"%d" % len(body))]


def header_of(request: Request, name: bytes) -> bytes | None:
    """Return the first header of a name, which is in small letters; None if there is none."""
    for given, value in request.scope["headers"]:
        if given == name:
            found: bytes = value
            return found
    return None


async def body_of(request: Request) -> bytes:
    """Return a request's body; `Request.body` makes an asynchronous generator for it, which the event loop registers.

    Raises `starlette.requests.ClientDisconnect`.
    """
    parts: list[bytes] = []
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _answer(handler: Handler, request: Request) -> Response:
    try:
        return await handler(request)
    except LedgerError as error:
        return problems.answer(request, error)
