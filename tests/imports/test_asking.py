"""An imported selection answers every question as the played one does from which its tables were written."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest

from ledger.importing import Description, countersign, dry_run, run
from ledger.outcome import Outcome
from ledger.selection import Selection
from ledger.state.casts import Grade
from ledger.state.places import held as places
from ledger.statements import Act, decode_own_entry
from ledger.statements.imports import SourceFile
from projections.elsewhere.acts import Held, as_held
from projections.explain import explain_way
from projections.history import history_of_all
from projections.leave_one_out import leave_one_out
from projections.margin_search import Margins
from projections.margins import margins
from projections.movement import movement
from projections.readings_table import readings_table
from projections.score_sheets import review
from projections.selection_tables import tables_of
from projections.story import stories
from projections.whatif import Change, what_if_of
from tests.finalists import at_approval
from tests.imports.test_log import WorldClerk
from tests.imports.test_round_trip import played
from tests.simulator import entries_of, new_world

DAY_MS = 86_400_000


class Pair(NamedTuple):
    """A played selection, and the same one exported and imported."""

    state: Selection
    acts: tuple[Act, ...]
    held: Held
    log: Selection


def imported(state: Selection, acts: tuple[Act, ...]) -> Pair:
    programme, source = state.charter.latest.programme, tables_of(state, acts)
    dry = dry_run(programme, source)
    assert (dry.problems, dry.span is not None) == ((), True)
    first, last = dry.span or (0, 1)
    world = new_world(dict(state.charter.latest.value))
    world.now = max(world.now, last + DAY_MS)
    for alias in ("clerk", "clerk-2"):
        world.enrol(alias, "intake_office")
    what = Description("import-1", "卷宗", (SourceFile("ab" * 32, 1, "ballots.csv"),), first, last)
    countersign(WorldClerk(world, "clerk-2"), run(WorldClerk(world, "clerk"), programme, source, what, dry))
    log = tuple(decode_own_entry(entry) for entry in entries_of(world))
    return Pair(state, acts, as_held(world.state, log), world.state)


def certified(state: Selection) -> dict[str, Outcome]:
    return {one.subject: one.outcome for one in state.rounds.sessions.values() if one.outcome is not None}


def rows_of(outcomes: Iterable[Outcome]) -> dict[str, str]:
    return {one.subject: one.rows_root for one in outcomes}


@pytest.mark.parametrize("seed", range(14))
def test_what_was_imported_is_counted_as_what_was_played(seed: int) -> None:
    pair = imported(*played(seed))
    done = pair.log.imports.completed
    assert done is not None
    assert done.result is not None
    found = certified(pair.held.state)
    assert rows_of(found.values()) == rows_of(one.outcome for one in done.result.sessions)
    assert rows_of(found.values()).items() >= rows_of(certified(pair.state).values()).items()
    assert tuple(places(pair.held.state)) == done.result.places
    assert pair.held.state.findings == pair.log.findings
    assert {cast.grade for one in pair.held.state.rounds.by_id.values() for cast in one.ballots.values()} == {
        Grade.IMPORTED
    }


@pytest.fixture(scope="module")
def pair() -> Pair:
    world = at_approval()
    return imported(world.state, tuple(decode_own_entry(entry) for entry in entries_of(world)))


def sizes(found: Margins) -> tuple[Any, ...]:
    return tuple((one.lower, one.upper, one.sets) if one else None for one in (found.changes, found.opens))


def stages(state: Selection) -> list[str]:
    return list(dict.fromkeys(one.stage for one in state.rounds.sessions.values() if one.outcome is not None))


def test_margins_are_the_same(pair: Pair) -> None:
    def told(state: Selection, acts: tuple[Act, ...]) -> list[Any]:
        return [
            (one.subject, each.round, seat.candidate, seat.rank, *sizes(seat.removal), *sizes(seat.change))
            for stage in stages(pair.state)
            for one in sorted(margins(state, acts, stage), key=lambda one: one.subject)
            for each in one.rounds
            for seat in each.candidates
        ]

    found = told(pair.held.state, pair.held.acts)
    assert found == told(pair.state, pair.acts)
    assert found


def test_leaving_one_out_is_the_same(pair: Pair) -> None:
    def told(state: Selection, acts: tuple[Act, ...]) -> list[Any]:
        return [
            (one.subject, each.member, each.part, each.moved, each.tie)
            for stage in stages(pair.state)
            for one in sorted(leave_one_out(state, acts, stage), key=lambda one: one.subject)
            for each in one.members
        ]

    found = told(pair.held.state, pair.held.acts)
    assert found == told(pair.state, pair.acts)
    assert any(moved for *_, moved, _ in found)


def test_another_reading_or_a_missing_member_changes_the_same(pair: Pair) -> None:
    member = next(iter(pair.state.bodies.rosters.values())).members[0]
    for change in (Change(members=frozenset({member})), Change(readings={"recusal_ranking": "share"})):
        played_, held = what_if_of(pair.acts, change), what_if_of(pair.held.acts, change)
        assert sorted((one.subject, one.candidates) for one in held.compared) == sorted(
            (one.subject, one.candidates) for one in played_.compared
        )
    tables = [readings_table(*one) for one in ((pair.state, pair.acts), (pair.held.state, pair.held.acts))]
    told = [
        [(row.reading, [(one.named, one.shortlist) for one in row.alternatives]) for row in one.rows] for one in tables
    ]
    assert told[0] == told[1]
    assert tables[0].named == tables[1].named


def test_everything_can_be_told_of_it(pair: Pair) -> None:
    state, acts = pair.held.state, pair.held.acts
    final = state.rounds.final
    assert final is not None
    for person in (*final.nominees, *final.alternates):
        told = explain_way(state, person)
        assert all(one.zh and one.en for one in told.sentences)
        assert {"APPLIED", "SCREENED_ELIGIBLE"} <= {one.code for one in told.sentences}
    assert len(stories(state, state.at)) >= len(final.nominees)
    lines = history_of_all(state, acts)
    assert len(lines) == len(acts)
    assert all(one.zh != one.kind != one.en for one in lines)
    before = min(pair.held.sources)
    assert movement(acts, before, len(acts)).steps
    assert [one.subject for one in review(state, stages(pair.state)[0])]


def test_each_row_s_act_says_where_it_is_from(pair: Pair) -> None:
    log = len(pair.held.acts) - len(pair.held.sources)
    assert list(pair.held.sources) == list(range(log, len(pair.held.acts)))
    for act in pair.held.acts[log:]:
        source = pair.held.sources[act.index]
        if act.statement.type == "ballot.cast":
            chunk = pair.held.acts[source.entry].body
            assert (chunk.table, source.table) == ("ballots", "ballots")
            assert chunk.rows[source.row - 1][:2] == (act.body.round, act.person)


def test_without_an_import_nothing_changes(pair: Pair) -> None:
    held = as_held(pair.state, pair.acts)
    assert (held.state is pair.state, held.acts, dict(held.sources)) == (True, pair.acts, {})
