"""Every row that cannot come in is named: all at once, with its code, clause, table, row and column."""

from random import Random

import pytest

from ledger.import_tables import TABLES, Cells, CellType
from ledger.importing import PROBLEMS_KEPT
from ledger.messages import catalogue, text
from tests.imports.small import FIRST, LAST, MEMBERS, Tables, at, ballot, tables, tried

LONG, FINAL = "long", "final"


def test_one_run_names_everything_that_is_wrong() -> None:
    rows = tables()
    rows["ballots"] = [
        ballot("r-long", "m1", "a1", "a1"),
        ballot("r-long", "m2", "nobody"),
        ballot("r-long", "guest", "a1"),
        ballot("r-long", "m3", "a1", "a2", "a3", "a4"),
        ballot("r-none", "m1", "a1"),
        *rows["ballots"][2:],
    ]
    found = [(one.code, one.table, one.row, one.column) for one in tried(rows).problems]
    assert found == [
        ("DUPLICATE_CHOICE", "ballots", 2, "approve"),
        ("UNKNOWN_CANDIDATE", "ballots", 3, "approve"),
        ("NOT_ON_ROSTER", "ballots", 4, "member"),
        ("UNKNOWN_ROUND", "ballots", 6, "round"),
        ("ALREADY_VOTED", "ballots", 7, "member"),
        ("OVERVOTE", "ballots", 5, "approve"),
    ]


ROWS: tuple[tuple[str, str, Cells, str, str], ...] = (
    ("people", "a second row", ("p9", "单位", ""), "", ""),
    ("applications", "no standing", ("x", "p", "", "", "", ""), "IMPORT_CELL_MISSING", "standing"),
    ("applications", "no known standing", ("x", "p", "", "", "maybe", ""), "IMPORT_CELL_INVALID", "standing"),
    ("applications", "upper case", ("X", "p", "", "", "eligible", ""), "IMPORT_CELL_INVALID", "application"),
    ("applications", "a cell too few", ("x", "p", "", "", "eligible"), "IMPORT_ROW_WIDTH", "-"),
    ("applications", "twice", ("app-a1", "p", "", "", "late", ""), "IMPORT_ROW_TWICE", "application"),
    ("applications", "another eligible", ("x", "a1", "", "", "eligible", ""), "DUPLICATE_APPLICANT", "person"),
    ("applications", "late", ("x", "p", "", "", "eligible", "1900000000000"), "DEADLINE_PASSED", "filed_at"),
    ("groups", "of a panel", (LONG, "a1", "g"), "WRONG_STAGE", "stage"),
    ("groups", "of no stage", ("none", "a1", "g"), "UNKNOWN_STAGE", "stage"),
    ("draws", "of a panel", (LONG, "1", "g"), "WRONG_STAGE", "stage"),
    ("rosters", "of no stage", ("none", "", "m9"), "UNKNOWN_STAGE", "stage"),
    ("rosters", "of a poll", ("public", "", "m9"), "WRONG_STAGE", "stage"),
    ("rosters", "of no group", (LONG, "g", "m9"), "UNKNOWN_GROUP", "group"),
    ("rosters", "twice", (LONG, "", "m1"), "IMPORT_ROW_TWICE", "member"),
    ("rosters", "of an applicant", (LONG, "", "a1"), "ROLE_CONFLICT", "member"),
    ("recusals", "of nobody there", (LONG, "m9", "a1", ""), "NOT_ON_ROSTER", "member"),
    ("recusals", "from nobody", (LONG, "m1", "zz", ""), "UNKNOWN_CANDIDATE", "candidate"),
    ("recusals", "in a poll", ("public", "m1", "a1", ""), "WRONG_STAGE", "stage"),
    ("attendance", "of nobody there", (LONG, "", "m9"), "NOT_ON_ROSTER", "member"),
    ("attendance", "of no stage", ("none", "", "m9"), "NOT_ON_ROSTER", "member"),
    ("attendance", "twice", (LONG, "", "m1"), "IMPORT_ROW_TWICE", "member"),
    ("rounds", "twice", ("r-long", LONG, "", "7", "", "", "", "", "", ""), "IMPORT_ROW_TWICE", "round"),
    ("rounds", "of the same number", ("r2", LONG, "", "0", "", "", "", "", "", ""), "IMPORT_ROUND_TWICE", "runoff"),
    ("rounds", "after a gap", ("r2", LONG, "", "2", "", "", "", "", "", ""), "NO_ROUND_DUE", "runoff"),
    ("rounds", "of no stage", ("r2", "none", "", "0", "", "", "", "", "", ""), "UNKNOWN_STAGE", "stage"),
    ("rounds", "that ends", ("r2", LONG, "", "0", "no", at(4), at(3), *[""] * 3), "CLOSING_TIME_PAST", "closed_at"),
    ("rounds", "with more back", ("r2", LONG, "", "0", "no", "", "", "1", "2", ""), "BALANCE_MISMATCH", "returned"),
    ("candidates", "of no round", ("none", "a1"), "UNKNOWN_ROUND", "round"),
    ("candidates", "not eligible", ("r-long", "zz"), "UNKNOWN_CANDIDATE", "candidate"),
    ("scores", "of a panel", (LONG, "m1", "a1", "skill", "100"), "WRONG_STAGE", "stage"),
    ("scores", "with a fraction", (LONG, "m1", "a1", "skill", "1.5"), "IMPORT_CELL_INVALID", "points"),
    ("ballots", "before the round", ballot("r-long", "m5", "a1", cast=at(0)), "NOT_ON_ROSTER", "member"),
    ("ballots", "late", ballot("r-final", "m1", "a1", cast=at(9)), "ROUND_CLOSED", "cast_at"),
    ("ballots", "two blanks between ids", ballot("r-long", "m1", "a1 ", "a2"), "IMPORT_CELL_INVALID", "approve"),
    ("ballots", "invisible words", ballot("r-long", "m1", void="x\u202ey"), "IMPORT_CELL_INVALID", "void"),
    ("totals", "of a panel", (LONG, "", "square", "a1", "1", "yes"), "WRONG_STAGE", "stage"),
    ("totals", "twice", ("public", "", "square", "a1", "1", "yes"), "IMPORT_ROW_TWICE", "candidate"),
    ("totals", "of two kinds", ("public", "", "square", "a4", "1", "no"), "IMPORT_ROW_CONTRADICTS", "verifiable"),
    ("totals", "of two polls", ("public", "p2", "hall", "a4", "1", "no"), "IMPORT_ROW_CONTRADICTS", "poll"),
    ("totals", "of one not listed", ("public", "", "square", "a5", "1", "yes"), "TOTALS_INVALID", "candidate"),
    ("totals", "with one missing", ("public", "", "hall", "a1", "1", "yes"), "TOTALS_INVALID", "candidate"),
    ("totals", "with leading zeros", ("public", "", "hall", "a1", "01", "yes"), "IMPORT_CELL_INVALID", "votes"),
    ("tie_orders", "of no round", ("none", "a1", "lot", "1"), "UNKNOWN_ROUND", "round"),
    ("tie_orders", "of nobody", ("r-long", "zz", "lot", "1"), "UNKNOWN_CANDIDATE", "candidate"),
    ("decisions", "on nobody", ("d", "withdrawn", "m1", "", at(1), ""), "NOT_AN_APPLICANT", "person"),
    ("decisions", "of no stage", ("d", "withdrawn", "a1", "none", at(1), ""), "UNKNOWN_STAGE", "stage"),
    ("decisions", "without a time", ("d", "withdrawn", "a1", "", "", ""), "IMPORT_CELL_MISSING", "decided_at"),
)  # fmt: skip


