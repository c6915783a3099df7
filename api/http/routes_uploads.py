"""`/v1/uploads`: content in pieces, taken up again after a cut, as IETF resumable uploads do it.

`POST` declares size, type and SHA-256 and gives the place; `PATCH` appends at `Upload-Offset`, with `Upload-Complete:
?1` for the last piece; `HEAD` tells the offset to go on from. The answer to the last piece is the digest that a
statement names, and the salt by which the uploader checks it. Nothing that comes in is executed, opened or shown.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Header, Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from api.http.asking import PROBLEMS
from api.http.evidence_told import EVIDENCE, evidence_faults
from api.http.receiving import Owned, address_of, keep_swept, nobody_known, receiving_of
from api.http.uploads import Upload
from api.problems import MEDIA_TYPE, HttpError
from ledger.sequencer import system_clock

PARTIAL = ("application/partial-upload", "application/octet-stream")
NO_STORE = {"cache-control": "no-store"}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Sweep what was abandoned, from the start on, while the application runs."""
    task = asyncio.create_task(keep_swept(app))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


router = APIRouter(tags=["evidence"], lifespan=_lifespan)


class Declared(BaseModel):
    """What is going to be uploaded."""

    model_config = ConfigDict(extra="forbid", strict=True)

    size: int = Field(ge=1, le=2**40, description="in bytes", examples=[48213])
    media_type: str = Field(max_length=200, examples=["application/pdf"])
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the content", examples=["0" * 64])
    evidence_class: Literal["personal", "deciding"] = Field("personal", alias="class", examples=["personal"])


UploadId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="as the creation of the upload gave it")]
Offset = Annotated[int, Header(alias="Upload-Offset", ge=0, le=2**40, description="where this piece begins")]
Complete = Annotated[
    Literal["?0", "?1"], Header(alias="Upload-Complete", description="?1: the upload ends with this piece")
]
_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
_HEADERS = {
    "Upload-Offset": {"schema": {"type": "integer"}, "description": "the bytes that are here"},
    "Upload-Length": {"schema": {"type": "integer"}, "description": "the bytes that were declared"},
    "Upload-Complete": {"schema": {"type": "string"}, "description": "?1 once all of it is here and checked"},
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    **{code: PROBLEMS[code] for code in (401, 404, 422, 429, 503)},
    400: {"description": "`UPLOAD_LENGTH_MISMATCH`, `IDENTITY_NOT_WANTED`", **_PROBLEM},
    403: {"description": "`PERMIT_INVALID`", **_PROBLEM},
    409: {"description": "`UPLOAD_OFFSET_MISMATCH`, `UPLOAD_BUSY`, `UPLOAD_EXISTS`", **_PROBLEM},
    413: {"description": "`EVIDENCE_TOO_LARGE`", **_PROBLEM},
    415: {"description": "`MEDIA_TYPE_REFUSED`, `MEDIA_MISMATCH`, `CONTENT_UNSUPPORTED`", **_PROBLEM},
}
_STATE = {"complete": False, "expires_at": 1663898400000, "offset": 0, "size": 48213, "upload": "0" * 32}
_CREATED = {
    "description": "there is room; `Location` is where the pieces go",
    "headers": {"Location": {"schema": {"type": "string"}}, **_HEADERS},
    "content": {"application/json": {"schema": {"type": "object"}, "example": _STATE}},
}
_DONE = {
    "description": "complete, checked and on file: what a statement names",
    "headers": _HEADERS,
    "content": {"application/json": {"schema": {"type": "object"}, "example": {"evidence": EVIDENCE}}},
}
_PERMITTED = {
    "description": "a permit, shown this once",
    "content": {
        "application/json": {
            "schema": {"type": "object"},
            "example": {"expires_at": 1663898400000, "most_bytes": 9437184, "permit": "…"},
        }
    },
}

_PERMIT_RESPONSES: dict[int | str, dict[str, Any]] = {
    201: _PERMITTED,
    **{one: _RESPONSES[one] for one in (400, 429, 503)},
}


