"""The charter, the versions of its programme, and how far each stage has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.procedure.programme import Programme, Stage, StageKind
from ledger.procedure.workdays import WorkCalendar


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
