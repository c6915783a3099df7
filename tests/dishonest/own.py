"""Plays for refusals that no other module plays in a log: the rows of an import, held to the rules one by one."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from ledger.errors import MalformedError
from ledger.import_cells import ROW_MOST
from ledger.import_tables import TABLES
from ledger.importing import plan
from ledger.statements.imports import ImportBegun, ImportChunk, PeriodAttested, SourceFile, TableRows
from tests.imports.exporting import source_of
from tests.imports.small import FIRST, LAST, VALUE, tables
from tests.imports.test_rows import ROWS
from tests.simulator import freeze, new_world, resume

NAME = "elsewhere"
ROOM = 9
"""Rows declared beyond those that come, so that a row too many is never what is wrong."""

WRONG = [(table, cells) for table, _, cells, code, _ in ROWS if code]
WRONG.append(("people", ("p9", "x" * ROW_MOST, "")))


def play_import_rows() -> None:
    """Offer each wrong row as a chunk of its own, to a log that took every table up to its own."""
    world = new_world(VALUE)
    world.set_time("2024-01-10")
    world.enrol("clerk", "intake_office")
    held = tables()
    counts = tuple(TableRows(len(rows) + ROOM, name) for name, rows in held.items())
    files = (SourceFile("ab" * 32, 1234, "ballots.csv"),)
    world.must("clerk", ImportBegun(files, NAME, PeriodAttested(FIRST, LAST), "2023年评选的纸质记录", counts))
    taken = 0
    for name in TABLES:
        for one in plan(source_of({key: rows if key == name else [] for key, rows in held.items()})):
            world.must("clerk", ImportChunk(NAME, one.rows, taken, name))
            taken += 1
        for table, cells in WRONG:
            if table == name:
                # Some are wrong only beside all others and come in here, so each is offered to a log of its own; what
                # no statement can bear is stopped at the door.
                with suppress(MalformedError):
                    resume(freeze(world)).submit("clerk", ImportChunk(NAME, (cells,), taken, name))


PLAYS: Mapping[str, Callable[[], None]] = {"import_rows": play_import_rows}
