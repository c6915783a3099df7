"""The closed list of media types, and content that is not what it says: found however it is cut."""

import io
import json
from pathlib import Path

import pytest

from ledger.errors import MalformedError, StoreError
from ledger.evidence import EvidenceFolder
from ledger.evidence_content import MOST_BYTES, PIECE_BYTES, Limits, cut
from ledger.evidence_media import MEDIA_TYPES, SEALED, SEALED_MAGIC, MediaCheck, is_media_type
from ledger.evidence_opening import read_settings

OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
GOOD = {
    "application/pdf": b"%PDF-1.7 ...",
    "image/png": b"\x89PNG\r\n\x1a\n...",
    "image/jpeg": b"\xff\xd8\xff\xe0...",
    "image/tiff": b"II*\x00...",
    OFFICE: b"PK\x03\x04...",
    "text/plain": "姓名".encode(),
    "text/csv": b"\xef\xbb\xbfa,b\r\n",
    "application/json": b'{"a": 1}',
    SEALED: SEALED_MAGIC + b"...",
}
PAGES = (
    b"<!DOCTYPE html><title>x</title>",
    b"\n\t <HTML>",
    b"\xef\xbb\xbf<script>alert(1)</script>",
    b"<svg onload=alert(1)>",
    b"<?xml version='1.0'?>",
    b"<?php system();",
    b"#!/bin/sh\n",
    b"\x00\x00<iframe src=x>",
)


def look(media_type: str, *pieces: bytes, allowed: frozenset[str] = MEDIA_TYPES) -> None:
    check = MediaCheck(media_type, allowed)
    for piece in pieces:
        check.feed(piece)
    check.finish()


@pytest.mark.parametrize("media_type", GOOD)
def test_what_is_what_it_says_passes_whole_or_byte_by_byte(media_type: str) -> None:
    data = GOOD[media_type] + b"." * 3000
    look(media_type, data)
    look(media_type, *(data[place : place + 1] for place in range(len(data))))


@pytest.mark.parametrize("media_type", GOOD)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_or_script_poses_as_nothing(media_type: str, page: bytes) -> None:
    for pieces in ((page,), (page + b" " * 3000,), tuple(page[place : place + 1] for place in range(len(page)))):
        with pytest.raises(MalformedError, match="MEDIA_MISMATCH"):
            look(media_type, *pieces)


@pytest.mark.parametrize("media_type", [one for one in GOOD if not one.startswith(("text/", "application/json"))])
def test_a_document_begins_as_its_type_begins(media_type: str) -> None:
    for other, data in GOOD.items():
        if other != media_type:
            with pytest.raises(MalformedError, match="MEDIA_MISMATCH"):
                look(media_type, data)
    for data in (b"", b" " + GOOD[media_type], b"MZ\x90", b"\x7fELF"):
        with pytest.raises(MalformedError, match="MEDIA_MISMATCH"):
            look(media_type, data)


@pytest.mark.parametrize("data", [b"a\x00b", b"\xff\xfe", "姓".encode()[:2], b"MZ\x90\x00"])
def test_text_is_text_to_its_last_byte(data: bytes) -> None:
    with pytest.raises(MalformedError, match="MEDIA_MISMATCH"):
        look("text/plain", b"x" * 5000, data)


def test_what_is_on_no_list_is_refused_and_a_list_may_name_others() -> None:
    for media_type in ("text/html", "image/svg+xml", "application/octet-stream", "TEXT/PLAIN", "text/plain;x=y", ""):
        with pytest.raises(MalformedError, match="MEDIA_TYPE_REFUSED"):
            look(media_type, b"x")
    audio = frozenset({"audio/mpeg"})
    look("audio/mpeg", b"ID3...", allowed=audio)
    for data in (b"MZ\x90", *PAGES):
        with pytest.raises(MalformedError, match="MEDIA_MISMATCH"):
            look("audio/mpeg", data, allowed=audio)
    assert is_media_type("audio/mpeg")


def test_a_source_is_cut_into_pieces_of_one_size_whatever_it_is() -> None:
    data = b"\n" * (2 * PIECE_BYTES + 1)
    for source in (data, io.BytesIO(data), [data[:5], b"", data[5:]]):
        pieces = list(cut(source))
        assert b"".join(pieces) == data
        assert max(map(len, pieces)) == PIECE_BYTES
        assert min(map(len, pieces)) > 0


def test_the_settings_of_a_ledger_say_what_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BALLOT_LEDGER_EVIDENCE", raising=False)
    settings = tmp_path / "ledger.json"

    def given(evidence: object) -> None:
        settings.write_text(json.dumps({"origin": "o", "schema": "s", "evidence": evidence}))

    settings.write_text('{"origin": "o", "schema": "s"}')
    assert read_settings(tmp_path).limits == Limits(MOST_BYTES, MEDIA_TYPES)
    given({"store": "database", "most_bytes": 10, "media_types": ["audio/mpeg"]})
    found = read_settings(tmp_path)
    assert (found.store, found.limits) == ("database", Limits(10, frozenset({"audio/mpeg"})))
    monkeypatch.setenv("BALLOT_LEDGER_EVIDENCE", "folder")
    assert read_settings(tmp_path).store == "folder"
    monkeypatch.delenv("BALLOT_LEDGER_EVIDENCE")
    wrongs: tuple[object, ...] = (
        [], "folder", {"store": "cloud"}, {"most_bytes": 0}, {"most_bytes": "1"}, {"most_bytes": True},
        {"media_types": "text/plain"}, {"media_types": ["Text/Plain"]}, {"media_types": [1]}, {"elsewhere": 1},
    )  # fmt: skip
    for wrong in wrongs:
        given(wrong)
        with pytest.raises(StoreError, match="HOME_UNUSABLE"):
            read_settings(tmp_path)
    settings.write_text("{")
    with pytest.raises(StoreError, match="HOME_UNUSABLE"):
        read_settings(tmp_path)


def test_a_folder_takes_what_its_list_names(tmp_path: Path) -> None:
    folder = EvidenceFolder(tmp_path / "evidence", media_types=frozenset({"audio/mpeg"}))
    digest = folder.put(b"ID3...", "personal", "audio/mpeg")
    assert folder.record(digest).media_type == "audio/mpeg"
    with pytest.raises(MalformedError, match="MEDIA_TYPE_REFUSED"):
        folder.put(b"x", "personal", "text/plain")
