"""Every route for reading × everybody who may ask: one table, and that no route is missing from it."""

import asyncio
from collections.abc import Callable

import pytest
from fastapi.routing import APIRoute

from api.http import routes_log, routes_reading, routes_restricted, routes_session
from api.http.audience import ANONYMOUS, READERS, RECORDED, Forbidden, Viewer, What, may, reads
from tests.finalists import CITY, notice_history
from tests.http.conftest import Service
from tests.http.reading import REASON, signed_in
from tests.simulator import History

WHO = (None, "applicant-01", "panel-01", "organiser", "inspector-1", "discipline", "auditor-2")
"""Nobody known, an applicant, a member, and those who run and look into it; the last two are auditors."""

ALL = (200,) * 7
SIGNED = (401, 200, 200, 200, 200, 200, 200)
STAFF = (401, 403, 403, 200, 200, 200, 200)
BODY = (401, 403, 200, 200, 200, 200, 200)
FILES = (401, 403, 403, 200, 403, 200, 200)
AUDIT = (401, 403, 403, 403, 403, 200, 200)
OWN = (401, 200, 403, 200, 200, 200, 200)
TABLE: dict[str, tuple[str, tuple[int, ...]]] = {
    "/checkpoint": ("/checkpoint", ALL),
    "/tile/{path:path}": ("/tile/0/000", ALL),
    "/entry/{path:path}": ("/entry/000", ALL),
    "/v1/proofs/inclusion": ("/v1/proofs/inclusion?index=0", ALL),
    "/v1/proofs/consistency": ("/v1/proofs/consistency?old=1&new=2", ALL),
    "/v1/receipts/{which}": ("/v1/receipts/0", ALL),
    "/v1/exports": ("/v1/exports?audience=auditor", AUDIT),
    "/v1/session": ("/v1/session", SIGNED),
    "/v1/session/oidc": ("/v1/session/oidc", (404,) * 7),
    "/v1/session/oidc/callback": ("/v1/session/oidc/callback", (404,) * 7),
    "/v1/programme": ("/v1/programme", ALL),
    "/v1/stages": ("/v1/stages", ALL),
    "/v1/stages/{stage}": ("/v1/stages/final", ALL),
    "/v1/stages/{stage}/candidates": ("/v1/stages/final/candidates", ALL),
    "/v1/rounds": ("/v1/rounds", ALL),
    "/v1/rounds/{round}": ("/v1/rounds/{round}", ALL),
    "/v1/rankings": ("/v1/rankings", ALL),
    "/v1/vacancies": ("/v1/vacancies", ALL),
    "/v1/alternates": ("/v1/alternates", ALL),
    "/v1/notices": ("/v1/notices", ALL),
    "/v1/status": ("/v1/status", STAFF),
    "/v1/findings": ("/v1/findings", STAFF),
    "/v1/off-path": ("/v1/off-path", STAFF),
    "/v1/readings": ("/v1/readings", STAFF),
    "/v1/objections": ("/v1/objections", FILES),
    "/v1/rosters/{stage}": ("/v1/rosters/final", BODY),
    "/v1/rounds/{round}/ballots": ("/v1/rounds/{round}/ballots", FILES),
    "/v1/margins/{stage}": ("/v1/margins/final", FILES),
    "/v1/what-if": ("/v1/what-if?without_member={member}", FILES),
    "/v1/history/{subject}": ("/v1/history/{applicant}", OWN),
    "/v1/explanations/{person}": ("/v1/explanations/{applicant}", OWN),
    "/v1/reads": ("/v1/reads", AUDIT),
}
"""Every route, what is asked of it, and the answer to each of `WHO`, who all give a reason."""


@pytest.fixture
def service(serving: Callable[[History], Service]) -> Service:
    """A service whose selection has come to its notice."""
    made = serving(notice_history(CITY))
    (made.context.home.folder / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')
    return made


def test_every_route_for_reading_stands_in_the_table() -> None:
    modules = (routes_log, routes_reading, routes_restricted, routes_session)
    routes = [route for module in modules for route in module.router.routes if isinstance(route, APIRoute)]
    assert {route.path for route in routes if "GET" in (route.methods or ())} == set(TABLE)


def test_every_route_answers_every_role_as_the_table_says(service: Service) -> None:
    world = service.world
    round_id = next(iter(world.state.rounds.by_id))
    filled = {"round": round_id, "member": world.person("panel-01"), "applicant": world.person("applicant-01")}

    async def asking() -> dict[str, tuple[int, ...]]:
        async with service.client(**REASON) as client:
            headers = [await signed_in(client, world, alias) for alias in WHO]
            return {
                name: tuple([(await client.get(path.format(**filled), headers=one)).status_code for one in headers])
                for name, (path, _) in TABLE.items()
            }

    assert asyncio.run(asking()) == {name: expected for name, (_, expected) in TABLE.items()}


def test_what_there_is_shows_to_nobody_who_may_not_read_it(service: Service) -> None:
    """The same answer for what exists and what does not, but for the id of the answer."""
    world = service.world
    there, nowhere = next(iter(world.state.rounds.by_id)), "0" * 32
    paths = ("/v1/rounds/{}/ballots", "/v1/history/{}", "/v1/explanations/{}", "/v1/margins/{}")

    async def asking() -> None:
        async with service.client(**REASON) as client:
            for alias in (None, "applicant-01"):
                headers = await signed_in(client, world, alias)
                for path in paths:
                    found = [(await client.get(path.format(one), headers=headers)).json() for one in (there, nowhere)]
                    assert found[0]["status"] in {401, 403}
                    assert found[0] | {"instance": ""} == found[1] | {"instance": ""}

    asyncio.run(asking())


def test_nobody_known_reads_what_is_announced_alone() -> None:
    assert [what for what in What if reads(ANONYMOUS, what)] == [What.ANNOUNCED]
    assert set(READERS) == set(What) - {What.ANNOUNCED}
    assert set(READERS) >= RECORDED


def test_everybody_reads_about_themselves_and_nobody_else() -> None:
    viewer = Viewer("a", frozenset({"applicant"}))
    may(viewer, What.PERSON, "a")
    with pytest.raises(Forbidden) as refused:
        may(viewer, What.PERSON, "b")
    assert refused.value.code == "READ_FORBIDDEN"
    with pytest.raises(Forbidden):
        may(viewer, What.NAMED_BALLOTS, "a")
