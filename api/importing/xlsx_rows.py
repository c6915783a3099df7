"""Rows of a workbook's sheets, streamed. Formulas are never evaluated, and their stored values never taken.

A workbook keeps numbers as binary fractions of some 15 digits, whatever was typed. A number that may have lost digits
is not read as what it shows; see `cells`.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from openpyxl import load_workbook
from openpyxl.cell.read_only import EmptyCell

from api.importing.problems import ReadProblem, UnreadableError
from api.importing.raw import Kind, RawCell, RawRow, RawTable, Stored

ROWS_MOST = 1_048_576
"""The rows of a sheet, as the format has them."""
UNPACKED_MOST = 1 << 30
"""Bytes that a workbook may unpack to."""
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ORNAMENT = re.compile(r'\[[^\]]*\]|_.|\*.|\\.|"[^"]*"')
_SHOWS_THE_NUMBER = re.compile(r"General|@|(#,##)?0?(\.[0#?]+)?|#+(\.[0#?]+)?", re.IGNORECASE)


def workbook_tables(path: Path, file: str) -> Mapping[str, RawTable]:
    """Return the sheets of a workbook that are not empty, by their names. Raises `UnreadableError`."""
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(member.file_size for member in packed.infolist())
        if unpacked > UNPACKED_MOST:
            facts = {"most": UNPACKED_MOST >> 20}
            raise UnreadableError(ReadProblem("IMPORT_FILE_HUGE", file, 0, "", facts))
        return {
            name: RawTable(f"{file}/{name}", lambda name=name: _rows(path, f"{file}/{name}", name), at_most)  # type: ignore[misc]
            for name, at_most in _sheets(path)
        }
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(_unreadable(file, error)) from None


def _unreadable(file: str, error: Exception) -> ReadProblem:
    """A damaged workbook fails in many ways, in the archive, the XML or the library; all mean the same to its owner."""
    return ReadProblem("IMPORT_FILE_UNREADABLE", file, 0, "", {"reason": f"{type(error).__name__}: {str(error)[:80]}"})


def _sheets(path: Path) -> Iterator[tuple[str, int]]:
    book = load_workbook(path, read_only=True, data_only=False, keep_links=False)
    try:
        for sheet in book.worksheets:
            stated = sheet.max_row or 1
            sheet.reset_dimensions()
            if any(cell.value is not None for row in sheet.iter_rows() for cell in row):
                yield sheet.title, min(stated, ROWS_MOST)
    finally:
        book.close()


def _rows(path: Path, file: str, name: str) -> Iterator[RawRow]:
    book = load_workbook(path, read_only=True, data_only=False, keep_links=False)
    try:
        sheet = book[name]
        _refuse_merged(sheet, file)
        # What a file says of its own extent is not believed: rows beyond it would stay unread.
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(), start=1):
            if number > ROWS_MOST:
                raise UnreadableError(ReadProblem("IMPORT_FILE_HUGE", file, number, "", {"most": ROWS_MOST}))
            yield number, _cells(row)
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(_unreadable(file, error)) from None
    finally:
        book.close()


def _refuse_merged(sheet: Any, file: str) -> None:
    """Refuse merged cells: only one of them holds the content, and which rows it is meant for nobody can tell."""
    found = []
    with sheet._get_source() as source:
        for _, element in ElementTree.iterparse(source):
            if element.tag == f"{_MAIN}mergeCell":
                place = element.get("ref", "")
                row = int("".join(filter(str.isdigit, place.partition(":")[0])) or 0)
                found.append(ReadProblem("IMPORT_CELLS_MERGED", file, row, "", {"range": place}))
            if element.tag == f"{_MAIN}row":
                element.clear()
    if found:
        raise UnreadableError(*found)


def _cells(row: Sequence[Any]) -> list[RawCell]:
    cells = [_cell(cell) for cell in row]
    while cells and cells[-1] == "":
        cells.pop()
    return cells


def _cell(cell: Any) -> RawCell:
    value = cell.value
    if value is None or isinstance(cell, EmptyCell):
        return ""
    if cell.data_type == "f":
        return Stored(Kind.FORMULA, str(getattr(value, "text", value)))
    if cell.data_type == "e":
        return Stored(Kind.ERROR, str(value))
    if isinstance(value, bool):
        return Stored(Kind.BOOLEAN, str(value).upper())
    return _number(value, cell.number_format) if isinstance(value, int | float) else _timed_or_text(value)


def _timed_or_text(value: object) -> RawCell:
    if isinstance(value, datetime):
        return Stored(Kind.MOMENT, value.isoformat(timespec="milliseconds"))
    if isinstance(value, date):
        return Stored(Kind.MOMENT, f"{value.isoformat()}T00:00:00.000")
    if isinstance(value, time | timedelta):
        return Stored(Kind.SHAPED, str(value))
    return str(value)


def _number(value: int | float, shape: str) -> Stored:
    """The shortest decimal that is this binary number: what was typed, as long as it has no more than 15 digits."""
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e15)
    plain = _SHOWS_THE_NUMBER.fullmatch(_ORNAMENT.sub("", (shape or "General").partition(";")[0]).strip())
    kind = Kind.NUMBER if plain else Kind.SHAPED
    return Stored(kind, str(int(value)) if whole else repr(value))
