"""Signing in at an identity provider: who gets in, everything that does not, and what the session is good for."""

import asyncio
import base64
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from api.http import oidc as elsewhere_module
from api.http import routes_session
from api.http import settings as settings_module
from api.http.oidc import CALLBACK, STATE_SECONDS
from api.http.settings import Settings
from ledger.sequencer import system_clock
from ledger.statements.roll import RoleWithdrawn
from tests.http.conftest import Service
from tests.http.issuer import CLIENT, KEYS, SECRET, SUBJECT, Claims, Issuer, running_issuer
from tests.http.reading import REASON, ask
from tests.plays import history_at
from tests.simulator import History

FAILED = "SIGN_IN_ELSEWHERE_FAILED"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """A provider that runs."""
    with running_issuer(system_clock()) as running:
        yield running


@pytest.fixture
def service(serving: Callable[[History], Service], issuer: Issuer) -> Service:
    """A service that trusts the provider, and takes its subject for the organiser."""
    made = serving(history_at("enrolled"))
    context = made.context
    people = context.home.folder / "people.json"
    people.write_text(json.dumps({SUBJECT: made.world.person("organiser")}))
    people.chmod(0o600)
    given = {"issuer": issuer.url, "client_id": CLIENT, "client_secret": SECRET, "people": people}
    settings = Settings.model_validate({"home": context.home.folder, "oidc": given})
    return replace(made, context=replace(context, settings=settings))


async def returned(client: httpx.AsyncClient) -> str:
    """Begin, sign in at the provider, and return the address that it sends the browser back to."""
    begun = await client.get("/v1/session/oidc")
    assert begun.status_code == 303, begun.text
    assert "HttpOnly" in begun.headers["set-cookie"]
    assert "SameSite=lax" in begun.headers["set-cookie"]
    async with httpx.AsyncClient() as browser:
        back = await browser.get(begun.headers["location"])
    found = urlsplit(back.headers["location"])
    assert found.path == CALLBACK
    return f"{found.path}?{found.query}"


async def signed_in(client: httpx.AsyncClient) -> httpx.Response:
    """Go the whole way."""
    return await client.get(await returned(client))


def entered(service: Service) -> httpx.Response:
    """Go the whole way, in one browser."""
    answer: httpx.Response = ask(service, signed_in)
    return answer


def refused(answer: httpx.Response) -> bool:
    """Whether the answer is the one that all failures get."""
    problem = answer.json()
    assert "token" not in problem
    return (answer.status_code, problem["code"], problem["facts"]) == (401, FAILED, {})


@pytest.mark.parametrize("algorithm", KEYS)
def test_an_organiser_reads_as_an_organiser_and_nothing_else(service: Service, issuer: Issuer, algorithm: str) -> None:
    issuer.sign_with(algorithm)
    organiser = service.world.person("organiser")

    async def asking(client: httpx.AsyncClient) -> list[httpx.Response]:
        given = (await signed_in(client)).json()
        assert (given["person"], given["method"], given["token_type"]) == (organiser, "oidc", "Bearer")
        headers = {"authorization": f"Bearer {given['token']}", **REASON}
        paths = ("/v1/session", "/v1/status", "/v1/reads", "/v1/exports?audience=auditor")
        return [await client.get(path, headers=headers) for path in paths]

    who, status, records, export = ask(service, asking)
    assert who.json() == {"method": "oidc", "person": organiser, "roles": ["organiser"]}
    assert [one.status_code for one in (status, records, export)] == [200, 403, 403]


def test_whoever_has_another_role_beside_does_not_get_it_there(service: Service) -> None:
    people = service.context.home.folder / "people.json"
    for alias in ("discipline", "applicant-01", "registrar"):
        people.write_text(json.dumps({SUBJECT: service.world.person(alias)}))
        assert refused(entered(service))
    people.write_text(json.dumps({"somebody else": service.world.person("organiser")}))
    assert refused(entered(service))


