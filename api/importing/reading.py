"""Reading a whole selection: every table checked cell by cell in one pass, then handed over as often as asked for.

Nothing is handed over of files in which anything is wrong. Beyond the table of people, memory does not grow with rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from api.importing.cells import Reading
from api.importing.folder import find
from api.importing.people import Names, People
from api.importing.problems import Problems
from api.importing.raw import RawTable
from api.importing.tables import STEP, Progress, lines
from ledger.errors import StoreError
from ledger.import_tables import TABLES, Line, Source


@dataclass(frozen=True, slots=True)
class Selected:
    """A selection as its files have it.

    `problems` must be empty before anything is made of `source`; `hints` are worth a look and stop nothing. `rows`
    counts the good rows of each table, `files` says in which file a table is, `paths` are all files read.
    """

    source: Source = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    hints: Problems = field(default_factory=Problems)
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    paths: tuple[Path, ...] = ()


def read(place: Path, offset_minutes: int, progress: Progress | None = None) -> Selected:
    """Read a folder or workbook, at the programme's offset from UTC. Raises `StoreError` where there is none."""
    found = find(place)
    problems, hints = found.problems, Problems()
    people = People(found.tables["people"].file if "people" in found.tables else "people")
    reading = Reading(offset_minutes, people.names)
    rows = {}
    for name, table in TABLES.items():
        if name in found.tables:
            who = people if name == "people" else None
            rows[name] = 0
            for _ in lines(table, found.tables[name], reading, problems, who):
                rows[name] += 1
                if progress is not None and rows[name] % STEP == 0:
                    progress(name, rows[name])
    people.hints(hints)
    source: Source = {
        name: partial(_again, name, found.tables[name], reading)
        for name in TABLES
        if name in found.tables and not problems
    }
    files = {name: raw.file for name, raw in found.tables.items()}
    return Selected(source, problems, hints, rows, files, people.names, tuple(found.read))


def _again(name: str, raw: RawTable, reading: Reading) -> Iterator[Line]:
    """Read a table again; a file that has gone bad since it was checked stops everything."""
    problems = Problems()
    for line in lines(TABLES[name], raw, reading, problems):
        if problems:
            break
        yield line
    for problem in problems:
        raise StoreError("IMPORT_FILE_CHANGED", file=problem.file, row=problem.row)
