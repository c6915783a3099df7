"""Dispute H23: tables with formulas, foreign encodings, merged cells, duplicate rows and mangled numbers."""

from pathlib import Path

import pytest
import xlsxwriter

from api.importing.clerk import described
from api.importing.example import example_folder
from api.importing.programme_file import value_of
from api.importing.writing import write_tables
from ledger.errors import ConflictError
from ledger.importing import run
from tests.imports.folders import change, decided, example, example_programme, faults, put, reading, rows_of
from tests.imports.test_log import WorldClerk
from tests.simulator import new_world


def test_H23_what_a_spreadsheet_mangled_is_refused_row_by_row(tmp_path: Path) -> None:
    place = example(tmp_path)
    put(place / "people.csv", 3, "unit", "4.53E+17")
    put(place / "ballots.csv", 4, "approve", "=a-01")
    put(place / "rounds.csv", 2, "issued", "\uff17")
    change(place / "totals.csv", lambda rows: rows[5].append("备注"))
    assert faults(place) == [
        ("IMPORT_CELL_NUMBER_LONG", "people.csv", 3, "unit"),
        ("IMPORT_CELL_FULLWIDTH", "rounds.csv", 2, "issued"),
        ("IMPORT_NAME_UNKNOWN", "ballots.csv", 4, "approve"),
        ("IMPORT_CELL_OUTSIDE", "totals.csv", 6, ""),
    ]
    assert dict(reading(place).source) == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_H23_each_encoding_is_read_for_what_it_is(tmp_path: Path, encoding: str) -> None:
    place = example(tmp_path)
    for file in place.glob("*.csv"):
        file.write_bytes(file.read_bytes().decode("utf-8-sig").encode(encoding))
    assert decided(place).derived.nominees == ("a-01", "a-02", "a-04")


def test_H23_merged_cells_formulas_and_numbers_of_18_digits_in_a_workbook(tmp_path: Path) -> None:
    place = example(tmp_path)
    rows = rows_of(place / "people.csv")
    (place / "people.csv").unlink()
    with xlsxwriter.Workbook(str(place / "people.xlsx")) as book:
        sheet = book.add_worksheet("people")
        sheet.write_row(0, 0, [*rows[0], "id_number"])
        for number, row in enumerate(rows[1:], start=1):
            sheet.write_row(number, 0, row)
        sheet.write_number(2, 3, 453011990010112345)
        sheet.write_formula(3, 2, '=CONCAT("云岭","机械厂")')
    assert faults(place) == [
        ("IMPORT_CELL_NUMBER_LONG", "people.xlsx/people", 3, "id_number"),
        ("IMPORT_CELL_FORMULA", "people.xlsx/people", 4, "unit"),
    ]
    with xlsxwriter.Workbook(str(place / "people.xlsx")) as book:
        sheet = book.add_worksheet("people")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        sheet.merge_range("C2:C3", "云岭机械厂")
    assert ("IMPORT_CELLS_MERGED", "people.xlsx/people", 2, "") in faults(place)


def test_H23_duplicate_rows_are_refused_and_nothing_is_half_imported(tmp_path: Path) -> None:
    place = example(tmp_path)
    change(place / "applications.csv", lambda rows: rows.append(rows[2]))
    dry, selected = decided(place), reading(place)
    first = dry.problems[0]
    assert (first.code, first.table, first.row) == ("IMPORT_ROW_TWICE", "applications", 8)
    world = new_world(value_of(example_folder() / "programme.toml"))
    world.set_time("2026-07-01")
    world.enrol("clerk", "intake_office")
    size = world.state.size
    what = described(selected.paths, dry, "2026年卷宗")
    with pytest.raises(ConflictError, match="IMPORT_NOT_ADMISSIBLE"):
        run(WorldClerk(world, "clerk"), example_programme(), selected.source, what, dry)
    assert world.state.size == size


def test_H23_no_exported_cell_becomes_a_formula(tmp_path: Path) -> None:
    texts = ("=cmd|'/c calc'!A0", "+1", "-1", "@SUM(A1)", "'=1", "平常", "'平常")
    rows = [(f"p-{number}", text, "") for number, text in enumerate(texts)]
    write_tables(tmp_path, {"people": rows})
    written = [row[1] for row in rows_of(tmp_path / "people.csv")[1:]]
    assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r")) for text in written)
    (tmp_path / "people.csv").rename(tmp_path / "kept.csv")
    place = example(tmp_path)
    (tmp_path / "kept.csv").rename(place / "people.csv")
    put(place / "ballots.csv", 9, "approve", "a-01 a-02 a-03")
    change(place / "ballots.csv", lambda found: [row.__setitem__(2, "a-01") for row in found[9:]])
    assert [line.cells for line in reading(place).source["people"]()] == rows
