"""An export is what it was or it fails: any byte of any file and of the zip around them, any file more or less."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import LedgerError
from projections.audit.export import verify_export
from projections.audit.report import Report
from projections.bundle import VERIFIER, write_export
from projections.disclosure import Audience
from tests.exports.making import files_of
from tests.verifier.test_export import SOURCE, TRUST

SMALL = 2500
ENCLOSED = b"#!/usr/bin/env python3\n"
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports for both audiences as folders and zips, with a stand-in for the verifier."""
    folder = tmp_path_factory.mktemp("exports")
    for audience in Audience:
        for suffix in ("", ".zip"):
            write_export(SOURCE, folder / f"{audience}{suffix}", audience, verifier=ENCLOSED)
    return folder


def verdict(path: Path) -> Report | LedgerError:
    """Verify; an export that cannot even be opened is an error that says why."""
    try:
        return verify_export(path, TRUST)
    except LedgerError as error:
        return error


def places(report: Report | LedgerError) -> set[str]:
    """Name what a verdict complains of; nothing where it is clean."""
    if isinstance(report, LedgerError):
        return {str(report.facts.get("where", report.code))}
    manifests = {str(one.facts["manifest"]) for one in report.failures if "manifest" in one.facts}
    return {one.place for one in report.failures} | manifests


def changed(data: bytes, place: int, mask: int) -> bytes:
    return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


@pytest.mark.parametrize("audience", Audience)
def test_untouched_it_is_clean(exports: Path, audience: Audience) -> None:
    for suffix in ("", ".zip"):
        report = verdict(exports / f"{audience}{suffix}")
        assert isinstance(report, Report)
        assert (report.failures, report.exit_code) == ([], 0)


@FEW
@given(data=st.data())
def test_any_byte_of_any_file_is_named(data: st.DataObject, exports: Path, tmp_path: Path) -> None:
    original = exports / data.draw(st.sampled_from(list(Audience)), "audience")
    name = data.draw(st.sampled_from(sorted(files_of(original))), "file")
    folder = tmp_path / "changed"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    content = (original / name).read_bytes()
    place, mask = data.draw(st.integers(0, len(content) - 1), "byte"), data.draw(st.integers(1, 255), "mask")
    (folder / name).write_bytes(changed(content, place, mask))
    assert name in places(verdict(folder))


@FEW
@given(data=st.data())
def test_any_file_dropped_added_or_moved_is_named(data: st.DataObject, exports: Path, tmp_path: Path) -> None:
    original = exports / data.draw(st.sampled_from(list(Audience)), "audience")
    names = sorted(files_of(original))
    folder = tmp_path / "changed"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    name = data.draw(st.sampled_from(names), "file")
    what = data.draw(st.sampled_from(["drop", "copy", "move", "empty", "double"]), "what")
    if what == "empty":
        (folder / name).write_bytes(b"")
    elif what == "double":
        (folder / name).write_bytes((original / name).read_bytes() * 2)
    elif what == "drop":
        (folder / name).unlink()
    else:
        target = folder / data.draw(st.sampled_from([f"{name}.copy", "core/other", "core/evidence/aa/bb", "x"]), "as")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / name, target)
        assert str(target.relative_to(folder)) in places(verdict(folder))
        if what == "copy":
            return
        (folder / name).unlink()
    assert name in places(verdict(folder))


@FEW
@given(data=st.data())
def test_any_byte_of_the_zip_is_found(data: st.DataObject, exports: Path, tmp_path: Path) -> None:
    content = (exports / f"{data.draw(st.sampled_from(list(Audience)), 'audience')}.zip").read_bytes()
    place = data.draw(st.integers(0, len(content) - 1), "byte")
    what = data.draw(st.sampled_from(["change", "drop", "add", "cut"]), "what")
    altered = {
        "change": changed(content, place, data.draw(st.integers(1, 255), "mask")),
        "drop": content[:place] + content[place + 1 :],
        "add": content[:place] + b"\0" + content[place:],
        "cut": content[:place],
    }[what]
    path = tmp_path / "changed.zip"
    path.write_bytes(altered)
    assert places(verdict(path))


def small_bytes(folder: Path) -> Iterator[tuple[str, int]]:
    for name, content in sorted(files_of(folder).items()):
        if len(content) <= SMALL and name != VERIFIER:
            yield from ((name, place) for place in range(len(content)))


@pytest.mark.long
@pytest.mark.parametrize("audience", Audience)
def test_every_byte_of_every_small_file_is_named(exports: Path, tmp_path: Path, audience: Audience) -> None:
    folder = Path(shutil.copytree(exports / audience, tmp_path / "changed"))
    seen = 0
    for name, place in small_bytes(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(changed(content, place, 1))
        assert name in places(verdict(folder)), (name, place)
        (folder / name).write_bytes(content)
        seen += 1
    assert seen > 1000
    assert places(verdict(folder)) == set()


@pytest.mark.long
@pytest.mark.parametrize("audience", Audience)
def test_every_byte_of_a_zip_is_found(exports: Path, tmp_path: Path, audience: Audience) -> None:
    content, path = (exports / f"{audience}.zip").read_bytes(), tmp_path / "changed.zip"
    # Every byte of the frames around the files, and some of each file.
    near = [content[max(place - 40, 0) : place + 40] for place in range(len(content))]
    frames = [place for place, around in enumerate(near) if place % 97 == 0 or b"PK" in around]
    for place in frames:
        path.write_bytes(changed(content, place, 1))
        assert places(verdict(path)), place
