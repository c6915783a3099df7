"""The import of a selection held elsewhere: the facts so far while it runs, what follows from them once completed.

Imported facts are graded so for ever (`Grade.IMPORTED`). They are judged by the times the clerks attest and stand
apart from what was signed here: no roster, round or ballot of this ledger is made of them.
"""

from ledger.import_cells import row_leaf
from ledger.import_facts import ImportFacts
from ledger.imported import derive_import
from ledger.state.books import Books
from ledger.state.import_book import Import
from ledger.state.matters import Folds
from ledger.statements import Act
from ledger.statements.imports import ImportAbandoned, ImportBegun, ImportChunk, ImportCompleted


def _begun(state: Books, act: Act, now: Act) -> None:
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


def _chunk(state: Books, act: Act, now: Act) -> None:
    body: ImportChunk = act.body
    running = state.imports.running
    if running is None:
        return
    for cells in body.rows:
        running.facts.take(body.table, cells)
        running.tree.append(row_leaf(body.table, cells))
    running.chunks.append(act.index)
    running.last_table = body.table


def _completing(state: Books, act: Act, now: Act) -> None:
    if state.imports.running is not None:
        state.imports.running.completing = act.index


def _declined(state: Books, act: Act, now: Act) -> None:
    if state.imports.running is not None:
        state.imports.running.completing = None


def _completed(state: Books, act: Act, now: Act) -> None:
    done = state.imports.running
    if done is None:
        return
    done.completed, done.second = now.index, now.person
    done.result = derive_import(done.facts)
    state.imports.running, state.imports.completed = None, done
    for one in done.result.differences:
        state.findings.add(one.code, one.severity, now.index, act.index, now.index, subject=one.subject, **one.facts)


def _abandoned(state: Books, act: Act, now: Act) -> None:
    given_up = state.imports.running
    if given_up is None:
        return
    given_up.abandoned = now.index
    given_up.facts = ImportFacts(given_up.facts.programme)
    state.imports.running = None
    state.imports.abandoned.append(given_up)
    if given_up.completing is not None:
        state.pending.pop(given_up.completing, None)


FOLDS: Folds = {
    ImportBegun: _begun,
    ImportChunk: _chunk,
    ImportCompleted: _completed,
    ImportAbandoned: _abandoned,
}
PENDING: Folds = {ImportCompleted: _completing}
DECLINED: Folds = {ImportCompleted: _declined}
