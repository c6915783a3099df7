"""`POST /v1/statements`: signed statements in, receipts out; refusals as problems, with receipts of their own.

The signature is the authorisation: no session adds anything to a statement, and none is asked for. An answer that
gives a receipt is given after commit and pin, so that it holds whatever happens next. One envelope gets one answer
(201; 200 for a statement that is in the log already); many get one each (207), none of them holding up another.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from api import problems
from api.http.context import Context, context_in
from api.http.door import Accepted, Answered, RefusedBy
from api.http.express import Way, body_of
from api.http.first_uses import watch
from api.http.receiving import keyless_within
from api.problems import HttpError
from ledger.checkpoint import parse_decimal
from ledger.errors import LedgerError
from ledger.procedure.reasons import Refusal

ONE = ("application/vnd.dsse.envelope.v1+json", "application/json")
MANY = "application/vnd.ballot-ledger.statements+json"
LINES = "application/x-ndjson"
MOST_TIME = 2**53

router = APIRouter(tags=["statements"])


class _Many(msgspec.Struct, forbid_unknown_fields=True):
    """The body of many: each envelope's exact bytes."""

    statements: list[msgspec.Raw]


_encode = msgspec.json.Encoder().encode
_decode_many = msgspec.json.Decoder(_Many).decode

_ENVELOPE = {
    "type": "object",
    "required": ["payload", "payloadType", "signatures"],
    "additionalProperties": False,
    "properties": {
        "payload": {"type": "string", "format": "byte"},
        "payloadType": {"type": "string", "example": "application/vnd.ballot-ledger.ballot.cast.v1+json"},
        "signatures": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["keyid", "sig"],
                "additionalProperties": False,
                "properties": {"keyid": {"type": "string"}, "sig": {"type": "string", "format": "byte"}},
            },
        },
    },
}
_ACCEPTED = {
    "type": "object",
    "required": ["again", "at", "index", "needs", "receipt"],
    "properties": {
        "again": {"type": "boolean", "description": "the statement was in the log before"},
        "at": {"type": "integer", "description": "when it was sequenced, UTC milliseconds"},
        "index": {"type": "integer"},
        "needs": {"type": "integer", "description": "further signatures that the act waits for"},
        "receipt": {"type": "string", "description": "C2SP tlog-proof"},
    },
    "example": {"again": False, "at": 1663894800000, "index": 12, "needs": 0, "receipt": "c2sp.org/tlog-proof@v1\n…"},
}
_PROBLEM = {"content": {problems.MEDIA_TYPE: {"schema": {"type": "object"}}}}
_BODIES = {
    "required": True,
    "content": {
        **{one: {"schema": _ENVELOPE} for one in ONE},
        MANY: {
            "schema": {
                "type": "object",
                "required": ["statements"],
                "additionalProperties": False,
                "properties": {"statements": {"type": "array", "items": _ENVELOPE, "minItems": 1}},
            }
        },
        LINES: {"schema": {"type": "string", "description": "an envelope a line"}},
    },
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "in the log already: its first receipt",
        "content": {"application/json": {"schema": _ACCEPTED}},
    },
    201: {"description": "in the log: its receipt", "content": {"application/json": {"schema": _ACCEPTED}}},
    207: {"description": "many: an answer to each", "content": {"application/json": {"schema": {"type": "object"}}}},
    400: {"description": "not well formed", **_PROBLEM},
    401: {"description": "the signature does not hold, or its key is not on the roll", **_PROBLEM},
    403: {"description": "refused: not this person's to do", **_PROBLEM},
    409: {"description": "refused: somebody, or the same person, came first", **_PROBLEM},
    413: {"description": "too large", **_PROBLEM},
    415: {"description": "no media type of statements", **_PROBLEM},
    422: {"description": "refused by the rules", **_PROBLEM},
    429: {"description": "too many", **_PROBLEM},
    503: {"description": "no receipt was given; send the same bytes again", **_PROBLEM},
}


