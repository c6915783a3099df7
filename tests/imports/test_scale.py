"""Many rows: memory does not grow with them, and progress is told on the way."""

import tracemalloc
from pathlib import Path

from api.importing.reading import read
from tests.imports.folders import example, example_programme, rows_of


def many(folder: Path, rows: int) -> Path:
    """The worked example with so many ballot rows."""
    place = example(folder)
    header, *ballots = rows_of(place / "ballots.csv")
    with (place / "ballots.csv").open("w", encoding="utf-8", newline="") as out:
        out.write(",".join(header) + "\n")
        for number in range(rows):
            round_id, _, approve, cast_at = ballots[number % 7]
            out.write(f"{round_id}-{number // 1000},m-{number % 1000},{approve},{cast_at}\n")
    return place


def peak(place: Path, rows: int) -> int:
    told: list[tuple[str, int]] = []
    tracemalloc.start()
    selected = read(place, example_programme().utc_offset_minutes, lambda table, done: told.append((table, done)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(selected.problems) == []
    assert selected.rows["ballots"] == rows
    assert told == [("ballots", done) for done in range(10_000, rows + 1, 10_000)]
    return most


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    few = peak(many(tmp_path / "few", 20_000), 20_000)
    more = peak(many(tmp_path / "more", 80_000), 80_000)
    assert more < few + 1_000_000
