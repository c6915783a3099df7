"""Imports of selections held elsewhere: the one that runs, the one that was completed, and those given up."""

from dataclasses import dataclass, field

from ledger.import_facts import ImportFacts
from ledger.imported_result import ImportedResult
from ledger.merkle import Frontier
from ledger.state.casts import Grade


@dataclass(slots=True)
class Import:
    """One import. `begun`, `completing`, `completed`, `abandoned` and `chunks` are entries; times are UTC ms.

    `tree` grows by a leaf for every row. `second` is the clerk who countersigned.
    """

    id: str
    clerk: str
    begun: int
    begun_at: int
    source: str
    files: tuple[tuple[str, str], ...]
    declared: dict[str, int]
    facts: ImportFacts
    tree: Frontier = field(default_factory=Frontier)
    chunks: list[int] = field(default_factory=list)
    last_table: str = ""
    completing: int | None = None
    completed: int | None = None
    abandoned: int | None = None
    second: str | None = None
    result: ImportedResult | None = None

    @property
    def grade(self) -> Grade:
        """By what its ballots show for ever how they came."""
        return Grade.IMPORTED

    @property
    def rows(self) -> int:
        """How many rows are in."""
        return self.tree.size


@dataclass(slots=True)
class Imports:
    """The import that runs, the one that was completed, and those given up."""

    running: Import | None = None
    completed: Import | None = None
    abandoned: list[Import] = field(default_factory=list)
