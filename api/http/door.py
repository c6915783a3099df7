"""The way in, as the handlers see it: envelopes go in, each gets its own answer, and nothing waits on the event loop.

An answer is given only once its entry is committed and pinned. In one process the sequencer is next door (`LocalDoor`);
workers reach it through a private socket (`api.http.socket_door`).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol, TypeAlias

from ledger.errors import LedgerError
from ledger.procedure.reasons import Refusal
from ledger.sequencer import Answer, Refused, Sequenced, Sequencer
from ledger.statements import Seen

MOST_INLINE = 2
"""So many signatures are checked on the event loop; more of them would hold others up."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A statement that is in the log: its index, when it was sequenced (UTC ms), whether it was there before.

    `needs` is how many further signatures the act waits for; `receipt` are the bytes of its receipt.
    """

    index: int
    at: int
    again: bool
    needs: int
    receipt: bytes


@dataclass(frozen=True, slots=True)
class RefusedBy:
    """A statement that the rules refuse; `attempt` is the entry that keeps the attempt, if it is kept, with receipt."""

    refusal: Refusal
    attempt: bytes | None
    receipt: bytes | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A statement that was not decided: malformed, badly signed, or the store does not answer."""

    error: LedgerError


Answered: TypeAlias = Accepted | RefusedBy | Failed


class Door(Protocol):
    """What the handlers need of the sequencer, wherever it runs."""

    @property
    def size(self) -> int:
        """The number of published entries, as last heard of."""

    @property
    def waiting(self) -> int:
        """How many statements were handed in here and wait for their answer."""

    @property
    def is_open(self) -> bool:
        """Whether there is a sequencer that decides what is handed in, as far as is known here."""

    def seen(self) -> Seen | None:
        """Return the newest published checkpoint that is known here, as a statement pins it."""

    async def open(self) -> None:
        """Begin."""

    async def close(self) -> None:
        """End; what waits is answered first where that is possible."""

    async def submit(
        self,
        envelopes: Sequence[bytes],
        at: int | None = None,
        attached: Sequence[bytes | None] = (),
        verified: Sequence[bytes | None] = (),
    ) -> list[Answered]:
        """Hand in envelopes in this order and give each one's answer; none of them holds up another.

        `at` (UTC ms) is for the simulated clock of a rehearsal; `attached` are the bytes that statements name.
        `verified` are the keys under which another process of the service has found their signatures to hold.
        """


class _Wakes:
    """Wakes one event loop out of other threads: once for everything that was answered since it was last awake."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._answered: deque[asyncio.Future[None]] = deque()
        self._called = False

    def after(self, handed: "Future[Answer]") -> "asyncio.Future[None]":
        """Return what is done, in the loop, once `handed` is answered."""
        waits = self.loop.create_future()
        handed.add_done_callback(lambda _: self._wake(waits))
        return waits

    def _wake(self, waits: "asyncio.Future[None]") -> None:
        # First in the queue, then the look at the flag: whoever resets it empties the queue after that.
        self._answered.append(waits)
        if not self._called:
            self._called = True
            with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                self.loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        self._called = False
        while self._answered:
            waits = self._answered.popleft()
            if not waits.done():
                waits.set_result(None)


class LocalDoor:
    """The sequencer in this process."""

    def __init__(self, sequencer: Sequencer) -> None:
        """Hand in to a started sequencer."""
        self._sequencer = sequencer
        self._waiting = 0
        self._wakes: _Wakes | None = None

    @property
    def size(self) -> int:
        """The number of published entries."""
        return self._sequencer.size

    @property
    def waiting(self) -> int:
        """How many statements wait for their answer."""
        return self._waiting

    @property
    def is_open(self) -> bool:
        """Whether the sequencer goes on: it does not, once the log was shown to be forked."""
        return self._sequencer.fork is None

    def seen(self) -> Seen | None:
        """Return the newest published checkpoint."""
        return self._sequencer.seen()

    async def open(self) -> None:
        """Begin; the sequencer was started by whoever made it."""

    async def close(self) -> None:
        """End; the sequencer is stopped by whoever made it."""

    async def submit(
        self,
        envelopes: Sequence[bytes],
        at: int | None = None,
        attached: Sequence[bytes | None] = (),
        verified: Sequence[bytes | None] = (),
    ) -> list[Answered]:
        """Hand in and wait; see `Door.submit`."""
        self._waiting += len(envelopes)
        try:
            if len(envelopes) > MOST_INLINE or any(attached):
                handed = await asyncio.to_thread(self._hand_in, envelopes, at, attached, verified)
            else:
                handed = self._hand_in(envelopes, at, attached, verified)
            return [await self._answered(one) for one in self._waited_for(handed)]
        finally:
            self._waiting -= len(envelopes)

    def _hand_in(
        self,
        envelopes: Sequence[bytes],
        at: int | None,
        attached: Sequence[bytes | None],
        verified: Sequence[bytes | None],
    ) -> "list[Future[Answer] | LedgerError]":
        handed: list[Future[Answer] | LedgerError] = []
        count = len(envelopes)
        for envelope, more, by in zip_longest(envelopes, attached[:count], verified[:count]):
            try:
                handed.append(self._sequencer.submit(envelope, at, more, by))
            except LedgerError as error:
                # Without its places, which hold the envelope and this list: large ones would stay until they are swept.
                handed.append(error.with_traceback(None))
        return handed

    def _waited_for(
        self, handed: "list[Future[Answer] | LedgerError]"
    ) -> "list[tuple[Future[Answer], asyncio.Future[None]] | LedgerError]":
        loop = asyncio.get_running_loop()
        if self._wakes is None or self._wakes.loop is not loop:
            self._wakes = _Wakes(loop)
        after = self._wakes.after
        return [one if isinstance(one, LedgerError) else (one, after(one)) for one in handed]

    async def _answered(self, waited: "tuple[Future[Answer], asyncio.Future[None]] | LedgerError") -> Answered:
        if isinstance(waited, LedgerError):
            return Failed(waited)
        handed, waits = waited
        # A caller that goes away leaves its statement to be decided: whoever sends it again gets the receipt.
        await waits
        try:
            answer = handed.result()
            if isinstance(answer, Sequenced) and answer.again:
                # The proof of a new entry is at hand; an earlier one's is read from the store.
                return await asyncio.to_thread(self._told, answer)
            return self._told(answer)
        except LedgerError as error:
            return Failed(error.with_traceback(None))

    def _told(self, answer: Answer) -> Answered:
        if isinstance(answer, Refused):
            receipt = answer.receipt
            return RefusedBy(answer.refusal, answer.attempt, receipt.encode() if receipt is not None else None)
        waits = self._sequencer.state.pending.get(answer.act.index)
        needs = waits.needs if waits is not None else 0
        return Accepted(answer.act.index, answer.act.at, answer.again, needs, answer.receipt.encode())
