"""What may be known of a public vote, and batches that a channel's own system signed."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from api.public_client import FRAMED
from api.rehearsal.driver import World
from api.rehearsal.steps_polls import import_totals, open_poll, play_channels
from api.rehearsal.steps_rounds import play_people
from ledger import canonical
from ledger.attached import MOST_BYTES
from ledger.poll_rows import parse_block
from ledger.receipt import parse, verify
from ledger.state.poll_book import Poll
from ledger.statements.foundation import ActCountersigned, StageOpened
from ledger.statements.framing import frame_entry
from ledger.statements.poll_ballots import VotesReinstated
from tests import public_ballots as public
from tests.http.conftest import Service
from tests.http.reading import signed_in
from tests.http.test_polls import MANY, asking, ballot, cast, refused, service, with_boxes
from tests.public_ballots import CHANNEL, OPERATOR, RULE, STAGE
from tests.simulator import LOG_VKEY, History, freeze
from tests.voting import history_before, play_until, prepared

__all__ = ["service"]

WHO = (None, "organiser", "discipline", OPERATOR)


def shown(service: Service, path: str, who: tuple[str | None, ...] = WHO) -> list[httpx.Response]:
    """A path as everybody is answered who asks."""

    async def ask() -> list[httpx.Response]:
        async with service.client() as client:
            return [await client.get(path, headers=await signed_in(client, service.world, one)) for one in who]

    return asyncio.run(ask())


def poll_of(service: Service, poll: Poll, at: int | None = None) -> dict[str, Any]:
    """What everybody alike is shown of a poll."""
    answers = shown(service, f"/v1/polls/{poll.id}" + (f"?at={at}" if at is not None else ""))
    assert len({one.content for one in answers}) == 1
    assert {one.status_code for one in answers} == {200}
    (alone,) = asking(service, ("GET", "/v1/polls" + (f"?at={at}" if at is not None else ""), None))
    found: dict[str, Any] = answers[0].json()["poll"]
    assert alone.json()["polls"] == [found]
    return found


def settled(world: World) -> None:
    """The play goes on signing for the operator where the box has left off."""
    world.actor(OPERATOR).counter = world.state.roll.people[world.person(OPERATOR)].counter


def test_while_a_poll_runs_everybody_sees_how_many_and_nobody_for_whom(service: Service) -> None:
    poll = public.opened(service.world)
    cast(service, poll, *(ballot(number, [poll.candidates[number % 2]]) for number in range(3)))
    found = poll_of(service, poll)
    (source,) = found["sources"]
    assert (found["taken"], found["closed"], found["sums"], found["rule"]) == (3, None, None, "once")
    assert found["rules"] == [RULE]
    assert found["candidates"] == list(poll.candidates)
    assert source == {
        "channel": CHANNEL,
        "credentials": public.VOTERS,
        "entry": None,
        "finding": None,
        "left_out": [],
        "raw": None,
        "taken": 3,
        "valid": None,
        "verifiable": True,
    }
    (missing,) = asking(service, ("GET", "/v1/polls/nowhere", None))
    refused(missing, 404, "NOT_FOUND")
    assert asking(service, ("GET", f"/v1/polls?at={poll.opened - 1}", None))[0].json()["polls"] == []


def test_once_it_has_ended_totals_stand_raw_and_valid_with_what_was_left_out(service: Service) -> None:
    world = service.world
    poll = public.opened(world)
    cast(service, poll, *(ballot(number, [poll.candidates[number % 2]]) for number in range(3)))
    settled(world)
    public.close(world, poll)
    assert poll_of(service, poll)["sums"] is None
    with service.world.ledger.store() as store:  # type: ignore[attr-defined]
        public.open_totals(world, poll, store)
        opened = world.state.size - 1
    first, second = poll.candidates[:2]
    (source,) = poll_of(service, poll)["sources"]
    assert (source["raw"][first], source["raw"][second], source["entry"]) == (2, 1, opened)
    assert source["valid"] == source["raw"]
    body, listed = public.invalidation(poll, [place_of(service, poll, 1)], {1: 1})
    act = world.must("organiser", body, listed)
    world.cosign(act, "discipline")
    (source,) = poll_of(service, poll)["sources"]
    assert (source["raw"][second], source["valid"][second]) == (1, 0)
    assert source["left_out"] == [{"count": 1, "entry": world.state.size - 1, "reinstated": None, "rule": RULE}]
    assert poll_of(service, poll)["sums"] == source["valid"]
    back = world.must("organiser", VotesReinstated(act.index, poll.id, "查明为真实选民"))
    world.cosign(back, "scrutineer-1")
    (source,) = poll_of(service, poll)["sources"]
    assert source["valid"] == source["raw"]
    assert source["left_out"][0]["reinstated"] == world.state.size - 1
    assert poll_of(service, poll, opened - 1)["sums"] is None


def place_of(service: Service, poll: Poll, voter: int) -> tuple[int, int]:
    """Where the row of a voter stands."""
    (tag,) = public.tags(poll.id, [voter])
    for sequence, one in enumerate(service.sequencer.state.polls.ballots_of(poll.id).of_channel(CHANNEL)):
        data = service.context.store.attached(one.index)
        assert data is not None
        if tag in (tags := parse_block(data).tags()):
            return sequence, tags.index(tag)
    raise AssertionError("no such row")


def framed(envelope: bytes, attached: bytes) -> bytes:
    """The body of a statement with what is attached to it."""
    return len(envelope).to_bytes(4, "big") + envelope + attached


def hand_in(service: Service, poll_id: str, *bodies: bytes, at: bool = True) -> list[httpx.Response]:
    """Hand in bodies, one after another."""

    async def ask() -> list[httpx.Response]:
        path = f"/v1/polls/{poll_id}/batches" + (f"?at={service.world.now}" if at else "")
        async with service.client() as client:
            return [await client.post(path, content=one, headers={"content-type": FRAMED}) for one in bodies]

    return asyncio.run(ask())


def signed(world: World, poll: Poll, voters: dict[int, tuple[int, ...]]) -> tuple[bytes, bytes]:
    """A batch that the channel signed, and its rows."""
    block = public.block_of(world, poll, voters)
    return world.envelope(OPERATOR, public.batch(world, poll, block)), block.encode()


def test_a_signed_batch_is_taken_with_its_rows_and_again_gets_the_first_receipt(service: Service) -> None:
    world = service.world
    poll = public.opened(world)
    envelope, rows = signed(world, poll, {0: (0,), 1: (1,)})
    first, again = hand_in(service, poll.id, framed(envelope, rows), framed(envelope, rows))
    assert (first.status_code, again.status_code) == (201, 200), first.text
    told = first.json()
    verify(parse(told["receipt"].encode()), frame_entry(told["index"], told["at"], envelope), [LOG_VKEY])
    assert again.json()["receipt"] == told["receipt"]
    assert first.headers["location"] == f"/v1/entries/{told['index']}"
    assert service.context.store.attached(told["index"]) == rows
    twice, strange = signed(world, poll, {1: (2,), 2: (2,)}), signed(world, poll, {999: (0,)})
    told = [refused(one, status, code) for one, (status, code) in zip(
        hand_in(service, poll.id, framed(*twice), framed(*strange)),
        [(409, "ALREADY_VOTED_PUBLIC"), (422, "CREDENTIAL_UNKNOWN")], strict=True,
    )]  # fmt: skip
    assert told[0]["facts"]["ballots"] == 1
    assert "receipt" in told[0]


def test_single_ballots_and_batches_of_the_channels_own_system_go_side_by_side(service: Service) -> None:
    world = service.world
    poll = public.opened(world)
    assert cast(service, poll, ballot(0, [poll.candidates[0]]))[0].status_code == 201
    settled(world)
    (taken,) = hand_in(service, poll.id, framed(*signed(world, poll, {1: (0,)})))
    assert taken.status_code == 201, taken.text
    assert cast(service, poll, ballot(1, [poll.candidates[0]]), ballot(2, [poll.candidates[0]]))[0].status_code == 200
    assert service.sequencer.state.polls.ballots_of(poll.id).counts == {CHANNEL: 3}


def test_openings_and_lists_of_rows_come_the_same_way(service: Service) -> None:
    world = service.world
    poll = public.opened(world)
    public.cast(world, poll, {0: (0,), 1: (1,)})
    blocks = [public.block_of(world, poll, {0: (0,), 1: (1,)})]
    public.close(world, poll)
    opening, openings = public.opening(poll, blocks, {0: 1, 1: 1})
    body, listed = public.invalidation(poll, [place_of(service, poll, 1)], {1: 1})
    (taken,) = hand_in(service, poll.id, framed(world.envelope(OPERATOR, opening), openings))
    assert taken.status_code == 201, taken.text
    (taken,) = hand_in(service, poll.id, framed(world.envelope("organiser", body), listed))
    assert (taken.status_code, taken.json()["needs"]) == (201, 1)


def test_what_is_no_batch_of_this_poll_is_not_taken(service: Service) -> None:
    world = service.world
    poll = public.opened(world)
    envelope, rows = signed(world, poll, {0: (0,)})
    altered = rows[:-1] + bytes([rows[-1] ^ 1])
    envelope_alone = framed(envelope, b"")
    answers = hand_in(
        service,
        poll.id,
        b"",
        b"\0\0\0",
        framed(b"", rows),
        (len(rows) + len(envelope) + 1).to_bytes(4, "big") + envelope + rows,
        (65_536).to_bytes(4, "big") + bytes(70_000),
        framed(b"{}", rows),
        framed(world.envelope("organiser", ActCountersigned(1, "00" * 32)), rows),
        framed(envelope, altered),
        envelope_alone,
        framed(envelope, bytes(MOST_BYTES + 1)),
        framed(envelope, bytes(MOST_BYTES + 70_000)),
    )
    expected = [
        *[(400, "REQUEST_INVALID")] * 5,
        (400, "NOT_CANONICAL"),
        (400, "REQUEST_INVALID"),
        *[(422, "ROWS_INVALID")] * 2,
        *[(413, "BODY_TOO_LARGE")] * 2,
    ]
    for answer, (status, told) in zip(answers, expected, strict=True):
        refused(answer, status, told)
    refused(hand_in(service, "another", framed(envelope, rows))[0], 400, "REQUEST_INVALID")
    assert hand_in(service, poll.id, framed(envelope, rows))[0].status_code == 201


def test_a_batch_is_no_larger_than_the_service_is_told(serving: Callable[[History], Service]) -> None:
    limits = MANY.model_copy(update={"ballot_batch_size": 2})
    service = with_boxes(serving(history_before(STAGE)), limits)
    poll = public.opened(service.world)
    few, many = (signed(service.world, poll, dict.fromkeys(range(count), (0,))) for count in (2, 3))
    told = refused(hand_in(service, poll.id, framed(*many))[0], 413, "BATCH_SIZE")
    assert told["facts"] == {"count": 3, "most": 2}
    assert canonical.encode(told["facts"])
    settled(service.world)
    few = signed(service.world, poll, {0: (0,), 1: (0,)})
    assert hand_in(service, poll.id, framed(*few))[0].status_code == 201


def test_F07_a_source_that_nobody_can_check_says_so_and_stands_apart(
    serving: Callable[[History], Service],
) -> None:
    before = prepared(channels=False)
    play_channels(before, STAGE, (CHANNEL,))
    play_until(before, STAGE)
    play_people(before, STAGE)
    service = serving(freeze(before))
    world = service.world
    world.must("organiser", StageOpened(STAGE))
    poll = open_poll(world, STAGE)
    public.close(world, poll)
    import_totals(world, poll.id, CHANNEL)
    found = poll_of(service, poll)
    (source,) = found["sources"]
    assert source["raw"] == source["valid"] == poll.totals[CHANNEL].totals
    assert (source["verifiable"], source["finding"], source["credentials"]) == (False, "UNVERIFIABLE_SOURCE", None)
    assert set(found["sums"].values()) == {0}
