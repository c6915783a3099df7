"""A service on a real socket: uvicorn with its bounds in a thread, the application, a sequencer and PostgreSQL behind.

Many requests come from one address here, so its rates are wide; everything else is bounded as it is delivered.
"""

import asyncio
import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import httpx
from pydantic import AnyHttpUrl

from api.http.app import create_app
from api.http.connections import config_of
from api.http.routes_ops import drain
from api.http.server import QuietServer
from api.http.settings import Limits
from ledger.signing import SigningKey, key_id
from tests.http.conftest import Service, served
from tests.sequenced import Site
from tests.simulator import History

Lasting = Callable[[Path], AbstractContextManager[Site]]
WIDE = Limits(
    requests_a_minute=10**9, request_burst=10**6, writes_a_minute=10**9, write_burst=10**6, streams_an_address=256
)


@dataclass(frozen=True)
class Live:
    """A service that listens; `http` asks it as nobody."""

    url: str
    service: Service
    http: httpx.Client

    def session(self, alias: str) -> dict[str, str]:
        """Sign somebody in and return the header with which they read."""
        return self.session_of(self.service.world.actor(alias).key)

    def session_of(self, key: SigningKey) -> dict[str, str]:
        """Sign in with a key."""
        given = self.http.post("/v1/session/challenge").json()
        signature = base64.b64encode(key.sign(given["message"].encode())).decode()
        body = {"challenge": given["challenge"], "key": key_id(key.public), "signature": signature}
        answer = self.http.post("/v1/session", json=body)
        assert answer.status_code == 201, answer.text
        return {"authorization": f"Bearer {answer.json()['token']}"}

    def raw(self, sent: bytes, seconds: float = 10) -> bytes:
        """Send bytes as they are over a connection of their own; return all that comes until it is closed."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), seconds) as connection:
            connection.sendall(sent)
            parts = []
            while part := connection.recv(65_536):
                parts.append(part)
        return b"".join(parts)


@contextmanager
def listening(service: Service) -> Iterator[Live]:
    """Serve on a port of this machine, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        settings = service.context.settings.model_copy(update={"public_url": AnyHttpUrl(url)})
        service = replace(service, context=replace(service.context, settings=settings))
        app = create_app(service.context)
        server = QuietServer(config_of(app, settings), partial(drain, app))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[door])), name="serving")
        thread.start()
        try:
            until = time.monotonic() + 20
            while not server.started and time.monotonic() < until:
                time.sleep(0.01)
            with httpx.Client(base_url=url, timeout=30) as http:
                yield Live(url, service, http)
        finally:
            server.should_exit = True
            thread.join(30)


@contextmanager
def live_service(make: Lasting, folder: Path, history: History, limits: Limits = WIDE) -> Iterator[Live]:
    """Serve a log that holds a history."""
    with ExitStack() as stack:
        site = stack.enter_context(make(folder))
        service = stack.enter_context(served(site, history, folder, limits=limits))
        (folder / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')
        yield stack.enter_context(listening(service))
