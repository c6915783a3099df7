"""`POST /v1/statements` over a real sequencer: receipts, repetition, many at once, refusals with their own receipts."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

import httpx
import pytest

from api.http.routes_statements import LINES, MANY
from api.rehearsal.driver import World
from api.rehearsal.steps_rounds import ballot
from ledger.attempts import attempts_origin
from ledger.checkpoint import VerifierKey
from ledger.receipt import parse, verify
from ledger.signing import envelope_bytes, key_id
from ledger.statements import open_envelope
from ledger.statements.framing import frame_entry
from tests.http.conftest import JSON, Service
from tests.simulator import LOG_VKEY, History, freeze
from tests.voting import PANEL, voting

Serve = Callable[[History], Service]
Asking = Callable[[httpx.AsyncClient], Coroutine[Any, Any, Any]]


@cache
def open_round_history() -> tuple[History, str]:
    """A play in which the panel's round is open, and the round's id."""
    world, played = voting()
    return freeze(world), played.id


@pytest.fixture
def service(serving: Serve) -> Service:
    """A service whose panel may vote."""
    return serving(open_round_history()[0])


def ask(service: Service, asking: Asking, **headers: str) -> Any:
    """Let a client ask."""

    async def all_of_it() -> Any:
        async with service.client(**headers) as client:
            return await asking(client)

    return asyncio.run(all_of_it())


def vote(world: World, member: str = PANEL[0], times: int = 1, **header: Any) -> bytes:
    """The ballot of a member for the first candidates."""
    round_id = open_round_history()[1]
    listed = world.state.rounds.by_id[round_id].candidates
    chosen = [world.alias_of(person) for person in listed[:times]]
    world.now += 1000
    return world.envelope(member, ballot(world, round_id, chosen), **header)


def post(service: Service, body: bytes, kind: str = "application/json", **headers: str) -> httpx.Response:
    """Hand in a body at the play's time."""
    path = f"/v1/statements?at={service.world.now}"

    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post(path, content=body, headers={"content-type": kind, **headers})

    found: httpx.Response = ask(service, asking)
    return found


def test_a_statement_gets_a_receipt_and_again_the_same(service: Service) -> None:
    envelope, size = vote(service.world), service.sequencer.size
    first = post(service, envelope)
    assert (first.status_code, first.headers["location"]) == (201, f"/v1/entries/{size}")
    told = first.json()
    assert (told["again"], told["index"], told["needs"]) == (False, size, 0)
    entry = frame_entry(told["index"], told["at"], envelope)
    assert verify(parse(told["receipt"].encode()), entry, [LOG_VKEY]).size == size + 1
    again = post(service, envelope + b"\n")
    assert (again.status_code, again.json()) == (200, {**told, "again": True})
    assert service.sequencer.size == size + 1


def test_it_is_in_the_log_and_pinned_when_it_is_answered(service: Service) -> None:
    envelope = vote(service.world)
    told = post(service, envelope).json()
    store = service.context.store
    assert store.entry(told["index"]) == frame_entry(told["index"], told["at"], envelope)
    assert store.recorder.released() == told["index"] + 1


def test_many_are_answered_each_for_itself(service: Service) -> None:
    good = [vote(service.world, member) for member in PANEL[:3]]
    twice = vote(service.world, PANEL[0])
    bodies = [good[0], b"{}", good[1], twice, good[2], good[0]]
    answers = post(service, b'{"statements":[%b]}' % b",".join(bodies), MANY)
    assert answers.status_code == 207
    told = answers.json()["answers"]
    assert [one["status"] for one in told] == [201, 400, 201, 409, 201, 200]
    assert (told[1]["problem"]["code"], told[3]["problem"]["code"]) == ("NOT_CANONICAL", "ALREADY_VOTED")
    assert told[5]["receipt"] == told[0]["receipt"]
    lines = post(service, b"\n".join(good) + b"\n", LINES)
    assert [one["status"] for one in lines.json()["answers"]] == [200, 200, 200]


def test_order_among_many_is_kept(service: Service) -> None:
    envelopes = [vote(service.world, member) for member in PANEL]
    told = post(service, b"\n".join(envelopes), LINES).json()["answers"]
    indexes = [one["index"] for one in told]
    assert indexes == list(range(indexes[0], indexes[0] + len(PANEL)))


