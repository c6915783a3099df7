"""The log's own files at their standard paths, proofs, receipts, and exports to check offline.

`/checkpoint`, `/tile/…` and `/entry/…` are those of `projections.publishing.read_path`: what never changes may be kept
for ever. Proofs and receipts say nothing of an entry but its hash, so everybody may ask for them. What is hidden from
the public is given to auditors with a reason, and that is recorded; others learn no more than that nothing is there.
"""

import base64
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from fastapi.responses import FileResponse, JSONResponse, Response

from api.http.asking import PROBLEMS, Asked, Asking
from api.http.audience import What, reads
from api.http.described import as_file
from api.http.export_shelf import Passing, Shelf, full
from api.problems import HttpError
from api.witness.collected import Collected
from ledger.checkpoint import MAX_SIZE
from ledger.errors import LedgerError
from ledger.logstore import first_receipt
from ledger.proving import consistency_with_roots, receipt_at
from ledger.receipt import Receipt
from ledger.tiles import ENTRIES, parse_path
from projections.disclosure import Audience
from projections.publishing import read_path

router = APIRouter(tags=["log"], responses=PROBLEMS)
T = TypeVar("T")
FOR_EVER = "public, max-age=31536000, immutable"
_SOON = "public, max-age=5"
_NEVER = "private, no-store"
_NOTE = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_ZIP = "application/zip"
_AS_NOTE = as_file("text/plain", "the signed text")
_AS_BYTES = as_file(_BYTES, "the bytes")
_STATEMENT_DIGITS = 64
_STATUS = {
    "CHECKPOINT_NOT_ISSUED": HTTPStatus.NOT_FOUND,
    "EXPORT_ABOVE_PIN": HTTPStatus.NOT_FOUND,
    "EXPORT_NOTHING": HTTPStatus.NOT_FOUND,
    "EXPORT_NOT_ISSUED": HTTPStatus.NOT_FOUND,
    "EXPORT_WITHHELD": HTTPStatus.CONFLICT,
    "NOT_PUBLISHED": HTTPStatus.NOT_FOUND,
    "PROOF_RANGE": HTTPStatus.UNPROCESSABLE_ENTITY,
}
Size = Annotated[int, Query(ge=0, le=MAX_SIZE)]


def _found(make: Callable[[], T]) -> T:
    """Return what is made; what was never issued or is not out yet is no fault of the store."""
    try:
        return make()
    except LedgerError as error:
        if error.code not in _STATUS:
            raise
        facts = {name: fact for name, fact in error.facts.items() if isinstance(fact, int)}
        raise HttpError(error.code, _STATUS[error.code], None, **facts) from None


def _missing() -> HttpError:
    return HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)


def _read(asked: Asked, path: str, audience: Audience = Audience.PUBLIC) -> bytes | None:
    context = asked.context
    cosigned = Collected(context.home.folder).note
    return read_path(context.store, path, audience, context.reader.horizon, cosigned=cosigned)


@router.get(
    "/checkpoint",
    summary="The newest checkpoint, with what witnesses cosigned",
    response_class=Response,
    responses=_AS_NOTE,
)
def checkpoint(asked: Asking) -> Response:
    """Return the signed note; 404 for a log that is empty."""
    note = _read(asked, "checkpoint")
    if note is None:
        raise _missing()
    return Response(note, headers={"cache-control": _SOON}, media_type=_NOTE)


@router.get(
    "/tile/{path:path}",
    summary="A tile of hashes; entry bundles for auditors",
    response_class=Response,
    responses=_AS_BYTES,
)
def tile(path: Annotated[str, InPath(max_length=64)], asked: Asking) -> Response:
    """Return a tile by its one spelling; a full one never changes, and a partial one not under its path."""
    address = parse_path(f"tile/{path}")
    if address is None:
        raise _missing()
    hidden = address.level == ENTRIES
    if hidden:
        asked.let(What.FULL_EXPORT, address.path)
    data = _read(asked, address.path, Audience.AUDITOR if hidden else Audience.PUBLIC)
    if data is None:
        raise _missing()
    kept = _NEVER if hidden else FOR_EVER if not address.partial else "public, max-age=3600"
    return Response(data, headers={"cache-control": kept}, media_type=_BYTES)


