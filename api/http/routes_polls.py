"""`/v1/polls`: public ballots in, receipts out, and what may be known of a poll: the same for everybody (dispute D14).

A ballot is one credential's: its one-time code goes in with the body, never in an address, and nothing logs it. The
answer is given after commit and pin. A ballot that comes again gets the receipt of the first, whatever it chose, and no
answer tells what was chosen. A channel's own system hands in batches that it signed, with the rows beside them.
"""

import asyncio
import re
import time
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from api import problems
from api.http import polls_told as told
from api.http.asking import JSON, PROBLEMS, Asking, At
from api.http.ballot_door import Ballot
from api.http.challenges import Challenged
from api.http.context import Context, context_in
from api.http.door import Accepted
from api.http.express import Made, Way, body_of, header_of
from api.http.lean import lean_post
from api.http.pages import Paged
from api.http.poll_gate import Gate
from api.http.routes_statements import accepted_members, told_no
from api.problems import HttpError
from ledger.attached import MOST_BYTES
from ledger.decisions.polls import CLAUSE
from ledger.poll_lookup import receipt_of_tag
from ledger.poll_receipt import PublicReceipt
from ledger.poll_rows import CREDENTIAL_BYTES, MINUTE_MS, credential_tag, once, spent_key
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.statements import open_envelope
from ledger.statements.poll_ballots import PollBatch
from projections.live import released_size
from projections.plain import to_json
from projections.polls import poll_view
from projections.polls import polls as polls_of

MOST_BODY = 32 << 10
"""Of a single ballot: a name for each place of the longest list."""
_HEAD = 4
_JSON = JSON.encode()
_GIVEN = ((b"cache-control", b"no-store"), (b"content-type", _JSON))
_ONLY_AT = re.compile(rb"at=([0-9]{1,14})")

router = APIRouter(tags=["polls"])

_CODE, _POLL = re.compile(told.CODE_PATTERN, re.ASCII), re.compile(told.POLL_PATTERN, re.ASCII)


class _Cast(msgspec.Struct, forbid_unknown_fields=True):
    """A ballot as it comes."""

    channel: Annotated[str, msgspec.Meta(max_length=96)]
    code: str
    candidates: Annotated[list[Annotated[str, msgspec.Meta(max_length=96)]], msgspec.Meta(max_length=128)]
    challenge: Annotated[str, msgspec.Meta(max_length=4096)] | None = None


class _Code(msgspec.Struct, forbid_unknown_fields=True):
    code: str


_decode_cast = msgspec.json.Decoder(_Cast).decode
_decode_code = msgspec.json.Decoder(_Code).decode


def _gate(request: Request) -> Gate:
    found = request.app.state.poll_gate
    if not isinstance(found, Gate):
        raise TypeError("the application has no gate for ballots")
    return found


