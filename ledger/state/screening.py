"""What replies, rulings, outcomes, appeals and later-found facts do to an application (four)."""

from dataclasses import replace
from datetime import date

from ledger.procedure.checklist import Ruling, eligibility_of, joint_checks
from ledger.procedure.eligibility import Answer, Eligibility
from ledger.procedure.vacancies import DropOut
from ledger.state.application_book import Application, Decision, Reply
from ledger.state.application_window import programme_of, screening_stage, units_of
from ledger.state.books import Books
from ledger.state.matters import ExtraSigners, Folds
from ledger.state.standing import drop_out
from ledger.statements import Act
from ledger.statements.screening import (
    AppealDecided,
    AppealFiled,
    CriterionDecided,
    DepartmentReplied,
    EligibilityChallenged,
    ScreeningDecided,
)


def ruling_of(body: CriterionDecided, index: int, decided_by: str) -> Ruling:
    """Return the ruling that a statement makes; raises `ValueError` for a day that does not exist."""
    answer = Answer(
        criterion=body.criterion,
        holds=body.met,
        second_fact=body.supporting is not None,
        happened_on=date.fromisoformat(body.happened_on) if body.happened_on else None,
        runs_until=date.fromisoformat(body.runs_until) if body.runs_until else None,
        facts_stated=body.supporting is not None,
    )
    return Ruling(answer, body.binds, index, decided_by)


def eligibility(state: Books, application: Application) -> Eligibility:
    """Return what the rulings on an application give, by the version of the programme that governs screening."""
    return eligibility_of(programme_of(state, screening_stage(state)), application.rulings)


def same_unit(state: Books, screener: str, application_id: str) -> bool:
    """Say whether a screener works in the unit of the applicant."""
    application = state.applications.by_id.get(application_id)
    return application is not None and state.roll.unit(screener) in units_of(state, application)


def _replied(state: Books, act: Act, now: Act) -> None:
    body: DepartmentReplied = act.body
    application = state.applications.by_id[body.application]
    reply = Reply(act.index, body.department, body.clear, body.recheck)
    application.replies.setdefault(body.criterion, []).append(reply)
    if body.recheck and not body.clear:
        application.challenges.setdefault(body.criterion, act.index)


def _criterion(state: Books, act: Act, now: Act) -> None:
    body: CriterionDecided = act.body
    application = state.applications.by_id[body.application]
    application.rulings[body.criterion] = ruling_of(body, now.index, act.person)
    challenged = application.challenges.pop(body.criterion, None)
    last = next(reversed(application.replies.get(body.criterion, [])), None)
    if last is not None and not last.clear and not body.met:
        state.findings.add("REPLY_OVERRULED", "warn", act.index, last.index, act.index, criterion=body.criterion)
    if application.decision is not None and challenged is not None:
        _decided_anew(state, application, application.decision, now.index, challenged)


def _decided_anew(state: Books, application: Application, decision: Decision, index: int, challenged: int) -> None:
    """A challenged criterion was decided anew: whoever no longer qualifies is out, or decided again in screening."""
    application.decision = replace(decision, recheck=_to_recheck(state, application))
    if eligibility(state, application).eligible == decision.eligible:
        return
    if state.charter.is_open(screening_stage(state).id):
        application.decision = None
    elif decision.eligible:
        drop_out(state, application.person, DropOut.STRUCK_OFF, index)
        entries = (decision.index, challenged, index)
        state.findings.add("ELIGIBILITY_LOST", "warn", index, *entries, application=application.application)


def _decided(state: Books, act: Act, now: Act) -> None:
    body: ScreeningDecided = act.body
    application = state.applications.by_id[body.application]
    application.decision = Decision(now.index, body.eligible, _to_recheck(state, application))


def _to_recheck(state: Books, application: Application) -> tuple[str, ...]:
    return joint_checks(programme_of(state, screening_stage(state)), application.rulings)


def _appealed(state: Books, act: Act, now: Act) -> None:
    application = state.applications.by_id[act.body.application]
    application.appeals.append(act.index)
    application.appeal_open = True


def _appeal_decided(state: Books, act: Act, now: Act) -> None:
    body: AppealDecided = act.body
    application = state.applications.by_id[body.application]
    application.appeal_open = False
    if body.upheld:
        application.rulings.clear()
        application.decision = None


def _challenged(state: Books, act: Act, now: Act) -> None:
    body: EligibilityChallenged = act.body
    state.applications.by_id[body.application].challenges.setdefault(body.criterion, act.index)


def _second_screener(state: Books, act: Act) -> int:
    """A colleague never decides alone; and once screening is over nobody does, as a ruling may then cost a place."""
    late = state.charter.is_closed(screening_stage(state).id)
    return int(late or same_unit(state, act.person, act.body.application))


def _conflict(state: Books, act: Act, now: Act) -> None:
    if not same_unit(state, act.person, act.body.application):
        return
    unit = state.roll.unit(act.person) or "-"
    facts = {"screener": act.person, "unit": unit, "application": act.body.application}
    state.findings.add("SCREENER_CONFLICT", "breach", act.index, act.index, **facts)


FOLDS: Folds = {
    DepartmentReplied: _replied,
    CriterionDecided: _criterion,
    ScreeningDecided: _decided,
    AppealFiled: _appealed,
    AppealDecided: _appeal_decided,
    EligibilityChallenged: _challenged,
}
PENDING: Folds = {CriterionDecided: _conflict, ScreeningDecided: _conflict, AppealDecided: _conflict}
EXTRA_SIGNERS: "dict[type[object], ExtraSigners]" = {
    CriterionDecided: _second_screener,
    ScreeningDecided: _second_screener,
    AppealDecided: _second_screener,
}
