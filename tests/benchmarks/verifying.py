"""What checking an export costs: `python -m tests.benchmarks.verifying [entries]`, by default a million.

The baseline is PyNaCl alone, in as many threads, on as many signatures as the export has. A process of its own checks
the export, so that start, reading and memory are all counted.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ledger.checkpoint import parse_vkey
from ledger.selection import Selection
from ledger.signing import pae
from ledger.statements import Act, decode_own_entry
from ledger.statements.roll import KeyEnrolled
from ledger.store import Store
from projections.audit.export import Trust, verify_export
from projections.bundle import write_export
from projections.bundle_core import StoredEvidence
from projections.disclosure import Audience
from tests.benchmarks.closed_rounds import grown, most_memory
from tests.benchmarks.machine import new_site, server, timed
from tests.benchmarks.report import Measure, heading, show
from tests.benchmarks.sequencing import check_bare
from tests.sequenced import Site
from tests.simulator import LOG_VKEY, ORIGIN

WORKERS = 2
MOST_MIB = 400
TARGET = 0.65
SAMPLE = 20_000
"""So many signatures are checked by PyNaCl alone; the cost of each does not depend on how many there are."""


@dataclass(frozen=True)
class ExportedLog:
    """A stored log as exports are made of it, without evidence or attestations."""

    store: Store
    origin: str = ORIGIN

    def pinned(self) -> int:
        """Return how many entries there are."""
        return self.store.size()

    def shown(self, audience: Audience) -> int:
        """Return them all: no vote is running."""
        return self.store.size()

    def read_entries(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Give entries in order."""
        return self.store.read_entries(start, stop)

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give (size, note) of every checkpoint."""
        return ((one.size, one.note) for one in self.store.checkpoints())

    def evidence(self, digest: str) -> StoredEvidence | None:
        """Return nothing: this log has no evidence."""

    def attached(self, index: int) -> bytes | None:
        """No public vote is in it."""
        return None

    def credentials(self, commitment: int) -> Iterator[bytes]:
        """No public vote is in it."""
        return iter(())

    def attestations(self) -> Iterator[tuple[str, int, bytes]]:
        """Give nothing."""
        return iter(())


@dataclass(frozen=True)
class Verified:
    """One check of an export: its entries and signatures, how long it took in seconds, the most memory in MiB."""

    entries: int
    signatures: int
    seconds: float
    mib: float


def verify_here(path: Path, vkey: str, progress: bool = False) -> Verified:
    """Check an export in this process; raises `LookupError` unless it is clean."""
    start = time.perf_counter()
    shown = (lambda done: print(f"\r{done:>12,}", end="", file=sys.stderr)) if progress else None
    report = verify_export(path, Trust(key=parse_vkey(vkey)), WORKERS, shown)
    seconds = time.perf_counter() - start
    if report.exit_code:
        raise LookupError(str((report.failures[:2], report.not_checked)))
    checks = {check.short: count for check, count in report.looked_at.items()}
    return Verified(report.size, checks["signatures"] + checks["checkpoints"], seconds, most_memory())


def verify_apart(path: Path) -> Verified:
    """Check an export in a process of its own; its time counts from its start."""
    command = [sys.executable, "-m", "tests.benchmarks.verifying", "verify", str(path), LOG_VKEY.encode()]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    entries, signatures, _, mib = done.stdout.split()
    return Verified(int(entries), int(signatures), seconds, float(mib))


def sample_of(store: Store) -> list[tuple[bytes, bytes]]:
    """Return the newest signatures of the log with their keys, as many as are checked for the baseline."""
    state = Selection()
    acts: list[Act] = []
    for _, entry in islice(store.read_entries(), 2 * SAMPLE):
        act = decode_own_entry(entry)
        state.apply(act)
        acts.append(act)
    keys = {name: key.public for name, key in state.roll.keys.items()}
    signed = ((act.signed, keys.get(act.statement.key)) for act in acts if type(act.body) is not KeyEnrolled)
    found = [(one.signature + pae(one.payload_type, one.payload), key) for one, key in signed if key is not None]
    return found[-SAMPLE:]


def verifying(site: Site, repeat: int = 1) -> list[Measure]:
    """Export a grown log, and give the cost of checking it against PyNaCl alone, and its memory against the bound."""
    bare: list[float] = []
    ours: list[float] = []
    mib = 0.0
    with tempfile.TemporaryDirectory(prefix="ballot-ledger-bench-") as folder, site.store() as store:
        path = Path(folder) / "export"
        write_export(ExportedLog(store), path, Audience.AUDITOR)
        sample = sample_of(store)
        parts = [sample[start::WORKERS] for start in range(WORKERS)]
        entries = 0
        with ThreadPoolExecutor(WORKERS) as pool:
            for _ in range(repeat):
                each = timed(lambda: list(pool.map(check_bare, parts)), len(sample))
                found = verify_apart(path)
                entries, mib = found.entries, max(mib, found.mib)
                bare.append(each * found.signatures / found.entries)
                ours.append(found.seconds / found.entries * 1e6)
    return [
        Measure(f"export of {entries} entries verified / PyNaCl, {WORKERS} workers", TARGET, bare, ours),
        Measure(f"verifying {entries} entries, MiB / {MOST_MIB} MiB", 1.0, [float(MOST_MIB)], [mib]),
    ]


def main() -> None:
    """Grow, export and verify, or only verify what another process exported."""
    if sys.argv[1:2] == ["verify"]:
        found = verify_here(Path(sys.argv[2]), sys.argv[3])
        print(found.entries, found.signatures, found.seconds, found.mib)
        return
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with server() as postgres:
        heading()
        show(verifying(grown(new_site(postgres), entries)))


if __name__ == "__main__":
    main()
