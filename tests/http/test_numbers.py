"""The numbers of several workers and of the sequencer, put together by whichever is asked, through a worker's death."""

import os
import re
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api.client import Client, ProblemError
from api.http import numbers as numbers_of_all
from api.http.numbers import MULTIPROCESS, prefix, remove_earlier, remove_own, share
from ledger.errors import StoreError
from ledger.opening import Home, read_home
from tests.http.test_checking import forged
from tests.http.test_serving import children, hand_in, home, serving, until
from tests.http.test_statements import open_round_history, vote
from tests.sequenced import SCHEMA, Site
from tests.simulator import LOG_VKEY, ORIGIN, resume
from tests.voting import PANEL

__all__ = ["home"]


def numbers(url: str) -> dict[str, float]:
    """Every number that is told, by its name and labels, over a connection of its own."""
    text = httpx.get(f"{url}/metrics").text
    return {name: float(value) for name, value in re.findall(r"^(ballot_ledger_\S+) (\S+)$", text, re.MULTILINE)}


def following(url: str) -> socket.socket:
    """Follow the stream over a connection of one's own."""
    place = urlsplit(url)
    stream = socket.create_connection((place.hostname or "", place.port or 0), 10)
    stream.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: ledger\r\n\r\n")
    assert stream.recv(4096).startswith(b"HTTP/1.1 200")
    return stream


def refused(url: str, envelope: bytes) -> None:
    """Hand in what is refused for its signature."""
    with Client(url, [LOG_VKEY]) as client, pytest.raises(ProblemError, match="SIGNATURE_INVALID"):
        client.submit(envelope)


def test_numbers_go_on_through_a_workers_death_and_tell_of_the_sequencer(site: Site, home: Path) -> None:
    world = resume(open_round_history()[0])
    left = prepared(home)
    with serving(site, home, 2) as (process, url):
        until(lambda: len(children(process.pid)) == 2)
        until(lambda: not left.exists())
        (own,) = left.parent.glob(f"{prefix(read_home(home))}*")
        assert own.stat().st_mode & 0o777 == 0o700
        for member in PANEL[:4]:
            hand_in(url, vote(world, member), world.now)
        bad = forged(vote(world, PANEL[4]))
        for _ in range(4):
            refused(url, bad)
        before = numbers(url)
        assert before["ballot_ledger_sequenced_total"] == 4
        assert before['ballot_ledger_refusals_total{code="SIGNATURE_INVALID"}'] == 4
        # Commits are the sequencer's own, in a process that answers no requests.
        assert before["ballot_ledger_batch_entries_sum"] == 4
        assert before["ballot_ledger_commit_seconds_count"] == before["ballot_ledger_batch_entries_count"] > 0
        assert before["ballot_ledger_sequencer_queue"] == 0
        assert before["ballot_ledger_entries"] == len(open_round_history()[0].rows) + 4
        streams = [following(url) for _ in range(6)]
        until(lambda: numbers(url)["ballot_ledger_streams"] == 6)
        for worker in children(process.pid):
            os.kill(worker, signal.SIGKILL)
            until(lambda: len(children(process.pid)) == 2)
            time.sleep(0.5)
        hand_in(url, vote(world, PANEL[4]), world.now)
        until(lambda: numbers(url)["ballot_ledger_streams"] == 0)
        after = numbers(url)
        assert after["ballot_ledger_sequenced_total"] == 5
        assert after['ballot_ledger_refusals_total{code="SIGNATURE_INVALID"}'] == 4
        assert after["ballot_ledger_batch_entries_sum"] == 5
        for name in ("requests_total", "request_seconds_count", "batch_entries_count"):
            told = [sum(found[one] for one in found if name in one) for found in (before, after)]
            assert told[0] < told[1], name
        for stream in streams:
            stream.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not own.exists()


def prepared(home: Path) -> Path:
    """The folder that an earlier run of this ledger left, killed before it could remove it."""
    found, before = share(read_home(home)), os.environ.pop(MULTIPROCESS)
    assert before == str(found)
    return found


def test_without_memory_to_share_the_numbers_are_in_the_ledgers_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers_of_all, "MEMORY", tmp_path / "nowhere")
    monkeypatch.setenv(MULTIPROCESS, "")
    found = Home(tmp_path, ORIGIN, SCHEMA)
    earlier, own = share(found), share(found)
    assert own.parent == tmp_path / "run"
    remove_earlier(found)
    assert [earlier.exists(), own.exists()] == [False, True]
    remove_own()
    assert not own.exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="HOME_UNUSABLE"):
        share(Home(tmp_path / "file", ORIGIN, SCHEMA))
