"""A lean HTTP client in a process of its own, so that what it spends is not spent by the server's interpreter.

`python -m tests.benchmarks.load` takes tasks on standard input and gives what came of each on standard output. Requests
are whole messages made beforehand; every connection is open before the clock starts, sends one request, waits for its
answer, and takes the next one.
"""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import IO

import msgspec

CONNECTIONS = 64


class Task(msgspec.Struct):
    """What to send, to which port of this machine."""

    port: int
    requests: list[bytes]
    connections: int = CONNECTIONS


class Outcome(msgspec.Struct):
    """How long all of it took in seconds, each answer in µs, how often each status came, and one whole answer."""

    seconds: float
    micros: list[float]
    statuses: dict[int, int]
    sample: bytes


def request(path: str, body: bytes = b"", content_type: str = "application/json") -> bytes:
    """Return a POST as one message."""
    head = f"POST {path} HTTP/1.1\r\nHost: ledger.test\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


class LoadProcess:
    """The client's process, from `with` to its end."""

    def __enter__(self) -> "LoadProcess":
        """Start it."""
        command = [sys.executable, "-m", "tests.benchmarks.load"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *error: object) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(10)

    def run(self, task: Task) -> Outcome:
        """Send everything and return what came of it."""
        if self._process.stdin is None or self._process.stdout is None:
            raise TypeError("the client has no pipes")
        _write(self._process.stdin, msgspec.msgpack.encode(task))
        return msgspec.msgpack.decode(_read(self._process.stdout), type=Outcome)


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(len(data).to_bytes(4, "big") + data)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes:
    return stream.read(int.from_bytes(stream.read(4), "big"))


class _Connection(asyncio.Protocol):
    """Sends one request after another; parses of an answer only its status and length."""

    def __init__(self, requests: Iterator[bytes], micros: list[float], statuses: Counter[int]) -> None:
        self._requests, self._micros, self._statuses = requests, micros, statuses
        self._answer, self._length = b"", 0
        self.sample = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.WriteTransport):
            raise TypeError(type(transport))
        self._transport = transport

    def next(self) -> None:
        """Send the next request, or end where there is none."""
        message = next(self._requests, None)
        if message is None:
            self.done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(message)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._length:
            end = self._answer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._length = end + 4 + _content_length(self._answer[:end].lower())
        if len(self._answer) >= self._length:
            self._micros.append((time.perf_counter() - self._sent) * 1e6)
            self._statuses[int(self._answer[9:12])] += 1
            self.sample, self._answer, self._length = self._answer, b"", 0
            self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("closed by the server"))


def _content_length(head: bytes) -> int:
    _, found, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def _send(task: Task) -> Outcome:
    loop = asyncio.get_running_loop()
    requests, micros, statuses = iter(task.requests), list[float](), Counter[int]()
    made = [
        await loop.create_connection(lambda: _Connection(requests, micros, statuses), "127.0.0.1", task.port)
        for _ in range(task.connections)
    ]
    start = time.perf_counter()
    for _, one in made:
        one.next()
    await asyncio.gather(*(one.done for _, one in made))
    seconds = time.perf_counter() - start
    for transport, _ in made:
        transport.close()
    return Outcome(seconds, micros, statuses, made[0][1].sample)


def main() -> None:
    """Do one task after another until standard input ends."""
    while task := _read(sys.stdin.buffer):
        outcome = asyncio.run(_send(msgspec.msgpack.decode(task, type=Task)))
        _write(sys.stdout.buffer, msgspec.msgpack.encode(outcome))


if __name__ == "__main__":
    main()
