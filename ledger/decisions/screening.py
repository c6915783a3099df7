"""Screening (资格审核): clause four. Each criterion is decided by itself, on dated evidence; the outcome is derived.

A screener of the applicant's own unit needs a second one of another unit. A refusal names clause, reason and notice,
and can be appealed as often as the programme says. What is found later is decided anew before approval.
"""

from datetime import date

from ledger.decisions.application_standing import not_standing, speaks_for
from ledger.decisions.registry import Asked, CosignDecisions, Decisions, StageGates
from ledger.procedure.acts import APPLICANT, ORGANISER
from ledger.procedure.checklist import failing_clauses
from ledger.procedure.formalities import lacking
from ledger.procedure.notice import civil_date
from ledger.procedure.programme import Criterion, Programme, Stage, StageKind
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.application_book import Application
from ledger.state.application_window import applications_stage, programme_of, screening_stage
from ledger.state.books import Pending
from ledger.state.screening import eligibility, same_unit
from ledger.statements.screening import (
    AppealDecided,
    AppealFiled,
    CriterionDecided,
    DepartmentReplied,
    EligibilityChallenged,
    ScreeningDecided,
)

CLAUSE = "四"


def _governing(state: Selection) -> Programme:
    return programme_of(state, screening_stage(state))


def _criterion(state: Selection, criterion_id: str) -> Criterion | Refusal:
    found = _governing(state).criterion(criterion_id)
    return found if found is not None else refuse("UNKNOWN_CRITERION", CLAUSE, criterion=criterion_id)


def _bad_day(asked: Asked, dated: str, *others: str | None) -> Refusal | None:
    """Every day exists, and that of the evidence has come."""
    for day in (dated, *others):
        if day is not None and not _exists(day):
            return refuse("DATE_INVALID", CLAUSE, day=day)
    if date.fromisoformat(dated) > civil_date(asked.at, asked.programme.utc_offset_minutes):
        return refuse("DATE_INVALID", CLAUSE, day=dated)
    return None


