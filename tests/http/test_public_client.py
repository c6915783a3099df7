"""The client of public votes: a lost answer costs no second ballot, and no receipt is believed that does not hold."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.client import Declined, ProblemError, Receipted
from api.public_client import PublicClient, Voted
from ledger.checkpoint import VerifierKey
from ledger.errors import VerificationError
from ledger.signing import SigningKey
from tests import public_ballots as public
from tests.http.conftest import Service
from tests.http.reading import ask
from tests.http.test_polls import service
from tests.http.test_polls_shown import settled, signed
from tests.public_ballots import CHANNEL
from tests.simulator import LOG_VKEY

__all__ = ["service"]

Answer = Callable[[httpx.Request], httpx.Response]


def through(service: Service) -> Answer:
    """Answer by the application."""

    def handle(request: httpx.Request) -> httpx.Response:
        async def asking(client: httpx.AsyncClient) -> httpx.Response:
            headers = {"content-type": request.headers.get("content-type", "text/plain")}
            return await client.request(request.method, str(request.url), content=request.content, headers=headers)

        answer = ask(service, asking)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    return handle


def client_of(answer: Answer, *keys: VerifierKey) -> PublicClient:
    """A client whose requests a function answers."""
    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://ledger.test")
    return PublicClient("http://ledger.test", keys or (LOG_VKEY,), http=http, pause=lambda seconds: None)


def test_a_lost_answer_is_asked_for_again_and_the_ballot_counts_once(service: Service) -> None:
    poll, real, sent = public.opened(service.world), through(service), list[bytes]()

    def losing(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        answer = real(request)
        if len(sent) == 1:
            raise httpx.ReadTimeout("the answer is lost")
        return answer

    code, now = public.credential(0), service.world.now
    with client_of(losing) as client:
        voted = client.cast(poll.id, CHANNEL, code, poll.candidates[:2], at=now)
        assert (voted.again, len(sent), sent[0]) == (True, 2, sent[1])
        assert client.receipt_again(poll.id, code) == voted.receipt
        assert client.poll(poll.id)["poll"]["taken"] == 1
        with pytest.raises(ProblemError, match="BALLOT_NOT_FOUND"):
            client.receipt_again(poll.id, public.credential(1))
        with pytest.raises(ProblemError, match="CREDENTIAL_UNKNOWN"):
            client.cast(poll.id, CHANNEL, public.credential(999), poll.candidates[:1], at=now)


def test_a_receipt_of_another_log_poll_or_code_is_not_believed(service: Service) -> None:
    poll, real = public.opened(service.world), through(service)
    stranger = VerifierKey(LOG_VKEY.name, SigningKey.from_seed(bytes(range(100, 132))).public)
    now, chosen = service.world.now, poll.candidates[:1]
    told: dict[str, Any] = {}

    def cast_by(client: PublicClient, number: int) -> Voted:
        return client.cast(poll.id, CHANNEL, public.credential(number), chosen, at=now)

    with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
        cast_by(client_of(real, stranger), 0)

    def another(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json=told)

    good = client_of(real)
    cast_by(good, 1)
    told = real(good._http.build_request("POST", f"/v1/polls/{poll.id}/receipts", json={"code": code_of(1)})).json()
    with client_of(another) as client:
        assert cast_by(client, 1).again
        with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
            cast_by(client, 2)
        receipt = told["receipt"]
        moved, elsewhere = receipt | {"serial": receipt["serial"] + 1}, receipt | {"path": ["00" * 32]}
        wrongs: list[Any] = [None, "x", {}, moved, elsewhere]
        for wrong in wrongs:
            told = {"again": False, "receipt": wrong}
            with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
                cast_by(client, 1)


def code_of(number: int) -> str:
    return public.credential(number).hex()


def test_a_channels_own_system_hands_in_what_it_signed(service: Service) -> None:
    world = service.world
    poll = public.opened(world)
    envelope, rows = signed(world, poll, {0: (0,), 1: (1,)})
    with client_of(through(service)) as client:
        taken = client.poll_batch(poll.id, envelope, rows, world.now)
        assert isinstance(taken, Receipted)
        assert not taken.again
        again = client.poll_batch(poll.id, envelope, rows, world.now)
        assert isinstance(again, Receipted)
        assert (again.again, again.receipt) == (True, taken.receipt)
        settled(world)
        twice = client.poll_batch(poll.id, *signed(world, poll, {0: (0,)}), world.now)
        assert isinstance(twice, Declined)
        assert twice.refusal.code == "ALREADY_VOTED_PUBLIC"
