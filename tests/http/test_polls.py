"""Public ballots over HTTP: one code, one ballot, its receipt; counts while a poll runs, totals once it has ended."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.http.boxes import Boxes
from api.http.settings import Limits
from ledger import canonical
from ledger.poll_receipt import PublicReceipt, parse, verify
from ledger.poll_rows import credential_tag
from ledger.state.polls import Poll
from tests import public_ballots as public
from tests.http.conftest import Service
from tests.http.reading import signed_in
from tests.public_ballots import CHANNEL, OPERATOR, STAGE
from tests.simulator import LOG_VKEY, History
from tests.voting import history_before

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
