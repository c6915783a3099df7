"""Any single corrupted cell is reported at its place or changes nothing; so does the order of rows."""

import random
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from api.importing.example import example_folder
from api.importing.reading import Selected, read
from ledger.import_tables import TABLES
from ledger.importing import DryRun, dry_run
from tests.imports.folders import Rows, example, example_programme, rows_of, write

TABLE_NAMES = sorted(set(TABLES) & {file.stem for file in example_folder().glob("*.csv")})
# What keyboards, converters and careless hands leave in a cell; none of it is any other cell's content.
LITTER = ("\u202e", "\x07", "\u2028", "#REF!", "\ufffd?", "\uff17x", "!", '"', "[", "\n")


@cache
def rows(table: str) -> Rows:
    return rows_of(example_folder() / f"{table}.csv")


@cache
def sound() -> str:
    with TemporaryDirectory() as folder:
        _, run = tried(example(Path(folder)))
        assert run is not None
        assert run.admissible
        return run.derived.results_hash


def tried(place: Path) -> tuple[Selected, DryRun | None]:
    selected = read(place, example_programme().utc_offset_minutes)
    return selected, None if selected.problems else dry_run(example_programme(), selected.source)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_corrupted_cell_is_reported_at_its_place_or_changes_nothing(data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(TABLE_NAMES))
    number = data.draw(st.integers(1, len(rows(table)) - 1))
    place = data.draw(st.integers(0, len(rows(table)[0]) - 1))
    before = rows(table)[number][place]
    at = data.draw(st.integers(0, len(before)))
    after = before[:at] + data.draw(st.sampled_from(LITTER)) + before[at:]
    with TemporaryDirectory() as folder:
        files = example(Path(folder))
        changed = [list(row) for row in rows(table)]
        changed[number][place] = after
        write(files / f"{table}.csv", changed)
        selected, run = tried(files)
    header = rows(table)[0]
    if run is None:
        told = {(one.file, one.row, one.column) for one in selected.problems}
        # A name is only known to be wrong where somebody is called by the right one.
        assert (f"{table}.csv", number + 1, header[place]) in told or header[place] == "name"
    elif run.admissible:
        assert run.derived.results_hash == sound()
        lists = ("approve", "against", "abstain")
        harmless = TABLES[table].columns[[c.name for c in TABLES[table].columns].index(header[place])].type == "text"
        assert harmless or after.strip() == before or header[place] in lists
    else:
        assert (table, number + 1) in {(problem.table, problem.row) for problem in run.problems}


@settings(max_examples=25, deadline=None)
@given(st.integers())
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    with TemporaryDirectory() as folder:
        files = example(Path(folder))
        for table in TABLE_NAMES:
            header, *body = rows(table)
            random.Random(f"{seed}{table}").shuffle(body)
            write(files / f"{table}.csv", [header, *body])
        _, run = tried(files)
    assert run is not None
    assert run.derived.results_hash == sound()