def test_a_session_ends_with_the_role(service: Service) -> None:
    world = service.world

    def take_away() -> None:
        act = world.must("registrar", RoleWithdrawn(world.person("organiser"), "任期届满", "organiser"))
        world.cosign(act, "discipline")

    async def asking(client: httpx.AsyncClient) -> tuple[list[int], httpx.Response]:
        headers = {"authorization": f"Bearer {(await signed_in(client)).json()['token']}"}
        before = await client.get("/v1/status", headers=headers)
        await asyncio.to_thread(take_away)
        after = await client.get("/v1/status", headers=headers)
        return [before.status_code, after.status_code], await signed_in(client)

    statuses, again = ask(service, asking)
    assert statuses == [200, 401]
    assert refused(again)


def without(name: str) -> Callable[[Claims], Claims]:
    return lambda claims: {one: value for one, value in claims.items() if one != name}


LIES: dict[str, Callable[[Claims], Claims]] = {
    "another nonce": lambda claims: claims | {"nonce": "A" * 43},
    "no nonce": without("nonce"),
    "a nonce that is no text": lambda claims: claims | {"nonce": 1},
    "another audience": lambda claims: claims | {"aud": "another"},
    "several audiences, and nobody named": lambda claims: claims | {"aud": [CLIENT, "another"]},
    "another party named": lambda claims: claims | {"azp": "another"},
    "no audience": without("aud"),
    "another issuer": lambda claims: claims | {"iss": "https://issuer.example"},
    "no issuer": without("iss"),
    "expired": lambda claims: claims | {"iat": claims["iat"] - 900, "exp": claims["exp"] - 900},
    "no end": without("exp"),
    "an end that is no time": lambda claims: claims | {"exp": "9999999999"},
    "issued later": lambda claims: claims | {"iat": claims["iat"] + 900},
    "not valid yet": lambda claims: claims | {"nbf": claims["iat"] + 900},
    "nobody": without("sub"),
    "an empty subject": lambda claims: claims | {"sub": ""},
    "a subject that is too long": lambda claims: claims | {"sub": "s" * 256},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_says_something_else_is_none(service: Service, issuer: Issuer, lie: str) -> None:
    issuer.claims = LIES[lie]
    assert refused(entered(service))
    issuer.claims = dict
    assert entered(service).status_code == 200


def test_several_audiences_are_right_where_we_are_the_party_named(service: Service, issuer: Issuer) -> None:
    issuer.claims = lambda claims: claims | {"aud": [CLIENT, "another"], "azp": CLIENT}
    assert entered(service).status_code == 200


def unsigned(issuer: Issuer) -> Callable[[Claims], str]:
    return lambda claims: jwt.encode(claims, "", algorithm="none", headers={"kid": issuer.kid})


def by_public_key(issuer: Issuer) -> Callable[[Claims], str]:
    """Sign with the public key as if it were a shared secret, which no library does by itself."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = issuer.key.public_key().public_bytes(serialization.Encoding.PEM, form)
    head = {"alg": "HS256", "kid": issuer.kid, "typ": "JWT"}

    def signed(claims: Claims) -> str:
        body = ".".join(plain(json.dumps(part).encode()) for part in (head, claims))
        return f"{body}.{plain(hmac.digest(pem, body.encode(), 'sha256'))}"

    return signed


def plain(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def by_shared_key(issuer: Issuer) -> Callable[[Claims], str]:
    """Sign with a shared secret that is published under a name of its own."""
    return lambda claims: jwt.encode(claims, b"s" * 32, algorithm="HS256", headers={"kid": "shared"})


def by_client_secret(issuer: Issuer) -> Callable[[Claims], str]:
    secret = SECRET.encode().ljust(32)
    return lambda claims: jwt.encode(claims, secret, algorithm="HS256", headers={"kid": issuer.kid})


def by_another(issuer: Issuer) -> Callable[[Claims], str]:
    other = KEYS[issuer.algorithm]()
    return lambda claims: jwt.encode(claims, other, algorithm=issuer.algorithm, headers={"kid": issuer.kid})


def by_nobody_known(issuer: Issuer) -> Callable[[Claims], str]:
    return lambda claims: jwt.encode(claims, issuer.key, algorithm=issuer.algorithm, headers={"kid": "unknown"})


def critical(issuer: Issuer) -> Callable[[Claims], str]:
    headers = {"kid": issuer.kid, "crit": ["b64"], "b64": True}
    return lambda claims: jwt.encode(claims, issuer.key, algorithm=issuer.algorithm, headers=headers)


@pytest.mark.parametrize(
    "forge", [unsigned, by_public_key, by_shared_key, by_client_secret, by_another, by_nobody_known, critical]
)
@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_that_is_signed_otherwise_is_none(
    service: Service, issuer: Issuer, algorithm: str, forge: Callable[[Issuer], Callable[[Claims], str]]
) -> None:
    issuer.sign_with(algorithm)
    issuer.signs = forge(issuer)
    assert refused(entered(service))


@pytest.mark.parametrize("change", [lambda token: token[:-4] + "AAAA", lambda _: "x", lambda _: "a.b.c", lambda _: ""])
def test_what_is_no_token_is_none(service: Service, issuer: Issuer, change: Callable[[str], str]) -> None:
    issuer.token = change
    assert refused(entered(service))


def test_a_token_that_is_too_long_is_not_read(service: Service, issuer: Issuer) -> None:
    issuer.claims = lambda claims: claims | {"more": "x" * (20 << 10)}
    assert refused(entered(service))


def test_a_return_is_good_once(service: Service, issuer: Issuer) -> None:
    async def asking(client: httpx.AsyncClient) -> list[httpx.Response]:
        back = await returned(client)
        cookies = dict(client.cookies)
        first = await client.get(back)
        assert not client.cookies
        client.cookies.update(cookies)
        again = await client.get(back)
        return [first, again]

    first, again = ask(service, asking)
    assert first.status_code == 200
    assert refused(again)


def test_a_state_is_spent_even_if_the_provider_takes_a_code_twice(service: Service, issuer: Issuer) -> None:
    async def asking(client: httpx.AsyncClient) -> list[int]:
        back = await returned(client)
        kept, cookies = {code: dict(one) for code, one in issuer.codes.items()}, dict(client.cookies)
        found = []
        for _ in range(2):
            issuer.codes |= {code: dict(one) for code, one in kept.items()}
            client.cookies.update(cookies)
            found.append((await client.get(back)).status_code)
        return found

    assert ask(service, asking) == [200, 401]


def test_a_return_is_good_in_the_browser_that_began_alone(service: Service, issuer: Issuer) -> None:
    async def asking(client: httpx.AsyncClient) -> list[httpx.Response]:
        back = await returned(client)
        began = dict(client.cookies)
        client.cookies.clear()
        found = [await client.get(back)]
        await returned(client)
        found.append(await client.get(back))
        client.cookies.clear()
        client.cookies.update(began)
        query = parse_qs(urlsplit(back).query)
        code, state = query["code"][0], query["state"][0]
        changed = state[:-1] + ("A" if state[-1] != "A" else "B")
        for one in (changed, "", "A" * 75, state + "A", "é"):
            found.append(await client.get(CALLBACK, params={"code": code, "state": one}))
        return found

    answers = ask(service, asking)
    assert all(refused(one) for one in answers)
    assert "token" not in issuer.asked


def test_who_comes_back_late_begins_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        back = await returned(client)
        late = system_clock() + 1000 * STATE_SECONDS
        monkeypatch.setattr(routes_session, "system_clock", lambda: late)
        return await client.get(back)

    assert refused(ask(service, asking))


def test_a_refusal_of_the_provider_is_a_refusal(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        state = parse_qs(urlsplit(await returned(client)).query)["state"][0]
        return await client.get(f"{CALLBACK}?error=access_denied&state={state}")

    assert refused(ask(service, asking))


def test_a_provider_that_is_away_or_another_is_told_to_be_so(service: Service, issuer: Issuer) -> None:
    async def asking(client: httpx.AsyncClient) -> list[httpx.Response]:
        found = []
        issuer.status = 500
        found.append(await client.get("/v1/session/oidc"))
        issuer.status = 200
        for lie in ({"issuer": "https://issuer.example"}, {"authorization_endpoint": "javascript:alert(1)"}):
            issuer.described = lambda told, lie=lie: told | lie  # type: ignore[misc]
            found.append(await client.get("/v1/session/oidc"))
        issuer.described = lambda told: told | {"more": "x" * (300 << 10)}
        found.append(await client.get("/v1/session/oidc"))
        return found

    answers = ask(service, asking)
    assert [(one.status_code, one.json()["code"]) for one in answers[:2]] == [(503, "SIGN_IN_ELSEWHERE_AWAY")] * 2
    assert "retry-after" in answers[0].headers
    assert {one.status_code for one in answers} == {503}


def test_a_provider_that_only_drips_is_given_up(
    service: Service, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere_module, "MOST_SECONDS", 0.3)
    issuer.pause = 0.2

    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get("/v1/session/oidc")

    answer: httpx.Response = ask(service, asking)
    assert (answer.status_code, answer.json()["code"]) == (503, "SIGN_IN_ELSEWHERE_AWAY")


def test_a_provider_whose_name_ends_with_a_stroke_is_the_same(service: Service, issuer: Issuer) -> None:
    issuer.described = lambda told: told | {"issuer": f"{issuer.url}/"}
    issuer.claims = lambda claims: claims | {"iss": f"{issuer.url}/"}
    assert entered(service).status_code == 200
    issuer.claims = dict
    assert refused(entered(service))


def test_a_new_key_of_the_provider_is_found(service: Service, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere_module, "AGAIN_SECONDS", 0)

    async def asking(client: httpx.AsyncClient) -> list[int]:
        found = [(await signed_in(client)).status_code]
        issuer.sign_with("RS256")
        return [*found, (await signed_in(client)).status_code, (await signed_in(client)).status_code]

    assert ask(service, asking) == [200, 200, 200]
    assert issuer.asked.count("keys") == 2
    assert issuer.asked.count("describe") == 1


def test_a_list_of_people_that_others_may_write_is_not_believed(service: Service) -> None:
    people = service.context.home.folder / "people.json"
    people.chmod(0o666)
    answer = entered(service)
    assert (answer.status_code, answer.json()["code"]) == (503, "HOME_UNUSABLE")
    assert str(people) not in answer.text
    people.chmod(0o600)
    for text in ("[]", "{", '{"a": 1}'):
        people.write_text(text)
        assert entered(service).status_code == 503
    people.unlink()
    assert entered(service).status_code == 503


def test_without_a_provider_there_is_nothing(serving: Callable[[History], Service]) -> None:
    async def asking(client: httpx.AsyncClient) -> list[int]:
        return [(await client.get(path)).status_code for path in ("/v1/session/oidc", CALLBACK)]

    assert ask(serving(history_at("enrolled")), asking) == [HTTPStatus.NOT_FOUND] * 2


def test_a_session_that_was_opened_elsewhere_counts_no_more_without_a_provider(service: Service) -> None:
    token = entered(service).json()["token"]
    without_one = service.context.settings.model_copy(update={"oidc": None})
    bare = replace(service, context=replace(service.context, settings=without_one))

    async def asking(client: httpx.AsyncClient) -> int:
        return (await client.get("/v1/session", headers={"authorization": f"Bearer {token}"})).status_code

    assert ask(bare, asking) == 401


def configured(folder: Path, **change: Any) -> Settings:
    given = {"issuer": "https://id.example", "client_id": "x", "client_secret": "hidden-one", "people": folder / "p"}
    return Settings.model_validate({"oidc": given | change})


def test_the_settings_hold_no_provider_without_tls_and_show_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = configured(tmp_path).printable()
    assert "hidden-one" not in json.dumps(shown)
    assert "id.example" in json.dumps(shown)
    for change in ({"issuer": "http://id.example"}, {"client_id": "a b"}, {"client_secret": None}):
        with pytest.raises(ValidationError) as error:
            configured(tmp_path, **change)
        assert "hidden-one" not in str(error.value)
    monkeypatch.setattr(settings_module, "find_spec", lambda _: None)
    with pytest.raises(ValidationError, match="extra `oidc`"):
        configured(tmp_path)
