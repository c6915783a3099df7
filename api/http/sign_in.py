"""Signing in: a challenge of ours, signed by an enrolled key, becomes a session for a short time.

Signed is `ballot-ledger sign-in v1`, the service's address and the challenge, a line each: so a signature is good for
nothing else, and here alone. A challenge is a random value under our own key, so that asking for one leaves nothing
behind; the session that it opens spends it. Whether a key is known shows in no answer. A session authorises reading
only, never a statement, and ends with its key. One that an identity provider opened (`api.http.oidc`) is marked as
such: it ends with the organiser's role, and lends no other.
"""

import base64
import binascii
import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from api.client import sign_in_text as message
from api.http.audience import ANONYMOUS, Forbidden, Viewer, viewer_of
from api.http.context import Context
from ledger.errors import StoreError
from ledger.procedure.acts import ORGANISER
from ledger.roll import Key
from ledger.selection import Selection
from ledger.signing import SigningKey, verify_ed25519
from ledger.store.access import AccessBook, Session

ELSEWHERE = "oidc:"
"""Where a session's key would stand, of one that an identity provider opened: this and a hash of its subject."""
_RANDOM, _TIME, _TAG = 16, 8, 32
_NOBODY = SigningKey.from_seed(bytes(32)).public
"""Checked against where a key is not known, so that the answer takes as long."""


def address_of(context: Context) -> str:
    """Return the address that challenges are bound to: the public one, else where the service listens."""
    settings = context.settings
    shown = str(settings.public_url) if settings.public_url else f"http://{settings.host}:{settings.port}"
    return shown.rstrip("/")


class Desk:
    """Where people sign in; the key behind challenges is one for all workers of a ledger's folder."""

    def __init__(self, context: Context) -> None:
        """Sign in to the service of this context. Raises `StoreError` `HOME_UNUSABLE`."""
        self._context = context
        self._book = AccessBook(context.store)
        self._key = shared_key(context.home.folder / "challenge.key")

    def challenge(self, now: int) -> tuple[str, int]:
        """Return a challenge, the same for whoever asks, and when it lapses (UTC ms)."""
        lapses = now + 1000 * self._context.settings.challenge_seconds
        body = secrets.token_bytes(_RANDOM) + lapses.to_bytes(_TIME, "big")
        return _text(body + self._tag(body)), lapses

    def open(self, challenge: str, key: str, signature: str, now: int) -> tuple[str, Session]:
        """Return the token of a new session, and the session. Raises `Forbidden` `SIGN_IN_FAILED`, whatever failed."""
        enrolled = self._context.reader.now(lambda state: _enrolled(state, key))
        signed = message(address_of(self._context), challenge)
        holds = verify_ed25519(enrolled.public if enrolled else _NOBODY, signed, _bytes(signature))
        if not self._is_ours(challenge, now) or enrolled is None or not holds:
            raise Forbidden("SIGN_IN_FAILED")
        token = secrets.token_bytes(32)
        expires = now + 1000 * max(self._context.settings.session_seconds, self._context.settings.challenge_seconds)
        session = Session(enrolled.person, enrolled.id, expires)
        if not self._book.open_session(_hash(challenge.encode()), _hash(token), session, now):
            raise Forbidden("SIGN_IN_FAILED")
        return _text(token), session

    def close(self, token: str) -> None:
        """End a session, if it is one."""
        self._book.close_session(_hash(_bytes(token)))

    def _is_ours(self, challenge: str, now: int) -> bool:
        data = _bytes(challenge)
        body, tag = data[: _RANDOM + _TIME], data[_RANDOM + _TIME :]
        lapses = int.from_bytes(body[_RANDOM:], "big")
        return _text(data) == challenge and hmac.compare_digest(tag, self._tag(body)) and now < lapses

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, address_of(self._context).encode() + b"\n" + body, "sha256")


def viewer_by(context: Context, token: str | None, now: int) -> Viewer:
    """Return who reads with a token, nobody known without one.

    The key must still be in force and the roles are those of this moment. Raises `Forbidden` `SIGN_IN_NEEDED` for a
    token of no open session.
    """
    if token is None:
        return ANONYMOUS
    session = AccessBook(context.store).session(_hash(_bytes(token)), now)
    elsewhere = context.settings.oidc is not None
    found = context.reader.now(lambda state: _viewer(state, session, elsewhere)) if session is not None else None
    if found is None:
        raise Forbidden("SIGN_IN_NEEDED")
    return found


def _viewer(state: Selection, session: Session, elsewhere: bool) -> Viewer | None:
    if session.key.startswith(ELSEWHERE):
        return organiser_of(state, session.person) if elsewhere else None
    return viewer_of(state, session.person) if _enrolled(state, session.key) is not None else None


def organiser_of(state: Selection, person: str) -> Viewer | None:
    """Return somebody as an organiser, with that role alone; None for whoever is none at this moment."""
    roles = viewer_of(state, person).roles & {ORGANISER}
    return Viewer(person, roles, "oidc") if roles else None


def _enrolled(state: Selection, key: str) -> Key | None:
    found = state.roll.keys.get(key)
    return found if found is not None and found.blocked is None and found.revoked is None else None


def _hash(value: bytes) -> bytes:
    return sha256(value).digest()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Return what base64 of either alphabet means; nothing where it means nothing."""
    try:
        wanted = text.replace("+", "-").replace("/", "_").rstrip("=")
        return base64.b64decode(wanted + "=" * (-len(wanted) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def shared_key(path: Path) -> bytes:
    """Return the key in a file, which whoever comes first writes whole."""
    try:
        if not path.exists():
            draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(32))
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_bytes()
    except OSError as error:
        raise StoreError("HOME_UNUSABLE", path=str(path.parent), reason=str(error.strerror)) from None