@router.get(
    "/entry/{path:path}", summary="One entry, as it is in the log", response_class=Response, responses=_AS_BYTES
)
def entry(path: Annotated[str, InPath(max_length=64)], asked: Asking) -> Response:
    """Return an entry that is public, or any to an auditor who says why; what else there is shows in no answer."""
    data = _read(asked, f"entry/{path}")
    if data is not None:
        return Response(data, headers={"cache-control": FOR_EVER}, media_type=_BYTES)
    if asked.reason and reads(asked.viewer, What.FULL_EXPORT):
        asked.let(What.FULL_EXPORT, f"entry/{path}")
        data = _read(asked, f"entry/{path}", Audience.AUDITOR)
    if data is None:
        raise _missing()
    return Response(data, headers={"cache-control": _NEVER}, media_type=_BYTES)


@router.get("/v1/proofs/inclusion", summary="That an entry is in the tree of a size")
def inclusion(asked: Asking, index: Size, size: Annotated[int | None, Query(ge=1, le=MAX_SIZE)] = None) -> Response:
    """Return the proof against the checkpoint of `size`, by default the newest, and both as one file."""
    store = asked.context.store
    chosen = size if size is not None else store.recorder.released() or 0
    receipt = _found(lambda: receipt_at(store, index, chosen))
    told = {"index": index, "path": _texts(receipt.proof), "size": chosen, "text": receipt.encode().decode()}
    return JSONResponse({"inclusion": told}, headers={"cache-control": FOR_EVER if size is not None else _SOON})


@router.get("/v1/proofs/consistency", summary="That an earlier log is the beginning of a later one")
def consistency(asked: Asking, old: Size, new: Size) -> Response:
    """Return the proof between two sizes, with both roots."""
    proof = _found(lambda: consistency_with_roots(asked.context.store, old, new))
    roots = {"new_root": proof.new_root.hex(), "old_root": proof.old_root.hex()}
    told: dict[str, Any] = roots | {"new": new, "old": old, "path": _texts(proof.path)}
    return JSONResponse({"consistency": told}, headers={"cache-control": FOR_EVER})


def _texts(hashes: tuple[bytes, ...]) -> list[str]:
    return [base64.b64encode(value).decode() for value in hashes]


@router.get(
    "/v1/receipts/{which}",
    summary="The receipt of a statement or an entry, again",
    response_class=Response,
    responses=_AS_NOTE,
)
def receipt(which: Annotated[str, InPath(max_length=_STATEMENT_DIGITS)], asked: Asking) -> Response:
    """Return the first receipt (C2SP tlog-proof) by the statement's id or the entry's index."""
    data = _found(lambda: _receipt(asked, which)).encode()
    return Response(data, headers={"cache-control": FOR_EVER}, media_type=_NOTE)


def _receipt(asked: Asked, which: str) -> Receipt:
    store = asked.context.store
    index = _index(which)
    if index is None:
        try:
            statement = bytes.fromhex(which) if len(which) == _STATEMENT_DIGITS else b""
        except ValueError:
            statement = b""
        index = store.find_statement(statement) if statement else None
    released = store.recorder.released()
    if index is None or (released is not None and index >= released):
        raise _missing()
    return first_receipt(store, index)


def _index(text: str) -> int | None:
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_SIZE))
    return int(text) if plain and str(int(text)) == text and int(text) < MAX_SIZE else None


@router.get(
    "/v1/exports",
    summary="An export to check offline, as a zip",
    response_class=FileResponse,
    responses={**as_file(_ZIP, "the export"), 409: {"description": "what it needs is withheld by now"}},
)
def export(
    asked: Asking,
    audience: Audience = Audience.PUBLIC,
    size: Annotated[int | None, Query(ge=1, le=MAX_SIZE)] = None,
) -> Response:
    """Return the public export, or to auditors with a reason the full one, with the verifier enclosed."""
    context, to_auditor = asked.context, audience is Audience.AUDITOR
    if to_auditor:
        asked.let(What.FULL_EXPORT, f"export:{size or 'newest'}")
    with ExitStack() as stack:
        if to_auditor:
            with context.reader.expensive():
                path, done = _found(lambda: stack.enter_context(full(context.store, context.home, size)))
            headers = {"cache-control": _NEVER}
        else:
            kept = _found(lambda: stack.enter_context(Shelf(context.store, context.home).public(size)))
            path, done, headers = kept.path, kept.size, {"cache-control": "public, no-cache", "etag": kept.tag}
            if asked.knows(kept.tag):
                return Response(status_code=304, headers=headers)
        name = f"ballot-ledger-{audience.value}-{done}.zip"
        return Passing(path, stack.pop_all(), headers | {"log-size": str(done)}, name)
