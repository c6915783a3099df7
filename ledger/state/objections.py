"""Objections from their receipt to the answer (five(七)); what is known of each is in `objection_book`."""

from typing import Any

from ledger.procedure.notice import ObjectionTiming, objection_timing
from ledger.procedure.vacancies import DropOut
from ledger.signing import strict_b64decode
from ledger.state.books import Books
from ledger.state.clocks import clock_of
from ledger.state.matters import ExtraSigners, Folds
from ledger.state.objection_book import Hearing, Investigation, Objection, Ruling
from ledger.state.standing import drop_out, restore
from ledger.state.voters import OBJECTION
from ledger.statements import Act
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


def _sort(state: Books, persons: tuple[str, ...], at: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Part the persons an objection names: for whom it is in time at `at`, and whose notice was over."""
    timing = {one: clock_of(state, one) for one in persons}
    late = tuple(
        one for one, clock in timing.items() if clock is None or objection_timing(clock, at) is ObjectionTiming.LATE
    )
    return tuple(one for one in persons if one not in late), late


def _enter(state: Books, act: Act) -> Objection:
    body: ObjectionReceived = act.body
    objections = state.notices.objections
    received_at = act.at if body.arrived_at is None else body.arrived_at
    in_time, late = _sort(state, body.against, received_at)
    objection = Objection(
        id=body.objection,
        number=len(objections.by_id) + 1,
        notice=body.notice,
        index=act.index,
        author=act.person,
        received_at=received_at,
        on_paper=body.arrived_at is not None,
        sealed=body.sealed,
        against=in_time,
        late=late,
    )
    objections.by_id[body.objection] = objection
    objections.sealed.add(body.sealed)
    if body.one_time_key is not None:
        objections.one_time_keys[act.person] = strict_b64decode(body.one_time_key, "one_time_key")
    return objection


def _waits(state: Books, act: Act, now: Act) -> None:
    """A paper that waits for its second signer holds up the approval by the arrival one clerk attests."""
    _enter(state, act)


def _received(state: Books, act: Act, now: Act) -> None:
    objection = state.notices.objections.by_id.get(act.body.objection) or _enter(state, act)
    objection.confirmed = now.index
    _find_late(state, objection, now.index)


def _not_confirmed(state: Books, act: Act, now: Act) -> None:
    """The attested arrival falls; what is left is when the ledger had it."""
    objection = state.notices.objections.by_id[act.body.objection]
    objection.received_at, objection.on_paper = act.at, False
    objection.against, objection.late = _sort(state, act.body.against, act.at)
    _find_late(state, objection, now.index)


def _find_late(state: Books, objection: Objection, index: int) -> None:
    if objection.late:
        facts: dict[str, str | int] = {"objection": objection.id, "late": len(objection.late)}
        proofs = dict.fromkeys((objection.index, index))
        state.findings.add("LATE_OBJECTION", "info", index, *proofs, **facts)


def _opened(state: Books, act: Act, now: Act) -> None:
    state.notices.objections.openings.setdefault(act.body.sealed, []).append(now.index)


def _examined(state: Books, act: Act, now: Act) -> None:
    body: ObjectionExamined = act.body
    objection = state.notices.objections.by_id[body.objection]
    if objection.admissible is False:
        objection.answered = None
    objection.examined, objection.admissible = now.index, body.real_name and body.in_writing
    objection.examiner = act.person
    objection.ex_officio = now.index if objection.withdrawn is not None and objection.admissible else None
    if not objection.admissible:
        state.findings.add("INADMISSIBLE", "info", now.index, objection.index, now.index, objection=objection.id)


def _hearing(state: Books, act: Act, now: Act) -> None:
    body: HearingNotified = act.body
    hearings = state.notices.objections.by_id[body.objection].hearings
    hearings[body.candidate] = Hearing(now.index, body.respond_by)


def _replied(state: Books, act: Act, now: Act) -> None:
    body: ReplyGiven = act.body
    state.notices.objections.by_id[body.objection].hearings[body.candidate].reply = now.index


def _investigated(state: Books, act: Act, now: Act) -> None:
    body: ObjectionInvestigated = act.body
    objection = state.notices.objections.by_id[body.objection]
    objection.investigation = Investigation(now.index, body.founded, body.findings)
    about = objection.undecided(state.out)
    matter = state.deliberation.open_matter(f"{OBJECTION}:{objection.id}", about, now.index)
    if not set(about) <= set(matter.subjects):
        matter.reopen()
        matter.subjects = about


def _decided(state: Books, act: Act, now: Act) -> None:
    body: ObjectionDecided = act.body
    objection = state.notices.objections.by_id[body.objection]
    objection.rulings[body.candidate] = Ruling(now.index, body.sustained)
    if body.sustained:
        drop_out(state, body.candidate, DropOut.STRUCK_OFF, now.index)


def _blocked(state: Books, act: Act, now: Act) -> None:
    """The decision falls with what it took away, and the leaders vote anew."""
    objection = state.notices.objections.by_id[act.body.objection]
    objection.blocked.append(now.index)
    back = [one for one, ruling in objection.rulings.items() if ruling.sustained]
    for person in back:
        restore(state, person)
    objection.rulings.clear()
    for other in state.notices.objections.by_id.values():
        # What was answered because there was nobody left to decide about is open once more.
        if any(one in back for one in other.undecided(state.out)):
            other.answered = None
    state.deliberation.matters[f"{OBJECTION}:{objection.id}"].reopen()


def _answered(state: Books, act: Act, now: Act) -> None:
    state.notices.objections.by_id[act.body.objection].answered = now.index


def _withdrawn(state: Books, act: Act, now: Act) -> None:
    objection = state.notices.objections.by_id[act.body.objection]
    objection.withdrawn = now.index
    state.findings.add("WITHDRAWN_OBJECTION", "warn", now.index, objection.index, now.index, objection=objection.id)


def _second_signer(state: Books, act: Act) -> int:
    return int(act.body.arrived_at is not None)


FOLDS: Folds = {
    ObjectionReceived: _received,
    SealOpened: _opened,
    ObjectionExamined: _examined,
    HearingNotified: _hearing,
    ReplyGiven: _replied,
    ObjectionInvestigated: _investigated,
    ObjectionDecided: _decided,
    DecisionBlocked: _blocked,
    ObjectionAnswered: _answered,
    ObjectionWithdrawn: _withdrawn,
}
PENDING: Folds = {ObjectionReceived: _waits}
DECLINED: Folds = {ObjectionReceived: _not_confirmed}
EXTRA_SIGNERS: dict[type[Any], ExtraSigners] = {ObjectionReceived: _second_signer}
