"""The way in, as the handlers see it: envelopes go in, each gets its own answer, and nothing waits on the event loop.

An answer is given only once its entry is committed and pinned. In one process the sequencer is next door (`LocalDoor`);
workers reach it through a private socket (`api.http.socket_door`).
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol, TypeAlias

from ledger.errors import LedgerError
from ledger.procedure.reasons import Refusal
from ledger.sequencer import Answer, Refused, Sequencer
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

    def seen(self) -> Seen | None:
        """Return the newest published checkpoint that is known here, as a statement pins it."""

    async def open(self) -> None:
        """Begin."""

    async def close(self) -> None:
        """End; what waits is answered first where that is possible."""

    async def submit(
        self, envelopes: Sequence[bytes], at: int | None = None, attached: Sequence[bytes | None] = ()
    ) -> list[Answered]:
        """Hand in envelopes in this order and give each one's answer; none of them holds up another.

        `at` (UTC ms) is for the simulated clock of a rehearsal; `attached` are the bytes that statements name.
        """


class LocalDoor:
    """The sequencer in this process."""

    def __init__(self, sequencer: Sequencer) -> None:
        """Hand in to a started sequencer."""
        self._sequencer = sequencer
        self._waiting = 0

    @property
    def size(self) -> int:
        """The number of published entries."""
        return self._sequencer.size

    @property
    def waiting(self) -> int:
        """How many statements wait for their answer."""
        return self._waiting

    def seen(self) -> Seen | None:
        """Return the newest published checkpoint."""
        return self._sequencer.seen()

    async def open(self) -> None:
        """Begin; the sequencer was started by whoever made it."""

    async def close(self) -> None:
        """End; the sequencer is stopped by whoever made it."""

    async def submit(
        self, envelopes: Sequence[bytes], at: int | None = None, attached: Sequence[bytes | None] = ()
    ) -> list[Answered]:
        """Hand in and wait; see `Door.submit`."""
        self._waiting += len(envelopes)
        try:
            if len(envelopes) > MOST_INLINE or any(attached):
                handed = await asyncio.to_thread(self._hand_in, envelopes, at, attached)
            else:
                handed = self._hand_in(envelopes, at, attached)
            return [await self._answered(one) for one in handed]
        finally:
            self._waiting -= len(envelopes)

    def _hand_in(
        self, envelopes: Sequence[bytes], at: int | None, attached: Sequence[bytes | None]
    ) -> "list[Future[Answer] | LedgerError]":
        handed: list[Future[Answer] | LedgerError] = []
        for envelope, more in zip_longest(envelopes, attached[: len(envelopes)]):
            try:
                handed.append(self._sequencer.submit(envelope, at, more))
            except LedgerError as error:
                handed.append(error)
        return handed

    async def _answered(self, handed: "Future[Answer] | LedgerError") -> Answered:
        if isinstance(handed, LedgerError):
            return Failed(handed)
        try:
            # A caller that goes away leaves its statement to be decided: whoever sends it again gets the receipt.
            answer = await asyncio.shield(asyncio.wrap_future(handed))
            if isinstance(answer, Refused):
                receipt = answer.receipt
                return RefusedBy(answer.refusal, answer.attempt, receipt.encode() if receipt is not None else None)
            # The proof of a new entry is at hand; an earlier one's is read from the store.
            proof = await asyncio.to_thread(lambda: answer.receipt) if answer.again else answer.receipt
        except LedgerError as error:
            return Failed(error)
        waits = self._sequencer.state.pending.get(answer.act.index)
        return Accepted(answer.act.index, answer.act.at, answer.again, waits.needs if waits else 0, proof.encode())
