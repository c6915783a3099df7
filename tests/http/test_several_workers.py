"""What only one of several workers may do, and what all of them do alike, while they are killed and told to end."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from api.rehearsal.driver import World
from ledger.statements import decode_own_entry
from tests.http.test_serving import children, home, home_on, serving, until
from tests.http.test_statements import open_round_history
from tests.http.test_stream import events_of, public_of
from tests.sequenced import Site
from tests.simulator import History, resume
from tests.soak.ground import play

__all__ = ["home"]

HANDS = 6


def public() -> list[int]:
    """The public entries of the play, in order."""
    return sorted(public_of(open_round_history()[0]))


@contextmanager
def receiving() -> Iterator[tuple[str, list[int]]]:
    """Listen for deliveries; gives the URL, and the ids of the events as they come in."""
    heard: list[int] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take it."""
            heard.append(int(json.loads(self.rfile.read(int(self.headers["content-length"])))["id"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hook", heard
        finally:
            server.shutdown()
            thread.join()


def holders(path: Path) -> list[int]:
    """The processes that hold the lock of a file."""
    node = str(path.stat().st_ino)
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return [int(one[4]) for one in lines if one[1] == "FLOCK" and one[5].rpartition(":")[2] == node]


def test_one_worker_delivers_and_another_goes_on_where_it_was_killed(
    site: Site, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = public()
    with receiving() as (url, heard):
        monkeypatch.setenv("BALLOT_LEDGER_WEBHOOKS", json.dumps([{"name": "city", "url": url}]))
        monkeypatch.setenv("BALLOT_LEDGER_WEBHOOK_PRIVATE_ADDRESSES", "true")
        with serving(site, home, 2) as (process, _):
            lock = home / "run" / "webhooks" / "lock"
            until(lambda: len(heard) > 20)
            (holder,) = holders(lock)
            assert holder in children(process.pid)
            os.kill(holder, signal.SIGKILL)
            before = len(heard)
            until(lambda: bool(heard) and heard[-1] == wanted[-1], 90)
            (other,) = holders(lock)
            assert other != holder
    assert 20 < before < len(wanted)
    # Each one at least once, in the order of the log; only what was under way when it was killed comes again.
    assert all(sooner <= later for sooner, later in pairwise(heard))
    assert sorted(set(heard)) == wanted
    assert len(heard) <= len(wanted) + 1


def followed(url: str, after: int, most: int) -> list[int]:
    """Follow the stream over a new connection; return the indexes of so many events, fewer if it breaks off."""
    text, found = "", list[int]()
    try:
        with httpx.stream("GET", f"{url}/v1/stream", headers={"last-event-id": str(after)}, timeout=20) as answer:
            for part in answer.iter_text():
                text += part
                found = [index for index, _ in events_of(text.rpartition("\n\n")[0])]
                if len(found) >= most:
                    return found[:most]
    except httpx.TransportError:
        pass
    return found


def test_a_stream_goes_on_at_whichever_worker_answers(site: Site, home: Path) -> None:
    wanted = public()
    with serving(site, home, 2) as (process, url):
        found: list[int] = []
        while len(found) < len(wanted):
            found += followed(url, found[-1] if found else -1, min(12, len(wanted) - len(found)))
            until(lambda: bool(children(process.pid)))
            os.kill(children(process.pid)[0], signal.SIGKILL)
        assert found == wanted
        # All who follow at once are told the same, whichever worker each has come to.
        told: list[list[int]] = []
        threads = [threading.Thread(target=lambda: told.append(followed(url, wanted[-31], 30))) for _ in range(HANDS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told == [wanted[-30:]] * HANDS


class Hand(threading.Thread):
    """Hands in one statement after the other, each over a connection of its own, until nobody listens any more."""

    def __init__(self, number: int, url: str, history: History) -> None:
        super().__init__(daemon=True)
        self.taken: list[int] = []
        self.other: list[str] = []
        self._clerk, self._url = f"clerk-{number}", url
        self._world: World = resume(history)

    def run(self) -> None:
        """Hand in."""
        for number in range(10_000):
            envelope = self._world.envelope(self._clerk, self._world.enrolment(f"{self._clerk}/{number}"))
            try:
                answer = httpx.post(
                    f"{self._url}/v1/statements",
                    content=envelope,
                    headers={"content-type": "application/json"},
                    params={"at": self._world.now},
                    timeout=30,
                )
            except httpx.TransportError as error:
                self.other.append(type(error).__name__)
                return
            if answer.status_code != 201:
                self.other.append(answer.text)
                return
            self.taken.append(int(answer.json()["index"]))


@pytest.mark.parametrize("workers", [1, 2])
def test_told_to_end_under_load_it_answers_for_everything_it_took(site: Site, tmp_path: Path, workers: int) -> None:
    given = play(HANDS, 1)
    folder = home_on(site, tmp_path / "home", given.history)
    size = len(given.history.rows)
    with serving(site, folder, workers) as (process, url):
        hands = [Hand(number, url, given.history) for number in range(HANDS)]
        for hand in hands:
            hand.start()
        until(lambda: sum(len(hand.taken) for hand in hands) > 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        for hand in hands:
            hand.join(40)
            assert not hand.is_alive()
    told = sorted(index for hand in hands for index in hand.taken)
    with site.store() as store:
        there = [decode_own_entry(entry).index for _, entry in store.read_entries(size)]
    # Whoever was not answered was not taken either.
    assert told == there
    assert {one for hand in hands for one in hand.other} <= {"ConnectError", "ReadError", "RemoteProtocolError"}
    assert site.audit().clean
