"""What a public ballot passes before it is handed in: rates of its address and credential, the challenge, its origin.

Nothing here knows a choice or keeps an address: the origin tag of a ballot is a keyed hash of the client's address
(IPv6 by its /64) under a secret of that poll alone. The secret lies in the ledger's folder as
`origin-secrets/<poll>.secret` and in no log; once it is deleted, nobody can tell any more where a ballot came from.
"""

import asyncio
import hmac
import logging
import os
import secrets
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from importlib import import_module
from pathlib import Path

from api.http.challenges import Challenged, Hook
from api.http.limits import Rate
from api.http.logs import tell
from api.http.settings import Settings
from api.problems import HttpError
from ledger.errors import StoreError
from ledger.opening import Home
from ledger.poll_rows import ORIGIN_BYTES, UNKNOWN_ORIGIN

HOOK_SECONDS = 10
SECRET_BYTES = 32
LOCAL = "local"
"""How an address is written that is not known (`limits.address_of`)."""


class Gate:
    """What one worker remembers of rates, and the secrets of the polls it takes ballots for."""

    def __init__(self, home: Home, settings: Settings) -> None:
        """Read the settings. Raises `StoreError` `CHALLENGE_HOOK_UNUSABLE`."""
        limits = settings.limits
        self._folder = home.folder / "origin-secrets"
        self._secrets: dict[str, bytes] = {}
        self._addresses = Rate(limits.ballots_a_minute, limits.ballot_burst, limits.addresses)
        self._tags = Rate(limits.credential_tries_a_minute, limits.credential_burst, limits.addresses)
        self._strangers = Rate(limits.unknown_credentials_a_minute, limits.unknown_credential_burst, limits.addresses)
        self._hook = load_hook(settings.poll_challenge) if settings.poll_challenge else None

    @property
    def challenge(self) -> Mapping[str, str | int] | None:
        """What a client must know to pass the challenge; None where there is none."""
        return dict(self._hook.told) if self._hook is not None else None

    def admit(self, address: str, tag: bytes) -> None:
        """Count a ballot, or asking for a receipt, for a known credential or not. Raises `HttpError` `RATE_LIMITED`."""
        wait = self._strangers.wait(address) or self._addresses.take(address) or self._tags.take(tag.hex())
        if wait:
            raise HttpError("RATE_LIMITED", HTTPStatus.TOO_MANY_REQUESTS, {"retry-after": str(wait)})

    def stranger(self, address: str) -> None:
        """Count a credential that turned out to be nobody's."""
        self._strangers.take(address)

    def knows(self, poll: str) -> bool:
        """Whether ballots of a poll were let in before."""
        return poll in self._secrets

    def learn(self, poll: str) -> None:
        """Have the secret of a poll that exists, made now if this is the first ballot. Raises `StoreError`."""
        self._secrets[poll] = secret_of(self._folder, poll)

    def origin(self, poll: str, address: str) -> bytes:
        """Return the origin tag of an address in a poll that is known."""
        return UNKNOWN_ORIGIN if address == LOCAL else _origin(self._secrets[poll], address)

    async def challenged(self, asked: Challenged) -> None:
        """Let a ballot pass or not; a hook that fails or takes too long lets nobody pass.

        Raises `HttpError` `CHALLENGE_FAILED`.
        """
        if self._hook is None:
            return
        try:
            async with asyncio.timeout(HOOK_SECONDS):
                passed = await self._hook(asked)
        except Exception as error:
            tell("challenge failed by a fault", logging.ERROR, error)
            passed = False
        if passed is not True:
            raise HttpError("CHALLENGE_FAILED", HTTPStatus.FORBIDDEN)


@lru_cache(maxsize=4096)
def _origin(secret: bytes, address: str) -> bytes:
    return hmac.digest(secret, address.encode(), "sha256")[:ORIGIN_BYTES]


def load_hook(named: str) -> Hook:
    """Return the hook `module:name`. Raises `StoreError` `CHALLENGE_HOOK_UNUSABLE`."""
    module, _, name = named.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise StoreError("CHALLENGE_HOOK_UNUSABLE", hook=named, reason=type(error).__name__) from None
    if not callable(found) or not isinstance(getattr(found, "told", None), Mapping):
        raise StoreError("CHALLENGE_HOOK_UNUSABLE", hook=named, reason="no hook")
    hook: Hook = found
    return hook


def secret_of(folder: Path, poll: str) -> bytes:
    """Return the secret of a poll from its file, made if there is none; of several workers the first makes it.

    Raises `StoreError` `HOME_UNUSABLE`.
    """
    path = folder / f"{poll}.secret"
    try:
        if not path.exists():
            _make(path)
        found = path.read_bytes()
    except OSError as error:
        raise StoreError("HOME_UNUSABLE", path=str(path), reason=error.strerror or "-") from None
    if len(found) != SECRET_BYTES:
        raise StoreError("HOME_UNUSABLE", path=str(path), reason="length")
    return found


def _make(path: Path) -> None:
    """Write a file that is there whole or not at all, and keeps what another process wrote first."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        if not path.exists():
            os.link(made, path)
    except FileExistsError:
        pass
    finally:
        made.unlink()
