"""The folder of uploads by itself: what is swept and what is let be, and what is not an upload."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from api.http.settings import Limits
from api.http.uploads import FOLDER, ONCE_SECONDS, Upload, Uploads
from api.problems import HttpError
from ledger.errors import MalformedError, StoreError
from ledger.evidence_content import Limits as EvidenceLimits

NOW = 1_700_000_000_000
TEXT = Upload("", "a-person", "personal", "text/plain", 10, None, NOW + 1_000)


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    """The uploads of an empty folder."""
    return Uploads(tmp_path, Limits(), EvidenceLimits())


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / FOLDER).iterdir()} - {"lock"}


def test_nothing_is_swept_where_nothing_is(uploads: Uploads, tmp_path: Path) -> None:
    assert uploads.sweep(NOW) == 0
    assert not (tmp_path / FOLDER).exists()


def test_what_somebody_writes_is_not_swept(uploads: Uploads, tmp_path: Path) -> None:
    upload = uploads.create(TEXT, NOW)
    with uploads.writing(upload) as writing:
        writing.write(b"half")
        assert uploads.sweep(NOW + 5_000) == 0
        assert uploads.find(upload.id, NOW) == upload
    assert uploads.sweep(NOW + 5_000) == 1
    assert names(tmp_path) == set()


def test_what_comes_in_one_request_is_swept_once_it_is_cut_off(uploads: Uploads, tmp_path: Path) -> None:
    upload = uploads.create(replace(TEXT, once=True), NOW)
    assert uploads.sweep(NOW) == 0
    part = tmp_path / FOLDER / f"{upload.id}.part"
    long_ago = part.stat().st_mtime - ONCE_SECONDS - 1
    os.utime(part, (long_ago, long_ago))
    assert uploads.sweep(NOW) == 1


def test_drafts_that_a_crash_left_are_swept_once_they_are_old(uploads: Uploads, tmp_path: Path) -> None:
    uploads.create(TEXT, NOW)
    new, old = (tmp_path / FOLDER / f".draft.{name}" for name in ("new", "old"))
    for path in (new, old):
        path.write_bytes(b"half a record")
    os.utime(old, (0, 0))
    (tmp_path / FOLDER / "somebody's.part").write_bytes(b"not ours")
    assert uploads.sweep(NOW) == 0
    assert (new.exists(), old.exists()) == (True, False)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'"text"', b'{"id":"x"}', b"\xff"])
def test_a_record_that_is_none_is_no_upload(uploads: Uploads, tmp_path: Path, data: bytes) -> None:
    upload = uploads.create(TEXT, NOW)
    (tmp_path / FOLDER / f"{upload.id}.json").write_bytes(data)
    assert uploads.find(upload.id, NOW) is None
    assert list(uploads.all()) == []
    assert uploads.sweep(NOW) == 1


def test_nothing_but_an_id_of_ours_names_a_file(uploads: Uploads) -> None:
    for name in ("", "..", "../../etc/passwd", "A" * 32, "0" * 33, "é" * 32, "0" * 31 + "/"):
        with pytest.raises(HttpError, match="NOT_FOUND"):
            uploads.find(name, NOW)


def test_what_may_not_be_put_on_file_gets_no_room(uploads: Uploads) -> None:
    for wrong, code in (
        (replace(TEXT, evidence_class="secret"), "EVIDENCE_CLASS_UNKNOWN"),
        (replace(TEXT, media_type="text/html"), "MEDIA_TYPE_REFUSED"),
        (replace(TEXT, size=1 << 40), "EVIDENCE_TOO_LARGE"),
    ):
        with pytest.raises(MalformedError, match=code):
            uploads.create(wrong, NOW)


def test_an_upload_that_is_gone_is_not_written(uploads: Uploads) -> None:
    upload = uploads.create(TEXT, NOW)
    uploads.drop(upload.id)
    with pytest.raises(HttpError, match="NOT_FOUND"), uploads.writing(upload):
        pass
    with pytest.raises(HttpError, match="NOT_FOUND"):
        uploads.offset(upload)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_bytes(b"a file")
    with pytest.raises(StoreError, match="EVIDENCE_NOT_WRITTEN"):
        Uploads(tmp_path, Limits(), EvidenceLimits()).create(TEXT, NOW)
