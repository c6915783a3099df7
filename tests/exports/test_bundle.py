"""Exports: the layout of the contract, the same bytes whenever they are the same export, and nothing half done."""

import json
import stat
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from ledger import canonical, merkle
from ledger.checkpoint import open_checkpoint
from ledger.errors import LedgerError, StoreError
from ledger.statements import decode_entry
from ledger.tiles import ENTRIES, entries_of, hashes_of, parse_path, tiles_of
from projections.bundle import FORMAT, size_for, write_export
from projections.bundle_core import CORE_FORMAT, named_evidence
from projections.bundle_zip import CanonicalZip
from projections.disclosure import Audience, Publicity
from tests.exports.making import MemorySource, files_of
from tests.projections.test_secrecy import vote
from tests.projections.worlds import eventful
from tests.simulator import LOG_VKEY, ORIGIN, freeze, resume


@pytest.fixture(scope="module")
def source() -> MemorySource:
    """A whole selection, its evidence not on file."""
    return MemorySource.of(freeze(eventful().world))


def exported(source: MemorySource, target: Path, audience: Audience, size: int | None = None) -> dict[str, bytes]:
    write_export(source, target, audience, size)
    return files_of(target)


def manifest_of(files: dict[str, bytes], path: str) -> dict[str, object]:
    data = files[path]
    value = canonical.decode(data.removesuffix(b"\n"))
    assert data.endswith(b"\n")
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("audience", Audience)
def test_the_layout_is_that_of_the_format(source: MemorySource, tmp_path: Path, audience: Audience) -> None:
    files = exported(source, tmp_path / "x", audience)
    size = len(source.entries)
    outer, core = manifest_of(files, "manifest.json"), manifest_of(files, "core/manifest.json")
    assert (outer["format"], core["format"]) == (FORMAT, CORE_FORMAT)
    for listed, folder, own in ((outer, "", "manifest.json"), (core, "core/", "core/manifest.json")):
        there = {path: data for path, data in files.items() if path.startswith(folder) and path != own}
        lines = [[path, len(data), sha256(data).hexdigest()] for path, data in sorted(there.items())]
        assert listed["files"] == [line for line in lines if line[0] != "manifest.json"]
    tiles = {"core/" + address.path for address in tiles_of(size)}
    rest = {"checkpoint", "checkpoints", "manifest.json", "programme.json"}
    assert set(files) == tiles | {f"core/{name}" for name in rest} | {"README.txt", "manifest.json"}
    assert {name: core[name] for name in ("audience", "origin", "size")} == {
        "audience": audience.value,
        "origin": ORIGIN,
        "size": size,
    }
    checkpoint = open_checkpoint(files["core/checkpoint"], (LOG_VKEY,))
    assert (checkpoint.size, checkpoint.root.hex()) == (size, core["root"])


def leaves_and_entries(files: dict[str, bytes]) -> tuple[list[bytes], list[bytes]]:
    leaves: list[bytes] = []
    entries: list[bytes] = []
    for address in tiles_of(next(int(line) for line in files["core/checkpoint"].split(b"\n")[1:2])):
        data = files["core/" + address.path]
        if address.level == ENTRIES:
            entries += entries_of(data)
        elif address.level == 0:
            leaves += hashes_of(data)
    return leaves, entries


def test_auditors_get_every_entry_and_the_public_the_public_ones_with_all_hashes(
    source: MemorySource, tmp_path: Path
) -> None:
    publicity = Publicity()
    public = [publicity.take(decode_entry(entry)) for entry in source.entries]
    whole = exported(source, tmp_path / "whole", Audience.AUDITOR)
    open_part = exported(source, tmp_path / "open", Audience.PUBLIC)
    leaves = [merkle.leaf_hash(entry) for entry in source.entries]
    assert leaves_and_entries(whole) == (leaves, list(source.entries))
    shown = [entry if there else b"" for entry, there in zip(source.entries, public, strict=True)]
    assert leaves_and_entries(open_part) == (leaves, shown)
    counts = manifest_of(open_part, "core/manifest.json")["counts"]
    assert isinstance(counts, dict)
    assert counts["hidden"] == public.count(False) > 0
    signers = {decode_entry(entry).person for entry in shown if entry}
    assert not any(person.startswith("sealed:") for person in signers)


