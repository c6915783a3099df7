"""The application, put together: routes, problems and bounds around one context.

Every module `api.http.routes_*` gives a `router`. From outside to inside a request passes the log and the counters, the
bounds (`limits`), what answers for a fault of our own (`problems.Faults`), and then its route; the most frequent
ones are found by a shortcut (`express`).
"""

import pkgutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.metadata import version
from types import ModuleType

from fastapi import APIRouter, FastAPI

import api.http
from api import problems
from api.http.connections import CutOff
from api.http.context import Context, context_in
from api.http.described import complete
from api.http.express import Express, Way
from api.http.limits import Guard
from api.http.logs import Recorded
from api.http.poll_gate import Gate

__all__ = ["Context", "context_in", "create_app"]

_DESCRIPTION = "选树账本的接口：签名即授权，先落账后回执。 Statements are authorised by their signatures alone."


def create_app(context: Context) -> FastAPI:
    """Return the application over `context`; its door opens and closes with the application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await context.door.open()
        await context.ballots.open()
        try:
            yield
        finally:
            await context.ballots.close()
            await context.door.close()

    app = FastAPI(
        title="Ballot Ledger",
        version=version("ballot-ledger"),
        description=_DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.context, app.state.poll_gate = context, Gate(context.home, context.settings)
    for router in routers():
        app.include_router(router)
    app.add_middleware(Express, ways=tuple(ways()))
    problems.install(app)
    complete(app)
    limits = context.settings.limits
    app.add_middleware(Guard, limits=limits, refuse=problems.refuse, trusted=context.settings.trusted_proxies)
    app.add_middleware(CutOff, refuse=problems.refuse)
    app.add_middleware(Recorded, metrics=context.metrics)
    return app


def routers() -> Iterator[APIRouter]:
    """Give the router of every module of routes, in the order of their names, and that of the problems' pages."""
    for module in _modules():
        yield module.router
    yield problems.router


def ways() -> Iterator[Way]:
    """Give the shortcuts to the routes that are asked for most."""
    for module in _modules():
        yield from getattr(module, "WAYS", ())


def _modules() -> list[ModuleType]:
    names = sorted(found.name for found in pkgutil.iter_modules(api.http.__path__))
    return [import_module(f"api.http.{name}") for name in names if name.startswith("routes_")]
