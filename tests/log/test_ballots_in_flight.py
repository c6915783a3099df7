"""Batches of ballots that are hashed and looked up before their turn: what happens in between is not missed."""

from collections.abc import Sequence

import pytest

from api.rehearsal.driver import World
from api.rehearsal.live import SequencedLedger
from ledger import attached
from ledger.attached import RecentlySpent
from ledger.poll_rows import Block
from ledger.procedure.reasons import Refusal
from ledger.sequencer import Answer, Refused, Sequenced, Sequencer
from ledger.state.poll_book import Poll
from tests import public_ballots as public
from tests.public_ballots import OPERATOR, batch, block_of, cast, opened
from tests.sequenced import Site, WorldFrom
from tests.voting import history_before


@pytest.fixture
def world(world_from: WorldFrom) -> World:
    return world_from(history_before(public.STAGE))


def sequencer_of(world: World) -> Sequencer:
    ledger = world.ledger
    assert isinstance(ledger, SequencedLedger)
    return ledger.sequencer


def in_flight(world: World, poll: Poll, blocks: Sequence[Block]) -> list[Answer]:
    """Hand batches in while the sequencer is kept from its work, so that each is made ready before any is judged."""
    sequencer = sequencer_of(world)
    done = len(world.state.polls.ballots_of(poll.id).of_channel(public.CHANNEL))
    with sequencer._turn:
        waiting = []
        for number, block in enumerate(blocks):
            envelope = world.envelope(OPERATOR, batch(world, poll, block, sequence=done + number))
            waiting.append(sequencer.submit(envelope, world.now, block.encode()))
    return [one.result(30) for one in waiting]


def refusal_of(answer: Answer) -> Refusal:
    assert isinstance(answer, Refused)
    return answer.refusal


@pytest.mark.parametrize("remembered", [0, 1 << 17])
def test_F06_a_credential_in_two_batches_at_once_votes_once(
    world: World, site: Site, remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attached, "_REMEMBERED", remembered)
    poll = opened(world)
    cast(world, poll, {50: (0,)})
    blocks = [block_of(world, poll, {1: (0,), 2: (1,)}), block_of(world, poll, {2: (0,), 3: (1,)})]
    first, second = in_flight(world, poll, blocks)
    assert isinstance(first, Sequenced)
    refusal = refusal_of(second)
    serial = public.serial_of(blocks[1], poll, 2)
    assert (refusal.code, refusal.facts["serials"]) == ("ALREADY_VOTED_PUBLIC", str(serial))
    with site.store() as store:
        assert store.spent(public.tags(poll.id, [1, 2, 3])).keys() == set(public.tags(poll.id, [1, 2]))


def test_what_was_looked_up_too_long_ago_is_looked_up_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached, "_REMEMBERED", 0)
    poll = opened(world)
    sequencer = sequencer_of(world)
    block = block_of(world, poll, {4: (0,)})
    stale = world.envelope(OPERATOR, batch(world, poll, block, sequence=1))
    request = sequencer._checked(stale, world.now, block.encode())
    cast(world, poll, {4: (1,), 5: (1,)})
    cast(world, poll, {6: (1,)})
    behind = batch(world, poll, block, sequence=2)
    newer = sequencer._checked(world.envelope(OPERATOR, behind), world.now, None)
    again = newer._replace(attached=request.attached)
    sequencer._put([again])
    assert refusal_of(again.answer.result(30)).code == "ALREADY_VOTED_PUBLIC"


def test_the_newest_keys_are_remembered_and_the_oldest_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached, "_REMEMBERED", 3)
    recent = RecentlySpent(7)
    recent.add(7, (b"a", b"b"))
    recent.add(9, (b"c", b"d"))
    assert (recent.since, recent.among([b"x", b"a", b"d"])) == (7, [1, 2])
    recent.trim()
    assert (recent.since, recent.among([b"x", b"a", b"d"])) == (8, [2])
    assert recent.among([b"x"]) == []
