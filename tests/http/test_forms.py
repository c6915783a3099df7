"""Forms: what the client signs from them is what the sequencer asks for, and they tell nothing of how a vote stands."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

from api.client import Client, ProblemError, Receipted
from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import play_inspection, propose, voices
from api.rehearsal.steps_objections import examine, hear, investigate, receive
from api.rehearsal.steps_rounds import closing
from api.rehearsal.steps_stages import enter
from ledger.decisions.gate import governing_hash
from ledger.errors import VerificationError
from ledger.procedure.acts import ACTS
from ledger.procedure.programme import StageKind
from ledger.seen import checkpoint_of
from ledger.signing import key_id
from ledger.statements import open_envelope
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.foundation import ActCountersigned
from ledger.statements.kinds import all_kinds, payload_type_of
from ledger.statements.rounds import BallotCast
from tests.clauses.founding import amend
from tests.finalists import CITY, final_history, notice_history
from tests.http.conftest import Service
from tests.http.live import Lasting, Live, live_service
from tests.http.reading import get as read
from tests.http.test_statements import ask, open_round_history, post, service, vote
from tests.samples import sample
from tests.simulator import LOG_VKEY, ORIGIN, History, freeze, resume
from tests.voting import PANEL

__all__ = ["service"]


def get(service: Service, path: str, **headers: str) -> httpx.Response:
    """Ask for a path."""

    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get(path, headers=headers)

    found: httpx.Response = ask(service, asking)
    return found


def answered_by(service: Service) -> Client:
    """The client, whose requests go to the application without a network."""

    def handle(request: httpx.Request) -> httpx.Response:
        async def asking(client: httpx.AsyncClient) -> httpx.Response:
            headers = {"content-type": request.headers.get("content-type", "text/plain")}
            return await client.request(request.method, str(request.url), content=request.content, headers=headers)

        answer = ask(service, asking)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    http = httpx.Client(transport=httpx.MockTransport(handle), base_url="http://ledger.test")
    return Client("http://ledger.test", [LOG_VKEY], http=http, pause=lambda seconds: None)


def test_a_ballot_signed_from_its_form_is_taken(service: Service) -> None:
    round_id, key = open_round_history()[1], service.world.actor(PANEL[0]).key
    with answered_by(service) as client:
        form = client.ballot_form(round_id, key)
        assert (form["kind"], form["status"], form["header"]["person"]) == (
            "ballot.cast",
            "open",
            service.world.person(PANEL[0]),
        )
        played = service.world.state.rounds.by_id[round_id]
        assert tuple(form["candidates"]) == played.candidates
        body = BallotCast((), (), (form["candidates"][0],), form["fixed"]["list_hash"], round_id)
        service.world.now += 1000
        answer = client.submit(client.sign(form, body, key), service.world.now)
    assert isinstance(answer, Receipted)
    assert service.sequencer.state.rounds.by_id[round_id].ballots[service.world.person(PANEL[0])].index == answer.index


def test_a_form_tells_neither_who_voted_nor_how(service: Service) -> None:
    round_id = open_round_history()[1]
    path = f"/v1/rounds/{round_id}/ballot-form"
    assert post(service, vote(service.world)).status_code == 201
    voted, not_yet = (get(service, f"{path}?person={service.world.person(one)}").json() for one in PANEL[:2])
    nobody = get(service, f"{path}?person=nobody-at-all").json()
    for form in (voted, not_yet, nobody):
        form["header"].pop("person")
    # Only within the millisecond in which somebody signed their own counter could show.
    assert not_yet == nobody
    assert voted["header"]["counter"] - nobody["header"]["counter"] in (0, 1)
    assert not {"ballots", "approve", "votes", "tally", "returned"} & voted.keys()


def test_the_header_of_any_kind(service: Service) -> None:
    world: World = service.world
    round_id = open_round_history()[1]
    key = world.actor("organiser").key
    with answered_by(service) as client:
        for member in PANEL:
            assert post(service, vote(world, member)).status_code == 201
        body = closing(world, round_id)
        world.now += 4 * 3_600_000
        act = client.submit(client.sign(client.form_for(body, key), body, key), world.now)
        assert isinstance(act, Receipted)
        assert act.needs == 2
        scrutineer = world.actor("scrutineer-1").key
        form = client.countersign_form(act.index, scrutineer)
        assert form["needs"] == 2
        agreed = ActCountersigned(act.index, form["fixed"]["leaf"])
        more = client.submit(client.sign(form, agreed, scrutineer), world.now + 1000)
    assert isinstance(more, Receipted)
    assert service.sequencer.state.pending[act.index].needs == 1


def test_a_score_form_has_the_criteria_of_a_stage_that_is_scored(service: Service) -> None:
    form = get(service, "/v1/stages/experts/score-form?group=power").json()
    assert form["fixed"] == {"group": "power", "stage": "experts"}
    assert all(item["most_hundredths"] > 0 for item in form["items"])
    assert get(service, "/v1/stages/shortlist/score-form").status_code in (200, 404)


KINDS = sorted(kind for kind in all_kinds() if "charter.sealed" not in kind)


@pytest.fixture(scope="module")
def amended(lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service whose panel votes, under a programme whose later stages were amended meanwhile."""
    world = resume(open_round_history()[0])
    amend(world, "notice", clause="五(七)1")
    assert len({world.state.charter.version_for(one).hash for one in ("shortlist", "notice")}) == 2
    with live_service(lasting_site, tmp_path_factory.mktemp("forms"), freeze(world)) as one:
        yield one


