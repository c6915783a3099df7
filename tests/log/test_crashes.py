"""Killed at every step of appending, and with a full disk: nothing that was answered for is lost, in either log."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from api.cli.stored_log import StoredLog
from api.rehearsal.driver import World, found
from api.rehearsal.live import SequencedLedger
from ledger import pin
from ledger.attempts import attempts_keys, decode_attempt
from ledger.attempts_check import verify_attempts
from ledger.errors import StoreError
from ledger.log_keys import LogKeys
from ledger.opening import Home, create_home, open_sequencer, open_store
from ledger.programmes import load_shipped
from ledger.receipt import Receipt, parse, verify
from ledger.sequencer import Refused, Request, Sequenced
from ledger.statements import open_envelope
from ledger.store import Store
from projections.audit.verify import verify_log
from tests.log.stepper import STEPS, batches, history
from tests.log.test_sequencer import held
from tests.sequenced import Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, START

KEYS = LogKeys.of(LOG_VKEY)
ROOT = Path(__file__).parents[2]


def killed_at(site: Site, call: str, when: str) -> list[list[str]]:
    """Let the process run until it kills itself at this step; return what it had answered."""
    command = [sys.executable, "-m", "tests.log.stepper", site.service_dsn, str(site.pin_path), call, when]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def attempts_hold(store: Store, pin_path: Path, kept: list[tuple[bytes, Receipt]]) -> None:
    """The log of attempts is sound, and every receipt of a refusal is kept in it."""
    report = verify_attempts(store, KEYS, pin.read(pin_path))
    assert report.clean, report.failures
    for attempt, receipt in kept:
        verify(receipt, attempt, attempts_keys(KEYS))
        assert report.attempts[receipt.index] == decode_attempt(attempt)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", STEPS)
def test_H19_killed_at_this_step_nothing_answered_is_lost(site: Site, call: str, when: str) -> None:
    before = history()
    site.preload(before)
    lines = killed_at(site, call, when)
    receipts = {bytes.fromhex(one): parse(bytes.fromhex(two)) for kind, one, two in lines if kind == "entry"}
    kept = [(bytes.fromhex(one), parse(bytes.fromhex(two))) for kind, one, two in lines if kind == "attempt"]
    assert len(receipts) >= 2
    assert len(kept) == 1
    # Whoever was not answered asks again.
    with site.sequencer() as sequencer, site.store() as store:
        held(store, receipts)
        attempts_hold(store, site.attempts_pin_path, kept)
        for envelopes in batches(before):
            requests = [Request(open_envelope(one), before.now + 3000, None, Future[Any]()) for one in envelopes]
            sequencer.sequence(requests)
            for answer in (request.answer.result(0) for request in requests):
                if isinstance(answer, Sequenced):
                    known = receipts.setdefault(answer.act.signed.id, answer.receipt)
                    assert answer.receipt.encode() == known.encode()
                else:
                    assert isinstance(answer, Refused)
                    assert answer.attempt is not None
                    assert answer.receipt is not None
                    kept.append((answer.attempt, answer.receipt))
        assert store.size() == len(before.rows) + 4
        held(store, receipts)
        attempts_hold(store, site.attempts_pin_path, kept)
    assert site.audit().failures == []


# --- A disk that is really full ---


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own with little room."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no room at all."""
    path = folder / "filler"
    with path.open("wb") as file:
        while True:
            try:
                file.write(bytes(1 << 16))
                file.flush()
            except OSError:
                return path


def enrol_until(world: World, sequencer: Any, most: int, receipts: dict[bytes, Receipt]) -> StoreError | None:
    """Enrol invented people, a batch at a time, until it fails; keep every receipt."""
    for number in range(most):
        world.now += 1000
        aliases = [f"{world.nonces}-{number}-{place}" for place in range(100)]
        answers = sequencer.submit_all(
            [world.envelope("registrar", world.enrolment(alias)) for alias in aliases], world.now
        )
        for future in answers:
            try:
                answer = future.result()
            except StoreError as error:
                return error
            receipts[answer.act.signed.id] = answer.receipt
    return None


@pytest.mark.system
def test_H20_a_full_disk_loses_nothing_that_was_answered(small_disk: Path) -> None:
    home: Home = create_home(small_disk / "home", ORIGIN, log_key=LOG_KEY)
    receipts: dict[bytes, Receipt] = {}
    with open_store(home) as store, open_sequencer(home, store) as sequencer:
        world = World(SequencedLedger(sequencer), "full", START)
        found(world, load_shipped("zhuyuan-2022"), ORIGIN, LOG_VKEY.encode())
        assert enrol_until(world, sequencer, 2, receipts) is None
        filler = fill(small_disk)
        error = enrol_until(world, sequencer, 200, receipts)
        assert error is not None
        assert error.code in {"STORE_UNAVAILABLE", "STORE_OUTCOME_UNKNOWN", "STORE_UNREACHABLE", "STORE_FAILED"}
        filler.unlink()
    with open_store(home) as store, open_sequencer(home, store) as sequencer:
        held(store, receipts)
        again = World(SequencedLedger(sequencer), "full", sequencer.state.at)
        again.nonces = 1_000_000
        registrar = again.actor("registrar")
        registrar.counter = sequencer.state.roll.people[registrar.person].counter
        assert enrol_until(again, sequencer, 1, receipts) is None
        held(store, receipts)
        assert verify_log(StoredLog(store, home.pin), LOG_VKEY).failures == []
