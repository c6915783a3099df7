"""Objections without a key: what must be signed and to whom it is sealed, the way in, and how it goes on.

Whoever objects makes a key for this one objection, seals what they write to the discipline office, uploads the
ciphertext with a permit and hands in the outer statement; nothing here learns who they are, and a request that would
say so is refused. The code for the progress is made where they write and never leaves it: the one-time key follows from
it, and whoever asks signs a challenge with that. So nothing is kept here that could link a code to anybody, and what
is not an objection of this key, is not signed, or is signed for something else is answered all alike.
"""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api import problems
from api.http.asking import PROBLEMS
from api.http.context import Context, context_of
from api.http.door import Accepted
from api.http.evidence_told import evidence_faults
from api.http.logs import tell
from api.http.progress import Asker, progress_of
from api.http.receiving import Permit, Receiving, address_of, nobody_known, receiving_of
from api.http.routes_statements import ONE, accepted_members, told_no
from api.http.uploads import Upload
from api.objecting import progress_message
from api.problems import MEDIA_TYPE, HttpError
from ledger.errors import LedgerError, MalformedError, VerificationError
from ledger.procedure.acts import ACTS
from ledger.roll import SEALED_PREFIX
from ledger.sealing_keys import FILE, SealingKeys, decode, verify_by_roll
from ledger.selection import Selection
from ledger.sequencer import system_clock
from ledger.statements import Signed, open_envelope
from ledger.statements.kinds import name_of
from ledger.statements.notices import ObjectionReceived
from ledger.statements.plain import to_plain

router = APIRouter(tags=["objections"])
Here = Annotated[Context, Depends(context_of)]
_ID = r"^[a-z0-9][a-z0-9:._-]{0,95}$"
_NO_STORE = {"cache-control": "no-store"}
_KIND, _VERSION = name_of(ObjectionReceived)
_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}


def _answer(meaning: str, example: dict[str, Any]) -> dict[str, Any]:
    return {"description": meaning, "content": {"application/json": {"schema": {"type": "object"}, "example": example}}}


_FORM = {
    "candidates": ["…"],
    "fixed": {"arrived_at": None, "notice": "notice-1"},
    "header": {"counter": 1672192800000, "person": None, "programme": "…", "rules": "…", "seen": None},
    "in_time_until": 1672847999999,
    "kind": _KIND,
    "most_bytes": 9437184,
    "sealing": {"key": "…", "office": "base64", "programme": "…", "recovery": "base64", "signature": "base64"},
    "version": 1,
}
_GIVEN = {"again": False, "at": 1672192800000, "index": 912, "needs": 0, "number": 3, "objection": "…", "receipt": "…"}
_PROGRESS = {
    "admissible": True,
    "answered_at": None,
    "examined_at": 1672279200000,
    "notice": "notice-1",
    "number": 3,
    "objection": "…",
    "received_at": 1672192800000,
    "reply": None,
    "standing": "open",
    "status": "being_examined",
}
_ENVELOPES: dict[str, Any] = {"required": True, "content": {one: {"schema": {"type": "object"}} for one in ONE}}
_NOT_WELL = {"description": "not well formed, or `IDENTITY_NOT_WANTED`", **_PROBLEM}
_FORM_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: _answer("what must be signed", _FORM),
    409: {"description": "`SEALING_KEYS_MISSING`", **_PROBLEM},
    **{one: PROBLEMS[one] for one in (404, 422, 503)},
}
_FILING: dict[int | str, dict[str, Any]] = {
    200: _answer("in the log already: its first receipt", _GIVEN),
    201: _answer("in the log: its number and receipt", _GIVEN),
    400: _NOT_WELL,
    401: {"description": "the signature does not hold", **_PROBLEM},
    403: {"description": "`PERMIT_INVALID`, or refused", **_PROBLEM},
    409: {"description": "refused: something came first; or `SEALED_TEXT_MISSING`", **_PROBLEM},
    413: {"description": "too large", **_PROBLEM},
    415: {"description": "no media type of statements", **_PROBLEM},
    422: {"description": "refused by the rules, or `OBJECTION_ENVELOPE_NEEDED`", **_PROBLEM},
    429: {"description": "too many objections wait", **_PROBLEM},
    503: {"description": "no receipt was given; send the same bytes again", **_PROBLEM},
}


@router.get(
    "/v1/objection-form",
    summary="What an objection without a key must bear, and to whom it is sealed",
    responses=_FORM_RESPONSES,
)
def form(
    context: Here, notice: Annotated[str | None, Query(pattern=_ID, description="by default the newest")] = None
) -> Response:
    """Return a notice's candidates, the header, and the sealing keys over discipline's signature, to be checked."""
    told = context.reader.read(None, lambda picture: _form(context, picture.state, notice))
    return JSONResponse(told, headers=_NO_STORE)


def _form(context: Context, state: Selection, notice: str | None) -> dict[str, Any]:
    known = state.notices.by_id.get(notice) if notice else next(reversed(state.notices.by_id.values()), None)
    if state.sealed is None or known is None:
        raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
    keys, seen = _sealing_keys(context, state), context.door.seen()
    stage = state.charter.open_stage(ACTS[_KIND].during)
    header = {
        "counter": state.at,
        "person": None,
        "programme": state.charter.id,
        "rules": state.charter.version_for(stage.id if stage else None).hash,
        "seen": to_plain(seen) if seen else None,
    }
    return {
        "candidates": list(known.candidates),
        "fixed": {"arrived_at": None, "notice": known.id},
        "header": header,
        "in_time_until": known.clock.admissible_until,
        "kind": _KIND,
        "most_bytes": context.settings.limits.objection_bytes,
        "sealing": keys.plain(),
        "version": _VERSION,
    }


