"""How fast rows come in, and what memory they take: `python -m tests.benchmarks.imports [ballots]`.

A thousand members vote again and again on fourteen candidates; every round but the last was reopened. The dry run reads
every row once; then a clerk's chunks are signed, sequenced on a real database and countersigned by another clerk.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count, islice

import psycopg

from ledger.import_clerk import SequencerClerk
from ledger.import_programme import expanded
from ledger.import_tables import TABLES, Line, Source
from ledger.importing import Description, countersign, dry_run, run
from ledger.procedure.programme_value import programme_from_value
from ledger.signing import SigningKey
from ledger.statements.imports import SourceFile
from tests.benchmarks.closed_rounds import most_memory
from tests.benchmarks.machine import new_site, server
from tests.benchmarks.report import Measure, heading, show
from tests.sequenced import Site
from tests.simulator import LOG_KEY, freeze, new_world

MEMBERS = 1000
CANDIDATES = tuple(f"candidate-{number:02d}" for number in range(14))
VALUE = expanded(
    {
        "label": "benchmark-2023",
        "title": "基准",
        "year": 2023,
        "seats": 10,
        "stages": [{"id": "final", "kind": "panel_round", "takes": "nominees"}],
    }
)


def source(ballots: int) -> Source:
    """Return rows that are made while they are read."""
    rounds = max(1, ballots // MEMBERS)
    tables: dict[str, Callable[[], Iterator[tuple[str, ...]]]] = {
        "applications": lambda: ((f"app-{one}", one, "", "", "eligible", "") for one in CANDIDATES),
        "rosters": lambda: (("final", "", f"member-{member:04d}") for member in range(MEMBERS)),
        "rounds": lambda: (_round(number, number == rounds - 1) for number in range(rounds)),
        "ballots": lambda: (_ballot(number, member) for number in range(rounds) for member in range(MEMBERS)),
    }

    def lines(rows: Callable[[], Iterator[tuple[str, ...]]]) -> Iterable[Line]:
        return (Line(number, cells) for number, cells in enumerate(rows(), start=2))

    return {name: partial(lines, rows) for name, rows in tables.items()}


def _round(number: int, last: bool) -> tuple[str, ...]:
    return f"round-{number:05d}", "final", "", "0", "yes" if last else "no", "", "", "", "", ""


def _ballot(number: int, member: int) -> tuple[str, ...]:
    start = (number * 7 + member) % len(CANDIDATES)
    order = CANDIDATES[start:] + CANDIDATES[:start]
    return f"round-{number:05d}", f"member-{member:04d}", " ".join(order[:10]), " ".join(order[10:]), "", "", ""


def imported(empty: Site, rows: Source) -> dict[str, float]:
    """Import everything into an empty log, from the dry run to the second clerk's signature; seconds by step."""
    site = replace(empty, pin_path=empty.pin_path.with_name("pin-of-import"))
    world = new_world(VALUE)
    world.set_time("2024-01-10")
    first, second = (world.enrol(alias, "intake_office") for alias in ("clerk", "clerk-2"))
    site.preload(freeze(world))
    programme, took = programme_from_value(VALUE), {}
    began = time.perf_counter()
    dry = dry_run(programme, rows)
    took["dry run"] = time.perf_counter() - began
    times = count(world.now + 1000, 1000)
    what = Description("import-1", "基准", (SourceFile("00" * 32, 1, "benchmark"),), 0, 1)
    with site.sequencer() as sequencer:
        began = time.perf_counter()
        clerk = SequencerClerk(sequencer, first.person, first.key, at=lambda: next(times))
        completion = run(clerk, programme, rows, what, dry)
        countersign(SequencerClerk(sequencer, second.person, second.key, at=lambda: next(times)), completion)
        took["signed and sequenced"] = time.perf_counter() - began
        done = sequencer.state.imports.completed
        if done is None or done.result != dry.derived:
            raise LookupError("the import is not what the dry run was")
    return took


def _copied(dsn: str, rows: Source) -> float:
    """Return the seconds of one COPY of the same ballots into a table of text columns."""
    columns = len(TABLES["ballots"].logged)
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE copied (number integer PRIMARY KEY, cells text[] NOT NULL)")
        began = time.perf_counter()
        with cursor.copy("COPY copied (number, cells) FROM STDIN") as copy:
            for line in rows["ballots"]():
                copy.write_row((line.number, list(line.cells[:columns])))
        connection.commit()
        return time.perf_counter() - began


def _signed(rows: Source, key: SigningKey) -> float:
    """Return the seconds that PyNaCl takes to sign a ballot by itself, and nothing else; from the first of them."""
    messages = [" ".join(line.cells).encode() for line in islice(rows["ballots"](), 20_000)]
    began = time.perf_counter()
    for message in messages:
        key.sign(message)
    return (time.perf_counter() - began) / len(messages)


def imports(empty: Site, ballots: int) -> list[Measure]:
    """Import so many ballots on a real database: against signing each row, and against one COPY of the rows."""
    rows = source(ballots)
    took = imported(empty, rows)
    each = 1e6 / ballots
    ours = [sum(took.values()) * each]
    steps = ", ".join(f"{step} {seconds * each:.1f}" for step, seconds in took.items())
    return [
        Measure("import of a ballot row / PyNaCl signing it", None, [_signed(rows, LOG_KEY) * 1e6], ours),
        Measure("import of a ballot row / COPY of it", None, [_copied(empty.admin_dsn, rows) * each], ours, steps),
    ]


def main(ballots: int) -> None:
    """Measure one size and print it with the memory it took."""
    with server() as postgres:
        heading()
        show(imports(new_site(postgres), ballots))
    print(f"{ballots:,} ballots; peak {most_memory():.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
