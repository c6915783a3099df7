"""Checking many signatures on several cores, while the one process that decides reads on.

Threads would not do: whoever checks needs the interpreter again after each signature, and the thread that decides holds
it. So each core has a process of its own, which gets keys and signed bytes through a pipe, says which do not hold, and
ends with its pipe. One that is lost costs time and never a result: what it has not answered is checked here. So is a
short log altogether.
"""

import fcntl
import os
import subprocess
import sys
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, pairwise
from select import select
from types import TracebackType
from typing import IO, NamedTuple, cast

from ledger.signing import PUBLIC_BYTES, SIGNATURE_BYTES, opens

CHUNK = 256
SHORT = 16 * CHUNK
"""So many signatures are checked in less time than it takes other processes to begin."""
MOST_AHEAD = 3
"""Chunks that a process may have before it, the one in hand included; so many fit into its pipe."""

_PIPE_BYTES = 1 << 20
_NUMBER = array("I").itemsize
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PROGRAM = "from projections.audit.signatures import serve; import sys; serve(sys.stdin.buffer, sys.stdout.buffer)"


def check(chunk: Sequence[bytes]) -> Iterator[int]:
    """Give the numbers of those in a chunk that do not hold; each is public key, signature and message in one."""
    return (n for n, one in enumerate(chunk) if not opens(one[:PUBLIC_BYTES], one[PUBLIC_BYTES:]))


def serve(source: IO[bytes], answers: IO[bytes]) -> None:
    """Check chunk after chunk until the pipe ends: what a process of its own does."""
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            lengths = _read(source)
            data = _exactly(source, sum(lengths))
            chunk = [data[start:stop] for start, stop in pairwise(accumulate(lengths, initial=0))]
            _write(answers, array("I", check(chunk)))


def _read(pipe: IO[bytes]) -> "array[int]":
    """Read numbers, which come after their count; raises `EOFError` where the pipe ends."""
    count, numbers = array("I", _exactly(pipe, _NUMBER)), array("I")
    numbers.frombytes(_exactly(pipe, count[0] * _NUMBER))
    return numbers


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _write(pipe: IO[bytes], numbers: "array[int]", data: bytes = b"") -> None:
    pipe.write(array("I", [len(numbers)]).tobytes() + numbers.tobytes() + data)
    pipe.flush()


class _Task(NamedTuple):
    """A chunk, and the place in the log of each signature of it."""

    places: list[int]
    chunk: list[bytes]

    def bad(self, numbers: Iterable[int]) -> list[int]:
        return [self.places[number] for number in numbers]


class _Worker:
    """A process that checks, and what it has not answered yet, oldest first."""

    def __init__(self) -> None:
        # Everything is found by path, so the process need not look for installed packages, which takes a while.
        path = os.pathsep.join((_ROOT, *(os.path.abspath(folder) for folder in sys.path)))
        command = [sys.executable, "-S", "-P", "-c", _PROGRAM]
        environment = {**os.environ, "PYTHONPATH": path}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._given = cast(IO[bytes], self._process.stdin)
        self.answers = cast(IO[bytes], self._process.stdout)
        self.tasks: deque[_Task] = deque()
        with suppress(AttributeError, OSError):
            # A pipe that holds less, as on other systems than Linux, only makes the process that decides wait more.
            fcntl.fcntl(self._given, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def give(self, task: _Task) -> None:
        """Hand over one task; raises `OSError` if the process is gone."""
        self.tasks.append(task)
        _write(self._given, array("I", map(len, task.chunk)), b"".join(task.chunk))

    def take(self) -> list[int]:
        """Wait for the answer to the oldest task: the places that do not hold; `EOFError` if the process is gone."""
        answer = _read(self.answers)
        return self.tasks.popleft().bad(answer)

    def end(self) -> None:
        """Let the process end."""
        with suppress(OSError):
            self._given.close()
        self.answers.close()
        self._process.wait()


class Signatures:
    """Checks in progress. `bad` are the places of signatures that do not hold, in no order; complete after `finish`."""

    def __init__(self, workers: int) -> None:
        """Check on as many processes besides this one; with 0 of them, here."""
        self.bad: list[int] = []
        self._wanted = workers
        self._workers: list[_Worker] = []
        self._held: list[_Task] = []
        self._places: list[int] = []
        self._chunk: list[bytes] = []

    def __enter__(self) -> "Signatures":
        """Return it; processes begin when there is enough to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the processes, finished or not."""
        for worker in self._workers:
            worker.end()

    def add(self, place: int, public: bytes | None, signature: bytes, message: bytes) -> None:
        """Have one signature checked; without a key it does not hold."""
        if public is None or len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
            self.bad.append(place)
            return
        self._places.append(place)
        self._chunk.append(public + signature + message)
        if len(self._chunk) == CHUNK:
            self._hold()
            if self._wanted and len(self._held) * CHUNK >= SHORT:
                self._workers = [_Worker() for _ in range(self._wanted)]
                self._wanted = 0
            if not self._wanted:
                self._hand_out()

    def finish(self) -> None:
        """Wait for all that was added."""
        self._hold()
        # A process lost while others are waited for gives its work back, so it takes rounds until nobody has any.
        while self._held or any(worker.tasks for worker in self._workers):
            self._hand_out()
            for worker in list(self._workers):
                while worker.tasks:
                    self._take(worker)

    def _hold(self) -> None:
        self._held.append(_Task(self._places, self._chunk))
        self._places, self._chunk = [], []

    def _hand_out(self) -> None:
        """Give what is held to whoever has least to do; where there are no processes, check it here."""
        while self._held:
            self._take_what_is_ready()
            worker = min(self._workers, key=lambda one: len(one.tasks), default=None)
            if worker is None:
                task = self._held.pop()
                self.bad += task.bad(check(task.chunk))
            elif len(worker.tasks) >= MOST_AHEAD:
                select([one.answers for one in self._workers], [], [])
            else:
                try:
                    worker.give(self._held.pop())
                except OSError:
                    self._lose(worker)

    def _take_what_is_ready(self) -> None:
        busy = {one.answers: one for one in self._workers if one.tasks}
        for answers in select(list(busy), [], [], 0)[0]:
            self._take(busy[answers])

    def _take(self, worker: _Worker) -> None:
        try:
            self.bad += worker.take()
        except EOFError:
            self._lose(worker)

    def _lose(self, worker: _Worker) -> None:
        """Do without a process that is gone; the others, or this one, check what it had not answered."""
        self._workers.remove(worker)
        self._held += worker.tasks
        worker.tasks.clear()
        worker.end()
