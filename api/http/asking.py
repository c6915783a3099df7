"""One request to read: who asks, what lets them, what is recorded of it, and how its answer may be kept."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote

from fastapi import Depends, Header, Query, Request, Security
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.http.audience import RECORDED, Forbidden, Viewer, What, may
from api.http.context import Context, context_of
from api.http.reader import Picture
from api.http.sign_in import viewer_by
from api.problems import MEDIA_TYPE
from ledger.sequencer import system_clock
from ledger.store.access import MOST_REASON, AccessBook
from projections.plain import to_bytes

T = TypeVar("T")
JSON = "application/json"
At = Annotated[
    str | None,
    Query(max_length=40, description="as known then: an entry's index, or a civil time", examples=["2022-10-24T17:00"]),
]
_BEARER = HTTPBearer(auto_error=False, description="the token of a session, from POST /v1/session")
_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    304: {"description": "nothing has changed since"},
    400: {"description": "no such index or time", **_PROBLEM},
    401: {"description": "sign in first", **_PROBLEM},
    403: {"description": "not for this role, or without a reason", **_PROBLEM},
    404: {"description": "nothing there", **_PROBLEM},
    422: {"description": "a part of the request is not valid", **_PROBLEM},
    429: {"description": "too many requests", **_PROBLEM},
    503: {"description": "not possible at the moment", **_PROBLEM},
}
"""What any reading may be answered with beside its answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a viewer; `reason` is why they read, as they say."""

    request: Request
    context: Context
    viewer: Viewer
    reason: str

    def let(self, what: What, subject: str = "", person: str | None = None) -> None:
        """Let the viewer pass, and record the reading where it must be. Raises `Forbidden` and `StoreError`."""
        may(self.viewer, what, person)
        if what not in RECORDED or self.viewer.person is None:
            return
        if not 1 <= len(self.reason) <= MOST_REASON:
            raise Forbidden("READ_REASON_NEEDED", most=MOST_REASON, what=what.value)
        position = self.context.reader.position
        AccessBook(self.context.store).record(
            system_clock(), self.viewer.person, what.value, subject, self.reason, position
        )

    def answer(
        self, at: str | None, view: Callable[[Picture], dict[str, Any]], *, timed: bool = False, apart: bool = False
    ) -> Response:
        """Answer with the JSON value of `view` and what it is known from; 304 where that has not moved on.

        `timed`: the clock judges it as well. `apart`: it is expensive.
        """
        return self.respond(at, lambda picture: (to_bytes(picture.known() | view(picture)), JSON), timed, apart)

    def respond(
        self,
        at: str | None,
        render: Callable[[Picture], tuple[bytes, str]],
        timed: bool = False,
        apart: bool = False,
    ) -> Response:
        """Answer with the bytes and media type of `render`, as `answer` does."""

        def made(picture: Picture) -> Response:
            headers = self._headers(self._tag(picture, timed))
            if self.knows(headers["etag"]):
                return Response(status_code=304, headers=headers)
            body, kind = render(picture)
            return Response(body, 200, headers, kind)

        reader = self.context.reader
        return reader.read_apart(at, made) if apart else reader.read(at, made)

    def _tag(self, picture: Picture, timed: bool) -> str:
        """Name an answer: the position, for whom, of what was asked, and where the clock judges it the minute."""
        minute = picture.seen_at // 60_000 if timed else 0
        about = f"{self.request.url.path}?{self.request.url.query} {self.viewer.person} {self.viewer.tag} {minute}"
        return f'"{picture.size}-{sha256(about.encode()).hexdigest()[:16]}"'

    def knows(self, tag: str) -> bool:
        """Say whether the client has the answer of this entity tag already."""
        given = self.request.headers.get("if-none-match", "")[:2000]
        return tag in [one.strip().removeprefix("W/") for one in given.split(",")]

    def _headers(self, tag: str) -> dict[str, str]:
        kept = "public, no-cache" if self.viewer.person is None else "private, no-cache"
        return {"etag": tag, "cache-control": kept, "vary": "Authorization"}


def _reason(given: str | None) -> str:
    """Read a reason as it came in a header: UTF-8, percent-encoded or not."""
    if given is None:
        return ""
    try:
        read = unquote(given.encode("latin-1").decode(), errors="strict")
    except UnicodeError:
        return ""
    return read.strip() if read.isprintable() else ""


def asked(
    request: Request,
    context: Annotated[Context, Depends(context_of)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None,
    reason: Annotated[
        str | None,
        Header(alias="Read-Reason", max_length=3 * 4 * MOST_REASON, description="why, where reading is recorded"),
    ] = None,
) -> Asked:
    """Find out who asks. Raises `Forbidden` `SIGN_IN_NEEDED` for a token that is not valid (any more)."""
    if bearer is None and request.headers.get("authorization"):
        raise Forbidden("SIGN_IN_NEEDED")
    viewer = viewer_by(context, bearer.credentials if bearer else None, system_clock())
    peer = (request.client.host, request.client.port) if request.client is not None else None
    context.admins.saw(peer, viewer, context.settings.trusted_proxies)
    return Asked(request, context, viewer, _reason(reason))


Asking = Annotated[Asked, Depends(asked)]
