"""`log-key`, `attempts` and `recover` on a ledger of their own, as an operator uses them."""

import json
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.cli.statement_input import signed_envelope
from ledger.attempts import attempts_keys
from ledger.checkpoint import Checkpoint, parse_vkey, sign_checkpoint
from ledger.embedded import EmbeddedPostgres
from ledger.errors import VerificationError
from ledger.keyfile import read_key
from ledger.log_keys import LogKeys
from ledger.logstore import seen_of
from ledger.opening import open_sequencer, open_store, read_home
from ledger.receipt import parse, verify
from ledger.statements.naming import DisputeOpened
from ledger.store.schema import TABLES
from tests.api.calling import PASSPHRASE, Answer, call

ORIGIN = "union.example/log-commands"
REHEARSAL = ("--now", "2022-09-24T10:00")


@pytest.fixture
def home() -> Iterator[Path]:
    """An endorsed ledger in a folder that every account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="ballot-ledger-test-"))
    folder.chmod(0o755)
    made = call("init", "--origin", ORIGIN, "--home", folder / "home", "--endorse", "--rehearsal", "--json")
    assert made.code == 0, made.err
    yield folder / "home"
    shutil.rmtree(folder)


def key(home: Path, who: str) -> Path:
    """The key file of a founder."""
    return home / "keys" / f"{who}.pem"


def signed(home: Path, source: Path, *signers: str) -> int:
    """Submit a statement by the first of these and have the others countersign; return its index."""
    answer = told(call("submit", source, "--key", key(home, signers[0]), "--home", home, "--json"))
    index = int(answer["entry"]["index"])
    for signer in signers[1:]:
        told(call("countersign", index, "--key", key(home, signer), "--home", home, "--json"))
    return index


def told(answer: Answer, code: int = 0) -> Any:
    """The JSON of an answer that ended as expected."""
    assert answer.code == code, answer.out + answer.err
    return answer.value


def test_the_log_key_is_rotated_by_two_sponsors(home: Path) -> None:
    (only,) = told(call("log-key", "show", "--home", home, "--json"))["log_keys"]
    assert (only["since"], only["held"]) == (0, True)
    made = told(call("log-key", "new", "--reason", "定期更换", "--home", home, "--json"))["log_key"]
    file = Path(made["file"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert parse_vkey(made["body"]["log_key"]).key_id.hex() in file.name
    index = signed(home, Path(made["statement"]), "sponsor-union", "sponsor-hrss")
    founding, newest = told(call("log-key", "show", "--home", home, "--json"))["log_keys"]
    assert (newest["vkey"], newest["since"], newest["held"]) == (made["body"]["log_key"], index + 3, True)
    # The founding private key may go; what it signed stays good, and the log goes on.
    (home / "log.key").unlink()
    again = told(call("log-key", "new", "--reason", "再次更换", "--home", home, "--json"))["log_key"]
    signed(home, Path(again["statement"]), "sponsor-hrss", "sponsor-union")
    assert told(call("verify", "--home", home, "--json"))["clean"]
    assert call("verify", "--vkey", newest["vkey"], "--home", home, "--json").code == 1
    assert told(call("verify", "--vkey", founding["vkey"], "--home", home, "--json"))["clean"]
    shown = call("log-key", "show", "--home", home, "--lang", "en")
    assert shown.code == 0
    assert "no" in shown.out


def test_without_the_private_key_there_is_no_rotation(home: Path) -> None:
    made = told(call("log-key", "new", "--reason", "更换", "--home", home, "--json"))["log_key"]
    Path(made["file"]).unlink()
    submitted = call("submit", made["statement"], "--key", key(home, "sponsor-union"), "--home", home, "--json")
    refusal = told(submitted, 1)["refusal"]
    assert refusal["code"] == "LOG_KEY_NOT_HELD"
    proof, entry = Path(refusal["receipt"]), Path(refusal["receipt"]).with_suffix(".attempt")
    keys = LogKeys.of(parse_vkey((home / "log.vkey").read_text().strip()))
    assert verify(parse(proof.read_bytes()), entry.read_bytes(), attempts_keys(keys)).size == 1
    (attempt,) = told(call("attempts", "--home", home, "--json"))["attempts"]
    assert (attempt["code"], attempt["number"], attempt["log_size"]) == ("LOG_KEY_NOT_HELD", 0, 6)
    assert "LOG_KEY_NOT_HELD" in call("attempts", "--home", home, "--lang", "en").out
    again = call("submit", made["statement"], "--key", key(home, "sponsor-hrss"), "--home", home, "--lang", "en")
    assert "refused-1.tlog-proof" in again.err.replace("\n", "")


def tamper(home: Path, *statements: str) -> None:
    """Change what is stored, as the database's administrator who takes every guard down."""
    with (
        EmbeddedPostgres.start(home / "postgres") as server,
        psycopg.connect(server.dsn, autocommit=True) as connection,
    ):
        for what in ("drop", "ddl"):
            connection.execute(f"ALTER EVENT TRIGGER ledger_refuse_{what} DISABLE".encode())
        for table in TABLES:
            connection.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL".encode())
        for statement in statements:
            connection.execute(statement.encode())


