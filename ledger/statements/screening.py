"""Screening by condition and exclusion, each decided on dated evidence; appeal once (four)."""

from dataclasses import dataclass

from ledger.statements.fields import Day, Digest, Id, Text
from ledger.statements.kinds import kind


@kind("department.replied")
@dataclass(frozen=True, slots=True)
class DepartmentReplied:
    """A department's reply in the joint check (联审) on one exclusion of one person, dated; `recheck` = before approval."""

    application: Id
    clear: bool
    criterion: Id
    dated: Day
    department: Id
    document: Digest
    recheck: bool


@kind("criterion.decided")
@dataclass(frozen=True, slots=True)
class CriterionDecided:
    """One criterion of one application, with reason and dated evidence.

    `met` of an exclusion says that it applies. `supporting` is the second fact that a condition may need (the award's benefit).
    """

    application: Id
    criterion: Id
    dated: Day
    evidence: Digest
    met: bool
    reason: Text
    supporting: Digest | None


@kind("screening.decided")
@dataclass(frozen=True, slots=True)
class ScreeningDecided:
    """The outcome for one application; must be what the criteria give. `notice` is the notice to the applicant if refused."""

    application: Id
    eligible: bool
    notice: Digest | None
    reason: Text


@kind("appeal.filed")
@dataclass(frozen=True, slots=True)
class AppealFiled:
    """The applicant appeals a refusal, once."""

    application: Id
    text: Digest


@kind("appeal.decided")
@dataclass(frozen=True, slots=True)
class AppealDecided:
    """The organiser decides the appeal; if upheld, the criteria are decided anew."""

    application: Id
    reason: Text
    upheld: bool


@kind("eligibility.challenged")
@dataclass(frozen=True, slots=True)
class EligibilityChallenged:
    """A later-found fact against a criterion; it must be decided anew before the person can be approved."""

    application: Id
    criterion: Id
    evidence: Digest
    reason: Text
