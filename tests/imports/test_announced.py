"""An announced result against the derived one: each known mistake is planted and found, with its cause."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from api.importing.announced import read_announced
from ledger.messages import text
from projections.announced import Discrepancy, What, compare
from projections.announced_rows import basis_of_rows
from tests.imports.folders import Rows, change, example, example_programme, put, reading, rows_of, write

Found = list[tuple[str, str, str]]
CODE = re.compile(r'"(ANNOUNCED_[A-Z_]+)"')


def compared(place: Path) -> tuple[Discrepancy, ...]:
    selected = reading(place)
    assert list(selected.problems) == []
    based = basis_of_rows(example_programme(), selected.source)
    assert based.basis is not None, based.problems
    announced = read_announced(place / "announced.csv", 480, selected.names)
    assert list(announced.problems) == []
    return compare(announced.rows, based.basis)


def causes(place: Path) -> Found:
    return [(one.what.value, one.candidate, one.cause) for one in compared(place)]


def announce(place: Path, within: str, who: str, **cells: str) -> None:
    """Change the announced row of somebody within a stage."""

    def edit(rows: Rows) -> None:
        names = rows[0]
        (row,) = [r for r in rows if (r[names.index("stage")], r[names.index("candidate")]) == (within, who)]
        for column, value in cells.items():
            row[names.index(column)] = value

    change(place / "announced.csv", edit)


def widen(file: Path, column: str) -> None:
    """Add an empty column."""
    header, *rows = rows_of(file)
    write(file, [[*header, column], *([*row, ""] for row in rows)])


@pytest.fixture
def right(tmp_path: Path) -> Path:
    """The worked example without its planted error."""
    place = example(tmp_path)
    announce(place, "final", "a-03", rank="4", taken="no")
    announce(place, "final", "a-04", rank="3", taken="yes")
    announce(place, "notice", "a-03", candidate="叶青禾")
    assert compared(place) == ()
    return place


def test_the_planted_error_of_the_example_is_found_with_its_cause(tmp_path: Path) -> None:
    place = example(tmp_path)
    assert causes(place) == [
        ("taken", "a-03", "ANNOUNCED_TIE_OTHERWISE"),
        ("taken", "a-04", "ANNOUNCED_TIE_OTHERWISE"),
        ("place", "a-03", "ANNOUNCED_FOLLOWS"),
        ("place", "a-04", "ANNOUNCED_FOLLOWS"),
    ]
    first = compared(place)[0]
    assert (first.row, first.announced, first.derived, first.facts["key"]) == (14, "3*", "4", "public_votes")


def _recused(place: Path) -> None:
    put(place / "ballots.csv", 11, "approve", "a-01、a-02、a-04")
    announce(place, "final", "a-02", approve="6")
    # m-03 wrote a-02 instead of a-03, from whom the rules then take nothing else.
    announce(place, "final", "a-03", approve="3")


def _overvote(place: Path) -> None:
    put(place / "ballots.csv", 15, "approve", "a-01 a-02 a-03 a-04")
    announce(place, "final", "a-03", approve="5")


def _void(place: Path) -> None:
    widen(place / "ballots.csv", "void")
    put(place / "ballots.csv", 14, "void", "字迹不清")
    put(place / "rounds.csv", 3, "void", "1")


def _old_round(place: Path) -> None:
    widen(place / "rounds.csv", "counts")
    change(
        place / "rounds.csv",
        lambda rows: rows.append(["r-0", "final", "2026-05-18 13:00", "2026-05-18 13:30", "7", "1", "0", "no"]),
    )
    change(place / "ballots.csv", lambda rows: rows.append(["r-0", "m-07", "a-02", "2026-05-18 13:10"]))
    announce(place, "final", "a-02", approve="6")


@pytest.mark.parametrize(
    ("plant", "candidate", "cause"),
    [
        (_recused, "a-02", "ANNOUNCED_RECUSED_COUNTED"),
        (_overvote, "a-03", "ANNOUNCED_OVERVOTE_COUNTED"),
        (_void, "a-04", "ANNOUNCED_VOID_COUNTED"),
        (_old_round, "a-02", "ANNOUNCED_OLD_ROUND_COUNTED"),
    ],
)
def test_words_that_do_not_count_explain_a_sum(
    right: Path, plant: Callable[[Path], None], candidate: str, cause: str
) -> None:
    plant(right)
    assert ("approve", candidate, cause) in causes(right)


def test_wrong_sums_without_a_known_cause_are_told_all_the_same(right: Path) -> None:
    announce(right, "final", "a-01", approve="7")
    assert causes(right) == [("approve", "a-01", "ANNOUNCED_SUM_WRONG")]
    announce(right, "final", "a-01", approve="5")
    announce(right, "final", "a-02", approve="6")
    assert causes(right) == [
        ("approve", "a-01", "ANNOUNCED_SUMS_SWAPPED"),
        ("approve", "a-02", "ANNOUNCED_SUMS_SWAPPED"),
    ]
    announce(right, "final", "a-01", rank="2")
    announce(right, "final", "a-02", rank="1")
    assert ("rank", "a-01", "ANNOUNCED_SUMS_SWAPPED") in causes(right)


def test_public_totals_that_lack_a_channel(right: Path) -> None:
    announce(right, "public", "a-04", votes="1203")
    announce(right, "public", "a-03", votes="1216")
    assert causes(right) == [
        ("votes", "a-03", "ANNOUNCED_SUM_WRONG"),
        ("votes", "a-04", "ANNOUNCED_CHANNEL_LEFT_OUT"),
    ]


def test_public_votes_used_beyond_ties(right: Path) -> None:
    announce(right, "final", "a-02", rank="3")
    announce(right, "final", "a-04", rank="2")
    assert causes(right) == [
        ("rank", "a-02", "ANNOUNCED_PUBLIC_BEYOND_TIES"),
        ("rank", "a-04", "ANNOUNCED_PUBLIC_BEYOND_TIES"),
    ]


def test_an_order_that_nothing_explains(right: Path) -> None:
    announce(right, "final", "a-01", rank="2")
    announce(right, "final", "a-02", rank="1")
    put(right / "totals.csv", 3, "votes", "0")
    put(right / "totals.csv", 7, "votes", "0")
    announce(right, "public", "a-02", votes="0")
    # a-02 is one approval short of a-01 but has one member recused: neither share nor public votes put it first.
    assert {cause for _, _, cause in causes(right)} == {"ANNOUNCED_ORDER_WRONG"}


def test_a_shortlist_of_another_length(right: Path) -> None:
    announce(right, "shortlist", "a-04", taken="no")
    found = causes(right)
    assert found[0] == ("length", "", "ANNOUNCED_OTHER_LENGTH")
    assert ("taken", "a-04", "ANNOUNCED_CUT_ELSEWHERE") in found
    announce(right, "shortlist", "a-04", taken="yes")
    announce(right, "shortlist", "a-05", taken="yes")
    (length, taken) = compared(right)
    assert (length.what, length.cause, length.facts["reading"]) == (
        What.LENGTH,
        "ANNOUNCED_OTHER_ROUNDING",
        "strictly_more",
    )
    assert (taken.candidate, taken.cause) == ("a-05", "ANNOUNCED_CUT_ELSEWHERE")


def test_somebody_left_off_the_announced_list(right: Path) -> None:
    change(right / "announced.csv", lambda rows: rows.remove(["final", "1", "a-01", "6", "", "yes"]))
    assert ("taken", "a-01", "ANNOUNCED_MISSING") in causes(right)


def test_a_list_of_those_taken_alone_shows_who_was_put_before_whom(tmp_path: Path) -> None:
    place = example(tmp_path)
    change(place / "announced.csv", lambda rows: rows.remove(["final", "4", "a-04", "4", "", "no"]))
    assert causes(place)[:2] == [
        ("taken", "a-03", "ANNOUNCED_TIE_OTHERWISE"),
        ("taken", "a-04", "ANNOUNCED_TIE_OTHERWISE"),
    ]


def _decisions(place: Path, *rows: list[str]) -> None:
    header = ["decision", "kind", "person", "stage", "decided_at"]
    lines = [",".join(row) for row in (header, *rows)]
    (place / "decisions.csv").write_text("\n".join(lines) + "\n", "utf-8")


def test_an_alternate_passed_over_and_one_who_had_left(right: Path) -> None:
    _decisions(right, ["d-1", "struck_off", "a-04", "", "2026-06-02 10:00"])
    assert causes(right) == [
        ("place", "a-03", "ANNOUNCED_PLACE_NOT_FILLED"),
        ("place", "a-04", "ANNOUNCED_DROPPED_OUT"),
    ]
    announce(right, "notice", "叶青禾", candidate="a-05")
    assert causes(right)[1] == ("place", "a-05", "ANNOUNCED_NOT_ON_LIST")
    # Two seats fewer: a-02 and a-04 wait as alternates, and the second of them is announced.
    _decisions(
        right,
        ["d-1", "withdrawn", "a-01", "", "2026-06-02 10:00"],
        ["d-2", "struck_off", "a-03", "", "2026-06-03 10:00"],
    )
    assert ("place", "a-01", "ANNOUNCED_DROPPED_OUT") in causes(right)


def test_rows_of_stages_without_a_result_are_told(right: Path) -> None:
    announce(right, "final", "a-01", stage="semifinal")
    assert ("length", "a-01", "ANNOUNCED_NO_RESULT") in causes(right)


def test_ballots_that_an_import_would_refuse_are_told_beside_the_differences(right: Path) -> None:
    _overvote(right)
    selected = reading(right)
    based = basis_of_rows(example_programme(), selected.source)
    assert [(one.code, one.row) for one in based.problems] == [("OVERVOTE", 15)]
    put(right / "ballots.csv", 15, "member", "m-09")
    based = basis_of_rows(example_programme(), reading(right).source)
    assert based.basis is None
    assert [one.code for one in based.problems][:1] == ["NOT_ON_ROSTER"]


def test_every_cause_has_words_and_an_announced_row_stands_once(right: Path) -> None:
    change(right / "announced.csv", lambda rows: rows.append(rows[1]))
    announced = read_announced(right / "announced.csv", 480, reading(right).names)
    last = len(rows_of(right / "announced.csv"))
    assert [(one.code, one.row) for one in announced.problems] == [("IMPORT_ROW_DUPLICATE", last)]
    source = Path(__file__).parents[2] / "projections"
    codes = {code for file in source.glob("announced*.py") for code in CODE.findall(file.read_text("utf-8"))}
    assert len(codes) > 20
    assert all(text(code, {}, language, section="imports") != code for code in codes for language in ("zh", "en"))
