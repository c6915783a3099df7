"""The demonstration on a real database: it passes, every command works on its folder, and a seed repeats every byte."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from api.rehearsal.demo import ORIGIN, SEED, clear
from api.rehearsal.scenario_notice import SIGNED_TEXT
from api.rehearsal.seals import sealing_key
from ledger.embedded import EmbeddedPostgres
from ledger.errors import StoreError
from ledger.evidence import EvidenceFolder
from ledger.opening import DEFAULT_SCHEMA, SERVICE_ROLE, create_home, open_store, read_home
from ledger.sealing import SealContext, open_sealed
from ledger.statements.notices import ObjectionReceived
from ledger.store import Store
from projections.replay import acts
from tests.api.calling import Answer, call

Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def home(reachable: Path) -> Path:
    """The folder of a demonstration."""
    return reachable / "demo"


@pytest.fixture(scope="module")
def told(home: Path) -> Answer:
    """What the demonstration said in Chinese."""
    return call("demo", "--folder", home)


@pytest.fixture(scope="module")
def server(home: Path, told: Answer) -> Iterator[str]:
    """The demonstration's server, running as one that DATABASE_URL names, so that not every command starts it anew."""
    assert told.code == 0
    with EmbeddedPostgres.start(home / "postgres") as running:
        yield make_conninfo(running.dsn, user=SERVICE_ROLE)


@pytest.fixture
def store(home: Path, server: str) -> Iterator[Store]:
    """The demonstration's store, open."""
    with Store.open(server, DEFAULT_SCHEMA) as opened:
        yield opened


@pytest.fixture
def ask(home: Path, server: str) -> Ask:
    """Call a command on the demonstration's folder."""

    def called(*arguments: str | int, **more: str) -> Answer:
        return call(*arguments, "--home", home, **({"DATABASE_URL": server} | more))

    return called


def asked(ask: Ask, *arguments: str | int) -> Any:
    answer = ask(*arguments, "--json")
    assert answer.code == 0
    assert answer.value["rehearsal"] is True
    assert answer.value["origin"] == ORIGIN
    return answer.value


def test_it_tells_the_whole_story(told: Answer) -> None:
    assert told.code == 0
    assert told.out.startswith(" 演练")
    for words in (
        "不予受理也入账", "回避", "纸质选票", "名并列", "公众票", "领导小组 12 人记名审议，8 人反对", "一并公示",
        "2023-01-05 24 时止（只数周一至周五会误为 2023-01-04）", "2023-01-28 24 时止", "匿名反映", "实名异议",
        "命名 10 人", "为什么排第 11", "失去名额", "得到名额", "无从推定", "全部无误", "结果哈希", "检查点",
    ):  # fmt: skip
        assert words in told.out


def test_it_leaves_a_ledger_that_verifies(ask: Ask, told: Answer) -> None:
    report = asked(ask, "verify")
    assert report["clean"] is True
    assert report["size"] > 3000
    assert report["root"] in told.out


def test_every_reading_command_works_on_it(ask: Ask) -> None:
    ranked = asked(ask, "rank", "final")["results"][0]
    eleventh = ranked["left"][0]
    places = asked(ask, "vacancies")["places"]
    assert len(places["places"]) == 10
    assert places["alternates"][0]["person"] == eleventh
    stages = {one["stage"]: one for one in asked(ask, "candidates")["stages"]}
    assert len(stages["shortlist"]["taken"]) == 14
    assert len(asked(ask, "candidates", "final")["stage"]["taken"]) == 10
    assert asked(ask, "status")["status"]["next_steps"][-1]["subject"] == "aftermath"
    assert {one["standing"] for one in asked(ask, "objections")["objections"]} == {"lead", "answered"}
    assert len(asked(ask, "notices")["notices"]) == 2
    assert {one["severity"] for one in asked(ask, "findings")["findings"]} == {"info"}
    assert "paper" in {one["category"] for one in asked(ask, "off-path")["off_path"]}
    assert len(asked(ask, "attempts")["attempts"]) == 4
    assert asked(ask, "known", "--at", "2022-10-24T18:00")["knowledge"]["differences"]
    reasons = asked(ask, "explain", eleventh, "--stage", "final")["explanation"]
    assert {"五(五)"} == {one["clause"] for one in reasons["sentences"]}
    assert reasons["entries"]
    assert len(asked(ask, "explain", eleventh)["explanation"]["sentences"]) > 20
    history = asked(ask, "history", ranked["rounds"][0]["round"])["history"]
    assert [one["kind"] for one in history][:2] == ["round.opened", "ballot.cast"]


