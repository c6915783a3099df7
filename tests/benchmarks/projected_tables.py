"""Rebuilding the derived tables against folding the same log alone: `python -m tests.benchmarks.projected_tables`.

BENCH_ENTRIES says how long the log is (50,000 by default, 1,000,000 in earnest). Folding alone is reading the entries
from the same database, decoding them and taking them into the state; no slower than twice that is the aim.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg.conninfo import make_conninfo

from api.rehearsal.live import SequencedLedger
from api.rehearsal.steps_rounds import close_round
from ledger.embedded import EmbeddedPostgres
from ledger.selection import Selection
from ledger.statements import decode_own_entry
from ledger.store import Store, install
from ledger.store.readers import install_readers
from projections.drift import compare
from projections.live import live
from tests.benchmarks.history import MEMBERS, STAGE, Panel, history_before_voting
from tests.sequenced import SCHEMA, SERVICE, Site, played_on


@dataclass(frozen=True)
class Measured:
    """Seconds for a log of `entries`: the fold alone, everything rebuilt, everything compared."""

    entries: int
    fold: float
    rebuild: float
    check: float


def measure(entries: int, folder: Path) -> Measured:
    """Grow a log of ballots on a server of its own, and measure."""
    with EmbeddedPostgres.start(folder / "postgres") as server:
        install(server.dsn, SCHEMA, SERVICE)
        install_readers(server.dsn, SCHEMA, SERVICE)
        site = Site(server.dsn, make_conninfo(server.dsn, user=SERVICE), folder / "pin")
        grow_closed(site, entries)
        with site.store() as store:
            fold = _fold(store)
            started = time.perf_counter()
            with live(store, anew=True) as current:
                rebuild = time.perf_counter() - started
                started = time.perf_counter()
                if compare(current.tables, store).drifts:
                    raise LookupError("the tables differ")
                return Measured(current.size, fold, rebuild, time.perf_counter() - started)


def rebuilds(site: Site, repeat: int) -> tuple[list[float], list[float]]:
    """Fold a log of closed rounds alone and rebuild its tables, in turns; microseconds for each entry."""
    install_readers(site.admin_dsn, SCHEMA, SERVICE)
    folds, rebuilt = [], []
    with site.store() as store:
        for _ in range(repeat):
            folds.append(_fold(store) * 1e6 / store.size())
            rebuilt.append(_rebuild(store) * 1e6 / store.size())
    return folds, rebuilt


def _rebuild(store: Store) -> float:
    started = time.perf_counter()
    with live(store, anew=True):
        return time.perf_counter() - started


def grow_closed(site: Site, entries: int, members: int = MEMBERS) -> None:
    """Grow an empty log by rounds that are voted in, closed and reopened, to at least so many entries."""
    with played_on(site, history_before_voting(members)) as world:
        if not isinstance(world.ledger, SequencedLedger):
            raise TypeError("the log grows on a sequencer")
        panel = Panel(world, world.ledger.sequencer)
        while panel.sequencer.size < entries:
            panel.open_round()
            panel.submit(panel.ballots(panel.members))
            current = world.state.rounds.session(STAGE, None).current
            if current is None:
                raise LookupError("no round is open")
            # Only a closed round's ballots have rows: they are as many as the entries.
            close_round(world, current.id)


def _fold(store: Store) -> float:
    started = time.perf_counter()
    state = Selection()
    for _, entry in store.read_entries():
        state.apply(decode_own_entry(entry))
    return time.perf_counter() - started


def main() -> None:
    """Print one line."""
    with TemporaryDirectory(prefix="ballot-ledger-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        found = measure(int(os.environ.get("BENCH_ENTRIES", "50000")), folder)
    share = found.fold / found.rebuild
    print(
        f"tables rebuild: {found.entries} entries, fold alone {found.fold:.1f} s ({found.entries / found.fold:,.0f}/s),"
        f" rebuild {found.rebuild:.1f} s ({found.entries / found.rebuild:,.0f}/s, {share:.0%} of the fold's speed),"
        f" check {found.check:.1f} s"
    )


if __name__ == "__main__":
    main()
