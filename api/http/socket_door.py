"""The way in from a worker: the sequencer's process listens on a private socket, and each worker keeps one connection.

A worker sends what it was handed with a number of its own and gets the answers under that number, in whatever order
they come (`frames`). When the connection breaks, everything that was not answered is sent again: a statement that did
arrive gets its first receipt, so nothing is lost or doubled.

Signatures are checked by the worker (`api.http.checking`), which hands on under which key each one holds. The socket is
for this account alone (0600), so that whoever writes to it is the service's own code; and the sequencer takes such a
word only for the key that its own roll has at that moment.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import count, zip_longest
from pathlib import Path

import msgspec

from api.http.checking import Check, check_all, check_nothing
from api.http.door import MOST_INLINE, Accepted, Answered, Door, Failed, RefusedBy
from api.http.frames import RETRY_SECONDS, error_of, frame, kind_of, listen, read_frame
from ledger.errors import LedgerError, StoreError
from ledger.procedure.reasons import Refusal
from ledger.statements import Seen

MOST_AT_ONCE = 1024
"""Frames of one worker that are decided at once; the worker waits with the next."""
WAIT_SECONDS = 25.0
NEWS_SECONDS = 0.5
"""How often a worker is told the newest checkpoint while it hands in nothing."""


class _Ask(msgspec.Struct, array_like=True):
    number: int
    envelopes: list[bytes]
    at: int | None
    attached: list[bytes | None]
    verified: list[bytes | None]


class _Said(msgspec.Struct, array_like=True, tag=True):
    pass


class _Accepted(_Said):
    index: int
    at: int
    again: bool
    needs: int
    receipt: bytes


class _Refused(_Said):
    code: str
    clause: str
    facts: dict[str, str | int]
    attempt: bytes | None
    receipt: bytes | None


class _Failed(_Said):
    kind: str
    code: str
    facts: dict[str, str | int]


class _Told(msgspec.Struct, array_like=True):
    """The answers under a number; under -1 only how the log stands."""

    number: int
    size: int
    seen: tuple[str, str, int] | None
    answers: list[_Accepted | _Refused | _Failed]
    is_open: bool


_decode_ask = msgspec.msgpack.Decoder(_Ask).decode
_decode_told = msgspec.msgpack.Decoder(_Told).decode


def _said(answered: Answered) -> _Accepted | _Refused | _Failed:
    if isinstance(answered, Accepted):
        return _Accepted(answered.index, answered.at, answered.again, answered.needs, answered.receipt)
    if isinstance(answered, RefusedBy):
        no = answered.refusal
        return _Refused(no.code, no.clause, no.facts, answered.attempt, answered.receipt)
    error = answered.error
    return _Failed(kind_of(error), error.code, error.facts)


def _answered(said: _Accepted | _Refused | _Failed) -> Answered:
    if isinstance(said, _Accepted):
        return Accepted(said.index, said.at, said.again, said.needs, said.receipt)
    if isinstance(said, _Refused):
        return RefusedBy(Refusal(said.code, said.clause, said.facts), said.attempt, said.receipt)
    return Failed(error_of(said.kind, said.code, said.facts))


class DoorServer:
    """The sequencer's end: answers what workers hand in through the door next to it."""

    def __init__(self, door: Door, path: Path) -> None:
        """Listen at `path`, readable and writable by this account alone."""
        self._door, self._path = door, path
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen. Raises `StoreError` `ADDRESS_UNUSABLE`."""
        self._server = await listen(self._path, self._serve)

    async def close(self) -> None:
        """Listen no more, and finish what is being decided."""
        if self._server is not None:
            self._server.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=WAIT_SECONDS)
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        room = asyncio.Semaphore(MOST_AT_ONCE)
        news = asyncio.create_task(self._news(writer))
        try:
            while True:
                data = await read_frame(reader)
                await room.acquire()
                task = asyncio.create_task(self._decide(_decode_ask(data), writer))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                task.add_done_callback(lambda _: room.release())
        except (ConnectionError, asyncio.IncompleteReadError, msgspec.MsgspecError):
            pass
        finally:
            news.cancel()
            writer.close()

    async def _decide(self, ask: _Ask, writer: asyncio.StreamWriter) -> None:
        answers = await self._door.submit(ask.envelopes, ask.at, ask.attached, ask.verified)
        await self._tell(writer, ask.number, [_said(one) for one in answers])

    async def _news(self, writer: asyncio.StreamWriter) -> None:
        known: tuple[int, bool] | None = None
        while True:
            now = self._door.size, self._door.is_open
            if now != known:
                known = now
                await self._tell(writer, -1, [])
            await asyncio.sleep(NEWS_SECONDS)

    async def _tell(
        self, writer: asyncio.StreamWriter, number: int, answers: list[_Accepted | _Refused | _Failed]
    ) -> None:
        seen = self._door.seen()
        pinned = (seen.root, seen.signature, seen.size) if seen else None
        told = _Told(number, self._door.size, pinned, answers, self._door.is_open)
        with suppress(ConnectionError, RuntimeError):
            writer.write(frame(told))
            await writer.drain()


class SocketDoor:
    """A worker's end: a `Door` to the sequencer in another process."""

    def __init__(self, path: Path, seconds: float = WAIT_SECONDS, check: Check = check_nothing) -> None:
        """Reach the sequencer at `path`; a statement is given up after `seconds`, decided or not.

        `check` is asked for each statement before it is handed on; one that it does not let pass is answered here.
        """
        self._path, self._seconds, self._check = path, seconds, check
        self._numbers = count()
        self._open: dict[int, tuple[bytes, int, asyncio.Future[list[Answered]]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._size, self._goes_on = 0, False
        self._seen: Seen | None = None

    @property
    def size(self) -> int:
        """The number of published entries, as last heard of."""
        return self._size

    @property
    def waiting(self) -> int:
        """How many statements wait for their answer."""
        return sum(number for _, number, _ in self._open.values())

    @property
    def is_open(self) -> bool:
        """Whether the sequencer is reached, and goes on."""
        return self._writer is not None and self._goes_on

    def seen(self) -> Seen | None:
        """Return the newest published checkpoint heard of."""
        return self._seen

    async def open(self) -> None:
        """Begin to connect."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Let go of the connection."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def submit(
        self,
        envelopes: Sequence[bytes],
        at: int | None = None,
        attached: Sequence[bytes | None] = (),
        verified: Sequence[bytes | None] = (),
    ) -> list[Answered]:
        """Check, hand in and wait; see `Door.submit`. What is not answered in time is `STORE_UNAVAILABLE`."""
        if len(envelopes) > MOST_INLINE:
            found = await asyncio.to_thread(check_all, self._check, envelopes)
        else:
            found = check_all(self._check, envelopes)
        ask, failed = _Ask(0, [], at, [], []), dict[int, Answered]()
        for place, (envelope, more, by) in enumerate(zip_longest(envelopes, attached[: len(envelopes)], found)):
            if isinstance(by, LedgerError):
                failed[place] = Failed(by)
            else:
                ask.envelopes.append(envelope)
                ask.attached.append(more)
                ask.verified.append(by)
        answers = iter(await self._hand_on(ask) if ask.envelopes else ())
        return [failed[place] if place in failed else next(answers) for place in range(len(envelopes))]

    async def _hand_on(self, ask: _Ask) -> list[Answered]:
        number = ask.number = next(self._numbers)
        data, asked = frame(ask), len(ask.envelopes)
        answer: asyncio.Future[list[Answered]] = asyncio.get_running_loop().create_future()
        self._open[number] = (data, asked, answer)
        try:
            if self._writer is not None:
                with suppress(ConnectionError, RuntimeError):
                    self._writer.write(data)
            return await asyncio.wait_for(answer, self._seconds)
        except TimeoutError:
            return [Failed(StoreError("STORE_UNAVAILABLE"))] * asked
        finally:
            del self._open[number]

    async def _run(self) -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, msgspec.MsgspecError):
                reader, writer = await asyncio.open_unix_connection(self._path)
                try:
                    for data, _, _ in list(self._open.values()):
                        writer.write(data)
                    self._writer = writer
                    while True:
                        self._take(_decode_told(await read_frame(reader)))
                finally:
                    self._writer = None
                    writer.close()
            await asyncio.sleep(RETRY_SECONDS)

    def _take(self, told: _Told) -> None:
        if told.seen is not None and told.size >= self._size:
            root, signature, size = told.seen
            self._size, self._seen = told.size, Seen(root, signature, size)
        self._goes_on = told.is_open
        waits = self._open.get(told.number)
        if waits is not None and not waits[2].done():
            waits[2].set_result([_answered(one) for one in told.answers])
