"""Approval, naming, conferral, revocation and the year after (five(八), two, seven(三))."""

from ledger.procedure.vacancies import DropOut
from ledger.state.books import Books
from ledger.state.deliberation import close_matter
from ledger.state.matters import Folds
from ledger.state.naming_book import Benefit, Referral, Submission, Titles
from ledger.state.standing import drop_out
from ledger.state.voters import APPROVAL
from ledger.statements import Act
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


def _submitted(state: Books, act: Act, now: Act) -> None:
    body: ApprovalSubmitted = act.body
    state.naming.submissions[body.submission] = Submission(body.submission, now.index, body.candidates)
    state.deliberation.open_matter(f"{APPROVAL}:{body.submission}", (body.submission,), now.index)


def _decided(state: Books, act: Act, now: Act) -> None:
    body: ApprovalDecided = act.body
    submission = state.naming.submissions[body.submission]
    submission.decided, submission.approved = now.index, body.approved
    close_matter(state, state.deliberation.matters[f"{APPROVAL}:{body.submission}"], now.index, body.minutes)


def _named(state: Books, act: Act, now: Act) -> None:
    body: TitlesNamed = act.body
    state.naming.titles = Titles(now.index, now.at, body.candidates)
    state.notices.relied_on = now.index


def _conferred(state: Books, act: Act, now: Act) -> None:
    state.naming.conferred = now.index


def _ended(state: Books, act: Act, now: Act) -> None:
    for person in state.applications.same_person(act.body.candidate):
        drop_out(state, person, DropOut.TERMINATED, now.index)


def _referred(state: Books, act: Act, now: Act) -> None:
    body: ResponsibilityReferred = act.body
    state.naming.referred.append(Referral(now.index, body.candidate, body.recommender))


def _revoked(state: Books, act: Act, now: Act) -> None:
    state.naming.revoked[act.body.candidate] = now.index


def _begun(state: Books, benefit: str, person: str) -> Benefit:
    return state.naming.benefits.setdefault((benefit, person), Benefit())


def _applied(state: Books, act: Act, now: Act) -> None:
    _begun(state, act.body.benefit, act.person).applied = now.index


def _inspected(state: Books, act: Act, now: Act) -> None:
    body: BenefitInspected = act.body
    benefit = _begun(state, body.benefit, body.candidate)
    benefit.inspected, benefit.passed = now.index, body.passed


def _granted(state: Books, act: Act, now: Act) -> None:
    body: BenefitGranted = act.body
    benefit = _begun(state, body.benefit, body.candidate)
    benefit.granted, benefit.grant_cents = now.index, body.grant_cents


FOLDS: Folds = {
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
