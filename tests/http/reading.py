"""Reading a service as somebody: a play that has come to its notice, and clients signed in by their enrolled keys."""

import asyncio
import base64
from collections.abc import Callable, Coroutine
from typing import Any

import httpx

from api.rehearsal.driver import World
from ledger.signing import SigningKey, key_id
from tests.http.conftest import Service

REASON = {"read-reason": "%E6%9F%A5%E9%98%85 round by round"}
Asking = Callable[[httpx.AsyncClient], Coroutine[Any, Any, Any]]


def ask(service: Service, asking: Asking, **headers: str) -> Any:
    """Let a client ask."""

    async def all_of_it() -> Any:
        async with service.client(**headers) as client:
            return await asking(client)

    return asyncio.run(all_of_it())


async def challenged(client: httpx.AsyncClient, key: SigningKey) -> dict[str, str]:
    """Ask for a challenge and return the body that signs in with it."""
    given = (await client.post("/v1/session/challenge")).json()
    signature = base64.b64encode(key.sign(given["message"].encode())).decode()
    return {"challenge": given["challenge"], "key": key_id(key.public), "signature": signature}


async def signed_in(client: httpx.AsyncClient, world: World, alias: str | None) -> dict[str, str]:
    """Return the header with which somebody reads; none for nobody."""
    if alias is None:
        return {}
    answer = await client.post("/v1/session", json=await challenged(client, world.actor(alias).key))
    assert answer.status_code == 201, answer.text
    return {"authorization": f"Bearer {answer.json()['token']}"}


def get(service: Service, alias: str | None, path: str, **headers: str) -> httpx.Response:
    """Read a path as somebody."""

    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get(path, headers=await signed_in(client, service.world, alias) | headers)

    found: httpx.Response = ask(service, asking)
    return found
