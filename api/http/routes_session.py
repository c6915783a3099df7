"""`/v1/session`: sign in for reading by signing a challenge with an enrolled key, see who one is, sign out."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api.client import sign_in_text as message
from api.http.asking import PROBLEMS, Asking
from api.http.audience import Forbidden
from api.http.context import Context, context_of
from api.http.oidc import STATE_SECONDS, Elsewhere, Provider
from api.http.sign_in import Desk, address_of
from api.problems import HttpError
from ledger.sequencer import system_clock

router = APIRouter(tags=["session"])
_PRIVATE = {"cache-control": "no-store"}
_Short = Annotated[str, Field(max_length=200)]


def elsewhere_of(request: Request, context: Annotated[Context, Depends(context_of)]) -> Elsewhere:
    """Return the desk of the identity provider. Raises `HttpError` `NOT_FOUND` where there is none."""
    settings = context.settings.oidc
    if settings is None:
        raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
    found = getattr(request.app.state, "oidc", None)
    if not isinstance(found, Elsewhere):
        found = request.app.state.oidc = Elsewhere(context, settings, Provider(settings))
    return found


class SignIn(BaseModel):
    """A challenge and who signed it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    challenge: _Short = Field(description="as POST /v1/session/challenge gave it")
    key: _Short = Field(description="the id of the enrolled key", examples=["0" * 64])
    signature: _Short = Field(description="base64 of the Ed25519 signature over `message`, 64 bytes")


@router.post("/v1/session/challenge", summary="Ask for a challenge to sign", responses=PROBLEMS)
def challenge(context: Annotated[Context, Depends(context_of)]) -> Response:
    """Return a challenge and the exact text to sign. It says nothing of who asks."""
    given, lapses = Desk(context).challenge(system_clock())
    address = address_of(context)
    told = {"challenge": given, "expires_at": lapses, "message": message(address, given).decode(), "origin": address}
    return JSONResponse(told, headers=_PRIVATE)


@router.post("/v1/session", status_code=201, summary="Sign in for reading", responses=PROBLEMS)
def sign_in(body: SignIn, context: Annotated[Context, Depends(context_of)]) -> Response:
    """Return a bearer token; 401 `SIGN_IN_FAILED`, whatever it is that does not hold."""
    token, session = Desk(context).open(body.challenge, body.key, body.signature, system_clock())
    told = {"expires_at": session.expires, "person": session.person, "token": token, "token_type": "Bearer"}
    return JSONResponse(told, 201, _PRIVATE)


_ELSEWHERE: dict[int | str, dict[str, Any]] = {**PROBLEMS, 404: {"description": "nobody signs in elsewhere here"}}


@router.get(
    "/v1/session/oidc",
    status_code=303,
    summary="Sign in for reading at the organisers' identity provider, with a browser",
    responses=_ELSEWHERE,
    response_class=Response,
)
def begin_elsewhere(elsewhere: Annotated[Elsewhere, Depends(elsewhere_of)]) -> Response:
    """Send the browser to the provider; it comes back to the callback with what it was given here."""
    begun = elsewhere.begin(system_clock())
    answer = Response(status_code=303, headers=_PRIVATE | {"location": begun.address})
    secure = elsewhere.redirect.startswith("https:")
    answer.set_cookie(
        _cookie(elsewhere), begun.cookie, max_age=STATE_SECONDS, path="/", secure=secure, httponly=True, samesite="lax"
    )
    return answer


@router.get(
    "/v1/session/oidc/callback", summary="Back from the identity provider: open the session", responses=_ELSEWHERE
)
def finish_elsewhere(
    request: Request,
    elsewhere: Annotated[Elsewhere, Depends(elsewhere_of)],
    code: Annotated[str, Query(max_length=2_000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Return a bearer token that reads as organiser; 401 `SIGN_IN_ELSEWHERE_FAILED`, whatever does not hold."""
    name = _cookie(elsewhere)
    token, session, viewer = elsewhere.finish(code, state, request.cookies.get(name, ""), system_clock())
    told = {"expires_at": session.expires, "method": viewer.method, "person": session.person, "token": token}
    headers = _PRIVATE | {"referrer-policy": "no-referrer"}
    answer = JSONResponse(told | {"token_type": "Bearer"}, headers=headers)
    answer.delete_cookie(name, path="/", secure=elsewhere.redirect.startswith("https:"), httponly=True, samesite="lax")
    return answer


def _cookie(elsewhere: Elsewhere) -> str:
    """Name the cookie so that no other host can set it, where there is TLS."""
    return "__Host-ballot-ledger-oidc" if elsewhere.redirect.startswith("https:") else "ballot-ledger-oidc"


@router.get("/v1/session", summary="Who I am, by the roll at this moment", responses=PROBLEMS)
def who(asked: Asking) -> Response:
    """Return the person of the session and their present roles."""
    if asked.viewer.person is None:
        raise Forbidden("SIGN_IN_NEEDED")
    viewer = asked.viewer
    told: dict[str, Any] = {"method": viewer.method, "person": viewer.person, "roles": sorted(viewer.roles)}
    return JSONResponse(told, headers=_PRIVATE)


@router.delete("/v1/session", status_code=204, summary="Sign out", responses=PROBLEMS)
def sign_out(asked: Asking) -> Response:
    """End the session."""
    scheme, _, token = asked.request.headers.get("authorization", "").partition(" ")
    if asked.viewer.person is None or scheme.lower() != "bearer":
        raise Forbidden("SIGN_IN_NEEDED")
    Desk(asked.context).close(token.strip())
    return Response(status_code=204, headers=_PRIVATE)