@router.post(
    "/v1/upload-permits",
    status_code=201,
    summary="Ask for a permit to upload one sealed objection, without a key",
    responses=_PERMIT_RESPONSES,
)
def permit(request: Request) -> Response:
    """Return a permit for one upload of sealed text. Nothing of who asks is kept; so many an address, and in all."""
    nobody_known(request)
    given, lapses = receiving_of(request.app).permit(address_of(request), system_clock())
    most = request.app.state.context.settings.limits.objection_bytes
    return JSONResponse({"expires_at": lapses, "most_bytes": most, "permit": given}, 201, NO_STORE)


@router.post(
    "/v1/uploads", status_code=201, summary="Begin an upload of evidence", responses=_RESPONSES | {201: _CREATED}
)
def create(request: Request, body: Declared, owner: Owned) -> Response:
    """Make room for content of the declared size, type and SHA-256."""
    receiving = receiving_of(request.app)
    declared = Upload("", "", body.evidence_class, body.media_type, body.size, body.sha256, 0)
    with evidence_faults():
        made = receiving.begin(owner, declared, address_of(request), system_clock())
    headers = {"location": f"/v1/uploads/{made.id}", **_headers(made, 0), **NO_STORE}
    headers["upload-limit"] = f"max-size={made.size}"
    return JSONResponse(_state(made, 0), 201, headers)


@router.head("/v1/uploads/{upload}", status_code=204, summary="How much of an upload is here", responses=_RESPONSES)
def head(request: Request, upload: UploadId, owner: Owned) -> Response:
    """Tell the offset to go on from."""
    receiving = receiving_of(request.app)
    found = receiving.mine(owner, upload, system_clock())
    return Response(status_code=204, headers=_headers(found, receiving.uploads.offset(found)) | NO_STORE)


@router.get("/v1/uploads/{upload}", summary="How an upload stands, and what it is named by", responses=_RESPONSES)
def state(request: Request, upload: UploadId, owner: Owned) -> Response:
    """Tell what HEAD tells, and of a complete upload what a statement names."""
    receiving = receiving_of(request.app)
    found = receiving.mine(owner, upload, system_clock())
    offset = receiving.uploads.offset(found)
    with evidence_faults():
        told = _state(found, offset) | ({"evidence": receiving.told(found)} if found.complete else {})
    return JSONResponse(told, headers=_headers(found, offset) | NO_STORE)


@router.patch(
    "/v1/uploads/{upload}",
    summary="Append a piece",
    responses=_RESPONSES | {200: _DONE, 204: {"description": "here; there is more to come", "headers": _HEADERS}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {one: {"schema": {"type": "string", "format": "binary"}} for one in PARTIAL},
        }
    },
)
async def append(
    request: Request, upload: UploadId, owner: Owned, offset: Offset, complete: Complete = "?0"
) -> Response:
    """Append at the offset; the answer to the last piece is what a statement names."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in PARTIAL or request.headers.get("content-encoding", "identity") != "identity":
        raise HttpError("CONTENT_UNSUPPORTED", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    receiving = receiving_of(request.app)
    with evidence_faults():
        found = await asyncio.to_thread(receiving.mine, owner, upload, system_clock())
        size = found.size
        if not found.complete:
            try:
                found, size = await receiving.append(request, found, offset, complete == "?1")
            except ClientDisconnect:
                # What came before is kept, and nobody hears this answer.
                return Response(status_code=HTTPStatus.BAD_REQUEST)
        headers = _headers(found, size) | NO_STORE
        if not found.complete:
            return Response(status_code=204, headers=headers)
        return JSONResponse({"evidence": await asyncio.to_thread(receiving.told, found)}, headers=headers)


@router.delete("/v1/uploads/{upload}", status_code=204, summary="Give an upload up", responses=_RESPONSES)
def drop(request: Request, upload: UploadId, owner: Owned) -> Response:
    """Remove what has come; what is on file already stays there."""
    receiving = receiving_of(request.app)
    receiving.uploads.drop(receiving.mine(owner, upload, system_clock()).id)
    return Response(status_code=204, headers=NO_STORE)


def _headers(upload: Upload, offset: int) -> dict[str, str]:
    complete = "?1" if upload.complete else "?0"
    return {"upload-offset": str(offset), "upload-length": str(upload.size), "upload-complete": complete}


def _state(upload: Upload, offset: int) -> dict[str, Any]:
    return {
        "complete": upload.complete,
        "expires_at": upload.expires,
        "offset": offset,
        "size": upload.size,
        "upload": upload.id,
    }
