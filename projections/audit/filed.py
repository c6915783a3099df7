"""Evidence on file against what entries filed: there and whole, or erased by an entry and counted."""

from collections.abc import Callable
from typing import TypeAlias

from ledger.evidence_duties import EvidenceReader, Outcome, check_evidence
from ledger.selection import Selection
from projections.audit.report import Check, Report

PlaceOf: TypeAlias = Callable[[str], str]
"""Gives the file of an export that holds the evidence of a digest; empty for a live ledger."""


def _no_place(digest: str) -> str:
    return ""


def hold_evidence(
    report: Report, state: Selection, store: EvidenceReader, place_of: PlaceOf = _no_place, strangers: bool = False
) -> tuple[int, int]:
    """Check every piece that the entries folded into `state` name; return how many are there, how many erased.

    With `strangers` whatever no entry names is a failure too, as in an export. A live ledger may hold such a piece:
    content goes on file before its entry does. Raises `StoreError` where the evidence cannot be read at all.
    """
    kept = erased = 0
    for one in check_evidence(state, store):
        report.looked_at[Check.ERASURE] += 1
        report.looked_at[Check.EVIDENCE] += one.outcome is not Outcome.ERASED
        kept += one.outcome is Outcome.SOUND
        erased += one.outcome is Outcome.ERASED
        place = place_of(one.digest)
        if one.outcome is Outcome.FAULT:
            check = Check.EVIDENCE if one.code == "ATTACHMENT_MISMATCH" else Check.ERASURE
            report.fail(check, one.code, one.entries[0] if one.entries else -1, "", place, **one.facts)
        elif strangers and not one.entries:
            report.fail(Check.EVIDENCE, "EXPORT_ALTERED", -1, "", place, reason="not named")
    report.erased = erased
    return kept, erased


def hold_live_evidence(report: Report, state: Selection, store: EvidenceReader) -> None:
    """Check the evidence of a live ledger; what the entries name cannot be told where deciding again broke off."""
    since = report.not_checked.get(Check.DECISIONS)
    if since is None:
        hold_evidence(report, state, store)
    else:
        report.not_checked |= {Check.EVIDENCE: since, Check.ERASURE: since}
