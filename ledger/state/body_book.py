"""Draws, rosters, declarations, recusals and certified groups, as they stand."""

from dataclasses import dataclass, field
from typing import TypeAlias

SittingKey: TypeAlias = tuple[str, str | None]
"""(stage, group); the group is None where the stage has none."""


@dataclass(slots=True)
class Draw:
    """A draw: what it orders, who commits seeds, what they committed and revealed, and the order once all have."""

    draw: str
    purpose: str
    subject: str
    pool: tuple[str, ...]
    committers: tuple[str, ...]
    index: int
    commitments: dict[str, str] = field(default_factory=dict)
    seeds: dict[str, str] = field(default_factory=dict)
    order: tuple[str, ...] | None = None
    drawn_at: int | None = None

    @property
    def context(self) -> str:
        """What the draw is for, so that one set of seeds never settles two draws alike."""
        return f"{self.purpose}/{self.subject}/{self.draw}"


@dataclass(frozen=True, slots=True)
class Roster:
    """Who sits for a stage, in a group where it has groups.

    `members` now, `reserves` next in order, `ever` everybody who sat. `draw` is the draw they come from, `rule` the
    digest of the rule composed by (None: not held), `index` the entry that set it, `amended` those that changed it.
    `seated` are the members again, for looking one up.
    """

    stage: str
    group: str | None
    members: tuple[str, ...]
    reserves: tuple[str, ...]
    ever: tuple[str, ...]
    draw: str | None
    rule: str | None
    index: int
    amended: tuple[int, ...] = ()
    seated: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seated", frozenset(self.members))


@dataclass(frozen=True, slots=True)
class Regrouping:
    """A candidate moved to another group, by the entry `index`; `before` is None where no group covered them."""

    index: int
    candidate: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class CertifiedGroups:
    """The certified table of a stage, by the entry `index`: each candidate's group and each group's seats."""

    index: int
    groups: dict[str, str]
    seats: dict[str, int]


@dataclass(slots=True)
class Bodies:
    """All draws, rosters, declarations, recusals and groups of a programme."""

    draws: dict[str, Draw] = field(default_factory=dict)
    first_draws: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    rosters: dict[SittingKey, Roster] = field(default_factory=dict)
    declarations: dict[SittingKey, dict[str, int]] = field(default_factory=dict)
    declared_relations: dict[str, dict[str, str]] = field(default_factory=dict)
    recusals: dict[SittingKey, dict[str, dict[str, int]]] = field(default_factory=dict)
    regroupings: dict[str, list[Regrouping]] = field(default_factory=dict)
    tables: dict[str, CertifiedGroups] = field(default_factory=dict)

    def drawn(self, purpose: str, subject: str) -> tuple[str, ...] | None:
        """Return the order drawn for a subject (`stage:<stage>`, `stage:<stage>:<group>`, a round), or None.

        Of several draws on one subject the first that was completed counts.
        """
        complete = [self.draws[one] for one in self.first_draws.get((purpose, subject), ())]
        complete = [one for one in complete if one.order is not None]
        return min(complete, key=lambda one: one.drawn_at or 0).order if complete else None

    def roster(self, stage: str, group: str | None) -> Roster | None:
        """Return who sits for a stage and group, or None while that is not set."""
        return self.rosters.get((stage, group))

    def sits(self, stage: str, group: str | None, person: str) -> bool:
        """Say whether a person is a member of a stage's body (in a group) now."""
        roster = self.rosters.get((stage, group))
        return roster is not None and person in roster.seated

    def sittings(self, person: str) -> tuple[Roster, ...]:
        """Return the rosters on which a person is a member now, in the order they were set."""
        return tuple(roster for roster in self.rosters.values() if person in roster.seated)

    def declared(self, stage: str, group: str | None) -> dict[str, int]:
        """Return who has declared their relations for a stage and group, each with the entry."""
        return self.declarations.get((stage, group), {})

    def relations(self, member: str) -> dict[str, str]:
        """Return the relations that a person declared, in any stage: candidate to kind of relation."""
        return self.declared_relations.get(member, {})

    def recused(self, stage: str, group: str | None) -> dict[str, dict[str, int]]:
        """Return the recusals: candidate to the members who stand back, each with the entry."""
        return self.recusals.get((stage, group), {})

    def is_recused(self, stage: str, group: str | None, member: str, candidate: str) -> bool:
        """Say whether a member stands back from a candidate."""
        return member in self.recused(stage, group).get(candidate, {})

    def regrouped(self, stage: str) -> dict[str, str]:
        """Return the candidates moved to another group by decision, and where they are now."""
        return {one.candidate: one.after for one in self.regroupings.get(stage, ())}

    def group_of(self, stage: str) -> dict[str, str]:
        """Return each candidate's group by the certified table; empty before it is certified."""
        table = self.tables.get(stage)
        return table.groups if table else {}

    def seats(self, stage: str, group: str | None) -> int | None:
        """Return a group's certified number of seats, or None before the table is certified."""
        table = self.tables.get(stage)
        return table.seats.get(group or "") if table else None

    def table_certified(self, stage: str) -> int | None:
        """Return the entry that certified the table of groups in force, or None."""
        table = self.tables.get(stage)
        return table.index if table else None
