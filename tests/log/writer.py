"""A process that writes a log until it is killed: prints every statement that was acknowledged, with its receipt.

Run as `python -m tests.log.writer FOLDER ROUND`; the folder holds the ledger and its embedded PostgreSQL.
"""

import sys
from pathlib import Path

from api.rehearsal.driver import World, found
from api.rehearsal.live import SequencedLedger
from ledger.opening import create_home, open_sequencer, open_store, read_home
from ledger.programmes import load_shipped
from ledger.sequencer import Sequenced, Sequencer
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, START

MOST = 100_000
IN_BATCH = 7


def write(sequencer: Sequencer, this_round: str) -> None:
    """Enrol invented people without end."""
    world = World(SequencedLedger(sequencer), "killed", START)
    if sequencer.size == 0:
        found(world, load_shipped("zhuyuan-2022"), ORIGIN, LOG_VKEY.encode())
    world.now = sequencer.state.at
    world.nonces = MOST * int(this_round)
    registrar = world.actor("registrar")
    registrar.counter = sequencer.state.roll.people[registrar.person].counter
    for number in range(0, MOST, IN_BATCH):
        aliases = [f"{this_round}-{number + place}" for place in range(IN_BATCH)]
        envelopes = [world.envelope("registrar", world.enrolment(alias)) for alias in aliases]
        world.now += 1000
        for answer in sequencer.submit_all(envelopes, world.now):
            sequenced = answer.result()
            if not isinstance(sequenced, Sequenced):
                raise TypeError(sequenced.refusal.code)
            # One write to a pipe of less than its atomic size: a line is there whole or not at all.
            sys.stdout.write(f"{sequenced.act.signed.id.hex()} {sequenced.receipt.encode().hex()}\n")
            sys.stdout.flush()


def main(folder: str, this_round: str) -> None:
    """Open the ledger, making it first if need be, and write."""
    path = Path(folder)
    home = read_home(path) if (path / "ledger.json").exists() else create_home(path, ORIGIN, log_key=LOG_KEY)
    with open_store(home) as store, open_sequencer(home, store) as sequencer:
        write(sequencer, this_round)


if __name__ == "__main__":
    main(*sys.argv[1:])
