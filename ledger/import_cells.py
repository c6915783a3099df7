"""The cells and rows of an import: what a column holds, and the one spelling that every cell has in the log.

A row is a tuple of cells, and a cell is text; nothing is an empty cell. Which tables and columns there are is in
`import_tables`; how a file spells them is for its reader.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, TypeAlias

from ledger import canonical
from ledger.errors import MalformedError
from ledger.merkle import leaf_hash

TEXT_MOST = 500
IDS_MOST = 400
ROW_MOST = 30_000
"""As many characters of a row fit into one entry, whatever they are."""


class CellType(StrEnum):
    """What a cell holds, and how its text is spelled in the log."""

    ID = "id"
    """An identifier, `[a-z0-9][a-z0-9:._-]*`, at most 96 characters; never a name."""
    IDS = "ids"
    """Identifiers joined by one space, in the order written."""
    TEXT = "text"
    """Words for people, at most 500 characters; never personal data."""
    INTEGER = "integer"
    """Digits without sign and without leading zeros."""
    HUNDREDTHS = "hundredths"
    """A decimal of at most two places, in hundredths as an integer: 87.5 is `8750`."""
    CHOICE = "choice"
    """One of the column's words."""
    DAY = "day"
    """A civil date, YYYY-MM-DD."""
    INSTANT = "instant"
    """Milliseconds since 1970-01-01T00:00:00Z, as an integer."""
    DIGEST = "digest"
    """A SHA-256 in lower-case hexadecimal."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in files, its type, what it means, and for a choice its words.

    `private`: read from the file, for its checks and reports alone; never in the log (names, ID numbers).
    """

    name: str
    type: CellType
    required: bool
    zh: str
    en: str
    words: tuple[str, ...] = ()
    private: bool = False


@dataclass(frozen=True)
class Table:
    """A table: its name, its columns in order, the columns that no two rows share, and what a row states."""

    name: str
    zh: str
    en: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @cached_property
    def logged(self) -> tuple[Column, ...]:
        """The columns whose cells become part of the log, in the order of a row's cells."""
        return tuple(column for column in self.columns if not column.private)

    @cached_property
    def key_places(self) -> tuple[int, ...]:
        """The places of the key's columns among the cells of a row."""
        names = [column.name for column in self.logged]
        return tuple(names.index(name) for name in self.key)

    @cached_property
    def plain(self) -> re.Pattern[str]:
        """What most rows look like, a cell a line; one that does not may still be sound, and is looked at by cell."""
        parts = []
        for column in self.logged:
            part = "|".join(map(re.escape, column.words)) or _PLAIN.get(column.type, "(?!)")
            parts.append(f"(?:{part})" if column.required else f"(?:{part})?")
        return re.compile("\n".join(parts))


Cells: TypeAlias = tuple[str, ...]


class Line(NamedTuple):
    """A row as a reader hands it over: its number in the file (the first row under the header is 2) and its cells."""

    number: int
    cells: Cells


Source: TypeAlias = Mapping[str, Callable[[], Iterable[Line]]]
"""Each table's lines by its name; every call reads the table again from its beginning. A table may be missing."""


@dataclass(frozen=True, slots=True)
class CellFault:
    """A cell that is not what its column asks for: a stable code, the column, and what shows it."""

    code: str
    column: str
    facts: Mapping[str, str | int]


_ID = re.compile(r"[a-z0-9][a-z0-9:._-]{0,95}")
_IDS = re.compile(r"[a-z0-9][a-z0-9:._-]{0,95}(?: [a-z0-9][a-z0-9:._-]{0,95})*")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PLAIN = {
    CellType.ID: _ID.pattern,
    CellType.IDS: _IDS.pattern,
    CellType.TEXT: "[!-~](?:[ -~]*[!-~])?",
    CellType.INTEGER: "0|[1-9][0-9]{0,14}",
    CellType.HUNDREDTHS: "0|[1-9][0-9]{0,14}",
    CellType.INSTANT: "0|[1-9][0-9]{0,14}",
    CellType.DIGEST: _DIGEST.pattern,
}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def cell_fault(column: Column, cell: str) -> CellFault | None:
    """Return what is wrong with a cell's text as it would stand in the log; None: nothing."""
    if not cell:
        return CellFault("IMPORT_CELL_MISSING", column.name, {}) if column.required else None
    if _CHECKS[column.type](column, cell):
        return None
    facts: dict[str, str | int] = {"expected": "/".join(column.words) or column.type.value, "given": cell[:80]}
    return CellFault("IMPORT_CELL_INVALID", column.name, facts)


def row_faults(table: Table, cells: Cells) -> tuple[CellFault, ...]:
    """Return everything that is wrong with the cells of a row, one by one."""
    if len(cells) != len(table.logged):
        facts = {"expected": len(table.logged), "given": len(cells)}
        return (CellFault("IMPORT_ROW_WIDTH", "-", facts),)
    text = "\n".join(cells)
    if len(text) <= IDS_MOST and table.plain.fullmatch(text):
        return ()
    length = sum(map(len, cells))
    if length > ROW_MOST:
        return (CellFault("IMPORT_ROW_TOO_LARGE", "-", {"most": ROW_MOST, "given": length}),)
    faults = (cell_fault(column, cell) for column, cell in zip(table.logged, cells, strict=True))
    return tuple(fault for fault in faults if fault is not None)


def row_leaf(table: str, cells: Cells) -> bytes:
    """Return the leaf of a row in the tree that the completion of an import signs."""
    return leaf_hash(canonical.encode([table, *cells]))


def _number_in_range(column: Column, cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None and int(cell) <= canonical.SAFE_INTEGER


def _civil_day(column: Column, cell: str) -> bool:
    if _DAY.fullmatch(cell) is None:
        return False
    try:
        date.fromisoformat(cell)
    except ValueError:
        return False
    return True


def _plain_text(column: Column, cell: str) -> bool:
    if len(cell) > TEXT_MOST or cell.strip() != cell:
        return False
    try:
        canonical.encode(cell)
    except MalformedError:
        return False
    return True


def _some_ids(column: Column, cell: str) -> bool:
    return _IDS.fullmatch(cell) is not None and cell.count(" ") < IDS_MOST


_CHECKS: Mapping[CellType, Callable[[Column, str], bool]] = {
    CellType.ID: lambda column, cell: _ID.fullmatch(cell) is not None,
    CellType.IDS: _some_ids,
    CellType.TEXT: _plain_text,
    CellType.INTEGER: _number_in_range,
    CellType.HUNDREDTHS: _number_in_range,
    CellType.INSTANT: _number_in_range,
    CellType.CHOICE: lambda column, cell: cell in column.words,
    CellType.DAY: _civil_day,
    CellType.DIGEST: lambda column, cell: _DIGEST.fullmatch(cell) is not None,
}
