"""The import of a selection held elsewhere: the facts so far while it runs, what follows from them once completed.

Imported facts are graded so for ever (`Grade.IMPORTED`). They are judged by the times the clerks attest and stand
apart from what was signed here: no roster, round or ballot of this ledger is made of them.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.import_cells import row_leaf
from ledger.import_facts import ImportFacts
from ledger.imported import ImportedResult, derive_import
from ledger.merkle import Frontier
from ledger.state.casts import Grade
from ledger.statements.imports import ImportAbandoned, ImportBegun, ImportChunk, ImportCompleted

if TYPE_CHECKING:
    from ledger.selection import Selection
    from ledger.state.matters import Folds
    from ledger.statements import Act


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


def _begun(state: "Selection", act: "Act", now: "Act") -> None:
    body: ImportBegun = act.body
    period = (body.period.first, body.period.last)
    state.imports.running = Import(
        id=body.import_id,
        clerk=act.person,
        begun=act.index,
        begun_at=act.at,
        source=body.source,
        files=tuple((one.name, one.digest) for one in body.files),
        declared={one.table: one.rows for one in body.tables},
        facts=ImportFacts(state.charter.latest.programme, period),
    )


def _chunk(state: "Selection", act: "Act", now: "Act") -> None:
    body: ImportChunk = act.body
    running = state.imports.running
    if running is None:
        return
    for cells in body.rows:
        running.facts.take(body.table, cells)
        running.tree.append(row_leaf(body.table, cells))
    running.chunks.append(act.index)
    running.last_table = body.table


def _completing(state: "Selection", act: "Act", now: "Act") -> None:
    if state.imports.running is not None:
        state.imports.running.completing = act.index


def _declined(state: "Selection", act: "Act", now: "Act") -> None:
    if state.imports.running is not None:
        state.imports.running.completing = None


def _completed(state: "Selection", act: "Act", now: "Act") -> None:
    done = state.imports.running
    if done is None:
        return
    done.completed, done.second = now.index, now.person
    done.result = derive_import(done.facts)
    state.imports.running, state.imports.completed = None, done
    for one in done.result.differences:
        state.findings.add(one.code, one.severity, now.index, act.index, now.index, subject=one.subject, **one.facts)


def _abandoned(state: "Selection", act: "Act", now: "Act") -> None:
    given_up = state.imports.running
    if given_up is None:
        return
    given_up.abandoned = now.index
    given_up.facts = ImportFacts(given_up.facts.programme)
    state.imports.running = None
    state.imports.abandoned.append(given_up)
    if given_up.completing is not None:
        state.pending.pop(given_up.completing, None)


FOLDS: "Folds" = {
    ImportBegun: _begun,
    ImportChunk: _chunk,
    ImportCompleted: _completed,
    ImportAbandoned: _abandoned,
}
PENDING: "Folds" = {ImportCompleted: _completing}
DECLINED: "Folds" = {ImportCompleted: _declined}
