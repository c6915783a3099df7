"""Bringing a selection in: a dry run that decides all of it, then statements in chunks, restartable after a crash.

Nothing is appended before the dry run has nothing to say against any row. Rows are read again for every pass and never
held together in memory; what stays is in `import_facts`. A run that finds its own import begun goes on after the last
chunk in the log, if the rows up to there are the very same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, TypeAlias

from ledger.errors import ConflictError, LedgerError, VerificationError
from ledger.import_checks import ROW_CLAUSE, RowProblem, row_problems
from ledger.import_facts import ImportFacts
from ledger.import_tables import REQUIRED_TABLES, TABLES, Cells, CellType, Line, Source, row_leaf
from ledger.imported import derive_import
from ledger.imported_result import ImportedResult
from ledger.merkle import Frontier
from ledger.procedure.ballots import BallotProblem, first_problem
from ledger.procedure.programme import Programme
from ledger.procedure.reasons import Refusal
from ledger.selection import Selection
from ledger.state.import_book import Import
from ledger.statements import Act
from ledger.statements.foundation import ActCountersigned
from ledger.statements.imports import ImportBegun, ImportChunk, ImportCompleted, PeriodAttested, SourceFile, TableRows

PROBLEMS_KEPT = 1000
CHUNK_BYTES = 40_000
"""So many bytes of rows in a chunk, so that its entry, in base64 and framed, stays below 65,535 bytes."""
CHUNK_ROWS = 2000
AT_ONCE = 32
"""So many chunks are handed in before their answers are awaited."""
PROGRESS_EVERY = 10_000
_SURE = ("OVERVOTE", "SCORE_INVALID", "RULE_UNDECLARED", "GROUP_UNCOVERED", "NO_ROUND_DUE")

Progress: TypeAlias = Callable[[str, int], None]
"""progress(table, rows): told every so often how many rows of a table have been read, or of all tables (`""`) sent."""


class Chunk(NamedTuple):
    """Rows of one table that travel in one statement; `sequence` counts from 0 over the whole import."""

    sequence: int
    table: str
    rows: tuple[Cells, ...]


class Clerk(Protocol):
    """A clerk's hand on a ledger: signs bodies with the own key and hands them in, in order."""

    @property
    def person(self) -> str:
        """The clerk's person id."""

    @property
    def state(self) -> Selection:
        """The ledger's state after the last answer."""

    def submit_all(self, bodies: Sequence[Any]) -> Sequence[Act | Refusal]:
        """Sign and submit bodies one after another; return their answers in the same order."""


@dataclass(frozen=True, slots=True)
class Description:
    """What the clerks attest of an import: its id, where it comes from, its files, and the period (UTC ms)."""

    import_id: str
    source: str
    files: tuple[SourceFile, ...]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class DryRun:
    """A selection decided whole, nothing appended: what is wrong, and what follows from it.

    `problems` are in the order of the tables, at most `PROBLEMS_KEPT` of `problem_count`. `rows` counts the rows of
    each table; `span` is the first and last time that any row states (UTC ms; None: no row states one).
    """

    problems: tuple[RowProblem, ...]
    problem_count: int
    rows: Mapping[str, int]
    span: tuple[int, int] | None
    derived: ImportedResult

    @property
    def admissible(self) -> bool:
        """Whether nothing stands against importing it."""
        return not self.problem_count


