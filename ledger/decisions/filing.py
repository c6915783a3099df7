"""An application comes in: clauses six(二) and seven(四). Late ones are admitted and marked.

A second way in by the same person is admitted and linked by the equal keyed hash of the ID number; the same way a
second time would count twice and is refused. Names play no part: two people of one name are two ids.
"""

from ledger.decisions.application_standing import FILING, LEVELS, governing, unknown_material
from ledger.decisions.registry import Asked
from ledger.procedure.acts import APPLICANT, INTAKE, RECOMMENDER
from ledger.procedure.programme import Programme
from ledger.procedure.reasons import Refusal, refuse
from ledger.procedure.separation import conflict
from ledger.selection import Selection
from ledger.state.application_window import applications_stage, window_ended
from ledger.statements.applications import ApplicationFiled


def file(state: Selection, asked: Asked) -> Refusal | None:
    """Clauses 六(二), 七(四)1: may this filing become an entry? Whether it is in time is marked, not refused."""
    body: ApplicationFiled = asked.body
    stage = applications_stage(state)
    if stage.id not in state.charter.stages:
        return refuse("STAGE_NOT_OPEN", stage.clause, stage=stage.id)
    if body.application in state.applications.by_id:
        return refuse("APPLICATION_EXISTS", FILING, application=body.application)
    programme = governing(state)
    return (
        _author(state, asked)
        or _way(state, body, programme)
        or unknown_material(programme, body.materials)
        or _identity(state, body)
        or _separate(state, body, programme)
        or _twice(state, asked)
    )


def _author(state: Selection, asked: Asked) -> Refusal | None:
    """The applicant signs, or the recommender named in it, or the intake office."""
    body: ApplicationFiled = asked.body
    if asked.person == body.applicant:
        return None
    if state.roll.has_role(asked.person, (INTAKE,)):
        return None
    if not state.roll.has_role(asked.person, (RECOMMENDER,)):
        return refuse("NOT_AUTHORISED", FILING, act=asked.statement.type, needed=f"{APPLICANT}/{RECOMMENDER}/{INTAKE}")
    if body.recommender != asked.person:
        return refuse("RECOMMENDER_MISMATCH", FILING, recommender=body.recommender or "-", author=asked.person)
    return None


def _way(state: Selection, body: ApplicationFiled, programme: Programme) -> Refusal | None:
    """Clause 六(二)1: level by level from the own unit; otherwise the special circumstance is stated."""
    way = programme.way(body.way)
    if way is None:
        return refuse("UNKNOWN_WAY", LEVELS, way=body.way)
    if way.special and body.special_circumstance is None:
        return refuse("SPECIAL_CIRCUMSTANCE_MISSING", LEVELS, way=body.way)
    if body.recommender is None:
        return None
    if body.recommender == body.applicant or not state.roll.has_role(body.recommender, (RECOMMENDER,)):
        return refuse("ROLE_NOT_HELD", LEVELS, person=body.recommender, role=RECOMMENDER)
    unit = state.roll.unit(body.recommender) or "-"
    if way.levels and unit != body.unit:
        return refuse("UNIT_MISMATCH", LEVELS, unit=unit, expected=body.unit)
    return None


def _identity(state: Selection, body: ApplicationFiled) -> Refusal | None:
    """A person is one person: an id and a keyed hash of the ID number that the roll knows belong together."""
    known = state.roll.people.get(body.applicant)
    if known is not None and known.id_tag not in (None, body.id_tag):
        return refuse("PERSON_MISMATCH", FILING, person=body.applicant)
    holder = state.roll.by_tag.get(body.id_tag, body.applicant)
    # A second filing under another id is linked to the first application; without one, the registered id must be used.
    if holder != body.applicant and body.id_tag not in state.applications.by_tag:
        return refuse("PERSON_MISMATCH", FILING, person=body.applicant)
    return None


def _separate(state: Selection, body: ApplicationFiled, programme: Programme) -> Refusal | None:
    """No applicant sits in a body or holds another role that the programme keeps apart."""
    for person in sorted({body.applicant, state.roll.by_tag.get(body.id_tag, body.applicant)}):
        known = state.roll.people.get(person)
        held = tuple(known.roles) if known else ()
        seats = {one.role for one in programme.bodies}
        clash = conflict(programme, held, APPLICANT) or next((role for role in held if role in seats), None)
        if clash:
            return refuse("ROLE_CONFLICT", FILING, person=person, role=APPLICANT, held=clash)
    return None


def _twice(state: Selection, asked: Asked) -> Refusal | None:
    """Reading `one_application`: the same way a second time would count twice; nobody files late again and again."""
    body: ApplicationFiled = asked.body
    ended = window_ended(state, asked.at)
    for application_id in state.applications.by_tag.get(body.id_tag, ()):
        one = state.applications.by_id[application_id]
        if one.way != body.way:
            continue
        counts_twice = not ended and one.standing and one.consented is not None
        repeated = ended and one.late and one.refused is None and one.author == asked.person
        if counts_twice or repeated:
            return refuse("DUPLICATE_APPLICANT", FILING, application=body.application, first=application_id)
    return None