def test_a_person_may_be_asked_for_by_id_beginning_alias_or_name(ask: Ask) -> None:
    person = asked(ask, "rank", "final")["results"][0]["taken"][0]
    people = asked(ask, "explain", person, "--stage", "final")["people"]
    for name in (person[:8], people[person]):
        assert asked(ask, "explain", name, "--stage", "final")["explanation"]["about"] == person
    assert asked(ask, "history", "organiser")["history"]
    nobody = ask("explain", "nobody", "--json")
    assert (nobody.code, nobody.value["error"]["code"]) == (2, "PERSON_UNKNOWN")
    several = ask("explain", "applicant", "--json")
    assert several.code == 2


def test_what_if_is_marked_and_leaves_no_trace(ask: Ask, store: Store) -> None:
    size = store.size()
    member = asked(ask, "rank", "final", "--ballots")["results"][0]["rounds"][0]["ballots"][0]["member"]
    answer = asked(ask, "what-if", "--without-member", member)["what_if"]
    assert answer["hypothetical"] is True
    assert len(answer["left_out"]) == 2
    rounding = asked(ask, "what-if", "--reading", "shortlist_rounding=floor")["what_if"]
    assert rounding["undetermined"]["code"] == "BALLOTS_NOT_CAST"
    same = asked(ask, "what-if", "--reading", "shortlist_rounding=strictly_more")["what_if"]
    assert same["undetermined"] is None
    wrong = ask("what-if", "--reading", "shortlist_rounding=none", "--json")
    assert (wrong.code, wrong.value["error"]["code"]) == (2, "READING_NOT_PERMITTED")
    assert ask("what-if", "--json").value["error"]["code"] == "CHANGE_NEEDED"
    assert asked(ask, "entries", "--index", 0)["as_of"]["entries"] == size


def test_no_choice_shows_while_the_round_is_open(ask: Ask) -> None:
    played_round = asked(ask, "rank", "final", "--ballots")["results"][0]["rounds"][0]
    ballot = played_round["ballots"][0]["index"]
    during = asked(ask, "rank", "final", "--ballots", "--at", ballot)["results"][0]
    assert (during["rows"], during["rounds"][0]["ballots"], during["rounds"][0]["voted"]) == ([], [], 1)
    shown = asked(ask, "entries", "--index", ballot, "--at", ballot)["entries"][0]
    assert shown["withheld"]
    assert {"approve", "against", "abstain"}.isdisjoint(shown["body"])
    assert "nonce" not in shown
    assert asked(ask, "entries", "--index", ballot)["entries"][0]["body"]["approve"]


def test_a_rehearsal_marks_every_output(ask: Ask) -> None:
    for command in (["status"], ["rank", "final"], ["vacancies"], ["findings"], ["verify"], ["entries", "--to", "3"]):
        assert ask(*command).out.startswith(" 演练")
    assert ask("explain", "nobody").err.startswith("[演练]")
    assert "REHEARSAL" in ask("status", "--lang", "en").out


def test_an_objector_stands_only_in_sealed_evidence(home: Path, store: Store) -> None:
    received = [
        act for act in acts(entry for _, entry in store.read_entries()) if isinstance(act.body, ObjectionReceived)
    ]
    evidence = EvidenceFolder(home / "evidence")
    signed = received[1].body
    programme = received[1].statement.programme
    assert programme is not None
    opened = open_sealed(
        sealing_key(SEED), evidence.get(signed.sealed).content, SealContext(programme, signed.objection)
    )
    assert opened.decode() == SIGNED_TEXT


