"""The command line on a new ledger: founding, keys, submitting, entries, receipts, verification, errors."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api.cli.main import app
from ledger import receipt as receipts
from ledger.calendar_source import announced_year
from ledger.checkpoint import parse_vkey
from ledger.keyfile import read_key
from ledger.opening import open_store, read_home
from ledger.roll import possession_message
from ledger.signing import key_id, strict_b64decode, verify_ed25519
from projections.audit.catalogue import LIVE
from tests.api.calling import PASSPHRASE, call

ORIGIN = "union.example/selection"
CHALLENGE = "ab" * 32


@pytest.fixture(scope="module")
def home(reachable: Path) -> Path:
    """A ledger whose charter is sealed and endorsed, with the founders' keys."""
    folder = reachable / "ledger"
    founded = call("init", "--origin", ORIGIN, "--rehearsal", "--endorse", "--home", folder, "--json")
    assert founded.code == 0
    assert founded.value["charter"] == 0
    assert founded.value["endorsed"] == 5
    assert founded.value["rehearsal"] is True
    return folder


def calendar(year: int) -> dict[str, Any]:
    off, on = ([day.isoformat() for day in days] for days in announced_year(year))
    return {"off": off, "on": on, "source": "公告", "year": year}


def submitted(home: Path, kind: str, body: dict[str, Any], key: str = "organiser", *more: str | Path) -> Any:
    return call(
        "submit", "-", "--key", home / "keys" / f"{key}.pem", "--home", home, "--json", *more,
        given=json.dumps({"kind": kind, "body": body}),
    )  # fmt: skip


