"""The description of the interface, completed by what holds for every operation alike.

A route says what it answers itself. Here stands, once, what a problem looks like, what the bounds of `api.http.limits`
answer before any route is asked, and where reading needs no session.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.http.answers import describe
from api.http.spreadsheets import KINDS
from api.problems import MEDIA_TYPE

BY_ROLE = frozenset({"reading by role", "session"})
"""The tags of operations that nobody may use without a session; elsewhere it is for seeing more."""


_METHODS = frozenset({"get", "head", "put", "post", "delete", "patch"})
_REF = {"$ref": "#/components/schemas/Problem"}
_FORM = "#/components/schemas/Form"
_TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457; `code` is stable, `detail` is in the language that was asked for",
    "required": ["clause", "code", "detail", "en", "facts", "instance", "status", "title", "type", "zh"],
    "properties": {
        "type": {"type": "string", "pattern": "^/problems/[A-Z][A-Z0-9_]*$"},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "code": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"},
        "clause": {"type": ["string", "null"], "description": "the clause by which the rules refuse"},
        "facts": {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
        "zh": _TEXT,
        "en": _TEXT,
        "instance": {"type": "string", "description": "the id of this answer"},
        "attempt": {"type": "string", "description": "the entry that keeps a refused attempt, if it is kept"},
        "receipt": {"type": "string", "description": "and its receipt"},
    },
}
_ALWAYS = {
    "414": "the path and query are too long",
    "429": "too many requests",
    "431": "the head is too large",
    "503": "not possible at the moment",
}
_WITH_BODY = {"400": "not well formed", "408": "the body did not come in time", "413": "too large"}


def as_file(kind: str, meaning: str) -> dict[int | str, dict[str, Any]]:
    """Return what a route declares whose answer is of one media type other than JSON."""
    return {200: {"description": meaning, "content": {kind: {"schema": {"type": "string"}}}}}


def complete(app: FastAPI) -> None:
    """Let the application describe itself completely."""
    made: dict[str, Any] = {}

    def described() -> dict[str, Any]:
        if not made:
            made.update(_completed(app))
        return made

    app.openapi = described  # type: ignore[method-assign]


def _completed(app: FastAPI) -> dict[str, Any]:
    told = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas: dict[str, Any] = told.setdefault("components", {}).setdefault("schemas", {})
    # The framework's own shape of what is not valid, in which no answer of ours comes.
    for framework in ("HTTPValidationError", "ValidationError"):
        schemas.pop(framework, None)
    schemas["Problem"] = PROBLEM
    for method, operation in _operations(told):
        _complete(method, operation)
    describe(told)
    return told


def _operations(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in told["paths"].values():
        yield from ((method, operation) for method, operation in path.items() if method in _METHODS)


def _complete(method: str, operation: dict[str, Any]) -> None:
    responses: dict[str, Any] = operation["responses"]
    if method != "get":
        responses.pop("304", None)
    if any(one.get("schema", {}).get("$ref") == _FORM for one in operation.get("parameters", ())):
        responses["200"]["content"] |= {kind.partition(";")[0]: {"schema": _TEXT} for kind in KINDS.values()}
    for status, meaning in (_ALWAYS | (_WITH_BODY if "requestBody" in operation else {})).items():
        responses.setdefault(status, {"description": meaning})
    for status, response in responses.items():
        if int(status) >= 400:
            known = response.get("content", {}).get(MEDIA_TYPE, {})
            response["content"] = {MEDIA_TYPE: known | {"schema": _REF}}
    operation["responses"] = dict(sorted(responses.items()))
    if "security" in operation and BY_ROLE.isdisjoint(operation.get("tags", ())):
        operation["security"] = [*operation["security"], {}]
