"""An identity provider of our own, on a real socket and with real keys, that can be told to lie in any one respect."""

import asyncio
import base64
import json
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeAlias

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

CLIENT, SECRET, SUBJECT = "ledger", "the client's own secret", "subject-1"
Key: TypeAlias = "rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey"
Claims: TypeAlias = dict[str, Any]

KEYS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


def public_jwk(key: Key, algorithm: str, kid: str) -> dict[str, Any]:
    """Return a public key as the provider publishes it."""
    told: dict[str, Any] = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key()))
    return told | {"alg": algorithm, "kid": kid, "use": "sig"}


@dataclass
class Issuer:
    """What it signs with and publishes; `claims`, `token` and `described` change what it says."""

    url: str = ""
    algorithm: str = "ES256"
    kid: str = "1"
    subject: str = SUBJECT
    key: Any = None
    claims: Callable[[Claims], Claims] = dict
    signs: Callable[[Claims], str] | None = None
    token: Callable[[str], str] = str
    described: Callable[[Claims], Claims] = dict
    now: int = 0
    status: int = 200
    pause: float = 0
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def sign_with(self, algorithm: str) -> None:
        """Sign with a new key from now on."""
        self.algorithm, self.key, self.kid = algorithm, KEYS[algorithm](), secrets.token_hex(4)

    def sign(self, claims: Claims) -> str:
        """Return a token that says this."""
        if self.signs is not None:
            return self.signs(claims)
        return jwt.encode(claims, self.key, algorithm=self.algorithm, headers={"kid": self.kid})

    @property
    def published(self) -> dict[str, Any]:
        """Its present key."""
        return public_jwk(self.key, self.algorithm, self.kid)

    async def describe(self, request: Request) -> Response:
        """Say where everything is."""
        self.asked.append("describe")
        told = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        if not self.pause:
            return JSONResponse(self.described(told), self.status)

        async def dripping() -> AsyncIterator[bytes]:
            for byte in json.dumps(told).encode():
                yield bytes([byte])
                await asyncio.sleep(self.pause)

        return StreamingResponse(dripping())

    async def keys(self, request: Request) -> Response:
        """Publish the key, beside a shared secret that nobody should publish."""
        self.asked.append("keys")
        shared = {"kty": "oct", "k": base64.urlsafe_b64encode(b"s" * 32).decode().rstrip("="), "kid": "shared"}
        return JSONResponse({"keys": [shared, self.published]})

    async def authorize(self, request: Request) -> Response:
        """Let the one user in, and send the browser back with a code."""
        query = dict(request.query_params)
        assert (query["response_type"], query["scope"], query["client_id"]) == ("code", "openid", CLIENT)
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return RedirectResponse(f"{query['redirect_uri']}?code={code}&state={query['state']}", 302)

    async def exchange(self, request: Request) -> Response:
        """Give the token for a code, once, to the client that began."""
        self.asked.append("token")
        form = await request.form()
        began = self.codes.pop(str(form["code"]), None)
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if began is None or request.headers.get("authorization") != basic:
            return JSONResponse({"error": "invalid_grant"}, 400)
        proof = base64.urlsafe_b64encode(sha256(str(form["code_verifier"]).encode()).digest()).decode().rstrip("=")
        if proof != began["code_challenge"] or form["redirect_uri"] != began["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        seconds = self.now // 1000
        claims = {"iss": self.url, "aud": CLIENT, "sub": self.subject, "nonce": began["nonce"]}
        said = self.claims(claims | {"iat": seconds, "exp": seconds + 300})
        return JSONResponse({"id_token": self.token(self.sign(said)), "token_type": "Bearer"})

    def app(self) -> Starlette:
        """Return it as an application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.describe),
                Route("/keys", self.keys),
                Route("/authorize", self.authorize),
                Route("/token", self.exchange, methods=["POST"]),
            ]
        )


@contextmanager
def running_issuer(now: int) -> Iterator[Issuer]:
    """Run one while the block runs."""
    issuer = Issuer(now=now)
    issuer.sign_with("ES256")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        issuer.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(issuer.app(), log_config=None, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            server.should_exit = True
            thread.join(10)