class ImportRefusedError(LedgerError):
    """The ledger refused a statement of an import; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        """Keep the refusal."""
        super().__init__(refusal.code, **refusal.facts)
        self.refusal = refusal


@dataclass(slots=True)
class _Found:
    kept: list[RowProblem] = field(default_factory=list)
    count: int = 0

    def add(self, problems: Sequence[RowProblem]) -> None:
        self.count += len(problems)
        self.kept.extend(problems[: PROBLEMS_KEPT - len(self.kept)])


def dry_run(
    programme: Programme, source: Source, *, period: tuple[int, int] | None = None, progress: Progress | None = None
) -> DryRun:
    """Decide every row of every table and derive the result; one pass, two where ballots break a derived bound.

    Where rows are wrong and left out, what may only follow from that (a balance, a list) is not held against
    the others; it is told once those rows are right.
    """
    facts, found = ImportFacts(programme, period), _Found()
    rows: dict[str, int] = {}
    span: tuple[int, int] | None = None
    for name in TABLES:
        places = [at for at, column in enumerate(TABLES[name].logged) if column.type is CellType.INSTANT]
        rows[name] = 0
        for line in _lines(source, name, progress):
            rows[name] += 1
            problems = row_problems(facts, name, line.number, line.cells)
            if problems:
                found.add(problems)
                continue
            facts.take(name, line.cells)
            for moment in (int(line.cells[at]) for at in places if line.cells[at]):
                span = (moment, moment) if span is None else (min(span[0], moment), max(span[1], moment))
    for name in REQUIRED_TABLES:
        if not rows[name]:
            found.add([RowProblem("IMPORT_TABLE_MISSING", ROW_CLAUSE, name, 0, "", {"table": name})])
    derived = derive_import(facts)
    told = _SURE if found.count else None
    found.add(_located([one for one in derived.problems if told is None or one.code in told], derived, source))
    return DryRun(tuple(found.kept), found.count, rows, span, derived)


def _lines(source: Source, table: str, progress: Progress | None = None) -> Iterator[Line]:
    read = source.get(table)
    number = 0
    for number, line in enumerate(read() if read is not None else (), start=1):
        if progress is not None and number % PROGRESS_EVERY == 0:
            progress(table, number)
        yield line
    if progress is not None and number % PROGRESS_EVERY:
        progress(table, number)


def _located(problems: list[RowProblem], derived: ImportedResult, source: Source) -> list[RowProblem]:
    """Find the rows behind problems that only the derivation could tell, in one more pass over their tables."""
    found = [problem for problem in problems if "round" not in problem.facts]
    of_round: dict[str, list[RowProblem]] = {}
    for problem in problems:
        if "round" in problem.facts:
            of_round.setdefault(problem.table, []).append(problem)
    for problem in of_round.get("rounds", ()):
        row = next((line.number for line in _lines(source, "rounds") if line.cells[:1] == (problem.facts["round"],)), 0)
        found.append(replace(problem, row=row))
    ballots = {(str(problem.facts["round"]), problem.code): problem.clause for problem in of_round.get("ballots", ())}
    rounds = {round_id for round_id, _ in ballots}
    for line in _lines(source, "ballots") if rounds else ():
        fault = _beyond(derived, line.cells) if line.cells[0] in rounds and not line.cells[5] else None
        clause = ballots.get((line.cells[0], fault.fault.value)) if fault is not None else None
        if fault is not None and clause is not None:
            facts: dict[str, str | int] = {"round": line.cells[0], "candidate": fault.candidate or "-"}
            facts |= {"most": derived.bounds[line.cells[0]].most, "given": fault.approvals}
            found.append(RowProblem(fault.fault.value, clause, "ballots", line.number, "approve", facts))
    return found


def _beyond(derived: ImportedResult, cells: Cells) -> BallotProblem | None:
    """Hold a ballot to the list and the number of approvals of its round."""
    listed, most = derived.bounds[cells[0]]
    approve, against, abstain = (cell.split() for cell in cells[2:5])
    return first_problem(approve, against, abstain, listed, frozenset(), most)


def plan(source: Source) -> Iterator[Chunk]:
    """Cut the rows into chunks, table by table, in the order of the files; the same files give the same chunks."""
    sequence = 0
    for table in TABLES:
        rows: list[Cells] = []
        size = 0
        for line in _lines(source, table):
            length = _length(line.cells)
            if rows and (size + length > CHUNK_BYTES or len(rows) == CHUNK_ROWS):
                yield Chunk(sequence, table, tuple(rows))
                sequence, rows, size = sequence + 1, [], 0
            rows.append(line.cells)
            size += length
        if rows:
            yield Chunk(sequence, table, tuple(rows))
            sequence += 1


def _length(cells: Cells) -> int:
    """Return how many bytes a row takes in a statement, with its separator."""
    text = "".join(cells)
    return len(text.encode()) + text.count('"') + text.count("\\") + 3 * len(cells) + 2


def run(
    clerk: Clerk,
    programme: Programme,
    source: Source,
    description: Description,
    dry: DryRun,
    *,
    progress: Progress | None = None,
) -> Act:
    """Append an import that the dry run admits, up to its completion, which then waits for the second clerk.

    Where this import has begun already, the rows in the log are held against the source, and what is missing follows; a
    completion that waits already is returned as it is. Raises `ImportRefusedError` for what the ledger refuses,
    `VerificationError` `IMPORT_SOURCE_CHANGED` where the source is another one than the log began with, and
    `ConflictError` `IMPORT_NOT_ADMISSIBLE` where the dry run has problems.
    """
    if not dry.admissible:
        raise ConflictError("IMPORT_NOT_ADMISSIBLE", problems=dry.problem_count)
    held = _begun(clerk, description, dry)
    waiting = clerk.state.pending.get(held.completing) if held.completing is not None else None
    tree, chunks, done = Frontier(), 0, len(held.chunks)
    batch: list[ImportChunk] = []
    for chunk in plan(source):
        for cells in chunk.rows:
            tree.append(row_leaf(chunk.table, cells))
        chunks += 1
        if chunk.sequence >= done:
            batch.append(ImportChunk(description.import_id, chunk.rows, chunk.sequence, chunk.table))
        elif chunk.sequence == done - 1 and tree.root() != held.tree.root():
            raise VerificationError("IMPORT_SOURCE_CHANGED", chunks=done)
        if len(batch) == AT_ONCE:
            _send(clerk, batch, tree.size, progress)
    _send(clerk, batch, tree.size, progress)
    if waiting is not None:
        return waiting.act
    body = ImportCompleted(chunks, description.import_id, dry.derived.results_hash, tree.root().hex(), tree.size)
    return _one(clerk, body)


def countersign(second: Clerk, completion: Act) -> Act:
    """Let the second clerk sign a completion, after an own dry run of the files; returns the countersignature.

    Raises `ImportRefusedError`.
    """
    return _one(second, ActCountersigned(completion.index, completion.leaf.hex()))


def _begun(clerk: Clerk, description: Description, dry: DryRun) -> Import:
    """Return the import as the log holds it, begun now unless it was before."""
    running = clerk.state.imports.running
    if running is None:
        tables = tuple(TableRows(count, table) for table, count in dry.rows.items() if count)
        period = PeriodAttested(description.first, description.last)
        _one(clerk, ImportBegun(description.files, description.import_id, period, description.source, tables))
        running = clerk.state.imports.running
    if running is None or running.id != description.import_id:
        raise ConflictError("IMPORT_RUNNING", id=running.id if running else "-", index=running.begun if running else 0)
    return running


def _send(clerk: Clerk, batch: list[ImportChunk], rows: int, progress: Progress | None) -> None:
    for answer in clerk.submit_all(batch) if batch else ():
        if isinstance(answer, Refusal):
            raise ImportRefusedError(answer)
    if batch and progress is not None:
        progress("", rows)
    batch.clear()


def _one(clerk: Clerk, body: Any) -> Act:
    (answer,) = clerk.submit_all([body])
    if isinstance(answer, Refusal):
        raise ImportRefusedError(answer)
    return answer
