"""`import`, `compare-announced` and `export-tables` on the command line, without a ledger and on a real one."""

from pathlib import Path
from typing import Any

import pytest

from api.importing.example import example_folder
from api.importing.template import every_table
from ledger.import_tables import REQUIRED_TABLES
from tests.api.calling import call
from tests.api.conftest import reachable
from tests.imports.folders import put

__all__ = ["reachable"]

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def tables(reachable: Path) -> Path:
    folder = reachable / "example"
    assert call("import", "--example", folder, "--json").code == 0
    return folder


@pytest.fixture(scope="module")
def home(reachable: Path, tables: Path) -> Path:
    """A ledger founded for the example's programme."""
    folder = reachable / "ledger"
    arguments = ("--programme", tables / "programme.toml", "--small", "--endorse", "--rehearsal", "--home", folder)
    assert call("init", "--origin", "union.example/elsewhere", *arguments, "--json").code == 0
    return folder


def test_a_dry_run_shows_what_follows(tables: Path) -> None:
    answer = call("import", tables, "--dry-run", "--json").value
    assert answer["nominees"] == ["a-01", "a-02", "a-04"]
    assert answer["alternates"] == ["a-03"]
    assert [one["subject"] for one in answer["results"]] == ["stage:shortlist", "stage:final"]
    assert answer["problems"] == []
    shown = call("import", tables, "--dry-run", "--lang", "zh").out
    assert "叶青禾" in shown
    assert answer["results_hash"] in shown.replace("\n", "")


def test_problems_name_file_row_and_column_in_both_languages(tables: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    assert call("import", "--example", folder).code == 0
    put(folder / "rounds.csv", 3, "issued", "七")
    put(folder / "ballots.csv", 9, "approve", "谁")
    answer = call("import", folder, "--dry-run", "--json")
    assert answer.code == 1
    told = [(one["file"], one["row"], one["column"], one["code"]) for one in answer.value["problems"]]
    assert told == [
        ("rounds.csv", 3, "issued", "IMPORT_CELL_INVALID"),
        ("ballots.csv", 9, "approve", "IMPORT_NAME_UNKNOWN"),
    ]
    assert all(one["zh"] != one["en"] != one["code"] for one in answer.value["problems"])
    put(folder / "rounds.csv", 3, "issued", "7")
    put(folder / "ballots.csv", 9, "approve", "陆思源")
    answer = call("import", folder, "--dry-run", "--json")
    assert [(one["file"], one["row"], one["code"]) for one in answer.value["problems"]] == [
        ("ballots.csv", 9, "UNKNOWN_CANDIDATE")
    ]


def test_the_template_and_the_columns(tmp_path: Path) -> None:
    out = tmp_path / "template.xlsx"
    assert call("import", "--template", out, "--json").code == 0
    assert out.read_bytes()[:2] == b"PK"
    columns = call("import", "--columns").out
    assert "### ballots *" in columns
    assert "| `approve` |" in columns
    refused = call("import", "--json")
    assert (refused.code, refused.value["error"]["code"]) == (2, "INPUT_INVALID")


def causes(answer: Any) -> list[tuple[str, str, str]]:
    return [(one["stage"], one["candidate"], one["cause"]) for one in answer.value["differences"]]


def test_the_planted_error_is_found_without_a_ledger(tables: Path) -> None:
    answer = call("compare-announced", tables / "announced.csv", "--tables", tables, "--json")
    assert answer.code == 1
    assert causes(answer)[0] == ("final", "a-03", "ANNOUNCED_TIE_OTHERWISE")
    only = call("compare-announced", tables / "announced.csv", "--tables", tables, "--stage", "shortlist", "--json")
    assert (only.code, only.value["differences"]) == (0, [])
    assert "公众投票" in call("compare-announced", tables / "announced.csv", "--tables", tables, "--lang", "zh").out


def test_two_clerks_bring_it_in_and_everything_else_follows(home: Path, tables: Path, tmp_path: Path) -> None:
    folder = home / "keys"
    keys = ("--key", folder / "organiser.pem")
    waits = call("import", tables, "--home", home, *keys, "--source", "2026年卷宗", "--lang", "en")
    assert waits.code == 0
    assert "waits for the second clerk" in waits.out
    again = call("import", tables, "--home", home, *keys, "--second-key", folder / "organiser.pem", "--json")
    assert again.code == 1
    done = call("import", tables, "--home", home, *keys, "--second-key", folder / "discipline.pem", "--lang", "en")
    assert done.code == 0
    assert "the import is complete" in done.out
    on_ledger = call("compare-announced", example_folder() / "announced.csv", "--home", home, "--json")
    without = call("compare-announced", example_folder() / "announced.csv", "--tables", tables, "--json")
    assert causes(on_ledger) == causes(without)
    out = tmp_path / "out"
    assert call("export-tables", out, "--home", home, "--json").value["tables"]["ballots"] == 14
    exported = call("import", out, "--dry-run", "--programme", tables / "programme.toml", "--json").value
    first = call("import", tables, "--dry-run", "--json").value
    assert exported["results_hash"] == first["results_hash"]
    assert call("verify", "--home", home, "--json").code == 0


def test_an_imported_selection_is_asked_like_any_other(home: Path, tables: Path) -> None:
    ranked = call("rank", "final", "--home", home, "--json").value["results"][0]
    assert [(row["candidate"], row["rank"], row["taken"]) for row in ranked["rows"]] == [
        ("a-01", 1, True),
        ("a-02", 2, True),
        ("a-04", 3, True),
        ("a-03", 4, False),
    ]
    told = call("explain", "a-03", "--home", home, "--json").value
    tables_of = {run["first"] + number: run["table"] for run in told["imported_rows"] for number in range(run["count"])}
    cited = told["explanation"]["entries"]
    assert {tables_of[index] for index in cited} >= {"applications", "ballots", "totals"}
    for command in (
        ("story", "a-03"),
        ("margins", "final"),
        ("leave-one-out", "final"),
        ("candidates",),
        ("readings",),
    ):
        answer = call(*command, "--home", home, "--lang", "zh")
        assert answer.code == 0
        assert f"编号 {min(tables_of)} 起为所录各行" in answer.out.replace("\n", "")
    supposed = call("what-if", "--without-member", "m-02", "--home", home, "--json").value["what_if"]
    final = next(one for one in supposed["compared"] if one["subject"] == "stage:final")
    assert [one["candidate"] for one in final["candidates"] if one["taken"] != one["taken_if"]] == ["a-04", "a-03"]


def test_the_readme_lists_every_table_and_its_commands_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = README.read_text("utf-8").partition("## Bringing a selection in")[2].partition("\n## ")[0]
    for table in every_table():
        mark = " *" if table.name in REQUIRED_TABLES else ""
        assert f"| `{table.name}`{mark} |" in section
    monkeypatch.chdir(tmp_path)
    commands = [line.split()[1:] for line in section.splitlines() if line.startswith("    ballot-ledger")]
    assert [call(*command).code for command in commands[:3]] == [0, 0, 1]
    assert commands[3][:2] == ["import", "example"]
