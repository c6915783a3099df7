"""An export is checked from its own bytes: whatever is changed, dropped, added or claimed is found and named."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import canonical
from ledger.checkpoint import Checkpoint, VerifierKey, parse_note, sign_checkpoint
from ledger.cosignature import Ed25519Cosigner, cosign
from ledger.errors import MalformedError, StoreError, VerificationError
from ledger.merkle import Frontier, leaf_hash
from ledger.signing import SigningKey
from ledger.statements import decode_entry
from ledger.statements.naming import EvidenceAttached, EvidenceErased
from ledger.tiles import TileAddress
from ledger.witness_policy import parse_policy
from projections.audit.catalogue import EXPORT, Check, out_of_scope
from projections.audit.export import Trust, verify_export
from projections.audit.report import Report
from projections.bundle import write_export
from projections.disclosure import Audience
from tests import finalists
from tests.clauses.founding import rotate_log_key
from tests.exports.making import SALT, MemorySource, files_of
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, freeze, new_world

TRUST = Trust(key=LOG_VKEY)
WITNESS = Ed25519Cosigner("witness.example/w", SigningKey.from_seed(bytes(31) + b"w"))
POLICY = parse_policy(f"log {LOG_VKEY.encode()}\nwitness w {WITNESS.key.encode()}\nquorum w\n")
TIME_S = 1_767_000_000


def digest_of(content: bytes) -> str:
    return sha256(SALT + content).hexdigest()


def played() -> MemorySource:
    """A short play in which evidence was put on file, and some of it erased; a witness cosigned its end."""
    world = new_world()
    world.enrol("甲")
    for content in (b"minutes", b"record"):
        world.must("organiser", EvidenceAttached("minutes", digest_of(content), "personal", "text/plain", len(content)))
    world.must("registrar", EvidenceErased(digest_of(b"record"), "本人申请删除"))
    made = MemorySource.of(freeze(world))
    made.filed = {digest_of(one): MemorySource.put_on_file(one, "personal") for one in (b"minutes", b"record")}
    made.erase(digest_of(b"record"))
    note = made.notes[len(made.entries)]
    cosigned = note + cosign(parse_note(note).text, TIME_S, WITNESS).line()
    made.attested = {f"cosigned/{len(made.entries)}": (len(made.entries), cosigned)}
    return made


SOURCE = played()
SIZE = len(SOURCE.entries)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[Audience, Path]:
    """The short play exported for both audiences."""
    folder = tmp_path_factory.mktemp("exports")
    for audience in Audience:
        write_export(SOURCE, folder / audience.value, audience, verifier=b"a verifier")
    return {audience: folder / audience.value for audience in Audience}


@pytest.fixture
def altered(exports: dict[Audience, Path], tmp_path: Path) -> Path:
    """A copy of the auditors' export, to be changed."""
    return Path(shutil.copytree(exports[Audience.AUDITOR], tmp_path / "altered"))


def found(report: Report) -> set[tuple[str, str]]:
    """Code and file of every failure."""
    return {(failure.code, failure.place) for failure in report.failures}


def codes(report: Report) -> set[str]:
    return {failure.code for failure in report.failures}


def remake_manifests(folder: Path, **changed: Any) -> None:
    """Write both manifests anew, as whoever alters an export would."""
    core = json.loads((folder / "core/manifest.json").read_bytes()) | changed
    for path, below in (("core/manifest.json", "core/"), ("manifest.json", "")):
        (folder / path).unlink()
        lines = [
            [name, len(data), sha256(data).hexdigest()]
            for name, data in sorted(files_of(folder).items())
            if name.startswith(below)
        ]
        lines = [line for line in lines if line[0] not in ("manifest.json", path)]
        value = core if below else {"format": "ballot-ledger-export@1"}
        (folder / path).write_bytes(canonical.encode(value | {"files": lines}) + b"\n")


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_sound_export_is_clean_in_its_scope(audience: Audience, zipped: bool, tmp_path: Path) -> None:
    target = tmp_path / ("export.zip" if zipped else "export")
    write_export(SOURCE, target, audience)
    progress: list[int] = []
    report = verify_export(target, replace(TRUST, policy=POLICY), progress=progress.append)
    assert (report.failures, report.not_checked, report.exit_code) == ([], {}, 0)
    assert (report.size, progress[-1]) == (SIZE, SIZE)
    assert report.out_of_scope == out_of_scope(audience.value)
    assert set(report.looked_at) | set(report.out_of_scope) == set(EXPORT)
    assert set(report.skipped) == {Check.TIMESTAMPS, Check.PIN}
    if audience is Audience.AUDITOR:
        assert (report.erased, report.looked_at[Check.EVIDENCE], report.hidden) == (1, 1, {})
    else:
        assert report.grades == {}
        assert report.hidden[Check.FORM] > 0


