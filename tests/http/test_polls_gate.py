"""What a public ballot passes first: rates, challenges, and a keyed hash of where it came from."""

import asyncio
import hmac
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.http.app import create_app
from api.http.challenges import KEY_FILE, Challenged, ProofOfWork, SignedToken, proof_of_work
from api.http.poll_gate import SECRET_BYTES, Gate, load_hook, secret_of
from api.http.settings import Limits, Settings
from api.problems import HttpError
from ledger.errors import StoreError
from ledger.opening import Home
from ledger.poll_rows import UNKNOWN_ORIGIN, credential_tag, parse_block
from ledger.state.poll_book import Poll
from tests import public_ballots as public
from tests.http.conftest import Service
from tests.http.test_polls import MANY, asking, ballot, cast, code, refused, with_boxes
from tests.http.test_polls import service as unbounded
from tests.public_ballots import CHANNEL
from tests.simulator import History
from tests.voting import history_before

__all__ = ["unbounded"]

TAG = bytes(range(32))
NOW = 1_666_000_000_000
Serving = Callable[[History], Service]


def few(**bounds: int) -> Limits:
    """Limits of which some are narrow."""
    return MANY.model_copy(update=bounds)


def bounded(serving: Serving, limits: Limits = MANY, **settings: Any) -> tuple[Service, Poll]:
    """A service with these limits and settings, and its open poll."""
    service = with_boxes(serving(history_before(public.STAGE)), limits, **settings)
    return service, public.opened(service.world)


def waits(answer: httpx.Response) -> int:
    """The seconds after which to try again, of an answer that is too much."""
    refused(answer, 429, "RATE_LIMITED")
    return int(answer.headers["retry-after"])


def test_an_address_casts_so_many_and_then_waits(serving: Serving) -> None:
    service, poll = bounded(serving, few(ballots_a_minute=6, ballot_burst=3))
    answers = cast(service, poll, *(ballot(number, [poll.candidates[0]]) for number in range(4)))
    assert [one.status_code for one in answers[:3]] == [201] * 3
    assert 5 <= waits(answers[3]) <= 10
    (elsewhere,) = asyncio.run(from_address(service, poll, "203.0.113.9", ballot(3, [poll.candidates[0]])))
    assert elsewhere.status_code == 201


async def from_address(service: Service, poll: Poll, address: str, *bodies: dict[str, Any]) -> list[httpx.Response]:
    """Cast ballots from an address."""
    app = create_app(service.context)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 40_000))
    path = f"/v1/polls/{poll.id}/ballots?at={service.world.now}"
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://ledger.test") as client,
    ):
        return [await client.post(path, json=body) for body in bodies]


@pytest.mark.parametrize("number", [0, 999])
def test_a_credential_is_tried_so_often_whether_anybody_knows_it_or_not(serving: Serving, number: int) -> None:
    service, poll = bounded(serving, few(credential_tries_a_minute=1, credential_burst=2))
    path = f"/v1/polls/{poll.id}"
    answers = asking(
        service,
        ("POST", f"{path}/ballots?at={service.world.now}", ballot(number, [poll.candidates[0]])),
        ("POST", f"{path}/receipts", {"code": code(number)}),
        ("POST", f"{path}/receipts", {"code": code(number)}),
        ("POST", f"{path}/ballots?at={service.world.now}", ballot(1, [poll.candidates[0]])),
    )
    assert 50 <= waits(answers[2]) <= 60
    assert answers[3].status_code == 201


def test_who_tries_codes_is_stopped_before_one_fits(serving: Serving) -> None:
    service, poll = bounded(serving, few(unknown_credentials_a_minute=1, unknown_credential_burst=3))
    path = f"/v1/polls/{poll.id}"
    someone = [poll.candidates[0]]
    answers = asking(
        service,
        ("POST", f"{path}/ballots?at={service.world.now}", ballot(900, someone)),
        ("POST", f"{path}/ballots?at={service.world.now}", ballot(901, someone)),
        ("POST", f"{path}/receipts", {"code": code(902)}),
        ("POST", f"{path}/ballots?at={service.world.now}", ballot(0, someone)),
        ("POST", f"{path}/receipts", {"code": code(903)}),
    )
    assert [one.json()["code"] for one in answers[:3]] == [*["CREDENTIAL_UNKNOWN"] * 2, "BALLOT_NOT_FOUND"]
    assert all(50 <= waits(one) <= 60 for one in answers[3:])
    assert service.sequencer.state.polls.ballots_of(poll.id).counts == {}


