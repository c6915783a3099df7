"""The evidence in an export against what entries filed: there and whole, or erased by an entry and counted."""

import re
from collections.abc import Iterator
from hashlib import sha256

from ledger.errors import StoreError, VerificationError
from ledger.evidence_content import EvidenceRecord, decode_record
from ledger.selection import Selection
from projections.audit.export_files import ExportFiles
from projections.audit.filed import hold_evidence
from projections.audit.report import Report

MOST_RECORD_BYTES = 10_000
_RECORD = re.compile(r"core/evidence/([0-9a-f]{2})/(\1[0-9a-f]{62})\.json")


class ExportEvidence:
    """The evidence that an export carries, as `ledger.evidence_duties.EvidenceReader`."""

    def __init__(self, files: ExportFiles) -> None:
        """Read from these files."""
        self._files = files

    def record(self, digest: str) -> EvidenceRecord:
        """Return what is known of a piece of evidence; raises `StoreError` `EVIDENCE_MISSING` where nothing is."""
        path = path_of(digest)
        data = self._files.read(f"{path}.json", MOST_RECORD_BYTES)
        if data is None:
            raise StoreError("EVIDENCE_MISSING", digest=digest)
        content = self._files.content(path)
        return decode_record(digest, data, content.size if content is not None else None)

    def pieces(self, digest: str) -> Iterator[bytes]:
        """Yield the content; raises `VerificationError` `ATTACHMENT_MISMATCH` behind it if it is not what was filed."""
        path, found = path_of(digest), sha256(self.record(digest).salt or b"")
        if path not in self._files.names:
            raise StoreError("EVIDENCE_MISSING", digest=digest)
        for part in self._files.parts(path):
            found.update(part)
            yield part
        if path in self._files.broken or found.hexdigest() != digest:
            raise VerificationError("ATTACHMENT_MISMATCH", digest=digest)

    def digests(self) -> Iterator[str]:
        """Yield the digest of everything on record, ascending."""
        yield from sorted(match[2] for name in self._files.names if (match := _RECORD.fullmatch(name)))


def path_of(digest: str) -> str:
    """Return where an export has the content of a piece of evidence; its record is beside it."""
    return f"core/evidence/{digest[:2]}/{digest}"


def check_filed(files: ExportFiles, report: Report, state: Selection) -> tuple[int, int]:
    """Check every piece that entries name, and that there is no other; return how many are there, how many erased."""
    return hold_evidence(report, state, ExportEvidence(files), path_of, strangers=True)
