"""How the routes of public votes that take ballots are described."""

from typing import Any

from api.http.asking import JSON
from api.problems import MEDIA_TYPE
from api.public_client import FRAMED

FRAMES = (FRAMED, "application/octet-stream")
"""Media types of a statement with what is attached to it."""
CODE_PATTERN = r"[0-9a-f]{32}"
POLL_PATTERN = r"[a-z0-9][a-z0-9:._-]{0,95}"

_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
_POLL_PARAMETER = {
    "name": "poll",
    "in": "path",
    "required": True,
    "description": "the poll's id",
    "schema": {"type": "string", "maxLength": 96, "pattern": f"^{POLL_PATTERN}$"},
}
_CODE_SCHEMA = {"type": "string", "pattern": f"^{CODE_PATTERN}$", "description": "the one-time code; secret"}
_EXAMPLE_CODE = "5f2b8c0e9d3a4716b8e1c2d3f4a50617"
_RECEIPT = {
    "type": "object",
    "description": "the row of the ballot, its path in the batch, the batch's entry and that entry's proof; canonical"
    " JSON of it is the receipt's file, and it shows no choice",
    "required": ["commitment", "entry", "kind", "path", "proof", "serial", "tag"],
    "example": {
        "commitment": "9c1f…",
        "entry": "eyJlbnZlbG9wZSI6…",
        "kind": "ballot-ledger.public-receipt.v1",
        "path": ["41d0…"],
        "proof": "YzJzcC5vcmcvdGxvZy1wcm9vZkB2MQo…",
        "serial": 17,
        "tag": "03ab…",
    },
}


def _answered(description: str, **members: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": sorted(members), "properties": members}
    return {"description": description, "content": {JSON: {"schema": schema}}}


def _body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    content = {JSON: {"schema": {"type": "object", "additionalProperties": False, **schema}, "example": example}}
    return {"required": True, "content": content}


_REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"description": "not well formed", **_PROBLEM},
    403: {"description": "the challenge was not passed", **_PROBLEM},
    404: {"description": "no such ballot, or no single ballots are taken for the channel", **_PROBLEM},
    409: {"description": "voted, or closed", **_PROBLEM},
    413: {"description": "too large", **_PROBLEM},
    415: {"description": "not JSON", **_PROBLEM},
    422: {"description": "refused by the rules: unknown poll, channel or credential, or no valid ballot", **_PROBLEM},
    429: {"description": "too many for this address or credential; see Retry-After", **_PROBLEM},
    503: {"description": "no receipt was given; send the same again after Retry-After", **_PROBLEM},
}
_AGAIN = {"type": "boolean", "description": "a ballot with this code was in before; this is its receipt"}
_AT = {
    "name": "at",
    "in": "query",
    "description": "a rehearsal's simulated time, UTC ms",
    "schema": {"type": "integer", "minimum": 0, "maximum": 10**14 - 1},
}
_RECEIPTED = {"type": "object", "description": "as `POST /v1/statements` answers"}

CAST: dict[str, Any] = {
    "parameters": [_POLL_PARAMETER, _AT],
    "requestBody": _body(
        {
            "required": ["candidates", "channel", "code"],
            "properties": {
                "candidates": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 128},
                "challenge": {"type": "string", "description": "what the poll's challenge asks for"},
                "channel": {"type": "string"},
                "code": _CODE_SCHEMA,
            },
        },
        {"candidates": ["applicant-7c21"], "channel": "union-wechat", "code": _EXAMPLE_CODE},
    ),
}
CAST_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: _answered("a ballot with this code is in already: its receipt", again=_AGAIN, receipt=_RECEIPT),
    201: _answered("the ballot is in: its receipt", again=_AGAIN, receipt=_RECEIPT),
    **_REFUSED,
}
RECEIPT: dict[str, Any] = {
    "parameters": [
        _POLL_PARAMETER,
        _AT | {"description": "when the ballot was cast, UTC ms, where a credential votes once a day; by default now"},
    ],
    "requestBody": _body({"required": ["code"], "properties": {"code": _CODE_SCHEMA}}, {"code": _EXAMPLE_CODE}),
}
RECEIPT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: _answered("its receipt", again=_AGAIN, receipt=_RECEIPT),
    **_REFUSED,
}
_FRAME = {
    "schema": {
        "type": "string",
        "format": "binary",
        "description": "the length of the envelope (4 bytes, big-endian), the envelope, and all bytes after it as what"
        " is attached",
    }
}
BATCH: dict[str, Any] = {"requestBody": {"required": True, "content": dict.fromkeys(FRAMES, _FRAME)}}
BATCH_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "in the log already: its first receipt", "content": {JSON: {"schema": _RECEIPTED}}},
    201: {"description": "in the log: its receipt", "content": {JSON: {"schema": _RECEIPTED}}},
    401: {"description": "the signature does not hold, or its key is not on the roll", **_PROBLEM},
    **_REFUSED,
}