@pytest.mark.parametrize("audience", Audience)
def test_a_whole_selection_is_decided_again(audience: Audience, tmp_path: Path) -> None:
    source = MemorySource.of(freeze(finalists.at_approval(finalists.PROGRAMMES[0])))
    write_export(source, tmp_path / "export", audience)
    report = verify_export(tmp_path / "export", TRUST)
    # Objections of this play were never put on file as evidence.
    assert codes(report) <= {"EVIDENCE_MISSING"}
    assert report.size == len(source.entries)
    if audience is Audience.AUDITOR:
        assert report.looked_at[Check.DECISIONS] == report.size
        assert report.looked_at[Check.RESULTS] > 0
        assert report.grades["signed"] > 0
    else:
        assert not report.failures
        assert report.hidden[Check.SIGNATURES] > 0
        assert report.looked_at[Check.SIGNATURES] + report.hidden[Check.SIGNATURES] == report.size


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_of_any_file_is_named(
    data: st.DataObject, exports: dict[Audience, Path], tmp_path: Path
) -> None:
    original = exports[data.draw(st.sampled_from(list(Audience)), "audience")]
    name = data.draw(st.sampled_from(sorted(files_of(original))), "file")
    content = (original / name).read_bytes()
    place = data.draw(st.integers(0, len(content) - 1), "byte")
    bit = data.draw(st.integers(0, 7), "bit")
    folder = tmp_path / "flipped"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    (folder / name).write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
    report = verify_export(folder, TRUST)
    assert report.exit_code == 1
    named = {failure.place for failure in report.failures} | {str(one.facts.get("manifest")) for one in report.failures}
    assert name in named, report.failures


@pytest.mark.parametrize("audience", Audience)
def test_any_file_dropped_or_added_is_named(audience: Audience, exports: dict[Audience, Path], tmp_path: Path) -> None:
    original = exports[audience]
    for number, name in enumerate(sorted(files_of(original))):
        folder = Path(shutil.copytree(original, tmp_path / f"dropped-{number}"))
        (folder / name).unlink()
        report = verify_export(folder, TRUST)
        assert report.exit_code == 1
        assert name in {failure.place for failure in report.failures}, name
    for name in ("more", "core/more", "core/tile/0/001", "core/evidence/aa/x", ".hidden", "attest/cosigned/1", "a b"):
        folder = Path(shutil.copytree(original, tmp_path / f"added-{name.replace('/', '-')}"))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"more")
        assert ("EXPORT_ALTERED", name) in found(verify_export(folder, TRUST))


def test_every_file_dropped_with_its_lines_in_the_manifests(exports: dict[Audience, Path], tmp_path: Path) -> None:
    """Whoever drops a part writes manifests to match; what a log of this size must have is known without them."""
    # That a piece was erased, its entry says; the record beside it adds nothing.
    erased = str(evidence_of(Path(), b"record").with_suffix(".json"))
    may_be_absent = {"README.txt", "verify.pyz", f"attest/cosigned/{SIZE}", erased}
    for number, name in enumerate(sorted(files_of(exports[Audience.AUDITOR]))):
        if name.endswith("manifest.json"):
            continue
        folder = Path(shutil.copytree(exports[Audience.AUDITOR], tmp_path / str(number)))
        (folder / name).unlink()
        remake_manifests(folder)
        assert bool(verify_export(folder, TRUST).failures) == (name not in may_be_absent), name


def test_an_entry_altered_with_everything_but_the_signatures_made_anew(altered: Path) -> None:
    path = altered / "core" / TileAddress("entries", 0, SIZE).path
    data = path.read_bytes()
    at = data.index(b'"index":4,') + 20
    path.write_bytes(data[:at] + b"9" + data[at + 1 :])
    remake_manifests(altered)
    report = verify_export(altered, TRUST)
    assert report.first_bad_index is not None
    assert "EVENT_ALTERED" in codes(report)
    assert f"core/{TileAddress('entries', 0, SIZE).path}" in {one.place for one in report.failures}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("size", SIZE - 1),
        ("root", "00" * 32),
        ("origin", "other.example"),
        ("audience", "public"),
        ("audience", 7),
        ("format", "ballot-ledger-export-core@2"),
        ("out_of_scope", ["5.1 decisions"]),
        ("counts", {"entries": SIZE}),
        ("more", 1),
    ],
)
def test_a_manifest_is_believed_in_nothing(altered: Path, member: str, value: Any) -> None:
    remake_manifests(altered, **{member: value})
    report = verify_export(altered, TRUST)
    assert ("EXPORT_ALTERED", "core/manifest.json") in found(report)
    assert {one.check for one in report.failures} >= {Check.COUNTS}


