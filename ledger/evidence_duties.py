"""What the log says of evidence, held against what is on file: that all of it is there, as filed, and nothing is gone.

Evidence that was erased by an entry cannot be rechecked, and is counted as such. Content that is still there after that
entry is as wrong as content that is gone without one. What is erased is erased only after its entry is published.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ledger.errors import ConflictError, LedgerError, StoreError, VerificationError
from ledger.evidence import EvidenceStore
from ledger.evidence_content import EvidenceRecord
from ledger.selection import Selection


class EvidenceReader(Protocol):
    """Evidence to be checked: a store, or what an export carries of one."""

    def record(self, digest: str) -> EvidenceRecord:
        """Return what is known of a piece of evidence; raises `StoreError` `EVIDENCE_MISSING` where nothing is."""

    def pieces(self, digest: str) -> Iterator[bytes]:
        """Yield the content, the last piece only once all of it has been held against the digest."""

    def digests(self) -> Iterator[str]:
        """Yield the digest of everything on record, erased evidence too."""


class Outcome(StrEnum):
    """What came of looking at a piece of evidence."""

    SOUND = "sound"
    ERASED = "erased"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Checked:
    """One piece of evidence, the entries that name it, and what was found; `code` and `facts` of a fault."""

    digest: str
    entries: tuple[int, ...]
    outcome: Outcome
    code: str = ""
    facts: dict[str, str | int] = field(default_factory=dict)


def naming_entries(state: Selection) -> dict[str, tuple[int, ...]]:
    """Return what must be on file, by digest: whatever was attached or sealed, with the entries that say so."""
    named: dict[str, set[int]] = {digest: set(one.about.values()) for digest, one in state.evidence.items()}
    for objection in state.notices.objections.by_id.values():
        named.setdefault(objection.sealed, set()).add(objection.index)
    for digest, one in state.evidence.items():
        named[digest] |= {one.erased} if one.erased is not None else set()
    return {digest: tuple(sorted(entries)) for digest, entries in named.items()}


def check_evidence(state: Selection, store: EvidenceReader) -> Iterator[Checked]:
    """Look at everything the entries put on file, then at whatever else is there; by digest within each.

    A digest that a statement names without having attached it is looked at where it is on file.
    """
    named = naming_entries(state)
    for digest in sorted(named):
        yield _check(state, store, digest, named[digest])
    for digest in store.digests():
        if digest not in named:
            entries = (state.deciding[digest],) if digest in state.deciding else ()
            yield _check(state, store, digest, entries)


def _check(state: Selection, store: EvidenceReader, digest: str, entries: tuple[int, ...]) -> Checked:
    known = state.evidence.get(digest)
    erased = known.erased if known is not None else None
    try:
        record = store.record(digest)
        if erased is not None:
            return _after_erasure(record, entries, erased)
        if record.erased:
            return Checked(digest, entries, Outcome.FAULT, "EVIDENCE_ERASED_UNRECORDED", {"digest": digest})
        size = sum(len(piece) for piece in store.pieces(digest))
        filed = (record.evidence_class, record.media_type, size)
        if known is not None and filed != (known.evidence_class, known.media_type, known.size):
            raise VerificationError("ATTACHMENT_MISMATCH", digest=digest)
    except LedgerError as error:
        if erased is not None and error.code == "EVIDENCE_MISSING":
            return Checked(digest, entries, Outcome.ERASED)
        if not isinstance(error, VerificationError) and error.code != "EVIDENCE_MISSING":
            raise
        return Checked(digest, entries, Outcome.FAULT, error.code, {"digest": digest})
    return Checked(digest, entries, Outcome.SOUND)


def _after_erasure(record: EvidenceRecord, entries: tuple[int, ...], erased: int) -> Checked:
    if record.erased and record.size is None:
        return Checked(record.digest, entries, Outcome.ERASED)
    facts: dict[str, str | int] = {"digest": record.digest, "index": erased}
    return Checked(record.digest, entries, Outcome.FAULT, "EVIDENCE_NOT_ERASED", facts)


def erase_on_record(state: Selection, store: EvidenceStore, digest: str) -> int:
    """Erase what a published entry says is erased, and return that entry's index; again is harmless.

    `state` is that of published entries. Raises `ConflictError` `ERASURE_NOT_ON_RECORD` where there is no such entry,
    and what `EvidenceStore.erase` raises. Evidence that is not on file at all is gone already.
    """
    known = state.evidence.get(digest)
    if known is None or known.erased is None:
        raise ConflictError("ERASURE_NOT_ON_RECORD", digest=digest)
    try:
        # Whether what decided something might be erased was decided when the entry was admitted.
        store.erase(digest, known.erased)
    except StoreError as error:
        if error.code != "EVIDENCE_MISSING":
            raise
    return known.erased
