"""CSV files as people make them: encodings, quoting, headers, cells; every fault by file, row and column, at once."""

import codecs
from pathlib import Path

import pytest

from api.importing.cells import CELL_MOST
from ledger.errors import StoreError
from ledger.messages import text
from tests.imports.folders import change, decided, example, faults, put, reading, rows_of, write

DERIVED = ("a-01", "a-02", "a-04")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_are_told_apart(tmp_path: Path, encoding: str, ends: str) -> None:
    place = example(tmp_path)
    for file in place.glob("*.csv"):
        lines = file.read_text("utf-8-sig").splitlines()
        file.write_bytes(ends.join([*lines, ""]).encode(encoding))
    assert decided(place).derived.nominees == DERIVED


def test_bytes_that_are_no_encoding_are_refused_with_both_lines(tmp_path: Path) -> None:
    place = example(tmp_path)
    (place / "people.csv").write_bytes("person,name\np-1,云\n".encode() + b"p-2,\xff\xff\np-3,x\n")
    (problem,) = [one for one in reading(place).problems if one.file == "people.csv"]
    assert (problem.code, problem.row, problem.facts) == ("IMPORT_ENCODING", 0, {"utf8": 3, "gb18030": 2})


@pytest.mark.parametrize("data", ["person,name\n1,云\n".encode("utf-16"), b"person,name\n1,\x00\n"])
def test_utf16_and_nul_bytes_are_no_text_file(tmp_path: Path, data: bytes) -> None:
    place = example(tmp_path)
    (place / "people.csv").write_bytes(data)
    assert ("IMPORT_ENCODING", "people.csv", 0, "") in faults(place)


def test_bytes_that_could_be_either_encoding_are_not_guessed(tmp_path: Path) -> None:
    place = example(tmp_path)
    data = "person,name\np-1,é\n".encode()
    assert data.decode("gb18030") != data.decode()
    (place / "people.csv").write_bytes(data)
    assert ("IMPORT_ENCODING_AMBIGUOUS", "people.csv", 0, "") in faults(place)
    (place / "people.csv").write_bytes(codecs.BOM_UTF8 + data)
    assert all(file != "people.csv" for _, file, _, _ in faults(place))


def test_headers_are_matched_and_everything_wrong_with_them_is_said(tmp_path: Path) -> None:
    place = example(tmp_path)
    file = place / "rounds.csv"
    change(file, lambda rows: rows.__setitem__(0, ["Round ", "stage", "opened", "stage", "issued", "returned", "void"]))
    assert faults(place) == [
        ("IMPORT_COLUMN_UNKNOWN", "rounds.csv", 1, "opened"),
        ("IMPORT_COLUMN_TWICE", "rounds.csv", 1, "stage"),
    ]
    change(file, lambda rows: rows.__setitem__(0, ["round", "", "opened_at", "", "", "", ""]))
    assert ("IMPORT_COLUMN_MISSING", "rounds.csv", 1, "stage") in faults(place)
    file.write_text("")
    assert faults(place) == [("IMPORT_HEADER_MISSING", "rounds.csv", 1, "")]


def test_order_of_columns_empty_rows_and_trailing_columns_mean_nothing(tmp_path: Path) -> None:
    place = example(tmp_path)
    change(
        place / "ballots.csv", lambda rows: rows.__setitem__(slice(None), [[*reversed(row), "", ""] for row in rows])
    )
    change(place / "people.csv", lambda rows: rows.insert(3, ["", " ", ""]))
    change(place / "people.csv", lambda rows: rows.append([]))
    assert decided(place).derived.nominees == DERIVED
    assert [line.number for line in reading(place).source["people"]()][:4] == [2, 3, 5, 6]


def test_a_cell_beyond_the_header_is_not_passed_over(tmp_path: Path) -> None:
    place = example(tmp_path)
    change(place / "people.csv", lambda rows: rows[4].append("备注"))
    assert faults(place) == [("IMPORT_CELL_OUTSIDE", "people.csv", 5, "")]


def test_quotes_commas_and_line_breaks_within_cells(tmp_path: Path) -> None:
    place = example(tmp_path)
    put(place / "people.csv", 2, "unit", '云岭"一厂",南区')
    put(place / "ballots.csv", 2, "approve", "a-01\na-02\r\na-03；a-04")
    assert decided(place).derived.nominees == DERIVED
    assert next(iter(reading(place).source["people"]())).cells[1] == '云岭"一厂",南区'
    put(place / "people.csv", 2, "unit", "云岭\n机械厂")
    assert faults(place) == [("IMPORT_CELL_LINE_BREAK", "people.csv", 2, "unit")]


