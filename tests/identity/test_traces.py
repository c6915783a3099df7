"""The search itself: whatever is planted is found, in every form, wherever it begins."""

import base64
import gzip
import hashlib
import json
from pathlib import Path

import pytest

from tests.identity.traces import found_below, found_in, traces_of

NAME = "欧阳不署名"
TRACES = traces_of({"name": NAME})


@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("after", range(4))
def test_base64_is_found_at_every_alignment(before: int, after: int) -> None:
    data = bytes(range(1, 1 + before)) + NAME.encode() + bytes(range(200, 200 + after))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert found_in(encode(data), TRACES)
    digest = bytes(before) + hashlib.sha256(NAME.encode()).digest() + bytes(after)
    assert found_in(base64.b64encode(digest), TRACES)


@pytest.mark.parametrize(
    "planted",
    [
        NAME.encode(),
        NAME.encode("utf-16-le"),
        json.dumps({"who": NAME}).encode(),
        NAME.encode().hex().encode(),
        hashlib.sha256(NAME.encode()).digest(),
        hashlib.md5(NAME.encode()).hexdigest().encode(),
        hashlib.sha1(NAME.encode()).hexdigest().upper().encode(),
    ],
)
def test_every_other_form_is_found(planted: bytes, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\x00 before" + planted + b"after \xff")
    assert found_below(tmp_path, TRACES).keys() == {"deep/file"}


def test_a_file_may_give_it_away_by_its_name_and_nothing_else_is_found(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.txt").write_bytes(b"")
    (tmp_path / "other").write_bytes(gzip.compress("某人".encode() * 100))
    assert list(found_below(tmp_path, TRACES)) == [f"{NAME}.txt"]
