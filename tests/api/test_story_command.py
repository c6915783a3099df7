"""`story` and `diff` on the rehearsal's ledger; the picture in the README is the one that anybody can draw."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from psycopg.conninfo import make_conninfo

from ledger.embedded import EmbeddedPostgres
from ledger.opening import SERVICE_ROLE
from tests.api.calling import Answer, call

Ask = Callable[..., Answer]
SHIPPED = Path(__file__).parents[2] / ".readme" / "demo.svg"


@pytest.fixture(scope="module")
def ask(reachable: Path) -> Iterator[Ask]:
    """Call a command on the folder of a demonstration, whose server runs as one that DATABASE_URL names."""
    home = reachable / "demo"
    assert call("demo", "--folder", home).code == 0
    with EmbeddedPostgres.start(home / "postgres") as running:
        server = make_conninfo(running.dsn, user=SERVICE_ROLE)
        yield lambda *arguments: call(*arguments, "--home", home, DATABASE_URL=server)


def asked(ask: Ask, *arguments: str | int | Path) -> Any:
    answer = ask(*arguments, "--json")
    assert (answer.code, answer.value["rehearsal"]) == (0, True)
    return answer.value


def refusal(ask: Ask, *arguments: str | int) -> str:
    answer = ask(*arguments, "--json")
    assert answer.code == 2
    return str(answer.value["error"]["code"])


def test_the_picture_of_the_readme_is_what_the_command_draws(ask: Ask, tmp_path: Path) -> None:
    answer = ask("story", "--all", "--svg", tmp_path / "made" / "demo.svg")
    assert answer.code == 0
    assert "图已写入" in answer.out
    drawn = (tmp_path / "made" / "demo.svg").read_bytes()
    assert drawn == SHIPPED.read_bytes()
    assert "REHEARSAL" in (ET.fromstring(drawn).findtext("{http://www.w3.org/2000/svg}title") or "")


def test_a_seat_filled_by_an_alternate_is_told_link_by_link(ask: Ask) -> None:
    places = asked(ask, "vacancies")["places"]["places"]
    filled = next(one for one in places if len(one["holders"]) == 2)
    before, after = (one["person"] for one in filled["holders"])
    (told,) = asked(ask, "story", "--seat", filled["seat"])["stories"]
    assert (told["person"], told["holders"]) == (after, [before, after])
    assert [one["leg"] for one in told["chapters"]] == ["ballots", "ties", "vacancies", "notices", "naming"]
    assert asked(ask, "story", after)["stories"] == [told]
    shown = ask("story", "--seat", filled["seat"], "--lang", "en").out
    for title in ("Ballots", "Ties", "Places and alternates", "Inspection, deliberation and notice", "was named"):
        assert title in shown
    assert f"#{filled['holders'][1]['since']}" in shown


def test_everything_is_every_place_and_the_ways_of_the_shortlist(ask: Ask) -> None:
    value = asked(ask, "story", "--all")
    assert [one["seat"] for one in value["stories"]] == list(range(1, 11))
    assert len(value["ways"]["fates"]) == 14
    assert set(value["people"]) >= {one["person"] for one in value["stories"]}
    assert ask("story", "--all").out.count("批准与命名") == 10


def test_a_picture_of_one_person_names_them_and_one_of_a_seat_all_who_held_it(ask: Ask, tmp_path: Path) -> None:
    places = asked(ask, "vacancies")["places"]["places"]
    filled = next(one for one in places if len(one["holders"]) == 2)
    people = asked(ask, "story", "--seat", filled["seat"])["people"]
    before, after = (people[one["person"]] for one in filled["holders"])
    for arguments, names in ((("--seat", filled["seat"]), f"{before}, {after}"), ((after,), after)):
        file = tmp_path / "one.svg"
        assert asked(ask, "story", *arguments, "--svg", file, "--lang", "en")["svg"] == str(file)
        title = ET.fromstring(file.read_bytes()).findtext("{http://www.w3.org/2000/svg}title") or ""
        assert f"the way of {names} " in title


def test_before_the_final_order_there_is_no_place_and_before_a_vote_nothing_to_draw(ask: Ask, tmp_path: Path) -> None:
    assert "尚未认定" in ask("story", "--all", "--at", 2800).out
    assert refusal(ask, "story", "--seat", 1, "--at", 2800) == "SEAT_UNKNOWN"
    assert asked(ask, "story", "--all", "--at", 2800, "--svg", tmp_path / "early.svg")["stories"] == []
    assert (tmp_path / "early.svg").read_bytes().startswith(b"<?xml")
    assert refusal(ask, "story", "--all", "--at", 100, "--svg", str(tmp_path / "never.svg")) == "NOTHING_TO_DRAW"
    assert not (tmp_path / "never.svg").exists()


def test_what_cannot_be_told_is_said(ask: Ask, tmp_path: Path) -> None:
    assert refusal(ask, "story") == "STORY_OF_WHAT"
    assert refusal(ask, "story", "--all", "--seat", 1) == "STORY_OF_WHAT"
    assert refusal(ask, "story", "--seat", 11) == "SEAT_UNKNOWN"
    assert refusal(ask, "story", "nobody") == "PERSON_UNKNOWN"
    assert refusal(ask, "story", "--all", "--svg", str(tmp_path)) == "FILE_UNWRITABLE"


def test_what_moved_is_put_down_to_its_entries(ask: Ask) -> None:
    places = asked(ask, "vacancies")["places"]
    filled = next(one for one in places["places"] if len(one["holders"]) == 2)
    before, after = filled["holders"]
    moved = asked(ask, "diff", "--from", places["fixed"], "--to", after["since"])["movement"]
    assert {"after": after["person"], "before": before["person"], "seat": filled["seat"]} in moved["seats"]
    assert [moved["steps"][-1]["index"], moved["steps"][-1]["kind"]] == [after["since"], "vacancy.filled"]
    assert before["left"] in [one["index"] for one in moved["steps"]]
    shown = ask("diff", "--from", places["fixed"] - 1, "--lang", "en").out
    for words in ("Places that changed hands", "Moved by these entries", "final order", "nominee", "named"):
        assert words in shown
    assert "vacated" in ask("diff", "--from", places["fixed"], "--to", before["left"], "--lang", "en").out


def test_a_result_that_was_counted_in_between_is_one_line(ask: Ask) -> None:
    fixed = asked(ask, "vacancies")["places"]["fixed"]
    shown = ask("diff", "--from", 0, "--to", fixed - 1).out
    assert "新计出 14 人的名次" in shown
    assert "综合组复评（正式提名人选）" in shown
    assert "机械加工与焊接专业组" in shown
    assert "名额易人" not in shown


def test_points_may_be_times_and_must_be_in_order(ask: Ask) -> None:
    moved = asked(ask, "diff", "--from", "2023-01-10", "--to", "2023-01-16")["movement"]
    assert {one["kind"] for one in moved["steps"]} == {"objection.decided", "vacancy.filled"}
    assert "名次与名额都没有变化" in ask("diff", "--from", 10, "--to", 20).out
    assert refusal(ask, "diff", "--from", 20, "--to", 10) == "RANGE_BACKWARD"
    assert refusal(ask, "diff", "--from", 999999) == "INDEX_UNKNOWN"
    assert ask("diff").code == 2
