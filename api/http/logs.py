"""Structured logs without personal data: one JSON object a line, on standard error.

A line says which route was asked (its template, never the values in it), how it ended and how long it took, under a
request id of our own that the answer bears as `X-Request-Id`. Bodies, queries, tokens, keys, addresses and the texts of
exceptions are in no line: of an error its type or code is told and where in the source it came from. What libraries
log is kept to the same, for their sentences are filled with values we do not know.
"""

import logging
import secrets
import sys
import time
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.measuring import Metrics
from ledger.errors import LedgerError

LOGGER = "ballot_ledger"
UNMATCHED = "(none)"
"""Stands for the route of a request that no route matches."""
QUIET = frozenset({"/health", "/ready", "/metrics"})

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered."""

_FIELDS = "fields"
_PROCESS = secrets.token_hex(4)
_numbers = count()
_encode = msgspec.json.Encoder().encode


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON, of nothing but what is known to hold no personal data."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name == LOGGER:
            line["event"] = record.getMessage()
            line |= getattr(record, _FIELDS, {})
        else:
            line["where"] = f"{record.module}.{record.funcName}:{record.lineno}"
        if (found := request_id.get()) is not None:
            line.setdefault("request", found)
        if record.exc_info and record.exc_info[1] is not None:
            line |= told_of(record.exc_info[1])
        return _encode(line).decode()


def told_of(error: BaseException) -> dict[str, object]:
    """Return what may be told of an exception: its code or type, and the places it passed through."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return {
        "error": error.code if isinstance(error, LedgerError) else type(error).__name__,
        "trace": [f"{Path(frame.filename).stem}.{frame.name}:{frame.lineno}" for frame in frames],
    }


def configure(level: str) -> None:
    """Send every log of this process to standard error, as lines of JSON from `level` on."""
    # Nothing of this is in a line, and each of them is looked up for every record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(LOGGER).setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        named = logging.getLogger(name)
        named.handlers.clear()
        named.propagate = name != "uvicorn.access"


def tell(event: str, level: int = logging.INFO, error: BaseException | None = None, **fields: str | int) -> None:
    """Log an event of the service; `fields` never hold what a person wrote, chose or is called."""
    logger = logging.getLogger(LOGGER)
    if logger.isEnabledFor(level):
        # Made here, because `log` would look through the stack for a line that is never told.
        told = (type(error), error, error.__traceback__) if error is not None else None
        logger.handle(logger.makeRecord(LOGGER, level, "", 0, event, (), told, extra={_FIELDS: fields}))


def route_of(scope: Scope) -> str:
    """Return the template of the route that answered, such as `/v1/rounds/{round}`."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else UNMATCHED


class Recorded:
    """The application with every request logged and counted; outermost, so that what a guard refuses counts too."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Record what `app` answers."""
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request under an id of its own."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = f"{_PROCESS}{next(_numbers):08x}"
        token = request_id.set(found)
        started, status = time.perf_counter_ns(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = [*message.get("headers", ()), (b"x-request-id", found.encode())]
                if not any(name == _NOSNIFF[0] for name, _ in headers):
                    headers.append(_NOSNIFF)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            tell("request failed", logging.ERROR, error, route=route_of(scope), method=_method(scope))
            raise
        finally:
            self._end(scope, status, time.perf_counter_ns() - started)
            request_id.reset(token)

    def _end(self, scope: Scope, status: int, took_ns: int) -> None:
        route, method = route_of(scope), _method(scope)
        self._metrics.answered(route, method, status, took_ns)
        level = logging.DEBUG if route in QUIET else logging.INFO
        tell("request", level, route=route, method=method, status=status, microseconds=took_ns // 1000)


_NOSNIFF = (b"x-content-type-options", b"nosniff")
"""What an answer is, is what its content type says: no browser may guess."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method(scope: Scope) -> str:
    """Return the method, one of a few: whoever asks may invent others."""
    method: Any = scope["method"]
    return method if method in _METHODS else "other"
