"""`ballot-ledger evidence`: in a folder and in the database; refusals and errors leave nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from ledger.embedded import EmbeddedPostgres
from ledger.evidence_opening import KEYS_FOLDER
from ledger.opening import SERVICE_ROLE
from tests.api.calling import Answer, call
from tests.evidence.conftest import KINDS

RECORD = "王二，电话 13987650123".encode()
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 3000


class Ledger:
    """A founded ledger, its server running, and one kind of store."""

    def __init__(self, home: Path, dsn: str, kind: str, folder: Path) -> None:
        self.home, self.dsn, self.kind, self.folder = home, dsn, kind, folder

    def ask(self, *arguments: str | Path, given: str | None = None) -> Answer:
        """Call an `evidence` command with JSON."""
        variables = {"DATABASE_URL": self.dsn, "BALLOT_LEDGER_EVIDENCE": self.kind}
        return call("evidence", *arguments, "--home", self.home, "--json", given=given, **variables)

    def key(self, alias: str) -> Path:
        """The key file of a founder."""
        return self.home / "keys" / f"{alias}.pem"

    def put(self, content: bytes, *more: str | Path, media_type: str = "text/plain") -> Answer:
        """Put content on file from a file."""
        (self.folder / "in").write_bytes(content)
        return self.ask("put", self.folder / "in", "--media-type", media_type, *more)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory, reachable: Path) -> Iterator[tuple[Path, str]]:
    """A ledger whose charter is endorsed, and its server."""
    home = reachable / "ledger"
    assert call("init", "--origin", "union.example/evidence", "--endorse", "--home", home).code == 0
    with EmbeddedPostgres.start(home / "postgres") as server:
        yield home, make_conninfo(server.dsn, user=SERVICE_ROLE)


@pytest.fixture(params=KINDS)
def ledger(founded: tuple[Path, str], request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """The ledger with its evidence in a folder or in the database."""
    return Ledger(*founded, request.param, tmp_path)


def test_evidence_goes_on_file_with_its_entry_and_comes_back(ledger: Ledger) -> None:
    about = f"minutes-{ledger.kind}"
    arguments = ("--class", "deciding", "--about", about, "--key", ledger.key("organiser"))
    filed = ledger.put(PDF, *arguments, media_type="application/pdf")
    assert filed.code == 0, filed
    told = filed.value["evidence"]
    assert (told["size"], told["class"], told["standing"]) == (len(PDF), "deciding", "on-file")
    out = ledger.folder / "out.pdf"
    assert ledger.ask("get", told["digest"], "--out", out).code == 0
    assert out.read_bytes() == PDF
    assert out.stat().st_mode & 0o777 == 0o600
    (listed,) = (one for one in ledger.ask("list").value["evidence"] if one["digest"] == told["digest"])
    assert (listed["about"], listed["entries"]) == ({about: told["entry"]}, [told["entry"]])
    erasing = ledger.ask("erase", told["digest"], "--key", ledger.key("registrar"), "--reason", "不想留底")
    assert (erasing.code, erasing.value["refusal"]["code"]) == (1, "EVIDENCE_RETAINED")
    assert ledger.ask("get", told["digest"], "--out", out).code == 0


def test_personal_evidence_is_erased_by_an_entry_and_listed_with_its_ground(ledger: Ledger) -> None:
    about = f"person-{ledger.kind}"
    filed = ledger.put(RECORD, "--about", about, "--key", ledger.key("registrar"))
    digest = filed.value["evidence"]["digest"]
    refused = ledger.ask("erase", digest, "--key", ledger.key("registrar"), "--reason", " ")
    assert (refused.code, refused.value["refusal"]["code"]) == (1, "REASON_REQUIRED")
    assert ledger.ask("get", digest, "--out", ledger.folder / "before").code == 0
    erasing = ("erase", digest, "--key", ledger.key("registrar"), "--reason", "本人要求删除")
    first, again = ledger.ask(*erasing), ledger.ask(*erasing)
    assert (first.code, again.code) == (0, 0)
    assert first.value == again.value
    missing = ledger.ask("get", digest, "--out", ledger.folder / "after")
    assert (missing.code, missing.value["error"]["code"]) == (2, "EVIDENCE_ERASED")
    assert not (ledger.folder / "after").exists()
    (shown,) = (one for one in ledger.ask("list", "--erased").value["erased"] if one["digest"] == digest)
    assert (shown["entry"], shown["ground"], list(shown["about"])) == (
        first.value["erased"]["entry"],
        "本人要求删除",
        [about],
    )
    text = call("evidence", "list", "--erased", "--home", ledger.home, DATABASE_URL=ledger.dsn)
    assert "本人要求删除" in text.out
    assert RECORD not in b"".join(path.read_bytes() for path in (ledger.home / "evidence").rglob("*") if path.is_file())


def test_checking_says_what_is_sound_erased_or_wrong(founded: tuple[Path, str], tmp_path: Path) -> None:
    """Each kind holds only its own: looked for in the other store, the evidence of one is missing."""
    stores = [Ledger(*founded, kind, tmp_path) for kind in KINDS]
    digests = {}
    for ledger in stores:
        filed = ledger.put(RECORD, "--about", f"check-{ledger.kind}", "--key", ledger.key("registrar"))
        digests[ledger.kind] = filed.value["evidence"]["digest"]
    for ledger, other in ((stores[0], stores[1]), (stores[1], stores[0])):
        checked = ledger.ask("check")
        assert checked.code == 1
        found = {one["digest"]: one["code"] for one in checked.value["findings"]}
        assert found[digests[other.kind]] == "EVIDENCE_MISSING"
        assert digests[ledger.kind] not in found
        assert checked.value["counts"]["fault"] == len(found)
        listed = {one["digest"]: one["standing"] for one in ledger.ask("list").value["evidence"]}
        assert (listed[digests[other.kind]], listed[digests[ledger.kind]]) == ("missing", "on-file")


@pytest.mark.parametrize(
    ("content", "media_type", "code"),
    [
        (b"<html><script>alert(1)</script>", "application/pdf", "MEDIA_MISMATCH"),
        (b"<script>alert(1)</script>", "text/plain", "MEDIA_MISMATCH"),
        (PDF, "text/html", "MEDIA_TYPE_REFUSED"),
        (PDF, "application/pdf; x=y", "MEDIA_TYPE_REFUSED"),
        (PDF, "image/png", "MEDIA_MISMATCH"),
    ],
)
def test_what_is_not_what_it_says_is_not_put_on_file(
    ledger: Ledger, content: bytes, media_type: str, code: str
) -> None:
    before = ledger.ask("list").value["evidence"]
    answer = ledger.put(content, media_type=media_type)
    assert (answer.code, answer.value["error"]["code"]) == (2, code)
    assert ledger.ask("list").value["evidence"] == before


def test_other_errors_have_their_codes(ledger: Ledger) -> None:
    nowhere = ledger.ask("put", ledger.folder / "nothing", "--media-type", "text/plain")
    assert (nowhere.code, nowhere.value["error"]["code"]) == (2, "FILE_UNREADABLE")
    public = ledger.put(RECORD, "--class", "public")
    assert (public.code, public.value["error"]["code"]) == (2, "EVIDENCE_CLASS_UNKNOWN")
    alone = ledger.put(RECORD, "--about", "matter")
    assert (alone.code, alone.value["error"]["code"]) == (2, "KEY_NEEDED")
    for digest, code in (("0" * 64, "EVIDENCE_MISSING"), ("../../log.key", "DIGEST_INVALID")):
        answer = ledger.ask("get", digest, "--out", "-")
        assert (answer.code, answer.value["error"]["code"]) == (2, code)
    unknown = ledger.ask("erase", "0" * 64, "--key", ledger.key("registrar"), "--reason", "误存")
    assert (unknown.code, unknown.value["refusal"]["code"]) == (1, "UNKNOWN_EVIDENCE")
    strange = call("evidence", "list", "--home", ledger.home, DATABASE_URL=ledger.dsn, BALLOT_LEDGER_EVIDENCE="cloud")
    assert strange.code == 2


def test_a_key_to_seal_to_is_made_once(tmp_path: Path) -> None:
    made = call("evidence", "sealing-key", tmp_path / "office.pem", "--json")
    assert (made.code, len(made.value["sealing_key"]["public_key"])) == (0, 44)
    again = call("evidence", "sealing-key", tmp_path / "office.pem", "--json")
    assert (again.code, again.value["error"]["code"]) == (2, "KEY_FILE_EXISTS")


def test_the_keys_of_the_database_stand_beside_the_folder(ledger: Ledger) -> None:
    filed = ledger.put(b"record", "--about", f"keys-{ledger.kind}", "--key", ledger.key("registrar"))
    digest = filed.value["evidence"]["digest"]
    places = {path.parent.parent.name for path in ledger.home.rglob(f"{digest}.json")}
    assert places == {KEYS_FOLDER if ledger.kind == "database" else "evidence"}
