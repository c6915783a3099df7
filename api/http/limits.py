"""What one client can make the service hold, read, parse or wait for: bounded before any handler runs.

`Guard` is the outermost room of the application. It counts requests under way, holds each address to a rate, refuses
long targets and heads, and passes a body on within its size, its time and, where it is JSON, its depth; it gives up on
answers that do not begin and on clients that do not take them. What it refuses gets a problem with a stable code, and
nothing of the request is echoed. The connections themselves are bounded in `api.http.connections`.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple, TypeAlias

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.deadline import Deadline
from api.http.settings import Limits, Network

MINUTE_NS = 60_000_000_000
UNBOUNDED_RATE = frozenset({"/health", "/ready"})
"""What a load balancer asks all the time; bounded in number like everything else."""
UPLOADS = ("/v1/evidence", "/v1/uploads")
"""Below these paths bodies are streamed to files and have a bound of their own."""
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

STATUS = {
    "ANSWER_TIMEOUT": 503,
    "BODY_TIMEOUT": 408,
    "BODY_TOO_LARGE": 413,
    "HEAD_TOO_LARGE": 431,
    "HOST_AMBIGUOUS": 400,
    "JSON_TOO_DEEP": 400,
    "RATE_LIMITED": 429,
    "SERVICE_BUSY": 503,
    "TARGET_TOO_LONG": 414,
}
"""What the guard refuses with, and the status of each."""

Refuse: TypeAlias = Callable[[Scope, Send, str, int, int | None], Awaitable[None]]
"""Sends the problem of a code and status, with the seconds after which to try again."""

_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)


def json_depth(body: bytes, most: int) -> int:
    """Return how deeply arrays and objects nest, or `most` + 1 as soon as it is more; strings do not count."""
    depth = deepest = 0
    for token in _TOKENS.finditer(body):
        first = body[token.start()]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > most:
                break
        elif first in b"]}":
            depth -= 1
    return deepest


class Rate:
    """So many a minute for each key, and `burst` at once; it remembers at most `keys` of them.

    For each key only the instant until which it has used up its share is kept. When there are too many, the key that
    was heard of longest ago is forgotten.
    """

    def __init__(self, a_minute: int, burst: int, keys: int, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """Begin with nobody known; `clock` gives nanoseconds."""
        self._interval = MINUTE_NS // a_minute
        self._ahead = self._interval * (burst - 1)
        self._keys, self._clock = keys, clock
        self._used: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._used)

    def wait(self, key: str) -> int:
        """Return 0 if one more could be taken, else the seconds to wait; nothing is taken."""
        over = self._used.get(key, 0) - self._clock() - self._ahead
        return -(-over // 1_000_000_000) if over > 0 else 0

    def take(self, key: str, amount: int = 1) -> int:
        """Take `amount`; return 0, or the seconds to wait, in which case nothing was taken."""
        now = self._clock()
        used = max(self._used.get(key, 0), now)
        over = used + self._interval * (amount - 1) - now - self._ahead
        if over > 0:
            return -(-over // 1_000_000_000)
        self._used[key] = used + self._interval * amount
        self._used.move_to_end(key)
        if len(self._used) > self._keys:
            self._used.popitem(last=False)
        return 0


def address_of(scope: Scope, trusted: Iterable[Network]) -> str:
    """Return the client's address as rates count it: IPv6 by its /64, since one client has all of that.

    `X-Forwarded-For` is believed from a trusted peer only, and in it the last address that is no trusted proxy.
    """
    networks = tuple(trusted)
    peer = _peer(scope["client"][0] if scope.get("client") else "")
    if not networks:
        return peer.counted
    found = peer.address
    if found is None:
        return peer.counted
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    for part in reversed(forwarded.decode("latin-1").split(",")):
        if not any(found in network for network in networks):
            break
        before = _address(part.strip())
        if before is None:
            break
        found = before
    return _counted(found)


class _Peer(NamedTuple):
    address: IPv4Address | IPv6Address | None
    counted: str


@lru_cache(maxsize=1024)
def _peer(text: str) -> _Peer:
    """Return the address of the other end; connections ask for theirs again and again."""
    found = _address(text)
    return _Peer(found, "local" if found is None else _counted(found))


def _counted(found: IPv4Address | IPv6Address) -> str:
    return f"{IPv6Address(int(found) >> 64 << 64)}/64" if isinstance(found, IPv6Address) else str(found)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


class Guard:
    """The application behind its bounds; `refuse` sends the problems (`api.problems`)."""

    def __init__(self, app: ASGIApp, limits: Limits, refuse: Refuse, trusted: Iterable[Network] = ()) -> None:
        """Guard `app`, within one worker."""
        self._app, self._limits, self._refuse, self._trusted = app, limits, refuse, tuple(trusted)
        self._requests = Rate(limits.requests_a_minute, limits.request_burst, limits.addresses)
        self._writes = Rate(limits.writes_a_minute, limits.write_burst, limits.addresses)
        self.under_way = 0
        """Requests that are not answered yet, streams among them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address = address_of(scope, self._trusted)
        scope.setdefault("state", {})["address"] = address
        code, wait = self._refused(scope, address)
        if code is not None:
            await self._refuse(scope, send, code, STATUS[code], wait)
            return
        self.under_way += 1
        try:
            await _Exchange(self._app, self._limits, self._refuse, scope, receive, send).run()
        finally:
            self.under_way -= 1

    def _refused(self, scope: Scope, address: str) -> tuple[str | None, int | None]:
        limits, headers = self._limits, scope["headers"]
        if self.under_way >= limits.requests_at_once:
            return "SERVICE_BUSY", 1
        if len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]) > limits.target_bytes:
            return "TARGET_TOO_LONG", None
        if len(headers) > limits.header_count or sum(len(n) + len(v) for n, v in headers) > limits.header_bytes:
            return "HEAD_TOO_LARGE", None
        if scope["http_version"] != "1.0" and sum(name == b"host" for name, _ in headers) != 1:
            return "HOST_AMBIGUOUS", None
        if scope["path"] in UNBOUNDED_RATE:
            return None, None
        wait = self._requests.take(address) or (scope["method"] in WRITES and self._writes.take(address))
        return ("RATE_LIMITED", int(wait)) if wait else (None, None)


