"""`prove` and `publish` on a new ledger: files that verify, nothing above the pin, a code for what cannot be proved."""

import base64
from pathlib import Path
from typing import Any

import pytest

from ledger import merkle, receipt, tiles
from ledger.checkpoint import VerifierKey, open_checkpoint, parse_vkey
from ledger.opening import open_store, read_home
from tests.api.calling import call

ORIGIN = "union.example/proofs"
SIZE = 6


@pytest.fixture(scope="module")
def home(reachable: Path) -> Path:
    """A ledger whose charter is sealed and endorsed: six entries, each with a checkpoint of its own."""
    folder = reachable / "ledger"
    assert call("init", "--origin", ORIGIN, "--rehearsal", "--endorse", "--home", folder, "--json").code == 0
    return folder


@pytest.fixture(scope="module")
def key(home: Path) -> VerifierKey:
    return parse_vkey((home / "log.vkey").read_text().strip())


@pytest.fixture(scope="module")
def entries(home: Path) -> list[bytes]:
    with open_store(read_home(home)) as store:
        return [entry for _, entry in store.read_entries()]


def prove(home: Path, *arguments: str | Path | int) -> Any:
    return call("prove", *arguments, "--home", home, "--json")


def test_an_entry_is_proved_against_every_checkpoint(home: Path, key: VerifierKey, entries: list[bytes]) -> None:
    assert len(entries) == SIZE
    for size in range(2, SIZE + 1):
        told = prove(home, "inclusion", 1, "--at", size)
        assert told.code == 0
        proved = told.value["inclusion"]
        data = Path(proved["file"]).read_bytes()
        assert data.decode() == proved["text"]
        assert receipt.verify(receipt.parse(data), entries[1], [key]).size == size == proved["size"]
    newest = prove(home, "inclusion", 3, "--out", home / "three.tlog-proof").value["inclusion"]
    assert receipt.verify(receipt.parse((home / "three.tlog-proof").read_bytes()), entries[3], [key]).size == SIZE
    assert (newest["index"], newest["size"], newest["file"]) == (3, SIZE, str(home / "three.tlog-proof"))


def test_a_consistency_proof_is_also_what_a_witness_is_asked_with(home: Path, key: VerifierKey) -> None:
    path = home / "request"
    told = prove(home, "consistency", 3, SIZE, "--out", path).value["consistency"]
    hashes = [base64.b64decode(text) for text in told["path"]]
    old_root, new_root = bytes.fromhex(told["old_root"]), bytes.fromhex(told["new_root"])
    assert merkle.verify_consistency(3, SIZE, old_root, new_root, hashes)
    head, _, note = path.read_bytes().partition(b"\n\n")
    assert head.decode().split("\n") == ["old 3", *told["path"]]
    assert open_checkpoint(note, [key]).root == new_root
    same = prove(home, "consistency", SIZE, SIZE).value["consistency"]
    assert (same["path"], same["file"]) == ([], None)
    assert call("prove", "consistency", 0, 2, "--home", home, "--lang", "en").out.startswith(" 演练 REHEARSAL")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("inclusion", SIZE), "INDEX_UNKNOWN"),
        (("inclusion", 3, "--at", 3), "INDEX_UNKNOWN"),
        (("inclusion", 0, "--at", SIZE + 1), "NOT_PUBLISHED"),
        (("inclusion", 0, "--out", "/proc/nothing/here"), "FILE_UNWRITABLE"),
        (("consistency", 4, 3), "RANGE_BACKWARD"),
        (("consistency", 0, SIZE + 1), "NOT_PUBLISHED"),
        (("consistency", 0, 0, "--out", "/tmp/never"), "CHECKPOINT_NOT_ISSUED"),
    ],
)
def test_what_cannot_be_proved(home: Path, arguments: tuple[str | int, ...], code: str) -> None:
    told = prove(home, *arguments)
    assert (told.code, told.value["error"]["code"]) == (2, code)
    assert prove(home, "inclusion", "-1").code == 2


def test_publishing_twice_writes_nothing_new(
    home: Path, reachable: Path, key: VerifierKey, entries: list[bytes]
) -> None:
    folder = reachable / "www"
    told = call("publish", folder, "--home", home, "--json").value
    assert told["rehearsal"] is True
    assert told["published"] | {"written": None} == {
        "audience": "public",
        "folder": str(folder),
        "shown": SIZE,
        "size": SIZE,
        "written": None,
    }
    assert open_checkpoint((folder / "checkpoint").read_bytes(), [key]).size == SIZE
    leaves = b"".join(merkle.leaf_hash(entry) for entry in entries)
    assert (folder / f"tile/0/000.p/{SIZE}").read_bytes() == leaves
    assert (folder / "entry/000").read_bytes() == entries[0]
    assert not (folder / "tile/entries").exists()
    again = call("publish", folder, "--home", home, "--lang", "en")
    assert (again.code, "0 new file(s)" in again.out) == (0, True)
    other = call("publish", folder, "--audience", "auditor", "--home", home, "--json")
    assert (other.code, other.value["error"]["code"]) == (2, "PUBLISH_AUDIENCE")
    auditor = call("publish", reachable / "audit", "--audience", "auditor", "--prune", "--home", home, "--json")
    assert auditor.value["published"]["written"] > told["published"]["written"]
    assert tiles.entries_of((reachable / f"audit/tile/entries/000.p/{SIZE}").read_bytes()) == tuple(entries)
