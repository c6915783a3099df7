"""Public ballots over HTTP: one code, one ballot, its receipt; counts while a poll runs, totals once it has ended."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.http.ballot_door import NoBoxes
from api.http.boxes import Boxes
from api.http.settings import Limits
from api.rehearsal.steps_polls import open_poll
from api.rehearsal.steps_rounds import play_people
from ledger import canonical
from ledger.errors import StoreError
from ledger.poll_lookup import receipt_of_tag
from ledger.poll_receipt import PublicReceipt, parse, verify
from ledger.poll_rows import credential_tag
from ledger.state.poll_book import Poll
from ledger.statements.foundation import StageOpened
from tests import public_ballots as public
from tests.http.conftest import Service
from tests.public_ballots import CHANNEL, OPERATOR, STAGE
from tests.simulator import LOG_VKEY, History, freeze
from tests.voting import changed, history_before, play_until, prepared

MANY = Limits(
    ballots_a_minute=10**9,
    ballot_burst=10**6,
    writes_a_minute=10**9,
    write_burst=10**6,
    requests_a_minute=10**9,
    request_burst=10**6,
    unknown_credential_burst=10**6,
    credential_burst=1000,
)


def with_boxes(service: Service, limits: Limits = MANY, **settings: Any) -> Service:
    """The service with the key of a channel in its folder, and limits that no test meets by accident."""
    context = service.context
    boxes = Boxes(context.store, service.sequencer, {CHANNEL: service.world.actor(OPERATOR).key})
    changed = context.settings.model_copy(update={"limits": limits, **settings})
    return replace(service, context=replace(context, ballots=boxes, settings=changed))


@pytest.fixture
def service(serving: Callable[[History], Service]) -> Service:
    """A service in whose selection a public vote may open."""
    return with_boxes(serving(history_before(STAGE)))


def code(number: int) -> str:
    """The one-time code of a voter."""
    return public.credential(number).hex()


def ballot(number: int, candidates: list[str], **more: Any) -> dict[str, Any]:
    """The body of a ballot."""
    return {"candidates": candidates, "channel": CHANNEL, "code": code(number), **more}


def asking(service: Service, *asked: tuple[str, str, Any], **headers: str) -> list[httpx.Response]:
    """Ask one thing after another: method, path, JSON body."""

    async def ask() -> list[httpx.Response]:
        async with service.client(**headers) as client:
            return [await client.request(method, path, json=body) for method, path, body in asked]

    return asyncio.run(ask())


def cast(service: Service, poll: Poll, *bodies: dict[str, Any], **query: Any) -> list[httpx.Response]:
    """Cast ballots at the time of the play, one after another."""
    at = query.get("at", service.world.now)
    path = f"/v1/polls/{poll.id}/ballots" + (f"?at={at}" if at is not None else "")
    return asking(service, *(("POST", path, body) for body in bodies))


def receipt_of(answer: httpx.Response) -> PublicReceipt:
    """The receipt of an answer, after it was verified offline."""
    found = parse(canonical.encode(answer.json()["receipt"]))
    verify(found, [LOG_VKEY])
    return found


def test_a_ballot_gets_a_receipt_that_proves_its_row_and_the_code_gets_it_again(service: Service) -> None:
    poll = public.opened(service.world)
    first, again, other = cast(
        service,
        poll,
        ballot(0, [poll.candidates[3]]),
        ballot(0, [poll.candidates[4], poll.candidates[5]]),
        ballot(1, [poll.candidates[0]]),
    )
    assert [one.status_code for one in (first, again, other)] == [201, 200, 201], first.text
    assert (first.json()["again"], again.json()["again"]) == (False, True)
    receipt = receipt_of(first)
    assert receipt.row.tag == credential_tag(poll.id, public.credential(0))
    assert first.json()["receipt"] == again.json()["receipt"]
    assert receipt_of(other).row.tag != receipt.row.tag
    (asked,) = asking(service, ("POST", f"/v1/polls/{poll.id}/receipts", {"code": code(0)}))
    assert (asked.status_code, asked.json()["receipt"]) == (200, first.json()["receipt"])
    assert service.sequencer.state.polls.ballots_of(poll.id).counts == {CHANNEL: 2}
    assert "no-store" in first.headers["cache-control"]


def refused(answer: httpx.Response, status: int, told: str) -> dict[str, Any]:
    """The problem of an answer, which has this status and code."""
    assert (answer.status_code, answer.json()["code"]) == (status, told), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    return found


def test_what_cannot_come_in_says_why_and_nothing_of_what_was_sent(service: Service) -> None:
    world = service.world
    poll = public.opened(world)
    path = f"/v1/polls/{poll.id}/ballots?at={world.now}"
    someone = list(poll.candidates[:1])
    answers = asking(
        service,
        ("POST", "/v1/polls/nowhere/ballots", ballot(0, someone)),
        ("POST", path, ballot(0, someone, channel="no-such")),
        ("POST", path, ballot(999, someone)),
        ("POST", path, ballot(0, [])),
        ("POST", path, ballot(0, ["nobody"])),
        ("POST", path, ballot(0, someone * 2)),
        ("POST", path, ballot(0, someone, code="0" * 31)),
        ("POST", path, ballot(0, someone, code="Z" * 32)),
        ("POST", path, ballot(0, someone, more=1)),
        ("POST", path, ballot(0, someone, channel="No Channel")),
        ("POST", path, [1]),
        ("POST", path, ballot(0, ["x" * 40_000])),
        ("POST", f"/v1/polls/{poll.id}/ballots?at=-1", ballot(0, someone)),
        ("POST", "/v1/polls/Not%20An%20Id/ballots", ballot(0, someone)),
    )
    expected = [
        (422, "UNKNOWN_POLL"),
        (422, "UNKNOWN_CHANNEL"),
        (422, "CREDENTIAL_UNKNOWN"),
        *[(422, "PUBLIC_BALLOT_INVALID")] * 3,
        *[(400, "CREDENTIAL_MALFORMED")] * 2,
        *[(400, "REQUEST_INVALID")] * 3,
        (413, "BODY_TOO_LARGE"),
        *[(400, "REQUEST_INVALID")] * 2,
    ]
    for answer, (status, told) in zip(answers, expected, strict=True):
        refused(answer, status, told)
        assert code(0) not in answer.text
        assert someone[0] not in answer.text
    assert service.sequencer.state.polls.ballots_of(poll.id).counts == {}


def test_a_channel_that_committed_to_nobody_gives_no_ballots(service: Service) -> None:
    service.world.must("organiser", StageOpened(STAGE))
    poll = open_poll(service.world, STAGE)
    (answer,) = cast(service, poll, ballot(0, [poll.candidates[0]]))
    refused(answer, 422, "CREDENTIALS_NOT_COMMITTED")


def test_only_json_is_a_ballot(service: Service) -> None:
    poll = public.opened(service.world)

    async def ask() -> list[httpx.Response]:
        body = json.dumps(ballot(0, list(poll.candidates[:1])))
        path = f"/v1/polls/{poll.id}/ballots"
        async with service.client() as client:
            return [
                await client.post(path, content=body, headers={"content-type": "text/plain"}),
                await client.post(
                    path, content=body, headers={"content-type": "application/json", "content-encoding": "gzip"}
                ),
                await client.post(f"/v1/polls/{poll.id}/receipts", data={"code": code(0)}),
                await client.post(
                    f"/v1/polls/{poll.id}/batches", content=b"x", headers={"content-type": "application/json"}
                ),
            ]

    for answer in asyncio.run(ask()):
        refused(answer, 415, "CONTENT_UNSUPPORTED")


def test_a_ballot_after_the_close_is_refused_and_an_earlier_ones_receipt_is_still_given(service: Service) -> None:
    world = service.world
    poll = public.opened(world)
    (first,) = cast(service, poll, ballot(0, [poll.candidates[0]]))
    world.actor(OPERATOR).counter = world.state.roll.people[world.person(OPERATOR)].counter
    public.close(world, poll)
    late, again = cast(service, poll, ballot(1, [poll.candidates[0]]), ballot(0, [poll.candidates[0]]))
    refused(late, 409, "POLL_CLOSED")
    assert (again.status_code, again.json()["receipt"]) == (200, first.json()["receipt"])


def test_a_code_nobody_knows_and_one_that_has_not_voted_are_answered_alike(service: Service) -> None:
    poll = public.opened(service.world)
    path = f"/v1/polls/{poll.id}/receipts"
    answers = asking(
        service,
        ("POST", path, {"code": code(5)}),
        ("POST", path, {"code": code(999)}),
        ("POST", "/v1/polls/nowhere/receipts", {"code": code(5)}),
        ("POST", path, {"code": 5}),
    )
    known, unknown = ({**refused(one, 404, "BALLOT_NOT_FOUND"), "instance": ""} for one in answers[:2])
    assert known == unknown
    refused(answers[2], 422, "UNKNOWN_POLL")
    refused(answers[3], 400, "REQUEST_INVALID")


def test_a_receipt_is_not_given_before_its_batch_is_published(service: Service) -> None:
    poll = public.opened(service.world)
    cast(service, poll, ballot(0, [poll.candidates[0]]))
    tag = credential_tag(poll.id, public.credential(0))
    size = service.sequencer.size
    store = service.context.store
    assert receipt_of_tag(store, tag, tag, size - 1) is None
    assert receipt_of_tag(store, tag, tag, size) is not None


def test_a_channel_whose_key_is_not_here_hands_in_its_own(service: Service) -> None:
    poll = public.opened(service.world)
    context = service.context
    for keys in ({}, {CHANNEL: service.world.actor("organiser").key}):
        boxes = Boxes(context.store, service.sequencer, keys)
        other = replace(service, context=replace(context, ballots=boxes))
        (answer,) = cast(other, poll, ballot(0, [poll.candidates[0]]))
        refused(answer, 404, "CHANNEL_NOT_SERVED")
    nobody = replace(service, context=replace(context, ballots=NoBoxes()))
    (answer,) = cast(nobody, poll, ballot(0, [poll.candidates[0]]))
    refused(answer, 404, "CHANNEL_NOT_SERVED")


def test_a_full_box_says_when_to_come_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.poll_box.MOST_WAITING", 0)
    poll = public.opened(service.world)
    (answer,) = cast(service, poll, ballot(0, [poll.candidates[0]]))
    refused(answer, 503, "POLL_BOX_FULL")
    assert int(answer.headers["retry-after"]) > 0


def test_a_store_that_is_away_gives_no_receipt_and_the_same_ballot_counts_once_it_is_back(service: Service) -> None:
    poll = public.opened(service.world)
    store = service.context.store
    boxes = service.context.ballots
    assert isinstance(boxes, Boxes)
    boxes._store = Away(store)  # type: ignore[assignment]
    (answer,) = cast(service, poll, ballot(0, [poll.candidates[0]]))
    refused(answer, 503, "STORE_UNAVAILABLE")
    boxes._store = store
    assert [one.status_code for one in cast(service, poll, ballot(0, [poll.candidates[0]]))] == [201]


class Away:
    """A store that looks nothing up."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def offending(self, *asked: object) -> object:
        raise StoreError("STORE_UNREACHABLE", reason="a test")


