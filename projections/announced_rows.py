"""What an announced result is held against when a selection is rows of tables: from files, or imported into a ledger.

Paper knows ballots that the ledger would never have taken. An over-vote becomes void here and a word of a recused
member counts for nothing, as the rules have it; both are remembered, since counting them is how results go wrong.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ledger.derivation import polled_before
from ledger.derived import Derivation
from ledger.import_checks import RowProblem
from ledger.import_tables import NO, TABLES, Cells, Line, Source
from ledger.imported import ImportedSession
from ledger.imported_result import ImportedResult
from ledger.importing import DryRun, Progress, dry_run
from ledger.procedure.programme import Programme, Stage, StageKind
from ledger.procedure.ranking import DecidedBy
from ledger.procedure.shortlist import Rounding, shortlist_size
from ledger.procedure.vacancies import DropOut
from ledger.statements import Act
from ledger.statements.imports import ImportChunk
from projections.announced import Basis
from projections.announced_places import Places
from projections.announced_session import Extra, Held

AMENDABLE = frozenset({"OVERVOTE", "RECUSED"})
_TOLERATED = AMENDABLE | {"BALANCE_MISMATCH"}
_LISTS = (StageKind.NOTICE, StageKind.APPROVAL, StageKind.AFTERMATH)
_CAUSES = frozenset(cause.value for cause in DropOut)


@dataclass(frozen=True, slots=True)
class Based:
    """What there is to compare with. `problems`: rows that an import would refuse; with no `basis` they forbid more."""

    basis: Basis | None
    problems: Sequence[RowProblem]


@dataclass(slots=True)
class _Context:
    """What has to be known in order to read a ballot: who is recused since when, what round it belongs to."""

    recusals: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    rounds: dict[str, tuple[str, str | None, int, bool]] = field(default_factory=dict)

    def recused(self, cells: Cells) -> frozenset[str]:
        """From whom the member of a ballot was recused when it was cast."""
        stage = self.rounds.get(cells[0], ("", None, 0, False))[0]
        since = self.recusals.get((stage, cells[1]), {})
        return frozenset(one for one, at in since.items() if not cells[6] or at <= int(cells[6]))


def basis_of_rows(programme: Programme, source: Source, progress: Progress | None = None) -> Based:
    """Derive a selection from its rows, ballots counted as the rules count paper, and gather what was cast beside."""
    context = _context(source)
    first = dry_run(programme, source, progress=progress)
    amend = {one.row for one in first.problems if one.table == "ballots" and one.code in AMENDABLE}
    overvotes = {one.row for one in first.problems if one.table == "ballots" and one.code == "OVERVOTE"}
    run: DryRun = first
    if amend:
        amended = {**source, "ballots": lambda: _amended(source, context, amend, overvotes)}
        run = dry_run(programme, amended, progress=progress)
    later = [one for one in run.problems if one not in first.problems]
    hard = [one for one in (*first.problems, *later) if one.code not in _TOLERATED]
    if hard:
        return Based(None, hard)
    extras = _extras(source, context, overvotes, run.derived)
    return Based(_basis(programme, source, run.derived, extras), first.problems)


def rows_of_log(acts: Iterable[Act]) -> Source:
    """Return the rows of the import that a log holds, numbered from 1 within each table."""
    tables: dict[str, list[Line]] = {}
    for act in acts:
        if isinstance(act.body, ImportChunk):
            lines = tables.setdefault(act.body.table, [])
            lines += (Line(len(lines) + place, cells) for place, cells in enumerate(act.body.rows, start=1))
    return {name: lines.__iter__ for name, lines in tables.items()}


def _context(source: Source) -> _Context:
    context = _Context()
    for _, (stage, member, candidate, at) in _lines(source, "recusals"):
        context.recusals.setdefault((stage, member), {})[candidate] = int(at or 0)
    for _, cells in _lines(source, "rounds"):
        context.rounds[cells[0]] = (cells[1], cells[2] or None, int(cells[3] or 0), cells[4] != NO)
    return context


def _lines(source: Source, table: str) -> Iterator[Line]:
    """The rows of a table that have as many cells as it has columns, and good numbers; the dry run tells the others."""
    width = len(TABLES[table].logged)
    for line in source.get(table, tuple)():
        if len(line.cells) == width:
            yield line


def _amended(source: Source, context: _Context, rows: set[int], overvotes: set[int]) -> Iterator[Line]:
    for line in _lines(source, "ballots"):
        if line.number not in rows:
            yield line
            continue
        kept_out = context.recused(line.cells)
        words = [" ".join(one for one in cell.split() if one not in kept_out) for cell in line.cells[2:5]]
        void = line.cells[5] or ("overvote" if line.number in overvotes else "")
        yield Line(line.number, (*line.cells[:2], *words, void, line.cells[6]))


def _extras(
    source: Source, context: _Context, overvotes: set[int], result: ImportedResult
) -> dict[tuple[str, str | None], dict[Extra, Counter[str]]]:
    """Count the words that do not count, by session and reason; one pass, nothing kept of any ballot."""
    seats = {(one.stage, one.group): one.derived.cut.seats for one in result.sessions}
    found: dict[tuple[str, str | None], dict[Extra, Counter[str]]] = {}
    for line in _lines(source, "ballots"):
        stage, group, runoff, counts = context.rounds.get(line.cells[0], ("", None, 1, False))
        if runoff:
            continue
        approve = line.cells[2].split()
        extra = found.setdefault((stage, group), {kind: Counter() for kind in Extra})
        if not counts:
            extra[Extra.SUPERSEDED].update(approve)
        elif line.cells[5] or line.number in overvotes:
            over = len(approve) > seats.get((stage, group), len(approve))
            extra[Extra.OVERVOTE if over else Extra.VOID].update(approve)
        else:
            extra[Extra.RECUSED].update(context.recused(line.cells) & set(approve))
    return found


def _basis(
    programme: Programme,
    source: Source,
    result: ImportedResult,
    extras: Mapping[tuple[str, str | None], Mapping[Extra, Mapping[str, int]]],
) -> Basis:
    votes: dict[str, dict[str, dict[str, int]]] = {}
    for _, (stage, _, channel, candidate, count, _) in _lines(source, "totals"):
        votes.setdefault(stage, {}).setdefault(channel, {})[candidate] = int(count)
    left: dict[str, tuple[int, str]] = {}
    for _, (_, kind, person, _, at, _) in _lines(source, "decisions"):
        if kind in _CAUSES:
            left[person] = min(left.get(person, (int(at), kind)), (int(at), kind))
    sessions = tuple(_held(programme, one, extras.get((one.stage, one.group), {}), votes) for one in result.sessions)
    places = Places(result.nominees, result.alternates, tuple(one.person for one in result.places))
    causes = {person: kind for person, (_, kind) in left.items()}
    return Basis(sessions, votes, places if result.nominees else None, causes, list_stages(programme))


def _held(
    programme: Programme,
    one: ImportedSession,
    extras: Mapping[Extra, Mapping[str, int]],
    votes: Mapping[str, Mapping[str, Mapping[str, int]]],
) -> Held:
    stage = programme.stage(one.stage)
    if stage is None:
        raise LookupError(one.stage)
    return held_of(programme, stage, one.group, one.outcome.rows, one.derived, extras, votes)


def held_of(
    programme: Programme,
    stage: Stage,
    group: str | None,
    rows: Iterable[Mapping[str, object]],
    derived: Derivation,
    extras: Mapping[Extra, Mapping[str, int]],
    votes: Mapping[str, Mapping[str, Mapping[str, int]]],
) -> Held:
    """Put together what is known of one session, with what may explain an announced result that differs."""
    polled = polled_before(programme, stage)
    channels = votes.get(polled.id, {}) if polled else {}
    lengths = {}
    if stage.surplus is not None:
        lengths = {one.value: shortlist_size(programme.seats, stage.surplus, one).size for one in Rounding}
    return Held(
        stage.id,
        group,
        stage.clause,
        {str(row["candidate"]): row for row in rows},
        derived.cut.seats,
        extras,
        lengths,
        dict(sum((Counter(one) for one in channels.values()), Counter())),
        {
            candidate: value
            for key in derived.keys
            if key.name is DecidedBy.MEAN_SCORE
            for candidate, value in key.values
        },
    )


def list_stages(programme: Programme) -> dict[str, str]:
    """Return the stages whose announced rows list who holds a place, with their clauses."""
    return {stage.id: stage.clause for stage in programme.stages if stage.kind in _LISTS}
