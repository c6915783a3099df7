"""The way in for public ballots from a worker: what came at once goes in one frame, what is answered at once comes so.

The sequencer's process listens on a private socket of its own for ballots (`frames`). Entry and proof of a batch are
told once to each worker, which puts every voter's receipt together. When the connection breaks, what was not answered
is sent again: a ballot that did arrive gets its first receipt.
"""

import asyncio
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import msgspec

from api.http.ballot_door import Ballot, BallotDoor
from api.http.frames import RETRY_SECONDS, error_of, frame, kind_of, listen, read_frame
from ledger.errors import LedgerError, StoreError
from ledger.poll_box import Cast, CastAnswer
from ledger.poll_receipt import PublicReceipt
from ledger.poll_rows import Row
from ledger.procedure.reasons import Refusal

MOST_IN_FRAME = 4096
MOST_WAITING = 20_000
"""Ballots of one worker that wait; a further one is `POLL_BOX_FULL`."""
CLOSE_SECONDS = 10
_REFUSED = "Refusal"


class _Ballot(msgspec.Struct, array_like=True):
    number: int
    poll: str
    channel: str
    tag: bytes
    candidates: tuple[str, ...]
    origin: bytes
    at: int | None


class _In(msgspec.Struct, array_like=True):
    """A ballot that is in; `proof` is the place of its batch's entry and proof in the frame."""

    number: int
    proof: int
    again: bool
    serial: int
    tag: bytes
    commitment: bytes
    path: tuple[bytes, ...]


class _Out(msgspec.Struct, array_like=True):
    """A ballot that is refused, or that an error stopped."""

    number: int
    kind: str
    code: str
    clause: str
    facts: dict[str, str | int]


class _Told(msgspec.Struct, array_like=True):
    proofs: list[tuple[bytes, bytes]]
    taken: list[_In]
    others: list[_Out]


_decode_ballots = msgspec.msgpack.Decoder(list[_Ballot]).decode
_decode_told = msgspec.msgpack.Decoder(_Told).decode


class _Teller:
    """Gathers the answers for one worker until the event loop is free, and sends them in one frame."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._told = _Told([], [], [])
        self._places: dict[tuple[bytes, bytes], int] = {}

    def answered(self, number: int, answer: "asyncio.Future[CastAnswer]") -> None:
        if not self._told.taken and not self._told.others:
            asyncio.get_running_loop().call_soon(self._send)
        error = StoreError("STORE_UNAVAILABLE") if answer.cancelled() else answer.exception()
        if error is not None:
            self._told.others.append(_stopped(number, error))
            return
        found = answer.result()
        if isinstance(found, Refusal):
            self._told.others.append(_Out(number, _REFUSED, found.code, found.clause, found.facts))
            return
        receipt, row = found.receipt, found.receipt.row
        proof = (receipt.entry, receipt.proof)
        place = self._places.setdefault(proof, len(self._places))
        if place == len(self._told.proofs):
            self._told.proofs.append(proof)
        self._told.taken.append(_In(number, place, found.again, row.serial, row.tag, row.commitment, receipt.path))

    def _send(self) -> None:
        told, self._told = self._told, _Told([], [], [])
        self._places.clear()
        with suppress(ConnectionError, RuntimeError):
            self._writer.write(frame(told))


def _stopped(number: int, error: BaseException) -> _Out:
    if not isinstance(error, LedgerError):
        return _Out(number, StoreError.__name__, "SEQUENCER_FAULT", "", {"reason": type(error).__name__})
    return _Out(number, kind_of(error), error.code, "", error.facts)


class BallotServer:
    """The end at the boxes: hands in what workers bring."""

    def __init__(self, boxes: BallotDoor, path: Path) -> None:
        """Listen at `path`, readable and writable by this account alone."""
        self._boxes, self._path = boxes, path
        self._server: asyncio.Server | None = None
        self._waiting: set[asyncio.Future[CastAnswer]] = set()

    async def open(self) -> None:
        """Begin the boxes, and listen. Raises `StoreError` `ADDRESS_UNUSABLE`."""
        await self._boxes.open()
        self._server = await listen(self._path, self._serve)

    async def close(self) -> None:
        """Listen no more; what was handed in is answered first."""
        if self._server is not None:
            self._server.close()
        if self._waiting:
            await asyncio.wait(self._waiting, timeout=CLOSE_SECONDS)
        await self._boxes.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        teller = _Teller(writer)
        try:
            while True:
                for one in _decode_ballots(await read_frame(reader)):
                    ballot = Ballot(one.poll, one.channel, one.tag, one.candidates, one.origin, one.at)
                    answer = self._boxes.cast(ballot)
                    self._waiting.add(answer)
                    answer.add_done_callback(self._waiting.discard)
                    answer.add_done_callback(partial(teller.answered, one.number))
        except (ConnectionError, asyncio.IncompleteReadError, msgspec.MsgspecError):
            pass
        finally:
            writer.close()


class BallotSocket:
    """A worker's end: a `BallotDoor` to the boxes in another process."""

    def __init__(self, path: Path) -> None:
        """Reach the boxes at `path`."""
        self._path = path
        self._numbers = count()
        self._open: dict[int, tuple[_Ballot, asyncio.Future[CastAnswer]]] = {}
        self._unsent: list[_Ballot] = []
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to connect."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Let go of the connection."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def cast(self, ballot: Ballot) -> "asyncio.Future[CastAnswer]":
        """Hand in a ballot; see `BallotDoor.cast`. How long to wait for the answer is for the caller to say."""
        loop, number = asyncio.get_running_loop(), next(self._numbers)
        answer: asyncio.Future[CastAnswer] = loop.create_future()
        if len(self._open) >= MOST_WAITING:
            answer.set_exception(StoreError("POLL_BOX_FULL"))
            return answer
        sent = _Ballot(number, *ballot)
        self._open[number] = (sent, answer)
        answer.add_done_callback(lambda _: self._open.pop(number, None))
        if not self._unsent:
            loop.call_soon(self._send)
        self._unsent.append(sent)
        return answer

    def _send(self) -> None:
        """Send what came since the event loop was last free; without a connection it is sent once there is one."""
        unsent, self._unsent = self._unsent, []
        if self._writer is None:
            return
        with suppress(ConnectionError, RuntimeError):
            for start in range(0, len(unsent), MOST_IN_FRAME):
                self._writer.write(frame(unsent[start : start + MOST_IN_FRAME]))

    async def _run(self) -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, msgspec.MsgspecError):
                reader, writer = await asyncio.open_unix_connection(self._path)
                try:
                    self._writer, self._unsent = writer, [sent for sent, _ in self._open.values()]
                    self._send()
                    while True:
                        self._take(_decode_told(await read_frame(reader)))
                finally:
                    self._writer = None
                    writer.close()
            await asyncio.sleep(RETRY_SECONDS)

    def _take(self, told: _Told) -> None:
        for one in told.taken:
            entry, proof = told.proofs[one.proof]
            row = Row(one.serial, one.tag, one.commitment)
            self._answer(one.number, Cast(PublicReceipt(row, one.path, entry, proof), one.again))
        for other in told.others:
            if other.kind == _REFUSED:
                self._answer(other.number, Refusal(other.code, other.clause, other.facts))
            else:
                self._answer(other.number, error_of(other.kind, other.code, other.facts))

    def _answer(self, number: int, found: CastAnswer | LedgerError) -> None:
        _, answer = self._open.get(number, (None, None))
        if answer is None or answer.done():
            return
        if isinstance(found, LedgerError):
            answer.set_exception(found)
        else:
            answer.set_result(found)
