"""Decisions on applications: consent, supplements, paper, withdrawal, refusal and links (six(二), six(三), seven(四)).

A late filing is an entry; whatever is done with it later is refused with `DEADLINE_PASSED`, except its own refusal, and
the paper that arrived in time and was only keyed late. How a filing comes in is `filing`, how it is recommended
`recommending`.
"""

from ledger.decisions.application_standing import (
    DEADLINE,
    FILING,
    MATERIALS,
    PAPER,
    governing,
    not_open,
    not_standing,
    paper_too_late,
    speaks_for,
    unknown_material,
)
from ledger.decisions.filing import file
from ledger.decisions.recommending import recommend, recommend_on_paper, review
from ledger.decisions.registry import Asked, CosignDecisions, Decisions, StageGates
from ledger.procedure import formalities
from ledger.procedure.acts import APPLICANT
from ledger.procedure.notice import in_time
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.application_book import Application
from ledger.state.application_window import closes_at, screening_stage, window_ended
from ledger.statements.applications import (
    ApplicationFiled,
    ApplicationRefused,
    ApplicationSupplemented,
    ApplicationWithdrawn,
    ConsentGiven,
    DuplicateLinked,
    PaperReceived,
    RecommendationEntered,
    RecommendationMade,
    ReviewRecorded,
    SupplementRequested,
    WithdrawalEntered,
)


