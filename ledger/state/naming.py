"""Approval, naming, conferral, revocation and the year after (five(八), two, seven(三))."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.procedure.vacancies import DropOut
from ledger.state.deliberation import close_matter
from ledger.state.standing import drop_out
from ledger.state.voters import APPROVAL
from ledger.statements.naming import (
    ApprovalDecided,
    ApprovalSubmitted,
    BenefitApplied,
    BenefitGranted,
    BenefitInspected,
    QualificationEnded,
    ResponsibilityReferred,
    TitleRevoked,
    TitlesConferred,
    TitlesNamed,
)

if TYPE_CHECKING:
    from ledger.selection import Selection
    from ledger.state.matters import Folds
    from ledger.statements import Act


@dataclass(slots=True)
class Submission:
    """A list submitted to the chairman's office: the entries that submitted and decided it, and the outcome."""

    id: str
    index: int
    candidates: tuple[str, ...]
    decided: int | None = None
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Titles:
    """The naming: its entry, when (UTC ms), and who was named. It is never changed by what comes later."""

    index: int
    at: int
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Referral:
    """A recommender whose responsibility was referred."""

    index: int
    candidate: str
    recommender: str


@dataclass(slots=True)
class Benefit:
    """What one named person did to get one benefit of the following year; each act by its entry, or None."""

    applied: int | None = None
    inspected: int | None = None
    passed: bool = False
    granted: int | None = None
    grant_cents: int = 0


@dataclass(slots=True)
class Naming:
    """Submissions, the naming and its conferral, what was ended or revoked, and the benefits by (benefit, person)."""

    submissions: dict[str, Submission] = field(default_factory=dict)
    titles: Titles | None = None
    conferred: int | None = None
    revoked: dict[str, int] = field(default_factory=dict)
    referred: list[Referral] = field(default_factory=list)
    benefits: dict[tuple[str, str], Benefit] = field(default_factory=dict)

    @property
    def last(self) -> Submission | None:
        """The newest submission."""
        return next(reversed(self.submissions.values()), None)

    def holds_title(self, person: str) -> bool:
        """Say whether a person was named and has kept the title."""
        return self.titles is not None and person in self.titles.candidates and person not in self.revoked

    def benefit(self, benefit: str, person: str) -> Benefit:
        """Return how far a person's benefit has come; an empty one where nothing has happened."""
        return self.benefits.get((benefit, person)) or Benefit()

    def paid_cents(self, person: str) -> int:
        """Return how much money a person was granted."""
        return sum(one.grant_cents for (_, holder), one in self.benefits.items() if holder == person)


def _submitted(state: "Selection", act: "Act", now: "Act") -> None:
    body: ApprovalSubmitted = act.body
    state.naming.submissions[body.submission] = Submission(body.submission, now.index, body.candidates)
    state.deliberation.open_matter(f"{APPROVAL}:{body.submission}", (body.submission,), now.index)


def _decided(state: "Selection", act: "Act", now: "Act") -> None:
    body: ApprovalDecided = act.body
    submission = state.naming.submissions[body.submission]
    submission.decided, submission.approved = now.index, body.approved
    close_matter(state, state.deliberation.matters[f"{APPROVAL}:{body.submission}"], now.index, body.minutes)


def _named(state: "Selection", act: "Act", now: "Act") -> None:
    body: TitlesNamed = act.body
    state.naming.titles = Titles(now.index, now.at, body.candidates)
    state.notices.relied_on = now.index


def _conferred(state: "Selection", act: "Act", now: "Act") -> None:
    state.naming.conferred = now.index


def _ended(state: "Selection", act: "Act", now: "Act") -> None:
    for person in state.applications.same_person(act.body.candidate):
        drop_out(state, person, DropOut.TERMINATED, now.index)


def _referred(state: "Selection", act: "Act", now: "Act") -> None:
    body: ResponsibilityReferred = act.body
    state.naming.referred.append(Referral(now.index, body.candidate, body.recommender))


def _revoked(state: "Selection", act: "Act", now: "Act") -> None:
    state.naming.revoked[act.body.candidate] = now.index


def _begun(state: "Selection", benefit: str, person: str) -> Benefit:
    return state.naming.benefits.setdefault((benefit, person), Benefit())


def _applied(state: "Selection", act: "Act", now: "Act") -> None:
    _begun(state, act.body.benefit, act.person).applied = now.index


def _inspected(state: "Selection", act: "Act", now: "Act") -> None:
    body: BenefitInspected = act.body
    benefit = _begun(state, body.benefit, body.candidate)
    benefit.inspected, benefit.passed = now.index, body.passed


def _granted(state: "Selection", act: "Act", now: "Act") -> None:
    body: BenefitGranted = act.body
    benefit = _begun(state, body.benefit, body.candidate)
    benefit.granted, benefit.grant_cents = now.index, body.grant_cents


FOLDS: "Folds" = {
    ApprovalSubmitted: _submitted,
    ApprovalDecided: _decided,
    TitlesNamed: _named,
    TitlesConferred: _conferred,
    QualificationEnded: _ended,
    ResponsibilityReferred: _referred,
    TitleRevoked: _revoked,
    BenefitApplied: _applied,
    BenefitInspected: _inspected,
    BenefitGranted: _granted,
}
