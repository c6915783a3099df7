"""What a result hangs on, asked of a demonstration's folder at the command line, in both languages and as JSON."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from ledger.embedded import EmbeddedPostgres
from ledger.opening import SERVICE_ROLE
from tests.api.calling import Answer, call

Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def home(reachable: Path) -> Path:
    """The folder of a demonstration."""
    folder = reachable / "questions"
    assert call("demo", "--folder", folder).code == 0
    return folder


@pytest.fixture(scope="module")
def ask(home: Path) -> Iterator[Ask]:
    """Call a command on the demonstration's folder, whose server keeps running."""
    with EmbeddedPostgres.start(home / "postgres") as running:
        dsn = make_conninfo(running.dsn, user=SERVICE_ROLE)
        yield lambda *arguments: call(*arguments, "--home", home, DATABASE_URL=dsn)


def value(ask: Ask, *arguments: str | int) -> Any:
    answer = ask(*arguments, "--json")
    assert answer.code == 0, answer.out
    assert answer.value["rehearsal"] is True
    return answer.value


def test_margins_name_entries_and_say_how_exact_they_are(ask: Ask) -> None:
    given = value(ask, "margins", "final")
    assert given["hypothetical"] is True
    (one,) = given["margins"]
    (whole,) = one["rounds"]
    assert (one["subject"], whole["ballots"], whole["seats"], len(whole["candidates"])) == ("stage:final", 13, 10, 14)
    fewest = whole["removal"]["changes"]
    assert (fewest["label"], fewest["lower"], fewest["upper"], len(fewest["entries"])) == ("exact", 1, 1, 1)
    alone = {each["entry"] for each in whole["decisive"] if each["touch"] == "removal"}
    supposed = value(ask, "what-if", "--without-entry", fewest["entries"][0])["what_if"]
    assert fewest["entries"][0] in alone
    (compared,) = (each for each in supposed["compared"] if each["subject"] == "stage:final")
    assert any(each["taken"] != each["taken_if"] for each in compared["candidates"])


def test_one_group_or_all_of_them(ask: Ask) -> None:
    assert len(value(ask, "margins", "experts")["margins"]) == 3
    (one,) = value(ask, "margins", "experts", "power")["margins"]
    assert one["subject"] == "stage:experts:power"
    for command in ("margins", "leave-one-out", "sheets"):
        unknown = ask(command, "experts", "astronomy", "--json")
        assert (unknown.code, unknown.value["error"]["code"]) == (2, "GROUP_UNKNOWN")
        nowhere = ask(command, "elsewhere", "--json")
        assert (nowhere.code, nowhere.value["error"]["code"]) == (2, "STAGE_UNKNOWN")


def test_every_permitted_reading_is_tried(ask: Ask) -> None:
    table = value(ask, "readings")["readings"]
    rounding = next(row for row in table["rows"] if row["reading"] == "shortlist_rounding")
    assert {one["readings"][0][1]: one["named"] for one in rounding["alternatives"]} == {
        "strictly_more": "same",
        "floor": "open",
        "round": "open",
    }
    assert (table["named"], table["combined"]) == ("open", [])
    assert value(ask, "readings", "--pairs", "--at", 2000)["readings"]["combined"]


def test_members_are_left_out_one_by_one(ask: Ask) -> None:
    given = value(ask, "leave-one-out", "experts", "power")
    (one,) = given["leave_one_out"]
    assert one["hypothetical"] is True
    assert {each["part"] for each in one["members"]} == {"ballots", "scores"}
    (final,) = value(ask, "leave-one-out", "final")["leave_one_out"]
    assert len(final["members"]) == 13
    assert any(moved["taken"] != moved["taken_if"] for each in final["members"] for moved in each["moved"])


def test_sheets_of_all_groups(ask: Ask) -> None:
    given = value(ask, "sheets", "experts")["sheets"]
    assert len(given) == 3
    assert all(one["sheets"] == sum(each["sheets"] for each in one["experts"]) for one in given)
    assert value(ask, "sheets", "final")["sheets"] == []


QUESTIONS = [("margins", "final"), ("readings",), ("leave-one-out", "final"), ("sheets", "experts")]


@pytest.mark.parametrize(
    ("language", "hypothetical", "shown"),
    [
        ("zh", "只是假设，不写入账本", ("单张即可决定的选票", "只允许所选的一种", "得到名额|不变", "全部计入")),
        (
            "en",
            "Hypothetical: never written",
            ("Ballots that decide alone", "No other value", "the same", "all of them"),
        ),
    ],
)
def test_answers_are_told_in_both_languages(ask: Ask, language: str, hypothetical: str, shown: tuple[str, ...]) -> None:
    for question, words in zip(QUESTIONS, shown, strict=True):
        told = ask(*question, "--lang", language)
        assert told.code == 0
        assert told.out.startswith(" 演练")
        assert (hypothetical in told.out) == (question[0] != "sheets")
        assert any(each in told.out for each in words.split("|"))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (("margins", "shortlist"), "尚无认定的结果可问"),
        (("leave-one-out", "shortlist"), "尚无认定的结果可问"),
        (("sheets", "experts"), "没有已结束的评分"),
    ],
)
def test_before_a_result_is_certified_there_is_nothing_to_ask(ask: Ask, question: tuple[str, ...], words: str) -> None:
    told = ask(*question, "--at", 2000)
    assert told.code == 0
    assert words in told.out
    (answers,) = (each for name, each in value(ask, *question, "--at", 2000).items() if name in NAMES)
    assert answers == []


NAMES = {"margins", "leave_one_out", "sheets"}


def test_several_changes_hold_at_once(ask: Ask) -> None:
    """Every option of a what-if may stand more than once, and all of them together."""
    (whole,) = value(ask, "margins", "final")["margins"][0]["rounds"]
    first, second, third = [each["entry"] for each in whole["decisive"] if each["touch"] == "removal"][:3]
    experts = [one["member"] for one in value(ask, "leave-one-out", "experts", "power")["leave_one_out"][0]["members"]]
    panel = [one["member"] for one in value(ask, "leave-one-out", "final")["leave_one_out"][0]["members"]]
    supposed = value(
        ask, "what-if",
        "--without-entry", first, "--without-entry", second, "--without-entry", third,
        "--without-member", panel[0], "--without-member", panel[1],
        "--without-scores", experts[0], "--without-scores", experts[2],
        "--reading", "min_approval=majority_of_valid", "--reading", "recusal_ranking=share",
    )["what_if"]  # fmt: skip
    assert supposed["change"]["entries"] == sorted((first, second, third))
    assert supposed["change"]["members"] == sorted(panel[:2])
    assert supposed["change"]["scores_of"] == sorted({experts[0], experts[2]})
    assert supposed["change"]["readings"] == {"min_approval": "majority_of_valid", "recusal_ranking": "share"}
    assert supposed["hypothetical"] is True
    single = value(ask, "what-if", "--without-entry", first)["what_if"]
    assert len(supposed["left_out"]) > len(single["left_out"]) == 1
