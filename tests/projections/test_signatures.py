"""Checking signatures on other cores: every one that does not hold is named, whatever becomes of the processes."""

import io
import os
import signal
from hashlib import sha256

import pytest

from ledger.signing import SigningKey
from projections.audit import signatures
from projections.audit.signatures import CHUNK, Signatures, serve

KEYS = [SigningKey.from_seed(sha256(b"%d" % n).digest()) for n in range(3)]
BAD = {0, 7, 63, 64, 200, 255}
COUNT = 256


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes begin early and have much to say to each other."""
    monkeypatch.setattr(signatures, "CHUNK", 4)
    monkeypatch.setattr(signatures, "SHORT", 16)


def add(checks: Signatures, place: int) -> None:
    key, message = KEYS[place % 3], b"statement %d" % place
    signature = key.sign(message)
    checks.add(place, key.public, signature, message + b"." if place in BAD else message)


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
@pytest.mark.parametrize("count", [0, 3, 16, COUNT])
def test_every_signature_that_does_not_hold_is_named(workers: int, count: int) -> None:
    with Signatures(workers) as checks:
        for place in range(count):
            add(checks, place)
        checks.finish()
    assert sorted(checks.bad) == sorted(place for place in BAD if place < count)


@pytest.mark.parametrize("lost", [1, 2])
@pytest.mark.parametrize("after", [17, 40, COUNT])
def test_a_process_that_is_lost_costs_no_result(lost: int, after: int) -> None:
    with Signatures(2) as checks:
        for place in range(COUNT):
            add(checks, place)
            if place == after - 1:
                for worker in checks._workers[:lost]:
                    os.kill(worker._process.pid, signal.SIGKILL)
        checks.finish()
    assert sorted(checks.bad) == sorted(BAD)


def test_leaving_early_ends_the_processes() -> None:
    with Signatures(2) as checks:
        for place in range(COUNT):
            add(checks, place)
        processes = [worker._process for worker in checks._workers]
    assert len(processes) == 2
    assert all(process.returncode is not None for process in processes)


@pytest.mark.parametrize("cut", [0, 31, 33])
def test_a_key_of_another_length_does_not_hold(cut: int) -> None:
    """Key, signature and message travel as one: a byte more or less would move the limits between them."""
    key, message = KEYS[0], b"message"
    with Signatures(0) as checks:
        checks.add(1, (key.public + b"x")[:cut], key.sign(message), message)
        checks.add(2, None, key.sign(message), message)
        checks.add(3, key.public, key.sign(message)[:63], message)
        checks.add(4, key.public, key.sign(message) + message[:1], message[1:])
        checks.add(5, key.public, key.sign(message), message)
        checks.finish()
    assert checks.bad == [1, 2, 3, 4]


def test_a_pipe_that_breaks_off_ends_the_serving() -> None:
    answers = io.BytesIO()
    for broken in (b"", b"\1\0", b"\1\0\0\0", b"\1\0\0\0\5\0\0\0abc"):
        serve(io.BytesIO(broken), answers)
    assert answers.getvalue() == b""


def test_the_real_chunks_fit_into_a_pipe() -> None:
    assert CHUNK * 1500 * 2 < signatures._PIPE_BYTES
