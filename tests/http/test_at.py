"""Every derived reading, at every earlier point: known from there, tagged by it, sent once, and paged at one size."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.http.answers import _DERIVED
from tests.finalists import CITY, notice_history
from tests.http.conftest import Service
from tests.http.reading import REASON, ask, signed_in
from tests.http.route_table import ROUTES
from tests.http.test_openapi import OPERATIONS
from tests.simulator import History

HISTORY = notice_history(CITY)
SIZE = len(HISTORY.entries)
NOW_ALONE = {"GET /v1/first-uses", "GET /v1/log-keys"}
"""What is no view of the selection at a point: it is read from records, or names points itself."""
EARLY = {"GET /v1/polls/{poll}"}
"""What the play has none of."""
WANTED = {
    "programme", "stages", "rounds", "candidates", "rankings", "alternates", "notices", "objections", "history",
    "explanations", "what-if", "margins", "findings",
}  # fmt: skip
"""What is to be read at any index or time."""


def parameters(label: str) -> set[str]:
    """The names of an operation's parameters."""
    return {one["name"] for one in OPERATIONS[label].get("parameters", ())}


TIMED = sorted(label for label in _DERIVED if label not in NOW_ALONE | EARLY)
PAGED = sorted(label for label in TIMED if "cursor" in parameters(label))


@pytest.fixture
def service(serving: Callable[[History], Service]) -> Service:
    """A service whose selection has come to its notice."""
    return serving(HISTORY)


def addresses(service: Service, labels: list[str]) -> dict[str, str]:
    """Where something is for each operation."""
    world = service.world
    known = {
        "round": next(iter(world.state.rounds.by_id)),
        "person": world.person("applicant-01"),
        "member": world.person("panel-01"),
    }
    return {label: ROUTES[label].asked.format(**known) for label in labels}


def joined(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}"


def test_whatever_is_derived_is_read_at_any_point() -> None:
    assert {label for label in TIMED if "at" not in parameters(label)} == set()
    segments = {segment for label in TIMED for segment in label.split("/")}
    assert segments >= WANTED


def test_an_earlier_point_is_what_it_is_known_from_and_tagged_by(service: Service) -> None:
    asked = addresses(service, TIMED)

    async def asking(client: httpx.AsyncClient) -> dict[str, list[httpx.Response]]:
        headers = await signed_in(client, service.world, "discipline") | REASON
        found = {}
        for label, path in asked.items():
            then = await client.get(joined(path, f"at={SIZE - 2}"), headers=headers)
            again = headers | {"if-none-match": then.headers.get("etag", "-")}
            found[label] = [
                then,
                await client.get(joined(path, f"at={SIZE - 2}"), headers=again),
                await client.get(joined(path, f"at={SIZE - 1}"), headers=again),
                await client.get(joined(path, f"at={SIZE}"), headers=headers),
                await client.get(joined(path, "at=yesterday"), headers=headers),
            ]
        return found

    for label, (then, known, later, above, wrong) in ask(service, asking).items():
        assert then.status_code == 200, (label, then.text)
        assert then.json()["as_of"]["entries"] == SIZE - 1, label
        assert then.headers["etag"].startswith(f'"{SIZE - 1}-'), label
        assert (known.status_code, known.content) == (304, b""), label
        assert (later.status_code, later.json()["as_of"]["entries"]) == (200, SIZE), label
        assert later.headers["etag"].startswith(f'"{SIZE}-'), label
        assert [above.json()["code"], wrong.json()["code"]] == ["INDEX_UNKNOWN", "TIME_INVALID"], label


def test_before_anything_was_there_nothing_is(service: Service) -> None:
    asked = addresses(service, TIMED)

    async def asking(client: httpx.AsyncClient) -> dict[str, httpx.Response]:
        headers = await signed_in(client, service.world, "discipline") | REASON
        return {label: await client.get(joined(path, "at=0"), headers=headers) for label, path in asked.items()}

    for label, answer in ask(service, asking).items():
        assert answer.status_code in {200, 404, 422}, (label, answer.text)
        if answer.status_code == 200:
            assert answer.json()["as_of"]["entries"] == 1


def test_pages_put_together_are_the_whole(service: Service) -> None:
    asked = addresses(service, PAGED)

    async def asking(client: httpx.AsyncClient) -> dict[str, tuple[Any, list[Any]]]:
        headers = await signed_in(client, service.world, "discipline") | REASON
        found = {}
        for label, path in asked.items():
            name = next(one for one in _DERIVED[label] if isinstance(members(one, label), list))
            whole = (await client.get(joined(path, f"at={SIZE - 2}"), headers=headers)).json()[name]
            most = max(1, -(-len(whole) // 4))
            page = (await client.get(joined(path, f"limit={most}&at={SIZE - 2}"), headers=headers)).json()
            parts = list(page[name])
            while page["next"] is not None:
                assert len(page[name]) == most
                page = (await client.get(joined(path, f"limit={most}&cursor={page['next']}"), headers=headers)).json()
                assert page["as_of"]["entries"] == SIZE - 1
                parts += page[name]
            found[label] = whole, parts
        return found

    def members(name: str, label: str) -> Any:
        schema = OPERATIONS[label]["responses"]["200"]["content"]["application/json"]["schema"]["properties"][name]
        return [] if schema.get("type") == "array" else None

    found = ask(service, asking)
    assert len(found) > 7
    for label, (whole, parts) in found.items():
        assert parts == whole, label
