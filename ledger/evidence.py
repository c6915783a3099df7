"""Evidence: files and personal records, each named by its salted digest, behind one interface; and kept in a folder.

Salt, class and media type stand in a small canonical record beside the content. Personal evidence is erased for good:
the record then says so, and the salt is gone with the content. Nothing here asks whether an act may be done: evidence
is erased after the entry that says why is in the log (`ledger.evidence_duties`), never before.

Whoever copies a folder or a database keeps what is erased here: backups of evidence are to be pruned of what the log
says was erased (`ballot-ledger evidence list --erased`), and of the folder's drafts, which a crash may leave.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from ledger.errors import StoreError
from ledger.evidence_content import (
    CLASSES,
    MOST_BYTES,
    PIECE_BYTES,
    SALT_BYTES,
    EvidenceFile,
    EvidenceRecord,
    Intake,
    Limits,
    Source,
    checked_digest,
    checked_salt,
    decode_record,
    evidence_digest,
    verified,
)
from ledger.evidence_files import name_draft, remove, sync_folder, write_draft
from ledger.evidence_media import MEDIA_TYPES

__all__ = [
    "CLASSES",
    "MOST_BYTES",
    "SALT_BYTES",
    "EvidenceFile",
    "EvidenceFolder",
    "EvidenceRecord",
    "EvidenceStore",
    "evidence_digest",
]


class EvidenceStore(Protocol):
    """Where the evidence of one ledger is kept."""

    def put(self, content: Source, evidence_class: str, media_type: str, salt: bytes | None = None) -> str:
        """Keep `content` and return its salted digest; the salt is random unless given.

        Raises `MalformedError` `EVIDENCE_TOO_LARGE`, `EVIDENCE_CLASS_UNKNOWN`, `MEDIA_TYPE_REFUSED`, `MEDIA_MISMATCH`
        or `SALT_INVALID`, and `StoreError` `EVIDENCE_ERASED` for what was erased here under this digest.
        """

    def record(self, digest: str) -> EvidenceRecord:
        """Return what is known of a piece of evidence; raises `StoreError` `EVIDENCE_MISSING` where nothing is."""

    def pieces(self, digest: str) -> Iterator[bytes]:
        """Yield the content piece by piece, the last one only once all of it has been held against the digest.

        Raises `VerificationError` `ATTACHMENT_MISMATCH` if it is not what was filed, `StoreError` `EVIDENCE_MISSING` or
        `EVIDENCE_ERASED`.
        """

    def get(self, digest: str) -> EvidenceFile:
        """Return the evidence of this digest with its content in memory, checked; raises as `pieces` does."""

    def erase(self, digest: str, entry: int) -> None:
        """Erase evidence with its salt, as the published entry `entry` says (`ledger.evidence_duties`).

        Again is harmless, and finishes what a crash cut short. Raises `StoreError` `EVIDENCE_MISSING`.
        """

    def digests(self) -> Iterator[str]:
        """Yield the digest of everything on record, erased evidence too, in ascending order."""


class EvidenceFolder:
    """The evidence of one ledger on this machine: directories 0700, files 0600."""

    def __init__(
        self, path: Path | str, most_bytes: int = MOST_BYTES, media_types: frozenset[str] = MEDIA_TYPES
    ) -> None:
        """Use the folder `path`, which is made on first use; nothing larger, and of no other type, is put on file."""
        self._path = Path(path)
        self._limits = Limits(most_bytes, media_types)

    def put(self, content: Source, evidence_class: str, media_type: str, salt: bytes | None = None) -> str:
        """Keep `content` (see `EvidenceStore.put`); raises `StoreError` `EVIDENCE_NOT_WRITTEN` besides."""
        intake = Intake(evidence_class, media_type, checked_salt(salt), self._limits)
        draft = write_draft(self._path, intake.pieces(content))
        try:
            record = intake.record
            if self._record_path(record.digest).exists():
                for _ in self.pieces(record.digest):
                    pass
                return record.digest
            # The record comes last: without it the content is not on file.
            name_draft(draft, self._content_path(record.digest))
            self._write(self._record_path(record.digest), record.encode())
            return record.digest
        finally:
            remove(draft)

    def record(self, digest: str) -> EvidenceRecord:
        """Return what is known of a piece of evidence (see `EvidenceStore.record`)."""
        path = self._content_path(digest)
        try:
            data = self._record_path(digest).read_bytes()
        except OSError:
            raise StoreError("EVIDENCE_MISSING", digest=digest) from None
        return decode_record(digest, data, path.stat().st_size if path.is_file() else None)

    def pieces(self, digest: str) -> Iterator[bytes]:
        """Yield the content piece by piece (see `EvidenceStore.pieces`)."""
        record = self.record(digest)
        if record.erased:
            raise StoreError("EVIDENCE_ERASED", digest=digest)
        try:
            file = self._content_path(digest).open("rb")
        except OSError:
            raise StoreError("EVIDENCE_MISSING", digest=digest) from None
        with file:
            yield from verified(record, iter(lambda: file.read(PIECE_BYTES), b""))

    def get(self, digest: str) -> EvidenceFile:
        """Return the evidence of this digest, checked against it (see `EvidenceStore.get`)."""
        return whole(self, digest)

    def erase(self, digest: str, entry: int) -> None:
        """Erase evidence with its salt (see `EvidenceStore.erase`); a folder cannot hold `entry` against the log."""
        record = self.record(digest)
        if not record.erased:
            left = EvidenceRecord(digest, record.evidence_class, None, None, None)
            self._write(self._record_path(digest), left.encode())
        self._content_path(digest).unlink(missing_ok=True)
        sync_folder(self._content_path(digest).parent)

    def digests(self) -> Iterator[str]:
        """Yield the digest of everything on record, erased evidence too, in ascending order."""
        for path in sorted(self._path.glob("[0-9a-f][0-9a-f]/*.json")):
            if not path.name.startswith("."):
                yield path.stem

    def _content_path(self, digest: str) -> Path:
        # The digest comes from a statement: nothing but one may become part of a path.
        return self._path / checked_digest(digest)[:2] / digest

    def _record_path(self, digest: str) -> Path:
        return self._content_path(digest).with_suffix(".json")

    def _write(self, path: Path, data: bytes) -> None:
        name_draft(write_draft(self._path, [data]), path)


def whole(store: EvidenceStore, digest: str) -> EvidenceFile:
    """Return evidence with its content in memory, checked; raises as `EvidenceStore.pieces` does."""
    record = store.record(digest)
    content = b"".join(store.pieces(digest))
    return EvidenceFile(digest, content, record.salt or b"", record.evidence_class, record.media_type or "")