def test_founding_leaves_protected_keys_and_says_none_of_them(home: Path) -> None:
    files = sorted((home / "keys").iterdir())
    assert [file.stem for file in files] == sorted(
        ["organiser", "registrar", "discipline"]
        + [f"sponsor-{office}" for office in ("org-dept", "publicity", "union", "hrss", "industry")]
    )
    for file in (*files, home / "log.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert all(b"ENCRYPTED" in file.read_bytes() for file in files)
    assert parse_vkey((home / "log.vkey").read_text().strip()).name == ORIGIN
    founders = json.loads((home / "founders.json").read_bytes())
    assert [one["role"] for one in founders] == ["sponsor"] * 5 + ["organiser", "registrar", "discipline"]


def test_nothing_is_founded_twice(home: Path) -> None:
    again = call("init", "--origin", ORIGIN, "--home", home, "--json")
    assert (again.code, again.value["error"]["code"]) == (2, "HOME_EXISTS")


def test_founders_bring_their_own_keys(home: Path, reachable: Path) -> None:
    own = reachable / "own"
    founders = home / "founders.json"
    key = home / "keys" / "organiser.pem"
    arguments = ("init", "--origin", "own.example/log", "--home", own, "--founders", founders, "--json")
    founded = call(*arguments, "--organiser-key", key)
    assert founded.code == 0
    assert (founded.value["charter"], founded.value["endorsed"], founded.value["founders"]) == (0, 0, [])
    assert not (own / "keys").exists()
    listed = call("status", "--home", own, "--json").value["status"]
    assert [one["subject"] for one in listed["missing"]] == ["org-dept", "publicity", "union", "hrss", "industry"]
    waiting = call("init", "--origin", "w.example/log", "--home", reachable / "w", "--founders", founders, "--json")
    assert (waiting.code, waiting.value["charter"]) == (0, None)


def test_a_wrong_programme_names_every_problem_with_its_line(reachable: Path) -> None:
    file = reachable / "wrong.toml"
    file.write_text('label = "x"\nseats = 0\nseets = 1\n')
    answer = call("init", "--origin", ORIGIN, "--programme", file, "--home", reachable / "never", "--json")
    assert answer.code == 2
    problems = answer.value["error"]["problems"]
    assert len(problems) > 5
    unknown = next(one for one in problems if one["path"] == "seets")
    assert (unknown["code"], unknown["line"]) == ("PROGRAMME_UNKNOWN_KEY", 3)
    assert not (reachable / "never").exists()
    assert "    3: seets" in call("init", "--origin", ORIGIN, "--programme", file, "--home", reachable / "never").err


def test_a_key_is_made_shown_and_proven(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "member.pem"
    made = call("key", "new", file, "--json")
    assert made.code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = read_key(file, PASSPHRASE.encode())
    assert made.value["key"]["id"] == key_id(key.public)
    shown = call("key", "show", file)
    assert key_id(key.public) in shown.out
    assert key.seed.hex() not in shown.out
    proof = call("key", "enrol-proof", file, "--person", "a" * 32, "--challenge", CHALLENGE, "--home", home, "--json")
    value = proof.value["enrolment"]
    message = possession_message(value["programme"], "a" * 32, key_id(key.public), CHALLENGE)
    assert verify_ed25519(key.public, message, strict_b64decode(value["proof"], "proof"))


def test_key_files_are_never_overwritten_and_want_their_passphrase(tmp_path: Path) -> None:
    file = tmp_path / "member.pem"
    assert call("key", "new", file).code == 0
    assert call("key", "new", file, "--json").value["error"]["code"] == "KEY_FILE_EXISTS"
    wrong = call("key", "show", file, "--json", BALLOT_LEDGER_PASSPHRASE="another")
    assert (wrong.code, wrong.value["error"]["code"]) == (2, "KEY_PASSPHRASE")
    nobody = call("key", "show", file, "--json", BALLOT_LEDGER_PASSPHRASE="")
    assert (nobody.code, nobody.value["error"]["code"]) == (2, "PASSPHRASE_NEEDED")
    file.chmod(0o644)
    assert call("key", "show", file, "--json").value["error"]["code"] == "KEY_FILE_OPEN"


def test_a_statement_is_signed_submitted_and_its_receipt_proves_it(home: Path) -> None:
    answer = submitted(home, "calendar.recorded", calendar(2022))
    assert answer.code == 0
    entry = answer.value["entry"]
    assert (entry["type"], entry["needs"], entry["again"]) == ("calendar.recorded", 0, False)
    kept = receipts.parse(Path(entry["receipt"]).read_bytes())
    found = read_home(home)
    with open_store(found) as store:
        stored = store.entry(entry["index"])
    assert stored is not None
    vkey = parse_vkey((home / "log.vkey").read_text().strip())
    assert receipts.verify(kept, stored, [vkey]).size == entry["index"] + 1
    again = call("receipt", entry["index"], "--out", "-", "--home", home)
    assert again.out.encode() == Path(entry["receipt"]).read_bytes()


def test_the_same_envelope_gets_its_first_receipt(home: Path, tmp_path: Path) -> None:
    entry = submitted(home, "calendar.recorded", calendar(2023)).value["entry"]
    with open_store(read_home(home)) as store:
        stored = store.entry(entry["index"])
    assert stored is not None
    envelope = json.dumps(json.loads(stored)["envelope"], separators=(",", ":"))
    file = tmp_path / "envelope.json"
    file.write_text(envelope + "\n")
    again = call("submit", file, "--home", home, "--receipt", tmp_path / "again.tlog-proof", "--json")
    assert again.code == 0
    assert (again.value["entry"]["again"], again.value["entry"]["index"]) == (True, entry["index"])
    assert (tmp_path / "again.tlog-proof").read_bytes() == Path(entry["receipt"]).read_bytes()


def test_what_is_only_signed_is_handed_in_by_whoever_brings_it(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "signed.json"
    signed = submitted(home, "calendar.recorded", calendar(2021), "organiser", "--signed", file).value["signed"]
    with open_store(read_home(home)) as store:
        assert store.find_statement(bytes.fromhex(signed["statement"])) is None
    brought = call("submit", file, "--home", home, "--receipt", tmp_path / "brought.tlog-proof", "--json")
    assert (brought.value["entry"]["type"], brought.value["entry"]["again"]) == ("calendar.recorded", False)
    with open_store(read_home(home)) as store:
        assert store.find_statement(bytes.fromhex(signed["statement"])) == brought.value["entry"]["index"]


def test_a_refusal_says_code_clause_and_facts_and_is_kept(home: Path) -> None:
    refused = submitted(home, "stage.opened", {"stage": "screening"})
    assert refused.code == 1
    refusal = refused.value["refusal"]
    assert (refusal["code"], refusal["clause"], refusal["facts"]["before"]) == ("STAGE_ORDER", "四", "applications")
    key, given = home / "keys" / "organiser.pem", json.dumps({"stage": "screening"})
    told = call("submit", "-", "--kind", "stage.opened", "--key", key, "--home", home, "--lang", "en", given=given)
    assert (told.code, told.out) == (1, "")
    assert "演练 REHEARSAL" in told.err
    assert "STAGE_ORDER" in told.err
    attempts = call("attempts", "--home", home, "--json").value["attempts"]
    assert [one["code"] for one in attempts][-2:] == ["STAGE_ORDER", "STAGE_ORDER"]


def test_a_second_signer_makes_an_act_effective_or_declines_it(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.pem"
    call("key", "new", file)
    member = "b" * 32
    proof = call("key", "enrol-proof", file, "--person", member, "--challenge", CHALLENGE, "--home", home, "--json")
    body = proof.value["enrolment"] | {"id_tag": "cd" * 32, "record": "ef" * 32, "unit": "employer-1"}
    del body["programme"]
    enrolled = submitted(home, "key.enrolled", body, "registrar").value["entry"]
    assert enrolled["needs"] == 1
    discipline = home / "keys" / "discipline.pem"
    signed = call("countersign", enrolled["index"], "--key", discipline, "--home", home, "--json")
    assert signed.code == 0
    granted = submitted(home, "role.granted", {"member": member, "reason": "工作需要", "role": "expert"}, "registrar")
    arguments = ("countersign", granted.value["entry"]["index"], "--key", discipline, "--home", home, "--json")
    declined = call(*arguments, "--decline", "不符合")
    assert (declined.code, declined.value["entry"]["type"]) == (0, "act.declined")
    nothing = call(*arguments)
    assert (nothing.code, nothing.value["error"]["code"]) == (2, "NOTHING_PENDING")
    lines = call("history", member[:8], "--home", home, "--json").value["history"]
    assert [(one["kind"], one["standing"]) for one in lines[:3:2]] == [
        ("key.enrolled", "effective"),
        ("role.granted", "lapsed"),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "INPUT_INVALID"),
        ("[]", "INPUT_INVALID"),
        ('{"body": {}}', "INPUT_INVALID"),
        ('{"kind": "never.heard", "body": {}}', "KIND_UNKNOWN"),
        ('{"kind": "stage.opened", "body": {"stage": 1}}', "FIELD_INVALID"),
        ('{"payload": "", "payloadType": "", "signatures": []}', "NOT_CANONICAL"),
    ],
)
def test_what_cannot_be_read_is_not_submitted(home: Path, text: str, code: str) -> None:
    answer = call("submit", "-", "--key", home / "keys" / "organiser.pem", "--home", home, "--json", given=text)
    assert (answer.code, answer.value["error"]["code"]) == (2, code)


def test_a_body_needs_a_key_that_is_enrolled(home: Path, tmp_path: Path) -> None:
    body = json.dumps({"kind": "stage.opened", "body": {"stage": "applications"}})
    assert call("submit", "-", "--home", home, "--json", given=body).value["error"]["code"] == "KEY_NEEDED"
    call("key", "new", tmp_path / "strange.pem")
    strange = call("submit", "-", "--key", tmp_path / "strange.pem", "--home", home, "--json", given=body)
    assert (strange.code, strange.value["error"]["code"]) == (2, "KEY_NOT_ENROLLED")


def test_entries_are_listed_and_shown_in_full(home: Path) -> None:
    listed = call("entries", "--from", 1, "--to", 3, "--home", home, "--json").value
    assert [one["index"] for one in listed["entries"]] == [1, 2, 3]
    assert sorted(listed["entries"][0]) == ["at", "clause", "index", "kind", "leaf", "person", "text", "version"]
    one = call("entries", "--index", 1, "--home", home, "--json").value["entries"][0]
    assert (one["kind"], one["seen"]["size"], one["counter"]) == ("charter.endorsed", 1, 1)
    assert "charter.sealed" in call("entries", "--home", home).out
    assert call("entries", "--index", 10_000, "--home", home, "--json").value["error"]["code"] == "INDEX_UNKNOWN"


def test_a_position_in_the_past_is_all_that_was_known(home: Path) -> None:
    then = call("entries", "--home", home, "--at", 2, "--json").value
    assert then["as_of"]["entries"] == len(then["entries"]) == 3
    status = call("status", "--home", home, "--at", 2, "--json").value["status"]
    assert status["in_force"] is False
    assert call("status", "--home", home, "--at", "2000-01-01", "--json").value["status"] is None
    wrong = call("status", "--home", home, "--at", "soon", "--json")
    assert (wrong.code, wrong.value["error"]["code"]) == (2, "TIME_INVALID")
    assert call("status", "--home", home, "--at", 10_000, "--json").value["error"]["code"] == "INDEX_UNKNOWN"


def test_a_whole_ledger_is_verified(home: Path) -> None:
    answer = call("verify", "--home", home, "--json")
    assert (answer.code, answer.value["clean"], answer.value["failures"]) == (0, True, [])
    checks = [one["check"] for one in answer.value["checks"]]
    assert checks == [check.value for check in LIVE]
    assert {one["check"] for one in answer.value["checks"] if not one["looked_at"]} == {
        "4.1 evidence",
        "4.2 erasure",
        "4.3 ballots",
        "5.2 results",
        "5.5 totals",
    }
    told = call("verify", "--home", home)
    assert "演练" in told.out
    assert answer.value["root"] in told.out


def test_another_key_than_the_logs_is_found_out(home: Path, reachable: Path) -> None:
    other = (reachable / "own" / "log.vkey").read_text().strip()
    answer = call("verify", "--vkey", other, "--home", home, "--json")
    assert answer.code == 1
    assert "2.2 checkpoints" in {one["check"] for one in answer.value["failures"]}


def test_without_a_pin_nothing_is_published_and_verifying_is_not_complete(reachable: Path) -> None:
    folder = reachable / "unpinned"
    assert call("init", "--origin", ORIGIN, "--home", folder).code == 0
    (folder / "pin").unlink()
    assert call("entries", "--home", folder, "--json").value["entries"] == []
    answer = call("verify", "--home", folder, "--json")
    assert (answer.code, answer.value["clean"], answer.value["failures"]) == (2, False, [])


def test_the_guards_of_the_embedded_database_are_complete(home: Path) -> None:
    assert call("db", "check", "--home", home, "--json").value["missing"] == []


def test_a_database_of_ones_own_is_installed(database: str, reachable: Path) -> None:
    installed = call("db", "install", "--admin-dsn", database, "--schema", "own", "--role", "cli_service", "--json")
    assert installed.code == 0
    assert installed.value == {"missing": [], "origin": None, "rehearsal": False, "schema": "own"}
    wrong = call("db", "install", "--admin-dsn", "host=/nowhere", "--json")
    assert (wrong.code, wrong.value["error"]["code"]) == (2, "STORE_UNREACHABLE")


@pytest.mark.parametrize(("language", "words"), [("zh", "文件夹里没有账本"), ("en", "There is no ledger")])
def test_errors_are_sentences_in_the_chosen_language(tmp_path: Path, language: str, words: str) -> None:
    answer = call("status", "--home", tmp_path, "--lang", language)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err
    assert "HOME_MISSING" in answer.err


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "文件夹里没有账本"),
        ({"LANG": "en_GB.UTF-8"}, "There is no ledger"),
        ({"LANG": "en_GB.UTF-8", "BALLOT_LEDGER_LANG": "zh"}, "文件夹里没有账本"),
        ({"LC_ALL": "C.UTF-8", "LANG": "en_GB.UTF-8"}, "文件夹里没有账本"),
    ],
)
def test_the_language_follows_the_environment(tmp_path: Path, environment: dict[str, str], words: str) -> None:
    assert words in call("status", "--home", tmp_path, **environment).err