def test_a_statement_can_follow(home: Path, ask: Ask) -> None:
    key = str(home / "keys" / "organiser.pem")
    arguments = ("submit", "-", "--key", key, "--now", "2023-02-03T09:00", "--json")
    given = '{"kind": "stage.opened", "body": {"stage": "aftermath"}}'
    answer = ask(*arguments, given=given, BALLOT_LEDGER_PASSPHRASE="rehearsal")
    assert (answer.code, answer.value["entry"]["type"], answer.value["rehearsal"]) == (0, "stage.opened", True)
    again = ask(*arguments, given=given, BALLOT_LEDGER_PASSPHRASE="rehearsal")
    assert (again.code, again.value["refusal"]["code"]) == (1, "STAGE_ALREADY_BEGUN")


def test_the_same_seed_and_ciphertexts_repeat_every_byte(home: Path, store: Store, reachable: Path) -> None:
    again = reachable / "again"
    answer = call("demo", "--folder", again, "--sealed-from", home, "--json")
    assert answer.code == 0
    with open_store(read_home(again)) as second:
        rows, notes = list(second.stored_rows()), list(second.checkpoints())
    assert rows == list(store.stored_rows())[: len(rows)]
    assert notes == list(store.checkpoints())[: len(notes)]
    assert len(rows) == len(notes) > 3000
    assert (again / "cast.json").read_bytes() == (home / "cast.json").read_bytes()
    assert answer.value["checkpoint"].encode() == notes[-1].note
    assert len(answer.value["named"]) == 10
    assert (answer.value["rehearsal"], answer.value["verified"]["clean"]) == (True, True)
    assert len(answer.value["results_hash"]) == 64
    assert {"late-filing", "tie-broken", "upheld", "named"} <= {beat["code"] for beat in answer.value["beats"]}


def test_a_rehearsals_folder_is_made_anew_whole_or_cut_short(reachable: Path) -> None:
    whole, short = reachable / "whole", reachable / "short"
    create_home(whole, ORIGIN)
    clear(whole)
    assert [path.name for path in whole.rglob("*")] == ["postgres"]
    clear(whole)
    (short / "postgres").mkdir(parents=True)
    clear(short)
    other = reachable / "other"
    create_home(other, "union.example/selection")
    with pytest.raises(StoreError, match="DEMO_FOLDER_FOREIGN"):
        clear(other)
    (reachable / "link").symlink_to(whole)
    with pytest.raises(StoreError, match="DEMO_FOLDER_FOREIGN"):
        clear(reachable / "link")


def test_the_default_folder_moves_where_the_database_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cleared: list[Path] = []

    def refuse_here(folder: Path) -> None:
        cleared.append(folder)
        if not folder.is_absolute():
            raise StoreError("STORE_FOLDER_UNUSABLE", folder=str(folder), reason="out of reach")
        raise StoreError("STORE_IN_USE", folder=str(folder))

    monkeypatch.setattr("api.cli.demo.clear", refuse_here)
    answer = call("demo", "--json")
    assert (answer.code, answer.value["error"]["code"]) == (2, "STORE_IN_USE")
    assert [folder.name for folder in cleared] == ["ballot-ledger-demo"] * 2
    chosen = call("demo", "--folder", "elsewhere", "--json")
    assert chosen.value["error"]["code"] == "STORE_FOLDER_UNUSABLE"


def test_a_folder_that_is_not_a_rehearsals_is_left_alone(reachable: Path) -> None:
    foreign = reachable / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("keep me")
    answer = call("demo", "--folder", foreign, "--json")
    assert (answer.code, answer.value["error"]["code"]) == (2, "DEMO_FOLDER_FOREIGN")
    assert (foreign / "letter.txt").read_text() == "keep me"


def test_a_rehearsals_folder_in_use_is_left_alone(home: Path, store: Store) -> None:
    answer = call("demo", "--folder", home, "--json")
    assert (answer.code, answer.value["error"]["code"]) == (2, "STORE_IN_USE")
    assert store.size() > 3000