async def _read(request: Request) -> bytes:
    """Return the body of a small JSON request."""
    kind, encoding = header_of(request, b"content-type"), header_of(request, b"content-encoding")
    if (kind or b"").partition(b";")[0].strip().lower() != _JSON or encoding not in {None, b"identity"}:
        raise HttpError("CONTENT_UNSUPPORTED", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    body = await body_of(request)
    if len(body) > MOST_BODY:
        raise HttpError("BODY_TOO_LARGE", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return body


def _invalid(where: str) -> HttpError:
    return HttpError("REQUEST_INVALID", HTTPStatus.BAD_REQUEST, where=where)


def _tag(poll: str, code: str) -> bytes:
    if _POLL.fullmatch(poll) is None:
        raise _invalid("path.poll")
    if _CODE.fullmatch(code) is None:
        raise HttpError("CREDENTIAL_MALFORMED", HTTPStatus.BAD_REQUEST, bytes=CREDENTIAL_BYTES)
    return credential_tag(poll, bytes.fromhex(code))


def _address(request: Request) -> str:
    address: str = request.scope["state"]["address"]
    return address


def _no(request: Request, context: Context, refusal: Refusal) -> Response:
    context.metrics.refused(refusal.code)
    return problems.answer(request, refusal)


async def _unknown_poll(gate: Gate, context: Context, poll: str) -> Refusal | None:
    """Refuse a poll that never opened; from its first ballot on it is known here."""
    if gate.knows(poll):
        return None

    def look() -> bool:
        return context.reader.now(lambda state: poll in state.polls.by_id)

    if not await asyncio.to_thread(look):
        return refuse("UNKNOWN_POLL", CLAUSE, poll=poll)
    gate.learn(poll)
    return None


@lean_post(
    router,
    "/v1/polls/{poll}/ballots",
    status_code=201,
    summary="Cast a public ballot with a one-time code; the receipt proves that it is in, and shows no choice",
    openapi_extra=told.CAST,
    responses=told.CAST_ANSWERS,
)
async def cast(request: Request) -> Response:
    """Take one ballot; the voter keeps the receipt, and anybody with the log's key can check it offline."""
    context, gate, poll = context_in(request), _gate(request), request.path_params["poll"]
    try:
        given = _decode_cast(await _read(request))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _invalid("body") from None
    if _POLL.fullmatch(given.channel) is None:
        raise _invalid("body")
    tag, address = _tag(poll, given.code), _address(request)
    gate.admit(address, tag)
    unknown = await _unknown_poll(gate, context, poll)
    if unknown is not None:
        return _no(request, context, unknown)
    now = time.time_ns() // 1_000_000
    await gate.challenged(Challenged(poll, given.channel, tag, address, given.challenge, now))
    ballot = Ballot(poll, given.channel, tag, tuple(given.candidates), gate.origin(poll, address), _at(request))
    answer = await context.ballots.cast(ballot)
    if isinstance(answer, Refusal):
        if answer.code == "CREDENTIAL_UNKNOWN":
            gate.stranger(address)
        return _no(request, context, answer)
    context.metrics.sequenced()
    return _given(answer.receipt, b'{"again":%b,"receipt":%b}', answer.again)


WAYS = (Way("POST", "/v1/polls/{poll}/ballots", cast),)


def _at(request: Request) -> int | None:
    """Return the simulated time of a rehearsal."""
    query = request.scope["query_string"]
    if not query:
        return None
    if (plain := _ONLY_AT.fullmatch(query)) is not None:
        return int(plain[1])
    given = request.query_params.get("at")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 14):
        raise _invalid("query.at")
    return int(given)


def _given(receipt: PublicReceipt, form: bytes, again: bool) -> Response:
    body = form % (b"true" if again else b"false", receipt.encode())
    return Made(body, HTTPStatus.OK if again else HTTPStatus.CREATED, _GIVEN)


@lean_post(
    router,
    "/v1/polls/{poll}/receipts",
    summary="The receipt of a ballot again, by its code; with it the voter checks that the ballot is counted",
    openapi_extra=told.RECEIPT,
    responses=told.RECEIPT_ANSWERS,
)
async def receipt(request: Request) -> Response:
    """Give the receipt again: of the one ballot, or where a credential votes once a day of one day's.

    A code that nobody knows and one that has not voted get the same answer.
    """
    context, gate, poll = context_in(request), _gate(request), request.path_params["poll"]
    try:
        code = _decode_code(await _read(request)).code
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _invalid("body") from None
    tag, address = _tag(poll, code), _address(request)
    gate.admit(address, tag)
    at = _at(request)
    found = await asyncio.to_thread(_find, context, poll, tag, time.time_ns() // 1_000_000 if at is None else at)
    if isinstance(found, Refusal):
        return _no(request, context, found)
    if found is None:
        gate.stranger(address)
        raise HttpError("BALLOT_NOT_FOUND", HTTPStatus.NOT_FOUND)
    return _given(found, b'{"again":%b,"receipt":%b}', True)


def _find(context: Context, poll: str, tag: bytes, at: int) -> PublicReceipt | Refusal | None:
    def key_of(state: Selection) -> bytes | None:
        known = state.polls.by_id.get(poll)
        if known is None:
            return None
        programme = state.charter.version_for(known.stage).programme
        return spent_key(tag, at // MINUTE_MS, programme.utc_offset_minutes, only_once=once(programme))

    key = context.reader.now(key_of)
    if key is None:
        return refuse("UNKNOWN_POLL", CLAUSE, poll=poll)
    return receipt_of_tag(context.store, tag, key, released_size(context.store))


@router.post(
    "/v1/polls/{poll}/batches",
    status_code=201,
    summary="Hand in what a channel's own system signed, with the rows, openings or list of rows that it names",
    openapi_extra=told.BATCH,
    responses=told.BATCH_ANSWERS,
)
async def batch(
    request: Request,
    poll: Annotated[str, Path(max_length=96)],
    at: Annotated[int | None, Query(ge=0, lt=2**53, description="a rehearsal's simulated time, UTC ms")] = None,
) -> Response:
    """Hand in one signed statement and what is attached to it; the answers are those of `/v1/statements`."""
    context = context_in(request)
    envelope, attached = await _framed(request, context)
    body: Any = open_envelope(envelope).statement.body
    if getattr(body, "poll", None) != poll:
        raise _invalid("path.poll")
    most = context.settings.limits.ballot_batch_size
    if isinstance(body, PollBatch) and body.count > most:
        raise HttpError("BATCH_SIZE", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, count=body.count, most=most)
    (answered,) = await context.door.submit([envelope], at, [attached])
    if isinstance(answered, Accepted):
        context.metrics.sequenced()
        headers = {"cache-control": "no-store", "location": f"/v1/entries/{answered.index}"}
        status = HTTPStatus.OK if answered.again else HTTPStatus.CREATED
        return JSONResponse(accepted_members(answered), status, headers)
    what, further = told_no(answered)
    context.metrics.refused(what.code)
    return problems.answer(request, what, **further)


async def _framed(request: Request, context: Context) -> tuple[bytes, bytes]:
    """Read the envelope and what is attached to it, as they come, within the bounds of both."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in told.FRAMES:
        raise HttpError("CONTENT_UNSUPPORTED", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    most = context.settings.limits.envelope_bytes
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _HEAD + most + MOST_BYTES:
            raise HttpError("BODY_TOO_LARGE", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    size = int.from_bytes(body[:_HEAD], "big")
    if not 0 < size <= min(most, len(body) - _HEAD):
        raise _invalid("body")
    attached = bytes(body[_HEAD + size :])
    if len(attached) > MOST_BYTES:
        raise HttpError("BODY_TOO_LARGE", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return bytes(body[_HEAD : _HEAD + size]), attached


@router.get(
    "/v1/polls",
    summary="Every public vote: its list, how many ballots are in, totals once it has ended",
    responses=PROBLEMS,
)
def listed(asked: Asking, page: Paged, at: At = None) -> Response:
    """Return all polls."""
    return asked.answer(
        page.at(at),
        lambda picture: page.told("polls", [to_json(one) for one in polls_of(picture.state)], picture.size),
    )


@router.get(
    "/v1/polls/{poll}",
    summary="One public vote; while it runs counts and no totals, for everybody alike",
    responses=PROBLEMS,
)
def one(poll: Annotated[str, Path(max_length=96)], request: Request, asked: Asking, at: At = None) -> Response:
    """Return a poll, and the challenge that a ballot must pass, if there is one."""
    challenge = _gate(request).challenge

    def view(picture: Any) -> dict[str, Any]:
        found = picture.state.polls.by_id.get(poll)
        if found is None:
            raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
        return {"challenge": challenge, "poll": to_json(poll_view(picture.state, found))}

    return asked.answer(at, view)
