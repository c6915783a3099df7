"""The application, put together: routes, problems and bounds around one context.

Every module `api.http.routes_*` gives a `router`. From outside to inside a request passes the log and the counters, the
bounds (`limits`), what answers for a fault of our own (`problems.Faults`), and then its route.
"""

import pkgutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.metadata import version

from fastapi import APIRouter, FastAPI

import api.http
from api import problems
from api.http.context import Context, context_of
from api.http.described import complete
from api.http.limits import Guard
from api.http.logs import Recorded
from api.http.poll_gate import Gate

__all__ = ["Context", "context_of", "create_app"]

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
    problems.install(app)
    complete(app)
    limits = context.settings.limits
    app.add_middleware(Guard, limits=limits, refuse=problems.refuse, trusted=context.settings.trusted_proxies)
    app.add_middleware(Recorded, metrics=context.metrics)
    return app


def routers() -> Iterator[APIRouter]:
    """Give the router of every module of routes, in the order of their names, and that of the problems' pages."""
    for module in sorted(found.name for found in pkgutil.iter_modules(api.http.__path__)):
        if module.startswith("routes_"):
            yield import_module(f"api.http.{module}").router
    yield problems.router
