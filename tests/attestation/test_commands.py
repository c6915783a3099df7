"""`attest`, `diff-result` and `certificate` on a demonstration's folder: written, checked elsewhere, forged."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from psycopg.conninfo import make_conninfo

from ledger import receipt as receipts
from ledger.checkpoint import parse_vkey
from ledger.embedded import EmbeddedPostgres
from ledger.opening import SERVICE_ROLE
from tests.api.calling import Answer, call
from tests.api.conftest import reachable

__all__ = ["reachable"]
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def home(reachable: Path) -> Path:
    """The folder of a demonstration."""
    folder = reachable / "attesting"
    assert call("demo", "--folder", folder).code == 0
    return folder


@pytest.fixture(scope="module")
def vkey(home: Path) -> str:
    return (home / "log.vkey").read_text().strip()


@pytest.fixture(scope="module")
def ask(home: Path) -> Iterator[Ask]:
    """Call a command on the demonstration's folder, whose server keeps running."""
    with EmbeddedPostgres.start(home / "postgres") as running:
        dsn = make_conninfo(running.dsn, user=SERVICE_ROLE)
        yield lambda *arguments, **more: call(*arguments, "--home", home, DATABASE_URL=dsn, **more)


@pytest.fixture(scope="module")
def named(ask: Ask) -> list[str]:
    """Everybody who was named."""
    found = [one for one in ask("entries", "--json").value["entries"] if one["kind"] == "titles.named"]
    shown = ask("entries", "--index", found[0]["index"], "--json").value
    return list(shown["entries"][0]["body"]["candidates"])


def code(answer: Answer) -> Any:
    return answer.value["error"]["code"]


def test_a_row_is_attested_and_checked_without_the_ledger(
    ask: Ask, named: list[str], vkey: str, tmp_path: Path
) -> None:
    file = tmp_path / "row.json"
    given = ask("attest", "final", named[0], "-o", file, "--json")
    assert (given.code, given.value["file"], given.value["rehearsal"]) == (0, str(file), True)
    checked = call("attest", "--check", file, "--vkey", vkey, "--home", tmp_path, "--json")
    assert checked.code == 0
    assert checked.value["row"] == given.value["row"]
    for lang, word in (("zh", "不是真实选树"), ("en", "not a real selection")):
        told = call("attest", "--check", file, "--vkey", vkey, "--lang", lang, "--home", tmp_path)
        assert told.code == 0
        assert word in told.out
        assert named[0] in told.out


def test_a_row_that_does_not_hold_ends_with_1_and_what_cannot_be_checked_with_2(
    ask: Ask, named: list[str], vkey: str, tmp_path: Path
) -> None:
    file = tmp_path / "row.json"
    assert ask("attest", "stage:final", named[1], "-o", file).code == 0
    data = file.read_bytes()
    file.write_bytes(data.replace(b'"rank":', b'"rank":1', 1))
    forged = call("attest", "--check", file, "--vkey", vkey, "--home", tmp_path, "--json")
    assert (forged.code, code(forged)) == (1, "ROW_NOT_CERTIFIED")
    file.write_bytes(b"{}\n")
    other = call("attest", "--check", file, "--vkey", vkey, "--home", tmp_path, "--json")
    assert (other.code, code(other)) == (2, "PROOF_FILE_MALFORMED")
    file.write_bytes(data)
    arguments: tuple[str | Path, ...]
    for arguments, expected in (
        (("attest", "--check", file, "--home", tmp_path), "VKEY_NEEDED"),
        (("attest", "--check", tmp_path / "none", "--vkey", vkey), "FILE_UNREADABLE"),
        (("attest", "--check", file, "--vkey", "x"), "VKEY_MALFORMED"),
    ):
        answer = call(*arguments, "--json")
        assert (answer.code, code(answer)) == (2, expected)
    for arguments, expected in (
        (("attest", "final"), "ATTEST_WHAT"),
        (("attest", "nowhere", named[0]), "RESULT_NOT_CERTIFIED"),
        (("attest", "final", "nobody"), "PERSON_UNKNOWN"),
    ):
        answer = ask(*arguments, "--json")
        assert (answer.code, code(answer)) == (2, expected)


