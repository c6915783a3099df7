"""How fast rows come in, and what memory they take: `python -m tests.benchmarks.imports [ballots]`.

A thousand members vote again and again on fourteen candidates; every round but the last was reopened. The dry run reads
every row once; signing and deciding is what a clerk's program and the sequencer do for every chunk, without a database.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from ledger.decisions.gate import decide, governing_hash
from ledger.import_programme import expanded
from ledger.import_tables import Line, Source
from ledger.importing import dry_run, plan
from ledger.procedure.programme_value import programme_from_value
from ledger.signing import key_id
from ledger.statements import Statement, encode_entry, open_envelope, sign
from ledger.statements.codec import decode_own_entry
from ledger.statements.imports import ImportBegun, ImportChunk, PeriodAttested, SourceFile, TableRows
from ledger.statements.kinds import name_of
from tests.simulator import MemoryLedger, new_world

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


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(ballots: int) -> None:
    """Measure and print."""
    programme, rows = programme_from_value(VALUE), source(ballots)
    began, before = time.perf_counter(), _peak()
    dry = dry_run(programme, rows)
    took = time.perf_counter() - began
    print(f"dry run: {dry.rows['ballots']:,} ballots, {ballots / took:,.0f}/s; {before} -> {_peak()} MiB")
    world = new_world(VALUE)
    world.set_time("2024-01-10")
    world.enrol("clerk", "intake_office")
    counts = tuple(TableRows(count, name) for name, count in dry.rows.items() if count)
    files = (SourceFile("00" * 32, 1, "benchmark"),)
    world.must("clerk", ImportBegun(files, "import-1", PeriodAttested(0, 1), "基准", counts))
    ledger, actor = world.ledger, world.actor("clerk")
    if not isinstance(ledger, MemoryLedger):
        raise TypeError("the play is in memory")
    state, seen, began, size = ledger.state, ledger.seen(), time.perf_counter(), 0
    for number, chunk in enumerate(plan(rows), start=1):
        body: Any = ImportChunk("import-1", chunk.rows, chunk.sequence, chunk.table)
        name, version = name_of(ImportChunk)
        statement = Statement(
            body=body,
            claimed_at=None,
            counter=actor.counter + number,
            key=key_id(actor.key.public),
            nonce=f"{number:032x}",
            on_behalf_of=None,
            person=actor.person,
            programme=state.charter.id,
            rules=governing_hash(state, body),
            seen=seen,
            type=name,
            version=version,
        )
        signed = open_envelope(sign(statement, actor.key))
        refusal = decide(state, signed.statement, world.now)
        if refusal is not None or not signed.verify(actor.key.public):
            raise ValueError(refusal)
        entry = encode_entry(state.size, world.now, signed.envelope)
        size = max(size, len(entry))
        state.apply(decode_own_entry(entry))
    took = time.perf_counter() - began
    running = state.imports.running
    held = running.rows if running is not None else 0
    print(
        f"signed, decided and folded: {held:,} rows, {held / took:,.0f}/s; peak {_peak()} MiB; entry <= {size:,} bytes"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
