"""A route whose handler reads its request itself: for what is asked thousands of times a second.

Finding out what a handler wants of each request costs more than most of them do with it. A lean handler is given the
request and gives the response; what it takes is described by hand.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def lean_post(router: APIRouter, path: str, **described: Any) -> Callable[[Handler], Handler]:
    """Let a handler answer POST at `path`, as `router.post` does."""

    def add(handler: Handler) -> Handler:
        router.add_api_route(path, handler, methods=["POST"], route_class_override=LeanRoute, **described)
        return handler

    return add


class LeanRoute(APIRoute):
    """Calls `async handler(request) -> Response` with nothing in between."""

    def get_route_handler(self) -> Handler:
        """Return the handler itself."""
        handler: Handler = self.endpoint
        return handler