def test_a_language_that_does_not_exist(tmp_path: Path) -> None:
    answer = call("status", "--home", tmp_path, "--lang", "fr", "--json")
    assert (answer.code, answer.value["error"]["code"]) == (2, "LANGUAGE_UNKNOWN")


def test_a_fault_of_our_own_is_no_traceback(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("api.cli.status.status_of", fail)
    answer = call("status", "--home", home, "--json")
    assert (answer.code, answer.value["error"]["code"]) == (2, "UNEXPECTED")
    assert answer.value["error"]["facts"] == {"kind": "RuntimeError", "reason": "unforeseen"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(["--help"], 0, "what-if"), (["nonsense"], 2, "nonsense"), (["rank"], 2, "STAGE"), ([], 2, "Usage")],
)
def test_usage_as_a_program(arguments: list[str], code: int, words: str) -> None:
    command = [sys.executable, "-c", "from api.cli.main import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code
    assert words in done.stdout + done.stderr


def test_every_command_speaks_json_and_both_languages() -> None:
    groups = [group.typer_instance for group in app.registered_groups if group.typer_instance is not None]
    commands = [command.callback for one in (app, *groups) for command in one.registered_commands]
    assert len(commands) > 20
    for command in commands:
        assert command is not None
        assert {"as_json", "lang"} <= command.__annotations__.keys()
