"""Disputes, findings and evidence: who may raise and who may close (seven(三), six(三))."""

from ledger.decisions.prerequisites import unreasoned
from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.procedure.reasons import Refusal, refuse
from ledger.procedure.retention import retention_over
from ledger.selection import Selection
from ledger.state.books import Pending
from ledger.statements.naming import DisputeOpened, EvidenceAttached, EvidenceErased, FindingClosed, FindingRaised

CLAUSE = "七(三)"


def _dispute(state: Selection, asked: Asked) -> Refusal | None:
    """Somebody known disputes an entry that is there, and says why."""
    body: DisputeOpened = asked.body
    if body.index >= state.size:
        return refuse("UNKNOWN_ENTRY", CLAUSE, index=body.index)
    return unreasoned(body.reason, CLAUSE, str(body.index))


def _raise(state: Selection, asked: Asked) -> Refusal | None:
    """A finding rests on entries, and says why."""
    body: FindingRaised = asked.body
    if not body.entries:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="entries", subject=body.code)
    for index in body.entries:
        if index >= state.size:
            return refuse("UNKNOWN_ENTRY", CLAUSE, index=index)
    return unreasoned(body.reason, CLAUSE, body.code)


def _close(state: Selection, asked: Asked) -> Refusal | None:
    """An auditor closes an open finding with reason; a breach waits for a second auditor."""
    body: FindingClosed = asked.body
    finding = state.findings.by_id.get(body.finding)
    if finding is None:
        return refuse("UNKNOWN_FINDING", CLAUSE, finding=body.finding)
    if finding.closed is not None:
        return refuse("FINDING_CLOSED", CLAUSE, finding=finding.id, index=finding.closed)
    for waiting in state.pending.values():
        other = waiting.act.body
        if type(other) is FindingClosed and other.finding == body.finding:
            return refuse("ALREADY_PENDING", CLAUSE, index=waiting.act.index)
    return unreasoned(body.reason, CLAUSE, finding.id)


def _second_auditor(state: Selection, asked: Asked, waiting: Pending) -> Refusal | None:
    if asked.person in waiting.signers:
        return refuse("SECOND_AUDITOR_NEEDED", CLAUSE, index=waiting.act.index)
    return None


def _attach(state: Selection, asked: Asked) -> Refusal | None:
    """Evidence is what it was when it was first put on file; it may belong to several things.

    What a statement rested on cannot be filed as personal, and so as erasable.
    """
    body: EvidenceAttached = asked.body
    if body.evidence_class == "personal" and body.digest in state.deciding:
        return refuse("EVIDENCE_DECIDES", CLAUSE, digest=body.digest, index=state.deciding[body.digest])
    known = state.evidence.get(body.digest)
    if known is None:
        return None
    if known.erased is not None:
        return refuse("EVIDENCE_ERASED", CLAUSE, digest=body.digest, index=known.erased)
    if body.about in known.about:
        return refuse("EVIDENCE_KNOWN", CLAUSE, digest=body.digest, index=known.about[body.about])
    if (known.evidence_class, known.media_type, known.size) != (body.evidence_class, body.media_type, body.size):
        return refuse("ATTACHMENT_MISMATCH", CLAUSE, digest=body.digest)
    return None


def _erase(state: Selection, asked: Asked) -> Refusal | None:
    """Personal evidence is erased when it must be; what decided something is kept until its retention is over."""
    body: EvidenceErased = asked.body
    known = state.evidence.get(body.digest)
    if known is None:
        return refuse("UNKNOWN_EVIDENCE", CLAUSE, digest=body.digest)
    if known.erased is not None:
        return refuse("EVIDENCE_ERASED", CLAUSE, digest=body.digest, index=known.erased)
    decided = known.evidence_class != "personal" or body.digest in state.deciding
    programme = state.charter.latest.programme
    if decided and not retention_over(programme, asked.at):
        return refuse("EVIDENCE_RETAINED", CLAUSE, digest=body.digest, until=programme.evidence_until or "-")
    return unreasoned(body.reason, CLAUSE, body.digest)


DECISIONS: Decisions = {
    DisputeOpened: _dispute,
    FindingRaised: _raise,
    FindingClosed: _close,
    EvidenceAttached: _attach,
    EvidenceErased: _erase,
}
COSIGN: CosignDecisions = {FindingClosed: _second_auditor}
