"""What follows from the service's own record together with the log, for auditors: first uses of keys, interim results.

Both are derived when they are asked for; nothing of them is written. What is to be on record in the log an auditor
signs as a finding, from the statement that is given along.
"""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from api.http.asking import JSON, PROBLEMS, Asking, At
from api.http.audience import READERS, What
from api.readings import noted_uses, recorded_readings
from projections.first_uses import first_uses as uses_of
from projections.interim import Way
from projections.interim import interim as interim_of
from projections.plain import to_json

router = APIRouter(tags=["reading by role"], responses=PROBLEMS)
_TEXT, _NUMBER, _MAYBE = {"type": "string"}, {"type": "integer"}, {"type": ["integer", "null"]}
_AS_OF = {"type": "object", "description": "what the answer is known from"}


def _answered(name: str, members: dict[str, Any], example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Return the description of an answer that is a list of these members."""
    member = {"type": "object", "required": sorted(members), "properties": members}
    listed = {"type": "array", "items": member}
    schema = {"type": "object", "required": ["as_of", name], "properties": {"as_of": _AS_OF, name: listed}}
    known = {"as_of": {"at": 1675299600000, "entries": 3033, "published": 3033}}
    return {200: {"description": name, "content": {JSON: {"schema": schema, "example": known | {name: [example]}}}}}


_USES = _answered(
    "first_uses",
    {
        "admin": _TEXT,
        "at": _NUMBER,
        "code": _TEXT,
        "enrolled": _NUMBER,
        "how": {"type": "string", "enum": ["session", "connection"]},
        "key": _TEXT,
        "member": _TEXT,
        "raised": _MAYBE,
        "severity": _TEXT,
        "statement": {"type": "object", "description": "the finding, to be signed by an auditor"},
        "used": _NUMBER,
    },
    {
        "admin": "101291f465d0377c50bdb284292b9d87",
        "at": 1663894800000,
        "code": "KEY_USED_FROM_ADMIN",
        "enrolled": 40,
        "how": "session",
        "key": "5d8e8dbee9392e472f4549e392d7a15a2c5020e0477eb825cab247657ba0b939",
        "member": "4f11e6df5640c94ab7e51a4474f638a2",
        "raised": None,
        "severity": "breach",
        "statement": {"body": {"code": "KEY_USED_FROM_ADMIN", "entries": [40, 57]}, "kind": "finding.raised"},
        "used": 57,
    },
)
_INTERIM = _answered(
    "interim",
    {
        "certified": _MAYBE,
        "ended": _MAYBE,
        "knowers": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["en", "entries", "person", "since", "until", "way", "zh"],
                "properties": {
                    "en": _TEXT,
                    "entries": {"type": "array", "items": _NUMBER},
                    "person": {"type": "string", "description": "an id, or a custodian that no entry names"},
                    "since": _NUMBER,
                    "until": _MAYBE,
                    "way": {"type": "string", "enum": [one.value for one in Way]},
                    "zh": _TEXT,
                },
            },
        },
        "opened": _NUMBER,
        "subject": _TEXT,
    },
    {
        "certified": 931,
        "ended": 930,
        "knowers": [
            {
                "en": "From 2022-10-25 01:06:59+08:00 on, 101291f4 could read what …",
                "entries": [930],
                "person": "101291f465d0377c50bdb284292b9d87",
                "since": 1666631219000,
                "until": 1666631220000,
                "way": "counted",
                "zh": "2022-10-25 01:06:59+08:00 起，101291f4 按角色可读 …",
            }
        ],
        "opened": 922,
        "subject": "round:55892689293d555225777eeb5804d76f",
    },
)


@router.get(
    "/v1/first-uses",
    summary="Keys that were first used from the session of somebody who enrols keys",
    responses=_USES,
    response_class=Response,
)
def first_uses(asked: Asking) -> Response:
    """Return every such breach, with the statement by which an auditor puts it on record."""
    asked.let(What.RECORDS)
    noted = noted_uses(asked.context.store)
    return asked.answer(
        None,
        lambda picture: {
            "first_uses": [
                to_json(one) | {"statement": one.finding()} for one in uses_of(picture.state, picture.acts, noted)
            ]
        },
    )


@router.get(
    "/v1/interim",
    summary="Who could have known interim results, and when",
    responses=_INTERIM,
    response_class=Response,
)
def interim(asked: Asking, at: At = None) -> Response:
    """Return every vote with everybody who could have known of it before it was announced, and every opened seal."""
    asked.let(What.RECORDS)
    readings = recorded_readings(asked.context.store)
    return asked.answer(
        at,
        lambda picture: {"interim": to_json(interim_of(picture.state, picture.acts, READERS[What.LISTS], readings))},
        apart=True,
    )
