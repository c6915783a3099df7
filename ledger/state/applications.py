"""What filings, consents, reviews, recommendations, supplements, papers and refusals do to the applications."""

from ledger.procedure.acts import INTAKE
from ledger.procedure.vacancies import DropOut
from ledger.roll import Person
from ledger.state.application_book import Application, Applications, FiledMaterial, Recommendation
from ledger.state.application_window import has_key, screening_stage, window_ended
from ledger.state.books import Books
from ledger.state.matters import Folds
from ledger.state.standing import drop_out
from ledger.statements import Act
from ledger.statements.applications import (
    ApplicationFiled,
    ApplicationRefused,
    ApplicationSupplemented,
    ApplicationWithdrawn,
    ConsentGiven,
    DuplicateLinked,
    Material,
    PaperReceived,
    RecommendationEntered,
    RecommendationMade,
    ReviewRecorded,
    SupplementRequested,
    WithdrawalEntered,
)

__all__ = ["FOLDS", "Application", "Applications"]


def _filed(state: Books, act: Act, now: Act) -> None:
    body: ApplicationFiled = act.body
    matter = state.applications
    own = act.person == body.applicant
    agreed = own or (body.consent is not None and not has_key(state, body.applicant))
    first = next(iter(matter.by_tag.get(body.id_tag, ())), None)
    application = Application(
        application=body.application,
        person=body.applicant,
        unit=body.unit,
        occupation=body.occupation,
        industry=body.industry,
        way=body.way,
        index=act.index,
        at=act.at,
        author=act.person,
        by_intake=not own and state.roll.has_role(act.person, (INTAKE,)),
        recommender=body.recommender,
        id_tag=body.id_tag,
        record=body.record,
        late=window_ended(state, act.at),
        kin=matter.by_id[first].kin if first else [],
        consented=act.index if agreed else None,
    )
    application.kin.append(body.application)
    matter.by_id[body.application] = application
    matter.by_person.setdefault(body.applicant, []).append(body.application)
    matter.by_tag.setdefault(body.id_tag, []).append(body.application)
    _add_materials(application, body.materials, act.index)
    state.roll.add_person(Person(body.applicant, body.unit, body.id_tag, body.record))


def _add_materials(application: Application, materials: tuple[Material, ...], index: int) -> None:
    application.materials += [FiledMaterial(one.material, one.digest, index) for one in materials]


def _consented(state: Books, act: Act, now: Act) -> None:
    application = state.applications.by_id[act.body.application]
    application.consented = act.index if application.consented is None else application.consented


def _reviewed(state: Books, act: Act, now: Act) -> None:
    body: ReviewRecorded = act.body
    if body.originals_checked:
        state.applications.by_id[body.application].reviewed = act.index


def _recommended(state: Books, act: Act, now: Act) -> None:
    body: RecommendationMade = act.body
    unit = state.roll.unit(act.person) or "-"
    application = state.applications.by_id[body.application]
    application.recommended[body.level] = Recommendation(body.level, act.index, unit, on_paper=False)


def _recommended_on_paper(state: Books, act: Act, now: Act) -> None:
    body: RecommendationEntered = act.body
    application = state.applications.by_id[body.application]
    application.recommended[body.level] = Recommendation(body.level, act.index, body.unit, on_paper=True)
    if body.review_body is not None and body.originals_checked:
        application.reviewed = act.index
    state.findings.add("PAPER_RECOMMENDATION", "info", act.index, act.index, now.index, unit=body.unit)


def _requested(state: Books, act: Act, now: Act) -> None:
    state.applications.by_id[act.body.application].requests[act.index] = act.body.due_at


def _supplemented(state: Books, act: Act, now: Act) -> None:
    body: ApplicationSupplemented = act.body
    _add_materials(state.applications.by_id[body.application], body.materials, act.index)


def _withdrawn(state: Books, act: Act, now: Act) -> None:
    matter = state.applications
    application = matter.by_id[act.body.application]
    counted = matter.counts(application)
    application.withdrawn = now.index
    if not counted or not window_ended(state, now.at):
        # Before the deadline nobody stands on a list yet, and the person may file anew.
        return
    if matter.counting(application) is None or state.charter.is_closed(screening_stage(state).id):
        drop_out(state, application.person, DropOut.WITHDRAWN, now.index)


def _withdrawn_on_paper(state: Books, act: Act, now: Act) -> None:
    _withdrawn(state, act, now)
    state.findings.add("PAPER_WITHDRAWAL", "info", act.index, act.index, now.index, application=act.body.application)


def _paper(state: Books, act: Act, now: Act) -> None:
    body: PaperReceived = act.body
    application = state.applications.by_id[body.application]
    application.paper = now.index
    if application.late:
        application.late = False
        entries = (application.index, act.index, now.index)
        state.findings.add("LATE_KEYING", "info", act.index, *entries, application=body.application)


def _refused(state: Books, act: Act, now: Act) -> None:
    body: ApplicationRefused = act.body
    state.applications.by_id[body.application].refused = act.index


def _linked(state: Books, act: Act, now: Act) -> None:
    body: DuplicateLinked = act.body
    matter = state.applications
    together = sorted({*matter.by_id[body.first].kin, *matter.by_id[body.application].kin}, key=matter.index_of)
    for one in together:
        matter.by_id[one].kin = together


FOLDS: Folds = {
    ApplicationFiled: _filed,
    ConsentGiven: _consented,
    ReviewRecorded: _reviewed,
    RecommendationMade: _recommended,
    RecommendationEntered: _recommended_on_paper,
    SupplementRequested: _requested,
    ApplicationSupplemented: _supplemented,
    ApplicationWithdrawn: _withdrawn,
    WithdrawalEntered: _withdrawn_on_paper,
    PaperReceived: _paper,
    ApplicationRefused: _refused,
    DuplicateLinked: _linked,
}
