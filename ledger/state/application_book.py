"""What is known of each application, and which one of a person's counts."""

from dataclasses import dataclass, field
from typing import Literal

from ledger.procedure.checklist import Ruling
from ledger.procedure.formalities import Dossier


@dataclass(frozen=True, slots=True)
class FiledMaterial:
    """One document of an application and the entry that filed it."""

    material: str
    digest: str
    index: int


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One level's recommendation: the entry, the unit it came from, and whether it came on paper."""

    level: str
    index: int
    unit: str
    on_paper: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """A department's reply in the joint check, by the entry `index`."""

    index: int
    department: str
    clear: bool
    recheck: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of screening, by the entry `index`; `recheck`: exclusions to be checked again before approval."""

    index: int
    eligible: bool
    recheck: tuple[str, ...]


@dataclass(slots=True)
class Application:
    """One application.

    Everything named like an act (`reviewed`, `refused` …) is the entry of that act, or None. `late`: filed after the
    deadline and not saved by a paper filing that arrived before it. `consented`: the entry from which the applicant
    stands behind it. `kin` lists all applications of the same person, in the order of filing, this one included.
    """

    application: str
    person: str
    unit: str
    occupation: str
    industry: str
    way: str
    index: int
    at: int
    author: str
    by_intake: bool
    recommender: str | None
    id_tag: str
    record: str
    late: bool
    kin: list[str]
    materials: list[FiledMaterial] = field(default_factory=list)
    consented: int | None = None
    reviewed: int | None = None
    recommended: dict[str, Recommendation] = field(default_factory=dict)
    paper: int | None = None
    requests: dict[int, int] = field(default_factory=dict)
    refused: int | None = None
    withdrawn: int | None = None
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    rulings: dict[str, Ruling] = field(default_factory=dict)
    challenges: dict[str, int] = field(default_factory=dict)
    decision: Decision | None = None
    appeals: list[int] = field(default_factory=list)
    appeal_open: bool = False

    @property
    def standing(self) -> bool:
        """Whether it is in time, and neither refused nor withdrawn."""
        return not self.late and self.refused is None and self.withdrawn is None

    @property
    def dossier(self) -> Dossier:
        """What has come in, as the formalities ask for it."""
        return Dossier(
            way=self.way,
            consented=self.consented is not None,
            reviewed=self.reviewed is not None,
            levels=tuple(self.recommended),
            materials=frozenset(one.material for one in self.materials),
            on_paper=self.paper is not None,
        )


@dataclass(slots=True)
class Applications:
    """All applications, by id and by the tags and persons they are made for."""

    by_id: dict[str, Application] = field(default_factory=dict)
    by_person: dict[str, list[str]] = field(default_factory=dict)
    by_tag: dict[str, list[str]] = field(default_factory=dict)

    def counting(self, application: Application) -> Application | None:
        """Return the one of a person's applications that counts: of those that stand, the first the person agreed to.

        One the applicant never agreed to counts only where there is no other, so that nobody blocks another's
        application by filing in their name.
        """
        standing = [self.by_id[one] for one in application.kin if self.by_id[one].standing]
        agreed = [one for one in standing if one.consented is not None]
        return min(agreed, key=_agreed_at) if agreed else next(iter(standing), None)

    def counts(self, application: Application) -> bool:
        """Say whether this is the application that counts for its person."""
        return self.counting(application) is application

    def of_person(self, person: str) -> Application | None:
        """Return the application that counts for a person, or None."""
        own = self.by_person.get(person)
        found = self.counting(self.by_id[own[0]]) if own else None
        return found if found is not None and found.person == person else None

    def is_applicant(self, person: str) -> bool:
        """Say whether an application was filed for the person that has not been refused or withdrawn."""
        return any(self._live(one) for one in self.by_person.get(person, ()))

    def same_person(self, person: str) -> tuple[str, ...]:
        """Return every id under which somebody applied, the one given included, sorted."""
        kin = (one for own in self.by_person.get(person, ()) for one in self.by_id[own].kin)
        return tuple(sorted({person, *(self.by_id[one].person for one in kin)}))

    def is_applicant_tag(self, id_tag: str | None) -> bool:
        """Say the same of whoever has this keyed hash of the ID number."""
        return any(self._live(one) for one in self.by_tag.get(id_tag or "", ()))

    def _live(self, application_id: str) -> bool:
        one = self.by_id[application_id]
        return one.refused is None and one.withdrawn is None

    def index_of(self, application_id: str) -> int:
        """Return the entry that filed an application."""
        return self.by_id[application_id].index

    def record_of(self, person: str) -> str | None:
        """Return the digest of the personal record that a person applied with, as corrected."""
        own = self.by_person.get(person)
        return self.by_id[own[0]].record if own else None

    def correct_record(self, person: str, record: str) -> None:
        """Put the corrected personal record into the person's applications."""
        for one in self.by_person.get(person, ()):
            self.by_id[one].record = record

    def eligible(self) -> tuple[str, ...]:
        """Return the persons whose application counts and was found eligible, sorted."""
        return tuple(sorted(one.person for one in self.by_id.values() if self._passed(one)))

    def _passed(self, one: Application) -> bool:
        return one.decision is not None and one.decision.eligible and one.standing and self.counts(one)

    def received(self) -> tuple[Application, ...]:
        """Return the applications received in time, one for each person, in filing order (reading `group_seats`).

        Whoever withdrew or was found ineligible later did apply; whoever never agreed did not.
        """
        heads = {application.kin[0]: application for application in self.by_id.values()}
        found = []
        for head in heads.values():
            agreed = [self.by_id[one] for one in head.kin]
            agreed = [one for one in agreed if not one.late and one.consented is not None]
            if agreed:
                found.append(self.counting(head) or min(agreed, key=_agreed_at))
        return tuple(sorted(found, key=lambda one: one.index))

    def received_by(self, what: Literal["occupation", "industry"]) -> dict[str, int]:
        """Return how many applied in time by occupation or by industry, sorted by its id."""
        counts: dict[str, int] = {}
        for one in self.received():
            value = one.occupation if what == "occupation" else one.industry
            counts[value] = counts.get(value, 0) + 1
        return dict(sorted(counts.items()))

    def recheck_missing(self, person: str) -> tuple[str, ...]:
        """Return the exclusions that no department has cleared again since screening, as approval needs (联审)."""
        application = self.of_person(person)
        if application is None or application.decision is None:
            return ()
        return tuple(one for one in application.decision.recheck if not _rechecked(application, one))

    def challenges_open(self, person: str) -> tuple[str, ...]:
        """Return the criteria challenged by a later-found fact and not yet decided anew."""
        application = self.of_person(person)
        return tuple(sorted(application.challenges)) if application else ()


def _agreed_at(application: Application) -> int:
    return application.index if application.consented is None else application.consented


def _rechecked(application: Application, criterion: str) -> bool:
    again = [reply for reply in application.replies.get(criterion, ()) if reply.recheck]
    if not again:
        return False
    # A reply that is not clear is a challenge; a ruling after it settles the matter either way.
    ruled = application.rulings[criterion].index if criterion in application.rulings else -1
    return again[-1].clear or ruled > again[-1].index
