"""Who hands in while processes are killed: clerks with statements, voters with ballots, each until acknowledged.

What was acknowledged is kept with its receipt; what was not is handed in again, the same bytes, until it is. Some hand
in a second time what is in already, and forgeries: the first receipt and the same refusal must come back.
"""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from api.client import Client, Declined, ProblemError, Receipted
from ledger import canonical, poll_receipt
from ledger.errors import LedgerError, StoreError
from ledger.signing import encode_base64
from ledger.statements import open_envelope
from tests.public_ballots import CHANNEL, credential
from tests.simulator import LOG_VKEY
from tests.soak.ground import Play

AGAIN_SECONDS = 0.2
SECOND_TIME = 0.1
FORGED = 0.03
_AWAY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.REQUEST_TIMEOUT})


@dataclass(slots=True)
class Book:
    """What everybody was told, and whatever was not as it must be."""

    statements: dict[bytes, Receipted] = field(default_factory=dict)
    ballots: dict[int, tuple[tuple[int, ...], bytes]] = field(default_factory=dict)
    """By number of the voter: what was chosen (places in the list), and the receipt."""
    repeated: int = 0
    forged: int = 0
    tries: int = 0
    violations: list[str] = field(default_factory=list)


class Hand(threading.Thread):
    """Somebody who hands in, in a thread of their own, until told to end; what is begun is brought to its end."""

    def __init__(self, name: str, url: str, book: Book, seed: str, pause: float) -> None:
        super().__init__(name=name, daemon=True)
        self.url, self.book, self.chosen, self.pause = url, book, random.Random(seed), pause
        self.ending = threading.Event()
        self.given_up = threading.Event()

    def run(self) -> None:
        """Hand in until the end."""
        try:
            while not self.ending.is_set() and self.act():
                self.ending.wait(self.chosen.uniform(0, 2 * self.pause))
        except Exception as error:
            self.wrong(f"{type(error).__name__}: {error}")
        finally:
            self.close()

    def close(self) -> None:
        """Close every connection."""
        raise NotImplementedError

    def act(self) -> bool:
        """Hand in one thing; false where there is nothing left."""
        raise NotImplementedError

    def wrong(self, what: str) -> None:
        """Note a violation."""
        self.book.violations.append(f"{self.name}: {what}")

    def again(self) -> bool:
        """Pause before the next try; false once nobody waits for the outcome any more."""
        self.book.tries += 1
        return not self.given_up.wait(AGAIN_SECONDS)


class Clerk(Hand):
    """Enrols invented people, one statement after the other, signed by a key of their own."""

    def __init__(self, name: str, given: Play, url: str, book: Book, seed: str, pause: float) -> None:
        super().__init__(name, url, book, seed, pause)
        self._world = given.world()
        self._at = self._world.now
        self._client = Client(url, [LOG_VKEY], pause=lambda seconds: time.sleep(min(seconds, AGAIN_SECONDS)))
        self._number = 0
        self._mine: list[bytes] = []

    def close(self) -> None:
        """Close every connection."""
        self._client.__exit__()

    def act(self) -> bool:
        """Enrol somebody; or hand in what is in already, or a forgery."""
        if self._mine and self.chosen.random() < SECOND_TIME:
            self._second_time(self.chosen.choice(self._mine))
        if self._mine and self.chosen.random() < FORGED:
            self._forge(self._mine[-1])
        self._number += 1
        envelope = self._world.envelope(self.name, self._world.enrolment(f"{self.name}/{self._number}"))
        answer = self._deliver(envelope)
        if answer is not None:
            self.book.statements[envelope] = answer
            self._mine.append(envelope)
        return answer is not None

    def _deliver(self, envelope: bytes) -> Receipted | None:
        while True:
            try:
                answer = self._client.submit(envelope, self._at)
            except ProblemError as error:
                if error.status not in _AWAY:
                    self.wrong(f"{error.status} {error.code}")
                    return None
            except StoreError:
                pass  # nobody answered; it may be in
            else:
                if isinstance(answer, Receipted):
                    return answer
                self.wrong(f"refused: {answer.refusal}")
                return None
            if not self.again():
                self.wrong("not acknowledged in time")
                return None

    def _second_time(self, envelope: bytes) -> None:
        first, second = self.book.statements[envelope], self._deliver(envelope)
        if second is not None and (second.index, second.receipt, second.again) != (first.index, first.receipt, True):
            self.wrong(f"entry {first.index} got another receipt the second time, as entry {second.index}")
        self.book.repeated += 1

    def _forge(self, envelope: bytes) -> None:
        """Hand in a statement of somebody else's making; it must never be taken."""
        signature = open_envelope(envelope).signature
        bad = envelope.replace(encode_base64(signature).encode(), encode_base64(bytes(64)).encode())
        try:
            answer: Receipted | Declined | None = self._client.submit(bad, self._at)
        except ProblemError as error:
            if error.code != "SIGNATURE_INVALID" and error.status not in _AWAY:
                self.wrong(f"a forgery was answered by {error.status} {error.code}")
            answer = None
        except StoreError:
            answer = None
        # The statement itself is in, so that the first receipt for its identity is an honest answer as well.
        if isinstance(answer, Declined) or (answer is not None and not answer.again):
            self.wrong("a forgery was taken")
        self.book.forged += 1