def _sealing_keys(context: Context, state: Selection) -> SealingKeys:
    """Return the announcement in the ledger's folder, if a key of discipline in force signed it."""
    try:
        keys = decode((context.home.folder / FILE).read_bytes())
        verify_by_roll(keys, state.roll, state.charter.id)
    except (OSError, MalformedError, VerificationError):
        raise HttpError("SEALING_KEYS_MISSING", HTTPStatus.CONFLICT) from None
    return keys


@router.post(
    "/v1/objections",
    status_code=201,
    summary="Hand in an objection without a key",
    responses=_FILING,
    openapi_extra={"requestBody": _ENVELOPES},
    response_class=JSONResponse,
)
async def receive(
    request: Request,
    context: Here,
    permit: Permit = None,
    at: Annotated[int | None, Query(ge=0, lt=2**53, description="a rehearsal's simulated time, UTC ms")] = None,
) -> Response:
    """Take the envelope of a one-time key; the sealed text it names was uploaded with the same permit before."""
    nobody_known(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ONE or request.headers.get("content-encoding", "identity") != "identity":
        raise HttpError("CONTENT_UNSUPPORTED", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    signed = open_envelope((await request.body()).rstrip(b"\r\n"))
    statement = signed.statement
    if not isinstance(statement.body, ObjectionReceived) or not statement.person.startswith(SEALED_PREFIX):
        raise HttpError("OBJECTION_ENVELOPE_NEEDED", HTTPStatus.UNPROCESSABLE_ENTITY)
    receiving = receiving_of(request.app)
    upload = await asyncio.to_thread(_sealed_text, context, receiving, signed, permit)
    (answered,) = await context.door.submit([signed.envelope], at)
    if not isinstance(answered, Accepted):
        what, further = told_no(answered)
        context.metrics.refused(what.code)
        return problems.answer(request, what, **further)
    context.metrics.sequenced()
    number = await asyncio.to_thread(_filed, context, receiving, statement.body.objection, upload)
    told = accepted_members(answered) | {"number": number, "objection": statement.body.objection}
    return JSONResponse(told, HTTPStatus.OK if answered.again else HTTPStatus.CREATED, _NO_STORE)


def _sealed_text(context: Context, receiving: Receiving, signed: Signed, permit: str | None) -> Upload | None:
    """Return the upload of the text that an objection names, none for one that is in the log already.

    It waits for some time longer from now on, so that it is there when the entry is. Raises `HttpError`
    `PERMIT_INVALID`, `SEALED_TEXT_MISSING`.
    """
    if context.store.find_statement(signed.id) is not None:
        return None
    now = system_clock()
    holder = receiving.holder(permit or "", now)
    found = receiving.uploads.find(holder.upload or "", now)
    if found is None or found.salt is None or found.digest != signed.statement.body.sealed:
        raise HttpError("SEALED_TEXT_MISSING", HTTPStatus.CONFLICT)
    return receiving.keep_longer(found, now)


def _filed(context: Context, receiving: Receiving, objection: str, upload: Upload | None) -> int | None:
    """Put the sealed text on file, and return the objection's number: its entry stands, whatever the disk does."""
    try:
        if upload is not None:
            receiving.file(upload)
    except LedgerError as error:
        tell("a sealed text waits to be filed", error=error)
    known = context.reader.now(lambda state: state.notices.objections.by_id.get(objection))
    return known.number if known is not None else None


class Progress(BaseModel):
    """A challenge, and the one-time key that signed it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    challenge: str = Field(max_length=200, description="as POST /v1/objections/progress/challenge gave it")
    public_key: str = Field(max_length=200, description="base64 of the one-time key's 32 public bytes")
    signature: str = Field(max_length=200, description="base64 of the Ed25519 signature over the message, 64 bytes")


_CHALLENGE = {"challenge": "…", "expires_at": 1672192920000, "message": "ballot-ledger objection progress v1\n…"}

_CHALLENGE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: _answer("what to sign", _CHALLENGE),
    400: _NOT_WELL,
    429: PROBLEMS[429],
}
_PROGRESS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: _answer("received, being examined, or answered, with the reply", _PROGRESS),
    400: _NOT_WELL,
    404: {"description": "`OBJECTION_CODE_UNKNOWN`, whatever it is that does not hold", **_PROBLEM},
    500: {"description": "`ATTACHMENT_MISMATCH`: the reply on file is damaged", **_PROBLEM},
    **{one: PROBLEMS[one] for one in (422, 429, 503)},
}


@router.post(
    "/v1/objections/progress/challenge",
    summary="Ask for a challenge to sign with a one-time key",
    responses=_CHALLENGE_RESPONSES,
)
def challenge(request: Request, context: Here) -> Response:
    """Return a challenge and the text to sign; it says nothing of who asks, or about what."""
    nobody_known(request)
    given, lapses = Asker(context).challenge(system_clock())
    message = progress_message(Asker(context).address, given).decode()
    return JSONResponse({"challenge": given, "expires_at": lapses, "message": message}, headers=_NO_STORE)


@router.post(
    "/v1/objections/progress",
    summary="How an objection goes on, for whoever holds its one-time key",
    responses=_PROGRESS_RESPONSES,
)
def progress(request: Request, body: Progress, context: Here) -> Response:
    """Return the state of the objection of a key, with the reasoned reply as it is on file."""
    nobody_known(request)
    receiving = receiving_of(request.app)
    receiving.ask_progress(address_of(request))
    person = Asker(context).person(body.challenge, body.public_key, body.signature, system_clock())
    with evidence_faults():
        told = progress_of(context, receiving.evidence, person)
    if told is None:
        raise HttpError("OBJECTION_CODE_UNKNOWN", HTTPStatus.NOT_FOUND)
    return JSONResponse(told, headers=_NO_STORE)
