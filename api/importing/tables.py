"""A file's rows as the lines of one table: the header is matched to the columns, every cell to its spelling."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from api.importing.cells import Reading, converter
from api.importing.people import People
from api.importing.problems import Problems, ReadProblem, UnreadableError, shown
from api.importing.raw import RawCell, RawTable
from ledger.import_tables import CellFault, Column, Line, Table

Progress = Callable[[str, int], None]
"""Told the table and how many of its rows are done, every so often."""
STEP = 10_000


@dataclass(frozen=True, slots=True)
class Header:
    """Where each column of the table stands in the file, from 0; how many cells the header has, which are empty."""

    places: tuple[tuple[Column, int], ...]
    width: int
    gaps: tuple[int, ...]


def header_of(table: Table, file: str, row: Sequence[RawCell]) -> Header:
    """Match a header with the columns. Raises `UnreadableError` with everything that is wrong with it."""
    names = [str(cell if isinstance(cell, str) else cell.text).strip().lower() for cell in row]
    while names and not names[-1]:
        names.pop()
    columns = {column.name: column for column in table.columns}
    known = ", ".join(columns)
    found: list[ReadProblem] = []
    for place, name in enumerate(names):
        if name and name not in columns:
            facts: dict[str, str | int] = {"given": shown(name), "known": known}
            found.append(ReadProblem("IMPORT_COLUMN_UNKNOWN", file, 1, shown(name), facts))
        elif name and name in names[:place]:
            found.append(ReadProblem("IMPORT_COLUMN_TWICE", file, 1, name))
    missing = [column.name for column in table.columns if column.required and column.name not in names]
    found += [ReadProblem("IMPORT_COLUMN_MISSING", file, 1, name, {"known": known}) for name in missing]
    if found:
        raise UnreadableError(*found)
    gaps = tuple(place for place, name in enumerate(names) if not name)
    return Header(tuple((columns[name], place) for place, name in enumerate(names) if name), len(names), gaps)


def lines(
    table: Table, raw: RawTable, reading: Reading, problems: Problems, people: People | None = None
) -> Iterator[Line]:
    """Give the good rows of a table one by one; what is wrong with the others is added to the problems."""
    try:
        yield from _lines(table, raw, reading, problems, people)
    except UnreadableError as error:
        for problem in error.problems:
            problems.add(problem)


def _lines(table: Table, raw: RawTable, reading: Reading, problems: Problems, people: People | None) -> Iterator[Line]:
    rows = raw.rows()
    first = next(rows, None)
    if first is None or not any(cell != "" for cell in first[1]):
        raise UnreadableError(ReadProblem("IMPORT_HEADER_MISSING", raw.file, 1, ""))
    header = header_of(table, raw.file, first[1])
    readers = [(column, place, converter(column, reading)) for column, place in header.places]
    places = {column.name: number for number, (column, _) in enumerate(header.places)}
    logged = [places.get(column.name) for column in table.logged]
    for number, row in rows:
        if not any(cell.strip() if isinstance(cell, str) else cell for cell in row):
            continue
        made: list[str] = []
        bad = _outside(raw.file, number, row, header, problems)
        for column, place, read in readers:
            cell = read(row[place]) if place < len(row) else read("")
            if isinstance(cell, CellFault):
                problems.add(_told(raw.file, number, column, cell))
                bad, cell = True, ""
            made.append(cell)
        if people is not None:
            # Also of a row that is refused for something else, or every ballot that names the person would be too.
            private = {column.name: made[places[column.name]] for column in table.columns if column.name in places}
            people.add(number, private["person"], private["name"], private.get("id_number", ""), problems)
        if not bad:
            yield Line(number, tuple("" if place is None else made[place] for place in logged))


def _outside(file: str, number: int, row: Sequence[RawCell], header: Header, problems: Problems) -> bool:
    """Report cells that stand under no column; empty ones mean nothing."""
    if len(row) <= header.width and not header.gaps:
        return False
    places = (*header.gaps, *range(header.width, len(row)))
    found = [place for place in places if place < len(row) and row[place] not in ("", " ")]
    for place in found:
        facts: dict[str, str | int] = {"place": place + 1, "columns": header.width}
        problems.add(ReadProblem("IMPORT_CELL_OUTSIDE", file, number, "", facts))
    return bool(found)


def _told(file: str, row: int, column: Column, fault: CellFault) -> ReadProblem:
    """The fault with its place; what stands in a private column is not repeated."""
    facts = dict(fault.facts)
    if column.private and "given" in facts:
        facts["given"] = "…"
    return ReadProblem(fault.code, file, row, column.name, facts)
