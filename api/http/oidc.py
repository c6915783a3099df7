"""Signing in at an identity provider, for organisers, to read: the code flow with PKCE, bound to one browser.

Whoever begins gets a cookie; state, nonce and PKCE verifier follow from it and from our own key, so that nothing is
kept until somebody has signed in. The state is spent by the session that it opens. Who a subject is, a file says; that
person must be an organiser by the roll, at the sign-in and at each reading after it, and reads as nothing else. No
session signs a statement. Whatever does not hold gets one and the same answer.
"""

import base64
import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from api.http.audience import Forbidden, Viewer
from api.http.context import Context
from api.http.settings import Oidc
from api.http.sign_in import ELSEWHERE, address_of, organiser_of, shared_key
from api.problems import HttpError
from ledger.errors import StoreError
from ledger.store.access import AccessBook, Session

CALLBACK = "/v1/session/oidc/callback"
STATE_SECONDS = 600
"""From the beginning to the return; then one begins again."""
ASK_SECONDS = 5
"""For each step of an answer, and `MOST_SECONDS` for all of it, or an answer that drips would hold up everybody."""
MOST_SECONDS = 10
MOST_BYTES = 256 << 10
KNOWN_SECONDS = 600
"""How long the provider's description and keys are taken for its present ones."""
AGAIN_SECONDS = 30
"""Before keys are asked for again because a token names one that is not known."""
MOST_AT_ONCE = 4
_RANDOM, _TIME = 16, 8


def failed() -> Forbidden:
    """Return what is answered whatever it is that does not hold."""
    return Forbidden("SIGN_IN_ELSEWHERE_FAILED")


def away() -> HttpError:
    """Return what is answered while the provider does not."""
    return HttpError("SIGN_IN_ELSEWHERE_AWAY", 503)


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that begins: where to send the browser, and the cookie it is bound to."""

    address: str
    cookie: str


class Provider:
    """The identity provider as it describes itself; safe from any thread."""

    def __init__(self, settings: Oidc) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._lock, self._room = threading.Lock(), threading.BoundedSemaphore(MOST_AT_ONCE)
        self._known: dict[str, tuple[float, Mapping[str, Any]]] = {}

    @property
    def issuer(self) -> str:
        """Its address, without a stroke at the end."""
        return str(self._settings.issuer).rstrip("/")

    @property
    def name(self) -> str:
        """Its name exactly as it writes it, which its tokens must bear."""
        return str(self._description()["issuer"])

    def address(self, name: str) -> str:
        """Return one of its addresses. Raises `HttpError` `SIGN_IN_ELSEWHERE_AWAY`."""
        found = self._description().get(name)
        if not isinstance(found, str) or urlsplit(found).scheme not in ("https", urlsplit(self.issuer).scheme):
            raise away()
        return found

    def keys(self, *, anew: bool = False) -> list[Mapping[str, Any]]:
        """Return its published keys; `anew` for those of this moment, unless they were just read."""
        found = self._read(self.address("jwks_uri"), AGAIN_SECONDS if anew else KNOWN_SECONDS).get("keys")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def exchange(self, code: str, verifier: str, redirect: str) -> str:
        """Return the ID token that a code is good for. Raises `Forbidden`, and `HttpError` if it does not answer."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        settings = self._settings
        secret = settings.client_secret.get_secret_value()
        told = self._ask("POST", self.address("token_endpoint"), data=form, auth=(settings.client_id, secret))
        if told is None or not isinstance(token := told.get("id_token"), str):
            raise failed()
        return token

    def _description(self) -> Mapping[str, Any]:
        found = self._read(f"{self.issuer}/.well-known/openid-configuration", KNOWN_SECONDS)
        if str(found.get("issuer", "")).rstrip("/") != self.issuer:
            raise away()
        return found

    def _read(self, address: str, seconds: float) -> Mapping[str, Any]:
        with self._lock:
            at, found = self._known.get(address, (0.0, {}))
            if not found or time.monotonic() - at > seconds:
                told = self._ask("GET", address)
                if told is None:
                    raise away()
                found = told
                self._known[address] = (time.monotonic(), found)
            return found

    def _ask(self, method: str, address: str, **sent: Any) -> Mapping[str, Any] | None:
        """Return the JSON object that is answered; None for an answer that refuses."""
        if not self._room.acquire(timeout=ASK_SECONDS):
            raise away()
        until = time.monotonic() + MOST_SECONDS
        try:
            accepted = {"accept": "application/json"}
            with httpx.stream(method, address, headers=accepted, timeout=ASK_SECONDS, **sent) as answer:
                data = b""
                for piece in answer.iter_bytes():
                    data += piece
                    if len(data) > MOST_BYTES or time.monotonic() > until:
                        raise away()
            if answer.status_code >= 500:
                raise away()
            told = json.loads(data)
        except (httpx.HTTPError, ValueError, RecursionError):
            raise away() from None
        finally:
            self._room.release()
        return told if answer.status_code == 200 and isinstance(told, dict) else None


