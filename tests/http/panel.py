"""A panel's vote over HTTP as a state machine: hands of invented people, and the naive model that follows receipts.

Every statement goes in by the client of `api.client` to a listening service. What comes of it is predicted twice and
apart from the ledger: the code of a refusal by `expected_of_ballot` and its like, what is derived by `tests.model`. The
model is fed with nothing but the entries that receipts prove.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import httpx

from api.client import Client, Declined, Receipted
from api.rehearsal.driver import World
from ledger.merkle import leaf_hash
from ledger.statements import decode_own_entry, open_envelope
from ledger.statements.rounds import BallotCast
from tests.http.live import Live
from tests.model.naive import Naive, consume
from tests.model.rules import cut
from tests.model.voting import Session, Vote
from tests.simulator import LOG_VKEY

PROGRAMME_STAGE = "shortlist"
SESSION: Session = (PROGRAMME_STAGE, None)
SUBJECT = f"stage:{PROGRAMME_STAGE}"
Begin = Callable[[], AbstractContextManager[Live]]


class Losing(httpx.HTTPTransport):
    """A network that loses answers: the server has done what it was asked, and nobody hears of it."""

    def __init__(self) -> None:
        super().__init__()
        self.lose = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on; while there is something to lose, lose its answer."""
        answer = super().handle_request(request)
        if self.lose and request.method == "POST":
            self.lose -= 1
            answer.read()
            raise httpx.ReadTimeout("the answer is lost")
        return answer


@dataclass
class Hands:
    """A service, a client of it, and everything that it was asked and answered."""

    live: Live
    client: Client
    network: Losing
    model: Naive
    entries: list[bytes]
    taken: list[tuple[bytes, Receipted]]

    @property
    def world(self) -> World:
        """The people, and the simulated clock."""
        return self.live.service.world

    @property
    def vote(self) -> Vote:
        """The round that was opened last, by the model."""
        return self.model.votes[SESSION][-1]

    def hand_in(self, envelope: bytes) -> Receipted | str:
        """Hand in one envelope a second later; returns the receipt, or the code of the refusal."""
        self.world.now += 1000
        answer = self.client.submit(envelope, self.world.now)
        if isinstance(answer, Declined):
            return answer.refusal.code
        self.keep(envelope, answer)
        return answer

    def keep(self, envelope: bytes, answer: Receipted) -> None:
        """Keep a receipt, and feed the model with an entry that follows."""
        if answer.index == len(self.entries):
            self.entries.append(answer.entry)
            self.taken.append((envelope, answer))
            consume(self.model, self.entries)
        else:
            assert (answer.entry, answer.again) == (self.entries[answer.index], True)

    def hand_in_together(self, envelopes: list[bytes], kind: str, body: bytes) -> list[Receipted | str]:
        """Hand in many as one request; each has its own answer."""
        self.world.now += 1000
        path, at = "/v1/statements", self.world.now
        answer = self.live.http.post(path, content=body, headers={"content-type": kind}, params={"at": at})
        assert answer.status_code == 207, answer.text
        told = answer.json()["answers"]
        assert len(told) == len(envelopes)
        return [self._told(envelope, one) for envelope, one in zip(envelopes, told, strict=True)]

    def _told(self, envelope: bytes, told: dict[str, Any]) -> Receipted | str:
        if told["status"] not in (200, 201):
            code: str = told["problem"]["code"]
            return code
        # As the client reads a single answer: nothing is believed but what the log's key signed.
        received = self.client._received(envelope, told)
        self.keep(envelope, received)
        return received

    def signed_ballot(self, member: str, approve: list[str], against: list[str]) -> bytes:
        """A ballot signed from the service's own form."""
        key = self.world.actor(member).key
        form = self.client.ballot_form(self.vote.id, key)
        body = BallotCast((), tuple(against), tuple(approve), form["fixed"]["list_hash"], self.vote.id)
        return self.client.sign(form, body, key)

    def read(self, path: str, **query: str) -> Any:
        """Read something as the organiser."""
        return self.client.read(path, None, **query)


@dataclass
class Begun:
    """A stage of a machine's life: hands, and how to end."""

    hands: Hands
    end: ExitStack


