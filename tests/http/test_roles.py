"""Every route × every role: the whole table is asked, and no route is missing from it.

Nobody known, an applicant, a member, everybody with a function, and tokens that are no session (any more): that of a
person whose key was revoked after signing in, one that is over, and one that never was.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from api.http.app import create_app, routers
from api.http.audience import READERS, STAFF
from api.http.sign_in import _bytes
from api.problems import MEDIA_TYPE
from ledger.procedure.acts import FUNCTIONS
from ledger.sequencer import system_clock
from ledger.signing import key_id
from ledger.statements.roll import KeyRevoked
from ledger.store.access import AccessBook, Session
from tests.finalists import CITY, notice_history
from tests.http import route_table
from tests.http.live import Lasting, Live, live_service
from tests.http.reading import REASON
from tests.http.route_table import NO_SESSION, ROUTES, WHO

OTHERS = ("PUT", "PATCH", "DELETE", "POST", "GET", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "X")


@pytest.fixture(scope="module")
def live(lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service whose selection has come to its notice."""
    with live_service(lasting_site, tmp_path_factory.mktemp("roles"), notice_history(CITY)) as one:
        yield one


@pytest.fixture(scope="module")
def headers(live: Live) -> dict[str, dict[str, str]]:
    """What everybody bears; one key is revoked after its holder signed in."""
    found = {who: live.session(alias) if alias and who != "expired" else {} for who, alias in WHO.items()}
    revoke(live, "intake-2")
    return found | {"expired": bearer(over(live, "auditor-2")), "unknown": bearer("A" * 43)}


def bearer(token: str) -> dict[str, str]:
    """The header of a token."""
    return {"authorization": f"Bearer {token}"}


def revoke(live: Live, alias: str) -> None:
    """Let a person's key be revoked."""
    world = live.service.world
    actor = world.actor(alias)
    body = KeyRevoked("lost", key_id(actor.key.public), actor.person, "遗失", None)
    world.cosign(world.must("registrar", body), "discipline")


def over(live: Live, alias: str) -> str:
    """The token of a session that has just ended by its time."""
    actor, now, token = live.service.world.actor(alias), system_clock(), "B" * 43
    session = Session(actor.person, key_id(actor.key.public), now - 1)
    book = AccessBook(live.service.context.store)
    assert book.open_session(sha256(b"another challenge").digest(), sha256(_bytes(token)).digest(), session, now - 2)
    return token


def routes() -> dict[str, set[str]]:
    """Every path of the application, and its methods."""
    found: dict[str, set[str]] = {}
    for route in (one for router in routers() for one in inside(router)):
        assert isinstance(route, APIRoute), "a route of another kind needs a row of its own"
        found.setdefault(route.path, set()).update(route.methods or ())
    return found


def inside(router: Any) -> Iterator[Any]:
    """The routes of a router, and of those that it includes."""
    for route in router.routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from inside(included)


def test_every_route_stands_in_the_table(live: Live) -> None:
    own = {f"{method} {path}" for path, methods in routes().items() for method in methods}
    outside = {route.path for route in create_app(live.service.context).routes if isinstance(route, Route)}
    assert outside == {"/v1/openapi.json"}
    assert own | {"GET /v1/openapi.json"} == set(ROUTES), "a new route needs a row in tests/http/route_table.py"


def test_the_table_asks_as_everybody_who_has_a_function() -> None:
    assert set(WHO) >= set(FUNCTIONS) - {"applicant"}
    assert route_table.STAFF == STAFF
    assert set().union(*READERS.values()) <= set(WHO)


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_everybody_is_answered_as_the_table_says(live: Live, headers: dict[str, dict[str, str]], name: str) -> None:
    row, method = ROUTES[name], name.split(maxsplit=1)[0]
    found = {who: asked(live, method, row, borne(live, who, name, headers)) for who in WHO}
    assert {who: answer.status_code for who, answer in found.items()} == {who: row.expected(who) for who in WHO}
    for who, answer in found.items():
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == MEDIA_TYPE, who
        if method == "HEAD":
            continue
        if answer.status_code == 401 and row.reads_session:
            assert answer.json()["code"] == "SIGN_IN_NEEDED"
            assert answer.headers["www-authenticate"] == "Bearer"
        if answer.status_code == 403:
            assert answer.json()["code"] == "READ_FORBIDDEN"


def borne(live: Live, who: str, name: str, headers: dict[str, dict[str, str]]) -> dict[str, str]:
    """What somebody bears; whoever signs out does so of a session of their own."""
    alias = WHO[who]
    own = name == "DELETE /v1/session" and alias is not None and who not in NO_SESSION
    return live.session(alias) if own and alias else headers[who]


def asked(live: Live, method: str, row: route_table.Row, headers: dict[str, str]) -> httpx.Response:
    """Ask what a row says."""
    world = live.service.world
    filled = {
        "index": "0",
        "member": world.person("panel-01"),
        "person": world.person("applicant-01"),
        "round": next(iter(world.state.rounds.by_id)),
    }
    return live.http.request(method, row.asked.format(**filled), headers=REASON | headers, **row.sent)


def test_a_person_whose_key_was_revoked_signs_in_no_more(live: Live, headers: dict[str, dict[str, str]]) -> None:
    assert headers["revoked"]
    with pytest.raises(AssertionError, match="SIGN_IN_FAILED"):
        live.session("intake-2")


@pytest.mark.parametrize("method", OTHERS)
def test_other_methods_are_answered_by_a_problem(live: Live, headers: dict[str, dict[str, str]], method: str) -> None:
    known = routes() | {"/v1/openapi.json": {"GET", "HEAD"}}
    for path in known:
        # A path may be one of a more general template as well.
        methods = set().union(*(found for other, found in known.items() if matches(other, path)))
        if method in methods:
            continue
        row = next(row for name, row in ROUTES.items() if name.split()[1] == path)
        answer = asked(live, method, route_table.alike(row.asked), headers["discipline"])
        assert answer.headers["content-type"] == MEDIA_TYPE
        if method == "X":  # no method of any standard is no request
            assert (answer.status_code, answer.json()["code"]) == (400, "REQUEST_INVALID")
            continue
        assert answer.status_code == 405, f"{method} {path}"
        assert set(answer.headers["allow"].replace(" ", "").split(",")) <= methods | {"HEAD"}
        if method != "HEAD":
            assert answer.json()["code"] == "METHOD_NOT_ALLOWED"


def matches(template: str, path: str) -> bool:
    """Whether a path is one of a template's."""
    pattern = "[^/]+".join(re.escape(part) for part in re.split(r"{[^}]*}", template))
    return template == path or re.fullmatch(pattern, path) is not None


def test_where_there_is_nothing_a_problem_says_so(live: Live, headers: dict[str, dict[str, str]]) -> None:
    for path in (
        "/",
        "/v1",
        "/v2/stages",
        "/v1/stages/",
        "/v1//stages",
        "/v1/stages/final/",
        "/docs",
        "/v1/%2e%2e/ready",
    ):
        answer = live.http.get(path, headers=headers["discipline"])
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), path
