"""Connections as the server holds them: so many altogether and from one peer, and a head that comes in time.

uvicorn waits for ever for a head that trickles in, and takes every connection. The protocol made here gives the head
`head_seconds` from the connection's beginning, and again from each answer, and closes at once what is above the number.
Behind a proxy all connections come from its address, so trusted peers count only in the whole.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from api.http.settings import Limits, Network, Settings


def bounded_protocol(limits: Limits, trusted: Iterable[Network] = ()) -> type[H11Protocol]:
    """Return the protocol for `uvicorn.Config(http=...)`; its counts are those of one worker."""
    networks, peers = tuple(trusted), Counter[str]()

    class Bounded(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None
        _peer = ""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._peer = self.client[0] if self.client else ""
            peers[self._peer] += 1
            if peers.total() > limits.connections or (self._alone() and self._too_many()):
                transport.abort()
                return
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

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
        h11_max_incomplete_event_size=limits.header_bytes + limits.target_bytes,
        timeout_keep_alive=limits.keep_alive_seconds,
        timeout_graceful_shutdown=limits.shutdown_seconds,
    )