@pytest.mark.parametrize(
    ("data", "code", "row"),
    [
        ('person,name\np-1,"方石\np-2,江牧\n', "IMPORT_QUOTING", 2),
        ('person,name\np-1,方石\np-2,"江"牧\n', "IMPORT_QUOTING", 3),
        ("person;name\np-1;方石\n", "IMPORT_DELIMITER", 1),
        ("person\tname\np-1\t方石\n", "IMPORT_DELIMITER", 1),
        ("person,name\np-1," + "方" * (CELL_MOST + 1) + "\n", "IMPORT_CELL_HUGE", 2),
        ("person,name\np-1," + "方" * 200_000 + "\n", "IMPORT_CELL_HUGE", 2),
    ],
)
def test_what_is_no_csv_is_said_at_its_row(tmp_path: Path, data: str, code: str, row: int) -> None:
    place = example(tmp_path)
    (place / "people.csv").write_text(data, "utf-8")
    assert (code, row) in [(code, row) for code, file, row, _ in faults(place) if file == "people.csv"]


@pytest.mark.parametrize(
    ("table", "column", "given", "code"),
    [
        ("rounds", "issued", "\uff17", "IMPORT_CELL_FULLWIDTH"),
        ("applications", "person", "\uff41-01", "IMPORT_CELL_FULLWIDTH"),
        ("ballots", "approve", "a-01 \uff41-02", "IMPORT_CELL_FULLWIDTH"),
        ("rounds", "issued", "7.0", "IMPORT_CELL_INVALID"),
        ("rounds", "issued", "1_000", "IMPORT_CELL_INVALID"),
        ("rounds", "issued", "=3+4", "IMPORT_CELL_INVALID"),
        ("rounds", "issued", "-7", "IMPORT_CELL_INVALID"),
        ("rounds", "issued", "07", "IMPORT_CELL_INVALID"),
        ("rounds", "opened_at", "2026-02-30 10:00", "IMPORT_CELL_INVALID"),
        ("rounds", "opened_at", "46132.5", "IMPORT_CELL_INVALID"),
        ("rounds", "opened_at", "20260420", "IMPORT_CELL_INVALID"),
        ("rounds", "round", "", "IMPORT_CELL_MISSING"),
        ("applications", "standing", "合格", "IMPORT_CELL_INVALID"),
        ("ballots", "member", "无此人", "IMPORT_NAME_UNKNOWN"),
        ("ballots", "approve", "a-01、无此人", "IMPORT_NAME_UNKNOWN"),
        ("people", "unit", "4.5301199001011E+17", "IMPORT_CELL_NUMBER_LONG"),
        ("ballots", "member", "4.53E+17", "IMPORT_CELL_NUMBER_LONG"),
        ("people", "unit", "#N/A", "IMPORT_CELL_ERROR"),
        ("people", "unit", "云\u202e岭", "IMPORT_CELL_INVALID"),
        ("people", "unit", "云" * 501, "IMPORT_CELL_INVALID"),
    ],
)
def test_a_cell_is_refused_where_it_stands(tmp_path: Path, table: str, column: str, given: str, code: str) -> None:
    place = example(tmp_path)
    put(place / f"{table}.csv", 3, column, given)
    assert faults(place) == [(code, f"{table}.csv", 3, column)]
    (problem,) = reading(place).problems
    for language in ("zh", "en"):
        sentence = text(code, problem.facts, language, section="imports")
        assert sentence != code
        assert "{" not in sentence


@pytest.mark.parametrize(
    ("table", "column", "given", "kept"),
    [
        ("rounds", "opened_at", "2026/4/20 14:00", "1776664800000"),
        ("rounds", "opened_at", "2026年4月20日 14:00", "1776664800000"),
        ("rounds", "opened_at", "2026-04-20T06:00:00.000Z", "1776664800000"),
        ("rounds", "opened_at", "2026-04-20T14:00:00+08:00", "1776664800000"),
        ("rounds", "opened_at", "2026-04-20", "1776614400000"),
        ("rounds", "round", " R-1 ", "r-1"),
        ("people", "unit", "=1+1", "=1+1"),
        ("people", "unit", "'=1+1", "=1+1"),
        ("people", "unit", "''=1+1", "'=1+1"),
        ("people", "unit", "+8613800000000", "+8613800000000"),
        ("people", "unit", "\uff11\uff12号", "\uff11\uff12号"),
        ("ballots", "approve", "a-01，a-02; a-03、a-04", "a-01 a-02 a-03 a-04"),
        ("ballots", "approve", "林知远 沈若谷", "a-01 a-02"),
    ],
)
def test_a_cell_is_spelled_in_one_way(tmp_path: Path, table: str, column: str, given: str, kept: str) -> None:
    place = example(tmp_path)
    put(place / f"{table}.csv", 2, column, given)
    selected = reading(place)
    assert list(selected.problems) == []
    assert kept in next(iter(selected.source[table]())).cells


