"""`export` on a real ledger: what a folder's ledger gives out, as a folder and as a zip, and what it refuses."""

import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.checkpoint import open_checkpoint, parse_vkey
from ledger.evidence import EvidenceFolder
from ledger.opening import read_home
from tests.api.calling import call
from tests.exports.making import files_of

ORIGIN = "export.example/rehearsal"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """The folder of a small ledger of a charter and its endorsements, in the embedded server."""
    with tempfile.TemporaryDirectory(prefix="ballot-ledger-test-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        arguments = ("--origin", ORIGIN, "--rehearsal", "--endorse", "--home", folder / "ledger", "--json")
        assert call("init", *arguments).code == 0
        yield folder / "ledger"


def test_a_ledger_is_exported_for_everyone_and_for_auditors(home: Path, tmp_path: Path) -> None:
    key = parse_vkey((home / "log.vkey").read_text().strip())
    for audience in ("public", "auditor"):
        answer = call("export", tmp_path / audience, "--audience", audience, "--home", home, "--json")
        assert answer.code == 0
        told = answer.value["export"]
        files = files_of(tmp_path / audience)
        checkpoint = open_checkpoint(files["core/checkpoint"], (key,))
        assert (told["size"], told["root"]) == (checkpoint.size, checkpoint.root.hex())
        assert told["counts"]["entries"] == 6
        assert told["files"] == len(files)
        assert told["verifier"] == sha256(files["verify.pyz"]).hexdigest()
        checked = call("verify", tmp_path / audience, "--vkey", key.encode(), "--json")
        assert (checked.code, checked.value["clean"]) == (0, True)
        assert answer.value["rehearsal"] is True
    arguments = ("--audience", "public", "--at", 3, "--no-verifier", "--home", home, "--lang", "en")
    packed = call("export", tmp_path / "x.zip", *arguments)
    assert packed.code == 0
    assert "SHA-256" not in packed.out
    assert "3 entries" in packed.out
    assert "Public version" in packed.out
    shown = call("export", tmp_path / "y.zip", "--audience", "auditor", "--home", home, "--lang", "zh")
    assert "审计版本" in shown.out


def test_what_witnesses_and_timestamps_left_in_the_folder_goes_along(home: Path, tmp_path: Path) -> None:
    for folder, name in (("cosigned", "4"), ("cosigned", ".5.new"), ("timestamps", "4.tsr"), ("timestamps", "5.txt")):
        path = home / "attest" / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (home / "attest" / "cosigned" / "5").write_bytes(b"later")
    assert call("export", tmp_path / "x", "--audience", "public", "--at", 4, "--home", home).code == 0
    attested = {path: data for path, data in files_of(tmp_path / "x").items() if path.startswith("attest/")}
    assert attested == {"attest/cosigned/4": b"4", "attest/timestamps/4.tsr": b"4.tsr"}


def test_evidence_on_file_that_no_entry_names_stays_here(home: Path, tmp_path: Path) -> None:
    EvidenceFolder(read_home(home).evidence).put(b"unnamed", "personal", "text/plain")
    assert call("export", tmp_path / "x", "--audience", "auditor", "--home", home).code == 0
    assert not any(path.startswith("core/evidence") for path in files_of(tmp_path / "x"))


def test_what_cannot_be_exported_is_said_and_nothing_is_written(home: Path, tmp_path: Path) -> None:
    above = call("export", tmp_path / "x", "--audience", "public", "--at", 7, "--home", home, "--json")
    assert (above.code, above.value["error"]["code"]) == (2, "EXPORT_ABOVE_PIN")
    assert above.value["error"]["facts"] == {"pinned": 6, "size": 7}
    (tmp_path / "there").mkdir()
    twice = call("export", tmp_path / "there", "--audience", "public", "--home", home, "--json")
    assert (twice.code, twice.value["error"]["code"]) == (2, "EXPORT_EXISTS")
    nowhere = call("export", tmp_path / "x", "--audience", "public", "--home", tmp_path, "--json")
    assert (nowhere.code, nowhere.value["error"]["code"]) == (2, "HOME_MISSING")
    assert call("export", tmp_path / "x", "--home", home).code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]