class _Exceeded(ClientDisconnect):
    """Ends the handler's wait for a body that is not passed on, as if its client had gone: that is no fault of ours."""


class _Exchange:
    """One request on its way in and its answer on the way out."""

    def __init__(
        self, app: ASGIApp, limits: Limits, refuse: Refuse, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._app, self._limits, self._refuse = app, limits, refuse
        self._scope, self._receive_raw, self._send_raw = scope, receive, send
        headers = dict(scope["headers"])
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        self._is_json = kind.endswith((b"/json", b"+json"))
        uploads = scope["path"].startswith(UPLOADS) and not self._is_json
        self._most = limits.upload_bytes if uploads else limits.body_bytes
        self._declared = _decimal(headers.get(b"content-length", b"0"))
        self._has_body = self._declared > 0 or b"transfer-encoding" in headers
        self._taken = 0
        self._failed: str | None = None
        self._started = False
        self._complete = False
        self._now = asyncio.get_running_loop().time
        self._until = self._now() + limits.body_seconds
        self._deadline: Deadline | None = None
        self._body_by: float | None = None
        self._send_by: float | None = None
        self._answer_by: float | None = None

    async def run(self) -> None:
        if self._declared > self._most:
            await self._refuse(self._scope, self._send_raw, "BODY_TOO_LARGE", STATUS["BODY_TOO_LARGE"], None)
            return
        limits = self._limits
        body_seconds = limits.body_seconds + self._most / limits.body_bytes_a_second if self._has_body else 0
        self._deadline = Deadline(min(limits.body_seconds, limits.answer_seconds, limits.send_seconds))
        self._answer_by = self._now() + body_seconds + limits.answer_seconds
        try:
            await self._app(self._scope, self._receive, self._send)
            self._deadline.end()
        except _Exceeded:
            self._deadline.end()
        except asyncio.CancelledError:
            if not self._deadline.end():
                raise
            self._failed = self._failed or ("ANSWER_TIMEOUT" if self._body_by is None else "BODY_TIMEOUT")
        except BaseException:
            self._deadline.end()
            raise
        if self._failed is not None and not self._started:
            wait = self._limits.answer_seconds if self._failed == "ANSWER_TIMEOUT" else None
            await self._refuse(self._scope, self._send_raw, self._failed, STATUS[self._failed], wait)

    async def _receive(self) -> Message:
        """Pass on what the client sends; JSON at once when all of it is there and shallow enough."""
        if self._failed is not None:
            raise _Exceeded
        if self._complete:
            return await self._receive_raw()
        if not self._is_json:
            return await self._piece()
        parts: list[bytes] = []
        while True:
            message = await self._piece()
            if message["type"] != "http.request":
                return message
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                break
        body = b"".join(parts)
        most = self._limits.json_depth
        # Where no more of them are than may nest, nobody needs to look how they do.
        if body.count(b"[") + body.count(b"{") > most and json_depth(body, most) > most:
            self._fail("JSON_TOO_DEEP")
        return {"type": "http.request", "body": body, "more_body": False}

    async def _piece(self) -> Message:
        self._body_by = self._until
        self._bound()
        message = await self._receive_raw()
        self._body_by = None
        if message["type"] == "http.request":
            size = len(message.get("body", b""))
            self._taken += size
            self._until += size / self._limits.body_bytes_a_second
            if self._taken > self._most:
                self._fail("BODY_TOO_LARGE")
            if not message.get("more_body", False):
                self._complete = True
                if not self._started:
                    # From the end of the request on the answer has so long to begin.
                    self._answer_by = self._now() + self._limits.answer_seconds
        self._bound()
        return message

    def _bound(self) -> None:
        """Let the deadline be the next of those that are set."""
        if self._deadline is not None:
            first = self._answer_by
            for at in (self._body_by, self._send_by):
                if at is not None and (first is None or at < first):
                    first = at
            self._deadline.set(first)

    def _fail(self, code: str) -> None:
        self._failed = code
        raise _Exceeded

    async def _send(self, message: Message) -> None:
        """Pass on what the application answers, unless the body was cut off: then the reason is the answer."""
        if self._failed is not None and not self._started:
            return
        if message["type"] == "http.response.start":
            self._started, self._answer_by = True, None
        # A client that takes nothing is given up: what waits for it would be held for ever.
        self._send_by = self._now() + self._limits.send_seconds
        self._bound()
        await self._send_raw(message)
        self._send_by = None
        self._bound()


def _decimal(value: bytes) -> int:
    """Read a declared length; what is no number is for the server to refuse."""
    return int(value[:20]) if value.isdigit() else 0