def begin(make: Begin) -> Begun:
    """Start a service and a client that is signed in as the organiser."""
    end = ExitStack()
    live = end.enter_context(make())
    network = Losing()
    http = httpx.Client(transport=network, base_url=live.url, timeout=30)
    client = end.enter_context(Client(live.url, [LOG_VKEY], http=http, pause=lambda seconds: None))
    entries = [entry for _, entry in live.service.context.store.read_entries()]
    model = Naive()
    consume(model, entries)
    hands = Hands(live, client, network, model, entries, [])
    client.sign_in(live.service.world.actor("organiser").key)
    return Begun(hands, end)


def expected_of_ballot(hands: Hands, member: str, body: BallotCast, opened: bool) -> str | None:
    """The code with which a ballot of a member who is present must be refused; None where it must be taken."""
    vote, person = hands.vote, hands.world.person(member)
    if not opened:
        return "ROUND_CLOSED"
    if person in vote.ballots:
        return "ALREADY_VOTED"
    if len(body.approve) > vote.seats:
        return "OVERVOTE"
    named = [*body.approve, *body.against, *body.abstain]
    if len(named) != len(set(named)):
        return "DUPLICATE_CHOICE"
    return None if set(named) <= set(vote.candidates) else "UNKNOWN_CANDIDATE"


def in_the_log_once(hands: Hands) -> None:
    """Every receipt that was handed out is of the one entry that the store has there, and nothing else is there."""
    stored = [entry for _, entry in hands.live.service.context.store.read_entries()]
    assert stored == hands.entries
    ids = [open_envelope(envelope).id for envelope, _ in hands.taken]
    assert len(set(ids)) == len(ids)
    for envelope, answer in hands.taken:
        assert decode_own_entry(stored[answer.index]).signed.id == open_envelope(envelope).id
        assert leaf_hash(stored[answer.index]) == leaf_hash(answer.entry)


def agrees(hands: Hands, model: Naive, at: int | None = None) -> None:
    """Rounds, ranking and status as they are read are those of the model."""
    query = {} if at is None else {"at": str(at)}
    rounds, rankings, status = (hands.read(f"/v1/{one}", **query) for one in ("rounds", "rankings", "status"))
    for told in (rounds, rankings, status):
        assert told["as_of"]["entries"] == model.size
    assert status["status"]["size"] == model.size
    held = model.votes.get(SESSION, [])
    of_session = [one for one in rounds["rounds"] if one["stage"] == PROGRAMME_STAGE]
    assert [one["round"] for one in of_session] == [one.id for one in held]
    for one, vote in zip(of_session, held, strict=True):
        _round_agrees(model, one, vote)
    _ranking_agrees(model, next((one for one in rankings["results"] if one["subject"] == SUBJECT), None))


def _round_agrees(model: Naive, told: dict[str, Any], vote: Vote) -> None:
    assert (sorted(told["candidates"]), told["seats"]) == (sorted(vote.candidates), vote.seats)
    assert told["voted"] == len(vote.ballots)
    assert "ballots" not in told
    if not vote.closed:
        # Dispute D14: of a running vote nobody learns more than how many have voted.
        assert told["lines"] == []
        return
    lines = {one["candidate"]: one for one in told["lines"]}
    for candidate, line in model.lines(SESSION, vote).items():
        said = lines[candidate]
        found = (said["approve"], said["against"], said["abstain"], said["void"], said["recused"])
        assert found == (line.approve, line.against, line.abstain, line.void, line.recused)


def _ranking_agrees(model: Naive, told: dict[str, Any] | None) -> None:
    main = model.main(SESSION)
    if told is None or main is None or not main.closed:
        assert told is None or (told["standing"], told["rows"], told["taken"]) == ("not_counted", [], [])
        return
    certified = model.certified.get(SESSION)
    if certified is not None:
        assert (told["standing"], (told["taken"], told["left"])) == ("certified", certified)
        return
    taken, _, below = cut(model.ranking(SESSION), main.seats)
    assert (told["taken"], told["left"]) == (taken, [one for equal in below for one in equal])
    tie = model.tie(SESSION)
    assert told["standing"] == ("counted" if tie is None else "tied")
    assert (told["tie"] or {}).get("candidates") == (tie.people if tie else None)
