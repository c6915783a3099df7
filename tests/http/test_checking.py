"""Workers check signatures themselves: a forgery goes no further, a worker's word counts only for the roll's key."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from api.http.door import Accepted, Answered, Failed, LocalDoor
from api.http.socket_door import DoorServer, SocketDoor
from ledger.answers import Request
from ledger.errors import LedgerError, MalformedError, VerificationError
from ledger.signing import SigningKey, encode_base64
from ledger.statements import open_envelope
from tests.http.conftest import Service
from tests.http.test_statements import service, vote
from tests.voting import PANEL

__all__ = ["service"]


class Listening(LocalDoor):
    """The sequencer's door, which remembers what reached it."""

    heard: list[tuple[bytes, bytes | None]]

    async def submit(
        self,
        envelopes: Sequence[bytes],
        at: int | None = None,
        attached: Sequence[bytes | None] = (),
        verified: Sequence[bytes | None] = (),
    ) -> list[Answered]:
        """Remember, and hand in."""
        self.heard += zip(envelopes, verified, strict=True)
        return await super().submit(envelopes, at, attached, verified)


def forged(envelope: bytes) -> bytes:
    """The same statement with a signature that does not hold."""
    good = encode_base64(open_envelope(envelope).signature).encode()
    return envelope.replace(good, encode_base64(bytes(64)).encode())


def play(service: Service, folder: Path, envelopes: Sequence[bytes]) -> tuple[list[Answered], Listening]:
    """Hand in through a worker's end that checks by the reader's roll."""
    door = Listening(service.sequencer)
    door.heard = []

    async def handing_in() -> list[Answered]:
        path = folder / "run" / "s.sock"
        far, near = DoorServer(door, path), SocketDoor(path, check=service.context.reader.checking())
        await far.open()
        await near.open()
        answers = await near.submit(envelopes, service.world.now)
        await near.close()
        await far.close()
        return answers

    return asyncio.run(handing_in()), door


def test_a_forgery_never_reaches_the_sequencer_and_gets_the_same_answer(service: Service, tmp_path: Path) -> None:
    good, other = vote(service.world), vote(service.world, PANEL[1])
    bad = forged(other)
    answers, door = play(service, tmp_path, [bad, good, b"{}", other])
    assert [type(one) for one in answers] == [Failed, Accepted, Failed, Accepted]
    assert [envelope for envelope, _ in door.heard] == [good, other]
    assert [by for _, by in door.heard] == [
        service.world.actor(PANEL[0]).key.public,
        service.world.actor(PANEL[1]).key.public,
    ]
    for answer, envelope in ((answers[0], bad), (answers[2], b"{}")):
        assert isinstance(answer, Failed)
        with pytest.raises(LedgerError) as told:
            service.sequencer.submit(envelope, service.world.now)
        assert (type(answer.error), answer.error.code) == (type(told.value), told.value.code)
        assert answer.error.facts == told.value.facts
    assert isinstance(answers[0], Failed)
    assert isinstance(answers[0].error, VerificationError)
    assert isinstance(answers[2], Failed)
    assert isinstance(answers[2].error, MalformedError)


def test_what_a_worker_does_not_know_yet_is_for_the_sequencer(service: Service, tmp_path: Path) -> None:
    envelope = vote(service.world)
    behind = service.context.reader
    behind.stop()
    object.__setattr__(service.context, "reader", type(behind)(service.context.store))
    answers, door = play(service, tmp_path, [envelope, forged(vote(service.world, PANEL[1]))])
    assert [by for _, by in door.heard] == [None, None]
    assert isinstance(answers[0], Accepted)
    assert isinstance(answers[1], Failed)
    assert answers[1].error.code == "SIGNATURE_INVALID"


def test_a_workers_word_counts_only_for_the_key_on_the_roll(service: Service) -> None:
    another = SigningKey.from_seed(b"\7" * 32).public
    bad = forged(vote(service.world))
    for word in (another, b"", None):
        with pytest.raises(VerificationError, match="SIGNATURE_INVALID"):
            service.sequencer.submit(bad, service.world.now, None, word)


def test_the_decision_checks_again_what_was_verified_by_another_key(service: Service) -> None:
    """The roll of that moment decides, whatever was found before."""
    another = SigningKey.from_seed(b"\7" * 32).public
    request = Request(open_envelope(forged(vote(service.world))), service.world.now, another, Future())
    service.sequencer.sequence([request])
    with pytest.raises(VerificationError, match="SIGNATURE_INVALID"):
        request.answer.result(20)
