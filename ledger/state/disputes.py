"""Disputes of entries, evidence on file, and who must sign the closing of a finding (seven(三))."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ledger.statements.naming import DisputeOpened, EvidenceAttached, EvidenceErased, FindingClosed

if TYPE_CHECKING:
    from ledger.selection import Selection
    from ledger.state.matters import ExtraSigners, Folds
    from ledger.statements import Act


@dataclass(slots=True)
class Evidence:
    """One piece of evidence: what it is, the entries that attached it by what it belongs to, the one that erased it."""

    digest: str
    evidence_class: str
    media_type: str
    size: int
    about: dict[str, int] = field(default_factory=dict)
    erased: int | None = None


def _disputed(state: "Selection", act: "Act", now: "Act") -> None:
    state.findings.add("DISPUTE_OPENED", "warn", now.index, act.body.index, now.index, entry=act.body.index)


def _attached(state: "Selection", act: "Act", now: "Act") -> None:
    body: EvidenceAttached = act.body
    known = Evidence(body.digest, body.evidence_class, body.media_type, body.size)
    state.evidence.setdefault(body.digest, known).about[body.about] = now.index


def _erased(state: "Selection", act: "Act", now: "Act") -> None:
    state.evidence[act.body.digest].erased = now.index


def _second_auditor(state: "Selection", act: "Act") -> int:
    finding = state.findings.by_id.get(act.body.finding)
    return int(finding is not None and finding.severity == "breach")


FOLDS: "Folds" = {DisputeOpened: _disputed, EvidenceAttached: _attached, EvidenceErased: _erased}
EXTRA_SIGNERS: "dict[type[Any], ExtraSigners]" = {FindingClosed: _second_auditor}