def _consent(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 六(二): only the applicant agrees, once."""
    body: ConsentGiven = asked.body
    refused = not_standing(state, body.application) or _not_applicant(state, asked, body.application)
    if refused is not None:
        return refused
    agreed = state.applications.by_id[body.application].consented
    if agreed is not None:
        return refuse("ALREADY_CONSENTED", FILING, application=body.application, entry=agreed)
    return None


def _not_applicant(state: Selection, asked: Asked, application_id: str) -> Refusal | None:
    if asked.person == state.applications.by_id[application_id].person:
        return None
    return refuse("NOT_AUTHORISED", FILING, act=asked.statement.type, needed=APPLICANT)


def _request(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 六(三): a supplement is asked for while screening can still use it, with a deadline of its own."""
    body: SupplementRequested = asked.body
    refused = not_standing(state, body.application)
    if refused is not None:
        return refused
    stage = screening_stage(state)
    if state.charter.is_closed(stage.id):
        return refuse("STAGE_CLOSED", MATERIALS, stage=stage.id)
    if body.due_at <= asked.at:
        return refuse("DUE_DATE_PAST", MATERIALS, due_at=body.due_at, at=asked.at)
    return None


def _supplement(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 六(三): free until the deadline; afterwards only on a recorded request and within its deadline."""
    body: ApplicationSupplemented = asked.body
    refused = not_standing(state, body.application)
    if refused is not None:
        return refused
    one = state.applications.by_id[body.application]
    if not speaks_for(state, one, asked.person):
        return refuse("NOT_AUTHORISED", MATERIALS, act=asked.statement.type, needed=APPLICANT)
    if not _supplement_free(state, asked, one):
        due_at = one.requests.get(body.request, 0) if body.request is not None else closes_at(state)
        return refuse("ATTACHMENT_FROZEN", MATERIALS, application=body.application, due_at=due_at)
    if not body.materials:
        return refuse("NOTHING_FILED", MATERIALS, application=body.application)
    return unknown_material(governing(state), body.materials)


def _supplement_free(state: Selection, asked: Asked, one: Application) -> bool:
    body: ApplicationSupplemented = asked.body
    if body.request is None:
        return not window_ended(state, asked.at)
    due_at = one.requests.get(body.request)
    return due_at is not None and in_time(asked.at, due_at) and not state.charter.is_closed(screening_stage(state).id)


def _withdraw(state: Selection, asked: Asked) -> Refusal | None:
    """Nobody but the applicant withdraws; at any time."""
    body: ApplicationWithdrawn = asked.body
    return not_standing(state, body.application) or _not_applicant(state, asked, body.application)


def _withdraw_on_paper(state: Selection, asked: Asked) -> Refusal | None:
    body: WithdrawalEntered = asked.body
    return not_standing(state, body.application)


def _paper(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 七(四)2: the paper copies, within their grace; what the desk keyed late counts by arrival on paper."""
    body: PaperReceived = asked.body
    refused = not_open(state, body.application) or paper_too_late(state, asked, body.arrived_at)
    if refused is not None:
        return refused
    one = state.applications.by_id[body.application]
    deadline = closes_at(state)
    if one.late and not (one.by_intake and in_time(body.arrived_at, deadline)):
        return refuse("DEADLINE_PASSED", DEADLINE, deadline=deadline, at=body.arrived_at if one.by_intake else one.at)
    if one.paper is not None:
        return refuse("PAPER_RECEIVED", PAPER, application=body.application, entry=one.paper)
    programme = governing(state)
    kinds = one.dossier.materials
    if not formalities.paper_complete(programme.paper, programme.materials, kinds, body.forms, body.proof_sets):
        wanted = programme.paper
        return refuse("PAPER_INCOMPLETE", PAPER, forms=body.forms, proof_sets=body.proof_sets,
                      forms_needed=wanted.forms, proof_sets_needed=wanted.proof_sets)  # fmt: skip
    return None


def _refuse(state: Selection, asked: Asked) -> Refusal | None:
    """Clauses 七(四)1, 六(三): a filing is not accepted on a ground that holds: late, incomplete, or counting twice."""
    body: ApplicationRefused = asked.body
    refused = not_open(state, body.application)
    if refused is not None:
        return refused
    one = state.applications.by_id[body.application]
    if one.decision is not None:
        return refuse("APPLICATION_DECIDED", FILING, application=body.application, entry=one.decision.index)
    holds = {
        "late": one.late,
        "duplicate": not one.late and not state.applications.counts(one),
        "incomplete": not one.late and _incomplete(state, asked, one),
    }
    if not holds[body.ground]:
        return refuse("GROUND_NOT_MET", DEADLINE, application=body.application, ground=body.ground)
    return None


def _incomplete(state: Selection, asked: Asked, one: Application) -> bool:
    """Something is missing that can no longer come: paper after its grace, everything else after the deadline."""
    programme = governing(state)
    codes = {lack.code for lack in formalities.lacking(programme, one.dossier)}
    if in_time(asked.at, formalities.paper_deadline(programme.paper, closes_at(state))):
        codes.discard("PAPER_MISSING")
    return bool(codes) and window_ended(state, asked.at)


def _link(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 六(二): two applications found to be one person's; the earlier one is named as the first."""
    body: DuplicateLinked = asked.body
    refused = not_standing(state, body.application) or not_standing(state, body.first)
    if refused is not None:
        return refused
    one, first = state.applications.by_id[body.application], state.applications.by_id[body.first]
    if body.application in first.kin:
        return refuse("ALREADY_LINKED", FILING, application=body.application, first=body.first)
    if one.index < first.index:
        return refuse("FIRST_IS_LATER", FILING, application=body.application, first=body.first)
    return None


def _may_open(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Clause 七(四)1: applications begin on the day the programme states, not before."""
    if stage.opens_at is not None and asked.at < stage.opens_at:
        return refuse("WINDOW_NOT_BEGUN", DEADLINE, opens_at=stage.opens_at, at=asked.at)
    return None


def _may_close(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Clause 七(四)1: nor do they end before the deadline."""
    if in_time(asked.at, closes_at(state)):
        return refuse("WINDOW_NOT_ENDED", DEADLINE, deadline=closes_at(state), at=asked.at)
    return None


DECISIONS: Decisions = {
    ApplicationFiled: file,
    ConsentGiven: _consent,
    ReviewRecorded: review,
    RecommendationMade: recommend,
    RecommendationEntered: recommend_on_paper,
    SupplementRequested: _request,
    ApplicationSupplemented: _supplement,
    ApplicationWithdrawn: _withdraw,
    WithdrawalEntered: _withdraw_on_paper,
    PaperReceived: _paper,
    ApplicationRefused: _refuse,
    DuplicateLinked: _link,
}
COSIGN: CosignDecisions = {}
OPEN: StageGates = {StageKind.APPLICATIONS: _may_open}
CLOSE: StageGates = {StageKind.APPLICATIONS: _may_close}
