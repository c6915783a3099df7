"""Forms: exactly what must be signed, so that whoever signs sees the frozen list, the rules and the history before.

A form holds the members of the body that are not the signer's to choose, what may be chosen, and the header. It never
says how a vote stands, nor whether somebody has signed yet: the counter it offers follows from the log's time, which is
above what anybody signed with before.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse

from api.http.asking import Asked, Asking
from api.http.audience import What, reads
from api.http.context import Context, context_of
from api.problems import MEDIA_TYPE, HttpError
from ledger.decisions.deliberation import always_reasoned, asked_of
from ledger.lists import candidates_of, in_declared_order
from ledger.procedure.acts import ACTS
from ledger.procedure.programme import Stage
from ledger.selection import Selection
from ledger.signing import PAYLOAD_TYPE_PREFIX
from ledger.state.voters import OBJECTION, deciding, kept_out, kind_of
from ledger.statements.kinds import body_class
from ledger.statements.plain import to_plain

router = APIRouter(tags=["forms"])

Here = Annotated[Context, Depends(context_of)]
_ID = r"^[a-z0-9][a-z0-9:._-]{0,95}$"
Id = Annotated[str, Path(pattern=_ID)]
Person = Annotated[str | None, Query(pattern=_ID, description="who is to sign, for their next counter")]
Key = Annotated[str | None, Query(pattern=r"^[0-9a-f]{64}$", description="or the id of the key they sign with")]
AsId = Annotated[str | None, Query(pattern=_ID)]

_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
_SEEN = {"root": "base64", "signature": "base64", "size": 12}
_EXAMPLE = {
    "fixed": {"list_hash": "…", "round": "…"},
    "header": {"counter": 1663894800000, "person": None, "programme": "…", "rules": "…", "seen": _SEEN},
    "kind": "ballot.cast",
    "version": 1,
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "what must be signed", "content": {"application/json": {"example": _EXAMPLE}}},
    404: {"description": "nothing there", **_PROBLEM},
    422: {"description": "a part of the request is not valid", **_PROBLEM},
    503: {"description": "not possible at the moment", **_PROBLEM},
}
_OF_A_VOTE: dict[int | str, dict[str, Any]] = {
    **_RESPONSES,
    401: {"description": "the session is over", **_PROBLEM},
    200: {
        "description": "what must be signed",
        "content": {
            "application/json": {
                "example": _EXAMPLE
                | {
                    "fixed": {"matter": "proposal:2310"},
                    "kind": "deliberation.voted",
                    "reasons": "against",
                    "subjects": ["…"],
                }
            }
        },
    },
}


@router.get("/v1/rounds/{round_id}/ballot-form", summary="What a ballot of a round must bear", responses=_RESPONSES)
def ballot_form(context: Here, round_id: Id, person: Person = None, key: Key = None) -> JSONResponse:
    """Return the frozen list in declared order, its hash and the numbers of the round."""

    def view(state: Selection) -> dict[str, Any]:
        played = state.rounds.by_id.get(round_id)
        if played is None:
            raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
        return {
            "candidates": list(played.candidates),
            "closes_at": played.closes_at,
            "fixed": {"list_hash": played.list_hash, "round": played.id},
            "group": played.group,
            "header": _header(context, state, person, key, _rules(state, "ballot.cast", played.stage)),
            "kind": "ballot.cast",
            "max_approvals": played.max_approvals,
            "seats": played.seats,
            "stage": played.stage,
            "status": played.status.value,
            "version": 1,
        }

    return _told(context, view)


@router.get("/v1/stages/{stage_id}/score-form", summary="What a score sheet must bear", responses=_RESPONSES)
def score_form(context: Here, stage_id: Id, group: AsId = None, person: Person = None, key: Key = None) -> JSONResponse:
    """Return the candidates of a stage (of one of its groups) and the criteria with their most points."""

    def view(state: Selection) -> dict[str, Any]:
        stage = _stage(state, stage_id)
        if not stage.scored:
            raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
        subject = f"stage:{stage.id}" + (f":{group}" if group else "")
        listed = in_declared_order(state, subject, candidates_of(state, stage, group))
        return {
            "candidates": list(listed),
            "fixed": {"group": group, "stage": stage.id},
            "header": _header(context, state, person, key, _rules(state, "score.given", stage.id)),
            "items": [{"id": one.id, "most_hundredths": one.most_hundredths} for one in stage.score_items],
            "kind": "score.given",
            "version": 1,
        }

    return _told(context, view)


@router.get("/v1/matters/{matter}/vote-form", summary="What a named vote must bear", responses=_OF_A_VOTE)
def vote_form(asked: Asking, matter: Id, person: Person = None, key: Key = None) -> JSONResponse:
    """Return the subjects of an open named vote that the signer decides on, in the order in which they were put.

    Of objections, and of whom they are against, those alone learn who decide them or look into them.
    """

    def view(state: Selection) -> dict[str, Any]:
        subjects = asked_of(state, matter)
        if not subjects or not _may_decide(asked, state, matter):
            raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
        header = _header(asked.context, state, person, key, _rules(state, "deliberation.voted", None))
        signer = header["person"]
        voices = [one for one in subjects if signer is None or not kept_out(state, matter, signer, one)]
        return {
            "fixed": {"matter": matter},
            "header": header,
            "kind": "deliberation.voted",
            "reasons": "always" if always_reasoned(matter) else "against",
            "subjects": voices,
            "version": 1,
        }

    return _told(asked.context, view)


def _may_decide(asked: Asked, state: Selection, matter: str) -> bool:
    if kind_of(matter) != OBJECTION:
        return True
    role, _ = deciding(state, matter)
    return role in asked.viewer.roles or reads(asked.viewer, What.OBJECTIONS)


@router.get("/v1/entries/{index}/countersign-form", summary="What a further signature must bear", responses=_RESPONSES)
def countersign_form(
    context: Here, index: Annotated[int, Path(ge=0, lt=2**53)], person: Person = None, key: Key = None
) -> JSONResponse:
    """Return the leaf hash of an act that waits for further signers, and how many it waits for."""

    def view(state: Selection) -> dict[str, Any]:
        waiting = state.pending.get(index)
        if waiting is None:
            raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
        return {
            "fixed": {"index": index, "leaf": waiting.act.leaf.hex()},
            "header": _header(context, state, person, key, _rules(state, "act.countersigned", None)),
            "kind": "act.countersigned",
            "needs": waiting.needs,
            "version": 1,
        }

    return _told(context, view)


@router.get("/v1/forms/{kind}", summary="The header of a statement of any kind", responses=_RESPONSES)
def form(
    context: Here,
    kind: Annotated[str, Path(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}$")],
    version: Annotated[int, Query(ge=1, le=99)] = 1,
    stage: AsId = None,
    round_id: Annotated[str | None, Query(alias="round", pattern=_ID)] = None,
    person: Person = None,
    key: Key = None,
) -> JSONResponse:
    """Return the header; `stage` or `round` is what the body names, from which the governing rules follow."""

    def view(state: Selection) -> dict[str, Any]:
        if body_class(f"{PAYLOAD_TYPE_PREFIX}{kind}.v{version}+json") is None or kind not in ACTS:
            raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
        played = state.rounds.by_id.get(round_id) if round_id else None
        named = _stage(state, stage).id if stage else played.stage if played else None
        rules = _rules(state, kind, named)
        return {
            "fixed": {},
            "header": _header(context, state, person, key, rules),
            "kind": kind,
            "version": version,
        }

    return _told(context, view)


def _told(context: Context, view: Callable[[Selection], dict[str, Any]]) -> JSONResponse:
    def shown(state: Selection) -> dict[str, Any]:
        if state.sealed is None:
            raise HttpError("NOTHING_PUBLISHED", HTTPStatus.NOT_FOUND)
        return view(state)

    told = context.reader.read(None, lambda picture: shown(picture.state))
    return JSONResponse(told, headers={"cache-control": "no-store"})


def _stage(state: Selection, stage_id: str) -> Stage:
    stage = state.charter.stage(stage_id)
    if stage is None:
        raise HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)
    return stage


def _rules(state: Selection, kind: str, stage_id: str | None) -> str:
    """The hash of the version that governs the stage named, else the open stage of the kind, else the newest."""
    stage = None if stage_id else state.charter.open_stage(ACTS[kind].during)
    return state.charter.version_for(stage_id or (stage.id if stage else None)).hash


def _header(context: Context, state: Selection, person: str | None, key: str | None, rules: str) -> dict[str, Any]:
    enrolled = state.roll.keys.get(key) if key else None
    signer = enrolled.person if enrolled else person
    known = state.roll.people.get(signer) if signer else None
    seen = context.door.seen()
    return {
        # Above all that was signed before, and the same for everybody: it does not tell whether somebody has voted.
        "counter": max(state.at, known.counter + 1 if known else 0),
        "person": signer,
        "programme": state.charter.id,
        "rules": rules,
        "seen": to_plain(seen) if seen else None,
    }
