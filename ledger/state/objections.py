"""Objections from their receipt to the answer (five(七)): outer facts only, never who objects.

An objection that came too late, bears no name or was withdrawn is kept as a lead and stops nothing. Any other is open
until it has been decided for everybody it is about who still stands, and answered.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ledger.procedure.notice import ObjectionTiming, objection_timing
from ledger.procedure.vacancies import DropOut
from ledger.roll import SEALED_PREFIX
from ledger.signing import strict_b64decode
from ledger.state.clocks import clock_of
from ledger.state.standing import drop_out, restore
from ledger.state.voters import OBJECTION
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

if TYPE_CHECKING:
    from collections.abc import Container

    from ledger.selection import Selection
    from ledger.state.matters import ExtraSigners, Folds
    from ledger.statements import Act


@dataclass(slots=True)
class Hearing:
    """What a candidate was told, by when to reply (UTC ms), and the entry of the reply."""

    index: int
    respond_by: int
    reply: int | None = None


@dataclass(frozen=True, slots=True)
class Investigation:
    """The organiser's findings."""

    index: int
    founded: bool
    findings: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """The outcome for one candidate."""

    index: int
    sustained: bool


@dataclass(slots=True)
class Objection:
    """One objection. Everything named like an act is the entry of that act, or None.

    `number` counts from 1, `examiner` is the auditor who examined it last. `against`: the candidates for whom it is in
    time; `late`: those whose notice was over. `received_at`: when it came (UTC ms), for a paper as attested.
    `confirmed`: the entry that made it effective. `ex_officio`: discipline goes on after a withdrawal.
    """

    id: str
    number: int
    notice: str
    index: int
    author: str
    received_at: int
    on_paper: bool
    sealed: str
    against: tuple[str, ...]
    late: tuple[str, ...]
    confirmed: int | None = None
    examined: int | None = None
    examiner: str | None = None
    admissible: bool | None = None
    hearings: dict[str, Hearing] = field(default_factory=dict)
    investigation: Investigation | None = None
    rulings: dict[str, Ruling] = field(default_factory=dict)
    blocked: list[int] = field(default_factory=list)
    answered: int | None = None
    withdrawn: int | None = None
    ex_officio: int | None = None

    @property
    def one_time(self) -> bool:
        """Whether a one-time key filed it."""
        return self.author.startswith(SEALED_PREFIX)

    @property
    def lead(self) -> bool:
        """Whether it is no objection in the procedure: too late, not admissible or withdrawn; kept for discipline."""
        return not self.against or self.admissible is False or (self.withdrawn is not None and self.ex_officio is None)

    def undecided(self, out: "Container[str]") -> tuple[str, ...]:
        """Return those it is about who still stand and for whom it is not decided."""
        return tuple(one for one in self.against if one not in self.rulings and one not in out)

    def is_open(self, out: "Container[str]") -> bool:
        """Say whether it holds up the approval: undecided for somebody who stands, or decided and not answered."""
        if self.lead or self.answered is not None:
            return False
        return bool(self.rulings) or bool(self.undecided(out))


@dataclass(slots=True)
class Objections:
    """All objections by id; the one-time keys by person; the entries that opened sealed evidence, by its digest."""

    by_id: dict[str, Objection] = field(default_factory=dict)
    one_time_keys: dict[str, bytes] = field(default_factory=dict)
    openings: dict[str, list[int]] = field(default_factory=dict)
    sealed: set[str] = field(default_factory=set)

    def open(self, out: "Container[str]") -> tuple[Objection, ...]:
        """Return the objections that hold up the approval, by number."""
        return tuple(one for one in self.by_id.values() if one.is_open(out))

    def one_time_waiting(self, notice: str) -> int:
        """Count the objections by one-time keys to a notice that wait for their examination."""
        return sum(
            one.one_time and one.notice == notice and one.examined is None and one.withdrawn is None
            for one in self.by_id.values()
        )


