"""Public notice and objections (five(七)). Who objects, and what they wrote, is only in sealed evidence."""

from dataclasses import dataclass

from ledger.statements.fields import Base64, Digest, Id, Instant, Text
from ledger.statements.kinds import kind


@kind("notice.published")
@dataclass(frozen=True, slots=True)
class NoticePublished:
    """Names and main deeds are published through the programme's channels; the clock runs from this entry."""

    candidates: tuple[Id, ...]
    channels: tuple[Id, ...]
    deeds: Digest
    list_hash: Digest
    notice: Id
    stage: Id


@kind("notice.changed")
@dataclass(frozen=True, slots=True)
class NoticeChanged:
    """A notice is changed: a misspelt name (the clock runs on) or anything material (it restarts)."""

    deeds: Digest
    material: bool
    notice: Id
    reason: Text


@kind("notice.observed")
@dataclass(frozen=True, slots=True)
class NoticeObserved:
    """Somebody outside the organiser's office looked at a notice where it is published.

    `observed_at` is when, by their own clock. `page` is the SHA-256 of what they were shown, as bytes that another look
    at the same notice would give again; None if the notice could not be reached.
    """

    channel: Id
    notice: Id
    observed_at: Instant
    page: Digest | None


@kind("objection.received")
@dataclass(frozen=True, slots=True)
class ObjectionReceived:
    """The outer statement of an objection: against whom, when, and the sealed text's digest; nothing about the filer.

    Signed by the intake office, or by a one-time key (`one_time_key`, person `sealed:` and its id). `arrived_at` is the
    attested arrival of a paper, which counts once a second person countersigns.
    """

    against: tuple[Id, ...]
    arrived_at: Instant | None
    notice: Id
    objection: Id
    one_time_key: Base64 | None
    sealed: Digest


@kind("seal.opened")
@dataclass(frozen=True, slots=True)
class SealOpened:
    """Discipline opens sealed evidence, with reason."""

    reason: Text
    sealed: Digest


@kind("objection.examined")
@dataclass(frozen=True, slots=True)
class ObjectionExamined:
    """Discipline says whether an objection bears a real name and is in writing.

    Anything else is not admissible, but kept as a lead. Examined again after a withdrawal, it goes on ex officio.
    """

    in_writing: bool
    objection: Id
    real_name: bool
    reason: Text


@kind("hearing.notified")
@dataclass(frozen=True, slots=True)
class HearingNotified:
    """The candidate is told the substance, never the source, and has until `respond_by`."""

    candidate: Id
    objection: Id
    respond_by: Instant
    substance: Digest


@kind("reply.given")
@dataclass(frozen=True, slots=True)
class ReplyGiven:
    """The candidate's statement in reply; on `paper` where the intake office enters it for one who has no key."""

    candidate: Id
    objection: Id
    paper: Digest | None
    text: Digest


@kind("objection.investigated")
@dataclass(frozen=True, slots=True)
class ObjectionInvestigated:
    """市总工会's findings on an objection."""

    findings: Digest
    founded: bool
    objection: Id
    reason: Text


@kind("objection.decided")
@dataclass(frozen=True, slots=True)
class ObjectionDecided:
    """The outcome for one candidate, which must be what the leaders' named votes give; sustained means disqualified.

    It rests on the `findings` of the investigation and the `minutes` of the named vote.
    """

    candidate: Id
    findings: Digest
    minutes: Digest
    objection: Id
    sustained: bool


@kind("decision.blocked")
@dataclass(frozen=True, slots=True)
class DecisionBlocked:
    """Discipline blocks the decision of an objection, with reason; it is deliberated anew."""

    objection: Id
    reason: Text


@kind("objection.answered")
@dataclass(frozen=True, slots=True)
class ObjectionAnswered:
    """The reasoned reply to the filer."""

    objection: Id
    reply: Digest


@kind("objection.withdrawn")
@dataclass(frozen=True, slots=True)
class ObjectionWithdrawn:
    """The filer withdraws: by the same one-time key, or through the intake office with the paper as evidence."""

    evidence: Digest | None
    objection: Id
