"""Dispute H19: writer and database are killed at any moment, again and again; nothing acknowledged is lost."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from api.cli.stored_log import StoredLog
from ledger import receipt as receipts
from ledger.opening import open_sequencer, open_store, read_home
from projections.audit.verify import verify_log
from tests.log.test_sequencer import held
from tests.simulator import LOG_VKEY

ROUNDS = 10
LONGEST_SECONDS = 0.4


def killed_round(folder: Path, number: int, seconds: float) -> dict[bytes, receipts.Receipt]:
    """Let a writer run, kill it `seconds` after its first acknowledgement, and return what it acknowledged."""
    command = [sys.executable, "-m", "tests.log.writer", str(folder), str(number)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}
    ) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL
    whole = [line.split() for line in lines if line.endswith(b"\n")]
    return {bytes.fromhex(line[0].decode()): receipts.parse(bytes.fromhex(line[1].decode())) for line in whole}


def test_H19_every_receipt_given_before_a_kill_is_in_the_log(folder: Path) -> None:
    chance = random.Random(19)
    acknowledged: dict[bytes, receipts.Receipt] = {}
    for number in range(1, ROUNDS + 1):
        given = killed_round(folder, number, chance.uniform(0, LONGEST_SECONDS))
        assert given
        acknowledged |= given
    home = read_home(folder)
    with open_store(home) as store, open_sequencer(home, store) as sequencer:
        assert sequencer.size == store.size()
        held(store, acknowledged)
        report = verify_log(StoredLog(store, home.pin), LOG_VKEY)
        assert report.clean, report
