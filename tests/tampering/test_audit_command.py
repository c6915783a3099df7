"""`audit`: everything of a live ledger is checked; what was verified before is not believed once it has changed."""

import itertools
import time
from hashlib import sha256
from pathlib import Path

import pytest

from api.cli.stored_log import StoredLog
from ledger.checkpoint import VerifierKey
from ledger.statements import decode_entry, encode_entry
from projections.audit import resuming, signatures
from projections.audit.catalogue import LIVE, WHOLE
from projections.audit.report import Report
from projections.audit.resuming import audit_from
from projections.audit.signatures import Signatures
from projections.audit.verified import Verified, write_verified
from tests.api.calling import Answer, call
from tests.sequenced import Site
from tests.simulator import LOG_VKEY
from tests.tampering.scene import MINUTES, PLAYED, SALT, SIZE, Scene
from tests.tampering.test_database import flip

STATE = "audited.json"


def audit(scene: Scene, *options: str | Path | int) -> Answer:
    """Call `audit` with JSON."""
    return call("audit", "--home", scene.home.folder, *options, "--json", DATABASE_URL=scene.site.service_dsn)


def told(scene: Scene, *options: str | Path) -> str:
    """Call `audit` as a person does; return what it prints."""
    environment = {"DATABASE_URL": scene.site.service_dsn}
    return call("audit", "--home", scene.home.folder, *options, "--lang", "en", **environment).out


