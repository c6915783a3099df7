"""The client: the same bytes until they are answered, nothing believed that the log's key did not sign."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from api.client import TRIES, Client, Declined, ProblemError, Receipted
from ledger.checkpoint import VerifierKey
from ledger.errors import LedgerError, StoreError, VerificationError
from ledger.receipt import parse, verify
from ledger.signing import SigningKey
from ledger.statements.rounds import BallotCast, CloseConsented
from tests.http.conftest import Service
from tests.http.test_forms import answered_by
from tests.http.test_statements import open_round_history, service, vote
from tests.simulator import LOG_VKEY
from tests.voting import PANEL

__all__ = ["service"]

OTHER = SigningKey.from_seed(bytes(range(100, 132)))
Answer = Callable[[httpx.Request], httpx.Response]


def client_of(
    answer: Answer, keys: tuple[VerifierKey, ...] = (LOG_VKEY,), receipts: Path | None = None
) -> tuple[Client, list[float]]:
    """A client whose requests a function answers, and how long it paused."""
    pauses: list[float] = []
    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://ledger.test")
    return Client("http://ledger.test", keys, receipts, http, pauses.append), pauses


def through(service: Service) -> Answer:
    """Answer by the application."""
    inner = answered_by(service)._http

    def answer(request: httpx.Request) -> httpx.Response:
        return inner.send(request)

    return answer


def test_an_answer_that_was_lost_is_asked_for_again_and_votes_once(service: Service, tmp_path: Path) -> None:
    real, sent, size = through(service), list[bytes](), service.sequencer.size

    def losing(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        answer = real(request)
        if len(sent) == 1:
            raise httpx.ReadTimeout("the answer is lost")
        return answer

    client, pauses = client_of(losing, receipts=tmp_path / "receipts")
    envelope = vote(service.world)
    answer = client.submit(envelope, service.world.now)
    assert isinstance(answer, Receipted)
    assert (answer.again, answer.index, len(pauses)) == (True, size, 1)
    assert sent == [envelope, envelope]
    assert service.sequencer.size == size + 1
    kept = tmp_path / "receipts" / f"{size}.tlog-proof"
    verify(parse(kept.read_bytes()), kept.with_suffix(".entry").read_bytes(), [LOG_VKEY])


def test_it_waits_as_it_is_told_and_gives_up_at_last(service: Service) -> None:
    def busy(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, headers={"retry-after": "3"}, json={"code": "STORE_UNAVAILABLE", "facts": {}})

    client, pauses = client_of(busy)
    with pytest.raises(ProblemError, match="STORE_UNAVAILABLE"):
        client.submit(vote(service.world))
    assert pauses == [3.0] * (TRIES - 1)

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    client, pauses = client_of(away)
    with pytest.raises(StoreError, match="SERVER_UNREACHABLE"):
        client.submit(vote(service.world))
    assert pauses == sorted(pauses)
    assert len(pauses) == TRIES - 1


def test_a_refusal_is_not_tried_again(service: Service) -> None:
    most = service.world.state.rounds.by_id[open_round_history()[1]].max_approvals
    with answered_by(service) as client:
        answer = client.submit(vote(service.world, times=most + 1), service.world.now)
        assert isinstance(answer, Declined)
        assert (answer.refusal.code, answer.refusal.facts["most"]) == ("OVERVOTE", most)
        assert answer.receipt is not None
        with pytest.raises(ProblemError, match="NOT_CANONICAL") as told:
            client.submit(b"{}")
    assert told.value.status == 400


def test_a_receipt_of_another_key_or_entry_is_not_believed(service: Service, tmp_path: Path) -> None:
    stranger = VerifierKey(LOG_VKEY.name, OTHER.public)
    client, _ = client_of(through(service), (stranger,), tmp_path)
    with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
        client.submit(vote(service.world), service.world.now)
    real = through(service)

    def swapped(request: httpx.Request) -> httpx.Response:
        told = real(request).json()
        return httpx.Response(201, json={**told, "at": told["at"] + 1})

    client, _ = client_of(swapped, receipts=tmp_path)
    with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
        client.submit(vote(service.world, PANEL[1]), service.world.now)
    assert list(tmp_path.glob("*.tlog-proof")) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"index":"1"}', b'{"index":1,"at":2,"receipt":"x"}'])
def test_an_answer_that_is_none_is_not_believed(service: Service, body: bytes) -> None:
    client, _ = client_of(lambda request: httpx.Response(201, content=body))
    with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
        client.submit(vote(service.world))


def test_a_form_with_a_foreign_checkpoint_or_list_is_not_signed(service: Service) -> None:
    round_id, key = open_round_history()[1], service.world.actor(PANEL[0]).key
    stranger = VerifierKey(LOG_VKEY.name, OTHER.public)
    client, _ = client_of(through(service), (stranger,))
    with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
        client.ballot_form(round_id, key)
    client, _ = client_of(through(service))
    form = client.ballot_form(round_id, key)
    for body in (BallotCast((), (), (), "0" * 64, round_id), CloseConsented(round_id)):
        with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
            client.sign(form, body, key)
    unknown = client.ballot_form(round_id, OTHER)
    with pytest.raises(VerificationError, match="KEY_UNKNOWN"):
        client.sign(unknown, BallotCast((), (), (), form["fixed"]["list_hash"], round_id), OTHER)


def test_a_form_that_is_not_there(service: Service) -> None:
    with answered_by(service) as client, pytest.raises(ProblemError, match="NOT_FOUND"):
        client.ballot_form("nowhere", OTHER)
    client, _ = client_of(lambda request: httpx.Response(200, json={"kind": "ballot.cast"}))
    with pytest.raises(LedgerError, match="SERVER_ANSWER_INVALID"):
        client.ballot_form("nowhere", OTHER)
