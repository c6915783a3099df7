"""Finding the tables: a folder with a CSV file or workbook for each table, or workbooks with a sheet for each.

Nothing is passed over in silence: a file or sheet that is no table is said to be unknown, so that a misspelt name
cannot lose a table. Programme files and the announced result may lie beside the tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from api.importing.csv_rows import csv_table
from api.importing.problems import Problems, ReadProblem, UnreadableError, shown
from api.importing.raw import RawTable
from api.importing.xlsx_rows import workbook_tables
from ledger.errors import StoreError
from ledger.import_tables import REQUIRED_TABLES, TABLES

ANNOUNCED = "announced"
"""The announced result, which may lie in the folder and is no table of the import."""
GUIDE_SHEETS = ("说明 guide", "示例 example")
"""Sheets of the template that explain and are not read."""
_TABULAR = (".csv", ".xlsx")
_REFUSED = (".xls", ".xlsm", ".xlsb", ".ods", ".et", ".tsv", ".txt")


@dataclass(slots=True)
class Found:
    """The tables of a folder or workbook, by name; `read` are the files that hold any."""

    tables: dict[str, RawTable] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    read: list[Path] = field(default_factory=list)

    def put(self, name: str, raw: RawTable, path: Path) -> None:
        """Take a file or sheet as the table of this name."""
        table = name.strip().lower()
        if table == ANNOUNCED or name.strip() in GUIDE_SHEETS:
            return
        if table not in TABLES:
            facts: dict[str, str | int] = {"given": shown(name), "known": ", ".join(TABLES)}
            self.problems.add(ReadProblem("IMPORT_TABLE_UNKNOWN", raw.file, 0, "", facts))
        elif table in self.tables:
            other: dict[str, str | int] = {"table": table, "first": self.tables[table].file}
            self.problems.add(ReadProblem("IMPORT_TABLE_TWICE", raw.file, 0, "", other))
        else:
            self.tables[table] = raw
            self.read += [] if path in self.read else [path]


def find(place: Path) -> Found:
    """Return the tables of a folder, or of one workbook. Raises `StoreError` `IMPORT_NOT_FOUND` where nothing is."""
    if place.is_file():
        files = [place]
    elif place.is_dir():
        files = sorted(one for one in place.iterdir() if one.is_file())
    else:
        raise StoreError("IMPORT_NOT_FOUND", path=str(place))
    found = Found()
    for file in files:
        if file.name.startswith((".", "~$")):
            continue
        try:
            _take(found, file)
        except UnreadableError as error:
            for problem in error.problems:
                found.problems.add(problem)
    missing = [name for name in REQUIRED_TABLES if name not in found.tables]
    if not found.problems:
        for name in missing:
            found.problems.add(ReadProblem("IMPORT_TABLE_MISSING", place.name, 0, "", {"table": name}))
    return found


def _take(found: Found, file: Path) -> None:
    kind = file.suffix.lower()
    if kind == ".csv":
        _take_csv(found, file)
    elif kind == ".xlsx":
        _take_workbook(found, file)
    elif kind in _REFUSED:
        found.problems.add(ReadProblem("IMPORT_FILE_KIND", file.name, 0, "", {"kinds": ", ".join(_TABULAR)}))


def _take_csv(found: Found, file: Path) -> None:
    if file.stem.strip().lower() != ANNOUNCED:
        found.put(file.stem, csv_table(file, file.name), file)


def _take_workbook(found: Found, file: Path) -> None:
    """A workbook named as a table holds it in its only sheet; any other holds each table in the sheet of its name."""
    name = file.stem.strip().lower()
    if name == ANNOUNCED:
        return
    sheets: Mapping[str, RawTable] = workbook_tables(file, file.name)
    if name in TABLES and len(sheets) == 1:
        found.put(name, next(iter(sheets.values())), file)
        return
    for sheet, raw in sheets.items():
        found.put(sheet, raw, file)
