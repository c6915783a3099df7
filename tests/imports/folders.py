"""Folders of tables for tests: the worked example, and what a test does to it."""

import csv
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from api.importing.example import example_folder
from api.importing.programme_file import programme_of
from api.importing.reading import Selected, read
from ledger.importing import DryRun, dry_run
from ledger.procedure.programme import Programme

Rows = list[list[str]]


@cache
def example_programme() -> Programme:
    """Return the programme of the worked example."""
    return programme_of(None, example_folder())


def example(folder: Path) -> Path:
    """Copy the worked example into a folder of the test's own."""
    place = folder / "tables"
    shutil.copytree(example_folder(), place, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return place


def rows_of(file: Path) -> Rows:
    """Return all rows of a CSV file, the header first."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.reader(opened))


def write(file: Path, rows: Sequence[Sequence[str]], encoding: str = "utf-8-sig") -> None:
    """Write rows as a CSV file."""
    with file.open("w", encoding=encoding, newline="") as opened:
        csv.writer(opened).writerows(rows)


def change(file: Path, edit: Callable[[Rows], object]) -> None:
    """Let a function edit the rows of a CSV file in place."""
    rows = rows_of(file)
    edit(rows)
    write(file, rows)


def put(file: Path, row: int, column: str, text: str) -> None:
    """Put a text into a cell; `row` counts as a spreadsheet does."""

    def edit(rows: Rows) -> None:
        rows[row - 1][rows[0].index(column)] = text

    change(file, edit)


def reading(place: Path) -> Selected:
    """Read a folder or workbook at the example's offset."""
    return read(place, example_programme().utc_offset_minutes)


def faults(place: Path) -> list[tuple[str, str, int, str]]:
    """Return what is wrong with the files: code, file, row, column."""
    return [(one.code, one.file, one.row, one.column) for one in reading(place).problems]


def decided(place: Path) -> DryRun:
    """Dry-run a folder in which nothing is wrong with the files."""
    selected = reading(place)
    assert list(selected.problems) == []
    return dry_run(example_programme(), selected.source)