def test_the_work_must_be_done_for_this_credential_and_now(serving: Serving) -> None:
    service, poll = bounded(serving, poll_challenge="api.http.challenges:proof_of_work")
    tag, now = credential_tag(poll.id, public.credential(0)), time.time_ns() // 1_000_000
    assert isinstance(proof_of_work, ProofOfWork)
    solved = proof_of_work.solve(poll.id, tag, now)
    someone = [poll.candidates[0]]
    stale = proof_of_work.solve(poll.id, tag, now - 11 * 60_000)
    tries: list[dict[str, Any]] = [
        ballot(0, someone),
        ballot(0, someone, challenge="1.2"),
        ballot(0, someone, challenge="x"),
        ballot(0, someone, challenge=stale),
        ballot(1, someone, challenge=solved),
    ]
    for answer in cast(service, poll, *tries):
        refused(answer, 403, "CHALLENGE_FAILED")
    (taken,) = cast(service, poll, ballot(0, someone, challenge=solved))
    assert taken.status_code == 201
    (shown,) = asking(service, ("GET", f"/v1/polls/{poll.id}", None))
    assert shown.json()["challenge"] == {"kind": "proof_of_work", "bits": 16, "minutes": 10}


def asked_of(given: str | None, tag: bytes = TAG, at: int = NOW) -> Challenged:
    """What a hook is asked."""
    return Challenged("a-poll", CHANNEL, tag, "192.0.2.1", given, at)


def test_a_token_holds_for_its_credential_until_it_lapses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_FILE, str(tmp_path / "challenge.key"))
    (tmp_path / "challenge.key").write_bytes(b"0123456789abcdef")
    hook = SignedToken()
    token = hook.token("a-poll", TAG, NOW)
    assert hook.told == {"kind": "signed_token"}
    expected = hmac.digest(
        b"0123456789abcdef", b"ballot-ledger token v1\na-poll\n%b\n%d\n" % (TAG.hex().encode(), NOW), "sha256"
    )
    assert token == f"{NOW}.{expected.hex()}"

    def passes(given: str | None, tag: bytes = TAG, at: int = NOW) -> bool:
        return asyncio.run(hook(asked_of(given, tag, at)))

    assert passes(token)
    assert not passes(token, at=NOW + 1)
    assert not passes(token, tag=bytes(32))
    assert not passes(token.replace(str(NOW), str(NOW + 1)))
    assert not any(passes(one) for one in (None, "", "1", f"{NOW}.zz"))
    for content in (None, b"short"):
        path = tmp_path / "challenge.key"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises((OSError, ValueError)):
            SignedToken().token("a-poll", TAG, NOW)


class Faulty:
    """A hook that fails, hangs, or says something else than yes."""

    told: Mapping[str, str | int] = {}

    async def __call__(self, asked: Challenged) -> bool:
        if asked.given == "hang":
            await asyncio.sleep(60)
        if asked.given == "odd":
            return "yes"  # type: ignore[return-value]
        raise OSError(asked.given)


faulty = Faulty()
not_a_hook = 5


def gate_with(tmp_path: Path, challenge: str | None) -> Gate:
    """A gate with a challenge."""
    return Gate(Home(tmp_path, "x", "ledger"), Settings(home=tmp_path, poll_challenge=challenge))


@pytest.mark.parametrize("given", ["hang", "odd", "fail"])
def test_a_challenge_that_fails_lets_nobody_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setattr("api.http.poll_gate.HOOK_SECONDS", 0.05)
    gate = gate_with(tmp_path, f"{__name__}:faulty")
    with pytest.raises(HttpError, match="CHALLENGE_FAILED") as told:
        asyncio.run(gate.challenged(asked_of(given)))
    assert told.value.status == 403
    asyncio.run(gate_with(tmp_path, None).challenged(asked_of(given)))
    assert gate_with(tmp_path, None).challenge is None


@pytest.mark.parametrize("named", ["", "api", "api:", "api.nowhere:hook", ":x", f"{__name__}:not_a_hook"])
def test_a_service_with_a_challenge_that_is_not_there_does_not_begin(named: str) -> None:
    with pytest.raises(StoreError, match="CHALLENGE_HOOK_UNUSABLE"):
        load_hook(named)


