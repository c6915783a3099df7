"""What is compared: a row of what was announced, and the derived session it belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction


class Extra(StrEnum):
    """Words that were cast but do not count, and why not."""

    RECUSED = "recused"
    OVERVOTE = "overvote"
    VOID = "void"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Announced:
    """A row of what was announced; None: not stated. `row` is its number in the file."""

    row: int
    stage: str
    group: str | None
    candidate: str
    rank: int | None
    approve: int | None
    votes: int | None
    taken: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A derived session: its rows as a certification signs them, its seats, and words that were cast but do not count.

    `lengths`: the lengths of the list under the other readings of its rounding, by reading. `votes`, `means`: the
    public votes and mean scores, where the stage has any before it.
    """

    stage: str
    group: str | None
    clause: str
    rows: Mapping[str, Mapping[str, object]]
    seats: int
    extras: Mapping[Extra, Mapping[str, int]] = field(default_factory=dict)
    lengths: Mapping[str, int] = field(default_factory=dict)
    votes: Mapping[str, int] = field(default_factory=dict)
    means: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def taken(self) -> frozenset[str]:
        """Who is taken."""
        return frozenset(candidate for candidate, row in self.rows.items() if row["taken"])
