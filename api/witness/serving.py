"""Running the witness's application: one process, one address, until it is stopped."""

import socket

import uvicorn
from starlette.applications import Starlette

from ledger.errors import StoreError

MOST_AT_ONCE = 256


def listen(address: str) -> socket.socket:
    """Open `HOST:PORT` (port 0: any free one). Raises `StoreError` `ADDRESS_UNUSABLE`."""
    host, separator, port = address.rpartition(":")
    if not separator or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise StoreError("ADDRESS_UNUSABLE", address=address[:80])
    host = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, because asyncio leaves Nagle's delay on for connections of a listener without it: head and
    # body of an answer are written one after the other, and the body would wait for the client's delayed ACK (40 ms).
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, int(port)))
        made.listen(MOST_AT_ONCE)
    except OSError:
        made.close()
        raise StoreError("ADDRESS_UNUSABLE", address=address[:80]) from None
    return made


def url_of(listening: socket.socket) -> str:
    """Return the URL at which a listening socket is reached."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if listening.family is socket.AF_INET6 else f"http://{host}:{port}"


def server_of(app: Starlette) -> uvicorn.Server:
    """Return a server for the application: no access log, no name of the software, bounded connections."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)
