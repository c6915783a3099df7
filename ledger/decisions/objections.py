"""Objections: clause five(七). Received on paper or by one-time key, examined, heard, investigated, decided by name."""

from ledger.decisions.prerequisites import unreasoned
from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.errors import MalformedError
from ledger.procedure.acts import INTAKE
from ledger.procedure.hearing import ONE_TIME_OPEN_MOST, heard
from ledger.procedure.reasons import Refusal, refuse
from ledger.roll import SEALED_PREFIX
from ledger.selection import Selection
from ledger.signing import key_id, strict_b64decode, weakness
from ledger.state.objection_book import Objection
from ledger.state.places import vacancies
from ledger.state.voters import OBJECTION, same_unit
from ledger.statements.notices import (
    DecisionBlocked,
    HearingNotified,
    ObjectionAnswered,
    ObjectionDecided,
    ObjectionExamined,
    ObjectionInvestigated,
    ObjectionReceived,
    ObjectionWithdrawn,
    ReplyGiven,
    SealOpened,
)

CLAUSE = "五(七)"


def _receive(state: Selection, asked: Asked) -> Refusal | None:
    """An objection comes through the reception desk or by a one-time key, against people of a notice."""
    body: ObjectionReceived = asked.body
    notice = state.notices.by_id.get(body.notice)
    if notice is None:
        return refuse("UNKNOWN_NOTICE", CLAUSE, notice=body.notice)
    if body.objection in state.notices.objections.by_id:
        return refuse("DUPLICATE_ID", CLAUSE, id=body.objection)
    if not body.against or len(set(body.against)) != len(body.against):
        return refuse("AGAINST_INVALID", CLAUSE, named=len(body.against))
    for person in body.against:
        if person not in notice.candidates:
            return refuse("NOT_ON_NOTICE", CLAUSE, person=person, notice=body.notice)
    if body.arrived_at is not None and body.arrived_at > asked.at:
        return refuse("ARRIVAL_IN_FUTURE", CLAUSE, arrived_at=body.arrived_at, at=asked.at)
    return _filer(state, asked)


def _filer(state: Selection, asked: Asked) -> Refusal | None:
    body: ObjectionReceived = asked.body
    if not asked.person.startswith(SEALED_PREFIX):
        at_desk = state.roll.has_role(asked.person, (INTAKE,)) and body.one_time_key is None
        return None if at_desk else refuse("NOT_AUTHORISED", CLAUSE, act=asked.statement.type, needed=INTAKE)
    if not _own_key(asked, body) or body.arrived_at is not None:
        return refuse("ONE_TIME_KEY_INVALID", CLAUSE)
    waiting = state.notices.objections.one_time_waiting(body.notice)
    if waiting >= ONE_TIME_OPEN_MOST:
        return refuse("RATE_LIMITED", CLAUSE, waiting=waiting, most=ONE_TIME_OPEN_MOST)
    return None


def _own_key(asked: Asked, body: ObjectionReceived) -> bool:
    """Hold the one-time key in the body against the person and key that the statement names."""
    try:
        public = strict_b64decode(body.one_time_key or "", "one_time_key")
    except MalformedError:
        return False
    if weakness(public) is not None:
        return False
    return asked.statement.key == key_id(public) and asked.person == SEALED_PREFIX + key_id(public)


def _find(state: Selection, objection_id: str) -> Objection | Refusal:
    known = state.notices.objections.by_id.get(objection_id)
    return known or refuse("UNKNOWN_OBJECTION", CLAUSE, objection=objection_id)


def _admitted(state: Selection, objection_id: str) -> Objection | Refusal:
    """Return an objection that discipline has admitted to the procedure."""
    known = _find(state, objection_id)
    if isinstance(known, Refusal):
        return known
    if known.lead:
        return refuse("OBJECTION_NOT_ADMITTED", CLAUSE, objection=known.id)
    if not known.admissible:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="objection.examined", subject=known.id)
    return known


def _conflict(state: Selection, asked: Asked, objection: Objection) -> Refusal | None:
    """Nobody handles an objection against themselves or their unit."""
    for person in (*objection.against, *objection.late):
        if same_unit(state, asked.person, person):
            return refuse("DECIDER_CONFLICT", CLAUSE, person=asked.person, subject=person)
    return None


