"""Witnesses that really listen, well-behaved and not, and a log in memory for the client to submit."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from api.witness.app import witness_app
from api.witness.memory import WitnessMemory
from api.witness.serving import listen, server_of, url_of
from api.witness.witness import Witness
from ledger.checkpoint import VerifierKey
from ledger.cosignature import Cosigner, Ed25519Cosigner
from ledger.signing import SigningKey
from ledger.witness_policy import Policy, parse_policy
from tests.witness.trees import LOG, Tree

NOW = 1_767_000_000


def cosigner(name: str) -> Ed25519Cosigner:
    """A witness's key, made from its name."""
    return Ed25519Cosigner(f"witness.example/{name}", SigningKey.from_seed(name.encode().ljust(32, b".")))


def policy_of(*witnesses: tuple[str, str], quorum: str = "all", log: VerifierKey = LOG) -> Policy:
    """A policy over witnesses given as (name, URL), all of whom must have cosigned."""
    lines = [f"log {log.encode()}"]
    lines += [f"witness {name} {cosigner(name).key.encode()} {url}" for name, url in witnesses]
    lines += [f"group everybody {quorum} {' '.join(name for name, _ in witnesses)}", "quorum everybody", ""]
    return parse_policy("\n".join(lines))


@contextmanager
def serving(witness: Witness, adds: bool = True) -> Iterator[str]:
    """Serve a witness over HTTP on a free port of this machine; gives its URL."""
    listening = listen("127.0.0.1:0")
    server = server_of(witness_app(witness.checkpoint, witness.add if adds else None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield url_of(listening)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def running(
    folder: Path, name: str = "w", adds: bool = True, clock: Callable[[], int] = lambda: NOW, log: VerifierKey = LOG
) -> Iterator[str]:
    """Run a witness with a folder of its own."""
    own: Cosigner = cosigner(name)
    with (
        WitnessMemory(folder / name, folder / f"{name}.key") as memory,
        serving(Witness(memory, [log], [own], clock), adds) as url,
    ):
        yield url


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Run a server whose every request `answer` handles as it likes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_POST = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def replying(status: int, body: bytes = b"", kind: str = "text/plain") -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer that is always the same."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("content-length", 0)))
        request.send_response(status)
        request.send_header("content-type", kind)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


class Log:
    """A published log of `size` entries of a tree."""

    def __init__(self, tree: Tree, size: int) -> None:
        self.tree, self.size = tree, size

    def newest(self) -> bytes | None:
        return self.tree.note(self.size) if self.size else None

    def root(self, size: int) -> bytes:
        return self.tree.roots[size]

    def proof(self, old: int, new: int) -> tuple[bytes, ...]:
        return self.tree.proof(old, new)
