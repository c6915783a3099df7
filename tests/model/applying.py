"""The naive model, first part: signatures that are awaited, people and roles, applications, screening, who is out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ledger.statements import Act
from tests.model.rules import Years, instant, years_before

ALL_SPONSORS = -1
MORE_SIGNERS = {
    "attendance.witnessed": 2,
    "ballot.invalidated": 1,
    "ballot.reinstated": 1,
    "ballots.opened_early": 1,
    "deadline.extended": ALL_SPONSORS,
    "duplicate.linked": 1,
    "key.enrolled": 1,
    "key.revoked": 1,
    "name.corrected": 1,
    "office.succeeded": 1,
    "paper.received": 1,
    "paper_ballot.entered": 1,
    "programme.amended": ALL_SPONSORS,
    "qualification.ended": 1,
    "recommendation.entered": 1,
    "role.granted": 1,
    "role.withdrawn": 1,
    "round.closed": 2,
    "round.reopened": 1,
    "selection.resumed": 1,
    "selection.suspended": 1,
    "title.revoked": 1,
    "titles.conferred": ALL_SPONSORS,
    "totals.imported": 1,
    "withdrawal.entered": 1,
}


@dataclass
class Filed:
    """One application."""

    person: str
    tag: str
    unit: str
    occupation: str
    industry: str
    at: int
    late: bool
    agreed: int | None
    withdrawn: bool = False
    refused: bool = False
    passed: bool | None = None
    rulings: dict[str, Any] = field(default_factory=dict)
    challenged: set[str] = field(default_factory=set)


class Applying:
    """Consumes admitted statements one by one; `claims` are where a statement said otherwise than the model."""

    def __init__(self) -> None:
        self.size = 0
        self.programme: Mapping[str, Any] = {}
        self.claims: list[str] = []
        self.waiting: dict[int, tuple[Act, int]] = {}
        self.roles: dict[str, set[str]] = {}
        self.units: dict[str, str] = {}
        self.keyed: set[str] = set()
        self.offices: dict[str, str] = {}
        self.years: Years = {}
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.deadline = 0
        self.applications: dict[str, Filed] = {}
        self.links: list[set[str]] = []
        self.out: dict[str, int] = {}
        self.later: dict[str, list[int]] = {}

    def take(self, act: Act) -> None:
        """Take the next entry."""
        kind = act.statement.type
        if kind == "act.countersigned":
            self._signed(act)
        elif kind == "act.declined":
            original, _ = self.waiting.pop(act.body.index, (act, 0))
            self._run("declined", original, act)
        else:
            more = self._more_signers(act)
            if more:
                self.waiting[act.index] = (act, more)
            self._run("pending" if more else "on", act, act)
        self.size = act.index + 1

    def _signed(self, act: Act) -> None:
        if act.body.index not in self.waiting:
            return
        original, more = self.waiting.pop(act.body.index)
        if more > 1:
            self.waiting[act.body.index] = (original, more - 1)
        else:
            self._run("on", original, act)

    def _run(self, prefix: str, act: Act, now: Act) -> None:
        handler = getattr(self, f"{prefix}_{act.statement.type.replace('.', '_')}", None)
        if handler is not None:
            handler(act, now)

    def _more_signers(self, act: Act) -> int:
        kind, body = act.statement.type, act.body
        if kind in ("criterion.decided", "screening.decided", "appeal.decided"):
            return int(self.units.get(act.person) == self.applications[body.application].unit)
        if kind == "attendance.left":
            return 0 if body.member in (None, act.person) else 2
        if kind == "objection.received":
            return int(body.arrived_at is not None)
        more = MORE_SIGNERS.get(kind, 0)
        if more == ALL_SPONSORS:
            sponsors = [office["id"] for office in self.programme["offices"] if office.get("sponsor")]
            more = len(sponsors) - (self.offices.get(act.person) in sponsors)
        return more

    def claim(self, act: Act, what: str, predicted: object, said: object) -> None:
        """Note where an admitted statement says something else than the model expects."""
        if predicted != said:
            self.claims.append(f"entry {act.index} {act.statement.type} {what}: expected {predicted!r}, said {said!r}")

    # Foundation and roll

    def on_charter_sealed(self, act: Act, now: Act) -> None:
        self._adopt(act.body.programme)
        for founder in act.body.founders:
            self.roles.setdefault(founder.role, set()).add(founder.person)
            self.units.setdefault(founder.person, founder.office)
            self.offices[founder.person] = founder.office
            self.keyed.add(founder.person)

    def _adopt(self, programme: Mapping[str, Any]) -> None:
        self.programme = programme
        self.offset: int = programme["utc_offset_minutes"]
        self.readings = {one["id"]: one["chosen"] for one in programme["readings"]}
        if not self.deadline:
            self.deadline = instant(self.stage_of("applications")["closes_at"], self.offset)

    def on_programme_amended(self, act: Act, now: Act) -> None:
        self._adopt(act.body.programme)

    def stage_of(self, kind: str) -> Any:
        """The first stage of a kind."""
        return next(stage for stage in self.programme["stages"] if stage["kind"] == kind)

    def stage(self, stage_id: str) -> Any:
        """The stage of an id."""
        return next(stage for stage in self.programme["stages"] if stage["id"] == stage_id)

    def on_calendar_recorded(self, act: Act, now: Act) -> None:
        self.years[act.body.year] = set(act.body.off), set(act.body.on)

    def on_deadline_extended(self, act: Act, now: Act) -> None:
        self.deadline = act.body.closes_at

    def on_stage_opened(self, act: Act, now: Act) -> None:
        self.opened.append(act.body.stage)

    def on_stage_closed(self, act: Act, now: Act) -> None:
        self.closed.append(act.body.stage)

    def on_key_enrolled(self, act: Act, now: Act) -> None:
        self.units.setdefault(act.body.member, act.body.unit)
        self.keyed.add(act.body.member)

    def on_key_revoked(self, act: Act, now: Act) -> None:
        self.keyed.discard(act.body.member)

    def on_role_granted(self, act: Act, now: Act) -> None:
        self.roles.setdefault(act.body.role, set()).add(act.body.member)

    def on_role_withdrawn(self, act: Act, now: Act) -> None:
        self.roles[act.body.role].discard(act.body.member)

    def on_office_succeeded(self, act: Act, now: Act) -> None:
        self.roles[act.body.role].discard(act.body.predecessor)
        self.roles[act.body.role].add(act.body.successor)
        if act.body.predecessor in self.offices:
            self.offices[act.body.successor] = self.units[act.body.successor] = self.offices[act.body.predecessor]

    # Applications

    def window_over(self, at: int) -> bool:
        """七(四)1: the first instant of the day after is too late."""
        return at >= self.deadline or self.stage_of("applications")["id"] in self.closed

    def on_application_filed(self, act: Act, now: Act) -> None:
        body = act.body
        own = act.person == body.applicant
        agreed = act.index if own or (body.consent and body.applicant not in self.keyed) else None
        late = self.window_over(act.at)
        self.applications[body.application] = Filed(
            body.applicant, body.id_tag, body.unit, body.occupation, body.industry, act.at, late, agreed
        )
        self.units.setdefault(body.applicant, body.unit)
        same = {one for one, filed in self.applications.items() if filed.tag == body.id_tag}
        self._link(same)

    def _link(self, same: set[str]) -> None:
        touching = [one for one in self.links if one & same]
        self.links = [one for one in self.links if not one & same] + [set.union(same, *touching)]

    def on_duplicate_linked(self, act: Act, now: Act) -> None:
        self._link({act.body.application, act.body.first})

    def on_consent_given(self, act: Act, now: Act) -> None:
        filed = self.applications[act.body.application]
        filed.agreed = act.index if filed.agreed is None else filed.agreed

    def on_paper_received(self, act: Act, now: Act) -> None:
        filed = self.applications[act.body.application]
        filed.late = filed.late and act.body.arrived_at >= self.deadline

    def on_application_refused(self, act: Act, now: Act) -> None:
        self.applications[act.body.application].refused = True

    def on_application_withdrawn(self, act: Act, now: Act) -> None:
        filed = self.applications[act.body.application]
        counted = self.counting(filed) is filed
        filed.withdrawn = True
        screened = self.stage_of("screening")["id"] in self.closed
        if counted and self.window_over(now.at) and (screened or self.counting(filed) is None):
            self.drop(filed.person, now.index)

    on_withdrawal_entered = on_application_withdrawn

    def drop(self, person: str, index: int) -> None:
        """Somebody stands no longer; the first cause counts, the others wait in case it falls."""
        if person in self.out:
            self.later.setdefault(person, []).append(index)
        else:
            self.out[person] = index

    def back(self, person: str) -> None:
        """The first cause falls."""
        del self.out[person]
        if self.later.get(person):
            self.out[person] = self.later[person].pop(0)

    def kin(self, filed: Filed) -> list[Filed]:
        """All applications of the same person, in the order of filing."""
        name = next(one for one, other in self.applications.items() if other is filed)
        same = next(one for one in self.links if name in one)
        return [other for one, other in self.applications.items() if one in same]

    def counting(self, filed: Filed) -> Filed | None:
        """六(二), one a year: of a person's applications in time the first that the person agreed to."""
        stands = [one for one in self.kin(filed) if not (one.late or one.refused or one.withdrawn)]
        agreed = sorted((one for one in stands if one.agreed is not None), key=lambda one: one.agreed or 0)
        return next(iter(agreed or stands), None)

    def of_person(self, person: str) -> Filed:
        """The application that counts for a person, or else the first."""
        own = [one for one in self.applications.values() if one.person == person]
        return self.counting(own[0]) or own[0]

    def received(self) -> list[Filed]:
        """Whoever applied in time and agreed, once each; withdrawn and refused ones did apply."""
        found: list[Filed] = []
        for filed in self.applications.values():
            mine = [one for one in self.kin(filed) if not one.late and one.agreed is not None]
            if mine and self.kin(filed)[0] is filed:
                found.append(self.counting(filed) or min(mine, key=lambda one: one.agreed or 0))
        return found

    # Screening

    def on_criterion_decided(self, act: Act, now: Act) -> None:
        filed = self.applications[act.body.application]
        filed.rulings[act.body.criterion] = act.body
        filed.challenged.discard(act.body.criterion)
        if filed.passed is not None and self.qualifies(filed) != filed.passed:
            if self.stage_of("screening")["id"] in self.closed:
                if filed.passed:
                    self.drop(filed.person, now.index)
            else:
                filed.passed = None

    def on_department_replied(self, act: Act, now: Act) -> None:
        if act.body.recheck and not act.body.clear:
            self.applications[act.body.application].challenged.add(act.body.criterion)

    def on_eligibility_challenged(self, act: Act, now: Act) -> None:
        self.applications[act.body.application].challenged.add(act.body.criterion)

    def on_screening_decided(self, act: Act, now: Act) -> None:
        filed = self.applications[act.body.application]
        self.claim(act, "eligible", self.qualifies(filed), act.body.eligible)
        filed.passed = self.qualifies(filed)

    def on_appeal_decided(self, act: Act, now: Act) -> None:
        if act.body.upheld:
            filed = self.applications[act.body.application]
            filed.passed, filed.rulings = None, {}

    def qualifies(self, filed: Filed) -> bool:
        """四: everything required, one of the conditions, none of the exclusions."""
        required, conditions, exclusions = [], [], []
        for criterion in self.programme["criteria"]:
            holds = self.holds(criterion, filed.rulings[criterion["id"]])
            if criterion.get("exclusion"):
                exclusions.append(holds)
            elif criterion.get("required"):
                required.append(holds)
            else:
                conditions.append(holds)
        return all(required) and (any(conditions) or not conditions) and not any(exclusions)

    def holds(self, criterion: Mapping[str, Any], ruling: Any) -> bool:
        """Whether a ruling counts: with the second fact, the person, the days and the facts its criterion needs."""
        day = date.fromisoformat(self.programme["eligibility_date"])
        if not ruling.met or not ruling.binds:
            return False
        if (criterion.get("supporting") or criterion.get("facts_required")) and ruling.supporting is None:
            return False
        if criterion.get("while_running") and ruling.runs_until < day.isoformat():
            return False
        years = criterion.get("lookback_years")
        return years is None or ruling.happened_on >= years_before(day, years).isoformat()

    def eligible(self) -> list[str]:
        """四: everybody whose application counts and was found eligible."""
        return sorted(
            filed.person for filed in self.applications.values() if filed.passed and self.counting(filed) is filed
        )