def _open_seal(state: Selection, asked: Asked) -> Refusal | None:
    """Discipline opens what is sealed, and says why."""
    body: SealOpened = asked.body
    if body.sealed not in state.notices.objections.sealed:
        return refuse("UNKNOWN_EVIDENCE", CLAUSE, digest=body.sealed)
    return unreasoned(body.reason, CLAUSE, body.sealed)


def _examine(state: Selection, asked: Asked) -> Refusal | None:
    """Reading `anonymous_objection`: discipline alone sees who objects, having opened the seal on the record."""
    body: ObjectionExamined = asked.body
    known = _find(state, body.objection)
    if isinstance(known, Refusal):
        return known
    # One auditor alone does not keep an objection out: another may find that it is admissible after all.
    overruled = known.admissible is False and asked.person != known.examiner and body.real_name and body.in_writing
    again = overruled or (known.withdrawn is not None and known.withdrawn > (known.examined or 0))
    if known.examined is not None and not again:
        return refuse("ALREADY_EXAMINED", CLAUSE, objection=known.id, index=known.examined)
    if known.confirmed is None and known.on_paper:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="act.countersigned", subject=known.id)
    if known.sealed not in state.notices.objections.openings:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="seal.opened", subject=known.id)
    return _conflict(state, asked, known) or unreasoned(body.reason, CLAUSE, known.id)


def _notify(state: Selection, asked: Asked) -> Refusal | None:
    """A candidate is told the substance and given time; what is sealed is never what they are told."""
    body: HearingNotified = asked.body
    known = _admitted(state, body.objection)
    if isinstance(known, Refusal):
        return known
    if body.candidate not in known.undecided(state.out):
        return refuse("NOT_CONCERNED", CLAUSE, person=body.candidate, objection=known.id)
    if body.candidate in known.hearings:
        return refuse("ALREADY_NOTIFIED", CLAUSE, person=body.candidate, index=known.hearings[body.candidate].index)
    if body.substance in state.notices.objections.sealed:
        return refuse("SOURCE_EXPOSED", CLAUSE, objection=known.id)
    if body.respond_by <= asked.at:
        return refuse("DEADLINE_PASSED", CLAUSE, deadline=body.respond_by, at=asked.at)
    return None


def _reply(state: Selection, asked: Asked) -> Refusal | None:
    """The candidate replies in time: by their own key, or on paper that the reception desk enters."""
    body: ReplyGiven = asked.body
    known = _find(state, body.objection)
    if isinstance(known, Refusal):
        return known
    own = asked.person == body.candidate and body.paper is None
    entered = body.paper is not None and state.roll.has_role(asked.person, (INTAKE,))
    if not own and not entered:
        return refuse("NOT_AUTHORISED", CLAUSE, act=asked.statement.type, needed=f"{body.candidate}/{INTAKE}")
    hearing = known.hearings.get(body.candidate)
    if hearing is None:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="hearing.notified", subject=body.candidate)
    if hearing.reply is not None:
        return refuse("ALREADY_REPLIED", CLAUSE, index=hearing.reply)
    if asked.at >= hearing.respond_by:
        return refuse("DEADLINE_PASSED", CLAUSE, deadline=hearing.respond_by, at=asked.at)
    return None


def _unheard(known: Objection, persons: tuple[str, ...], at: int) -> Refusal | None:
    for person in persons:
        hearing = known.hearings.get(person)
        if hearing is None or not heard(hearing.respond_by, hearing.reply is not None, at):
            step = "hearing.notified" if hearing is None else "reply.given"
            return refuse("PREREQUISITE_MISSING", CLAUSE, step=step, subject=person)
    return None


def _investigate(state: Selection, asked: Asked) -> Refusal | None:
    """The organiser investigates, again after a block and on whoever came back; nobody is found against unheard."""
    body: ObjectionInvestigated = asked.body
    known = _admitted(state, body.objection)
    if isinstance(known, Refusal):
        return known
    done = known.investigation
    about = known.undecided(state.out)
    matter = state.deliberation.matter(f"{OBJECTION}:{known.id}")
    back = matter is not None and not set(about) <= set(matter.subjects)
    if done is not None and not back and (not known.blocked or known.blocked[-1] < done.index):
        return refuse("ALREADY_INVESTIGATED", CLAUSE, objection=known.id, index=done.index)
    if not about:
        return refuse("NOTHING_TO_DECIDE", CLAUSE, objection=known.id)
    refused = _conflict(state, asked, known) or unreasoned(body.reason, CLAUSE, known.id)
    return refused or (_unheard(known, about, asked.at) if body.founded else None)


