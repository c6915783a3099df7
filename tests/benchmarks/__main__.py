"""`python -m tests.benchmarks`: the whole table in one run.

Ratios are what counts: baseline and ours take turns on the same machine in the same minutes. A target that is missed is
printed as such; only an error makes the exit code other than 0.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from api.rehearsal.live import SequencedLedger
from ledger.embedded import EmbeddedPostgres
from ledger.selection import Selection
from ledger.store import Store
from tests.benchmarks.closed_rounds import grown, replays
from tests.benchmarks.history import CANDIDATES, MEMBERS, Panel, history_before_voting
from tests.benchmarks.imports import imports
from tests.benchmarks.machine import new_database, new_site, server
from tests.benchmarks.margins import margins
from tests.benchmarks.polls import COMPARED, polls
from tests.benchmarks.profiles import profiled, profiled_sequencer
from tests.benchmarks.projected_tables import rebuilds
from tests.benchmarks.proofs import proofs, tree_share
from tests.benchmarks.replaying import WORKERS, Beginning, audit_log, audits, ballots_of, fold, windows
from tests.benchmarks.report import Measure, heading, show
from tests.benchmarks.sequencing import batches, singles
from tests.benchmarks.service import services
from tests.benchmarks.stock import stock_log
from tests.benchmarks.verifying import verifying
from tests.sequenced import Site
from tests.simulator import resume

EARLY = 10_000
WINDOW = 5_000
FLAT = 0.8
"""How much of the early speed must be left at the end for the cost to count as flat."""


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--entries", type=int, default=200_000, help="how long the log is to become")
    parser.add_argument("--audited", type=int, default=150_000, help="how many entries of it are audited")
    parser.add_argument("--closed", type=int, default=1_000_000, help="ballots in rounds of a thousand that are closed")
    parser.add_argument("--imported", type=int, default=100_000, help="ballot rows that are imported")
    parser.add_argument("--ballots", type=int, default=COMPARED, help="ballots of a public vote that are handed in")
    parser.add_argument("--repeat", type=int, default=15, help="repetitions of each batch measure")
    parser.add_argument("--audits", type=int, default=5, help="repetitions of the audit")
    given = parser.parse_args()
    start = time.perf_counter()
    heading()
    with server() as postgres:
        site = new_site(postgres)
        show(_sequencing(site, postgres, given.entries, given.repeat))
        with site.store() as store:
            show(_replaying(store, postgres, given.audited, given.audits))
        closed = grown(new_site(postgres), given.closed)
        show(replays(closed))
        show(verifying(closed))
        show([Measure(f"tables of {given.closed} ballots rebuilt / fold only", 0.5, *rebuilds(closed, 2))])
        show(imports(new_site(postgres), given.imported))
        show(proofs(_apart(new_site(postgres), "proofs")))
        show(polls(_apart(new_site(postgres), "polls"), given.ballots, given.audits))
        show(services(postgres, given.audits))
    show([Measure("margins, 13 ballots of 14 candidates / a second", 1.0, *margins(given.repeat))])
    print(f"{time.perf_counter() - start:.0f} s altogether")


def _apart(site: Site, name: str) -> Site:
    """Give a log a pin of its own."""
    return replace(site, pin_path=site.pin_path.with_name(f"pin-of-{name}"))


def _sequencing(site: Site, postgres: EmbeddedPostgres, entries: int, repeat: int) -> list[Measure]:
    history = history_before_voting()
    site.preload(history)
    with site.sequencer() as sequencer:
        panel = Panel(resume(history, SequencedLedger(sequencer)), sequencer)
        panel.grow(EARLY)
        bare, early = batches(panel, postgres.dsn, repeat)
        batch = Measure(f"batches of {MEMBERS} ballots of {CANDIDATES}, one core / PyNaCl", 0.5, bare, early)
        batch = _explained(batch, lambda: profiled_sequencer(sequencer, lambda: batches(panel, postgres.dsn, 1)))
        raw, ours = singles(panel, postgres.dsn, 10 * repeat)
        single = Measure("single statement with receipt / raw INSERT", 0.5, raw, ours)
        single = _explained(single, lambda: profiled_sequencer(sequencer, lambda: singles(panel, postgres.dsn, repeat)))
        with site.store() as store:
            share = tree_share(panel, store, site.admin_dsn, repeat)
        panel.grow(entries)
        late_bare, late = batches(panel, postgres.dsn, repeat)
    return [
        batch,
        single,
        share,
        Measure(f"batches at {entries} entries, one core / PyNaCl", 0.5, late_bare, late),
        Measure(f"sequencing at {entries} / at {EARLY} entries", FLAT, early, late),
    ]


def _replaying(store: Store, postgres: EmbeddedPostgres, audited: int, repeat: int) -> list[Measure]:
    source = Beginning(store, audited)
    bare, ours, signatures = audits(source, repeat)
    name = f"audit of {source.size} entries, {signatures} signatures / PyNaCl, {WORKERS} workers"
    audit = _explained(Measure(name, 0.7, bare, ours), lambda: profiled(lambda: audit_log(source)))
    ballots = ballots_of(store, EARLY, 4 * WINDOW)
    with ExitStack() as stack:
        stock, plain = (stock_log(new_database(postgres), ballots, plain=plain) for plain in (False, True))
        stack.callback(stock.close)
        stack.callback(plain.close)
        costs = windows(store, stock, plain, len(ballots), EARLY, WINDOW)
    few = max(1, len(costs.fold) // 4)
    folding = Measure("fold only / stock notification log", 2.0, costs.stock, costs.fold)
    return [
        audit,
        _explained(folding, lambda: profiled(lambda: fold(Selection(), store, 0, 4 * WINDOW))),
        Measure("fold only / the same, all ids as plain text", None, costs.plain, costs.fold),
        Measure("deciding again / fold only", 0.6, costs.fold, costs.redecide),
        Measure("folding the last / the first entries", FLAT, costs.fold[:few], costs.fold[-few:]),
    ]


def _explained(measure: Measure, profile: Callable[[], str]) -> Measure:
    """Return the measure, with a profile where its target is missed."""
    return measure if measure.verdict in ("ok", "-") else replace(measure, note=profile())


if __name__ == "__main__":
    main()