def test_numbers_of_identity_cards_stay_whole_and_are_repeated_nowhere(tmp_path: Path) -> None:
    place = example(tmp_path)

    def numbered(rows: list[list[str]]) -> None:
        for number, row in enumerate(rows):
            row.append("id_number" if not number else f"11010119900101{number:04d}")
        rows[3][-1] = "11010119900101\u202e"

    change(place / "people.csv", numbered)
    (problem,) = reading(place).problems
    assert (problem.code, problem.row, problem.column) == ("IMPORT_CELL_INVALID", 4, "id_number")
    assert "1101" not in str(problem.facts)
    put(place / "people.csv", 4, "id_number", "11010119900101000x")
    put(place / "people.csv", 6, "id_number", "11010119900101000X")
    (problem,) = reading(place).problems
    assert (problem.code, problem.row, problem.facts) == ("IMPORT_PERSON_TWICE", 6, {"first": 4, "person": "a-03"})


def test_two_people_of_one_name_are_fine_until_the_name_is_used(tmp_path: Path) -> None:
    place = example(tmp_path)
    put(place / "people.csv", 7, "name", "陆思源")
    selected = reading(place)
    assert list(selected.problems) == []
    assert [(one.code, one.row, one.facts["person"]) for one in selected.hints] == [("IMPORT_NAMES_EQUAL", 7, "a-05")]
    put(place / "ballots.csv", 9, "approve", "陆思源、林知远")
    (problem,) = reading(place).problems
    assert (problem.code, problem.row, problem.facts["ids"]) == ("IMPORT_NAME_AMBIGUOUS", 9, "a-05 a-06")


def test_one_person_under_two_spellings_is_pointed_out(tmp_path: Path) -> None:
    place = example(tmp_path)
    put(place / "people.csv", 6, "name", "阿依·古丽")
    put(place / "people.csv", 7, "name", "阿依•古丽")
    selected = reading(place)
    assert [(one.code, one.row, one.column) for one in selected.hints] == [("IMPORT_NAMES_ALIKE", 7, "name")]
    put(place / "ballots.csv", 9, "approve", "阿依・古丽")
    (problem,) = reading(place).problems
    assert problem.code == "IMPORT_NAME_UNKNOWN"
    assert problem.facts["near"] == "阿依·古丽 (a-05)、阿依•古丽 (a-06)"


def test_duplicate_rows_are_refused_with_their_number(tmp_path: Path) -> None:
    place = example(tmp_path)
    change(place / "people.csv", lambda rows: rows.append(list(rows[4])))
    change(place / "ballots.csv", lambda rows: rows.insert(5, list(rows[4])))
    run_problems = {(one.code, one.table, one.row) for one in decided(place).problems}
    assert run_problems >= {("IMPORT_ROW_TWICE", "people", 15), ("ALREADY_VOTED", "ballots", 6)}


def test_no_file_is_passed_over(tmp_path: Path) -> None:
    place = example(tmp_path)
    write(place / "balots.csv", rows_of(place / "ballots.csv"))
    (place / "totals.xls").write_bytes(b"old")
    (place / "notes.md").write_text("beside the tables")
    assert faults(place) == [
        ("IMPORT_TABLE_UNKNOWN", "balots.csv", 0, ""),
        ("IMPORT_FILE_KIND", "totals.xls", 0, ""),
    ]
    (place / "balots.csv").unlink()
    (place / "totals.xls").unlink()
    (place / "ballots.csv").unlink()
    assert [code for code, *_ in faults(place)] == ["IMPORT_TABLE_MISSING"]
    with pytest.raises(StoreError, match="IMPORT_NOT_FOUND"):
        reading(tmp_path / "nowhere")


def test_everything_wrong_is_said_at_once_and_nothing_is_handed_over(tmp_path: Path) -> None:
    place = example(tmp_path)
    put(place / "rounds.csv", 2, "issued", "seven")
    put(place / "rounds.csv", 3, "closed_at", "then")
    put(place / "ballots.csv", 5, "approve", "某人")
    selected = reading(place)
    assert [(one.file, one.row) for one in selected.problems] == [
        ("rounds.csv", 2),
        ("rounds.csv", 3),
        ("ballots.csv", 5),
    ]
    assert dict(selected.source) == {}


def test_a_file_changed_after_the_check_stops_everything(tmp_path: Path) -> None:
    place = example(tmp_path)
    selected = reading(place)
    put(place / "ballots.csv", 8, "approve", "某人")
    with pytest.raises(StoreError, match="IMPORT_FILE_CHANGED"):
        list(selected.source["ballots"]())