def origins(service: Service, poll: Poll) -> list[bytes]:
    """The origin tags of all ballots, in the order of the batches."""
    found = []
    for one in service.sequencer.state.polls.ballots_of(poll.id).of_channel(CHANNEL):
        data = service.context.store.attached(one.index)
        assert data is not None
        found += [vote.origin for vote in parse_block(data).votes()]
    return found


def test_an_origin_is_a_keyed_hash_of_the_address_under_the_polls_own_secret(unbounded: Service) -> None:
    service, poll = unbounded, public.opened(unbounded.world)
    addresses = ("192.0.2.7", "192.0.2.7", "2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1", "nonsense")
    for number, address in enumerate(addresses):
        (taken,) = asyncio.run(from_address(service, poll, address, ballot(number, [poll.candidates[0]])))
        assert taken.status_code == 201
    tags = origins(service, poll)
    assert [tags.index(one) for one in tags] == [0, 0, 2, 2, 4, 5]
    assert tags[5] == UNKNOWN_ORIGIN
    path = service.context.home.folder / "origin-secrets" / f"{poll.id}.secret"
    assert [oct(one.stat().st_mode & 0o777) for one in (path, path.parent)] == ["0o600", "0o700"]
    secret = path.read_bytes()
    assert tags[0] == hmac.digest(secret, b"192.0.2.7", "sha256")[:16]
    assert tags[2] == hmac.digest(secret, b"2001:db8::/64", "sha256")[:16]
    assert sorted(os.listdir(path.parent)) == [path.name]


def test_a_trusted_proxy_says_who_it_is_and_nobody_else(serving: Serving) -> None:
    service, poll = bounded(serving, trusted_proxies=Settings(trusted_proxies=("10.0.0.0/8",)).trusted_proxies)  # type: ignore[arg-type]

    async def ask() -> None:
        for number, (peer, said) in enumerate((("10.0.0.1", "192.0.2.7"), ("198.51.100.1", "192.0.2.7"))):
            app = create_app(service.context)
            transport = httpx.ASGITransport(app, client=(peer, 1))
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(
                    transport=transport, base_url="http://ledger.test", headers={"x-forwarded-for": said}
                ) as client,
            ):
                body = ballot(number, [poll.candidates[0]])
                await client.post(f"/v1/polls/{poll.id}/ballots?at={service.world.now}", json=body)

    asyncio.run(ask())
    secret = secret_of(service.context.home.folder / "origin-secrets", poll.id)
    expected = [hmac.digest(secret, one, "sha256")[:16] for one in (b"192.0.2.7", b"198.51.100.1")]
    assert origins(service, poll) == expected


def test_the_secret_of_a_poll_is_made_once_whoever_comes_first(tmp_path: Path) -> None:
    found = {secret_of(tmp_path / "secrets", "a-poll") for _ in range(3)}
    assert [len(one) for one in found] == [SECRET_BYTES]
    assert secret_of(tmp_path / "secrets", "b-poll") not in found
    (tmp_path / "secrets" / "a-poll.secret").write_bytes(b"short")
    with pytest.raises(StoreError, match="HOME_UNUSABLE"):
        secret_of(tmp_path / "secrets", "a-poll")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="HOME_UNUSABLE"):
        secret_of(tmp_path / "file", "a-poll")


def test_of_two_that_make_the_secret_the_first_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a-poll.secret"
    link = os.link

    def late(made: Path, to: Path) -> None:
        to.write_bytes(bytes(SECRET_BYTES))
        link(made, to)

    monkeypatch.setattr(os, "link", late)
    assert secret_of(tmp_path, "a-poll") == bytes(SECRET_BYTES)
    assert os.listdir(tmp_path) == [path.name]


def test_no_file_is_made_for_a_poll_that_is_not_there(unbounded: Service) -> None:
    (answer,) = asking(unbounded, ("POST", "/v1/polls/nowhere/ballots", ballot(0, ["x"])))
    refused(answer, 422, "UNKNOWN_POLL")
    assert not (unbounded.context.home.folder / "origin-secrets").exists()


def test_nothing_of_a_challenge_is_told_in_a_problem(serving: Serving) -> None:
    service, poll = bounded(serving, poll_challenge=f"{__name__}:faulty")
    (answer,) = cast(service, poll, ballot(0, [poll.candidates[0]], challenge="a secret of mine"))
    told = refused(answer, 403, "CHALLENGE_FAILED")
    assert "secret of mine" not in json.dumps(told)
