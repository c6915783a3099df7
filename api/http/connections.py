"""Connections as the server holds them: so many altogether and from one peer, and a head that comes in time.

uvicorn waits for ever for a head that trickles in, of any size, and takes every connection and however many requests at
once on it. The protocol made here gives the head `head_seconds` from the connection's beginning, and again from each
answer, and closes at once what is above the numbers. Behind a proxy all connections come from its address, so trusted
peers count only in the whole.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

import msgspec
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.http.limits import Refuse
from api.http.settings import Limits, Network, Settings
from api.problems import MEDIA_TYPE, RETRY_SECONDS, HttpError, problem_of
from ledger.messages import LANGUAGES

MOST_PIPELINED = 16
"""Requests that may wait on one connection for the answer to an earlier one."""


def bounded_protocol(limits: Limits, trusted: Iterable[Network] = ()) -> type[HttpToolsProtocol]:
    """Return the protocol for `uvicorn.Config(http=...)`; its counts are those of one worker."""
    networks, peers = tuple(trusted), Counter[str]()
    most_head = limits.header_bytes + limits.target_bytes

    class Bounded(HttpToolsProtocol):
        _deadline: asyncio.TimerHandle | None = None
        _peer = ""
        _unheard = 0
        _in_head = True

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._peer = self.client[0] if self.client else ""
            peers[self._peer] += 1
            if peers.total() > limits.connections or (self._alone() and self._too_many()):
                transport.abort()
                return
            self._watch()

        def data_received(self, data: bytes) -> None:
            self._unheard += len(data)
            super().data_received(data)
            # The parser keeps a line for as long as it goes on, and says nothing of it until it ends.
            if self._unheard > most_head and not self.transport.is_closing():
                self._end("HEAD_TOO_LARGE", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
            self._watch()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._unheard, self._in_head = 0, True

        def on_header(self, name: bytes, value: bytes) -> None:
            # What follows a body is no part of the head, whatever it is called.
            if self._in_head:
                super().on_header(name, value)

        def on_headers_complete(self) -> None:
            self._unheard, self._in_head = 0, False
            if len(self.pipeline) >= MOST_PIPELINED:
                raise ValueError("too many requests wait for their turn")
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self._unheard = 0
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._unheard = 0
            super().on_message_complete()

        def send_400_response(self, msg: str) -> None:
            self._end("REQUEST_INVALID", HTTPStatus.BAD_REQUEST, where="-")

        def _end(self, code: str, status: HTTPStatus, **facts: str) -> None:
            """Answer what is no request, as every answer is given, and end the connection."""
            body = msgspec.json.encode(problem_of(HttpError(code, status, None, **facts), LANGUAGES[0]))
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            self.transport.write(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
            self.transport.close()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            peers[self._peer] -= 1
            if peers[self._peer] <= 0:
                del peers[self._peer]
            self._rest()
            super().connection_lost(exc)

        def _too_many(self) -> bool:
            return peers[self._peer] > limits.connections_an_address

        def _alone(self) -> bool:
            """Whether the peer is one client, not a proxy of many."""
            try:
                found = ip_address(self._peer)
            except ValueError:
                return False
            return not any(found in network for network in networks)

        def _watch(self) -> None:
            """Set the deadline where a head is awaited and none is set; drop it where a request is being answered."""
            cycle: RequestResponseCycle | None = self.cycle
            if cycle is not None and not cycle.response_complete:
                self._rest()
            elif self._deadline is None:
                self._deadline = self.loop.call_later(limits.head_seconds, self._late)

        def _rest(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _late(self) -> None:
            self._deadline = None
            self.transport.close()

    return Bounded


class CutOff:
    """Answers a request that is cut off because the service must end now: no receipt was given, come again."""

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        """Stand around everything else; `refuse` sends the problem (`api.problems`)."""
        self._app, self._refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except asyncio.CancelledError:
            # Only the server cancels out here, once, when the time to shut down is over.
            if begun or scope["type"] != "http":
                raise
            await self._refuse(scope, send, "SHUTTING_DOWN", HTTPStatus.SERVICE_UNAVAILABLE, RETRY_SECONDS)


class DrainingServer(uvicorn.Server):
    """A server that tells its application first when it is to end, so that long answers end by themselves."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], object]) -> None:
        """Serve `config`; `drain()` is called once, in the loop, when the end begins."""
        super().__init__(config)
        self._drain = drain

    async def shutdown(self, sockets: Any = None) -> None:
        """Drain, then wait for what is under way, bounded by the configuration."""
        self._drain()
        await super().shutdown(sockets)


def config_of(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """Return how to serve `app`: no access log, no name of the software, everything bounded."""
    limits = settings.limits
    return uvicorn.Config(
        app,
        http=bounded_protocol(limits, settings.trusted_proxies),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=limits.keep_alive_seconds,
        timeout_graceful_shutdown=limits.shutdown_seconds,
    )