@pytest.mark.parametrize("payload_type", KINDS)
@pytest.mark.parametrize("stage", ["shortlist", "notice"])
def test_what_is_signed_from_a_form_bears_what_the_gate_asks_for(amended: Live, payload_type: str, stage: str) -> None:
    """Of every kind that a person signs: at a stage that goes by the first rules, and at one by the amended ones."""
    state, round_id = amended.service.sequencer.state, open_round_history()[1]
    organiser = amended.service.world.actor("organiser")
    body = sample(all_kinds()[payload_type], full=True).body
    named = {name: value for name, value in (("stage", stage), ("round", round_id)) if hasattr(body, name)}
    body = replace(body, **named)
    with Client(amended.url, [LOG_VKEY]) as client:
        statement = open_envelope(client.sign(client.form_for(body, organiser.key), body, organiser.key)).statement
    rule = ACTS[statement.type]
    assert (statement.programme, statement.rules) == (state.charter.id, governing_hash(state, body))
    assert (statement.person, statement.key) == (organiser.person, key_id(organiser.key.public))
    assert statement.counter > state.roll.people[organiser.person].counter
    assert statement.on_behalf_of == (getattr(body, rule.behalf) if rule.behalf else None)
    assert statement.seen is not None
    assert checkpoint_of(statement.seen, ORIGIN, LOG_VKEY).size == state.size
    assert payload_type_of(type(statement.body)) == payload_type


def test_a_named_votes_form_has_the_subjects_that_the_voter_decides_on(serving: Callable[[History], Service]) -> None:
    world = resume(final_history(CITY))
    enter(world, StageKind.DELIBERATION)
    play_inspection(world)
    matter = propose(world)
    subjects = world.state.deliberation.matters[matter].subjects
    service = serving(freeze(world))
    key = world.actor("leader-01").key
    with answered_by(service) as client:
        form = client.vote_form(matter, key)
        assert (form["kind"], form["reasons"], form["fixed"]) == ("deliberation.voted", "against", {"matter": matter})
        assert tuple(form["subjects"]) == subjects
        wrong = DeliberationVoted("proposal:0", voices(subjects))
        with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
            client.sign(form, wrong, key)
        body = DeliberationVoted(matter, voices(form["subjects"]))
        voted = client.submit(client.sign(form, body, key), world.now + 1000)
        assert isinstance(voted, Receipted)
        assert client.vote_form(matter, key)["subjects"] == list(subjects), "it does not tell who has voted"
        for nowhere in ("proposal:0", "tie:nothing", "approval:nothing"):
            with pytest.raises(ProblemError, match="NOT_FOUND"):
                client.vote_form(nowhere, key)


def test_of_an_objection_only_those_who_decide_learn_whom_it_is_about(serving: Callable[[History], Service]) -> None:
    world = resume(notice_history(CITY))
    about = world.state.notices.by_id["notice-1"].candidates[0]
    objection = receive(world, about)
    examine(world, objection)
    hear(world, objection)
    investigate(world, objection, founded=True)
    service, path = serving(freeze(world)), f"/v1/matters/objection:{objection}/vote-form"
    there = read(service, None, path).json() | {"instance": ""}
    assert there == read(service, None, path.replace(objection, "0" * 32)).json() | {"instance": ""}
    assert there["code"] == "NOT_FOUND"
    seen = {
        one: read(service, one, path).status_code for one in ("applicant-01", "panel-01", "leader-01", "discipline")
    }
    assert seen == {"applicant-01": 404, "panel-01": 404, "leader-01": 200, "discipline": 200}
    form = read(service, "leader-01", path).json()
    assert (form["subjects"], form["reasons"]) == ([about], "always")
    assert "sealed" not in str(form)


def test_what_is_not_there(service: Service) -> None:
    for path in (
        "/v1/rounds/no-such-round/ballot-form",
        "/v1/stages/nowhere/score-form",
        "/v1/entries/0/countersign-form",
        "/v1/forms/nothing.known",
        "/v1/forms/stage.opened?stage=nowhere",
    ):
        answer = get(service, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert get(service, "/v1/rounds/UPPER/ballot-form").status_code == 422
    assert get(service, "/v1/forms/stage.opened?person=%00").status_code == 422
