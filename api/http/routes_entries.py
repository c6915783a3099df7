"""`/v1/entries/{index}`: one entry as its statement says it, which the `Location` of an accepted statement names.

Who reads which entry is as at `/entry/…`: everybody what is public, auditors the others with a reason, on the record.
Of what is withheld everybody learns what the tiles show anyway, its place and leaf hash, and that it is withheld. What
is public never changes, so that it may be kept for ever: what became of an act is told by histories, not here.
`/v1/log-keys` tells which keys have signed checkpoints of which sizes, and the entries that show it.
"""

from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from api.http.asking import JSON, PROBLEMS, Asked, Asking
from api.http.audience import What, reads
from api.http.reader import Picture
from api.problems import HttpError
from ledger.checkpoint import MAX_SIZE
from ledger.log_keys import Term
from ledger.selection import Selection
from ledger.statements import Act, decode_own_entry
from ledger.statements.foundation import ActCountersigned
from ledger.statements.plain import to_plain
from projections.disclosure import Audience
from projections.history import masked, sentence_of
from projections.plain import to_bytes
from projections.publishing import entry_path, read_path
from projections.words import Speaker

router = APIRouter(tags=["log"], responses=PROBLEMS)
FOR_EVER = "public, max-age=31536000, immutable"
_NEVER = "private, no-store"
_EXAMPLE = {
    "entry": {
        "at": 1663894800000,
        "body": {"stage": "applications"},
        "civil": "2022-09-23 09:00:00+08:00",
        "clause": "五",
        "counter": 12,
        "en": "{author} opened the stage applications.",
        "index": 12,
        "key": "…",
        "kind": "stage.opened",
        "leaf": "…",
        "links": {"proof": "/v1/proofs/inclusion?index=12", "raw": "/entry/012", "receipt": "/v1/receipts/12"},
        "person": "…",
        "rules": "…",
        "seen": {"root": "…", "size": 12},
        "statement": "…",
        "version": 1,
        "withheld": False,
        "zh": "…",
    }
}


@router.get(
    "/v1/entries/{index}",
    summary="One entry, told: the statement, when it was sequenced, where its receipt is",
    response_class=Response,
    responses={200: {"description": "the entry, or that it is withheld", "content": {JSON: {"example": _EXAMPLE}}}},
)
def entry(index: Annotated[int, Path(ge=0, lt=MAX_SIZE, examples=[0])], asked: Asking) -> Response:
    """Return an entry that is public, or any to an auditor who says why; of others, that they are withheld."""
    data = _read(asked, index, Audience.PUBLIC)
    if data is not None:
        return _told(asked, data, FOR_EVER)
    if asked.reason and reads(asked.viewer, What.FULL_EXPORT):
        asked.let(What.FULL_EXPORT, entry_path(index))
        data = _read(asked, index, Audience.AUDITOR)
    return _told(asked, data, _NEVER) if data is not None else _withheld(asked, index)


def _read(asked: Asked, index: int, audience: Audience) -> bytes | None:
    context = asked.context
    return read_path(context.store, entry_path(index), audience, context.reader.horizon)


def _told(asked: Asked, data: bytes, kept: str) -> Response:
    act = decode_own_entry(data)
    told = to_bytes({"entry": asked.context.reader.read(None, lambda picture: view_of(picture.state, act))})
    headers = {"cache-control": kept}
    if kept == FOR_EVER:
        # By what is answered, not by the leaf: a sentence names stages as the newest programme does.
        headers["etag"] = f'"{sha256(told).hexdigest()[:32]}"'
        if asked.knows(headers["etag"]):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(told, headers=headers, media_type=JSON)


def _withheld(asked: Asked, index: int) -> Response:
    """Tell the place and leaf hash of an entry that is there; nothing else of it is for this reader."""
    context = asked.context
    released = context.store.recorder.released()
    if index >= (context.store.size() if released is None else released):
        raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
    leaf = context.store.nodes([(0, index)])[0, index]
    told = {"index": index, "leaf": leaf.hex(), "links": _links(index), "withheld": True}
    return Response(to_bytes({"entry": told}), headers={"cache-control": _NEVER}, media_type=JSON)


def _links(index: int) -> dict[str, str]:
    return {
        "proof": f"/v1/proofs/inclusion?index={index}",
        "raw": f"/{entry_path(index)}",
        "receipt": f"/v1/receipts/{index}",
    }


def view_of(state: Selection, act: Act) -> dict[str, Any]:
    """Return an entry as plain values: the statement's members, when and where it stands, and one sentence."""
    statement, speaker = act.statement, Speaker.of(state)
    said, seen = sentence_of(state, act, speaker), statement.seen
    return {
        "at": act.at,
        "body": to_plain(act.body),
        "civil": speaker.civil(act.at),
        "claimed_at": statement.claimed_at,
        "clause": said.clause,
        "counter": statement.counter,
        "en": said.en,
        "index": act.index,
        "key": statement.key,
        "kind": statement.type,
        "leaf": act.leaf.hex(),
        "links": _links(act.index),
        "on_behalf_of": statement.on_behalf_of,
        "person": masked(statement.person),
        "rules": statement.rules,
        "seen": None if seen is None else {"root": seen.root, "size": seen.size},
        "statement": act.signed.id.hex(),
        "version": statement.version,
        "withheld": False,
        "zh": said.zh,
    }


@router.get("/v1/log-keys", summary="The log's keys: from which size on each signs, and the entries that show it")
def log_keys(asked: Asking) -> Response:
    """Return the founding key and those of rotations, with where each was stated and took effect."""

    def view(picture: Picture) -> dict[str, Any]:
        keys = picture.state.log.known_keys
        return {"log_keys": [_term(picture, one) for one in (keys.terms if keys else ())]}

    return asked.answer(None, view)


def _term(picture: Picture, term: Term) -> dict[str, Any]:
    """Tell of one key: a rotation takes effect by the entry two below the first size that the new key signs."""
    effective = max(term.since - 2, 0)
    body = picture.acts[effective].body
    stated = body.index if isinstance(body, ActCountersigned) else effective
    return {"effective": effective, "since": term.since, "stated": stated, "vkey": term.key.encode()}