@pytest.mark.parametrize(("table", "case", "cells", "code", "column"), ROWS, ids=lambda value: str(value)[:30])
def test_a_row_that_cannot_come_in_is_named(table: str, case: str, cells: Cells, code: str, column: str) -> None:
    rows = tables()
    rows[table] = [*rows[table], cells]
    mine = [one for one in tried(rows).problems if one.table == table]
    if code:
        assert (code, column) in [(one.code, one.column) for one in mine], case
        assert all(one.row in (0, len(rows[table]) + 1) for one in mine if one.code == code)
    else:
        assert mine == []


def test_people_are_asked_for_once_any_are_listed() -> None:
    rows = tables()
    rows["people"] = [(one, "", "") for one in ("a1", "a2", "a3", "a4", *MEMBERS)]
    assert [(one.code, one.table, one.row) for one in tried(rows).problems][:1] == [
        ("UNKNOWN_PERSON", "applications", 6)
    ]


@pytest.mark.parametrize("table", ["applications", "rosters", "rounds", "ballots"])
def test_a_table_that_must_be_there_is_missed(table: str) -> None:
    rows: Tables = tables() | {table: []}
    codes = {(one.code, one.table, one.row) for one in tried(rows).problems}
    assert ("IMPORT_TABLE_MISSING", table, 0) in codes


def test_every_time_lies_in_the_attested_period() -> None:
    assert tried(tables(), period=(FIRST, LAST)).admissible
    found = tried(tables(), period=(FIRST + 1, LAST)).problems
    outside = [(one.table, one.row, one.column) for one in found if one.code == "IMPORT_TIME_OUTSIDE"]
    assert outside == [("applications", row, "filed_at") for row in range(2, 7)]


def test_problems_are_counted_beyond_those_kept() -> None:
    rows = tables()
    rows["people"] = [("UPPER", "", "")] * (PROBLEMS_KEPT + 7)
    run = tried(rows)
    assert (len(run.problems), run.problem_count) == (PROBLEMS_KEPT, PROBLEMS_KEPT + 7)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_problem_and_difference_has_its_own_words(language: str) -> None:
    known = catalogue()[language]["imports"]
    assert {code for *_, code, _ in ROWS if code} <= known.keys()
    rows = tables()
    for table, _, cells, code, _ in ROWS:
        rows[table] = [*rows[table], cells] if code else rows[table]
    for one in tried(rows).problems:
        sentence = text(one.code, one.facts, language, section="imports")
        assert "{" not in sentence
        assert not any(f" {name} " in f" {sentence} " for name in ("expected", "given") if name not in one.facts)


def test_any_damaged_cell_is_reported_at_its_place() -> None:
    rng = Random(7)
    for _ in range(300):
        rows = tables()
        table = rng.choice([name for name in TABLES if rows[name]])
        row = rng.randrange(len(rows[table]))
        cells = list(rows[table][row])
        columns = TABLES[table].logged
        place = rng.choice([at for at, column in enumerate(columns) if column.type is not CellType.TEXT])
        cells[place] = cells[place] + rng.choice(["é", " ", "\u200e", "\ufffe", "\uff21"])
        rows[table] = [*rows[table][:row], tuple(cells), *rows[table][row + 1 :]]
        run = tried(rows)
        column = columns[place].name
        named = {(one.table, one.row, one.column) for one in run.problems}
        assert (table, row + 2, column) in named
