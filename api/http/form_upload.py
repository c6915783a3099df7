"""One file from a form, as an upload that comes in one request: bounds and checks alike, and nothing left of a cut."""

import asyncio
import re
from http import HTTPStatus
from typing import Any

from fastapi import Request

from api.http.multipart import OneFile
from api.http.receiving import Owner, Receiving, address_of, pieces_of
from api.http.uploads import Upload, Writing
from api.problems import HttpError
from ledger.sequencer import system_clock

FIELDS = frozenset({"class", "sha256"})
_DIGEST = re.compile(r"[0-9a-f]{64}")


async def received(request: Request, receiving: Receiving, owner: Owner) -> dict[str, Any]:
    """Take the file of a form in, and return what a statement names.

    Raises `HttpError` `MULTIPART_INVALID`, `CONTENT_UNSUPPORTED`, and as `Receiving.begin` and `Receiving.complete`.
    """
    form = OneFile(request.headers.get("content-type", "")[:500], FIELDS)
    body, content = pieces_of(request), list[bytes]()
    async for piece in body:
        content = form.feed(piece)
        if form.media_type is not None:
            break
    declared = _declared(form, request, receiving.most(owner))
    upload = await asyncio.to_thread(receiving.begin, owner, declared, address_of(request), system_clock())
    try:
        with receiving.uploads.writing(upload) as writing:
            await _write(writing, content)
            async for piece in body:
                await _write(writing, form.feed(piece))
            form.finish()
            done = await asyncio.to_thread(_complete, receiving, writing)
        return await asyncio.to_thread(receiving.told, done)
    except BaseException:
        receiving.uploads.drop(upload.id)
        raise


async def _write(writing: Writing, content: list[bytes]) -> None:
    if content:
        await asyncio.to_thread(writing.write, b"".join(content))


def _complete(receiving: Receiving, writing: Writing) -> Upload:
    done = receiving.complete(writing.whole(), writing)
    if done.salt is None:
        # Whoever sent it all in one request has the answer; nobody asks for it again.
        receiving.uploads.drop(done.id)
    return done


def _declared(form: OneFile, request: Request, most: int) -> Upload:
    """Return what a form declares before its file: room is made for as much as its body holds, or may hold."""
    digest, length = form.fields.get("sha256"), request.headers.get("content-length", "")
    if form.media_type is None or (digest is not None and not _DIGEST.fullmatch(digest)):
        raise HttpError("MULTIPART_INVALID", HTTPStatus.BAD_REQUEST)
    size = min(int(length[:20]), most) if length.isdigit() else most
    return Upload("", "", form.fields.get("class", "personal"), form.media_type, size, digest, 0, once=True)