class Elsewhere:
    """The desk for those who sign in at the provider."""

    def __init__(self, context: Context, settings: Oidc, provider: Provider) -> None:
        """Sign in to the service of this context."""
        self._context, self._settings, self._provider = context, settings, provider
        self._key = shared_key(context.home.folder / "challenge.key")

    @property
    def redirect(self) -> str:
        """Where the provider sends the browser back to."""
        return address_of(self._context) + CALLBACK

    def begin(self, now: int) -> Begun:
        """Return where to sign in."""
        cookie = _text(secrets.token_bytes(32))
        body = secrets.token_bytes(_RANDOM) + (now + 1000 * STATE_SECONDS).to_bytes(_TIME, "big")
        state = _text(body + self._derived("state", cookie, body))
        challenge = _text(sha256(self._verifier(state, cookie).encode()).digest())
        query = {
            "client_id": self._settings.client_id,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "nonce": self._nonce(state, cookie),
            "redirect_uri": self.redirect,
            "response_type": "code",
            "scope": "openid",
            "state": state,
        }
        address = self._provider.address("authorization_endpoint")
        return Begun(f"{address}{'&' if '?' in address else '?'}{urlencode(query)}", cookie)

    def finish(self, code: str, state: str, cookie: str, now: int) -> tuple[str, Session, Viewer]:
        """Return the token of a new session, the session and who it is.

        Raises `Forbidden` `SIGN_IN_ELSEWHERE_FAILED`, whatever failed; `HttpError` if the provider does not answer.
        """
        from api.http.id_token import KeyNotPublished, NotProven, subject_of  # noqa: PLC0415

        if not self._is_ours(state, cookie, now):
            raise failed()
        token = self._provider.exchange(code, self._verifier(state, cookie), self.redirect)
        about = self._provider.name, self._settings.client_id, self._nonce(state, cookie), now
        try:
            try:
                subject = subject_of(token, self._provider.keys(), *about)
            except KeyNotPublished:
                subject = subject_of(token, self._provider.keys(anew=True), *about)
        except NotProven:
            raise failed() from None
        return self._open(state, subject, now)

    def _open(self, state: str, subject: str, now: int) -> tuple[str, Session, Viewer]:
        person = people(self._settings.people).get(subject)
        viewer = self._context.reader.now(lambda found: organiser_of(found, person)) if person is not None else None
        if viewer is None or viewer.person is None:
            raise failed()
        token, key = secrets.token_bytes(32), ELSEWHERE + sha256(subject.encode()).hexdigest()
        session = Session(viewer.person, key, now + 1000 * self._context.settings.session_seconds)
        spent = sha256(state.encode()).digest()
        if not AccessBook(self._context.store).open_session(spent, sha256(token).digest(), session, now):
            raise failed()
        return _text(token), session, viewer

    def _is_ours(self, state: str, cookie: str, now: int) -> bool:
        data = _bytes(state)
        body, tag = data[: _RANDOM + _TIME], data[_RANDOM + _TIME :]
        lapses = int.from_bytes(body[_RANDOM:], "big")
        ours = hmac.compare_digest(tag, self._derived("state", cookie, body))
        return bool(cookie) and _text(data) == state and ours and now < lapses

    def _nonce(self, state: str, cookie: str) -> str:
        return _text(self._derived("nonce", cookie, state.encode()))

    def _verifier(self, state: str, cookie: str) -> str:
        return _text(self._derived("verifier", cookie, state.encode()))

    def _derived(self, name: str, cookie: str, body: bytes) -> bytes:
        head = f"ballot-ledger oidc {name} v1\n{address_of(self._context)}\n{self._provider.issuer}\n{cookie}\n"
        return hmac.digest(self._key, head.encode() + body, "sha256")


def people(path: Path) -> Mapping[str, str]:
    """Read who is who at the provider. Raises `StoreError` `HOME_UNUSABLE` for a file that others may write."""
    try:
        if path.stat().st_mode & 0o022:
            raise StoreError("HOME_UNUSABLE", path=str(path), reason="others may write")
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise StoreError("HOME_UNUSABLE", path=str(path), reason=str(error.strerror)) from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise StoreError("HOME_UNUSABLE", path=str(path), reason="JSON")
    return found


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
