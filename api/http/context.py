"""What every handler is given: the ledger's folder, its store, the way in, the settings, the reader and the numbers."""

from dataclasses import dataclass, field

from fastapi import Request

from api.http.admin_connections import AdminConnections
from api.http.ballot_door import BallotDoor, NoBoxes
from api.http.door import Door
from api.http.measuring import Metrics
from api.http.reader import Reader
from api.http.settings import Settings
from ledger.opening import Home
from ledger.store.store import Store


@dataclass(frozen=True, slots=True)
class Context:
    """One worker's share of the service."""

    home: Home
    store: Store
    door: Door
    settings: Settings
    reader: Reader
    metrics: Metrics = field(default_factory=Metrics)
    ballots: BallotDoor = field(default_factory=NoBoxes)
    """The way in for ballots of public votes."""
    admins: AdminConnections = field(default_factory=AdminConnections)
    """Over which connections those are reading who enrol keys."""


def context_in(request: Request) -> Context:
    """Return the context of the application that answers a request."""
    found = request.app.state.context
    if not isinstance(found, Context):
        raise TypeError("the application has no context")
    return found


async def context_of(request: Request) -> Context:
    """Return the same for `fastapi.Depends`, which would run a plain function in a thread."""
    return context_in(request)