@router.post(
    "/v1/statements",
    status_code=201,
    summary="Hand in signed statements",
    openapi_extra={"requestBody": _BODIES},
    responses=_RESPONSES,
    response_class=JSONResponse,
)
async def submit(
    request: Request,
    at: Annotated[int | None, Query(ge=0, lt=MOST_TIME, description="a rehearsal's simulated time, UTC ms")] = None,
) -> Response:
    """Hand in one envelope, or many."""
    return await hand_in(request)


async def hand_in(request: Request) -> Response:
    """Answer a request to hand in statements."""
    context, at = context_in(request), _time(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (*ONE, MANY, LINES) or request.headers.get("content-encoding", "identity") != "identity":
        raise HttpError("CONTENT_UNSUPPORTED", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    body = await body_of(request)
    keyless_within(request, body)
    if kind in ONE:
        envelope = body.rstrip(b"\r\n")
        await watch(request, [envelope])
        (answered,) = await context.door.submit([envelope], at)
        return _one(request, context, answered)
    envelopes = _lines(body) if kind == LINES else _listed(body)
    most = context.settings.limits.batch_size
    if not 0 < len(envelopes) <= most:
        raise HttpError("TOO_MANY_STATEMENTS", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, most=most)
    await watch(request, envelopes)
    answers = await context.door.submit(envelopes, at)
    told = [_member(request, context, one) for one in answers]
    return _json({"answers": told}, HTTPStatus.MULTI_STATUS, {"cache-control": "no-store"})


WAYS = (Way("POST", "/v1/statements", hand_in),)


def _time(request: Request) -> int | None:
    if not request.scope["query_string"]:
        return None
    given = request.query_params.get("at")
    at = parse_decimal(given) if given is not None else None
    if given is not None and (at is None or at >= MOST_TIME):
        raise HttpError("REQUEST_INVALID", HTTPStatus.UNPROCESSABLE_ENTITY, where="query.at")
    return at


def _json(value: object, status: int, headers: Mapping[str, str]) -> Response:
    return Response(_encode(value), status, headers, "application/json")


def _listed(body: bytes) -> list[bytes]:
    try:
        return [bytes(one) for one in _decode_many(body).statements]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise HttpError("REQUEST_INVALID", HTTPStatus.BAD_REQUEST, where="body") from None


def _lines(body: bytes) -> Sequence[bytes]:
    return [line.rstrip(b"\r") for line in body.removesuffix(b"\n").split(b"\n")]


def _one(request: Request, context: Context, answered: Answered) -> Response:
    if isinstance(answered, Accepted):
        context.metrics.sequenced()
        headers = {"cache-control": "no-store", "location": f"/v1/entries/{answered.index}"}
        status = HTTPStatus.OK if answered.again else HTTPStatus.CREATED
        return _json(accepted_members(answered), status, headers)
    what, further = told_no(answered)
    context.metrics.refused(what.code)
    return problems.answer(request, what, **further)


def _member(request: Request, context: Context, answered: Answered) -> dict[str, Any]:
    """One answer among many: what it would have been alone, with its status."""
    if isinstance(answered, Accepted):
        context.metrics.sequenced()
        status = HTTPStatus.OK if answered.again else HTTPStatus.CREATED
        return {"status": int(status), "location": f"/v1/entries/{answered.index}", **accepted_members(answered)}
    what, further = told_no(answered)
    context.metrics.refused(what.code)
    language = problems.language_of(request.headers.get("accept-language"))
    return {"status": int(problems.status_of(what)), "problem": problems.problem_of(what, language) | further}


def accepted_members(answered: Accepted) -> dict[str, Any]:
    """Return the members of the answer that gives a receipt."""
    return {
        "again": answered.again,
        "at": answered.at,
        "index": answered.index,
        "needs": answered.needs,
        "receipt": answered.receipt.decode(),
    }


def told_no(answered: Answered) -> tuple[LedgerError | Refusal, dict[str, str]]:
    """Return what a problem tells: the refusal with the attempt and its receipt where they are kept, or the error."""
    if isinstance(answered, RefusedBy):
        kept = {"attempt": answered.attempt, "receipt": answered.receipt}
        return answered.refusal, {name: value.decode() for name, value in kept.items() if value is not None}
    if isinstance(answered, Accepted):
        raise TypeError("an accepted statement is no refusal")
    return answered.error, {}
