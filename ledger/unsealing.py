"""Opening a seal on the record: nothing is decrypted before the entry that says who opens it and why (five(七))."""

from ledger.errors import ConflictError
from ledger.evidence import EvidenceStore
from ledger.sealing import SealContext, open_sealed
from ledger.selection import Selection


def open_on_record(state: Selection, evidence: EvidenceStore, objection_id: str, opening: int, private: bytes) -> bytes:
    """Return what an objector wrote, given the entry `opening` by which discipline opened the seal.

    `state` is that of published entries. Raises `ConflictError` `SEAL_NOT_ON_RECORD` if there is no such objection or
    the entry is not an opening of it, what `EvidenceStore.get` raises, and `VerificationError` `SEAL_NOT_OPENED`.
    """
    objections = state.notices.objections
    known = objections.by_id.get(objection_id)
    if known is None or opening not in objections.openings.get(known.sealed, ()):
        raise ConflictError("SEAL_NOT_ON_RECORD", objection=objection_id, opening=opening)
    context = SealContext(state.charter.id, known.id)
    return open_sealed(private, evidence.get(known.sealed).content, context)
