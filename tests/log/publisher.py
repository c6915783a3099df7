"""A process that moves a log's pin on and publishes at every step, until it is killed or has come to the end.

Run as `python -m tests.log.publisher DSN PIN FOLDER`; prints each size that is published.
"""

import sys
from pathlib import Path

from ledger.merkle import leaf_hash, tree_root
from ledger.pin import PinFile
from ledger.store import Store
from projections.disclosure import Audience
from projections.publishing import publish
from tests.sequenced import SCHEMA
from tests.simulator import ORIGIN

STEP = 11


def main(dsn: str, pin_path: str, folder: str) -> None:
    """Go on from where the pin is."""
    pin = PinFile(Path(pin_path))
    with Store.open(dsn, SCHEMA, Path(pin_path)) as store:
        leaves = [leaf_hash(entry) for _, entry in store.read_entries()]
        begin = pin.newest.size if pin.newest else 0
        for size in range(begin + STEP, len(leaves) + 1, STEP):
            pin.advance(size, tree_root(leaves[:size]))
            publish(store, Path(folder), ORIGIN, Audience.AUDITOR)
            print(size, flush=True)
    pin.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
