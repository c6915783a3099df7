"""Signing in: what a challenge is good for, what a session is, and that no answer tells who is known."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.http.context import Context
from api.http.sign_in import Desk, viewer_by
from api.problems import HttpError
from ledger.sequencer import system_clock
from ledger.signing import SigningKey, key_id
from ledger.statements.roll import RoleWithdrawn
from ledger.store.access import AccessBook
from tests.http.conftest import Service
from tests.http.reading import REASON, ask, challenged, get, signed_in
from tests.plays import history_at
from tests.simulator import History

STRANGER = SigningKey.from_seed(b"s" * 32)


@pytest.fixture
def service(serving: Callable[[History], Service]) -> Service:
    """A service on whose roll everybody has a key."""
    return serving(history_at("enrolled"))


def test_who_signs_a_challenge_reads_under_their_present_roles(service: Service) -> None:
    told = get(service, "organiser", "/v1/session").json()
    assert told == {"method": "key", "person": service.world.person("organiser"), "roles": ["organiser"]}
    assert get(service, None, "/v1/session").status_code == 401


def test_a_challenge_opens_one_session(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> list[int]:
        body = await challenged(client, service.world.actor("organiser").key)
        return [(await client.post("/v1/session", json=body)).status_code for _ in range(2)]

    assert ask(service, asking) == [201, 401]


def test_nothing_tells_an_unknown_key_from_a_wrong_signature(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> list[dict[str, Any]]:
        known = service.world.actor("organiser").key
        good = await challenged(client, known)
        wrong = await challenged(client, STRANGER)
        answers = [
            await client.post("/v1/session", json=body)
            for body in (
                wrong,
                wrong | {"key": key_id(known.public)},
                good | {"signature": base64.b64encode(bytes(64)).decode()},
                good | {"signature": "?"},
                good | {"key": "nobody"},
                good | {"challenge": "AAAA"},
                good | {"challenge": good["challenge"][:-1]},
                good | {"challenge": ""},
            )
        ]
        return [one.json() | {"instance": ""} for one in answers]

    told = ask(service, asking)
    assert told[0]["code"] == "SIGN_IN_FAILED"
    assert all(one == told[0] for one in told)


def test_a_signature_for_another_address_is_good_for_nothing_here(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        key = service.world.actor("organiser").key
        given = (await client.post("/v1/session/challenge")).json()
        elsewhere = given["message"].replace(given["origin"], "https://elsewhere.example")
        assert elsewhere != given["message"]
        signature = base64.b64encode(key.sign(elsewhere.encode())).decode()
        body = {"challenge": given["challenge"], "key": key_id(key.public), "signature": signature}
        return await client.post("/v1/session", json=body)

    assert ask(service, asking).status_code == 401


def test_a_session_ends_when_it_is_closed(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> list[int]:
        headers = await signed_in(client, service.world, "organiser")
        return [
            (await client.request(method, "/v1/session", headers=headers)).status_code
            for method in ("GET", "DELETE", "GET", "DELETE")
        ]

    assert ask(service, asking) == [200, 204, 401, 401]


def test_a_session_and_a_challenge_end_by_themselves(service: Service) -> None:
    context, now = service.context, system_clock()
    key = service.world.actor("organiser").key
    token, session = opened(context, key, now)
    assert viewer_by(context, token, session.expires - 1).person == session.person
    with pytest.raises(HttpError, match="SIGN_IN_NEEDED"):
        viewer_by(context, token, session.expires)
    desk = Desk(context)
    challenge, lapses = desk.challenge(now)
    with pytest.raises(HttpError, match="SIGN_IN_FAILED"):
        desk.open(challenge, key_id(key.public), signature_of(context, key, challenge), lapses)


def opened(context: Context, key: SigningKey, now: int) -> Any:
    """Sign in without a network; returns token and session."""
    desk = Desk(context)
    challenge, _ = desk.challenge(now)
    return desk.open(challenge, key_id(key.public), signature_of(context, key, challenge), now)


def signature_of(context: Context, key: SigningKey, challenge: str) -> str:
    """The signature over a challenge."""
    address = f"http://{context.settings.host}:{context.settings.port}"
    signed = f"ballot-ledger sign-in v1\n{address}\n{challenge}\n"
    return base64.b64encode(key.sign(signed.encode())).decode()


def test_the_token_is_kept_as_a_hash_alone_and_workers_share_sessions(service: Service) -> None:
    context, now = service.context, system_clock()
    token, _ = opened(context, service.world.actor("organiser").key, now)
    other = replace(context)
    assert viewer_by(other, token, now).roles == {"organiser"}
    assert AccessBook(context.store).session(token.encode()[:32], now) is None


def test_a_role_that_is_taken_away_counts_no_more_in_a_running_session(service: Service) -> None:
    world = service.world

    async def asking(client: httpx.AsyncClient) -> list[tuple[int, list[str]]]:
        headers = await signed_in(client, world, "intake-2")
        found = []
        for _ in range(2):
            status = (await client.get("/v1/status", headers=headers)).status_code
            found.append((status, (await client.get("/v1/session", headers=headers)).json()["roles"]))
            await asyncio.to_thread(take_away)
        return found

    def take_away() -> None:
        if world.state.roll.has_role(world.person("intake-2"), ("intake_office",)):
            act = world.must("registrar", RoleWithdrawn(world.person("intake-2"), "任期届满", "intake_office"))
            world.cosign(act, "discipline")

    assert ask(service, asking) == [(200, ["intake_office"]), (403, [])]


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Basic eDp5", "Bearer " + "A" * 43, "é"])
def test_no_other_authorisation_is_one(service: Service, header: str) -> None:
    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get("/v1/programme", headers=[(b"authorization", header.encode())])

    answer = ask(service, asking, **REASON)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_IN_NEEDED")