def test_the_hash_tiles_of_all_levels_are_those_of_the_tree(source: MemorySource, tmp_path: Path) -> None:
    files = exported(source, tmp_path / "x", Audience.PUBLIC)
    frontier = merkle.Frontier()
    nodes: dict[merkle.Address, bytes] = {}
    for entry in source.entries:
        nodes |= {(level, place): value for level, place, value in frontier.append(merkle.leaf_hash(entry))}
    hashed = {path: data for path, data in files.items() if path.startswith("core/tile/") and "entries" not in path}
    for path, data in hashed.items():
        address = parse_path(path.removeprefix("core/"))
        assert address is not None
        assert not isinstance(address.level, str)
        first = address.index * 256
        assert hashes_of(data) == tuple(nodes[8 * address.level, first + place] for place in range(address.width))
    assert {parse_path(path.removeprefix("core/")).level for path in hashed} == {0, 1}  # type: ignore[union-attr]


def test_checkpoints_follow_one_another_each_behind_its_length(source: MemorySource, tmp_path: Path) -> None:
    size = len(source.entries) - 100
    data = exported(source, tmp_path / "x", Audience.PUBLIC, size)["core/checkpoints"]
    notes = []
    while data:
        length = int.from_bytes(data[:4], "big")
        notes.append(data[4 : 4 + length])
        data = data[4 + length :]
    assert notes == [source.notes[one] for one in range(1, size)]


def test_the_same_export_is_the_same_bytes_however_much_the_log_has_grown(source: MemorySource, tmp_path: Path) -> None:
    size = 700
    grown = exported(source, tmp_path / "grown", Audience.AUDITOR, size)
    early = exported(
        replace(source, entries=source.entries[:size], filed=dict(source.filed)), tmp_path / "early", Audience.AUDITOR
    )
    assert grown == early
    write_export(source, tmp_path / "one.zip", Audience.AUDITOR, size)
    write_export(source, tmp_path / "two.zip", Audience.AUDITOR, size)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


@pytest.mark.parametrize("audience", Audience)
def test_the_zip_holds_exactly_the_files_of_the_folder(
    source: MemorySource, tmp_path: Path, audience: Audience
) -> None:
    files = exported(source, tmp_path / "folder", audience)
    write_export(source, tmp_path / "packed.zip", audience)
    with (tmp_path / "packed.zip").open("rb") as file:
        opened = CanonicalZip(file)
        assert list(opened.members) == sorted(files)
        assert {name: b"".join(opened.read(name)) for name in opened.members} == files
    with zipfile.ZipFile(tmp_path / "packed.zip") as other:
        assert other.testzip() is None


def test_only_auditors_files_are_closed_to_others(source: MemorySource, tmp_path: Path) -> None:
    modes = {}
    for audience in Audience:
        for name in ("folder", "packed.zip"):
            target = tmp_path / f"{audience}-{name}"
            write_export(source, target, audience)
            modes[audience, name] = stat.S_IMODE(target.stat().st_mode)
    assert modes == {
        (Audience.PUBLIC, "folder"): 0o755,
        (Audience.PUBLIC, "packed.zip"): 0o644,
        (Audience.AUDITOR, "folder"): 0o700,
        (Audience.AUDITOR, "packed.zip"): 0o600,
    }


def test_evidence_goes_to_auditors_as_it_is_on_file_and_erased_evidence_as_erased(
    source: MemorySource, tmp_path: Path
) -> None:
    named = [digest for entry in source.entries for digest in named_evidence(decode_entry(entry))]
    assert len(named) > 2
    one, other, *_ = sorted(set(named))
    filed = {digest: MemorySource.put_on_file(digest.encode()) for digest in (one, other)}
    with_files = replace(source, filed=filed | {"0" * 64: filed[one]})
    with_files.erase(other)
    files = exported(with_files, tmp_path / "x", Audience.AUDITOR)
    evidence = {path: data for path, data in files.items() if path.startswith("core/evidence/")}
    assert evidence == {
        f"core/evidence/{one[:2]}/{one}": one.encode(),
        f"core/evidence/{one[:2]}/{one}.json": filed[one].record,
        f"core/evidence/{other[:2]}/{other}.json": b'{"class":"personal","erased":true}',
    }
    counts = manifest_of(files, "core/manifest.json")["counts"]
    assert isinstance(counts, dict)
    assert (counts["evidence"], counts["erased"]) == (1, 1)
    public = exported(with_files, tmp_path / "y", Audience.PUBLIC)
    assert not any(path.startswith("core/evidence/") for path in public)


