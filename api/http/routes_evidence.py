"""`/v1/evidence`: one file in one form, and evidence given out to those who may read it, always to be saved.

Who may is decided before anything is looked up, and what they may not read is answered as if it were not there.
Content is held against its digest before its first byte is sent: what is damaged is not served. It is never shown in
a page: it goes out as an attachment under its recorded type, with a policy that lets nothing in it run.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from api.http.asking import PROBLEMS, Asked, Asking
from api.http.audience import What, reads
from api.http.evidence_told import EVIDENCE, evidence_faults, file_name
from api.http.form_upload import received
from api.http.multipart import FILE, MEDIA_TYPE
from api.http.receiving import Owned, receiving_of
from api.problems import HttpError
from ledger.evidence import EvidenceStore
from ledger.evidence_content import EvidenceRecord
from ledger.selection import Selection

router = APIRouter(tags=["evidence"])

_SAFE = {
    "cache-control": "private, no-store",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "accept-ranges": "bytes",
}
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)
_FORM: dict[str, Any] = {
    "required": True,
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": [FILE],
                "properties": {
                    "class": {"type": "string", "enum": ["personal", "deciding"], "default": "personal"},
                    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    FILE: {"type": "string", "format": "binary", "description": "the last part, with its media type"},
                },
            },
            "encoding": {FILE: {"contentType": "application/pdf"}},
        }
    },
}
_PROBLEM = PROBLEMS[400]["content"]
_FILED = {
    "description": "on file: what a statement names",
    "content": {"application/json": {"schema": {"type": "object"}, "example": {"evidence": EVIDENCE}}},
}
_UPLOAD: dict[int | str, dict[str, Any]] = {
    **{code: PROBLEMS[code] for code in (401, 422, 429, 503)},
    201: _FILED,
    400: {"description": "`MULTIPART_INVALID`", "content": _PROBLEM},
    403: {"description": "`PERMIT_INVALID`", "content": _PROBLEM},
    409: {"description": "`UPLOAD_EXISTS`: the permit was used", "content": _PROBLEM},
    413: {"description": "`EVIDENCE_TOO_LARGE`", "content": _PROBLEM},
    415: {"description": "`MEDIA_TYPE_REFUSED`, `MEDIA_MISMATCH`, `CONTENT_UNSUPPORTED`", "content": _PROBLEM},
}
_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
_DOWNLOAD: dict[int | str, dict[str, Any]] = {
    **{code: PROBLEMS[code] for code in (401, 403, 404, 422, 429, 503)},
    200: {"description": "the content, under its recorded type, as an attachment", **_BYTES},
    206: {"description": "the part of it that `Range` asks for", **_BYTES},
    410: {"description": "`EVIDENCE_ERASED`, for those who may read it", "content": _PROBLEM},
    416: {"description": "`RANGE_INVALID`", "content": _PROBLEM},
    500: {"description": "`ATTACHMENT_MISMATCH`: what is on file is damaged", "content": _PROBLEM},
}


@router.post(
    "/v1/evidence",
    status_code=201,
    summary="Put one file on file",
    responses=_UPLOAD,
    openapi_extra={"requestBody": _FORM},
)
async def put(request: Request, owner: Owned) -> Response:
    """Take one file from a form, streamed; what cannot be sent at once goes through `/v1/uploads`."""
    try:
        with evidence_faults():
            told = await received(request, receiving_of(request.app), owner)
    except ClientDisconnect:
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    return JSONResponse({"evidence": told}, 201, {"cache-control": "no-store"})


@router.get(
    "/v1/evidence/{digest}",
    summary="Read evidence, to save it; recorded",
    responses=_DOWNLOAD,
    response_class=StreamingResponse,
)
def get(
    request: Request,
    digest: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    asked: Asking,
    wanted: Annotated[str | None, Header(alias="Range", max_length=200, examples=["bytes=0-1023"])] = None,
    unless: Annotated[str | None, Header(alias="If-Range", max_length=200)] = None,
) -> Response:
    """Give out the content, or the part of it that is asked for, once all of it was held against its digest."""
    _let(asked, digest)
    places = _places(request)
    if not places.acquire(blocking=False):
        raise HttpError("SERVICE_BUSY", HTTPStatus.SERVICE_UNAVAILABLE, {"retry-after": "5"})
    part = wanted if unless in (None, _tag(digest)) else None
    try:
        return _given(receiving_of(request.app).evidence, digest, part, places)
    except BaseException:
        places.release()
        raise


def _let(asked: Asked, digest: str) -> None:
    """Let the viewer pass and record the reading; raises `NOT_FOUND` for what is sealed to others."""
    person, sealed = asked.context.reader.now(lambda state: _about(state, digest, asked.viewer.person))
    if person is not None and not sealed:
        asked.let(What.PERSON, digest, person)
    elif sealed and reads(asked.viewer, What.SEALED):
        asked.let(What.SEALED, digest)
    else:
        asked.let(What.EVIDENCE, digest)
        if sealed:
            raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)


def _about(state: Selection, digest: str, viewer: str | None) -> tuple[str | None, bool]:
    """Return the viewer, if the evidence belongs to an application of theirs; and whether it is sealed."""
    known = state.evidence.get(digest)
    named = known.about if known is not None and viewer is not None else ()
    own = {viewer, *state.applications.by_person.get(viewer or "", ())}
    return viewer if not own.isdisjoint(named) else None, digest in state.notices.objections.sealed


def _given(evidence: EvidenceStore, digest: str, wanted: str | None, places: BoundedSemaphore) -> Response:
    with evidence_faults():
        record = evidence.record(digest)
        if record.erased:
            raise HttpError("EVIDENCE_ERASED", HTTPStatus.GONE)
        size = sum(len(piece) for piece in evidence.pieces(digest))
    start, end = _span(wanted, size)
    headers = _SAFE | _headers(record, start, end, size)
    status = HTTPStatus.OK if (start, end) == (0, size) else HTTPStatus.PARTIAL_CONTENT
    return _Held(_part(evidence.pieces(digest), start, end), status, headers, record.media_type, places)


def _headers(record: EvidenceRecord, start: int, end: int, size: int) -> dict[str, str]:
    name = file_name(record.digest, record.media_type or "")
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "content-length": str(end - start),
        "etag": _tag(record.digest),
    }
    return headers | ({"content-range": f"bytes {start}-{end - 1}/{size}"} if (start, end) != (0, size) else {})


def _span(wanted: str | None, size: int) -> tuple[int, int]:
    """Return first byte and end of the one range asked for, else all; raises `HttpError` `RANGE_INVALID`."""
    found = _RANGE.fullmatch(wanted or "")
    if found is None or found.groups() == ("", ""):
        return 0, size
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size or end <= start:
        headers = {"content-range": f"bytes */{size}"}
        raise HttpError("RANGE_INVALID", HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers, bytes=size)
    return start, end


def _part(pieces: Iterator[bytes], start: int, end: int) -> Generator[bytes, None, None]:
    """Give the bytes from `start` to `end`; what goes out to its end is held against the digest once more."""
    at = 0
    for piece in pieces:
        if at >= end:
            return
        part = piece[max(0, start - at) : end - at]
        at += len(piece)
        if part:
            yield part


class _Held(StreamingResponse):
    """Content that goes out while one of the few places for it is held; cut off if it turns out to be damaged."""

    def __init__(
        self,
        content: Generator[bytes, None, None],
        status: int,
        headers: Mapping[str, str],
        media_type: str | None,
        places: BoundedSemaphore,
    ) -> None:
        super().__init__(content, status, headers, media_type)
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._places.release()


def _places(request: Request) -> BoundedSemaphore:
    """Return the places for what goes out at once in this application."""
    found = getattr(request.app.state, "downloads", None)
    if not isinstance(found, BoundedSemaphore):
        found = request.app.state.downloads = BoundedSemaphore(request.app.state.context.settings.limits.downloads)
    return found


def _tag(digest: str) -> str:
    return f'"{digest}"'
