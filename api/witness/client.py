"""Talking to witnesses: one request with a bounded answer, and what each of them last saw of a log.

A witness is reached at the URL that the policy gives: `POST <url>/add-checkpoint`, and for reading
`GET <url>/<hash of the origin>/checkpoint`. Nothing a witness sends is believed but signatures of known keys.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import httpx

from api.witness.memory import origin_name
from api.witness.message import SIZE_TYPE, encode
from ledger.checkpoint import MAX_NOTE_BYTES, Checkpoint, VerifierKey, parse_decimal
from ledger.cosignature import Cosigned, NoteOpener, open_cosigned
from ledger.errors import LedgerError, VerificationError
from ledger.witness_policy import Policy, Witness

SECONDS = 10.0
START_SECONDS = 3.0
"""How long a start of the service waits for witnesses altogether."""
MOST_STEPS = 3
"""An answer that comes a byte at a time is given up after so many times the seconds of a step."""

T = TypeVar("T")


class WitnessUnreachable(LedgerError):
    """A witness that gives no usable answer now (`WITNESS_UNREACHABLE`); asked again later."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A witness's answer as received: status, body, and the size a 409 tells (None elsewhere)."""

    status: int
    body: bytes
    size: int | None = None


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The newest tree of a log that a witness cosigned: its policy name, the tree, and the note that shows it."""

    name: str
    checkpoint: Checkpoint
    note: bytes


class WitnessClient:
    """A connection to one witness; for one thread at a time."""

    def __init__(self, witness: Witness, seconds: float = SECONDS) -> None:
        """Talk to `witness`, waiting at most so long for each step. Raises `WITNESS_UNREACHABLE` without a URL."""
        if witness.url is None or not witness.url.startswith(("https://", "http://")):
            raise WitnessUnreachable("WITNESS_UNREACHABLE", witness=witness.name, reason="url")
        self.witness = witness
        self._url = witness.url.rstrip("/")
        # No proxy or credentials from the environment: where checkpoints go is for the policy to say.
        self._seconds = seconds
        self._http = httpx.Client(timeout=seconds, follow_redirects=False, trust_env=False)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> "WitnessClient":
        """Return it."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the connection."""
        self.close()

    def add(self, old: int, proof: tuple[bytes, ...], note: bytes) -> Reply:
        """Submit a checkpoint with the proof from `old` on. Raises `WITNESS_UNREACHABLE`."""
        status, kind, body = self._request("POST", "/add-checkpoint", encode(old, proof, note))
        size = None
        if status == 409 and kind == SIZE_TYPE and body.endswith(b"\n"):
            size = parse_decimal(body[:-1].decode("ascii", "replace"))
        return Reply(status, body, size)

    def newest(self, origin: str) -> bytes | None:
        """Return the newest note this witness cosigned for `origin`, unverified; None if it has none."""
        status, _, body = self._request("GET", f"/{origin_name(origin)}/checkpoint", None)
        if status == 404:
            return None
        if status != 200:
            raise self._unreachable(str(status))
        return body

    def _request(self, method: str, path: str, content: bytes | None) -> tuple[int, str, bytes]:
        # Each step has its time; an answer that comes a byte at a time has one for the whole of it.
        until = time.monotonic() + MOST_STEPS * self._seconds
        try:
            with self._http.stream(method, self._url + path, content=content) as answer:
                body = bytearray()
                for chunk in answer.iter_raw():
                    body += chunk
                    if len(body) > MAX_NOTE_BYTES:
                        raise self._unreachable("size")
                    if time.monotonic() > until:
                        raise self._unreachable("slow")
                return answer.status_code, answer.headers.get("content-type", ""), bytes(body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise self._unreachable(type(error).__name__) from None

    def _unreachable(self, reason: str) -> WitnessUnreachable:
        return WitnessUnreachable("WITNESS_UNREACHABLE", witness=self.witness.name, reason=reason)


def open_by_witness(note: bytes, log: VerifierKey | NoteOpener, witness: Witness) -> Cosigned:
    """Verify a note that must bear the log's signature and this witness's; `NOTE_UNSIGNED` if the latter is not there.

    Other errors as `open_cosigned`.
    """
    cosigned = open_cosigned(note, log, (witness.key,))
    if not cosigned.by:
        raise VerificationError("NOTE_UNSIGNED", key=witness.name)
    return cosigned


def ask_newest(policy: Policy, log: VerifierKey | NoteOpener, origin: str, seconds: float) -> tuple[LastSeen, ...]:
    """Return what every witness that answers in time last cosigned of a log; unverifiable answers count as none."""

    def ask(witness: Witness) -> LastSeen | None:
        try:
            with WitnessClient(witness, seconds) as client:
                note = client.newest(origin)
            if note is None:
                return None
            checkpoint = open_by_witness(note, log, witness).checkpoint
        except LedgerError:
            return None
        return LastSeen(witness.name, checkpoint, note) if checkpoint.origin == origin else None

    found = in_time([partial(ask, witness) for witness in policy.witnesses.values()], seconds)
    return tuple(one for one in found if one is not None)


def in_time(calls: Sequence[Callable[[], T]], seconds: float) -> list[T]:
    """Make all calls at once and return the results that are there in time; the others end by themselves, unheard."""
    results: queue.SimpleQueue[T] = queue.SimpleQueue()
    # Daemon threads: a witness that never stops answering must not keep the process from ending.
    for call in calls:
        threading.Thread(target=_put, args=(results, call), daemon=True).start()
    found: list[T] = []
    until = time.monotonic() + seconds
    with suppress(queue.Empty):
        while len(found) < len(calls):
            found.append(results.get(timeout=max(0.0, until - time.monotonic())))
    return found


def _put(results: "queue.SimpleQueue[T]", call: Callable[[], T]) -> None:
    results.put(call())