def test_F05_where_a_code_votes_once_a_day_each_day_has_its_ballot_and_its_receipt(
    serving: Callable[[History], Service],
) -> None:
    before = prepared(changed(readings={"public_ballot": "up_to_seats_once_a_day"}))
    play_until(before, STAGE)
    play_people(before, STAGE)
    service = with_boxes(serving(freeze(before)))
    poll, today = public.opened(service.world), service.world.now
    tomorrow = today + 86_400_000
    someone = [poll.candidates[0]]
    (first,), (again,), (second,) = (
        cast(service, poll, ballot(0, someone), at=at) for at in (today, today + 60_000, tomorrow)
    )
    assert [one.status_code for one in (first, again, second)] == [201, 200, 201]
    path = f"/v1/polls/{poll.id}/receipts"
    asked = asking(
        service, *(("POST", f"{path}?at={at}", {"code": code(0)}) for at in (today, tomorrow, tomorrow + 86_400_000))
    )
    assert [one.json().get("receipt") for one in asked[:2]] == [one.json()["receipt"] for one in (first, second)]
    refused(asked[2], 404, "BALLOT_NOT_FOUND")
    (shown,) = asking(service, ("GET", f"/v1/polls/{poll.id}", None))
    assert (shown.json()["poll"]["rule"], shown.json()["poll"]["taken"]) == ("once_a_day", 2)
