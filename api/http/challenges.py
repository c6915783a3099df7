"""Hooks that hold up machines which vote: what a voter shows before their ballot goes in (dispute F01).

`BALLOT_LEDGER_POLL_CHALLENGE=module:name` names one: these, or one that asks a CAPTCHA's server. What it lets pass is
still bound by credential, rates and the rules; it decides nothing about the vote and is never told the choice.
"""

import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

MINUTE_MS = 60_000
KEY_FILE = "BALLOT_LEDGER_CHALLENGE_KEY_FILE"
_WORK = re.compile(r"(\d{1,10})\.([0-9a-f]{1,32})", re.ASCII)
_TOKEN = re.compile(r"(\d{1,15})\.([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Challenged:
    """What a hook is told of a ballot: never the code and never the choice; `at` is UTC ms.

    `tag` stands for the credential, `address` is the client's as rates count it, `given` what the voter showed.
    """

    poll: str
    channel: str
    tag: bytes
    address: str
    given: str | None
    at: int


class Hook(Protocol):
    """Says whether a ballot may go in; `told` is what the poll's page shows a client of how to pass.

    It may wait for others, but is given up after a few seconds: then the ballot does not go in.
    """

    @property
    def told(self) -> Mapping[str, str | int]:
        """What a client must know to pass."""

    async def __call__(self, asked: Challenged) -> bool:
        """Say whether the ballot may go in."""


def _label(kind: str, poll: str, tag: bytes, value: int) -> bytes:
    return b"ballot-ledger %b v1\n%b\n%b\n%d\n" % (kind.encode(), poll.encode(), tag.hex().encode(), value)


@dataclass(frozen=True, slots=True)
class ProofOfWork:
    """A number that takes some hashing to find, for this credential in this poll and these minutes.

    What is shown is `<minute>.<number in hexadecimal>`, such that SHA-256 of `ballot-ledger work v1`, the poll, the
    credential's tag in hexadecimal, the minute (since 1970) and the number, each on a line, begins with `bits` zeros.
    To show it twice gains nothing: the credential votes once.
    """

    bits: int
    minutes: int = 10

    @property
    def told(self) -> Mapping[str, str | int]:
        """How much work, and for how long it holds."""
        return {"kind": "proof_of_work", "bits": self.bits, "minutes": self.minutes}

    async def __call__(self, asked: Challenged) -> bool:
        """Hold the number against the credential and the time."""
        found = _WORK.fullmatch(asked.given or "")
        if found is None:
            return False
        minute, now = int(found[1]), asked.at // MINUTE_MS
        return now - self.minutes <= minute <= now + 1 and self._holds(asked.poll, asked.tag, minute, found[2])

    def _holds(self, poll: str, tag: bytes, minute: int, number: str) -> bool:
        digest = sha256(_label("work", poll, tag, minute) + number.encode()).digest()
        return int.from_bytes(digest, "big") >> (256 - self.bits) == 0

    def solve(self, poll: str, tag: bytes, at: int) -> str:
        """Return what a client shows, after the work; `at` is UTC ms."""
        minute, number = at // MINUTE_MS, secrets.randbits(64)
        while not self._holds(poll, tag, minute, f"{number:x}"):
            number += 1
        return f"{minute}.{number:x}"


@dataclass(slots=True)
class SignedToken:
    """What a page of the organiser's own gives out once somebody passed it, under a key that both know.

    A token is `<expires, UTC ms>.<HMAC-SHA256 in hexadecimal>` over `ballot-ledger token v1`, the poll, the tag of
    the credential in hexadecimal and `expires`, each on a line. The key is the content of the file that
    `BALLOT_LEDGER_CHALLENGE_KEY_FILE` names, at least 16 bytes; without it nobody passes.
    """

    told: Mapping[str, str | int] = field(default_factory=lambda: {"kind": "signed_token"})
    _key: bytes | None = None

    async def __call__(self, asked: Challenged) -> bool:
        """Hold the token against poll, credential and time."""
        found = _TOKEN.fullmatch(asked.given or "")
        if found is None or int(found[1]) < asked.at:
            return False
        return hmac.compare_digest(self.token(asked.poll, asked.tag, int(found[1])), found[0])

    def token(self, poll: str, tag: bytes, expires: int) -> str:
        """Return the token for a credential. Raises `OSError` if there is no key, `ValueError` if it is too short."""
        if self._key is None:
            key = Path(os.environ.get(KEY_FILE, "")).read_bytes()
            if len(key) < 16:
                raise ValueError("the key of challenges is too short")
            self._key = key
        return f"{expires}.{hmac.digest(self._key, _label('token', poll, tag, expires), 'sha256').hex()}"


proof_of_work: Hook = ProofOfWork(16)
signed_token: Hook = SignedToken()
