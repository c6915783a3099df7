"""The description of the interface holds: whatever is asked within it or beside it gets an answer that it declares.

schemathesis reads `/v1/openapi.json` and asks every operation what it allows, what it forbids, and about what there
is, as nobody, as an applicant, as a member and as those who read the most. No answer is a fault of ours, and each has
a status, a content type and a shape that the description names.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypeAlias

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.http.app import routers
from api.http.described import complete
from api.problems import MEDIA_TYPE
from tests.finalists import CITY, notice_history
from tests.http.live import Lasting, Live, live_service
from tests.http.reading import REASON

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
WHO = (None, "applicant-01", "discipline")
FEW = 5
"""Examples of each kind, for each role and operation."""
COSTLY = frozenset(
    {
        "GET /problems/{code}",
        "GET /v1/explanations/{person}",
        "GET /v1/margins/{stage}",
        "GET /v1/readings",
        "GET /v1/what-if",
    }
)
"""What takes long to answer, or to find something wrong to ask of: one example of each kind."""
BODILESS = {"204", "303", "304"}
Operation: TypeAlias = "APIOperation[Any, Any, Any, Any]"


def description() -> dict[str, Any]:
    """The description, without a service."""
    app = FastAPI(title="Ballot Ledger", version="0")
    for router in routers():
        app.include_router(router)
    complete(app)
    return app.openapi()


DESCRIPTION = description()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
}


@pytest.fixture(scope="module")
def live(lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service whose selection has come to its notice."""
    with live_service(lasting_site, tmp_path_factory.mktemp("described"), notice_history(CITY)) as one:
        yield one


def told(found: Any) -> Operation:
    """One operation of a description that holds."""
    operation: Operation = found.ok()
    return operation


@pytest.fixture(scope="module")
def asked(live: Live) -> dict[str, Operation]:
    """Every operation, by method and path, as the running service describes it."""
    schema = schemathesis.openapi.from_url(f"{live.url}/v1/openapi.json")
    return {found.label: found for found in map(told, schema.get_all_operations())}


def there(live: Live, label: str) -> dict[str, Any]:
    """Parts of paths that lead to something."""
    state = live.service.world.state
    played = next(iter(state.rounds.by_id))
    return {
        "code": "OVERVOTE",
        "index": state.size - 1,
        "kind": "ballot.cast",
        "path": "0/000" if "tile" in label else "000",
        "person": live.service.world.person("applicant-01"),
        "round": played,
        "round_id": played,
        "stage": "final",
        "stage_id": "final",
        "subject": live.service.world.person("applicant-01"),
        "which": "0",
    }


def test_the_service_describes_every_route_and_nothing_else(asked: dict[str, Operation], live: Live) -> None:
    assert set(asked) == set(OPERATIONS)
    assert live.http.get("/v1/openapi.json").json()["paths"] == DESCRIPTION["paths"]


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_every_answer_is_one_that_is_described(asked: dict[str, Operation], live: Live, label: str) -> None:
    operation = asked[label]
    known = there(live, label)
    known = {one.name: known[one.name] for one in operation.path_parameters if one.name in known}
    few = 1 if label in COSTLY else FEW
    for alias in WHO:
        headers = live.session(alias) if alias else {}
        ask(live, operation.as_strategy(), headers, few)
        ask(live, operation.as_strategy(GenerationMode.NEGATIVE), headers, few)
        if known:
            ask(live, operation.as_strategy(path_parameters=known), headers, few)


def ask(live: Live, cases: Any, headers: dict[str, str], few: int) -> None:
    """Ask some of these cases; every answer is held to the description."""

    @settings(
        max_examples=few,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def one(case: Case[Any]) -> None:
        # A stream that follows does not end; everything else of it is asked as it comes.
        params = {"follow": "false"} if case.path == "/v1/stream" else None
        answer = case.call(headers=headers, params=params, timeout=30)
        case.validate_response(answer, checks=CHECKS)
        if answer.content:
            kind = answer.headers["content-type"][0].partition(";")[0]
            declared = OPERATIONS[case.operation.label]["responses"][str(answer.status_code)]
            assert kind in declared["content"], f"{answer.status_code} {kind}"

    # Of an operation that takes nothing, nothing can be asked that it forbids.
    with suppress(Unsatisfiable):
        one()


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_every_operation_says_what_it_is_for_and_what_goes_wrong(label: str) -> None:
    told = OPERATIONS[label]
    assert told["summary"]
    assert told["tags"]
    for status, response in told["responses"].items():
        assert response["description"]
        content = response.get("content", {})
        if int(status) >= 400:
            assert content[MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}
        elif status not in BODILESS:
            assert content, f"{status} names no content type"


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [one["operationId"] for one in OPERATIONS.values()]
    assert len(set(names)) == len(names)


def test_a_reading_is_recorded_whatever_stands_in_its_path(live: Live) -> None:
    """Found by schemathesis: PostgreSQL keeps no NUL, and what was asked for is written down before it is looked up."""
    headers = live.session("discipline") | REASON
    answer = live.http.get("/v1/rosters/fi%00nal", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert (
        live.http.get("/v1/reads", headers=headers).json()["reads"][-1]["subject"] == "fi\N{REPLACEMENT CHARACTER}nal"
    )
