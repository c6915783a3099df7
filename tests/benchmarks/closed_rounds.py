"""Replaying a long log in little memory: `python -m tests.benchmarks.closed_rounds [ballots]`.

By default a million ballots in a thousand rounds of a thousand members, each voted in, closed and reopened. A process
of its own reads the entries from the database, folds them, and says how long each tenth took and how much memory it
ever had. Ballots of closed rounds are kept packed (`ledger.state.casts`).
"""

import subprocess
import sys
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from ledger.collector import collector_at_rest
from ledger.selection import Selection
from ledger.statements import decode_own_entry
from ledger.store import Store
from tests.benchmarks.machine import new_site, server
from tests.benchmarks.projected_tables import grow_closed
from tests.benchmarks.report import Measure, heading, show
from tests.sequenced import SCHEMA, Site

MEMBERS = 1_000
MOST_MIB = 300
FLAT = 0.8
_PARTS = 10


@dataclass(frozen=True)
class Replayed:
    """A replay of `entries`: microseconds for each entry of each tenth, and the most memory it had in MiB."""

    entries: int
    parts: list[float]
    mib: float


def replay(dsn: str) -> Replayed:
    """Fold the whole log in this process."""
    state, parts = Selection(), []
    with Store.open(dsn, SCHEMA, None) as store, collector_at_rest():
        size = store.size()
        for low, high in pairwise(size * part // _PARTS for part in range(_PARTS + 1)):
            start = time.perf_counter()
            for _, entry in store.read_entries(low, high):
                state.apply(decode_own_entry(entry))
            parts.append((time.perf_counter() - start) / (high - low) * 1e6)
    return Replayed(size, parts, most_memory())


def most_memory() -> float:
    """Return the most memory that this process had, in MiB; what it was forked from does not count."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def replay_apart(site: Site) -> Replayed:
    """Fold the whole log in a process of its own, so that its memory is nobody else's."""
    command = [sys.executable, "-m", __name__ if __name__ != "__main__" else "tests.benchmarks.closed_rounds"]
    done = subprocess.run([*command, "replay", site.service_dsn], capture_output=True, text=True, check=True)
    entries, mib, *parts = done.stdout.split()
    return Replayed(int(entries), [float(part) for part in parts], float(mib))


def grown(empty: Site, ballots: int) -> Site:
    """Let so many ballots be cast in closed rounds on an empty log."""
    site = replace(empty, pin_path=empty.pin_path.with_name("pin-of-rounds"))
    grow_closed(site, ballots, MEMBERS)
    return site


def replays(site: Site) -> list[Measure]:
    """Replay a grown log, and give memory against its bound and the first tenths against the last."""
    found = replay_apart(site)
    third = len(found.parts) // 3
    return [
        Measure(f"replay of {found.entries} entries, MiB / {MOST_MIB} MiB", 1.0, [float(MOST_MIB)], [found.mib]),
        Measure("replaying the last / the first tenths", FLAT, found.parts[:third], found.parts[-third:]),
    ]


def main() -> None:
    """Grow and replay, or only replay what another process grew."""
    if sys.argv[1:2] == ["replay"]:
        found = replay(sys.argv[2])
        print(found.entries, found.mib, *found.parts)
        return
    ballots = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with server() as postgres:
        heading()
        show(replays(grown(new_site(postgres), ballots)))


if __name__ == "__main__":
    main()
