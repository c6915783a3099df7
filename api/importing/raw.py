"""Rows as a file has them, before anything is made of them: text, or what a workbook stores instead of text."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias


class Kind(StrEnum):
    """What a workbook's cell stores that is not text."""

    NUMBER = "number"
    """A number, written in its shortest decimal form."""
    SHAPED = "shaped"
    """A number whose format shows something else than its digits: percent, leading zeros, thousands."""
    MOMENT = "moment"
    """A civil date or time, `YYYY-MM-DDTHH:MM:SS.mmm`."""
    FORMULA = "formula"
    BOOLEAN = "boolean"
    ERROR = "error"


class Stored(NamedTuple):
    """A cell that is not text: what kind it is, and its content as text."""

    kind: Kind
    text: str


RawCell: TypeAlias = str | Stored
RawRow: TypeAlias = tuple[int, Sequence[RawCell]]
"""The number of the row as a spreadsheet counts, from 1, and its cells."""


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table in a file: what it is called in reports, how to read it from its beginning, its rows at most.

    `rows` raises `UnreadableError` where the file cannot be read on.
    """

    file: str
    rows: Callable[[], Iterator[RawRow]]
    at_most: int
