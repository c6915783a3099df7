"""Whatever goes wrong, as an answer: RFC 9457 problems with a stable code, the clause, the facts, and both languages.

A refusal of the rules shows the facts that decided it. An error shows numbers and names of fields alone: what somebody
sent, where files are and what a library said stays inside. Each code is explained at `/problems/<code>`.
"""

import logging
import re
import uuid
from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.logs import tell
from ledger.errors import ConflictError, LedgerError, MalformedError, StoreError, VerificationError
from ledger.messages import LANGUAGES, codes, text
from ledger.procedure.reasons import Refusal
from ledger.seen import ForkError

MEDIA_TYPE = "application/problem+json"
SECTIONS = ("refusals", "errors", "findings", "programme", "imports")
"""Where a code is looked for; the first that knows it explains it."""

RETRY_SECONDS = 2
CIVIL_OFFSET = 480
_LONGEST_FACT = 200

_FIELD = re.compile(r"\$[\w.\[\]…]*")
_NAMED = re.compile(r"[\w ().,-]{1,60}", re.ASCII)
_UNAUTHENTICATED = frozenset({"KEY_UNKNOWN", "SIGNATURE_INVALID"})
_FORBIDDEN = frozenset(
    {
        "DECIDER_CONFLICT",
        "KEY_NOT_OWNERS",
        "KEY_REVOKED",
        "NOT_AUTHORISED",
        "NOT_BALLOT_OWNER",
        "NOT_CONCERNED",
        "NOT_ON_ROSTER",
        "NOT_PRESENT",
        "ON_BEHALF_MISMATCH",
        "OWN_APPLICATION",
        "RECUSED",
        "SCREENER_CONFLICT",
        "SCRUTINEER_CONFLICT",
        "SECOND_SIGNER_NEEDED",
    }
)
_CONFLICT = re.compile(r"ALREADY_\w+|DUPLICATE_(?!CHOICE)\w+|IDEMPOTENCY_CONFLICT|\w+_(?:EXISTS|KNOWN|CLOSED|FROZEN)")
_OF_CODE: dict[str, int] = {
    "CHANNEL_NOT_SERVED": HTTPStatus.NOT_FOUND,
    "INDEX_UNKNOWN": HTTPStatus.NOT_FOUND,
    "NOT_PUBLISHED": HTTPStatus.NOT_FOUND,
    "READ_BUSY": HTTPStatus.SERVICE_UNAVAILABLE,
    "READ_FORBIDDEN": HTTPStatus.FORBIDDEN,
    "READ_TOOK_TOO_LONG": HTTPStatus.SERVICE_UNAVAILABLE,
    "ROLLBACK_DETECTED": HTTPStatus.SERVICE_UNAVAILABLE,
    "SIGN_IN_NEEDED": HTTPStatus.UNAUTHORIZED,
    "SPLIT_VIEW": HTTPStatus.SERVICE_UNAVAILABLE,
    "STATEMENT_TOO_LARGE": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
"""The status of errors whose kind alone does not tell it."""
_AWAY = frozenset({"PIN_UNAVAILABLE", "STORE_OUTCOME_UNKNOWN", "STORE_UNREACHABLE"})
"""How the store can be away: the same to whoever asks, who sends the statement again and loses nothing (H20)."""
_TITLES = {
    "refused": {"zh": "依规则不予受理", "en": "Refused by the rules"},
    "malformed": {"zh": "内容不合格式", "en": "Not well formed"},
    "unproven": {"zh": "签名或证明不成立", "en": "A signature or proof does not hold"},
    "conflict": {"zh": "与先到者冲突", "en": "Somebody else came first"},
    "unavailable": {"zh": "暂时无法办理", "en": "Not possible at the moment"},
    "asked": {"zh": "请求无法办理", "en": "The request cannot be answered"},
}

router = APIRouter()


class HttpError(LedgerError):
    """What was asked cannot be answered as it was asked; `status` says so, and the facts are safe to show."""

    def __init__(self, code: str, status: int, headers: Mapping[str, str] | None = None, **facts: str | int) -> None:
        """Answer with `status`, and with further `headers` if there are any."""
        super().__init__(code, **facts)
        self.status, self.headers = status, dict(headers or {})


def language_of(accepted: str | None) -> str:
    """Return zh or en, as an Accept-Language header prefers; of equals the one named first, zh where none is wanted."""
    weights: dict[str, float] = {}
    for part in (accepted or "")[:500].split(","):
        name, _, parameter = part.strip().partition(";")
        language = name.strip().lower().partition("-")[0]
        if language in {*LANGUAGES, "*"}:
            weights[language] = max(weights.get(language, 0.0), _weight(parameter))
    # Whatever is not named goes by the star, if there is one.
    others = weights.pop("*", 0.0)
    weights |= {one: others for one in LANGUAGES if one not in weights}
    best = max(weights.values())
    return next(one for one in weights if weights[one] == best) if best > 0 else LANGUAGES[0]


def _weight(parameter: str) -> float:
    found = re.fullmatch(r"\s*[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", parameter)
    return float(found[1]) if found else 1.0 if not parameter.strip() else 0.0


def status_of(what: LedgerError | Refusal) -> int:
    """Return the HTTP status of an error or refusal."""
    if isinstance(what, HttpError):
        return what.status
    if what.code in _OF_CODE:
        return _OF_CODE[what.code]
    if isinstance(what, ForkError | StoreError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(what, Refusal | VerificationError):
        return status_of_code(what.code)
    return HTTPStatus.CONFLICT if isinstance(what, ConflictError) else HTTPStatus.BAD_REQUEST


def status_of_code(code: str) -> int:
    """Return the HTTP status with which the rules refuse by a code."""
    if code in _UNAUTHENTICATED:
        return HTTPStatus.UNAUTHORIZED
    if code in _FORBIDDEN:
        return HTTPStatus.FORBIDDEN
    if code == "RATE_LIMITED":
        return HTTPStatus.TOO_MANY_REQUESTS
    return HTTPStatus.CONFLICT if _CONFLICT.fullmatch(code) else HTTPStatus.UNPROCESSABLE_ENTITY


def public_facts(what: LedgerError | Refusal) -> dict[str, str | int]:
    """Return the facts that may be shown: all of a refusal, of an error numbers and names of fields."""
    if isinstance(what, Refusal | HttpError):
        return {name: fact if isinstance(fact, int) else fact[:_LONGEST_FACT] for name, fact in what.facts.items()}
    shown: dict[str, str | int] = {name: fact for name, fact in what.facts.items() if isinstance(fact, int)}
    where = what.facts.get("where")
    if isinstance(what, MalformedError) and isinstance(where, str):
        shown["where"] = _place(where)
    return shown


def _place(where: str) -> str:
    """Name the field and nothing that stood in it: a decoder's own sentence quotes the value."""
    field = _FIELD.search(where)
    if field is not None:
        return field[0][:_LONGEST_FACT]
    return where if _NAMED.fullmatch(where) and "number" not in where else "$"


def as_told(what: LedgerError | Refusal) -> LedgerError | Refusal:
    """Return what is told of an error: where and how the store is away stays inside."""
    away = isinstance(what, StoreError) and what.code in _AWAY
    return StoreError("STORE_UNAVAILABLE") if away else what


def problem_of(
    what: LedgerError | Refusal, language: str, instance: str | None = None, offset_minutes: int = CIVIL_OFFSET
) -> dict[str, Any]:
    """Return the problem's members; `detail` is in `language`, `zh` and `en` say it in both."""
    what = as_told(what)
    refused = isinstance(what, Refusal)
    section = "refusals" if refused else "errors"
    facts = public_facts(what)
    # A sentence shows a fact that is withheld as a dash, not as the name of the fact.
    told = dict.fromkeys(what.facts, "-") | facts
    both = {one: text(what.code, told, one, section=section, offset_minutes=offset_minutes) for one in LANGUAGES}
    return {
        "type": f"/problems/{what.code}",
        "title": _TITLES[_title(what)][language],
        "status": int(status_of(what)),
        "detail": both[language],
        "code": what.code,
        "clause": what.clause if isinstance(what, Refusal) else None,
        "facts": facts,
        **both,
        "instance": instance or uuid.uuid4().urn,
    }


def _title(what: LedgerError | Refusal) -> str:
    if isinstance(what, Refusal):
        return "refused"
    if isinstance(what, MalformedError):
        return "malformed"
    if isinstance(what, StoreError | ForkError):
        return "unavailable"
    if isinstance(what, VerificationError):
        return "unproven"
    return "conflict" if isinstance(what, ConflictError) else "asked"


def headers_of(what: LedgerError | Refusal) -> dict[str, str]:
    """Return the headers that go with a problem's status."""
    headers = {"cache-control": "no-store", "vary": "Accept-Language"}
    status = status_of(what)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "DSSE"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = str(RETRY_SECONDS)
    return headers | (what.headers if isinstance(what, HttpError) else {})


def answer(request: Request, what: LedgerError | Refusal, **further: Any) -> JSONResponse:
    """Return the response that tells a problem, in the language the request asks for; `further` are its extensions."""
    language = language_of(request.headers.get("accept-language"))
    body = problem_of(what, language, getattr(request.state, "instance", None)) | further
    headers = headers_of(what) | {"content-language": language}
    return JSONResponse(body, int(status_of(what)), headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let the application answer everything that goes wrong as a problem."""
    app.add_exception_handler(LedgerError, _ledger_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(Faults)


async def _ledger_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, LedgerError):
        raise error
    return answer(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    """Name the first field that is not valid; what stood in it is not repeated."""
    known = error.errors() if isinstance(error, RequestValidationError) else []
    parts = [str(part) for part in (known[0]["loc"] if known else ())]
    # A body's own member names come from whoever sent it.
    where = parts[0] if parts and parts[0] == "body" else ".".join(parts)
    return answer(request, HttpError("REQUEST_INVALID", HTTPStatus.UNPROCESSABLE_ENTITY, where=where[:60] or "-"))


_OF_STATUS: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "BODY_TOO_LARGE",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "CONTENT_UNSUPPORTED",
}


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    code = _OF_STATUS.get(
        HTTPStatus(status), "SERVER_FAULT" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "REQUEST_INVALID"
    )
    return answer(request, HttpError(code, status, headers, **({"where": "-"} if code == "REQUEST_INVALID" else {})))


class Faults:
    """Answers a fault of our own with 500, and tells inside what failed by its kind and place alone."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand around `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and answer what nobody caught."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return  # whoever asked is gone, and nobody else can be answered
        except Exception as error:
            if scope["type"] != "http" or begun:
                raise
            tell("fault", logging.ERROR, error)
            fault = HttpError("SERVER_FAULT", HTTPStatus.INTERNAL_SERVER_ERROR)
            await answer(Request(scope), fault)(scope, receive, send)


async def refuse(scope: Scope, send: Send, code: str, status: int, wait: int | None) -> None:
    """Send the problem of a bound that a request exceeds; `wait` is the seconds after which to try again."""
    headers = {"retry-after": str(wait)} if wait is not None else {}
    await answer(Request(scope), HttpError(code, status, headers))(scope, _nothing_more, send)


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}


def section_of(code: str) -> str | None:
    """Return the first section of the messages that knows a code, None where none does."""
    return next((section for section in SECTIONS if code in codes(section)), None)


_EXPLAINED = {"code": "OVERVOTE", "section": "refusals", "zh": "…", "en": "…"}
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "a page, or JSON where that is asked for",
        "content": {
            "text/html": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}, "example": _EXPLAINED},
        },
    },
    404: {"description": "nobody knows the code"},
}


@router.get(
    "/problems/{code}",
    tags=["problems"],
    summary="What a problem's code means, in Chinese and English",
    responses=_PAGE,
)
def explain(request: Request, code: str) -> Response:
    """Explain a code: as JSON where JSON is asked for, else as a page."""
    section = section_of(code)
    if section is None:
        raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
    said = {language: text(code, {}, language, section=section) for language in LANGUAGES}
    headers = {"cache-control": "public, max-age=3600", "vary": "Accept"}
    if "json" in request.headers.get("accept", ""):
        return JSONResponse({"code": code, "section": section, **said}, headers=headers)
    policy = {"content-security-policy": "default-src 'none'", "x-content-type-options": "nosniff"}
    return HTMLResponse(_page(code, said), headers=headers | policy)


def _page(code: str, said: Mapping[str, str]) -> str:
    parts = "".join(f'<p lang="{"zh-CN" if one == "zh" else one}">{escape(said[one])}</p>' for one in LANGUAGES)
    head = f'<meta charset="utf-8"><title>{escape(code)}</title>'
    return f'<!doctype html><html lang="zh-CN"><head>{head}</head><body><h1>{escape(code)}</h1>{parts}</body></html>'