def _sort(state: "Selection", persons: tuple[str, ...], at: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Part the persons an objection names: for whom it is in time at `at`, and whose notice was over."""
    timing = {one: clock_of(state, one) for one in persons}
    late = tuple(
        one for one, clock in timing.items() if clock is None or objection_timing(clock, at) is ObjectionTiming.LATE
    )
    return tuple(one for one in persons if one not in late), late


def _enter(state: "Selection", act: "Act") -> Objection:
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


def _waits(state: "Selection", act: "Act", now: "Act") -> None:
    """A paper that waits for its second signer holds up the approval by the arrival one clerk attests."""
    _enter(state, act)


def _received(state: "Selection", act: "Act", now: "Act") -> None:
    objection = state.notices.objections.by_id.get(act.body.objection) or _enter(state, act)
    objection.confirmed = now.index
    _find_late(state, objection, now.index)


def _not_confirmed(state: "Selection", act: "Act", now: "Act") -> None:
    """The attested arrival falls; what is left is when the ledger had it."""
    objection = state.notices.objections.by_id[act.body.objection]
    objection.received_at, objection.on_paper = act.at, False
    objection.against, objection.late = _sort(state, act.body.against, act.at)
    _find_late(state, objection, now.index)


def _find_late(state: "Selection", objection: Objection, index: int) -> None:
    if objection.late:
        facts: dict[str, str | int] = {"objection": objection.id, "late": len(objection.late)}
        proofs = dict.fromkeys((objection.index, index))
        state.findings.add("LATE_OBJECTION", "info", index, *proofs, **facts)


def _opened(state: "Selection", act: "Act", now: "Act") -> None:
    state.notices.objections.openings.setdefault(act.body.sealed, []).append(now.index)


def _examined(state: "Selection", act: "Act", now: "Act") -> None:
    body: ObjectionExamined = act.body
    objection = state.notices.objections.by_id[body.objection]
    if objection.admissible is False:
        objection.answered = None
    objection.examined, objection.admissible = now.index, body.real_name and body.in_writing
    objection.examiner = act.person
    objection.ex_officio = now.index if objection.withdrawn is not None and objection.admissible else None
    if not objection.admissible:
        state.findings.add("INADMISSIBLE", "info", now.index, objection.index, now.index, objection=objection.id)


def _hearing(state: "Selection", act: "Act", now: "Act") -> None:
    body: HearingNotified = act.body
    hearings = state.notices.objections.by_id[body.objection].hearings
    hearings[body.candidate] = Hearing(now.index, body.respond_by)


def _replied(state: "Selection", act: "Act", now: "Act") -> None:
    body: ReplyGiven = act.body
    state.notices.objections.by_id[body.objection].hearings[body.candidate].reply = now.index


def _investigated(state: "Selection", act: "Act", now: "Act") -> None:
    body: ObjectionInvestigated = act.body
    objection = state.notices.objections.by_id[body.objection]
    objection.investigation = Investigation(now.index, body.founded, body.findings)
    about = objection.undecided(state.out)
    matter = state.deliberation.open_matter(f"{OBJECTION}:{objection.id}", about, now.index)
    if not set(about) <= set(matter.subjects):
        matter.reopen()
        matter.subjects = about


def _decided(state: "Selection", act: "Act", now: "Act") -> None:
    body: ObjectionDecided = act.body
    objection = state.notices.objections.by_id[body.objection]
    objection.rulings[body.candidate] = Ruling(now.index, body.sustained)
    if body.sustained:
        drop_out(state, body.candidate, DropOut.STRUCK_OFF, now.index)


def _blocked(state: "Selection", act: "Act", now: "Act") -> None:
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


def _answered(state: "Selection", act: "Act", now: "Act") -> None:
    state.notices.objections.by_id[act.body.objection].answered = now.index


def _withdrawn(state: "Selection", act: "Act", now: "Act") -> None:
    objection = state.notices.objections.by_id[act.body.objection]
    objection.withdrawn = now.index
    state.findings.add("WITHDRAWN_OBJECTION", "warn", now.index, objection.index, now.index, objection=objection.id)


def _second_signer(state: "Selection", act: "Act") -> int:
    return int(act.body.arrived_at is not None)


FOLDS: "Folds" = {
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
PENDING: "Folds" = {ObjectionReceived: _waits}
DECLINED: "Folds" = {ObjectionReceived: _not_confirmed}
EXTRA_SIGNERS: "dict[type[Any], ExtraSigners]" = {ObjectionReceived: _second_signer}
