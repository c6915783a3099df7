"""The description of the interface is complete: shapes, examples and who may ask, and it is what is answered."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any, Literal

import jsonschema_rs
import pytest
from schemathesis.specs.openapi import definitions

from api.http.answers import _DERIVED, examples
from api.http.described import BY_ROLE
from api.http.shapes import Shapes
from api.problems import MEDIA_TYPE
from tests.http.conftest import Service
from tests.http.recorded import history, prepare, recorded
from tests.http.test_openapi import DESCRIPTION, OPERATIONS
from tests.simulator import History

BINARY = (
    "application/octet-stream",
    "application/partial-upload",
    "application/vnd.ballot-ledger.attached",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/zip",
)
"""What is no text: an example of it would show nothing."""


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body that is sent or answered where things go well, by its media type."""
    parts = [response for status, response in operation["responses"].items() if status.startswith("2")]
    for part in [*parts, operation.get("requestBody", {})]:
        yield from part.get("content", {}).items()


def shown(part: dict[str, Any]) -> list[Any]:
    """The examples that something bears, itself or by its schema."""
    schema = part.get("schema", {})
    given = part.get("examples", {})
    named = [one["value"] for one in given.values()] if isinstance(given, dict) else list(given)
    single = [holder["example"] for holder in (part, schema) if "example" in holder]
    return [*single, *named, *schema.get("examples", [])]


def fits(value: Any, schema: dict[str, Any]) -> str:
    """Return what of a value does not fit, the first of it; empty if all does."""
    validator = jsonschema_rs.Draft202012Validator(schema | {"components": DESCRIPTION["components"]})
    return next((f"{one.instance_path}: {one.message}"[:300] for one in validator.iter_errors(value)), "")


def test_the_description_is_openapi() -> None:
    assert DESCRIPTION["openapi"].startswith("3.1.")
    definitions.OPENAPI_31_VALIDATOR.validate(DESCRIPTION)


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_every_operation_shows_what_is_sent_and_answered(label: str) -> None:
    operation = OPERATIONS[label]
    assert operation["summary"]
    for kind, content in contents(operation):
        assert content.get("schema"), f"{kind} has no schema"
        if kind not in BINARY:
            assert shown(content), f"{kind} has no example"
        if kind.endswith("json"):
            for example in shown(content):
                assert fits(example, content["schema"]) == ""
    for parameter in operation.get("parameters", ()):
        assert shown(parameter), f"{parameter['name']} has no example"
        for example in shown(parameter):
            assert fits(example, parameter["schema"]) == "", parameter["name"]
    problems = [status for status in operation["responses"] if int(status) >= 400]
    assert {"429", "503"} <= set(problems)
    assert all(MEDIA_TYPE in operation["responses"][status]["content"] for status in problems)


def test_whatever_needs_a_session_says_so() -> None:
    schemes = DESCRIPTION["components"]["securitySchemes"]
    assert [one["scheme"] for one in schemes.values()] == ["bearer"]
    (name,) = schemes
    for label, operation in OPERATIONS.items():
        needed = not BY_ROLE.isdisjoint(operation["tags"]) and label not in {
            "GET /v1/session/oidc",
            "GET /v1/session/oidc/callback",
            "POST /v1/session",
            "POST /v1/session/challenge",
        }
        if needed:
            assert operation["security"] == [{name: []}], label
        else:
            assert operation.get("security", [{}])[-1] == {}, label


@pytest.fixture
def service(serving: Callable[[History], Service]) -> Service:
    """A service whose selection has come to its notice."""
    made = serving(history())
    prepare(made)
    return made


def test_the_examples_are_what_is_answered(service: Service) -> None:
    """After a change of answers: `python -m tests.http.recorded`."""
    found = recorded(service)
    assert examples().keys() <= found.keys()
    for label, answers in found.items():
        declared, kept = OPERATIONS[label]["responses"]["200"]["content"], examples().get(label, {})
        assert kept.keys() <= answers.keys()
        if "application/json" in answers:
            value = answers["application/json"]
            assert fits(value, declared["application/json"]["schema"]) == "", label
            assert label not in _DERIVED or value == kept["application/json"], label


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    """Something within."""

    part: Fraction
    gone: int


@dataclass(frozen=True)
class Outer:
    """Something around."""

    colour: Colour
    kind: Literal["a", "b"] | None
    inner: tuple[Inner, ...]
    pair: tuple[str, int]
    counts: dict[str, int]


def test_a_shape_is_that_of_the_plain_form() -> None:
    shapes = Shapes({Inner: frozenset({"gone"})})
    assert shapes.of(Outer) == {"$ref": "#/components/schemas/Outer"}
    assert shapes.components["Inner"]["properties"].keys() == {"part"}
    assert shapes.components["Outer"]["required"] == ["colour", "counts", "inner", "kind", "pair"]
    properties = shapes.components["Outer"]["properties"]
    assert properties["kind"] == {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]}
    assert properties["pair"]["prefixItems"] == [{"type": "string"}, {"type": "integer"}]
    with pytest.raises(TypeError, match="no plain form"):
        shapes.of(float)
    with pytest.raises(TypeError, match="no plain form"):
        shapes.of(type[int])
