"""G05 whole: an objector's identity is planted in what they hand in, everything is run, and nothing of it is anywhere.

The objector is nobody on the roll, so that neither their id nor their key has any business in the log. What they wrote
exists in the ciphertext and, once discipline has opened the seal, in the file that discipline asked for, outside.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.rehearsal import scenario_notice
from api.rehearsal.demo import SEED
from api.rehearsal.seals import recovery_key, sealed_to, sealing_key
from ledger.embedded import EmbeddedPostgres
from ledger.evidence import EvidenceFolder
from ledger.keyfile import write_key, write_sealing_key
from ledger.opening import SERVICE_ROLE
from ledger.sealing import SealContext, open_sealed
from ledger.signing import SigningKey, encode_base64, key_id
from tests.api.calling import Answer, call
from tests.identity.traces import found_below, found_in, traces_of

OBJECTOR = SigningKey.from_seed(hashlib.sha256(b"an objector's own key").digest())
SECRETS = {
    "name": "欧阳慕容怀瑾",
    "pinyin": "ouyang.murong.huaijin",
    "Pinyin": "Ouyang Murong Huaijin",
    "phone": "13987650123",
    "ID number": "530302197802291937",
    "person": hashlib.sha256(b"an objector").hexdigest()[:32],
    "key": key_id(OBJECTOR.public),
}
TRACES = traces_of(SECRETS)
LETTER = json.dumps(SECRETS, ensure_ascii=False) + "".join(
    base64.b64encode(bytes(shift) + secret.encode()).decode() + hashlib.sha256(secret.encode()).hexdigest()
    for secret in SECRETS.values()
    for shift in range(3)
)
READING = (
    ("status",), ("candidates",), ("candidates", "final"), ("rank", "final", "--ballots"), ("known",), ("story",),
    ("history", "organiser"), ("findings",), ("off-path",), ("notices",), ("objections",), ("vacancies",),
    ("entries",), ("attempts",), ("evidence", "list"), ("evidence", "list", "--erased"), ("evidence", "check"),
    ("db", "check"), ("verify",), ("tables", "rebuild"), ("tables", "check"), ("tables", "status"),
    ("tables", "query", "recount"), ("programme", "list"), ("margins",), ("no-such-command",),
)  # fmt: skip


@dataclass
class Everything:
    """One rehearsal in which a seeded person objects: its folder, what the commands said, where others wrote."""

    home: Path
    outside: Path
    dsn: str = ""
    said: list[tuple[str, Answer]] = field(default_factory=list)

    def run(self, *arguments: str | Path | int, given: str | None = None, **environment: str) -> Answer:
        """Call a command on the folder and keep what it said."""
        more = {"DATABASE_URL": self.dsn, "BALLOT_LEDGER_HOME": str(self.home)} | environment
        answer = call(*arguments, given=given, **more)
        self.said.append((" ".join(map(str, arguments)), answer))
        return answer

    def as_(self, alias: str) -> Path:
        """The key file of somebody in the rehearsal; its passphrase is `rehearsal`."""
        return self.home / "keys" / f"{alias}.pem"


@pytest.fixture(scope="module")
def everything(reachable: Path, tmp_path_factory: pytest.TempPathFactory) -> Everything:
    """Play the selection, then run every command, refused ones and errors too, and stop the server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenario_notice, "SIGNED_TEXT", LETTER)
        patch.setattr(scenario_notice, "ANONYMOUS_TEXT", LETTER[::-1] + LETTER)
        made = Everything(reachable / "demo", tmp_path_factory.mktemp("outside"))
        made.said.append(("demo", call("demo", "--folder", made.home)))
    assert made.said[0][1].code == 0
    with EmbeddedPostgres.start(made.home / "postgres") as server:
        made.dsn = make_conninfo(server.dsn, user=SERVICE_ROLE)
        _file_another(made)
        _attempt(made)
        _open(made)
        for command in READING:
            made.run(*command)
            made.run(*command, "--json")
        _export(made)
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
    return made


def body_of(made: Everything, **changes: Any) -> dict[str, Any]:
    """The body of a further objection, to the first notice."""
    first = made.run("entries", "--json").value["entries"]
    index = next(one["index"] for one in first if one["kind"] == "objection.received")
    body = made.run("entries", "--index", index, "--json").value["entries"][0]["body"]
    return dict(body) | {"objection": "further-objection"} | changes


def _file_another(made: Everything) -> None:
    """By the commands: sealed, then filed by a one-time key, which is thrown away."""
    letter, key = made.outside / "letter.txt", made.outside / "one-time.pem"
    letter.write_text(LETTER)
    one_time = SigningKey.from_seed(hashlib.sha256(b"one time").digest())
    write_key(key, one_time, None)
    to = sealed_to(SEED)
    office, recovery = encode_base64(to.office), encode_base64(to.recovery)
    arguments = ("evidence", "seal", letter, "--objection", "further-objection")
    sealed = made.run(*arguments, "--office", office, "--recovery", recovery, "--json")
    assert sealed.code == 0, sealed
    changes = {"one_time_key": encode_base64(one_time.public), "sealed": sealed.value["evidence"]["digest"]}
    given = json.dumps({"kind": "objection.received", "body": body_of(made, **changes)})
    filed = made.run("submit", "-", "--key", key, "--one-time", "--now", "2023-02-03T09:00", "--json", given=given)
    assert filed.code == 0, filed


