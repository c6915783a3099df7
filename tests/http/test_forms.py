"""Forms: what the client signs from them is what the sequencer asks for, and they tell nothing of how a vote stands."""

import httpx

from api.client import Client, Receipted
from api.rehearsal.driver import World
from api.rehearsal.steps_rounds import closing
from ledger.statements.foundation import ActCountersigned
from ledger.statements.rounds import BallotCast
from tests.http.conftest import Service
from tests.http.test_statements import ask, open_round_history, post, service, vote
from tests.simulator import LOG_VKEY
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
