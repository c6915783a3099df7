"""The tables of a selection as CSV files again: what is written here reads back to the same rows.

UTF-8 with BOM, as spreadsheets expect; instants in UTC; nothing that a spreadsheet would take for a formula. Names and
ID numbers are in no ledger; where a name is asked for, the person's id stands in for it.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from api.importing.escaping import escaped
from api.importing.moments import written
from ledger.import_tables import TABLES, Cells, CellType

_WRITTEN: Mapping[CellType, Callable[[str], str]] = {
    CellType.HUNDREDTHS: lambda cell: f"{int(cell) // 100}.{int(cell) % 100:02d}",
    CellType.INSTANT: lambda cell: written(int(cell)),
    CellType.TEXT: escaped,
}


def write_tables(folder: Path, tables: Mapping[str, Iterable[Cells]]) -> dict[str, int]:
    """Write a file for each table that has rows; returns how many rows each has."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    for name, rows in tables.items():
        columns = TABLES[name].logged
        stand_in = [column.name for column in TABLES[name].columns if column.private and column.required]
        with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow([*(column.name for column in columns), *stand_in])
            counts[name] = 0
            for cells in rows:
                row = [
                    _WRITTEN.get(column.type, str)(cell) if cell else ""
                    for column, cell in zip(columns, cells, strict=True)
                ]
                writer.writerow(row + [cells[0]] * len(stand_in))
                counts[name] += 1
    return counts
