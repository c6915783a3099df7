"""Tables as files that people open in a spreadsheet: CSV (UTF-8 with BOM) and XLSX, in which nothing is a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum

import xlsxwriter

from api.importing.escaping import escaped

Cell = str | int | bool | None


class Form(StrEnum):
    """How an answer is written."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


KINDS = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def write(form: Form, columns: Sequence[str], rows: Iterable[Sequence[Cell]], at: int | None) -> bytes:
    """Return a table as a file; `at` (UTC ms) dates it, so that the same table is the same bytes."""
    return _csv(columns, rows) if form is Form.CSV else _xlsx(columns, rows, at or 0)


def _safe(cell: Cell) -> Cell:
    return escaped(cell) if isinstance(cell, str) else cell


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _xlsx(columns: Sequence[str], rows: Iterable[Sequence[Cell]], at: int) -> bytes:
    out = io.BytesIO()
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, plain) as book:
        book.set_properties({"created": datetime.fromtimestamp(at // 1000, UTC).replace(tzinfo=None)})
        sheet = book.add_worksheet()
        for number, row in enumerate((columns, *rows)):
            for place, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, place, escaped(cell))
                elif cell is not None:
                    sheet.write(number, place, cell)
    return out.getvalue()
