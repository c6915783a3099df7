"""A selection that was played here, exported as files and read again, gives the same results, byte for byte."""

from pathlib import Path

import pytest

from api.importing.reading import read
from api.importing.writing import write_tables
from ledger.imported_result import results_hash
from ledger.importing import dry_run
from ledger.procedure.programme import StageKind
from ledger.selection import Selection
from ledger.statements import Act, decode_own_entry
from projections.selection_tables import tables_of
from tests.finalists import at_approval
from tests.model.driver import PHASES
from tests.model.phase_applications import applications, people, programme_of, screening
from tests.model.phase_between import between
from tests.model.phase_rounds import Exhausted
from tests.model.play import Play
from tests.simulator import entries_of


def played(seed: int) -> tuple[Selection, tuple[Act, ...]]:
    """A selection of random acts, as far as it came."""
    play = Play(seed)
    plan = people(play)
    applications(play, plan)
    screening(play, plan)
    try:
        for stage in programme_of(play).stages:
            if stage.kind in PHASES and stage.kind is not StageKind.AFTERMATH:
                between(play)
                PHASES[stage.kind](play, stage)
    except Exhausted:
        pass
    return play.world.state, tuple(decode_own_entry(entry) for entry in entries_of(play.world))


def exported_and_read(folder: Path, state: Selection, acts: tuple[Act, ...]) -> None:
    source = tables_of(state, acts)
    write_tables(folder, {name: (line.cells for line in lines()) for name, lines in source.items()})
    programme = state.charter.latest.programme
    selected = read(folder, programme.utc_offset_minutes)
    assert list(selected.problems) == []
    for name, lines in source.items():
        written = selected.source[name]()
        assert [line.cells for line in written] == [line.cells for line in lines()]
    run = dry_run(programme, selected.source)
    assert run.problems == ()
    over = [one.outcome for one in state.rounds.sessions.values() if one.outcome is not None]
    assert over
    assert results_hash(over) == results_hash(
        one.outcome for one in run.derived.sessions if one.subject in {outcome.subject for outcome in over}
    )
    if state.rounds.final is not None:
        assert (run.derived.nominees, run.derived.alternates) == (
            state.rounds.final.nominees,
            state.rounds.final.alternates,
        )


@pytest.mark.parametrize("seed", range(14))
def test_random_selections_come_back_as_they_were(tmp_path: Path, seed: int) -> None:
    exported_and_read(tmp_path, *played(seed))


def test_a_whole_selection_comes_back_as_it_was(tmp_path: Path) -> None:
    world = at_approval()
    exported_and_read(tmp_path, world.state, tuple(decode_own_entry(entry) for entry in entries_of(world)))
