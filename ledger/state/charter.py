"""Charter, endorsements, programme versions, calendar, suspension, and how far each stage has come."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from ledger.procedure.programme import Programme, Stage, StageKind
from ledger.procedure.programme_value import programme_from_value
from ledger.procedure.workdays import RecordedYear, WorkCalendar
from ledger.programmes import programme_hash
from ledger.roll import Key, Person
from ledger.signing import key_id, strict_b64decode
from ledger.statements.foundation import (
    CalendarRecorded,
    CharterEndorsed,
    CharterSealed,
    DeadlineExtended,
    ProgrammeAmended,
    SelectionResumed,
    SelectionSuspended,
    StageClosed,
    StageOpened,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ledger.selection import Selection
    from ledger.state.matters import Folds
    from ledger.statements import Act


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the programme: its value, its hash, and the entry from which it holds."""

    programme: Programme
    value: "Mapping[str, Any]"
    hash: str
    since: int


@dataclass(slots=True)
class StageProgress:
    """How far a stage has come: the version frozen at its opening, the stage as that states it, and its entries."""

    version: Version
    stage: Stage | None
    opened: int
    opened_at: int
    closed: int | None = None


@dataclass(slots=True)
class Charter:
    """The charter. `in_force`: every sponsor has endorsed it."""

    id: str
    leaf: bytes
    origin: str
    log_key: str
    rehearsal: bool
    versions: list[Version]
    offices: dict[str, str]
    endorsed: dict[str, int] = field(default_factory=dict)
    in_force: bool = False
    stages: dict[str, StageProgress] = field(default_factory=dict)
    calendar: WorkCalendar = field(default_factory=WorkCalendar)
    suspended: int | None = None
    extensions: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def latest(self) -> Version:
        """The newest version, which governs every stage not yet begun."""
        return self.versions[-1]

    def count_endorsements(self) -> None:
        """Settle whether the charter is in force; asked once per endorsement, and not for every statement."""
        self.in_force = all(sponsor in self.endorsed for sponsor in self.latest.programme.sponsors)

    def version_for(self, stage_id: str | None) -> Version:
        """Return the version that governs a stage: the one frozen at its opening, else the newest."""
        progress = self.stages.get(stage_id) if stage_id else None
        return progress.version if progress else self.latest

    def stage(self, stage_id: str) -> Stage | None:
        """Return a stage as the version that governs it states it."""
        progress = self.stages.get(stage_id)
        return progress.stage if progress else self.latest.programme.stage(stage_id)

    def is_open(self, stage_id: str) -> bool:
        """Say whether a stage has begun and not ended."""
        progress = self.stages.get(stage_id)
        return progress is not None and progress.closed is None

    def is_closed(self, stage_id: str) -> bool:
        """Say whether a stage has ended."""
        progress = self.stages.get(stage_id)
        return progress is not None and progress.closed is not None

    def open_stage(self, kinds: tuple[StageKind, ...]) -> Stage | None:
        """Return the first open stage of one of these kinds."""
        for progress in self.stages.values():
            stage = progress.stage
            if progress.closed is None and stage is not None and stage.kind in kinds:
                return stage
        return None

    def closes_at(self, stage: Stage) -> int | None:
        """Return the deadline of a stage in UTC ms, extensions included."""
        extended = self.extensions.get(stage.id)
        return extended[0] if extended else stage.closes_at


def recorded_year(body: CalendarRecorded) -> RecordedYear:
    """Return the year that a calendar statement records; raises `ValueError` for impossible exceptions."""
    off, on = (frozenset(date.fromisoformat(day) for day in days) for days in (body.off, body.on))
    return RecordedYear(body.year, off, on)


def seal(state: "Selection", act: "Act") -> None:
    """Take entry 0: the charter."""
    body: CharterSealed = act.body
    version = Version(programme_from_value(body.programme), body.programme, body.programme_hash, act.index)
    state.sealed = Charter(
        id=act.signed.id.hex(),
        leaf=act.leaf,
        origin=body.origin,
        log_key=body.log_key,
        rehearsal=body.rehearsal,
        versions=[version],
        offices={founder.person: founder.office for founder in body.founders},
    )
    state.sealed.count_endorsements()
    state.log.found(body.log_key)
    for founder in body.founders:
        public = strict_b64decode(founder.public_key, "public_key")
        state.roll.add_person(Person(founder.person, founder.office, None, None))
        state.roll.people[founder.person].roles.setdefault(founder.role, act.index)
        if key_id(public) not in state.roll.keys:
            state.roll.add_key(Key(key_id(public), public, founder.person, act.index))


def _endorsed(state: "Selection", act: "Act", now: "Act") -> None:
    state.charter.endorsed.setdefault(state.charter.offices[act.person], act.index)
    state.charter.count_endorsements()


def _amended(state: "Selection", act: "Act", now: "Act") -> None:
    body: ProgrammeAmended = act.body
    programme = programme_from_value(body.programme)
    state.charter.versions.append(Version(programme, body.programme, programme_hash(body.programme), now.index))
    state.charter.count_endorsements()
    state.findings.add("RULES_CHANGED", "warn", act.index, act.index, now.index, changes=len(body.difference))


def _calendar(state: "Selection", act: "Act", now: "Act") -> None:
    body: CalendarRecorded = act.body
    state.charter.calendar = state.charter.calendar.with_year(recorded_year(body))


def _extended(state: "Selection", act: "Act", now: "Act") -> None:
    state.charter.extensions[act.body.stage] = (act.body.closes_at, now.index)


def _suspended(state: "Selection", act: "Act", now: "Act") -> None:
    state.charter.suspended = now.index


def _resumed(state: "Selection", act: "Act", now: "Act") -> None:
    state.charter.suspended = None


def _stage_opened(state: "Selection", act: "Act", now: "Act") -> None:
    version = state.charter.latest
    stage = version.programme.stage(act.body.stage)
    state.charter.stages[act.body.stage] = StageProgress(version, stage, act.index, act.at)


def _stage_closed(state: "Selection", act: "Act", now: "Act") -> None:
    state.charter.stages[act.body.stage].closed = act.index


FOLDS: "Folds" = {
    CharterEndorsed: _endorsed,
    ProgrammeAmended: _amended,
    CalendarRecorded: _calendar,
    DeadlineExtended: _extended,
    SelectionSuspended: _suspended,
    SelectionResumed: _resumed,
    StageOpened: _stage_opened,
    StageClosed: _stage_closed,
}
