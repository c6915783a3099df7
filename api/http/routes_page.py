"""`/v1/polls/{poll}/page`: the page of a public vote as everybody is shown it, beside its digest on record (F11)."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from api.http.asking import JSON, PROBLEMS, Asking
from api.http.reader import Picture
from api.http.routes_reading import missing
from projections.plain import to_bytes
from projections.poll_page import digest, shown_order, snapshot

router = APIRouter(tags=["polls"], responses=PROBLEMS)
_EXAMPLE = {
    "page": {
        "candidates": ["4f11e6df5640c94ab7e51a4474f638a2", "101291f465d0377c50bdb284292b9d87"],
        "digest": "5d8e8dbee9392e472f4549e392d7a15a2c5020e0477eb825cab247657ba0b939",
        "list_hash": "101291f465d0377c50bdb284292b9d8759c1d5c5cce3bdc15f12cb4a2cc7a5d0",
        "opened": 2410,
        "recorded": "5d8e8dbee9392e472f4549e392d7a15a2c5020e0477eb825cab247657ba0b939",
        "snapshot": '{"candidates":["4f11e6df5640c94ab7e51a4474f638a2"],"kind":"ballot-ledger.poll-page.v1"}',
        "turn": 3,
    }
}
_SHAPE = {
    "type": "object",
    "required": ["page"],
    "properties": {
        "page": {
            "type": "object",
            "required": ["candidates", "digest", "list_hash", "opened", "recorded", "snapshot", "turn"],
            "properties": {
                "candidates": {"type": "array", "items": {"type": "string"}, "description": "in the order of the turn"},
                "digest": {"type": "string", "description": "SHA-256 of `snapshot`"},
                "list_hash": {"type": "string"},
                "opened": {"type": "integer", "description": "the entry that opened the poll"},
                "recorded": {"type": "string", "description": "the digest of the page in that entry"},
                "snapshot": {"type": "string", "description": "the page but for the rotation"},
                "turn": {"type": "integer"},
            },
        }
    },
}


@router.get(
    "/v1/polls/{poll}/page",
    summary="The page of a public vote, in the order of a turn, and its digest on record",
    response_class=Response,
    responses={
        200: {
            "description": "the page",
            "content": {JSON: {"schema": _SHAPE, "example": _EXAMPLE}},
        }
    },
)
def page(
    poll: Annotated[str, Path(max_length=128, examples=["poll-1"])],
    asked: Asking,
    turn: Annotated[
        int | None, Query(ge=0, lt=2**31, description="by default drawn anew each time", examples=[3])
    ] = None,
) -> Response:
    """Return the list rotated by a turn, so that nobody stands first more often than another."""

    def view(picture: Picture) -> dict[str, Any]:
        found = picture.state.polls.by_id.get(poll)
        if found is None:
            raise missing()
        shown = snapshot(found.id, found.stage, found.candidates, found.list_hash)
        at = turn if turn is not None else secrets.randbelow(max(len(found.candidates), 1))
        return {
            "candidates": list(shown_order(found.candidates, found.list_hash, at)),
            "digest": digest(shown),
            "list_hash": found.list_hash,
            "opened": found.opened,
            "recorded": found.page,
            "snapshot": shown.decode(),
            "turn": at,
        }

    told = asked.context.reader.read(None, view)
    return Response(to_bytes({"page": told}), headers={"cache-control": "no-store"}, media_type=JSON)
