"""Webhooks: public entries as CloudEvents 1.0, signed, delivered at least once and in the order of the log.

The `id` of an event is the entry's index, so that whoever gets one twice knows. A delivery is signed by an Ed25519 key
that serves nothing else (RFC 9421, with the digest of the body by RFC 9530). What fails is tried again after a while
that grows; after so many failures in a row, or a 410, a webhook is switched off until its address changes.

Nothing is sent to addresses that are not public, unless a setting allows it: names are resolved here, and the
connection goes to the address that was judged, so that a name cannot change its mind in between. Redirects are not
followed, and nothing of an answer but its status is read.
"""

import asyncio
import fcntl
import hashlib
import json
import logging
import os
import secrets
import socket
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import httpx

from api.http.feed import Feed, Item
from api.http.logs import tell
from api.http.measuring import Metrics
from api.http.settings import Settings, Webhook
from ledger.errors import LedgerError, StoreError
from ledger.keyfile import read_key, write_key
from ledger.merkle import leaf_hash
from ledger.opening import Home
from ledger.signing import SigningKey, key_id

MEDIA_TYPE = "application/cloudevents+json"
TYPE_PREFIX = "ballot-ledger."
TAG = "ballot-ledger-webhook"
SECONDS = 10.0
LONGEST_WAIT = 3_600.0
OTHERS_SECONDS = 5.0
"""How often a worker looks whether the one that delivers is gone."""
GONE = 410


class DeliveryRefused(LedgerError):
    """An address to which nothing is sent: `WEBHOOK_ADDRESS`."""


def cloud_event(item: Item, origin: str) -> bytes:
    """Return a public entry as a structured CloudEvent; `data` is the entry, `leafhash` its leaf hash in the log."""
    at = datetime.fromtimestamp(item.at / 1000, UTC)
    event = {
        "specversion": "1.0",
        "id": str(item.index),
        "source": f"/{origin}",
        "type": TYPE_PREFIX + item.kind,
        "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "leafhash": leaf_hash(item.entry).hex(),
    }
    # The entry goes in as it stands: its leaf hash is over these bytes.
    head = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return head[:-1] + b',"data":' + item.entry + b"}"


def signature_base(components: Sequence[tuple[str, str]], parameters: str) -> tuple[bytes, str]:
    """Return the signature base of RFC 9421 over components (name, value) in order, and the signature's input."""
    names = " ".join(f'"{name}"' for name, _ in components)
    given = f"({names}){parameters}"
    lines = [f'"{name}": {value}' for name, value in components]
    return "\n".join([*lines, f'"@signature-params": {given}']).encode(), given


def signed_headers(key: SigningKey, url: str, body: bytes, created: int) -> dict[str, str]:
    """Return the headers of a signed POST of `body` to `url`; `created` is in seconds of Unix time."""
    digest = f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"
    covered = (("@method", "POST"), ("@target-uri", url), ("content-digest", digest), ("content-type", MEDIA_TYPE))
    parameters = f';created={created};keyid="{key_id(key.public)}";alg="ed25519";tag="{TAG}"'
    base, given = signature_base(covered, parameters)
    return {
        "content-type": MEDIA_TYPE,
        "content-digest": digest,
        "signature-input": f"sig1={given}",
        "signature": f"sig1=:{b64encode(key.sign(base)).decode()}:",
    }


def webhook_key(home: Home) -> SigningKey:
    """Return the key that signs deliveries, made at first use. Raises `StoreError` as `ledger.keyfile` does."""
    path = home.folder / "webhook.key"
    if not path.exists():
        with suppress(StoreError):  # another worker was quicker, or reading says what is wrong
            write_key(path, SigningKey.from_seed(secrets.token_bytes(32)), None)
    return read_key(path, None)


def describe_key(key: SigningKey) -> dict[str, Any]:
    """Return the public half as a JSON Web Key."""
    x = urlsafe_b64encode(key.public).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": key_id(key.public), "alg": "Ed25519", "use": "sig"}


