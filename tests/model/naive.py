"""The naive model, third part: who holds the places, notices and objections, and who may be named when."""

from dataclasses import dataclass, field
from typing import Any

from ledger.statements import Act
from tests.model.rules import notice_end
from tests.model.voting import Voting


@dataclass
class Objection:
    """One objection."""

    against: list[str]
    sealed: str
    waits_for_desk: bool
    admitted: bool | None = None
    withdrawn: bool = False
    rulings: dict[str, bool] = field(default_factory=dict)
    answered: bool = False


class Naive(Voting):
    """The whole model: give it every admitted entry in order."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[str | None] = []
        self.alternates: list[str] = []
        self.inspected: dict[str, bool] = {}
        self.agreed: set[str] = set()
        self.proposals: dict[str, list[str]] = {}
        self.published: dict[str, tuple[str, int, int]] = {}
        self.objections: dict[str, Objection] = {}
        self.approved: list[str] | None = None
        self.submitted: dict[str, list[str]] = {}
        self.named: list[str] = []
        self.revoked: set[str] = set()

    # Places

    def fixed(self) -> None:
        nominees, self.alternates = self.final or ([], [])
        self.held = list(nominees)

    def standing(self) -> list[str]:
        """Those who hold a place, in the order of the seats."""
        return [one for one in self.held if one is not None and one not in self.out]

    def vacated(self) -> list[str]:
        """Who left a place that nobody has filled, in the order in which they left."""
        gone = [one for one in self.held if one is not None and one in self.out and not self.named]
        return sorted(gone, key=lambda one: self.out[one])

    def next_up(self) -> str | None:
        """五(六): the first alternate who has neither left nor moved up."""
        waiting = [one for one in self.alternates if one not in self.out and one not in self.held]
        return waiting[0] if waiting else None

    def on_vacancy_filled(self, act: Act, now: Act) -> None:
        self.claim(act, "vacancy", self.vacated()[:1], [act.body.vacated_by])
        up = self.next_up()
        if act.body.candidate is not None:
            self.claim(act, "next", up, act.body.candidate)
        self.held[self.held.index(act.body.vacated_by)] = up

    def on_seat_left_vacant(self, act: Act, now: Act) -> None:
        self.claim(act, "nobody left", None, self.next_up())
        self.held[self.held.index(act.body.vacated_by)] = None

    # Inspection and named votes

    def on_inspection_reported(self, act: Act, now: Act) -> None:
        self.inspected[act.body.candidate] = act.body.passed
        if not act.body.passed:
            self.drop(act.body.candidate, now.index)

    def to_propose(self) -> list[str]:
        """五(六): who holds a place and has not been put before the leadership group."""
        before = [one for matter, people in self.proposals.items() if matter not in self.ended for one in people]
        return [one for one in self.standing() if one not in self.agreed and one not in before]

    def on_candidates_proposed(self, act: Act, now: Act) -> None:
        self.claim(act, "list", self.to_propose(), list(act.body.candidates))
        if not self.agreed_before_notice():
            early = [one for one in act.body.candidates if act.at < (self.ends(one) or act.at + 1)]
            self.claim(act, "notice not over", [], early)
        self.proposals[f"proposal:{act.index}"] = list(act.body.candidates)

    def deciders(self, kind: str) -> set[str]:
        """Everybody in the body that deliberates, or approves."""
        body = self.stage_of(kind)["body"]
        role = next(one["role"] for one in self.programme["bodies"] if one["id"] == body)
        return self.roles.get(role, set())

    def said(self, matter: str, subject: str, agree: bool) -> int:
        """How many said yes, or no, to a subject."""
        votes = self.matters.get(matter, {}).values()
        return sum(voices.get(subject) is agree for voices in votes)

    def on_deliberation_closed(self, act: Act, now: Act) -> None:
        matter = act.body.matter
        self.ended.add(matter)
        for person in self.proposals.get(matter, []):
            against = self.said(matter, person, False)
            half = len(self.deciders("deliberation")) // 2
            enough = 1 if self.readings["deliberation_rule"] == "any_objection" else half + 1
            if against >= enough:
                self.drop(person, now.index)
            else:
                self.agreed.add(person)

    # Notice

    def ends(self, person: str) -> int | None:
        """五(七): when a person's notice ends; a calendar recorded later can only make it longer."""
        if person not in self.published:
            return None
        _, since, end = self.published[person]
        return max(end, self.clock(since))

    def clock(self, since: int) -> int:
        """The end of a notice published now."""
        return notice_end(since, self.stage_of("notice")["notice_days"], self.years, self.offset)

    def agreed_before_notice(self) -> bool:
        """Whether the programme deliberates first and publishes afterwards."""
        kinds = [stage["kind"] for stage in self.programme["stages"]]
        return kinds.index("deliberation") < kinds.index("notice")

    def to_publish(self) -> list[str]:
        """五(六), 五(七): first everybody together; later who moved up and has what must come before."""
        if not self.published:
            return self.standing()
        ready = [one for one in self.standing() if one in self.agreed or not self.agreed_before_notice()]
        return [one for one in ready if one not in self.published]

    def on_notice_published(self, act: Act, now: Act) -> None:
        self.claim(act, "list", self.to_publish(), list(act.body.candidates))
        if not self.published:
            self.claim(act, "vacancies", [], self.vacated())
        if self.agreed_before_notice():
            self.claim(act, "not agreed", [], [one for one in act.body.candidates if one not in self.agreed])
        for one in act.body.candidates:
            self.published[one] = act.body.notice, now.at, self.clock(now.at)

    def on_notice_changed(self, act: Act, now: Act) -> None:
        for one, (notice, _, _) in self.published.items():
            if notice == act.body.notice and act.body.material:
                self.published[one] = notice, now.at, self.clock(now.at)

    # Objections

    def _received(self, act: Act, at: int, waits: bool) -> None:
        against = [one for one in act.body.against if at < (self.ends(one) or 0)]
        self.objections[act.body.objection] = Objection(against, act.body.sealed, waits)

    def pending_objection_received(self, act: Act, now: Act) -> None:
        self._received(act, act.body.arrived_at, waits=True)

    def on_objection_received(self, act: Act, now: Act) -> None:
        if act is now:
            self._received(act, act.at, waits=False)
        self.objections[act.body.objection].waits_for_desk = False

    def declined_objection_received(self, act: Act, now: Act) -> None:
        self._received(act, act.at, waits=False)

    def on_objection_examined(self, act: Act, now: Act) -> None:
        objection = self.objections[act.body.objection]
        objection.admitted, objection.withdrawn = act.body.real_name and act.body.in_writing, False

    def on_objection_withdrawn(self, act: Act, now: Act) -> None:
        self.objections[act.body.objection].withdrawn = True

    def sustained(self, objection_id: str, person: str) -> bool:
        """More than half of the leaders say so, but for those of the person's unit."""
        matter = f"objection:{objection_id}"
        free = [one for one in self.deciders("deliberation") if not self.close_to(one, person)]
        return self.said(matter, person, True) * 2 > len(free)

    def close_to(self, leader: str, person: str) -> bool:
        """Nobody decides an objection against themselves or their unit."""
        units = (self.units.get(person), self.of_person(person).unit)
        return leader == person or self.units.get(leader) in units

    def on_objection_decided(self, act: Act, now: Act) -> None:
        body = act.body
        upheld = self.sustained(body.objection, body.candidate)
        self.claim(act, "sustained", upheld, body.sustained)
        self.objections[body.objection].rulings[body.candidate] = upheld
        if upheld:
            self.drop(body.candidate, now.index)

    def on_decision_blocked(self, act: Act, now: Act) -> None:
        objection = self.objections[act.body.objection]
        for person, upheld in objection.rulings.items():
            if upheld:
                self.back(person)
        back = [person for person, upheld in objection.rulings.items() if upheld]
        objection.rulings = {}
        for other in self.objections.values():
            if any(person in back for person in self.undecided(other)):
                other.answered = False
        self.matters.pop(f"objection:{act.body.objection}", None)

    def on_objection_answered(self, act: Act, now: Act) -> None:
        self.objections[act.body.objection].answered = True

    def undecided(self, objection: Objection) -> list[str]:
        """Whom an objection is about and who still stands."""
        return [one for one in objection.against if one not in objection.rulings and one not in self.out]

    def open_objections(self) -> list[str]:
        """五(七): those that hold up the approval of all."""
        return [
            name
            for name, one in self.objections.items()
            if not one.withdrawn
            and one.admitted is not False
            and not one.answered
            and (one.rulings or self.undecided(one))
        ]

    # Approval and naming

    def nameable(self, at: int) -> list[str]:
        """五(八): everybody who holds a place, once all have been inspected, agreed to and published to the end."""
        people = self.standing()
        ready = all(
            self.inspected.get(one) and one in self.agreed and (end := self.ends(one)) is not None and at >= end
            for one in people
        )
        return people if ready and not self.vacated() and not self.open_objections() else []

    def on_approval_submitted(self, act: Act, now: Act) -> None:
        self.claim(act, "list", self.nameable(now.at), list(act.body.candidates))
        self.submitted[act.body.submission] = list(act.body.candidates)

    def on_approval_decided(self, act: Act, now: Act) -> None:
        matter = f"approval:{act.body.submission}"
        yes = self.said(matter, act.body.submission, True) * 2 > len(self.deciders("approval"))
        self.claim(act, "approved", yes, act.body.approved)
        self.approved = self.submitted[act.body.submission] if yes else None

    def on_titles_named(self, act: Act, now: Act) -> None:
        self.claim(act, "named", (self.nameable(now.at), self.approved), (list(act.body.candidates),) * 2)
        self.named = list(act.body.candidates)

    def on_qualification_ended(self, act: Act, now: Act) -> None:
        mine = [filed for filed in self.applications.values() if filed.person == act.body.candidate]
        for person in sorted({act.body.candidate, *(one.person for filed in mine for one in self.kin(filed))}):
            self.drop(person, now.index)

    def on_title_revoked(self, act: Act, now: Act) -> None:
        self.revoked.add(act.body.candidate)

    def titles(self) -> list[str]:
        """Who was named and has kept the title; a revoked place is not filled again."""
        return [one for one in self.named if one not in self.revoked]


def consume(model: Naive, entries: Any) -> None:
    """Feed the entries that the model has not seen."""
    from ledger.statements import decode_own_entry

    for entry in entries[model.size :]:
        model.take(decode_own_entry(entry))
