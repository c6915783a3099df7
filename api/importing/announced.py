"""The announced result as a table: what was made public, stage by stage, to be held against what follows."""

from dataclasses import dataclass
from pathlib import Path

from api.importing.cells import Reading
from api.importing.csv_rows import csv_table
from api.importing.folder import ANNOUNCED
from api.importing.people import Names
from api.importing.problems import Problems, ReadProblem, UnreadableError
from api.importing.raw import RawTable
from api.importing.tables import lines
from api.importing.xlsx_rows import workbook_tables
from ledger.import_tables import NO, YES, CellType, Column, Table
from projections.announced_session import Announced

ANNOUNCED_TABLE = Table(
    ANNOUNCED,
    "公布的结果：每个阶段（每个组）每名候选人一行；与推定结果对照，不进入账本",
    "The announced result: one row for each stage (group) and candidate; compared, never part of the ledger",
    (
        Column(
            "stage",
            CellType.ID,
            True,
            "阶段编号；公示、审批或命名阶段的行即最后的名单",
            "stage id; rows of a notice, approval or aftermath stage are the list of who holds a place",
        ),
        Column("group", CellType.ID, False, "分组编号；不分组的阶段留空", "group id; empty where there are none"),
        Column("rank", CellType.INTEGER, False, "公布的名次", "the rank announced"),
        Column("candidate", CellType.ID, True, "候选人编号或姓名", "candidate: the applicant's person id, or name"),
        Column("approve", CellType.INTEGER, False, "公布的赞成票数", "the approvals announced"),
        Column("votes", CellType.INTEGER, False, "公布的公众票总数", "the total of public votes announced"),
        Column("taken", CellType.CHOICE, True, "yes 入选，no 未入选", "whether the person was taken", (YES, NO)),
    ),
    ("stage", "group", "candidate"),
)


@dataclass(frozen=True, slots=True)
class Read:
    """An announced result as read: its rows, and what is wrong with the file."""

    rows: tuple[Announced, ...]
    problems: Problems


def read_announced(place: Path, offset_minutes: int, names: Names | None = None) -> Read:
    """Read an announced result from a CSV file or the only (or so named) sheet of a workbook."""
    problems = Problems()
    try:
        raw = _raw(place)
    except UnreadableError as error:
        for problem in error.problems:
            problems.add(problem)
        return Read((), problems)
    reading = Reading(offset_minutes, names or Names())
    found: dict[tuple[str, str, str], Announced] = {}
    for number, cells in lines(ANNOUNCED_TABLE, raw, reading, problems):
        stage, group, rank, candidate, approve, votes, taken = cells
        row = Announced(
            number, stage, group or None, candidate, _number(rank), _number(approve), _number(votes), taken == YES
        )
        first = found.setdefault((stage, group, candidate), row)
        if first is not row:
            facts: dict[str, str | int] = {"first": first.row, "key": ", ".join(ANNOUNCED_TABLE.key)}
            problems.add(ReadProblem("IMPORT_ROW_DUPLICATE", raw.file, number, "", facts))
    return Read(tuple(found.values()), problems)


def _raw(place: Path) -> RawTable:
    if place.suffix.lower() == ".csv":
        return csv_table(place, place.name)
    if place.suffix.lower() != ".xlsx":
        kinds: dict[str, str | int] = {"kinds": ".csv, .xlsx"}
        raise UnreadableError(ReadProblem("IMPORT_FILE_KIND", place.name, 0, "", kinds))
    sheets = workbook_tables(place, place.name)
    chosen = sheets.get(ANNOUNCED) or (next(iter(sheets.values())) if len(sheets) == 1 else None)
    if chosen is None:
        missing: dict[str, str | int] = {"table": ANNOUNCED}
        raise UnreadableError(ReadProblem("IMPORT_TABLE_MISSING", place.name, 0, "", missing))
    return chosen


def _number(cell: str) -> int | None:
    return int(cell) if cell else None