def test_attempts_that_were_altered_are_shown_as_unsound(home: Path) -> None:
    call("submit", "-", "--key", key(home, "organiser"), "--home", home, "--json", given=json.dumps(
        {"kind": "stage.closed", "body": {"stage": "applications"}}))  # fmt: skip
    assert told(call("attempts", "--home", home, "--json"))["clean"]
    tamper(home, "UPDATE ledger.attempt_entries SET state = state || ' '")
    answer = told(call("attempts", "--home", home, "--json"), 1)
    assert [one["code"] for one in answer["failures"]][:1] == ["EVENT_ALTERED"]


def test_H10_recover_brings_an_export_back_and_the_discipline_office_records_it(home: Path, tmp_path: Path) -> None:
    made = told(call("log-key", "new", "--reason", "更换", "--home", home, "--json"))["log_key"]
    signed(home, Path(made["statement"]), "sponsor-union", "sponsor-hrss")
    folder, archive = tmp_path / "export", tmp_path / "export.zip"
    for target in (folder, archive):
        told(call("export", "--audience", "auditor", target, "--home", home, "--json"))
    published = tmp_path / "published"
    told(call("publish", published, "--audience", "auditor", "--home", home, "--json"))
    for source in (folder, archive, home / "receipts", published):
        tamper(home, *(f"DELETE FROM ledger.{table} > 6" for table in
                       ("entries WHERE position", "nodes WHERE position", "checkpoints WHERE size")))  # fmt: skip
        refused = call("submit", made["statement"], "--key", key(home, "sponsor-union"), "--home", home, "--json")
        assert told(refused, 2)["error"]["code"] == "ROLLBACK_DETECTED"
        nothing = call("recover", "--from", tmp_path / "nowhere", "--home", home, "--json")
        assert told(nothing, 2)["error"]["code"] == "RECOVERY_SOURCE"
        done = told(call("recover", "--from", source, "--reason", "旧备份", "--home", home, "--json"))["recovered"]
        assert (done["body"]["size"], done["body"]["recovered_to"]) == (6, 8)
        assert done["body"]["sources"]
    signed(home, Path(done["statement"]), "discipline", "sponsor-union")
    assert told(call("verify", "--home", home, "--json"))["clean"]
    (found,) = told(call("findings", "--home", home, "--json"))["findings"]
    assert found["code"] == "LOG_RECOVERED"
    again = call("recover", "--from", folder, "--home", home, "--lang", "en")
    assert again.code == 0
    assert "Nothing is missing" in again.out


def test_lost_pins_are_set_again_from_what_holds(home: Path, tmp_path: Path) -> None:
    closing = json.dumps({"kind": "stage.closed", "body": {"stage": "applications"}})
    refused = ("submit", "-", "--key", key(home, "organiser"), "--home", home, "--json")
    assert "refusal" in told(call(*refused, given=closing), 1)
    told(call("export", "--audience", "auditor", tmp_path / "export", "--home", home, "--json"))
    for lost in (("attempts.pin",), ("attempts.pin", "pin")):
        for name in lost:
            (home / name).unlink()
        assert told(call(*refused, given=closing), 2)["error"]["code"] == "PIN_MISSING"
        done = call("recover", "--from", tmp_path / "export", "--home", home, "--lang", "en")
        assert (done.code, "are pinned again" in done.out) == (0, True)
        assert "refusal" in told(call(*refused, given=closing), 1)
    tamper(home, "UPDATE ledger.attempt_entries SET state = state || ' '")
    (home / "attempts.pin").unlink()
    unsound = told(call("recover", "--from", tmp_path / "export", "--home", home, "--json"), 2)["error"]
    assert (unsound["code"], unsound["facts"]) == ("ATTEMPTS_UNSOUND", {"index": 0, "reason": "EVENT_ALTERED"})
    assert not (home / "attempts.pin").exists()


def test_a_members_pin_that_proves_a_fork_stops_the_ledger_and_leaves_evidence(home: Path) -> None:
    assert told(call("fork", "--home", home, "--json"))["forks"] == []
    other = sign_checkpoint(Checkpoint(ORIGIN, 4, bytes(32)), read_key(home / "log.key", None))
    found = read_home(home)
    with open_store(found) as store, open_sequencer(found, store) as sequencer:
        signer = read_key(key(home, "organiser"), PASSPHRASE.encode())
        body = DisputeOpened(0, "所见与此不同")
        with pytest.raises(VerificationError, match="SPLIT_VIEW"):
            sequencer.submit(signed_envelope(sequencer.state, seen_of(other), body, signer, False, None)).result()
    (evidence,) = (home / "attest").glob("fork-*.json")
    shown = told(call("fork", "--home", home, "--json"), 1)["forks"]
    assert [(one["code"], one["seen"]["size"], one["own"]["size"]) for one in shown] == [("SPLIT_VIEW", 4, 6)]
    # Anyone with the public key can check it, and the ledger stays closed.
    vkey = (home / "log.vkey").read_text().strip()
    assert call("fork", evidence, "--vkey", vkey, "--json").code == 1
    stranger = vkey.split("+", 1)[0]
    assert told(call("fork", evidence, "--vkey", stranger, "--json"), 2)["error"]["code"] == "VKEY_MALFORMED"
    refused = call("submit", "-", "--key", key(home, "organiser"), "--home", home, "--json", given="{}")
    assert told(refused, 2)["error"]["code"] == "HISTORY_REWRITTEN"
    evidence.write_bytes(b"{}")
    assert told(call("fork", evidence, "--vkey", vkey, "--json"), 2)["error"]["code"] == "FORK_MALFORMED"
    assert told(call("fork", home / "none", "--vkey", vkey, "--json"), 2)["error"]["code"] == "FILE_UNREADABLE"