def test_a_refusal_has_code_clause_facts_both_languages_and_a_receipt(service: Service) -> None:
    most = service.world.state.rounds.by_id[open_round_history()[1]].max_approvals
    over = vote(service.world, times=most + 1)
    answer = post(service, over, **{"accept-language": "en-GB,en;q=0.9,zh;q=0.1"})
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert (told["code"], told["status"], told["type"]) == ("OVERVOTE", 422, "/problems/OVERVOTE")
    assert told["facts"] == {"approvals": most + 1, "most": most}
    assert told["clause"]
    assert told["detail"] == told["en"] != told["zh"]
    attempts = VerifierKey(attempts_origin(LOG_VKEY.name), LOG_VKEY.public)
    verify(parse(told["receipt"].encode()), told["attempt"].encode(), [attempts])
    kept = json.loads(told["attempt"])
    assert (kept["code"], kept["statement"]) == ("OVERVOTE", open_envelope(over).id.hex())
    assert post(service, over).json()["detail"] == told["zh"]


def test_no_session_and_no_token_makes_a_statement_count(service: Service) -> None:
    signed = open_envelope(vote(service.world))
    stranger = service.world.actor("a stranger")
    forged = envelope_bytes(signed.payload_type, signed.payload, signed.statement.key, stranger.key.sign(b"anything"))
    answer = post(service, forged, authorization="Bearer whatever", cookie="session=whatever")
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGNATURE_INVALID")
    assert answer.headers["www-authenticate"] == "DSSE"
    assert answer.json()["facts"] == {}
    by_stranger = vote(service.world, "a stranger", person=stranger.person, key=key_id(stranger.key.public))
    unknown = post(service, by_stranger)
    assert (unknown.status_code, unknown.json()["code"]) == (401, "KEY_UNKNOWN")


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "application/json", 400, "NOT_CANONICAL"),
        (b"[]", "application/json", 400, "NOT_CANONICAL"),
        (b"\xff\xfe", "application/json", 400, "NOT_CANONICAL"),
        (b"{}", "text/plain", 415, "CONTENT_UNSUPPORTED"),
        (b"{}", "", 415, "CONTENT_UNSUPPORTED"),
        (b"{}", MANY, 400, "REQUEST_INVALID"),
        (b'{"statements":[],"more":1}', MANY, 400, "REQUEST_INVALID"),
        (b'{"statements":[]}', MANY, 413, "TOO_MANY_STATEMENTS"),
        (b'{"statements":[%b]}' % b",".join([b"{}"] * 501), MANY, 413, "TOO_MANY_STATEMENTS"),
        (b"[" * 100, "application/json", 400, "JSON_TOO_DEEP"),
        (b"x" * 70_000, "application/json", 413, "STATEMENT_TOO_LARGE"),
    ],
)
def test_what_is_no_statement(service: Service, body: bytes, kind: str, status: int, code: str) -> None:
    answer = post(service, body, kind)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_compressed_body_is_not_taken(service: Service) -> None:
    answer = post(service, vote(service.world), **{"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (415, "CONTENT_UNSUPPORTED")


def test_a_field_that_is_not_valid_is_named_and_its_value_is_not_repeated(service: Service) -> None:
    signed = open_envelope(vote(service.world))
    payload = signed.payload.replace(b'"type":"ballot.cast"', b'"type":"ballot.cast"').replace(
        b'"approve":[', b'"approve":["\\u0000secret",'
    )
    payload = payload.replace(b'"counter":', b'"counter":"secret",' + b'"x":')
    envelope = envelope_bytes(signed.payload_type, payload, signed.statement.key, bytes(64))
    answer = post(service, envelope)
    assert answer.status_code == 400
    assert "secret" not in answer.text


def test_a_stopped_sequencer_gives_no_receipt_and_says_try_again(service: Service) -> None:
    service.sequencer.stop()
    answer = post(service, vote(service.world))
    assert (answer.status_code, answer.json()["code"]) == (503, "SEQUENCER_STOPPED")
    assert answer.headers["retry-after"] == "2"


def test_many_clients_at_once_share_commits(service: Service) -> None:
    envelopes = [vote(service.world, member) for member in PANEL]
    path, kind = f"/v1/statements?at={service.world.now}", JSON

    async def asking(client: httpx.AsyncClient) -> list[httpx.Response]:
        return await asyncio.gather(*(client.post(path, content=one, headers=kind) for one in envelopes))

    answers = ask(service, asking)
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["index"] for one in answers}) == len(PANEL)
