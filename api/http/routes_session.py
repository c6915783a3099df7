"""`/v1/session`: sign in for reading by signing a challenge with an enrolled key, see who one is, sign out."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.asking import PROBLEMS, Asking
from api.http.audience import Forbidden
from api.http.context import Context, context_of
from api.http.sign_in import Desk, address_of, message
from ledger.sequencer import system_clock

router = APIRouter(tags=["session"])
_PRIVATE = {"cache-control": "no-store"}
_Short = Annotated[str, Field(max_length=200)]


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


@router.get("/v1/session", summary="Who I am, by the roll at this moment", responses=PROBLEMS)
def who(asked: Asking) -> Response:
    """Return the person of the session and their present roles."""
    if asked.viewer.person is None:
        raise Forbidden("SIGN_IN_NEEDED")
    told: dict[str, Any] = {"person": asked.viewer.person, "roles": sorted(asked.viewer.roles)}
    return JSONResponse(told, headers=_PRIVATE)


@router.delete("/v1/session", status_code=204, summary="Sign out", responses=PROBLEMS)
def sign_out(asked: Asking) -> Response:
    """End the session."""
    scheme, _, token = asked.request.headers.get("authorization", "").partition(" ")
    if asked.viewer.person is None or scheme.lower() != "bearer":
        raise Forbidden("SIGN_IN_NEEDED")
    Desk(asked.context).close(token.strip())
    return Response(status_code=204, headers=_PRIVATE)
