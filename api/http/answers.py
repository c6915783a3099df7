"""What each reading answers: the members and their types, and an example from a rehearsal.

The description of the interface is completed from here (`api.http.described`), so that a client can be made from it. A
route that says its own schema or example keeps it.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

from api.http.shapes import Schema, Shapes
from ledger.state.body_book import Roster
from ledger.store.access import ReadRecord
from projections.ballots import BallotView, RoundView
from projections.candidates import StageView
from projections.explain import Explanation
from projections.history import HistoryLine
from projections.interim import Secret
from projections.margins import SessionMargins
from projections.notices import NoticeView
from projections.objections import ObjectionView
from projections.offpath import OffPathLine
from projections.polls import PollView
from projections.readings_table import ReadingsTable
from projections.results import ResultView
from projections.status import FindingView, StatusView
from projections.vacancies import AlternateView, PlacesView
from projections.whatif import WhatIf

_NEXT: Mapping[str, Any] = {"next": str | None}
_WITHOUT = MappingProxyType({RoundView: frozenset({"ballots"}), Roster: frozenset({"seated"})})
_CANDIDATE = {
    "cause": str | None, "entry": int | None, "person": str, "place": int | None, "stage": str, "standing": str,
}  # fmt: skip
_FORM = {"fixed": Mapping[str, Any], "header": Mapping[str, Any], "kind": str, "version": int}
_DERIVED: Mapping[str, Mapping[str, Any]] = {
    "GET /v1/programme": {"hash": str | None, "programme": Mapping[str, Any] | None},
    "GET /v1/stages": {"stages": tuple[StageView, ...], **_NEXT},
    "GET /v1/stages/{stage}": {"stage": StageView},
    "GET /v1/stages/{stage}/candidates": {"candidates": [_CANDIDATE], **_NEXT},
    "GET /v1/rounds": {"rounds": tuple[RoundView, ...], **_NEXT},
    "GET /v1/rounds/{round}": {"round": RoundView},
    "GET /v1/rounds/{round}/ballots": {"ballots": tuple[BallotView, ...], "round": RoundView, **_NEXT},
    "GET /v1/rankings": {"results": tuple[ResultView, ...], **_NEXT},
    "GET /v1/vacancies": {"places": PlacesView | None},
    "GET /v1/alternates": {"alternates": tuple[AlternateView, ...] | None},
    "GET /v1/notices": {"notices": tuple[NoticeView, ...], **_NEXT},
    "GET /v1/status": {"status": StatusView | None},
    "GET /v1/findings": {"findings": tuple[FindingView, ...], **_NEXT},
    "GET /v1/off-path": {"off_path": tuple[OffPathLine, ...], **_NEXT},
    "GET /v1/objections": {"objections": tuple[ObjectionView, ...], **_NEXT},
    "GET /v1/rosters/{stage}": {"roster": Roster},
    "GET /v1/history/{subject}": {"complete": bool, "history": tuple[HistoryLine, ...], "subject": str, **_NEXT},
    "GET /v1/explanations/{person}": {"explanation": Explanation},
    "GET /v1/margins/{stage}": {"hypothetical": bool, "margins": tuple[SessionMargins, ...]},
    "GET /v1/readings": {"readings": ReadingsTable | None},
    "GET /v1/what-if": {"what_if": WhatIf},
    "GET /v1/first-uses": {"first_uses": [Mapping[str, Any]]},
    "GET /v1/interim": {"interim": tuple[Secret, ...]},
    "GET /v1/log-keys": {"log_keys": [{"effective": int, "since": int, "stated": int, "vkey": str}]},
    "GET /v1/polls": {"polls": tuple[PollView, ...], **_NEXT},
    "GET /v1/polls/{poll}": {"challenge": Any, "poll": PollView},
}
"""What follows from the log: `as_of` comes with each of them."""
_SESSION = {"expires_at": int, "person": str, "token": str, "token_type": str}
_OTHER: Mapping[str, Any] = {
    "GET /health": {"status": str},
    "GET /ready": {"behind": int, "entries": int, "status": str, "waiting": int},
    "GET /v1/entries/{index}": {"entry": Mapping[str, Any]},
    "GET /v1/forms/{kind}": _FORM,
    "GET /v1/rounds/{round_id}/ballot-form": _FORM,
    "GET /v1/stages/{stage_id}/score-form": _FORM,
    "GET /v1/matters/{matter}/vote-form": _FORM,
    "GET /v1/entries/{index}/countersign-form": _FORM,
    "GET /v1/uploads/{upload}": Mapping[str, Any],
    "GET /version": {"api": str, "origin": str, "version": str},
    "GET /problems/{code}": {"code": str, "en": str, "section": str, "zh": str},
    "GET /v1/proofs/inclusion": {"inclusion": {"index": int, "path": tuple[str, ...], "size": int, "text": str}},
    "GET /v1/proofs/consistency": {
        "consistency": {"new": int, "new_root": str, "old": int, "old_root": str, "path": tuple[str, ...]}
    },
    "GET /v1/reads": {"next": int | None, "reads": tuple[ReadRecord, ...]},
    "GET /v1/session": {"method": Literal["key", "oidc"], "person": str, "roles": tuple[str, ...]},
    "GET /v1/session/oidc/callback": {**_SESSION, "method": str},
    "POST /v1/session": _SESSION,
    "POST /v1/session/challenge": {"challenge": str, "expires_at": int, "message": str, "origin": str},
}
_AS_OF = {"at": int | None, "entries": int, "published": int}
_PARAMETERS: Mapping[str, Any] = {
    "after": "3029",
    "at": "2022-11-30",
    "audience": "public",
    "code": "OVERVOTE",
    "cursor": "MjQuMg",
    "follow": False,
    "format": "json",
    "group": "metalworking",
    "index": 0,
    "key": "101291f465d0377c50bdb284292b9d8759c1d5c5cce3bdc15f12cb4a2cc7a5d0",
    "kind": "ballot.cast",
    "last-event-id": "3029",
    "limit": 100,
    "new": 3000,
    "old": 1000,
    "open": True,
    "digest": "5d8e8dbee9392e472f4549e392d7a15a2c5020e0477eb825cab247657ba0b939",
    "If-Range": '"3000-5d8e8dbee9392e47"',
    "matter": "proposal:0",
    "notice": "notice-1",
    "path": "000",
    "poll": "poll-1",
    "person": "4f11e6df5640c94ab7e51a4474f638a2",
    "Read-Reason": "抽查终评 · spot check of the final",
    "round": "55892689293d555225777eeb5804d76f",
    "round_id": "55892689293d555225777eeb5804d76f",
    "size": 3000,
    "stage": "final",
    "state": "c3RhdGU",
    "stage_id": "final",
    "subject": "4f11e6df5640c94ab7e51a4474f638a2",
    "upload": "00000000000000000000000000000000",
    "Upload-Complete": "?1",
    "Upload-Offset": 4096,
    "Upload-Permit": "cGVybWl0",
    "version": 1,
    "which": "0",
    "without_channel": ["union-wechat"],
    "without_entry": [2890],
    "without_member": ["4f11e6df5640c94ab7e51a4474f638a2"],
    "without_scores": ["4f11e6df5640c94ab7e51a4474f638a2"],
    "without_unit": "employer-18",
    "reading": ["shortlist_rounding=strictly_more"],
}
"""An example of each parameter whose route gives none; a reason is percent-encoded in its header."""

_INTEGERS: Mapping[str, int] = {"after": 0, "at": 1_663_894_800_000}
"""Where a parameter of the same name is a number: of records, and UTC milliseconds."""


@cache
def examples(file: str = "examples.json") -> dict[str, Any]:
    """Return an answer of each operation by media type, from a rehearsal, with lists cut short.

    `examples_by_hand.json` has what no reading answers: `requests` and `answers`.
    """
    found: dict[str, Any] = json.loads(resources.files("api.http").joinpath(file).read_text("utf-8"))
    return found


def describe(told: dict[str, Any]) -> None:
    """Put the shapes and examples into a description, where a route has not said them itself."""
    shapes = Shapes(_WITHOUT)
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            name = f"{method.upper()} {path}"
            if (schema := _schema(shapes, name)) is not None:
                _answered(operation)["schema"] = schema
            _exemplify(name, operation)
    told["components"]["schemas"] |= shapes.components


def _schema(shapes: Shapes, name: str) -> Schema | None:
    if name in _DERIVED:
        found = shapes.members({**_DERIVED[name], "as_of": _AS_OF})
        found["properties"]["imported_rows"] = {"type": "array", "items": {"type": "object"}}
        return found
    return shapes.of(_OTHER[name]) if name in _OTHER else None


def _answered(operation: dict[str, Any]) -> dict[str, Any]:
    """Return where the JSON of the first success stands."""
    status = min(status for status in operation["responses"] if status.startswith("2"))
    content: dict[str, Any] = operation["responses"][status].setdefault("content", {})
    found: dict[str, Any] = content.setdefault("application/json", {})
    return found


def _exemplify(name: str, operation: dict[str, Any]) -> None:
    by_hand = examples("examples_by_hand.json")
    for parameter in operation.get("parameters", ()):
        name_of, schema = parameter["name"], parameter["schema"]
        whole = "integer" in {schema.get("type"), *(one.get("type") for one in schema.get("anyOf", ()))}
        given = _INTEGERS.get(name_of) if whole and name_of in _INTEGERS else _PARAMETERS.get(name_of)
        if given is not None and not _has_example(parameter):
            parameter["example"] = given
    answers = by_hand["answers"].get(name, {}) | examples().get(name, {})
    shown = [(response, answers) for status, response in operation["responses"].items() if status.startswith("2")]
    if "requestBody" in operation:
        shown.append((operation["requestBody"], by_hand["requests"].get(name, {})))
    for part, given in shown:
        for kind, content in part.get("content", {}).items():
            if kind in given and not _has_example(content):
                content["example"] = given[kind]


def _has_example(content: dict[str, Any]) -> bool:
    """Say whether a media type shows an example, itself or by its schema."""
    shown = {"example", "examples"}
    return bool(content.keys() & shown or content.get("schema", {}).keys() & shown)