def _exists(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _reply(state: Selection, asked: Asked) -> Refusal | None:
    """联审: a department replies on one exclusion; again, once screening is over, before approval."""
    body: DepartmentReplied = asked.body
    refused = not_standing(state, body.application) or _bad_day(asked, body.dated)
    if refused is not None:
        return refused
    criterion = _criterion(state, body.criterion)
    if isinstance(criterion, Refusal):
        return criterion
    if not criterion.joint_check:
        return refuse("NOT_JOINT_CHECKED", criterion.clause, criterion=body.criterion)
    office = state.charter.offices.get(asked.person)
    if not state.roll.has_role(asked.person, (ORGANISER,)) and office != body.department:
        return refuse("NOT_AUTHORISED", CLAUSE, act=asked.statement.type, needed=body.department)
    stage = screening_stage(state)
    if body.recheck and not state.charter.is_closed(stage.id):
        return refuse("RECHECK_TOO_EARLY", CLAUSE, stage=stage.id)
    return None


def _decide_criterion(state: Selection, asked: Asked) -> Refusal | None:
    """One criterion: dated evidence, a reply where departments reply, and the facts that it needs to count."""
    body: CriterionDecided = asked.body
    refused = not_standing(state, body.application)
    if refused is not None:
        return refused
    criterion = _criterion(state, body.criterion)
    if isinstance(criterion, Refusal):
        return criterion
    one = state.applications.by_id[body.application]
    if one.decision is not None and body.criterion not in one.challenges:
        return refuse("CRITERION_DECIDED", criterion.clause, criterion=body.criterion, entry=one.decision.index)
    return (
        _bad_day(asked, body.dated, body.happened_on, body.runs_until)
        or _facts(body, criterion)
        or _joint_check(one, body, criterion)
    )


def _facts(body: CriterionDecided, criterion: Criterion) -> Refusal | None:
    """Exclusions 3, 5 and 6: the day they count from, whom they bind, the stated facts."""
    if not body.binds and (body.met or not criterion.heads_only):
        return refuse("CRITERION_INCONSISTENT", criterion.clause, criterion=criterion.id)
    if not (criterion.exclusion and body.met):
        return None
    dates_missing = (criterion.lookback_years is not None and body.happened_on is None) or (
        criterion.while_running and body.runs_until is None
    )
    if dates_missing:
        return refuse("DATE_REQUIRED", criterion.clause, criterion=criterion.id)
    if criterion.facts_required and body.supporting is None:
        return refuse("FACTS_REQUIRED", criterion.clause, criterion=criterion.id)
    return None


def _joint_check(one: Application, body: CriterionDecided, criterion: Criterion) -> Refusal | None:
    if not criterion.joint_check or not body.binds or one.replies.get(criterion.id):
        return None
    return refuse("JOINT_CHECK_MISSING", criterion.clause, criterion=criterion.id, application=one.application)


def _decide(state: Selection, asked: Asked) -> Refusal | None:
    """The outcome is what the criteria give; a refusal says on which clauses, why, and that the applicant was told."""
    body: ScreeningDecided = asked.body
    refused = not_standing(state, body.application)
    if refused is not None:
        return refused
    one = state.applications.by_id[body.application]
    if one.decision is not None:
        return refuse("APPLICATION_DECIDED", CLAUSE, application=body.application, entry=one.decision.index)
    if not state.applications.counts(one):
        first = state.applications.counting(one)
        return refuse("DUPLICATE_APPLICANT", "六(二)", application=body.application,
                      first=first.application if first else "-")  # fmt: skip
    return _lacks(state, one, body) or _derived(state, one, body)


def _lacks(state: Selection, one: Application, body: ScreeningDecided) -> Refusal | None:
    """Clauses 六, 七: nobody passes without consent, way in, materials and paper; nobody is judged without consent."""
    for lack in lacking(programme_of(state, applications_stage(state)), one.dossier):
        if body.eligible or lack.code == "NO_APPLICANT_CONSENT":
            return refuse(lack.code, lack.clause, application=one.application, what=lack.what)
    return None


def _derived(state: Selection, one: Application, body: ScreeningDecided) -> Refusal | None:
    result = eligibility(state, one)
    open_criteria = (*result.unanswered, *one.challenges)
    if open_criteria:
        return _incomplete(one, open_criteria)
    clauses = failing_clauses(result, _governing(state), screening_stage(state).clause)
    if not body.eligible and not body.clauses:
        return refuse("CLAUSE_REQUIRED", CLAUSE, application=one.application)
    if result.eligible != body.eligible or body.clauses != (() if result.eligible else clauses):
        return refuse("RESULT_NOT_DERIVED", CLAUSE, subject=one.application)
    if not body.eligible and body.notice is None:
        return refuse("NOTICE_REQUIRED", CLAUSE, application=one.application)
    return None


def _incomplete(one: Application, criteria: tuple[str, ...]) -> Refusal:
    listed = ", ".join(dict.fromkeys(criteria))
    return refuse("SCREENING_INCOMPLETE", CLAUSE, application=one.application, criteria=listed)


def _appeal(state: Selection, asked: Asked) -> Refusal | None:
    """Reading `appeal`: a refusal can be appealed to the organiser, as often as the programme says."""
    body: AppealFiled = asked.body
    refused = not_standing(state, body.application)
    if refused is not None:
        return refused
    one = state.applications.by_id[body.application]
    if not speaks_for(state, one, asked.person):
        return refuse("NOT_AUTHORISED", CLAUSE, act=asked.statement.type, needed=APPLICANT)
    if one.appeal_open or len(one.appeals) >= asked.programme.appeals_most:
        return refuse("APPEAL_USED", CLAUSE, application=body.application, most=asked.programme.appeals_most)
    if one.decision is None or one.decision.eligible:
        return refuse("NOTHING_TO_APPEAL", CLAUSE, application=body.application)
    return None


def _decide_appeal(state: Selection, asked: Asked) -> Refusal | None:
    body: AppealDecided = asked.body
    refused = not_standing(state, body.application)
    if refused is not None:
        return refused
    if not state.applications.by_id[body.application].appeal_open:
        return refuse("NO_OPEN_APPEAL", CLAUSE, application=body.application)
    return None


def _challenge(state: Selection, asked: Asked) -> Refusal | None:
    """A fact found after the outcome: the criterion must be decided anew."""
    body: EligibilityChallenged = asked.body
    refused = not_standing(state, body.application)
    if refused is not None:
        return refused
    one = state.applications.by_id[body.application]
    if one.decision is None or body.criterion not in one.rulings:
        return refuse("CRITERION_UNDECIDED", CLAUSE, criterion=body.criterion)
    if body.criterion in one.challenges:
        return refuse("ALREADY_CHALLENGED", CLAUSE, criterion=body.criterion, entry=one.challenges[body.criterion])
    return None


def _second_screener(state: Selection, asked: Asked, waiting: Pending) -> Refusal | None:
    if same_unit(state, asked.person, waiting.act.body.application):
        return refuse("SCREENER_CONFLICT", CLAUSE, person=asked.person, application=waiting.act.body.application)
    return None


def _may_close(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Every filing is refused, withdrawn or decided, every criterion answered, every appeal settled."""
    for one in state.applications.by_id.values():
        refused = _undecided(state, one)
        if refused is not None:
            return refused
    return None


def _undecided(state: Selection, one: Application) -> Refusal | None:
    if one.refused is not None or one.withdrawn is not None:
        return None
    if one.late or (one.decision is None and not one.rulings and state.applications.counts(one)):
        return refuse("APPLICATION_UNDECIDED", CLAUSE, application=one.application)
    if not state.applications.counts(one):
        return None
    if one.appeal_open:
        return refuse("APPEAL_UNDECIDED", CLAUSE, application=one.application)
    missing = (*eligibility(state, one).unanswered, *one.challenges)
    if missing:
        return _incomplete(one, missing)
    if one.decision is None:
        return refuse("APPLICATION_UNDECIDED", CLAUSE, application=one.application)
    return None


DECISIONS: Decisions = {
    DepartmentReplied: _reply,
    CriterionDecided: _decide_criterion,
    ScreeningDecided: _decide,
    AppealFiled: _appeal,
    AppealDecided: _decide_appeal,
    EligibilityChallenged: _challenge,
}
COSIGN: CosignDecisions = {
    CriterionDecided: _second_screener,
    ScreeningDecided: _second_screener,
    AppealDecided: _second_screener,
}
OPEN: StageGates = {}
CLOSE: StageGates = {StageKind.SCREENING: _may_close}
