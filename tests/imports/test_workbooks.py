"""Workbooks: what a spreadsheet stores instead of what was typed is refused, and said with what to do about it."""

import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from openpyxl import load_workbook

from api.importing.example import example_folder
from api.importing.template import every_table, write_template
from tests.imports.folders import decided, example, faults, reading, rows_of

Cell = Callable[[Any, int, int, Any], None]
DERIVED = ("a-01", "a-02", "a-04")


def workbook(path: Path, edit: Callable[[Any, dict[str, Any]], None] | None = None) -> Path:
    """Write the worked example as one workbook, all cells as text; `edit` gets the book and its sheets."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheets = {}
        for file in sorted(example_folder().glob("*.csv")):
            sheet = sheets[file.stem] = book.add_worksheet(file.stem)
            for number, row in enumerate(rows_of(file)):
                for place, text in enumerate(row):
                    sheet.write_string(number, place, text)
        if edit is not None:
            edit(book, sheets)
    return path


def test_a_workbook_says_the_same_as_its_files(tmp_path: Path) -> None:
    assert decided(workbook(tmp_path / "all.xlsx")).derived.nominees == DERIVED
    place = example(tmp_path)
    with xlsxwriter.Workbook(str(place / "ballots.xlsx")) as book:
        sheet = book.add_worksheet("选票")
        for number, row in enumerate(rows_of(place / "ballots.csv")):
            sheet.write_row(number, 0, row)
    assert faults(place) == [("IMPORT_TABLE_TWICE", "ballots.xlsx/选票", 0, "")]
    (place / "ballots.csv").unlink()
    assert decided(place).derived.nominees == DERIVED


PLACES = {"people": {"unit": 2}, "rounds": {"opened_at": 2, "issued": 4, "round": 0}, "ballots": {"member": 1}}


@pytest.mark.parametrize(
    ("table", "column", "write", "code"),
    [
        ("people", "unit", lambda sheet, row, at, book: sheet.write_formula(row, at, "=A2&B2"), "IMPORT_CELL_FORMULA"),
        (
            "rounds", "issued", lambda sheet, row, at, book: sheet.write_formula(row, at, "=3+4", None, 7),
            "IMPORT_CELL_FORMULA",
        ),
        (
            "rounds", "issued",
            lambda sheet, row, at, book: sheet.write_array_formula(row, at, row, at, "{=SUM(E2:E3)}", None, 7),
            "IMPORT_CELL_FORMULA",
        ),
        ("people", "unit", lambda sheet, row, at, book: sheet.write_number(row, at, 4.5301199001011234e17),
         "IMPORT_CELL_NUMBER_LONG"),
        ("ballots", "member", lambda sheet, row, at, book: sheet.write_number(row, at, 1234567890123456),
         "IMPORT_CELL_NUMBER_LONG"),
        ("rounds", "round", lambda sheet, row, at, book: sheet.write_datetime(
            row, at, datetime(2026, 1, 2), book.add_format({"num_format": "m-d"})), "IMPORT_CELL_DATE"),  # noqa: DTZ001
        ("rounds", "issued", lambda sheet, row, at, book: sheet.write_number(
            row, at, 7, book.add_format({"num_format": "000"})), "IMPORT_CELL_NUMBER_SHAPED"),
        ("rounds", "issued", lambda sheet, row, at, book: sheet.write_number(
            row, at, 0.07, book.add_format({"num_format": "0%"})), "IMPORT_CELL_NUMBER_SHAPED"),
        ("rounds", "issued", lambda sheet, row, at, book: sheet.write_number(row, at, 7.5), "IMPORT_CELL_INVALID"),
        ("rounds", "issued", lambda sheet, row, at, book: sheet.write_boolean(row, at, True), "IMPORT_CELL_BOOLEAN"),
        ("rounds", "opened_at", lambda sheet, row, at, book: sheet.write_number(row, at, 46132.5),
         "IMPORT_CELL_NUMBER"),
    ],
)  # fmt: skip
def test_what_is_stored_otherwise_than_typed_is_refused(
    tmp_path: Path, table: str, column: str, write: Cell, code: str
) -> None:
    at = PLACES[table][column]
    if table == "rounds" and column == "opened_at":
        at = rows_of(example_folder() / "rounds.csv")[0].index("opened_at")
    place = workbook(tmp_path / "all.xlsx", lambda book, sheets: write(sheets[table], 2, at, book))
    assert faults(place) == [(code, f"all.xlsx/{table}", 3, column)]


def test_numbers_and_dates_that_lost_nothing_are_taken(tmp_path: Path) -> None:
    def edit(book: Any, sheets: dict[str, Any]) -> None:
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheets["rounds"].write_datetime(1, 2, datetime(2026, 4, 20, 14, 0), moment)  # noqa: DTZ001
        sheets["rounds"].write_datetime(1, 3, datetime(2026, 4, 20, 15, 0, 30), moment)  # noqa: DTZ001
        sheets["rounds"].write_number(1, 4, 7)
        sheets["totals"].write_number(1, 3, 812, book.add_format({"num_format": "#,##0"}))
        sheets["recusals"].write_string(0, 3, "declared_at")
        sheets["recusals"].write_datetime(1, 3, date(2026, 4, 19), book.add_format({"num_format": "yyyy/m/d"}))

    selected = reading(workbook(tmp_path / "all.xlsx", edit))
    assert list(selected.problems) == []
    first = next(iter(selected.source["rounds"]())).cells
    assert first[5:8] == ("1776664800000", "1776668430000", "7")
    assert next(iter(selected.source["recusals"]())).cells[3] == "1776528000000"


def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    place = workbook(tmp_path / "all.xlsx", lambda book, sheets: sheets["people"].write_string(1, 2, '=HYPERLINK("x")'))
    assert next(iter(reading(place).source["people"]())).cells[1] == '=HYPERLINK("x")'


def test_merged_cells_are_all_named(tmp_path: Path) -> None:
    def edit(book: Any, sheets: dict[str, Any]) -> None:
        sheets["ballots"].merge_range("A2:A8", "r-1")
        sheets["ballots"].merge_range("A9:A15", "r-2")

    place = workbook(tmp_path / "all.xlsx", edit)
    assert faults(place) == [
        ("IMPORT_CELLS_MERGED", "all.xlsx/ballots", 2, ""),
        ("IMPORT_CELLS_MERGED", "all.xlsx/ballots", 9, ""),
    ]
    assert [one.facts["range"] for one in reading(place).problems] == ["A2:A8", "A9:A15"]


def test_a_sheet_that_is_no_table_is_not_passed_over_and_an_empty_one_is(tmp_path: Path) -> None:
    def edit(book: Any, sheets: dict[str, Any]) -> None:
        book.add_worksheet("Sheet1")
        book.add_worksheet("投票").write_string(0, 0, "round")

    place = workbook(tmp_path / "all.xlsx", edit)
    assert faults(place) == [("IMPORT_TABLE_UNKNOWN", "all.xlsx/投票", 0, "")]


def test_what_a_sheet_says_of_its_own_extent_is_not_believed(tmp_path: Path) -> None:
    place = workbook(tmp_path / "all.xlsx")
    cut = tmp_path / "cut.xlsx"
    with zipfile.ZipFile(place) as old, zipfile.ZipFile(cut, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, re.sub(rb'<dimension ref="[^"]*"/>', b'<dimension ref="A1:A2"/>', data))
    assert decided(cut).rows == decided(place).rows


@pytest.mark.parametrize("data", [b"not a workbook", b"PK\x03\x04 cut short"])
def test_a_damaged_workbook_is_said_to_be_one(tmp_path: Path, data: bytes) -> None:
    place = example(tmp_path)
    (place / "more.xlsx").write_bytes(data)
    assert faults(place) == [("IMPORT_FILE_UNREADABLE", "more.xlsx", 0, "")]


def test_the_template_has_every_table_and_column_and_takes_everything_as_text(tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"
    write_template(path)
    book = load_workbook(path)
    for table in every_table():
        sheet = book[table.name]
        assert [cell.value for cell in sheet[1]] == [column.name for column in table.columns]
        spans = [(one.min, one.max) for one in sheet.column_dimensions.values() if one.number_format == "@"]
        assert {at for first, last in spans for at in range(first, last + 1)} == set(range(1, len(table.columns) + 1))
        assert all(column.zh in cell.comment.text for column, cell in zip(table.columns, sheet[1], strict=True))
    for file in example_folder().glob("*.csv"):
        header, *rows = rows_of(file)
        for row in rows:
            cells = dict(zip(header, row, strict=True))
            book[file.stem].append([cells.get(str(cell.value)) or None for cell in book[file.stem][1]])
    book.save(path)
    assert decided(path).derived.nominees == DERIVED
