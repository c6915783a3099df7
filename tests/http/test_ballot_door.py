"""Ballots from workers: two of them through a socket each, under load, with every ballot handed in twice."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from api.http import ballot_socket
from api.http.ballot_door import Ballot
from api.http.ballot_socket import BallotServer, BallotSocket
from api.http.boxes import Boxes
from ledger.errors import StoreError, VerificationError
from ledger.poll_box import Cast
from ledger.poll_receipt import verify
from ledger.poll_rows import UNKNOWN_ORIGIN
from ledger.procedure.reasons import Refusal
from ledger.state.poll_book import Poll
from tests import public_ballots as public
from tests.http.conftest import Service
from tests.http.test_polls import service
from tests.public_ballots import CHANNEL
from tests.simulator import LOG_VKEY

__all__ = ["service"]

Using = Callable[[BallotServer, list[BallotSocket]], Coroutine[Any, Any, None]]


def ballot_of(service: Service, poll: Poll, number: int, place: int = 0, **changes: Any) -> Ballot:
    """The ballot of a voter, at the time of the play."""
    (tag,) = public.tags(poll.id, [number])
    made = Ballot(poll.id, CHANNEL, tag, (poll.candidates[place],), UNKNOWN_ORIGIN, service.world.now)
    return made._replace(**changes)


def connected(service: Service, path: Path, use: Using, workers: int = 2) -> None:
    """Let workers reach the boxes of a service through sockets."""

    async def run() -> None:
        server = BallotServer(service.context.ballots, path)
        sockets = [BallotSocket(path) for _ in range(workers)]
        await server.open()
        for one in sockets:
            await one.open()
        try:
            await asyncio.wait_for(use(server, sockets), 60)
        finally:
            for one in sockets:
                await one.close()
            await server.close()

    asyncio.run(run())
    assert not path.exists()


def test_every_ballot_through_two_workers_is_in_once_with_one_receipt(service: Service, tmp_path: Path) -> None:
    poll = public.opened(service.world)

    async def use(server: BallotServer, sockets: list[BallotSocket]) -> None:
        handed = [
            socket.cast(ballot_of(service, poll, number, (number + worker) % 5))
            for number in range(public.VOTERS)
            for worker, socket in enumerate(sockets)
        ]
        answers = await asyncio.gather(*handed)
        assert all(isinstance(one, Cast) for one in answers)
        for one, other in zip(answers[::2], answers[1::2], strict=True):
            assert {one.again, other.again} == {False, True}  # type: ignore[union-attr]
            assert one.receipt == other.receipt  # type: ignore[union-attr]
        verify(answers[0].receipt, [LOG_VKEY])  # type: ignore[union-attr]

    connected(service, tmp_path / "ballots.sock", use)
    assert service.sequencer.state.polls.ballots_of(poll.id).counts == {CHANNEL: public.VOTERS}


def test_refusals_and_errors_come_through_the_socket_as_they_are(service: Service, tmp_path: Path) -> None:
    poll = public.opened(service.world)
    path = tmp_path / "ballots.sock"

    async def use(server: BallotServer, sockets: list[BallotSocket]) -> None:
        assert oct(path.stat().st_mode & 0o777) == "0o600"
        strange = await sockets[0].cast(ballot_of(service, poll, 999))
        assert isinstance(strange, Refusal)
        assert (strange.code, strange.clause) == ("CREDENTIAL_UNKNOWN", public.CLAUSE)
        empty = await sockets[0].cast(ballot_of(service, poll, 0, candidates=()))
        assert isinstance(empty, Refusal)
        assert empty.code == "PUBLIC_BALLOT_INVALID"
        boxes = service.context.ballots
        assert isinstance(boxes, Boxes)
        boxes._keys.clear()
        with pytest.raises(VerificationError, match="CHANNEL_NOT_SERVED"):
            await sockets[0].cast(ballot_of(service, poll, 0))

    connected(service, path, use, 1)


def test_what_waited_while_the_connection_was_gone_is_sent_again(service: Service, tmp_path: Path) -> None:
    poll = public.opened(service.world)
    path = tmp_path / "ballots.sock"

    async def use(server: BallotServer, sockets: list[BallotSocket]) -> None:
        first = await sockets[0].cast(ballot_of(service, poll, 0))
        await server.close()
        assert sockets[0]._writer is not None
        sockets[0]._writer.close()
        waits = [sockets[0].cast(ballot_of(service, poll, number)) for number in (0, 1)]
        given_up = sockets[0].cast(ballot_of(service, poll, 2))
        given_up.cancel()
        await asyncio.sleep(0.2)
        assert not any(one.done() for one in waits)
        await server.open()
        again, second = await asyncio.gather(*waits)
        assert (again.again, second.again) == (True, False)  # type: ignore[union-attr]
        assert again.receipt == first.receipt  # type: ignore[union-attr]
        assert sockets[0]._open == {}

    connected(service, path, use, 1)


def test_a_worker_with_too_many_waiting_says_so(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = public.opened(service.world)
    monkeypatch.setattr(ballot_socket, "MOST_WAITING", 1)

    async def use(server: BallotServer, sockets: list[BallotSocket]) -> None:
        waits = sockets[0].cast(ballot_of(service, poll, 0))
        with pytest.raises(StoreError, match="POLL_BOX_FULL"):
            await sockets[0].cast(ballot_of(service, poll, 1))
        assert isinstance(await waits, Cast)

    connected(service, tmp_path / "ballots.sock", use, 1)


def test_a_simulated_time_is_for_rehearsals_alone(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    poll = public.opened(service.world)
    boxes = service.context.ballots

    async def use() -> None:
        await boxes.open()
        sealed = service.sequencer.state.sealed
        assert sealed is not None
        sealed.rehearsal = False
        with pytest.raises(StoreError, match="CLOCK_NOT_SIMULATED"):
            await boxes.cast(ballot_of(service, poll, 0))
        sealed.rehearsal = True
        await boxes.close()

    asyncio.run(use())


def test_the_same_ballot_many_times_at_once_holds_nobody_up(service: Service) -> None:
    """They are all of one batch: the first is in, the others have its receipt; a refusal is the same for all."""
    poll = public.opened(service.world)
    boxes = service.context.ballots

    async def use() -> None:
        await boxes.open()
        same = [boxes.cast(ballot_of(service, poll, 0, place % 5)) for place in range(50)]
        strange = [boxes.cast(ballot_of(service, poll, 999)) for _ in range(5)]
        # Of another minute, which might be of another day.
        later = boxes.cast(ballot_of(service, poll, 0, at=service.world.now + 120_000))
        answers = await asyncio.gather(*same, later)
        assert [one.again for one in answers] == [False, *[True] * 50]  # type: ignore[union-attr]
        assert {one.receipt.encode() for one in answers} == {answers[0].receipt.encode()}  # type: ignore[union-attr]
        refusals = await asyncio.gather(*strange)
        assert {one.code for one in refusals} == {"CREDENTIAL_UNKNOWN"}  # type: ignore[union-attr]
        await boxes.close()

    asyncio.run(use())
    batches = service.sequencer.state.polls.ballots_of(poll.id).of_channel(CHANNEL)
    assert [one.count for one in batches] == [1]


def test_a_clock_that_is_a_little_behind_the_opening_spoils_no_batch(service: Service) -> None:
    poll = public.opened(service.world)
    boxes = service.context.ballots

    async def use() -> None:
        await boxes.open()
        early = boxes.cast(ballot_of(service, poll, 0, at=poll.opened_at - 60_000))
        now = boxes.cast(ballot_of(service, poll, 1))
        assert [isinstance(one, Cast) for one in await asyncio.gather(early, now)] == [True, True]
        await boxes.close()

    asyncio.run(use())
