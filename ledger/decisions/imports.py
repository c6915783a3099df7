"""Bringing in a selection held elsewhere: rows in order by one clerk, held to the rules, completed by two (七(三)).

While an import runs nothing else is admitted but what stops a key, so that its rows are one piece of the log. Every row
is held here against what a dry run holds it against: a clerk with another program gets no further.
"""

from typing import Any

from ledger.decisions.registry import Asked, Decisions
from ledger.import_checks import RowProblem, claims, row_problems
from ledger.import_tables import REQUIRED_TABLES, TABLES
from ledger.imported import derive_import
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.import_book import Import
from ledger.statements import Statement
from ledger.statements.foundation import ActCountersigned, ActDeclined, StageOpened
from ledger.statements.imports import ImportAbandoned, ImportBegun, ImportChunk, ImportCompleted
from ledger.statements.roll import KeyRevoked

CLAUSE = "七(三)"
_WHILE_RUNNING = (ImportChunk, ImportCompleted, ImportAbandoned, KeyRevoked)
_ORDER = {name: place for place, name in enumerate(TABLES)}


def barred(state: Selection, statement: Statement[Any]) -> Refusal | None:
    """Refuse what may not come between the rows of an import, and the stages of a selection that was imported."""
    running, kind = state.imports.running, type(statement.body)
    if running is None:
        done = state.imports.completed
        if done is not None and kind is StageOpened:
            return refuse("IMPORT_COMPLETED", CLAUSE, id=done.id, index=done.completed or 0)
        return None
    if kind in (ActCountersigned, ActDeclined):
        waiting = state.pending.get(statement.body.index)
        kind = type(waiting.act.body) if waiting is not None else kind
    if kind in _WHILE_RUNNING:
        return None
    return refuse("IMPORT_RUNNING", CLAUSE, id=running.id, index=running.begun)


def _begin(state: Selection, asked: Asked) -> Refusal | None:
    body: ImportBegun = asked.body
    done = state.imports.completed
    if done is not None:
        return refuse("IMPORT_COMPLETED", CLAUSE, id=done.id, index=done.completed or 0)
    begun = next(iter(state.charter.stages), None)
    if begun is not None:
        return refuse("IMPORT_TOO_LATE", CLAUSE, stage=begun)
    if any(one.id == body.import_id for one in state.imports.abandoned):
        return refuse("IMPORT_KNOWN", CLAUSE, id=body.import_id)
    if not body.period.first <= body.period.last <= asked.at:
        return refuse("IMPORT_PERIOD", CLAUSE, first=body.period.first, last=body.period.last)
    return _tables(body)


def _tables(body: ImportBegun) -> Refusal | None:
    named = [one.table for one in body.tables]
    for name in named:
        if name not in TABLES:
            return refuse("IMPORT_TABLE_UNKNOWN", CLAUSE, given=name, known=", ".join(TABLES))
    if named != sorted(set(named), key=_ORDER.__getitem__):
        return refuse("IMPORT_TABLE_ORDER", CLAUSE, table=named[0])
    counts = {one.table: one.rows for one in body.tables}
    for name in REQUIRED_TABLES:
        if not counts.get(name):
            return refuse("IMPORT_TABLE_MISSING", CLAUSE, table=name)
    return None


def _own(state: Selection, asked: Asked) -> Import | Refusal:
    """Return the import that runs, if it is this one, this clerk's, and not waiting for its second signature."""
    running = state.imports.running
    if running is None or running.id != asked.body.import_id:
        return refuse("IMPORT_NOT_RUNNING", CLAUSE, id=asked.body.import_id)
    if running.clerk != asked.person:
        return refuse("IMPORT_OTHER_CLERK", CLAUSE, id=running.id, index=running.begun)
    if running.completing is not None and not asked.final:
        return refuse("ALREADY_PENDING", CLAUSE, index=running.completing)
    return running


def _chunk(state: Selection, asked: Asked) -> Refusal | None:
    body: ImportChunk = asked.body
    running = _own(state, asked)
    if isinstance(running, Refusal):
        return running
    if body.sequence != len(running.chunks):
        return refuse("IMPORT_SEQUENCE", CLAUSE, expected=len(running.chunks), given=body.sequence)
    if body.table not in running.declared:
        return refuse("IMPORT_TABLE_UNKNOWN", CLAUSE, given=body.table, known=", ".join(running.declared))
    if running.last_table and _ORDER[body.table] < _ORDER[running.last_table]:
        return refuse("IMPORT_TABLE_ORDER", CLAUSE, table=body.table)
    declared, held = running.declared[body.table], running.facts.rows[body.table]
    if not body.rows or held + len(body.rows) > declared:
        return refuse("IMPORT_COUNT_DIFFERS", CLAUSE, table=body.table, expected=declared, given=held + len(body.rows))
    return _rows(running, body)


def _rows(running: Import, body: ImportChunk) -> Refusal | None:
    claimed: dict[tuple[str, ...], str | int] = {}
    for place, cells in enumerate(body.rows):
        problems = row_problems(running.facts, body.table, place + 1, cells)
        if problems:
            return _refusal(problems[0])
        for claim, value in claims(body.table, cells, place):
            if claimed.setdefault(claim, value) != value:
                facts: dict[str, str | int] = {"key": " ".join(claim[1:])[:200]}
                return _refusal(RowProblem("IMPORT_ROW_TWICE", CLAUSE, body.table, place + 1, claim[0], facts))
    return None


def _refusal(problem: RowProblem) -> Refusal:
    where: dict[str, str | int] = {"table": problem.table, "row": problem.row, "column": problem.column}
    return Refusal(problem.code, problem.clause, where | dict(problem.facts))


def _complete(state: Selection, asked: Asked) -> Refusal | None:
    """Everything declared is in, under the root that both clerks sign, and what follows from it is what they say."""
    body: ImportCompleted = asked.body
    running = _own(state, asked)
    if isinstance(running, Refusal):
        return running
    for table, expected in running.declared.items():
        held = running.facts.rows[table]
        if held != expected:
            return refuse("IMPORT_COUNT_DIFFERS", CLAUSE, table=table, expected=expected, given=held)
    root = running.tree.root().hex()
    found: dict[str, str | int] = {"chunks": len(running.chunks), "rows": running.rows, "root": root}
    for where, value in found.items():
        if getattr(body, where) != value:
            return refuse("IMPORT_ROOT_DIFFERS", CLAUSE, where=where, expected=value, given=getattr(body, where))
    result = derive_import(running.facts)
    if result.problems:
        return _refusal(result.problems[0])
    if result.results_hash != body.results:
        return refuse("RESULT_NOT_DERIVED", CLAUSE, where="results")
    return None


def _abandon(state: Selection, asked: Asked) -> Refusal | None:
    """Whoever may end it: the clerk may have lost the key, so that another must be able to."""
    running = state.imports.running
    if running is None or running.id != asked.body.import_id:
        return refuse("IMPORT_NOT_RUNNING", CLAUSE, id=asked.body.import_id)
    return None


DECISIONS: Decisions = {
    ImportBegun: _begin,
    ImportChunk: _chunk,
    ImportCompleted: _complete,
    ImportAbandoned: _abandon,
}