def test_hidden_entries_have_no_place_in_an_auditors_export(exports: dict[Audience, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(exports[Audience.PUBLIC], tmp_path / "claimed"))
    counts = json.loads((folder / "core/manifest.json").read_bytes())["counts"]
    remake_manifests(folder, audience="auditor", out_of_scope=[], counts=counts)
    report = verify_export(folder, TRUST)
    assert "EVENT_MISSING" in codes(report)
    assert Check.DECISIONS in report.not_checked


# --- Trust from outside ---


def test_without_trust_nothing_can_be_said() -> None:
    with pytest.raises(StoreError, match="EXPORT_UNREADABLE"):
        verify_export(Path("/nowhere/at/all"), TRUST)


def test_trust_in_a_fingerprint_or_a_key(exports: dict[Audience, Path]) -> None:
    path = exports[Audience.AUDITOR]
    fingerprint = decode_entry(SOURCE.entries[0]).signed.id.hex()
    assert verify_export(path, Trust(fingerprint=fingerprint)).exit_code == 0
    assert verify_export(path, Trust()).exit_code == 2
    assert codes(verify_export(path, Trust(fingerprint="00" * 32))) == {"FINGERPRINT_MISMATCH"}
    other = VerifierKey(ORIGIN, SigningKey.from_seed(bytes(32)).public)
    assert {"CHARTER_INVALID", "CHECKPOINT_FORGED"} <= codes(verify_export(path, Trust(key=other)))


def test_history_rewritten_and_signed_anew_by_the_logs_key(tmp_path: Path) -> None:
    """Everything is consistent but what members had seen (dispute H08)."""
    entries = [entry for place, entry in enumerate(SOURCE.entries) if place != SIZE - 3]
    made = list(entries[: SIZE - 3])
    for entry in entries[SIZE - 3 :]:
        made.append(entry.replace(b'"index":%d,' % (len(made) + 1), b'"index":%d,' % len(made)))
    frontier, notes = Frontier(), {}
    for size, entry in enumerate(made, 1):
        frontier.append(leaf_hash(entry))
        notes[size] = sign_checkpoint(Checkpoint(ORIGIN, size, frontier.root()), LOG_KEY)
    write_export(MemorySource(tuple(made), notes, SOURCE.filed), tmp_path / "export", Audience.AUDITOR)
    report = verify_export(tmp_path / "export", TRUST)
    assert report.first_bad_index == SIZE - 3
    assert codes(report) & {"HISTORY_REWRITTEN", "PIN_INVALID"}


def test_a_policy_that_is_not_met(exports: dict[Audience, Path]) -> None:
    other = Ed25519Cosigner("witness.example/other", SigningKey.from_seed(bytes(31) + b"o"))
    policy = parse_policy(f"log {LOG_VKEY.encode()}\nwitness o {other.key.encode()}\nquorum o\n")
    report = verify_export(exports[Audience.AUDITOR], replace(TRUST, policy=policy))
    assert [(one.code, one.index) for one in report.failures] == [("QUORUM_OF_WITNESSES_MISSING", -1)]


def attested(tmp_path: Path, **files: bytes) -> Path:
    """Export the short play with these files below `attest/`; `_` in a name stands for `/`."""
    source = replace(SOURCE, attested={name.replace("_", "/"): (SIZE, data) for name, data in files.items()})
    write_export(source, tmp_path / "export", Audience.AUDITOR)
    return tmp_path / "export"


def test_a_cosignature_that_does_not_hold_and_one_of_another_tree(tmp_path: Path) -> None:
    note = SOURCE.notes[SIZE]
    line = bytearray(cosign(parse_note(note).text, TIME_S, WITNESS).line())
    line[-10] ^= 1
    forked = sign_checkpoint(Checkpoint(ORIGIN, SIZE - 1, bytes(32)), LOG_KEY)
    files = {f"cosigned_{SIZE}": note + bytes(line), f"cosigned_{SIZE - 1}": forked}
    report = verify_export(attested(tmp_path, **files), replace(TRUST, policy=POLICY))
    codes_of = {SIZE: "COSIGNED_INVALID", SIZE - 1: "HISTORY_REWRITTEN"}
    expected = {(code, f"attest/cosigned/{size}") for size, code in codes_of.items()}
    assert found(report) >= expected
    assert "QUORUM_OF_WITNESSES_MISSING" in codes(report)


def test_timestamps_are_checked_by_whoever_can(tmp_path: Path) -> None:
    path = attested(tmp_path, **{f"timestamps_{SIZE}.tsr": b"stamp"})
    asked: list[bytes] = []

    def good(response: bytes, message: bytes) -> None:
        asked.append(message)

    def bad(response: bytes, message: bytes) -> None:
        raise VerificationError("TIMESTAMP_REFUSED")

    assert verify_export(path, replace(TRUST, stamps=good)).exit_code == 0
    assert asked == [SOURCE.notes[SIZE]]
    assert found(verify_export(path, replace(TRUST, stamps=bad))) == {
        ("TIMESTAMP_INVALID", f"attest/timestamps/{SIZE}.tsr")
    }
    assert verify_export(path, TRUST).skipped[Check.TIMESTAMPS] == "no-tsa"
    assert verify_export(path, replace(TRUST, stamps_wanted=True)).exit_code == 2


@pytest.mark.parametrize(
    ("pin", "code"),
    [
        ({"root": "00" * 32, "size": SIZE}, "HISTORY_REWRITTEN"),
        ({"root": "00" * 32, "size": SIZE + 1}, "LOG_TRUNCATED"),
        ({"root": "00", "size": 1}, "PIN_CORRUPT"),
    ],
)
def test_the_pin_that_an_export_carries(tmp_path: Path, pin: dict[str, Any], code: str) -> None:
    report = verify_export(attested(tmp_path, pin=canonical.encode(pin) + b"\n"), TRUST)
    assert [(one.check, one.code) for one in report.failures] == [(Check.PIN, code)]


# --- Evidence ---


def evidence_of(folder: Path, content: bytes) -> Path:
    digest = digest_of(content)
    return folder / "core/evidence" / digest[:2] / digest


def test_evidence_that_is_swapped_gone_or_erased_without_an_entry(altered: Path) -> None:
    path = evidence_of(altered, b"minutes")
    path.write_bytes(b"other minutes")
    remake_manifests(altered)
    assert ("ATTACHMENT_MISMATCH", str(path.relative_to(altered))) in found(verify_export(altered, TRUST))
    path.unlink()
    remake_manifests(altered)
    assert {"EVIDENCE_MISSING", "ATTACHMENT_MISMATCH"} & codes(verify_export(altered, TRUST))
    path.with_suffix(".json").write_bytes(b'{"class":"personal","erased":true}')
    remake_manifests(altered)
    report = verify_export(altered, TRUST)
    assert "EVIDENCE_ERASED_UNRECORDED" in codes(report)
    assert report.first_bad_index is not None


def test_a_zip_that_another_tool_made_is_no_export(tmp_path: Path, exports: dict[Audience, Path]) -> None:
    shutil.make_archive(str(tmp_path / "other"), "zip", exports[Audience.AUDITOR])
    with pytest.raises(MalformedError, match="ZIP_MALFORMED"):
        verify_export(tmp_path / "other.zip", TRUST)


def test_without_a_checkpoint_only_files_are_checked(altered: Path) -> None:
    (altered / "core/checkpoint").write_bytes(b"nothing")
    report = verify_export(altered, TRUST)
    assert ("CHECKPOINT_FORGED", "core/checkpoint") in found(report)
    assert set(report.not_checked) == set(EXPORT) - {Check.FILES, Check.CHECKPOINTS}


@pytest.mark.parametrize("audience", Audience)
def test_a_rotated_log_key_is_followed_in_public_too(audience: Audience, tmp_path: Path) -> None:
    world = new_world()
    rotate_log_key(world)
    world.enrol("甲")
    write_export(MemorySource.of(freeze(world)), tmp_path / "export", audience)
    report = verify_export(tmp_path / "export", TRUST)
    assert (report.failures, report.not_checked) == ([], {})
    assert report.looked_at[Check.CHECKPOINTS] == report.size