def certifications(ask: Ask) -> list[int]:
    """The entries that certified the shortlist and the final result."""
    found = []
    for one in ask("entries", "--json").value["entries"]:
        if one["kind"] == "result.certified":
            shown = ask("entries", "--index", one["index"], "--json").value["entries"][0]
            if shown["body"]["subject"] in {"stage:shortlist", "stage:final"}:
                found.append(one["index"])
    return found


def test_what_changed_between_two_results_is_written_and_checked(ask: Ask, vkey: str, tmp_path: Path) -> None:
    shortlist, final = certifications(ask)
    file = tmp_path / "difference.json"
    given = ask("diff-result", shortlist, f"final@{final}", "-o", file, "--json")
    assert given.code == 0
    found = given.value["difference"]
    assert found["as_before"] is True
    assert (found["first"]["certified"], found["second"]["certified"]) == (shortlist, None)
    assert found["moved"]
    assert found["causes"]
    checked = ask("diff-result", "--check", file, "--vkey", vkey, "--json")
    assert checked.code == 0
    assert checked.value["difference"] == found
    exported = tmp_path / "selection.zip"
    assert ask("export", exported, "--audience", "auditor").code == 0
    offline = ("diff-result", "--check", file, "--entries", exported, "--vkey", vkey, "--home", tmp_path)
    answer = call(*offline, "--json")
    assert (answer.code, answer.value["difference"], answer.value["rehearsal"]) == (0, found, True)
    assert call(*offline, "--lang", "en").code == 0
    public = tmp_path / "public"
    assert ask("export", public, "--audience", "public").code == 0
    hidden = call(*offline[:4], public, *offline[5:], "--json")
    assert (hidden.code, code(hidden)) == (2, "EXPORT_HIDES_ENTRIES")
    told = ask("diff-result", shortlist, final, "--lang", "en")
    assert told.code == 0
    assert "the result is as before" in told.out
    value = json.loads(file.read_bytes())
    file.write_bytes(file.read_bytes().replace(b'"as_before":true', b'"as_before":false'))
    assert value["as_before"] is True
    forged = ask("diff-result", "--check", file, "--vkey", vkey, "--json")
    assert (forged.code, code(forged)) == (1, "DIFFERENCE_NOT_DERIVED")


def test_points_that_are_no_results(ask: Ask) -> None:
    shortlist, final = certifications(ask)
    for arguments, expected in (
        ((shortlist,), "DIFFERENCE_OF_WHAT"),
        ((final, shortlist), "RANGE_BACKWARD"),
        ((0, final), "NOT_A_CERTIFICATION"),
        (("final", final), "POINT_INVALID"),
        (("@5", final), "POINT_INVALID"),
        ((shortlist, 10**9), "INDEX_UNKNOWN"),
        ((f"final@{shortlist}", final), "RESULT_NOT_COUNTED"),
    ):
        answer = ask("diff-result", *arguments, "--json")
        assert (answer.code, code(answer)) == (2, expected)


def test_a_certificate_as_picture_text_and_file(ask: Ask, named: list[str], vkey: str, tmp_path: Path) -> None:
    person, picture = named[0], tmp_path / "one.svg"
    given = ask("certificate", person, "-o", picture, "--lang", "zh", "--json")
    assert given.code == 0
    assert sorted(Path(one).name for one in given.value["files"]) == ["one.json", "one.svg", "one.tlog-proof"]
    drawn = ElementTree.fromstring(picture.read_bytes())
    words = "".join(drawn.itertext())
    assert person in words
    assert "演练" in words
    receipt = receipts.parse((tmp_path / "one.tlog-proof").read_bytes())
    assert receipt.index == given.value["certificate"]["named"]
    checked = call("certificate", "--check", tmp_path / "one.json", "--vkey", vkey, "--home", tmp_path, "--json")
    assert checked.code == 0
    assert checked.value["certificate"] == given.value["certificate"]
    assert ask("certificate", person, "-o", tmp_path / "two.txt", "--lang", "en", "--with-record").code == 0
    text = (tmp_path / "two.txt").read_text()
    assert text.startswith("Certificate of naming")
    assert text.splitlines()[-1] == given.value["certificate"]["scanned"]
    assert parse_vkey(vkey).name in text
    assert ask("certificate", person).code == 0


