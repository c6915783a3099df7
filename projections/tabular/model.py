"""A derived table: its columns with a word in two languages, its key, and how its rows are written for COPY.

A row is one line of PostgreSQL's text format for COPY. Rows come in parts, each named by the value of one column; a
part is what is replaced as a whole when an entry may have changed it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeAlias

Value: TypeAlias = "str | int | bool | tuple[str, ...] | tuple[int, ...] | None"
Line: TypeAlias = bytes

NULL = "\\N"
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_COPY = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ARRAY = str.maketrans({"\\": "\\\\", '"': '\\"'})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its PostgreSQL type, and what it says in Chinese and English."""

    name: str
    type: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `key` are the columns that name a row; `part` the column by which its rows are replaced."""

    name: str
    zh: str
    en: str
    key: tuple[str, ...]
    part: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """Return a column by its name."""
        return next(one for one in self.columns if one.name == name)


@dataclass(frozen=True, slots=True)
class View:
    """One view over the tables; `public`: it is for everybody. `{s}` in the query stands for the schema."""

    name: str
    zh: str
    en: str
    public: bool
    columns: tuple[Column, ...]
    query: str


@lru_cache(maxsize=4096)
def stamp(at: int) -> str:
    """Return an instant (UTC ms) as PostgreSQL reads it."""
    return (_EPOCH + timedelta(milliseconds=at)).isoformat(" ", "milliseconds")


def moment(at: int | None) -> str | None:
    """Return an instant (UTC ms) or None as PostgreSQL reads it."""
    return None if at is None else stamp(at)


def cell(value: Value) -> str:
    """Return one value in the text format of COPY."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return value.translate(_COPY)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int):
        return str(value)
    return _array(value).translate(_COPY)


def _array(values: Sequence[str | int]) -> str:
    return "{" + ",".join(f'"{one.translate(_ARRAY)}"' if isinstance(one, str) else str(one) for one in values) + "}"


def line(row: Iterable[Value]) -> Line:
    """Return a row as one line of COPY."""
    return ("\t".join(map(cell, row)) + "\n").encode()
