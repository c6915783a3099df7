"""Approval, naming, revocation and the year after (five(八), two, seven(三)); disputes, findings, evidence."""

from dataclasses import dataclass
from typing import Literal

from ledger.statements.fields import Count, Digest, Id, Text
from ledger.statements.kinds import kind


@kind("approval.submitted")
@dataclass(frozen=True, slots=True)
class ApprovalSubmitted:
    """The leadership group submits the list after notice to the chairman's office."""

    candidates: tuple[Id, ...]
    list_hash: Digest
    submission: Id


@kind("approval.decided")
@dataclass(frozen=True, slots=True)
class ApprovalDecided:
    """The chairman's office closes its named vote; `approved` must be what the votes give."""

    approved: bool
    minutes: Digest
    submission: Id


@kind("titles.named")
@dataclass(frozen=True, slots=True)
class TitlesNamed:
    """市总工会 names the approved."""

    candidates: tuple[Id, ...]
    document: Digest
    list_hash: Digest


@kind("titles.conferred")
@dataclass(frozen=True, slots=True)
class TitlesConferred:
    """The sponsors confer the title jointly; effective when all have signed."""

    document: Digest
    naming: Count


@kind("qualification.ended")
@dataclass(frozen=True, slots=True)
class QualificationEnded:
    """Proven falsehood ends a qualification at any time (seven(三)); effective when discipline countersigns."""

    candidate: Id
    findings: Digest
    reason: Text


@kind("responsibility.referred")
@dataclass(frozen=True, slots=True)
class ResponsibilityReferred:
    """The responsibility of a recommender is referred."""

    candidate: Id
    reason: Text
    recommender: Id


@kind("title.revoked")
@dataclass(frozen=True, slots=True)
class TitleRevoked:
    """A title obtained by falsehood is revoked and money reclaimed; effective when discipline countersigns.

    History stays.
    """

    candidate: Id
    findings: Digest
    naming: Count
    reason: Text
    reclaim_cents: Count


@kind("benefit.applied")
@dataclass(frozen=True, slots=True)
class BenefitApplied:
    """A named person applies for a benefit of the following year (a studio)."""

    benefit: Id
    naming: Count


@kind("benefit.inspected")
@dataclass(frozen=True, slots=True)
class BenefitInspected:
    """The inspection that a benefit needs before it is granted to a named person."""

    benefit: Id
    candidate: Id
    passed: bool
    report: Digest


@kind("benefit.granted")
@dataclass(frozen=True, slots=True)
class BenefitGranted:
    """A benefit of the year after: plaque and money, medal, recuperation leave."""

    benefit: Id
    candidate: Id
    grant_cents: Count
    naming: Count
    reason: Text
    year: Count


@kind("dispute.opened")
@dataclass(frozen=True, slots=True)
class DisputeOpened:
    """A known person disputes an entry, with reason."""

    index: Count
    reason: Text


@kind("finding.raised")
@dataclass(frozen=True, slots=True)
class FindingRaised:
    """Somebody with a role reports what an auditor must look at: a name or phone that matches, an outage, a burst."""

    code: Literal[
        "POSSIBLE_DUPLICATE",
        "UNDECLARED_CONFLICT",
        "OUTAGE",
        "BURST",
        "SERIES_BREAK",
        "SHARED_ORIGIN",
        "RECEIPT_NOT_INCLUDED",
        "KEY_USED_FROM_ADMIN",
        "PAGE_CHANGED",
        "OTHER",
    ]
    entries: tuple[Count, ...]
    reason: Text
    severity: Literal["info", "warn", "breach"]


@kind("finding.closed")
@dataclass(frozen=True, slots=True)
class FindingClosed:
    """An auditor closes a finding, named by its derived id; a breach is closed when a second auditor countersigns."""

    finding: Text
    reason: Text


@kind("evidence.attached")
@dataclass(frozen=True, slots=True)
class EvidenceAttached:
    """A file or record is put on file by its salted digest; `about` names what it belongs to."""

    about: Id
    digest: Digest
    evidence_class: Literal["personal", "deciding"]
    media_type: Text
    size: Count


@kind("evidence.erased")
@dataclass(frozen=True, slots=True)
class EvidenceErased:
    """Personal evidence is erased, with reason; the entry that attached it stays, not recheckable from here on."""

    digest: Digest
    reason: Text