def test_a_forged_certificate_an_altered_name_and_a_scanned_code(
    ask: Ask, named: list[str], vkey: str, tmp_path: Path
) -> None:
    first, second = named[:2]
    assert ask("certificate", first, "-o", tmp_path / "one.json").code == 0
    shutil.copy(tmp_path / "one.json", tmp_path / "forged.json")
    forged = tmp_path / "forged.json"
    forged.write_bytes(forged.read_bytes().replace(first.encode(), b"f" * len(first)))
    answer = call("certificate", "--check", forged, "--vkey", vkey, "--home", tmp_path, "--json")
    assert (answer.code, code(answer)) == (1, "CERTIFICATE_NOT_IN_LOG")
    told = call("certificate", "--check", forged, "--vkey", vkey, "--home", tmp_path, "--lang", "en")
    assert "forged" in told.err
    salt = "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU="
    answer = ask("certificate", first, "-o", tmp_path / "named.svg", "--name", "张三", "--salt", salt, "--json")
    assert (answer.code, code(answer)) == (2, "CERTIFICATE_NOT_IN_LOG")
    assert not (tmp_path / "named.svg").exists()
    scanned = ask("certificate", second, "--json").value["certificate"]["scanned"]
    assert ask("certificate", "--scan", scanned).code == 0
    answer = ask("certificate", "--scan", scanned.replace(second, "nobody"), "--json")
    assert (answer.code, code(answer)) == (1, "CERTIFICATE_NOT_IN_LOG")
    for arguments, expected in (
        ((), "CERTIFICATE_OF_WHOM"),
        ((first, "-o", tmp_path / "one.pdf"), "CERTIFICATE_FORM"),
        ((first, "--name", "张三"), "RECORD_AND_SALT"),
        (("--scan", "x"), "SCAN_MALFORMED"),
    ):
        answer = ask("certificate", *arguments, "--json")
        assert (answer.code, code(answer)) == (2, expected)


def test_looks_at_a_notice_are_listed_with_who_and_when(ask: Ask, home: Path) -> None:
    (first, *_) = ask("notices", "--json").value["notices"]
    assert first["looks"] == []
    body = {
        "channel": first["channels"][0],
        "notice": first["notice"],
        "observed_at": first["people"][0]["ends_at"] - 1,
        "page": None,
    }
    act = json.dumps({"body": body, "kind": "notice.observed"})
    key = home / "keys" / "discipline.pem"
    sent = ask("submit", "-", "--key", key, "--json", given=act, BALLOT_LEDGER_PASSPHRASE="rehearsal")
    assert sent.code == 0
    (look,) = ask("notices", "--json").value["notices"][0]["looks"]
    assert (look["page"], look["in_time"], look["observed_at"]) == (None, False, body["observed_at"])
    for lang, words in (("zh", "打不开"), ("en", "not reached")):
        assert words in ask("notices", "--lang", lang).out
    codes = [one["code"] for one in ask("findings", "--open", "--json").value["findings"]]
    assert "NOTICE_OBSERVED_LATE" in codes


def test_verify_takes_such_files_and_so_does_the_verifier_by_itself(
    ask: Ask, named: list[str], vkey: str, tmp_path: Path
) -> None:
    row, certificate = tmp_path / "row.json", tmp_path / "one.json"
    assert ask("attest", "final", named[0], "-o", row).code == 0
    assert ask("certificate", named[0], "-o", certificate).code == 0
    alone = tmp_path / "verify.pyz"
    assert call("verifier", alone).code == 0
    for file, kind in ((row, "row"), (certificate, "certificate")):
        answer = call("verify", file, "--vkey", vkey, "--json")
        assert (answer.code, answer.value["kind"], answer.value["rehearsal"]) == (0, kind, True)
        for lang in ("zh", "en"):
            assert named[0] in call("verify", file, "--vkey", vkey, "--lang", lang).out
        command = [sys.executable, "-S", "-I", str(alone), str(file), "--vkey", vkey, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)[kind] == answer.value[kind]
        assert (call("verify", file, "--json").code, code(call("verify", file, "--json"))) == (2, "TRUST_MISSING")
        forged = tmp_path / "forged.json"
        forged.write_bytes(file.read_bytes().replace(named[0].encode(), b"f" * len(named[0]), 1))
        answer = call("verify", forged, "--vkey", vkey, "--json")
        assert (answer.code, answer.value["clean"]) == (1, False)
