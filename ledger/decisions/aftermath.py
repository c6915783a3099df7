"""The end of a qualification, revocation, responsibility, and the year after: clauses two, seven(三)."""

from ledger.decisions.naming import wrong_naming
from ledger.decisions.prerequisites import unreasoned
from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.procedure.notice import civil_date
from ledger.procedure.programme import Benefit, Programme
from ledger.procedure.reasons import Refusal, refuse
from ledger.procedure.vacancies import DropOut
from ledger.selection import Selection
from ledger.statements.naming import (
    BenefitApplied,
    BenefitGranted,
    BenefitInspected,
    QualificationEnded,
    ResponsibilityReferred,
    TitleRevoked,
)

CLAUSE = "七(三)"
BENEFITS = "二"


def _end(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 七(三): proven falsehood ends a qualification at any time; a title already named is revoked instead."""
    body: QualificationEnded = asked.body
    titles = state.naming.titles
    if titles is not None and body.candidate in titles.candidates:
        return refuse("ALREADY_NAMED", CLAUSE, index=titles.index)
    if body.candidate not in state.applications.by_person:
        return refuse("NOT_AN_APPLICANT", CLAUSE, person=body.candidate)
    # Whoever withdrew upon discovery is ended all the same: the responsibility of others hangs on it.
    known = state.out.get(body.candidate)
    if known is not None and DropOut.TERMINATED in known.causes:
        return refuse("ALREADY_OUT", CLAUSE, person=body.candidate, index=known.index)
    return unreasoned(body.reason, CLAUSE, body.candidate)


def _revoke(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 七(三), reading `revoked_seat`: the title goes and the money comes back; the place is not filled again."""
    body: TitleRevoked = asked.body
    refused = wrong_naming(state, body.naming)
    if refused is not None:
        return refused
    if body.candidate in state.naming.revoked:
        return refuse("ALREADY_REVOKED", CLAUSE, person=body.candidate, index=state.naming.revoked[body.candidate])
    if not state.naming.holds_title(body.candidate):
        return refuse("NOT_NAMED", CLAUSE, person=body.candidate)
    paid = state.naming.paid_cents(body.candidate)
    if body.reclaim_cents != paid:
        return refuse("AMOUNT_MISMATCH", CLAUSE, expected=paid, given=body.reclaim_cents)
    return unreasoned(body.reason, CLAUSE, body.candidate)


def _refer(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 七(三): who recommended somebody whose falsehood was proven is held responsible, once."""
    body: ResponsibilityReferred = asked.body
    ended = state.out.get(body.candidate)
    proven = body.candidate in state.naming.revoked or (ended is not None and DropOut.TERMINATED in ended.causes)
    if not proven:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="qualification.ended", subject=body.candidate)
    if body.recommender not in state.roll.people:
        return refuse("UNKNOWN_PERSON", CLAUSE, person=body.recommender)
    for known in state.naming.referred:
        if (known.candidate, known.recommender) == (body.candidate, body.recommender):
            return refuse("ALREADY_REFERRED", CLAUSE, index=known.index)
    return unreasoned(body.reason, CLAUSE, body.candidate)


def _benefit_of(programme: Programme, benefit_id: str) -> Benefit | None:
    return next((one for one in programme.benefits if one.id == benefit_id), None)


def _entitled(state: Selection, asked: Asked, benefit_id: str, person: str) -> Refusal | None:
    """Clause 二: benefits are for those who hold the title, in the year after the naming, and given once."""
    titles = state.naming.titles
    if titles is None or not state.naming.holds_title(person):
        return refuse("NOT_NAMED", BENEFITS, person=person)
    if _benefit_of(asked.programme, benefit_id) is None:
        return refuse("UNKNOWN_BENEFIT", BENEFITS, benefit=benefit_id)
    offset = asked.programme.utc_offset_minutes
    due, year = civil_date(titles.at, offset).year + 1, civil_date(asked.at, offset).year
    if year != due:
        return refuse("BENEFIT_YEAR", BENEFITS, due=due, given=year)
    granted = state.naming.benefit(benefit_id, person).granted
    return refuse("ALREADY_GRANTED", BENEFITS, index=granted) if granted is not None else None


def _apply(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 二: a named person applies, for what is given on application."""
    body: BenefitApplied = asked.body
    refused = wrong_naming(state, body.naming) or _entitled(state, asked, body.benefit, asked.person)
    if refused is not None:
        return refused
    benefit = _benefit_of(asked.programme, body.benefit)
    if benefit is None or not benefit.on_application:
        return refuse("NOT_ON_APPLICATION", BENEFITS, benefit=body.benefit)
    applied = state.naming.benefit(body.benefit, asked.person).applied
    return refuse("ALREADY_APPLIED", BENEFITS, index=applied) if applied is not None else None


def _inspect(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 二: what needs an inspection is inspected once, after the application where there must be one."""
    body: BenefitInspected = asked.body
    refused = _entitled(state, asked, body.benefit, body.candidate)
    if refused is not None:
        return refused
    known = state.naming.benefit(body.benefit, body.candidate)
    benefit = _benefit_of(asked.programme, body.benefit)
    if benefit is not None and benefit.on_application and known.applied is None:
        return refuse("PREREQUISITE_MISSING", BENEFITS, step="benefit.applied", subject=body.candidate)
    if known.inspected is not None:
        return refuse("ALREADY_INSPECTED", BENEFITS, person=body.candidate, index=known.inspected)
    return None


def _grant(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 二: granted as the programme states it, after application and inspection where it asks for them."""
    body: BenefitGranted = asked.body
    refused = wrong_naming(state, body.naming) or _entitled(state, asked, body.benefit, body.candidate)
    benefit = _benefit_of(asked.programme, body.benefit)
    if refused is not None or benefit is None:
        return refused
    known = state.naming.benefit(body.benefit, body.candidate)
    if benefit.on_application and known.applied is None:
        return refuse("PREREQUISITE_MISSING", BENEFITS, step="benefit.applied", subject=body.candidate)
    if benefit.inspected and not known.passed:
        return refuse("PREREQUISITE_MISSING", BENEFITS, step="benefit.inspected", subject=body.candidate)
    if body.grant_cents != benefit.grant_cents:
        return refuse("AMOUNT_MISMATCH", BENEFITS, expected=benefit.grant_cents, given=body.grant_cents)
    year = civil_date(asked.at, asked.programme.utc_offset_minutes).year
    return None if body.year == year else refuse("BENEFIT_YEAR", BENEFITS, due=year, given=body.year)


DECISIONS: Decisions = {
    QualificationEnded: _end,
    TitleRevoked: _revoke,
    ResponsibilityReferred: _refer,
    BenefitApplied: _apply,
    BenefitInspected: _inspect,
    BenefitGranted: _grant,
}
COSIGN: CosignDecisions = {}
