"""A process that is killed at one chosen step of appending; it prints what it answered until then.

Run as `python -m tests.log.stepper DSN PIN CALL before|after`; every line is `entry <statement> <receipt>` or
`attempt <bytes> <receipt>`, in hexadecimal.
"""

import os
import signal
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from ledger.sequencer import Refused, Request, Sequenced, Sequencer
from ledger.statements import open_envelope
from ledger.store import Store
from tests.log.faults import Faults, FaultyPin, FaultyStore
from tests.sequenced import SCHEMA
from tests.simulator import LOG_KEY, ORIGIN, History, freeze, new_world, resume

STEPS = ("append", "advance", "find_statement", "append_attempts", "advance_attempts")


def history() -> History:
    """What the log holds before."""
    return freeze(new_world())


def batches(before: History) -> list[list[bytes]]:
    """Two batches, each of two statements to be admitted with one to be refused between them."""
    world = resume(before)
    return [
        [
            world.envelope("registrar", world.enrolment(f"甲{n}")),
            world.envelope("discipline", world.enrolment(f"乙{n}")),
            world.envelope("registrar", world.enrolment(f"丙{n}")),
        ]
        for n in range(2)
    ]


def hand_in(sequencer: Sequencer, envelopes: list[bytes], at: int) -> None:
    """Sequence one batch and print each answer when it is given."""
    requests = [Request(open_envelope(envelope), at, None, Future()) for envelope in envelopes]
    for request in requests:
        request.answer.add_done_callback(tell)
    sequencer.sequence(requests)


def tell(future: "Future[Any]") -> None:
    """Print one answer, whole or not at all."""
    answer = future.result()
    if isinstance(answer, Sequenced):
        line = f"entry {answer.act.signed.id.hex()} {answer.receipt.encode().hex()}\n"
    elif isinstance(answer, Refused) and answer.attempt is not None and answer.receipt is not None:
        line = f"attempt {answer.attempt.hex()} {answer.receipt.encode().hex()}\n"
    else:
        raise TypeError(answer)
    os.write(sys.stdout.fileno(), line.encode())


def main(dsn: str, pin_path: str, call: str, when: str) -> None:
    """Answer one batch whole, and be killed during the second."""
    before, faults, path = history(), Faults(), Path(pin_path)
    with Store.open(dsn, SCHEMA, path) as opened:
        store: Any = FaultyStore(opened, faults)
        pins = FaultyPin(path, faults), FaultyPin(Path(f"{path}.attempts"), faults, "advance_attempts")
        sequencer = Sequencer(store, LOG_KEY, ORIGIN, pins[0], lambda: before.now, pins[1])
        first, second = batches(before)
        hand_in(sequencer, first, before.now + 1000)
        faults.plan(call, after=when == "after", do=lambda: os.kill(os.getpid(), signal.SIGKILL))
        hand_in(sequencer, second, before.now + 2000)


if __name__ == "__main__":
    main(*sys.argv[1:])
