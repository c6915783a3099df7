"""Problems: every code has a page, both languages, a status; nothing of an input or an exception is in any answer."""

import re

import httpx
import pytest
from fastapi import APIRouter

from api import problems
from api.http.app import create_app, routers
from api.problems import HttpError, language_of, problem_of, public_facts, section_of, status_of
from ledger.errors import ConflictError, LedgerError, MalformedError, StoreError, VerificationError
from ledger.messages import codes
from ledger.procedure.reasons import Refusal
from tests.http.conftest import Service
from tests.http.test_forms import get
from tests.http.test_statements import ask, service

__all__ = ["service"]

ALL = sorted({code for section in problems.SECTIONS for code in codes(section)})


def test_every_code_of_the_messages_has_a_page(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> list[tuple[httpx.Response, httpx.Response]]:
        plain = [await client.get(f"/problems/{code}") for code in ALL]
        as_json = [await client.get(f"/problems/{code}", headers={"accept": "application/json"}) for code in ALL]
        return list(zip(plain, as_json, strict=True))

    limits = service.context.settings.limits.model_copy(update={"request_burst": 10_000, "requests_a_minute": 10**6})
    settings = service.context.settings.model_copy(update={"limits": limits})
    object.__setattr__(service.context, "settings", settings)
    for code, (page, told) in zip(ALL, ask(service, asking), strict=True):
        assert (page.status_code, told.status_code) == (200, 200), code
        assert told.json()["code"] == code
        assert 'lang="zh-CN"' in page.text
        assert 'lang="en"' in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "{" not in page.text


def test_a_code_that_nobody_knows_has_none(service: Service) -> None:
    for path in ("/problems/NEVER_HEARD", "/problems/<script>", "/problems/a%00b"):
        answer = get(service, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
        assert "script" not in answer.text
    assert section_of("NEVER_HEARD") is None


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("en-US,en;q=0.9", "en"),
        ("fr, en;q=0.4, zh;q=0.6", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("fr", "zh"),
        ("en;q=nonsense", "zh"),
        ("*", "zh"),
        (";;;,,,=", "zh"),
    ],
)
def test_the_language_is_the_one_that_is_asked_for(accepted: str | None, language: str) -> None:
    assert language_of(accepted) == language


@pytest.mark.parametrize(
    ("what", "status"),
    [
        (Refusal("OVERVOTE", "五(一)", {}), 422),
        (Refusal("ALREADY_VOTED", "五(一)", {}), 409),
        (Refusal("IDEMPOTENCY_CONFLICT", "七(三)", {}), 409),
        (Refusal("ROUND_CLOSED", "五(一)", {}), 409),
        (Refusal("NOT_AUTHORISED", "五", {}), 403),
        (Refusal("KEY_UNKNOWN", "七(三)", {}), 401),
        (Refusal("RATE_LIMITED", "五(七)", {}), 429),
        (Refusal("DUPLICATE_CHOICE", "五(一)", {}), 422),
        (VerificationError("SIGNATURE_INVALID"), 401),
        (VerificationError("SPLIT_VIEW"), 503),
        (MalformedError("NOT_CANONICAL"), 400),
        (MalformedError("STATEMENT_TOO_LARGE"), 413),
        (ConflictError("STORE_WRONG_INDEX"), 409),
        (StoreError("STORE_UNAVAILABLE"), 503),
        (HttpError("NOT_FOUND", 404), 404),
        (LedgerError("ANYTHING"), 400),
    ],
)
def test_the_status(what: LedgerError | Refusal, status: int) -> None:
    told = problem_of(what, "en")
    assert (status_of(what), told["status"]) == (status, status)
    assert told["type"] == f"/problems/{what.code}"


def test_an_error_shows_numbers_and_names_of_fields_alone() -> None:
    stored = StoreError("HOME_UNUSABLE", path="/home/secret", reason="secret", size=3)
    assert public_facts(stored) == {"size": 3}
    told = problem_of(stored, "en")
    assert "secret" not in str(told)
    quoted = MalformedError("FIELD_INVALID", where="Invalid enum value 'secret' - at `$.body.kind[2]`")
    assert public_facts(quoted) == {"where": "$.body.kind[2]"}
    assert public_facts(MalformedError("NOT_CANONICAL", where="number 1e99")) == {"where": "$"}
    assert public_facts(MalformedError("NOT_CANONICAL", where="类型")) == {"where": "$"}
    assert public_facts(MalformedError("UNKNOWN_STATEMENT", type="secret")) == {}
    assert public_facts(Refusal("X", "五", {"long": "x" * 999})) == {"long": "x" * 200}


def test_instances_differ_and_both_languages_are_there() -> None:
    first, second = (problem_of(Refusal("ALREADY_VOTED", "五(一)"), one) for one in ("zh", "en"))
    assert first["instance"] != second["instance"]
    assert (first["detail"], second["detail"]) == (first["zh"], second["en"])
    assert re.search("[一-鿿]", first["title"])


def failing(error: Exception) -> APIRouter:
    """A route that fails."""
    router = APIRouter()

    @router.get("/fails")
    async def fails() -> None:
        raise error

    return router


@pytest.mark.parametrize("error", [RuntimeError("secret"), KeyError("secret"), LookupError(), ValueError("secret")])
def test_a_fault_of_our_own_is_answered_without_a_word_of_it(
    service: Service, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.http.app.routers", lambda: iter([*routers(), failing(error)]))
    answer = get(service, "/fails", **{"accept-language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (500, "SERVER_FAULT")
    assert answer.headers["content-type"] == problems.MEDIA_TYPE
    assert "secret" not in answer.text


def test_what_the_framework_refuses_is_a_problem_too(service: Service) -> None:
    nowhere = get(service, "/v1/nowhere?secret")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "NOT_FOUND")
    method = get(service, "/v1/statements")
    assert (method.status_code, method.json()["code"], method.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", "POST")
    invalid = get(service, "/v1/forms/ballot.cast?version=secret")
    assert (invalid.status_code, invalid.json()["code"]) == (422, "REQUEST_INVALID")
    assert invalid.json()["facts"] == {"where": "query.version"}
    for answer in (nowhere, method, invalid):
        assert answer.headers["content-type"] == problems.MEDIA_TYPE
        assert "secret" not in answer.text


def test_the_description_of_the_interface_names_every_route(service: Service) -> None:
    told = get(service, "/v1/openapi.json").json()
    assert "/v1/statements" in told["paths"]
    assert create_app(service.context).openapi() == told
