"""An identity provider's word about who signed in: its ID token, checked against its published keys.

Only signatures by a private key count (RS256, ES256, EdDSA), and only by the algorithm of the key that is named: a
token without a signature, or one that takes a public key for a shared secret, is none. Needs PyJWT (extra `oidc`).
"""

import hmac
from collections.abc import Iterable, Mapping
from typing import Any

import jwt

KINDS = frozenset({"RSA", "EC", "OKP"})
ALGORITHMS = ("RS256", "ES256", "EdDSA")
LEEWAY_SECONDS = 30
LONGEST_SUBJECT = 255
LONGEST_TOKEN = 16 << 10
_NEEDED = ["aud", "exp", "iat", "iss", "nonce", "sub"]


class NotProven(Exception):
    """The token does not say who signed in here; why is nobody's business outside."""


class KeyNotPublished(NotProven):
    """The token names a key that is not among those that were read."""


def subject_of(token: str, keys: Iterable[Mapping[str, Any]], issuer: str, client_id: str, nonce: str, now: int) -> str:
    """Return the subject that a token proves to have signed in, at `now` (UTC ms), for the request with this nonce.

    Raises `KeyNotPublished`, and `NotProven` for everything else that does not hold.
    """
    if len(token) > LONGEST_TOKEN:
        raise NotProven
    try:
        header = jwt.get_unverified_header(token)
        key = _key(header, keys)
        # Times are judged by the clock that is given, below.
        options: Any = {"require": _NEEDED, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=[key.algorithm_name], audience=client_id, issuer=issuer, options=options
        )
    except jwt.PyJWTError:
        raise NotProven from None
    _check_times(claims, now)
    if not isinstance(claims["nonce"], str) or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
        raise NotProven
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise NotProven
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise NotProven
    return subject


def _key(header: Mapping[str, Any], keys: Iterable[Mapping[str, Any]]) -> jwt.PyJWK:
    """Return the published key that a token names, if its algorithm is that key's own."""
    named = header.get("kid")
    usable = [one for one in keys if one.get("kty") in KINDS and one.get("use", "sig") == "sig"]
    found = [one for one in usable if one.get("kid") == named] if named is not None else usable
    if not found:
        raise KeyNotPublished
    if len(found) > 1:
        raise NotProven
    key = jwt.PyJWK(dict(found[0]))
    if key.algorithm_name not in ALGORITHMS or header.get("alg") != key.algorithm_name or "crit" in header:
        raise NotProven
    return key


def _check_times(claims: Mapping[str, Any], now: int) -> None:
    seconds = now // 1000
    times = [claims["exp"], claims["iat"], claims.get("nbf", 0)]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in times):
        raise NotProven
    expires, issued, valid = times
    if not (seconds < expires + LEEWAY_SECONDS and max(issued, valid) <= seconds + LEEWAY_SECONDS):
        raise NotProven