def is_public_address(text: str) -> bool:
    """Say whether an address is one of the open Internet; what it may stand for inside IPv6 is judged as well."""
    found = ip_address(text.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner: list[IPv4Address | None] = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if int(found) >> 32 == int(IPv6Address("64:ff9b::")) >> 32:
            inner.append(IPv4Address(int(found) & 0xFFFFFFFF))
        if any(one is not None and not is_public_address(str(one)) for one in inner):
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


async def judged_address(host: str, port: int, allow_private: bool) -> str:
    """Return the address to connect to; raises `DeliveryRefused` if any that the name has is not public."""
    found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    addresses = [str(place[4][0]) for place in found]
    if not addresses or not (allow_private or all(map(is_public_address, addresses))):
        raise DeliveryRefused("WEBHOOK_ADDRESS")
    return addresses[0]


async def deliver(client: httpx.AsyncClient, url: str, body: bytes, key: SigningKey, allow_private: bool) -> int:
    """Send one event and return the status. Raises `DeliveryRefused`, `OSError`, `TimeoutError`, `httpx.HTTPError`."""
    named = httpx.URL(url)
    if named.scheme != "https" and not allow_private:
        raise DeliveryRefused("WEBHOOK_ADDRESS")
    async with asyncio.timeout(SECONDS):
        address = await judged_address(
            named.host, named.port or (443 if named.scheme == "https" else 80), allow_private
        )
        headers = signed_headers(key, url, body, int(time.time())) | {"host": named.netloc.decode()}
        # The certificate is still that of the name.
        tls = {"sni_hostname": named.host}
        target = named.copy_with(host=address)
        async with client.stream("POST", target, content=body, headers=headers, extensions=tls) as answer:
            return answer.status_code


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a webhook is: the next index, failures in a row, whether it is switched off, and for which address."""

    next: int
    failures: int = 0
    disabled: bool = False
    address: str = ""


class Dispatcher:
    """Delivers to all webhooks; in one process at a time, whichever holds the lock of the folder."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        feed: Feed,
        metrics: Metrics,
        wait: Callable[[int], float] = lambda failures: min(2.0**failures, LONGEST_WAIT),
    ) -> None:
        """Deliver what `feed` gives; `wait` tells the seconds before the next try after so many failures."""
        self._home, self._settings, self._feed, self._metrics, self._wait = home, settings, feed, metrics, wait
        self._folder = home.folder / "run" / "webhooks"

    async def run(self) -> None:
        """Deliver until cancelled; without webhooks return at once.

        Should a fault of our own end it, it begins again where it was, here or in another worker.
        """
        while self._settings.webhooks and not self._feed.closed:
            try:
                await self._run()
            except Exception as error:
                tell("webhooks failed", logging.ERROR, error)
            await asyncio.sleep(OTHERS_SECONDS)

    async def _run(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("wb") as lock:
            while not _locked(lock.fileno()):
                await asyncio.sleep(OTHERS_SECONDS)
            key = webhook_key(self._home)
            async with httpx.AsyncClient(timeout=SECONDS, follow_redirects=False, trust_env=False) as client:
                await asyncio.gather(*(self._serve(client, key, hook) for hook in self._settings.webhooks))

    async def _serve(self, client: httpx.AsyncClient, key: SigningKey, hook: Webhook) -> None:
        standing = self.standing(hook)
        while not standing.disabled and not self._feed.closed:
            async with aclosing(self._feed.follow(standing.next, LONGEST_WAIT)) as items:
                async for item in items:
                    if item is None or (hook.kinds and item.kind not in hook.kinds):
                        continue
                    standing = await self._until_taken(client, key, hook, replace(standing, next=item.index), item)
                    if standing.disabled:
                        tell("webhook disabled", webhook=hook.name)
                        return

    async def _until_taken(
        self, client: httpx.AsyncClient, key: SigningKey, hook: Webhook, standing: Standing, item: Item
    ) -> Standing:
        body = cloud_event(item, self._home.origin)
        while True:
            standing, wait = self._after(standing, item, await self._try(client, key, hook, body))
            self._keep(hook, standing)
            if standing.disabled or standing.next > item.index:
                return standing
            await asyncio.sleep(wait)

    def _after(self, standing: Standing, item: Item, status: int) -> tuple[Standing, float]:
        """Return how a webhook stands after an answer (0 where there was none), and how long to wait."""
        if 200 <= status < 300:
            self._metrics.delivered("taken")
            return replace(standing, next=item.index + 1, failures=0), 0
        failures = standing.failures + 1
        disabled = status == GONE or failures >= self._settings.webhook_failures
        self._metrics.delivered("disabled" if disabled else "failed")
        return replace(standing, failures=failures, disabled=disabled), self._wait(failures)

    async def _try(self, client: httpx.AsyncClient, key: SigningKey, hook: Webhook, body: bytes) -> int:
        try:
            return await deliver(client, str(hook.url), body, key, self._settings.webhook_private_addresses)
        except (LedgerError, OSError, TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            tell("webhook failed", webhook=hook.name, error_type=type(error).__name__)
            return 0

    def standing(self, hook: Webhook) -> Standing:
        """Return how a webhook stands on file; one with a new address begins unblamed, where the old one was."""
        address = hashlib.sha256(str(hook.url).encode()).hexdigest()
        try:
            found = Standing(**json.loads((self._folder / f"{hook.name}.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return Standing(hook.start, address=address)
        return found if found.address == address else Standing(found.next, address=address)

    def _keep(self, hook: Webhook, standing: Standing) -> None:
        path = self._folder / f"{hook.name}.json"
        fresh = path.with_suffix(".new")
        told = {name: getattr(standing, name) for name in Standing.__slots__}
        try:
            fresh.write_text(json.dumps(told))
            os.replace(fresh, path)
        except OSError:
            # Only what was delivered may be delivered again.
            tell("webhook not kept", webhook=hook.name)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