def _attempt(made: Everything) -> None:
    """What an objector may do wrong: their own key, their name where an id belongs, bytes that are no statement."""
    own = made.outside / "own.pem"
    write_key(own, OBJECTOR, None)
    wrong = (
        body_of(made),
        body_of(made, objection=SECRETS["name"]),
        body_of(made, filer=SECRETS["name"]),
        body_of(made) | {SECRETS["name"]: SECRETS["phone"]},
        body_of(made, against=SECRETS["ID number"]),
        body_of(made, arrived_at=SECRETS["phone"]),
        body_of(made, sealed=SECRETS["name"]),
    )
    for body in wrong:
        for more in ((), ("--one-time",), ("--json",)):
            given = json.dumps({"kind": "objection.received", "body": body})
            answer = made.run("submit", "-", "--key", own, *more, "--now", "2023-02-03T09:10", given=given)
            assert answer.code > 0
    broken = ('{"name": "' + SECRETS["name"], json.dumps([SECRETS["name"]]), LETTER, json.dumps(SECRETS))
    for given in broken:
        assert made.run("submit", "-", "--key", own, given=given).code == 2
        assert made.run("submit", "-", given=given, DATABASE_URL="").code == 2
    made.run("explain", "nobody")
    made.run("evidence", "get", "0" * 64, "--out", "-")


def _open(made: Everything) -> None:
    """Discipline opens the seal, on the record; others and other keys do not."""
    office, recovery = made.outside / "office.pem", made.outside / "recovery.pem"
    write_sealing_key(office, sealing_key(SEED), None)
    write_sealing_key(recovery, recovery_key(SEED), None)
    out = made.outside / "opened.txt"
    common = ("--reason", "核对异议人身份", "--out", out, "--now", "2023-02-03T10:00", "--json")
    passphrase = {"BALLOT_LEDGER_PASSPHRASE": "rehearsal"}
    ask = ("evidence", "open", "further-objection", "--key")
    refused = made.run(*ask, made.as_("organiser"), "--sealing-key", office, *common, **passphrase)
    assert (refused.code, refused.value["refusal"]["code"], out.exists()) == (1, "NOT_AUTHORISED", False)
    stranger = made.run(*ask, made.as_("discipline"), "--sealing-key", made.as_("discipline"), *common, **passphrase)
    assert (stranger.code, out.exists()) == (2, False)
    for key in (office, recovery):
        opened = made.run(*ask, made.as_("discipline"), "--sealing-key", key, *common, **passphrase)
        assert opened.code == 0, opened
        assert out.read_text() == LETTER
        entry = made.run("entries", "--index", opened.value["opened"]["entry"], "--json").value["entries"][0]
        assert (entry["kind"], entry["body"]["reason"]) == ("seal.opened", "核对异议人身份")
        out.unlink()


def _export(made: Everything) -> None:
    """Everything that leaves the folder: exports for both audiences, the static folder, tables, a receipt."""
    given = made.outside / "given"
    given.mkdir()
    for audience in ("public", "auditor"):
        for name in (audience, f"{audience}.zip"):
            assert made.run("export", "--audience", audience, given / name).code == 0
            for more in ((), ("--json",), ("--vkey", (made.home / "log.vkey").read_text().strip())):
                made.run("verify", given / name, *more)
    made.run("export-tables", given / "tables")
    made.run("publish", given / "static")
    made.run("receipt", 3, "--out", given / "3.tlog-proof")


def test_the_identity_is_in_the_letters_that_were_sealed(everything: Everything) -> None:
    """Otherwise nothing that follows would show anything."""
    evidence = EvidenceFolder(everything.home / "evidence")
    told = everything.run("entries", "--json", DATABASE_URL="").value["entries"]
    received = [one["index"] for one in told if one["kind"] == "objection.received"]
    assert len(received) == 3
    for index in received:
        entry = everything.run("entries", "--index", index, "--json", DATABASE_URL="").value["entries"][0]
        context = SealContext(entry["programme"], entry["body"]["objection"])
        text = open_sealed(sealing_key(SEED), evidence.get(entry["body"]["sealed"]).content, context)
        assert {name for name, form in found_in(text, TRACES) if form == "plain"} == set(SECRETS)


def test_no_command_says_it(everything: Everything) -> None:
    assert len(everything.said) > 80
    for command, answer in everything.said:
        assert found_in((answer.out + answer.err).encode(), TRACES) == set(), command


def test_no_file_of_the_ledger_or_its_database_holds_it(everything: Everything) -> None:
    """Entries, tables, indexes, the write-ahead log, the server's log, evidence, receipts, keys, the pin."""
    data = everything.home / "postgres" / "data"
    assert len(list((data / "pg_wal").iterdir())) > 1
    assert found_below(everything.home, TRACES) == {}


def test_nothing_that_was_handed_out_holds_it(everything: Everything) -> None:
    given = everything.outside / "given"
    assert (given / "auditor" / "core" / "checkpoint").exists()
    assert (given / "public.zip").exists()
    assert found_below(given, TRACES) == {}
