"""The way in for public ballots, as the handlers see it: one ballot goes in, its answer comes once it is committed.

Ballots come by the thousand a second, so that nothing here is done for each of them that can be done for a batch: no
task, no frame, no wake-up of the event loop. In one process the boxes are next door (`api.http.boxes`); workers reach
them through a private socket (`api.http.ballot_socket`).
"""

import asyncio
from typing import NamedTuple, Protocol

from ledger.errors import VerificationError
from ledger.poll_box import CastAnswer


class Ballot(NamedTuple):
    """One public ballot: the tag stands for its credential, `origin` for where it came from.

    `at` (UTC ms) is for the simulated clock of a rehearsal.
    """

    poll: str
    channel: str
    tag: bytes
    candidates: tuple[str, ...]
    origin: bytes
    at: int | None = None


class BallotDoor(Protocol):
    """What the handlers need of the boxes, wherever they are."""

    async def open(self) -> None:
        """Begin."""

    async def close(self) -> None:
        """End; what was handed in is answered first where that is possible."""

    def cast(self, ballot: Ballot) -> "asyncio.Future[CastAnswer]":
        """Hand in a ballot; the future gives `Cast` or `Refusal`, or raises the `LedgerError` that stopped it.

        Handing in the same ballot again, through whichever door, gives the receipt of the first.
        """


class NoBoxes:
    """Where nobody takes ballots."""

    async def open(self) -> None:
        """Begin."""

    async def close(self) -> None:
        """End."""

    def cast(self, ballot: Ballot) -> "asyncio.Future[CastAnswer]":
        """Answer `CHANNEL_NOT_SERVED`."""
        answer: asyncio.Future[CastAnswer] = asyncio.get_running_loop().create_future()
        answer.set_exception(not_served(ballot.channel))
        return answer


def not_served(channel: str) -> VerificationError:
    """Return what is told of a channel that this service does not sign for; its own system hands in its ballots."""
    return VerificationError("CHANNEL_NOT_SERVED", channel=channel)
