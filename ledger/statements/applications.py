"""Applications: filing, consent, review, recommendation, supplements, paper, withdrawal, refusal (six, seven)."""

from dataclasses import dataclass
from typing import Literal

from ledger.statements.fields import Count, Digest, Id, Instant, Text
from ledger.statements.kinds import kind


@dataclass(frozen=True, slots=True)
class Material:
    """One document of an application: its kind from the programme's list and its salted digest."""

    digest: Digest
    material: Id


@kind("application.filed")
@dataclass(frozen=True, slots=True)
class ApplicationFiled:
    """An application, by the applicant's own key, or by a recommender or the intake office.

    `consent` is the evidence of consent of an applicant who has no key; one who has agrees by `consent.given`. `way` is
    how it came: recommended level by level, or otherwise with the special circumstance. `record` is the digest of
    the personal record, `id_tag` the keyed hash of the ID number.
    """

    applicant: Id
    application: Id
    consent: Digest | None
    id_tag: Digest
    industry: Id
    materials: tuple[Material, ...]
    occupation: Id
    recommender: Id | None
    record: Digest
    special_circumstance: Text | None
    unit: Id
    way: Id


@kind("consent.given")
@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """The applicant agrees to an application that another filed."""

    application: Id


@kind("review.recorded")
@dataclass(frozen=True, slots=True)
class ReviewRecorded:
    """A unit's own review body did the initial review: originals checked against copies, opinion, seal (七(二))."""

    application: Id
    minutes: Digest
    opinion: Text
    originals_checked: bool
    review_body: Id
    seal: Digest


@kind("recommendation.made")
@dataclass(frozen=True, slots=True)
class RecommendationMade:
    """One union passes an application up to the next level (逐级推荐, six(二)1)."""

    application: Id
    level: Id
    opinion: Text
    seal: Digest


@kind("recommendation.entered")
@dataclass(frozen=True, slots=True)
class RecommendationEntered:
    """A unit's opinion and seal came on paper: entered with scan and the record of a call back to it. Two signers.

    At the first level the same paper shows the initial review: `review_body`, and that originals were checked.
    `arrived_at` is the attested time of arrival.
    """

    application: Id
    arrived_at: Instant
    callback: Digest
    level: Id
    opinion: Text
    originals_checked: bool
    review_body: Id | None
    scan: Digest
    unit: Id


@kind("supplement.requested")
@dataclass(frozen=True, slots=True)
class SupplementRequested:
    """The organiser asks for a supplement after the deadline (补正通知), with its own deadline."""

    application: Id
    due_at: Instant
    reason: Text


@kind("application.supplemented")
@dataclass(frozen=True, slots=True)
class ApplicationSupplemented:
    """Further or replaced materials; free until the deadline, afterwards on a request (`request` = its index)."""

    application: Id
    materials: tuple[Material, ...]
    request: Count | None


@kind("application.withdrawn")
@dataclass(frozen=True, slots=True)
class ApplicationWithdrawn:
    """The applicant withdraws, at any time; earlier ballots stay, the name leaves from this entry on."""

    application: Id
    reason: Text


@kind("withdrawal.entered")
@dataclass(frozen=True, slots=True)
class WithdrawalEntered:
    """A withdrawal on paper, entered by the intake office with its scan and a second signer."""

    application: Id
    scan: Digest


@kind("paper.received")
@dataclass(frozen=True, slots=True)
class PaperReceived:
    """The paper filing arrived: copies of the form, bound proofs, scan, attested time of arrival. Two signers."""

    application: Id
    arrived_at: Instant
    forms: Count
    proof_sets: Count
    scan: Digest


@kind("application.refused")
@dataclass(frozen=True, slots=True)
class ApplicationRefused:
    """The organiser does not accept a filing (不予受理): late, incomplete, or a duplicate that would count twice."""

    application: Id
    ground: Literal["late", "incomplete", "duplicate"]
    reason: Text


@kind("duplicate.linked")
@dataclass(frozen=True, slots=True)
class DuplicateLinked:
    """Two applications are found to be one person's, `first` the earlier. Effective when discipline countersigns."""

    application: Id
    first: Id
    reason: Text
