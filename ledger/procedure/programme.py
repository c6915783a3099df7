"""The programme as a value: one selection and its rules, as the charter records it.

Numbers, stages, bodies, dates and readings are data. How a programme file is read and checked is `programme_value`;
which readings exist and who needs them is `readings`. Instants are UTC milliseconds.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class StageKind(StrEnum):
    """The closed catalogue of stages that a programme strings together."""

    APPLICATIONS = "applications"
    SCREENING = "screening"
    GROUP_ROUND = "group_round"
    PANEL_ROUND = "panel_round"
    PUBLIC_VOTE = "public_vote"
    DELIBERATION = "deliberation"
    NOTICE = "notice"
    APPROVAL = "approval"
    AFTERMATH = "aftermath"


@dataclass(frozen=True, slots=True)
class Office:
    """A department or office: id and public name; `sponsor` if it endorses the charter."""

    id: str
    name: str
    sponsor: bool


@dataclass(frozen=True, slots=True)
class Role:
    """A role and the roles that the same person must not hold."""

    id: str
    name: str
    incompatible: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """A committee, panel or leadership group: the role its members hold and its least size."""

    id: str
    name: str
    role: str
    least_members: int


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a grouped stage: the occupations or industries it covers."""

    id: str
    name: str
    covers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScoreItem:
    """One criterion of the quantitative score and its most points, in hundredths."""

    id: str
    name: str
    most_hundredths: int


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. Which of the optional parts it has follows from its kind.

    `opens_at`/`closes_at`: window of applications. `body`: who votes or decides. `group_by`: `occupation` or
    `industry`. `total`: suggested over all groups. `takes`: `shortlist` or `nominees`. `surplus`: by what part
    of the seats a shortlist is longer than they are. `tie_reading`: the reading that
    orders equals at the cut. `notice_days`: working days. `channels`: where it is published.
    """

    id: str
    kind: StageKind
    title: str
    clause: str
    opens_at: int | None = None
    closes_at: int | None = None
    body: str | None = None
    group_by: str | None = None
    groups: tuple[Group, ...] = ()
    total: int | None = None
    score_items: tuple[ScoreItem, ...] = ()
    takes: str | None = None
    surplus: Fraction | None = None
    tie_reading: str | None = None
    notice_days: int | None = None
    channels: tuple[str, ...] = ()

    @property
    def scored(self) -> bool:
        """Whether the stage has a quantitative score before its ballot."""
        return bool(self.score_items)


@dataclass(frozen=True, slots=True)
class Criterion:
    """A requirement (all must be met), a condition (at least one), or an exclusion (none may apply), clause four.

    `required`: everybody must meet it; neither this nor `exclusion`: a condition. `supporting`: a second fact is needed
    (the benefit of the award). `heads_only`: binds heads of enterprises only. `lookback_years`: counts from so many
    years before the eligibility date. `while_running`: counts only if its period of influence (影响期) still runs on
    the eligibility date. `facts_required`: counts only with the facts stated. `joint_check`: departments reply (联审).
    """

    id: str
    clause: str
    title: str
    exclusion: bool
    supporting: bool = False
    heads_only: bool = False
    lookback_years: int | None = None
    joint_check: bool = False
    required: bool = False
    while_running: bool = False
    facts_required: bool = False


@dataclass(frozen=True, slots=True)
class MaterialKind:
    """A kind of document of an application."""

    id: str
    name: str
    required: bool


@dataclass(frozen=True, slots=True)
class Way:
    """A way in (申报途径): `levels` of recommendation in order; none where the special circumstance must be stated."""

    id: str
    name: str
    levels: tuple[str, ...]
    special: bool


@dataclass(frozen=True, slots=True)
class Paper:
    """The paper filing: copies of the form, sets of bound proofs, and days of grace after the electronic filing."""

    forms: int
    proof_sets: int
    grace_days: int


@dataclass(frozen=True, slots=True)
class Benefit:
    """What a title brings in the following year."""

    id: str
    name: str
    clause: str
    on_application: bool
    inspected: bool
    grant_cents: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The chosen interpretation of a clause that is silent or double, and what else could have been chosen."""

    id: str
    clause: str
    question: str
    chosen: str
    alternatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Programme:
    """One selection and its rules.

    `evidence_until`: the last day on which evidence that decided something is kept; None: for ever.
    """

    label: str
    title: str
    honour: str
    reference: str
    year: int
    seats: int
    utc_offset_minutes: int
    eligibility_date: str
    quorum: Fraction
    quorum_floor: int
    leaders_least: int
    runoffs_most: int
    appeals_most: int
    offices: tuple[Office, ...]
    roles: tuple[Role, ...]
    bodies: tuple[Body, ...]
    stages: tuple[Stage, ...]
    criteria: tuple[Criterion, ...]
    materials: tuple[MaterialKind, ...]
    ways: tuple[Way, ...]
    paper: Paper
    benefits: tuple[Benefit, ...]
    readings: tuple[Reading, ...]
    evidence_until: str | None = None

    def reading(self, reading_id: str) -> str | None:
        """Return the chosen reading, or None where the programme does not declare it."""
        return next((reading.chosen for reading in self.readings if reading.id == reading_id), None)

    def stage(self, stage_id: str) -> Stage | None:
        """Return the stage of this id."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)

    def stages_of(self, kind: StageKind) -> tuple[Stage, ...]:
        """Return the stages of a kind, in order."""
        return tuple(stage for stage in self.stages if stage.kind is kind)

    def before(self, stage_id: str) -> tuple[Stage, ...]:
        """Return the stages that come before this one, in order."""
        ids = [stage.id for stage in self.stages]
        return self.stages[: ids.index(stage_id)]

    def body(self, body_id: str) -> Body | None:
        """Return the body of this id."""
        return next((body for body in self.bodies if body.id == body_id), None)

    def criterion(self, criterion_id: str) -> Criterion | None:
        """Return the criterion of this id."""
        return next((item for item in self.criteria if item.id == criterion_id), None)

    def way(self, way_id: str) -> Way | None:
        """Return the way in of this id."""
        return next((way for way in self.ways if way.id == way_id), None)

    @property
    def sponsors(self) -> tuple[str, ...]:
        """The ids of the sponsoring offices."""
        return tuple(office.id for office in self.offices if office.sponsor)
