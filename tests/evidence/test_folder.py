"""The evidence folder: kept as filed, named by salted digest, readable by nobody else, erasable where personal."""

from pathlib import Path

import pytest

from ledger.errors import MalformedError, StoreError, VerificationError
from ledger.evidence import EvidenceFolder, evidence_digest

SALT = bytes(range(32))
PNG = b"\x89PNG\r\n\x1a\n scan of a ballot"


@pytest.fixture
def evidence(tmp_path: Path) -> EvidenceFolder:
    return EvidenceFolder(tmp_path / "evidence")


def test_what_was_put_is_got_back_with_its_salt(evidence: EvidenceFolder) -> None:
    digest = evidence.put("事迹材料".encode(), "personal", "text/plain", SALT)
    assert digest == evidence_digest(SALT, "事迹材料".encode())
    found = evidence.get(digest)
    assert (found.content, found.salt) == ("事迹材料".encode(), SALT)
    assert (found.evidence_class, found.media_type) == ("personal", "text/plain")


def test_equal_contents_have_different_digests_unless_the_salt_is_given(evidence: EvidenceFolder) -> None:
    assert evidence.put(b"x", "deciding", "text/plain") != evidence.put(b"x", "deciding", "text/plain")
    first = evidence.put(b"x", "deciding", "text/plain", SALT)
    assert evidence.put(b"x", "deciding", "text/plain", SALT) == first


def test_only_the_owner_may_read(evidence: EvidenceFolder, tmp_path: Path) -> None:
    evidence.put(b"x", "deciding", "text/plain")
    found = list((tmp_path / "evidence").rglob("*"))
    assert {oct(path.stat().st_mode & 0o777) for path in found if path.is_file()} == {"0o600"}
    folders = [tmp_path / "evidence", *(path for path in found if path.is_dir())]
    assert {oct(path.stat().st_mode & 0o777) for path in folders} == {"0o700"}
    assert len([path for path in found if path.is_file()]) == 2


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_altered_files_are_a_mismatch(evidence: EvidenceFolder, tmp_path: Path, suffix: str) -> None:
    digest = evidence.put(b"%PDF-1.7 certificate", "deciding", "application/pdf")
    path = tmp_path / "evidence" / digest[:2] / f"{digest}{suffix}"
    path.write_bytes(b"another")
    with pytest.raises(VerificationError, match="ATTACHMENT_MISMATCH"):
        evidence.get(digest)


@pytest.mark.parametrize(
    "record",
    [
        b"[]",
        b"{}",
        b'{"salt":1}',
        b'{"salt":"AA=="}',
        b'{"class":"personal","media_type":"application/pdf","salt":"AA=="}',
        b'{"class":"personal","erased":false}',
        b'{"class":"public","erased":true}',
        b'{"class":"personal", "erased":true}',
    ],
)
def test_a_record_that_does_not_vouch_for_the_content_is_a_mismatch(
    evidence: EvidenceFolder, tmp_path: Path, record: bytes
) -> None:
    digest = evidence.put(b"%PDF-1.7 certificate", "deciding", "application/pdf")
    (tmp_path / "evidence" / digest[:2] / f"{digest}.json").write_bytes(record)
    with pytest.raises(VerificationError, match="ATTACHMENT_MISMATCH"):
        evidence.get(digest)


def test_missing_content_and_unknown_digests_are_missing(evidence: EvidenceFolder, tmp_path: Path) -> None:
    digest = evidence.put(b"%PDF-1.7 certificate", "deciding", "application/pdf")
    (tmp_path / "evidence" / digest[:2] / digest).unlink()
    for unknown in (digest, "0" * 64):
        with pytest.raises(StoreError, match="EVIDENCE_MISSING"):
            evidence.get(unknown)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "/" + "0" * 63])
def test_nothing_but_a_digest_becomes_a_path(evidence: EvidenceFolder, digest: str) -> None:
    with pytest.raises(MalformedError, match="DIGEST_INVALID"):
        evidence.get(digest)


def test_too_large_unknown_class_and_short_salt_are_refused(tmp_path: Path) -> None:
    small = EvidenceFolder(tmp_path / "evidence", most_bytes=4)
    with pytest.raises(MalformedError, match="EVIDENCE_TOO_LARGE"):
        small.put(b"12345", "personal", "text/plain")
    assert small.get(small.put(b"1234", "personal", "text/plain")).content == b"1234"
    with pytest.raises(MalformedError, match="EVIDENCE_CLASS_UNKNOWN"):
        small.put(b"1", "public", "text/plain")
    with pytest.raises(MalformedError, match="SALT_INVALID"):
        small.put(b"1", "personal", "text/plain", b"short")


def test_personal_evidence_is_erased_with_its_salt_and_says_so(evidence: EvidenceFolder, tmp_path: Path) -> None:
    digest = evidence.put(b"name and phone", "personal", "text/plain", SALT)
    evidence.erase(digest, 7)
    with pytest.raises(StoreError, match="EVIDENCE_ERASED"):
        evidence.get(digest)
    with pytest.raises(StoreError, match="EVIDENCE_ERASED"):
        evidence.put(b"name and phone", "personal", "text/plain", SALT)
    left = b"".join(path.read_bytes() for path in (tmp_path / "evidence").rglob("*") if path.is_file())
    assert b"name" not in left
    assert b"salt" not in left


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_bytes(b"a file in the way")
    with pytest.raises(StoreError, match="EVIDENCE_NOT_WRITTEN"):
        EvidenceFolder(tmp_path / "evidence").put(b"x", "deciding", "text/plain")
