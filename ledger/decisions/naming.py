"""Submission, approval, naming and conferral: clauses five(八) and two."""

from ledger.decisions.deliberation import too_few
from ledger.decisions.prerequisites import not_derived, places_vacant, steps_missing
from ledger.decisions.registry import Asked, CosignDecisions, Decisions, StageGates
from ledger.nominees import list_hash, to_approve
from ledger.procedure.notice import civil_date
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.deliberation import carries
from ledger.state.voters import APPROVAL
from ledger.statements.naming import ApprovalDecided, ApprovalSubmitted, TitlesConferred, TitlesNamed

CLAUSE = "五(八)"


def _named_already(state: Selection) -> Refusal | None:
    titles = state.naming.titles
    return refuse("ALREADY_NAMED", CLAUSE, index=titles.index) if titles is not None else None


def _ready(state: Selection, asked: Asked, candidates: tuple[str, ...], given_hash: str) -> Refusal | None:
    """Clause 五(八): everybody who holds a place and nobody else, every step behind them, no objection open."""
    if len(candidates) > asked.programme.seats:
        return refuse("SEATS_EXCEEDED", CLAUSE, given=len(candidates), seats=asked.programme.seats)
    derived = to_approve(state)
    if not derived:
        return refuse("NOTHING_TO_APPROVE", CLAUSE)
    return (
        places_vacant(state, CLAUSE)
        or not_derived(candidates, given_hash, derived, CLAUSE)
        or steps_missing(state, asked, derived, StageKind.APPROVAL, CLAUSE)
        or _objections(state)
        or _checked_again(state, derived)
        or _breaches(state)
    )


def _objections(state: Selection) -> Refusal | None:
    """Reading `approve_separately`: all are approved together, so one open objection holds up the whole list."""
    waiting = state.notices.objections.open(state.out)
    return refuse("OBJECTION_OPEN", CLAUSE, open=len(waiting), first=waiting[0].id) if waiting else None


def _checked_again(state: Selection, candidates: tuple[str, ...]) -> Refusal | None:
    """Clause 四: the exclusions are checked again before approval, and what was found later is decided anew."""
    for person in candidates:
        if state.applications.recheck_missing(person):
            return refuse("PREREQUISITE_MISSING", "四", step="department.replied", subject=person)
        if state.applications.challenges_open(person):
            return refuse("PREREQUISITE_MISSING", "四", step="criterion.decided", subject=person)
    return None


def _breaches(state: Selection) -> Refusal | None:
    found = state.findings.open_breaches()
    return refuse("FINDING_OPEN", CLAUSE, open=len(found), first=found[0].id) if found else None


def _submit(state: Selection, asked: Asked) -> Refusal | None:
    """The leadership group submits; a new list only after the last one was denied or no longer holds."""
    body: ApprovalSubmitted = asked.body
    if body.submission in state.naming.submissions:
        return refuse("DUPLICATE_ID", CLAUSE, id=body.submission)
    return _named_already(state) or _still_holds(state) or _ready(state, asked, body.candidates, body.list_hash)


def _still_holds(state: Selection) -> Refusal | None:
    last = state.naming.last
    if last is None or last.candidates != to_approve(state) or (last.decided is not None and not last.approved):
        return None
    return refuse("ALREADY_SUBMITTED", CLAUSE, index=last.index)


def _approve(state: Selection, asked: Asked) -> Refusal | None:
    """The chairman's office decides by name, with minutes; the list must still be the derived one."""
    body: ApprovalDecided = asked.body
    last = state.naming.last
    if last is None or last.id != body.submission:
        return refuse("UNKNOWN_SUBMISSION", CLAUSE, submission=body.submission)
    if last.decided is not None:
        return refuse("ALREADY_DECIDED", CLAUSE, index=last.decided)
    matter = state.deliberation.matters[f"{APPROVAL}:{last.id}"]
    refused = too_few(state, matter)
    if refused is not None:
        return refused
    if carries(state, matter, last.id) != body.approved:
        given = "approved" if body.approved else "denied"
        return refuse("RESULT_NOT_DERIVED", CLAUSE, expected="denied" if body.approved else "approved", given=given)
    return _ready(state, asked, last.candidates, list_hash(last.candidates)) if body.approved else None


def _name(state: Selection, asked: Asked) -> Refusal | None:
    """市总工会 names whom the chairman's office approved: the whole derived list, once."""
    body: TitlesNamed = asked.body
    if len(body.candidates) > asked.programme.seats:
        return refuse("SEATS_EXCEEDED", CLAUSE, given=len(body.candidates), seats=asked.programme.seats)
    refused = _named_already(state)
    if refused is not None:
        return refused
    last = state.naming.last
    if last is None or not last.approved:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="approval.decided", subject=last.id if last else "-")
    return not_derived(body.candidates, body.list_hash, last.candidates, CLAUSE) or _ready(
        state, asked, body.candidates, body.list_hash
    )


def _confer(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 二, reading `conferring_body`: all sponsors confer together what 市总工会 named."""
    body: TitlesConferred = asked.body
    refused = wrong_naming(state, body.naming)
    if refused is not None:
        return refused
    if state.naming.conferred is not None:
        return refuse("ALREADY_CONFERRED", "二", index=state.naming.conferred)
    for waiting in state.pending.values():
        if type(waiting.act.body) is TitlesConferred:
            return refuse("ALREADY_PENDING", "二", index=waiting.act.index)
    return None


def wrong_naming(state: Selection, naming: int) -> Refusal | None:
    """Refuse what does not refer to the entry that named."""
    titles = state.naming.titles
    if titles is None:
        return refuse("PREREQUISITE_MISSING", "二", step="titles.named", subject=str(naming))
    return None if titles.index == naming else refuse("NAMING_MISMATCH", "二", expected=titles.index, given=naming)


def _may_open_aftermath(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    if state.naming.titles is None:
        return refuse("PREREQUISITE_MISSING", stage.clause, step="titles.named", subject=stage.id)
    return None


def _may_close_approval(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Clause 五(八): whoever holds a place has been named."""
    refused = places_vacant(state, stage.clause)
    if refused is not None:
        return refused
    if state.naming.titles is None and to_approve(state):
        return refuse("PREREQUISITE_MISSING", stage.clause, step="titles.named", subject=stage.id)
    return None


def _may_close_aftermath(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Clause 二: every application for a benefit has been decided, unless its title was revoked or its year is over."""
    titles, offset = state.naming.titles, asked.programme.utc_offset_minutes
    if titles is not None and civil_date(asked.at, offset).year > civil_date(titles.at, offset).year + 1:
        return None
    for (benefit, person), known in state.naming.benefits.items():
        failed = known.inspected is not None and not known.passed
        if known.applied is not None and known.granted is None and not failed and state.naming.holds_title(person):
            return refuse("PREREQUISITE_MISSING", stage.clause, step="benefit.granted", subject=f"{benefit}:{person}")
    return None


DECISIONS: Decisions = {
    ApprovalSubmitted: _submit,
    ApprovalDecided: _approve,
    TitlesNamed: _name,
    TitlesConferred: _confer,
}
COSIGN: CosignDecisions = {}
OPEN: StageGates = {StageKind.AFTERMATH: _may_open_aftermath}
CLOSE: StageGates = {StageKind.APPROVAL: _may_close_approval, StageKind.AFTERMATH: _may_close_aftermath}
