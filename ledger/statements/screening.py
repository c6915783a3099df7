"""Screening by condition and exclusion, each decided on dated evidence; appeal once (four)."""

from dataclasses import dataclass

from ledger.statements.fields import Day, Digest, Id, Text
from ledger.statements.kinds import kind


@kind("department.replied")
@dataclass(frozen=True, slots=True)
class DepartmentReplied:
    """A department's dated reply in the joint check (联审) on one exclusion of one person; `recheck`: once more."""

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
    """One criterion of one application, with reason and evidence of the day `dated`.

    `met` of an exclusion says that it applies. `binds` is false only where an exclusion of heads of enterprises meets
    somebody who is none. `happened_on`: the last day of what an exclusion looks back on; `runs_until`: the last day of
    its period of influence. `supporting`: the second fact that a condition needs (the award's benefit), or the stated
    facts that an exclusion needs.
    """

    application: Id
    binds: bool
    criterion: Id
    dated: Day
    evidence: Digest
    happened_on: Day | None
    met: bool
    reason: Text
    runs_until: Day | None
    supporting: Digest | None


@kind("screening.decided")
@dataclass(frozen=True, slots=True)
class ScreeningDecided:
    """The outcome for one application; must be what the criteria give.

    A refusal names the clauses it rests on, also derived, and `notice`, the notice to the applicant.
    """

    application: Id
    clauses: tuple[Text, ...]
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
