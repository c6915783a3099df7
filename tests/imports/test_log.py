"""An import in the log: one clerk's chunks in order, nothing between them, one root that a second clerk signs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from api.rehearsal.driver import World
from ledger.errors import ConflictError, VerificationError
from ledger.import_tables import TABLES
from ledger.importing import Chunk, Description, ImportRefusedError, countersign, plan, run
from ledger.procedure.reasons import Refusal
from ledger.selection import Selection
from ledger.state.casts import Grade
from ledger.statements import Act
from ledger.statements.foundation import ActCountersigned, StageOpened
from ledger.statements.imports import (
    ImportAbandoned,
    ImportBegun,
    ImportChunk,
    ImportCompleted,
    PeriodAttested,
    SourceFile,
    TableRows,
)
from ledger.statements.roll import KeyRevoked
from projections.replay import replay
from tests.imports.exporting import source_of
from tests.imports.small import FIRST, LAST, VALUE, Tables, ballot, tables, tried
from tests.simulator import History, MemoryLedger, freeze, new_world, resume

FILES = (SourceFile("ab" * 32, 1234, "ballots.csv"),)
WHAT = Description("import-1", "2023年评选的纸质记录", FILES, FIRST, LAST)
CLAUSE = "七(三)"


class WorldClerk:
    """A clerk of a play; `fails_after` bodies the connection is lost."""

    def __init__(self, world: World, alias: str, fails_after: int | None = None) -> None:
        self.world, self.alias, self.left = world, alias, fails_after

    @property
    def person(self) -> str:
        return self.world.person(self.alias)

    @property
    def state(self) -> Selection:
        return self.world.state

    def submit_all(self, bodies: Sequence[Any]) -> Sequence[Act | Refusal]:
        return list(self._answers(bodies))

    def _answers(self, bodies: Sequence[Any]) -> Iterator[Act | Refusal]:
        for body in bodies:
            if self.left is not None:
                if not self.left:
                    raise ConnectionError
                self.left -= 1
            yield self.world.submit(self.alias, body)


@pytest.fixture(scope="module")
def beginning() -> History:
    world = new_world(VALUE)
    world.set_time("2024-01-10")
    world.enrol("clerk", "intake_office")
    world.enrol("clerk-2", "intake_office")
    world.enrol("stranger", "recommender")
    return freeze(world)


@pytest.fixture
def world(beginning: History) -> World:
    return resume(beginning)


def begun(**changes: Any) -> ImportBegun:
    counts = tuple(TableRows(len(rows), name) for name, rows in tables().items() if rows)
    values: dict[str, Any] = {
        "files": FILES,
        "import_id": WHAT.import_id,
        "period": PeriodAttested(FIRST, LAST),
        "source": WHAT.source,
        "tables": counts,
    }
    return ImportBegun(**(values | changes))


def chunks(rows: Tables) -> list[ImportChunk]:
    return [as_body(one) for one in plan(source_of(rows))]


def as_body(chunk: Chunk, **changes: Any) -> ImportChunk:
    return replace(ImportChunk(WHAT.import_id, chunk.rows, chunk.sequence, chunk.table), **changes)


def imported(world: World, rows: Tables | None = None) -> Act:
    rows = rows or tables()
    clerk = WorldClerk(world, "clerk")
    return run(clerk, world.state.charter.latest.programme, source_of(rows), WHAT, tried(rows))


def unchanged(world: World, alias: str, body: Any, code: str, **facts: str | int) -> None:
    size = world.state.size
    refusal = world.refused(alias, body)
    assert (refusal.code, refusal.clause) == (code, CLAUSE)
    assert facts.items() <= refusal.facts.items()
    assert world.state.size == size


def replayed(world: World) -> Selection:
    ledger = world.ledger
    assert isinstance(ledger, MemoryLedger)
    return replay(ledger.entries)


def test_a_selection_comes_in_and_is_derived(world: World) -> None:
    completion = imported(world)
    running = world.state.imports.running
    assert running is not None
    assert (running.completing, running.completed) == (completion.index, None)
    countersign(WorldClerk(world, "clerk-2"), completion)
    done = world.state.imports.completed
    assert done is not None
    assert (done.clerk, done.second) == (world.person("clerk"), world.person("clerk-2"))
    assert done.grade is Grade.IMPORTED
    assert done.result == tried(tables()).derived
    again = replayed(world).imports.completed
    assert again is not None
    assert (again.result, again.tree.root(), again.chunks) == (done.result, done.tree.root(), done.chunks)
    unchanged(world, "organiser", StageOpened("applications"), "IMPORT_COMPLETED", index=world.state.size - 1)
    unchanged(world, "clerk", begun(import_id="import-2"), "IMPORT_COMPLETED")


def test_the_differences_of_an_import_are_findings(world: World) -> None:
    rows = tables() | {"totals": []}
    act = countersign(WorldClerk(world, "clerk-2"), imported(world, rows))
    (finding,) = world.state.findings.open_of("IMPORT_TIE_OPEN")
    assert (finding.severity, finding.raised) == ("breach", act.index)
    assert finding.facts == {"subject": "stage:final", "tied": "a2, a3", "places": 1}


def test_nothing_else_is_admitted_while_an_import_runs(world: World) -> None:
    waiting = world.must("registrar", world.enrolment("late"))
    act = world.must("clerk", begun())
    unchanged(world, "organiser", StageOpened("applications"), "IMPORT_RUNNING", index=act.index)
    unchanged(world, "registrar", world.enrolment("later"), "IMPORT_RUNNING")
    unchanged(world, "discipline", ActCountersigned(waiting.index, waiting.leaf.hex()), "IMPORT_RUNNING")
    unchanged(world, "clerk", begun(import_id="import-2"), "IMPORT_RUNNING")
    key = world.state.roll.people[world.person("clerk")].keys[0]
    lost = world.must("registrar", KeyRevoked("lost", key, world.person("clerk"), "密钥遗失", None))
    world.cosign(lost, "discipline")
    unchanged(world, "clerk", chunks(tables())[0], "KEY_REVOKED")
    world.must("discipline", ImportAbandoned(WHAT.import_id, "密钥遗失"))
    assert world.state.imports.running is None
    world.cosign(waiting, "discipline")


def test_an_import_given_up_leaves_nothing_but_its_entries(world: World) -> None:
    completion = imported(world)
    world.must("clerk", ImportAbandoned(WHAT.import_id, "第二名工作人员发现错漏"))
    assert completion.index not in world.state.pending
    (given_up,) = world.state.imports.abandoned
    assert given_up.facts.applications == {}
    unchanged(world, "clerk-2", ActCountersigned(completion.index, completion.leaf.hex()), "NOT_PENDING")
    unchanged(world, "clerk", begun(), "IMPORT_KNOWN", id=WHAT.import_id)
    unchanged(world, "clerk", ImportAbandoned(WHAT.import_id, "再次"), "IMPORT_NOT_RUNNING")
    world.must("clerk", begun(import_id="import-2"))


def test_an_import_comes_before_every_stage(world: World) -> None:
    world.must("organiser", StageOpened("applications"))
    unchanged(world, "clerk", begun(), "IMPORT_TOO_LATE", stage="applications")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"period": PeriodAttested(LAST, FIRST)}, "IMPORT_PERIOD"),
        ({"period": PeriodAttested(FIRST, 2**50)}, "IMPORT_PERIOD"),
        ({"tables": (TableRows(1, "secrets"),)}, "IMPORT_TABLE_UNKNOWN"),
        ({"tables": (TableRows(1, "ballots"), TableRows(1, "rounds"))}, "IMPORT_TABLE_ORDER"),
        ({"tables": (TableRows(1, "ballots"), TableRows(1, "ballots"))}, "IMPORT_TABLE_ORDER"),
        ({"tables": (TableRows(1, "ballots"),)}, "IMPORT_TABLE_MISSING"),
    ],
)
def test_a_beginning_says_what_will_come(world: World, changes: dict[str, Any], code: str) -> None:
    unchanged(world, "clerk", begun(**changes), code)


def test_only_clerks_import_and_the_one_who_began_goes_on(world: World) -> None:
    unchanged(world, "stranger", begun(), "NOT_AUTHORISED")
    first = chunks(tables())[0]
    unchanged(world, "clerk", first, "IMPORT_NOT_RUNNING")
    world.must("clerk", begun())
    unchanged(world, "clerk-2", first, "IMPORT_OTHER_CLERK")
    unchanged(world, "clerk", replace(first, import_id="import-2"), "IMPORT_NOT_RUNNING")


def test_chunks_come_in_order_and_as_declared(world: World) -> None:
    world.must("clerk", begun())
    applications, rosters, *_ = chunks(tables())
    unchanged(world, "clerk", rosters, "IMPORT_SEQUENCE", expected=0, given=1)
    unchanged(world, "clerk", replace(applications, table="people"), "IMPORT_TABLE_UNKNOWN")
    unchanged(world, "clerk", replace(applications, rows=()), "IMPORT_COUNT_DIFFERS")
    unchanged(
        world, "clerk", replace(applications, rows=applications.rows * 2), "IMPORT_COUNT_DIFFERS", expected=5, given=10
    )
    world.must("clerk", applications)
    unchanged(world, "clerk", applications, "IMPORT_SEQUENCE", expected=1, given=0)
    world.must("clerk", rosters)
    unchanged(world, "clerk", replace(applications, sequence=2), "IMPORT_TABLE_ORDER")


TWICE: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    ("applications", (("x1", "p", "", "", "eligible", ""), ("x2", "p", "", "", "eligible", ""))),
    ("rosters", (("long", "", "m9"), ("long", "", "m9"))),
    ("rounds", (("r1", "long", "", "", "", "", "", "", "", ""), ("r2", "long", "", "0", "", "", "", "", "", ""))),
    ("ballots", (ballot("r-long", "m1", "a1"), ballot("r-long", "m1", "a2"))),
    ("totals", (("public", "", "hall", "a1", "1", "yes"), ("public", "", "hall", "a2", "1", "no"))),
    ("totals", (("public", "p1", "hall", "a1", "1", "yes"), ("public", "p2", "hall", "a2", "1", "yes"))),
    ("tie_orders", (("r-long", "a1", "lot", "1"), ("r-long", "a2", "decision", "1"))),
)  # fmt: skip


@pytest.mark.parametrize(("table", "rows"), TWICE)
def test_rows_of_one_chunk_do_not_contradict_one_another(
    world: World, table: str, rows: tuple[tuple[str, ...], ...]
) -> None:
    before = [one for one in plan(source_of(tables())) if list(TABLES).index(one.table) < list(TABLES).index(table)]
    counts = {name: len(lines) or 9 for name, lines in tables().items()}
    world.must("clerk", begun(tables=tuple(TableRows(count, name) for name, count in counts.items())))
    for one in before:
        world.must("clerk", as_body(one))
    body = ImportChunk(WHAT.import_id, rows, len(before), table)
    if table == "rounds":
        body = replace(body, rows=rows)
    unchanged(world, "clerk", body, "IMPORT_ROW_TWICE", table=table, row=2)


def test_every_row_is_held_to_the_rules_again(world: World) -> None:
    world.must("clerk", begun())
    for body in chunks(tables()):
        if body.table == "ballots":
            wrong = replace(body, rows=(ballot("r-long", "m1", "zz"), *body.rows[1:]))
            refusal = world.refused("clerk", wrong)
            assert (refusal.code, refusal.facts["table"], refusal.facts["row"]) == ("UNKNOWN_CANDIDATE", "ballots", 1)
        world.must("clerk", body)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"root": "00" * 32}, "IMPORT_ROOT_DIFFERS"),
        ({"rows": 7}, "IMPORT_ROOT_DIFFERS"),
        ({"chunks": 7}, "IMPORT_ROOT_DIFFERS"),
        ({"results": "00" * 32}, "RESULT_NOT_DERIVED"),
    ],
)
def test_a_completion_signs_what_is_there_and_what_follows(world: World, changes: dict[str, Any], code: str) -> None:
    completion = imported(world)
    world.decline(completion, "clerk-2")
    body: ImportCompleted = completion.body
    unchanged(world, "clerk", replace(body, **changes), code)
    again = world.must("clerk", body)
    world.cosign(again, "clerk-2")


def test_a_completion_waits_for_another_clerk(world: World) -> None:
    completion = imported(world)
    unchanged(world, "clerk", ActCountersigned(completion.index, completion.leaf.hex()), "SECOND_SIGNER_NEEDED")
    unchanged(world, "stranger", ActCountersigned(completion.index, completion.leaf.hex()), "NOT_AUTHORISED")
    unchanged(world, "clerk", completion.body, "ALREADY_PENDING", index=completion.index)
    unchanged(world, "clerk", replace(chunks(tables())[-1], sequence=99), "ALREADY_PENDING")
    world.cosign(completion, "discipline")
    assert world.state.imports.completed is not None


def test_a_completion_needs_every_row_that_was_declared(world: World) -> None:
    world.must("clerk", begun())
    for body in chunks(tables())[:-1]:
        world.must("clerk", body)
    unchanged(world, "clerk", ImportCompleted(1, WHAT.import_id, "00" * 32, "00" * 32, 1), "IMPORT_COUNT_DIFFERS")


def test_ballots_beyond_the_derived_list_are_never_completed(world: World) -> None:
    rows = tables()
    rows["ballots"][-1] = ballot("r-final", "m4", "a4")
    world.must("clerk", begun())
    for body in chunks(rows):
        world.must("clerk", body)
    running = world.state.imports.running
    assert running is not None
    root = running.tree.root().hex()
    refusal = world.refused(
        "clerk", ImportCompleted(len(running.chunks), WHAT.import_id, "00" * 32, root, running.rows)
    )
    assert (refusal.code, refusal.facts["candidate"]) == ("UNKNOWN_CANDIDATE", "a4")


@pytest.mark.parametrize("fails_after", range(1, 8))
def test_a_run_that_was_cut_off_goes_on_where_it_stopped(world: World, fails_after: int) -> None:
    rows = tables()
    programme, dry = world.state.charter.latest.programme, tried(rows)
    with pytest.raises(ConnectionError):
        run(WorldClerk(world, "clerk", fails_after), programme, source_of(rows), WHAT, dry)
    completion = run(WorldClerk(world, "clerk"), programme, source_of(rows), WHAT, dry)
    assert run(WorldClerk(world, "clerk"), programme, source_of(rows), WHAT, dry) == completion
    world.cosign(completion, "clerk-2")
    done = world.state.imports.completed
    assert done is not None
    assert (len(done.chunks), done.rows) == (6, sum(dry.rows.values()))


def test_a_run_goes_on_with_the_same_rows_only(world: World) -> None:
    rows = tables()
    programme, dry = world.state.charter.latest.programme, tried(rows)
    with pytest.raises(ConnectionError):
        run(WorldClerk(world, "clerk", 3), programme, source_of(rows), WHAT, dry)
    changed = tables()
    changed["applications"][0] = (*changed["applications"][0][:5], "")
    size = world.state.size
    with pytest.raises(VerificationError, match="IMPORT_SOURCE_CHANGED"):
        run(WorldClerk(world, "clerk"), programme, source_of(changed), WHAT, tried(changed))
    other = replace(WHAT, import_id="import-2")
    with pytest.raises(ConflictError, match="IMPORT_RUNNING"):
        run(WorldClerk(world, "clerk"), programme, source_of(rows), other, dry)
    assert world.state.size == size


def test_nothing_is_appended_of_what_a_dry_run_refuses(world: World) -> None:
    rows = tables()
    rows["ballots"].append(ballot("r-long", "m1", "a1"))
    size = world.state.size
    with pytest.raises(ConflictError, match="IMPORT_NOT_ADMISSIBLE"):
        imported(world, rows)
    assert world.state.size == size


def test_a_run_stops_at_a_refusal(world: World) -> None:
    world.must("organiser", StageOpened("applications"))
    with pytest.raises(ImportRefusedError) as caught:
        imported(world)
    assert caught.value.refusal.code == "IMPORT_TOO_LATE"
