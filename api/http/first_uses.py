"""A member's key that is used for the first time from where those sit who enrol keys (dispute H01).

Whoever enrols and confirms keys could make up a member and vote as them. What a service can see of it: the statement
comes with the token of their session, or over the very connection over which they are reading. That is put on record
before the statement goes further; from the record and the log follows the finding (`projections.first_uses`). Who
objects is never put on record.
"""

import asyncio
from collections.abc import Iterator, Sequence

from fastapi import Request

from api.http.admin_connections import ADMINS, Peer
from api.http.audience import Forbidden
from api.http.context import Context, context_in
from api.http.reader import Picture
from api.http.sign_in import viewer_by
from ledger.errors import LedgerError
from ledger.roll import SEALED_PREFIX
from ledger.sequencer import system_clock
from ledger.statements import Signed, open_envelope
from ledger.statements.notices import ObjectionReceived, ObjectionWithdrawn
from ledger.store.access import AccessBook
from projections.first_uses import CONNECTION, SESSION, WHAT, subject_of

_BEARER = "bearer "


def peer_of(request: Request) -> Peer | None:
    """Return the other end of a request's connection."""
    return (request.client.host, request.client.port) if request.client is not None else None


async def watch(request: Request, envelopes: Sequence[bytes]) -> None:
    """Put first uses from an administrator's session or connection on record. Raises `StoreError`."""
    context = context_in(request)
    reading, token = context.admins.on(peer_of(request)), request.headers.get("authorization", "")
    if reading is not None or token:
        await asyncio.to_thread(_note, context, envelopes, reading, token)


def _note(context: Context, envelopes: Sequence[bytes], reading: str | None, token: str) -> None:
    session = _administrator(context, token)
    admin, how = (session, SESSION) if session is not None else (reading, CONNECTION)
    if admin is None:
        return
    for signed in _statements(envelopes):
        statement = signed.statement
        if statement.person != admin and _never_used(context, statement.key):
            subject = subject_of(statement.key, signed.id)
            AccessBook(context.store).record(system_clock(), admin, WHAT, subject, how, context.reader.position)


def _administrator(context: Context, token: str) -> str | None:
    """Return whose session a token is, if theirs is such an office; a token that is no session means nothing here."""
    if not token.lower().startswith(_BEARER):
        return None
    try:
        viewer = viewer_by(context, token[len(_BEARER) :].strip(), system_clock())
    except Forbidden:
        return None
    return viewer.person if viewer.roles & ADMINS else None


def _statements(envelopes: Sequence[bytes]) -> Iterator[Signed]:
    for envelope in envelopes:
        try:
            signed = open_envelope(envelope)
        except LedgerError:
            continue  # it is refused where it is decided, and says why there
        sealed = signed.statement.person.startswith(SEALED_PREFIX)
        if not sealed and not isinstance(signed.statement.body, ObjectionReceived | ObjectionWithdrawn):
            yield signed


def _never_used(context: Context, key: str) -> bool:
    """Say whether a key is enrolled and has signed nothing yet."""

    def view(picture: Picture) -> bool:
        enrolled = key in picture.state.roll.keys
        return enrolled and all(act.statement.key != key for act in picture.acts[: picture.size])

    return context.reader.read(None, view)