class Voter(Hand):
    """Casts the ballots of many, one after the other."""

    def __init__(self, name: str, given: Play, url: str, book: Book, seed: str, pause: float, mine: Sequence[int]):
        super().__init__(name, url, book, seed, pause)
        world = given.world()
        self._at = world.now
        self._candidates = world.state.polls.by_id[given.poll].candidates
        self._path = f"/v1/polls/{given.poll}/ballots"
        self._http = httpx.Client(base_url=url, timeout=30)
        self._coming = iter(mine)
        self._done: list[int] = []

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def act(self) -> bool:
        """Cast the next ballot; or one that is in already, with another choice, which changes nothing."""
        if self._done and self.chosen.random() < SECOND_TIME:
            self._second_time(self.chosen.choice(self._done))
        number = next(self._coming, None)
        if number is None:
            return False
        places = self._choice()
        receipt = self._deliver(number, places)
        if receipt is not None:
            self.book.ballots[number] = (places, receipt)
            self._done.append(number)
        return receipt is not None

    def _choice(self) -> tuple[int, ...]:
        return tuple(sorted(self.chosen.sample(range(len(self._candidates)), self.chosen.randint(1, 5))))

    def _deliver(self, number: int, places: Sequence[int]) -> bytes | None:
        body = {
            "candidates": [self._candidates[place] for place in places],
            "channel": CHANNEL,
            "code": credential(number).hex(),
        }
        while True:
            try:
                answer = self._http.post(self._path, json=body, params={"at": str(self._at)})
            except httpx.TransportError:
                pass  # nobody answered; it may be in
            else:
                if answer.is_success:
                    return self._verified(answer.json())
                if answer.status_code not in _AWAY:
                    self.wrong(f"a ballot was answered by {answer.status_code} {answer.text[:200]}")
                    return None
            if not self.again():
                self.wrong(f"ballot {number} was not acknowledged in time")
                return None

    def _verified(self, told: dict[str, Any]) -> bytes | None:
        receipt = canonical.encode(told["receipt"])
        try:
            poll_receipt.verify(poll_receipt.parse(receipt), [LOG_VKEY])
        except LedgerError as error:
            self.wrong(f"a ballot's receipt does not hold: {error}")
            return None
        return receipt

    def _second_time(self, number: int) -> None:
        row = poll_receipt.parse(self.book.ballots[number][1]).row
        second = self._deliver(number, self._choice())
        if second is not None and poll_receipt.parse(second).row != row:
            self.wrong(f"ballot {number} got another row the second time")
        self.book.repeated += 1
