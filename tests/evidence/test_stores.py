"""What every store of evidence does: streams both ways, refuses, is checked against the log, erases for good."""

import io
from collections.abc import Iterator

import pytest

from ledger.errors import ConflictError, MalformedError, StoreError, VerificationError
from ledger.evidence_content import PIECE_BYTES
from ledger.evidence_duties import Checked, Outcome, check_evidence, erase_on_record
from ledger.statements.naming import EvidenceAttached
from tests.evidence.conftest import Kept
from tests.sequenced import SCHEMA

SALT = bytes(range(32))
LARGE = b"%PDF-1.7\n" + bytes(range(256)) * 8000


def test_content_comes_back_as_it_was_put_from_bytes_a_file_or_pieces(on_file: Kept) -> None:
    store = on_file.store
    digest = store.put(LARGE, "deciding", "application/pdf", SALT)
    assert store.put(io.BytesIO(LARGE), "deciding", "application/pdf", SALT) == digest
    parts = (LARGE[place : place + 1000] for place in range(0, len(LARGE), 1000))
    assert store.put(parts, "deciding", "application/pdf", SALT) == digest
    pieces = list(store.pieces(digest))
    assert b"".join(pieces) == LARGE
    assert len(pieces) > 5
    assert max(map(len, pieces)) <= PIECE_BYTES
    record = store.record(digest)
    assert (record.evidence_class, record.media_type, record.salt, record.size) == (
        "deciding",
        "application/pdf",
        SALT,
        len(LARGE),
    )
    assert list(store.digests()) == [digest]
    assert store.get(digest).content == LARGE


def test_nothing_of_what_is_refused_is_kept(on_file: Kept) -> None:
    """Too large, of another type, or a source that fails half-way: found while it streams."""
    store = on_file.store

    def fails() -> Iterator[bytes]:
        yield LARGE
        raise ConnectionError("the sender has gone")

    for source, code in ((bytes(4_000_000), "MEDIA_MISMATCH"), (LARGE + bytes(3_000_000), "EVIDENCE_TOO_LARGE")):
        with pytest.raises(MalformedError, match=code):
            store.put(source, "deciding", "application/pdf")
    with pytest.raises(ConnectionError):
        store.put(fails(), "deciding", "application/pdf")
    assert list(store.digests()) == []
    assert on_file.files() == b""


def test_an_empty_text_is_content_too(on_file: Kept) -> None:
    digest = on_file.store.put(b"", "personal", "text/plain")
    assert (list(on_file.store.pieces(digest)), on_file.store.record(digest).size) == ([], 0)


def tampered(on_file: Kept, digest: str) -> None:
    """Another content under the same digest."""
    if on_file.kind == "folder":
        (on_file.folder / digest[:2] / digest).write_bytes(b"another")
    else:
        on_file.site.tamper(f"UPDATE {SCHEMA}_evidence.chunks SET content = set_byte(content, 20, 1)")


def lost(on_file: Kept, digest: str) -> None:
    """The content has gone without an entry."""
    if on_file.kind == "folder":
        (on_file.folder / digest[:2] / digest).unlink()
    else:
        (on_file.folder / digest[:2] / f"{digest}.json").unlink()


def outcomes(on_file: Kept) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(one.outcome.value, one.code, one.entries) for one in checks(on_file)]


def checks(on_file: Kept) -> list[Checked]:
    return list(check_evidence(on_file.world.state, on_file.store))


def test_altered_content_is_a_mismatch_and_its_end_is_never_released(on_file: Kept) -> None:
    digest = on_file.attach(b"%PDF-1.7\n" + bytes(2 * PIECE_BYTES), "deciding", "application/pdf")
    entry = on_file.world.state.size - 1
    assert outcomes(on_file) == [("sound", "", (entry,))]
    tampered(on_file, digest)
    released: list[bytes] = []
    with pytest.raises(VerificationError, match="ATTACHMENT_MISMATCH"):
        released.extend(on_file.store.pieces(digest))
    assert sum(map(len, released)) < 2 * PIECE_BYTES
    (found,) = checks(on_file)
    assert (found.outcome, found.code, found.entries) == (Outcome.FAULT, "ATTACHMENT_MISMATCH", (entry,))


def test_what_is_gone_without_an_entry_is_a_finding(on_file: Kept) -> None:
    digest = on_file.attach("联系方式".encode())
    lost(on_file, digest)
    assert outcomes(on_file) == [("fault", "EVIDENCE_MISSING", (on_file.world.state.size - 1,))]


def test_what_the_entry_says_of_its_evidence_must_be_so(on_file: Kept) -> None:
    digest = on_file.store.put(b"letter", "deciding", "text/plain")
    on_file.world.must("registrar", EvidenceAttached("matter-1", digest, "personal", "text/plain", 6))
    assert [one.code for one in checks(on_file)] == ["ATTACHMENT_MISMATCH"]


def test_nothing_is_erased_before_its_entry_and_everything_after_it(on_file: Kept) -> None:
    digest, other = on_file.attach("张三，138".encode()), on_file.attach("李四，139".encode())
    with pytest.raises(ConflictError, match="ERASURE_NOT_ON_RECORD"):
        erase_on_record(on_file.world.state, on_file.store, digest)
    assert on_file.store.get(digest).content == "张三，138".encode()
    entry = on_file.erased_on_record(digest)
    assert ("fault", "EVIDENCE_NOT_ERASED", (entry - 2, entry)) in outcomes(on_file)
    for _ in range(2):
        assert erase_on_record(on_file.world.state, on_file.store, digest) == entry
    assert sorted(outcomes(on_file)) == [("erased", "", (entry - 2, entry)), ("sound", "", (entry - 1,))]
    record = on_file.store.record(digest)
    assert (record.erased, record.size, record.media_type) == (True, None, None)
    with pytest.raises(StoreError, match="EVIDENCE_ERASED"):
        on_file.store.get(digest)
    assert on_file.store.get(other).content == "李四，139".encode()
    assert "张三".encode() not in on_file.files()


def test_what_was_never_on_file_is_erased_by_its_entry_alone(on_file: Kept) -> None:
    digest = on_file.attach(b"record")
    lost(on_file, digest)
    if on_file.kind == "folder":
        (on_file.folder / digest[:2] / f"{digest}.json").unlink()
    on_file.erased_on_record(digest)
    erase_on_record(on_file.world.state, on_file.store, digest)
    assert [one.outcome for one in checks(on_file)] == [Outcome.ERASED]