def _decide(state: Selection, asked: Asked) -> Refusal | None:
    """Reading `objection_decider`: what the leaders voted by name, on the findings, with minutes; nothing else."""
    body: ObjectionDecided = asked.body
    known = _admitted(state, body.objection)
    if isinstance(known, Refusal):
        return known
    if known.investigation is None or known.investigation.findings != body.findings:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="objection.investigated", subject=known.id)
    matter = state.deliberation.matter(f"{OBJECTION}:{known.id}")
    if matter is None or matter.closed is None or matter.minutes != body.minutes:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="deliberation.closed", subject=known.id)
    if body.candidate not in known.undecided(state.out) or body.candidate not in matter.subjects:
        return refuse("NOT_CONCERNED", CLAUSE, person=body.candidate, objection=known.id)
    refused = _conflict(state, asked, known)
    if refused is not None:
        return refused
    if body.sustained != (body.candidate in matter.carried):
        given = "sustained" if body.sustained else "dismissed"
        derived = "dismissed" if body.sustained else "sustained"
        return refuse("RESULT_NOT_DERIVED", CLAUSE, expected=derived, given=given)
    return _unheard(known, (body.candidate,), asked.at) if body.sustained else None


def _block(state: Selection, asked: Asked) -> Refusal | None:
    """Discipline blocks a decision until it has been answered, or the place has been filled; the leaders vote anew."""
    body: DecisionBlocked = asked.body
    known = _admitted(state, body.objection)
    if isinstance(known, Refusal):
        return known
    matter = state.deliberation.matter(f"{OBJECTION}:{known.id}")
    if matter is None or matter.closed is None:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="deliberation.closed", subject=known.id)
    if known.answered is not None:
        return refuse("ALREADY_ANSWERED", CLAUSE, objection=known.id, index=known.answered)
    vacant = {one.vacated_by for one in vacancies(state)}
    for person, ruling in known.rulings.items():
        if ruling.sustained and person not in vacant:
            return refuse("PLACE_FILLED", CLAUSE, person=person)
    return _conflict(state, asked, known) or unreasoned(body.reason, CLAUSE, known.id)


def _answer(state: Selection, asked: Asked) -> Refusal | None:
    """Every objection gets one reasoned reply, once nothing about it is undecided."""
    body: ObjectionAnswered = asked.body
    known = _find(state, body.objection)
    if isinstance(known, Refusal):
        return known
    if known.answered is not None:
        return refuse("ALREADY_ANSWERED", CLAUSE, objection=known.id, index=known.answered)
    if known.against and known.withdrawn is None and known.admissible is None:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="objection.examined", subject=known.id)
    if not known.lead and known.undecided(state.out):
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="objection.decided", subject=known.id)
    return None


def _withdraw(state: Selection, asked: Asked) -> Refusal | None:
    """Only who filed withdraws: by the same one-time key, or through the desk with the paper; discipline may go on."""
    body: ObjectionWithdrawn = asked.body
    known = _find(state, body.objection)
    if isinstance(known, Refusal):
        return known
    at_desk = state.roll.has_role(asked.person, (INTAKE,)) and body.evidence is not None
    if not (asked.person == known.author if known.one_time else at_desk):
        return refuse("NOT_AUTHORISED", CLAUSE, act=asked.statement.type, needed="filer")
    if known.withdrawn is not None:
        return refuse("ALREADY_WITHDRAWN", CLAUSE, index=known.withdrawn)
    if known.rulings or known.answered is not None:
        return refuse("ALREADY_DECIDED", CLAUSE, objection=known.id)
    return None


DECISIONS: Decisions = {
    ObjectionReceived: _receive,
    SealOpened: _open_seal,
    ObjectionExamined: _examine,
    HearingNotified: _notify,
    ReplyGiven: _reply,
    ObjectionInvestigated: _investigate,
    ObjectionDecided: _decide,
    DecisionBlocked: _block,
    ObjectionAnswered: _answer,
    ObjectionWithdrawn: _withdraw,
}
COSIGN: CosignDecisions = {}
