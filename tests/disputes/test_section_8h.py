"""Disputes H11 and H22: auditors are shown another log than the public; an export is incomplete or doctored."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from api.rehearsal.steps_applications import play_filing
from ledger import canonical
from ledger.checkpoint import open_checkpoint
from ledger.merkle import Frontier, leaf_hash
from ledger.tiles import entries_of
from projections.disclosure import Audience
from tests.api.calling import Answer, call
from tests.exports.making import files_of
from tests.exports.stored import export_of
from tests.plays import PLAN, history_at
from tests.sequenced import Site, played_on
from tests.simulator import LOG_VKEY

SHARED = history_at("window")
VKEY = ("--vkey", LOG_VKEY.encode())


@pytest.fixture
def two_faces(new_site: Callable[[], Site], tmp_path: Path) -> tuple[Path, Path]:
    """One log's key, two databases: the public's export has one applicant, the auditors' another."""
    made = []
    for audience, applicant in zip(Audience, PLAN.applicants, strict=False):
        site = new_site()
        with played_on(site, SHARED) as world:
            play_filing(world, applicant)
        made.append(tmp_path / f"{audience}.zip")
        export_of(site, made[-1], audience)
    return made[0], made[1]


def compared(tmp_path: Path, *looks: Path) -> Answer:
    return call("compare", *looks, *VKEY, "--state", tmp_path / "seen.json", "--evidence", tmp_path / "e.txt", "--json")


def test_H11_two_histories_of_one_log_are_shown_by_its_own_two_signatures(
    two_faces: tuple[Path, Path], tmp_path: Path
) -> None:
    public, auditors = two_faces
    assert all(call("verify", path, *VKEY).code == 0 for path in two_faces), "each by itself is sound"
    answer = compared(tmp_path, public, auditors)
    assert answer.code == 1
    assert answer.value["finding"] == {"code": "SPLIT_VIEW", "severity": "breach"}

    # What is passed on needs neither export, only the log's key, and convicts nobody else.
    for path in two_faces:
        path.unlink()
    passed_on = tmp_path / "passed-on.txt"
    passed_on.write_bytes((tmp_path / "e.txt").read_bytes())
    told = call("compare", passed_on, *VKEY, "--no-memory", "--json")
    assert (told.code, told.value["verdict"]) == (1, "split_view")
    other = call("compare", passed_on, "--vkey", "x+00000000+AA==", "--no-memory", "--json")
    assert other.code == 2


def test_H11_one_who_saw_only_a_checkpoint_finds_it_later(two_faces: tuple[Path, Path], tmp_path: Path) -> None:
    public, auditors = two_faces
    assert compared(tmp_path, public).code == 0
    answer = compared(tmp_path, auditors)
    assert (answer.code, answer.value["verdict"]) == (1, "split_view")


@pytest.fixture
def export(site: Site, tmp_path: Path) -> Path:
    """The auditors' export of a stored log, as a folder."""
    site.preload(SHARED)
    # Nobody may look at what was preloaded before it is pinned.
    with site.sequencer():
        pass
    export_of(site, tmp_path / "export", Audience.AUDITOR)
    return tmp_path / "export"


def verified(path: Path) -> tuple[int, set[tuple[str, str]]]:
    answer = call("verify", path, *VKEY, "--json")
    return answer.code, {(one["code"], one["place"]) for one in answer.value["failures"]}


def rewrite_manifests(folder: Path, **changed: Any) -> None:
    """Make both manifests fit what is there, as whoever doctors an export would."""
    core: dict[str, Any] = json.loads((folder / "core/manifest.json").read_bytes()) | changed
    for path, below, value in (
        ("core/manifest.json", "core/", core),
        ("manifest.json", "", {"format": "ballot-ledger-export@1"}),
    ):
        (folder / path).unlink()
        there = sorted((name, data) for name, data in files_of(folder).items() if name.startswith(below))
        lines = [[name, len(data), sha256(data).hexdigest()] for name, data in there if name != "manifest.json"]
        made: dict[str, Any] = {**value, "files": lines}
        (folder / path).write_bytes(canonical.encode(made) + b"\n")


def test_H22_a_part_that_is_missing_is_named_whatever_the_manifest_says(export: Path, tmp_path: Path) -> None:
    assert verified(export) == (0, set())
    for number, name in enumerate(sorted(files_of(export))):
        if name in ("README.txt", "manifest.json", "core/manifest.json"):
            continue
        folder = Path(shutil.copytree(export, tmp_path / f"dropped-{number}"))
        (folder / name).unlink()
        code, failures = verified(folder)
        assert code == 1
        assert ("EXPORT_INCOMPLETE", name) in failures
        rewrite_manifests(folder)
        code, failures = verified(folder)
        assert code == 1, name


def test_H22_a_summary_is_never_believed(export: Path) -> None:
    rewrite_manifests(export, counts={"checkpoints": 1, "entries": 1, "erased": 0, "evidence": 0, "hidden": 0})
    code, failures = verified(export)
    assert code == 1
    assert ("EXPORT_ALTERED", "core/manifest.json") in failures


def test_H22_a_shorter_log_with_a_tree_of_its_own_has_no_signature(export: Path) -> None:
    bundle = next((export / "core/tile/entries").rglob("*"), None)
    while bundle is not None and bundle.is_dir():
        bundle = next(bundle.iterdir(), None)
    assert bundle is not None
    entries = entries_of(bundle.read_bytes())
    frontier = Frontier()
    for entry in entries[:-1]:
        frontier.append(leaf_hash(entry))
    note = (export / "core/checkpoint").read_bytes()
    checkpoint = open_checkpoint(note, (LOG_VKEY,))
    doctored = note.replace(f"\n{checkpoint.size}\n".encode(), f"\n{checkpoint.size - 1}\n".encode())
    (export / "core/checkpoint").write_bytes(doctored)
    rewrite_manifests(export, size=checkpoint.size - 1, root=frontier.root().hex())
    code, failures = verified(export)
    assert code == 1
    assert ("CHECKPOINT_FORGED", "core/checkpoint") in failures