def test_attestations_and_the_verifier_lie_outside_the_core(source: MemorySource, tmp_path: Path) -> None:
    attested = {"cosigned/500": (500, b"note"), "timestamps/500.tsr": (500, b"stamp"), "cosigned/900": (900, b"later")}
    target = tmp_path / "x"
    write_export(replace(source, attested=attested), target, Audience.PUBLIC, 500, verifier=b"#!python")
    files = files_of(target)
    assert (files["attest/cosigned/500"], files["attest/timestamps/500.tsr"]) == (b"note", b"stamp")
    assert "attest/cosigned/900" not in files
    assert files["verify.pyz"] == b"#!python"
    listed = [line[0] for line in json.loads(files["manifest.json"])["files"]]
    assert listed == sorted(path for path in files if path != "manifest.json")
    plain = exported(source, tmp_path / "plain", Audience.PUBLIC, 500)
    cores = [{path: data for path, data in one.items() if path.startswith("core/")} for one in (files, plain)]
    assert cores[0] == cores[1]


def test_the_readme_says_how_in_both_languages(source: MemorySource, tmp_path: Path) -> None:
    for audience in Audience:
        text = exported(source, tmp_path / audience.value, audience)["README.txt"].decode()
        assert text.index("账本") < text.index("Export")
        assert text.count("verify.pyz --vkey") == 2
        assert text.count(ORIGIN) == 2


def test_only_published_sizes_at_which_a_checkpoint_was_issued_are_exported(source: MemorySource) -> None:
    sparse = replace(source, notes={size: source.notes[size] for size in (10, 20, 40)}, entries=source.entries[:40])
    for asked, chosen in ((None, 40), (10, 10), (40, 40)):
        assert size_for(sparse, Audience.PUBLIC, asked) == chosen
    for asked, nearest in ((1, 10), (14, 10), (15, 10), (16, 20), (31, 40), (39, 40)):
        with pytest.raises(StoreError, match="EXPORT_NOT_ISSUED") as refused:
            size_for(sparse, Audience.PUBLIC, asked)
        assert refused.value.facts == {"size": asked, "nearest": nearest}
    with pytest.raises(StoreError, match="EXPORT_ABOVE_PIN") as above:
        size_for(sparse, Audience.PUBLIC, 41)
    assert above.value.facts == {"size": 41, "pinned": 40}
    with pytest.raises(StoreError, match="EXPORT_NOTHING"):
        size_for(MemorySource((), {}), Audience.PUBLIC, None)


def test_an_open_vote_stops_auditors_before_its_first_ballot(tmp_path: Path) -> None:
    world = resume(eventful().histories["shortlist"])
    vote(world, True)
    source = MemorySource.of(freeze(world))
    (played,) = world.state.rounds.session("shortlist", None).rounds
    assert size_for(source, Audience.AUDITOR, None) == played.opened + 1
    assert size_for(source, Audience.PUBLIC, None) == len(source.entries)
    with pytest.raises(StoreError, match="EXPORT_WITHHELD") as refused:
        size_for(source, Audience.AUDITOR, played.opened + 2)
    assert refused.value.facts == {"size": played.opened + 2, "shown": played.opened + 1}
    files = exported(source, tmp_path / "x", Audience.AUDITOR)
    _, entries = leaves_and_entries(files)
    ballots = [act for act in map(decode_entry, entries) if getattr(act.body, "round", None) == played.id]
    assert [act.statement.type for act in ballots] == ["round.opened"]


def test_a_log_whose_entries_do_not_make_the_signed_tree_is_not_exported(source: MemorySource, tmp_path: Path) -> None:
    swapped = list(source.entries)
    swapped[30], swapped[31] = swapped[31], swapped[30]
    with pytest.raises(StoreError, match="CHECKPOINT_MISMATCH"):
        write_export(replace(source, entries=tuple(swapped)), tmp_path / "x", Audience.PUBLIC)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x", "x.zip"])
def test_an_export_replaces_nothing_and_leaves_nothing_when_it_fails(
    source: MemorySource, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / name
    target.write_text("kept")
    with pytest.raises(StoreError, match="EXPORT_EXISTS"):
        write_export(source, target, Audience.PUBLIC)
    assert target.read_text() == "kept"
    target.unlink()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", full)
        with pytest.raises(StoreError, match="EXPORT_NOT_WRITTEN") as refused:
            write_export(source, target, Audience.PUBLIC)
    assert refused.value.facts == {"reason": "No space left on device"}
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_as_entries_are_written(source: MemorySource, tmp_path: Path) -> None:
    told: list[int] = []
    write_export(source, tmp_path / "x", Audience.PUBLIC, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == len(source.entries)
    with pytest.raises(LedgerError):
        write_export(source, tmp_path / "x", Audience.PUBLIC)