def named(answer: Answer) -> set[tuple[str, int | None]]:
    """The codes of all failures, each with its index."""
    return {(one["code"], one["index"]) for one in answer.value["failures"]}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The places whose signatures are given to be checked: entries from 0 up, checkpoints from -1 down."""
    places: list[int] = []
    add = Signatures.add

    def noting(self: Signatures, place: int, public: bytes | None, signature: bytes, message: bytes) -> None:
        places.append(place)
        add(self, place, public, signature, message)

    monkeypatch.setattr(signatures.Signatures, "add", noting)
    return places


def test_a_sound_ledger_is_clean_and_everything_is_named(scene: Scene) -> None:
    answer = audit(scene)
    assert answer.code == 0, answer.out
    value = answer.value
    assert [one["check"] for one in value["checks"]] == [check.value for check in WHOLE]
    assert {one["check"]: one["skipped"] for one in value["checks"] if one["skipped"]} == {"5.4 tables": "no-tables"}
    looked_at = {one["check"]: one["looked_at"] for one in value["checks"]}
    assert (looked_at["4.1 evidence"], looked_at["4.2 erasure"], looked_at["3.3 tree"]) == (2, 2, SIZE)
    assert (value["since"], value["changed"], value["clean"], value["attempts"]["size"]) == (0, False, True, 0)
    shown = told(scene)
    assert "3.6 Consistency · refused statements" in shown
    assert "no tables were built" in shown


def test_the_second_audit_goes_on_from_the_first(scene: Scene, counted: list[int], tmp_path: Path) -> None:
    state = tmp_path / STATE
    assert audit(scene, "--resume", state).value["since"] == 0
    assert {place for place in counted if place >= 0} == set(range(SIZE))
    counted.clear()
    again = audit(scene, "--resume", state)
    assert (again.code, again.value["since"], again.value["changed"]) == (0, SIZE, False)
    assert [place for place in counted if place >= 0] == []
    # Checkpoints are no part of the tree, so theirs are checked every time.
    assert min(counted) < 0
    assert {one["check"]: one["looked_at"] for one in again.value["checks"]}["5.1 decisions"] == SIZE
    shown = told(scene, "--resume", state)
    assert f"the root over the first {SIZE} entries is as it was" in shown


@pytest.mark.parametrize("what", ["an entry", "its node", "a column", "a checkpoint"])
def test_what_is_altered_below_the_resumed_position_is_found(scene: Scene, tmp_path: Path, what: str) -> None:
    state = tmp_path / STATE
    assert audit(scene, "--resume", state).code == 0
    before = state.read_bytes()
    statements, found, changed = {
        "an entry": (flip("entries", "state", 40, "position = 8"), ("EVENT_ALTERED", 7), True),
        "its node": (flip("nodes", "hashes", 3, "position = 8"), ("EVENT_ALTERED", 7), False),
        "a column": (("UPDATE {0}.entries SET topic = 'other' WHERE position = 8",), ("COLUMN_ALTERED", 7), False),
        "a checkpoint": (flip("checkpoints", "note", 150, "size = 8"), ("CHECKPOINT_FORGED", 7), False),
    }[what]
    scene.site.tamper(*statements)
    answer = audit(scene, "--resume", state)
    assert (answer.code, answer.value["changed"]) == (1, changed)
    assert found in named(answer)
    assert answer.value["first_bad_index"] == 7
    assert state.read_bytes() == before


def rewritten(place: int) -> list[bytes]:
    """The entries with one admitted a moment later, every hash to be made anew: nothing but the root tells."""
    entries = list(PLAYED.entries)
    act = decode_entry(entries[place])
    entries[place] = encode_entry(place, act.at + 1, act.signed.envelope)
    return entries


def test_a_history_rewritten_below_the_position_is_found_by_the_root_alone(scene: Scene, tmp_path: Path) -> None:
    state = tmp_path / STATE
    assert audit(scene, "--resume", state).code == 0
    scene.rewrite(rewritten(SIZE - 3))
    found = audit(scene, "--resume", state)
    assert (found.code, found.value["changed"], found.value["since"]) == (1, True, 0)
    mine = [one for one in found.value["failures"] if one["place"] == STATE]
    assert [one["code"] for one in mine] == ["HISTORY_REWRITTEN"]
    assert mine[0]["index"] <= SIZE - 3
    shown = told(scene, "--resume", state)
    assert "What was verified before has changed" in shown


def test_a_log_shorter_than_what_was_verified_is_found(scene: Scene, tmp_path: Path) -> None:
    state = tmp_path / STATE
    assert audit(scene, "--resume", state).code == 0
    scene.rewrite(PLAYED.entries[:-2])
    found = audit(scene, "--resume", state)
    assert found.code == 1
    assert ("LOG_TRUNCATED", SIZE - 2) in named(found)


def test_what_is_verified_is_kept_on_the_way(site: Site, counted: list[int], tmp_path: Path) -> None:
    site.preload(PLAYED)
    kept: list[int] = []

    def noting(path: Path, verified: Verified, signer: VerifierKey) -> None:
        kept.append(verified.size)
        write_verified(path, verified, signer)

    with pytest.MonkeyPatch.context() as patch, site.store() as store:
        patch.setattr(resuming, "write_verified", noting)
        done = audit_from(lambda: StoredLog(store, None), LOG_VKEY, 0, Report, tmp_path / STATE, None, 5)
    assert done.audit.report.failures == []
    assert kept[-1] == SIZE
    assert kept[:-1] == list(range(5, SIZE, 5))


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b'{"format":"ballot-ledger-audited@1"}\n'])
def test_a_damaged_file_is_not_gone_on_from(scene: Scene, tmp_path: Path, content: bytes) -> None:
    state = tmp_path / STATE
    state.write_bytes(content)
    answer = audit(scene, "--resume", state)
    assert (answer.code, answer.value["error"]["code"]) == (2, "AUDIT_STATE_UNUSABLE")
    assert answer.value["error"]["facts"]["reason"] == "format"


def test_a_file_whose_peaks_the_log_never_signed_is_not_believed(scene: Scene, tmp_path: Path) -> None:
    state = tmp_path / STATE
    assert audit(scene, "--resume", state).code == 0
    data = state.read_bytes()
    start = data.index(b'"peaks":["') + 10
    state.write_bytes(data[:start] + (b"0" if data[start : start + 1] != b"0" else b"1") + data[start + 1 :])
    assert audit(scene, "--resume", state).value["error"]["code"] == "AUDIT_STATE_UNUSABLE"


def test_evidence_exchanged_or_gone_is_found_by_audit_and_verify(scene: Scene) -> None:
    digest = sha256(SALT + MINUTES).hexdigest()
    path = next(scene.home.evidence.rglob(digest))
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    variables = {"DATABASE_URL": scene.site.service_dsn}
    for answer in (audit(scene), call("verify", "--home", scene.home.folder, "--json", **variables)):
        assert (answer.code, {code for code, _ in named(answer)}) == (1, {"ATTACHMENT_MISMATCH"})
    assert [one["check"] for one in answer.value["checks"]] == [check.value for check in LIVE]
    path.unlink()
    path.with_name(f"{digest}.json").unlink()
    answer = audit(scene)
    assert (answer.code, {code for code, _ in named(answer)}) == (1, {"EVIDENCE_MISSING"})


def test_it_is_made_again_and_again_while_it_is_clean(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    answer = audit(scene, "--every", 60)
    assert (answer.code, waits, answer.out.count('"clean": true')) == (0, [60, 60, 60], 3)


def test_it_ends_with_the_first_finding(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = itertools.count()

    def sleep(seconds: float) -> None:
        if next(rounds) == 1:
            scene.site.tamper(*flip("entries", "state", 40, "position = 8"))

    monkeypatch.setattr(time, "sleep", sleep)
    answer = audit(scene, "--every", 60)
    assert (answer.code, next(rounds), answer.out.count('"clean": false')) == (1, 2, 1)
