"""Disputes of entries, evidence on file, and who must sign the closing of a finding (seven(三))."""

from typing import Any

from ledger.state.books import Books
from ledger.state.evidence_book import Evidence
from ledger.state.matters import ExtraSigners, Folds
from ledger.statements import Act
from ledger.statements.naming import DisputeOpened, EvidenceAttached, EvidenceErased, FindingClosed


def _disputed(state: Books, act: Act, now: Act) -> None:
    state.findings.add("DISPUTE_OPENED", "warn", now.index, act.body.index, now.index, entry=act.body.index)


def _attached(state: Books, act: Act, now: Act) -> None:
    body: EvidenceAttached = act.body
    known = Evidence(body.digest, body.evidence_class, body.media_type, body.size)
    state.evidence.setdefault(body.digest, known).about[body.about] = now.index


def _erased(state: Books, act: Act, now: Act) -> None:
    state.evidence[act.body.digest].erased = now.index


def _second_auditor(state: Books, act: Act) -> int:
    finding = state.findings.by_id.get(act.body.finding)
    return int(finding is not None and finding.severity == "breach")


FOLDS: Folds = {DisputeOpened: _disputed, EvidenceAttached: _attached, EvidenceErased: _erased}
EXTRA_SIGNERS: dict[type[Any], ExtraSigners] = {FindingClosed: _second_auditor}
