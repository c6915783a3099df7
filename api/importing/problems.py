"""What is wrong with files that are read: a stable code, the file, the row, the column, and what shows it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

KEPT = 1_000
"""As many problems are kept; beyond that they are only counted."""
SHOWN = 60
"""As many characters of a cell are repeated."""


@dataclass(frozen=True, slots=True)
class ReadProblem:
    """One thing wrong with a file.

    `file` is its name within the folder, for a workbook with the sheet (`book.xlsx/ballots`). `row` counts as a
    spreadsheet does, the header is 1; 0 is the file as a whole. `column` is the header's name, "" for the whole row.
    """

    code: str
    file: str
    row: int
    column: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


class UnreadableError(Exception):
    """A table that cannot be read, or not from here on; carries why."""

    def __init__(self, *problems: ReadProblem) -> None:
        super().__init__(problems[0].code)
        self.problems = problems


class Problems:
    """Collects problems in the order found: the first `KEPT` are kept, `count` counts all."""

    def __init__(self) -> None:
        self._kept: list[ReadProblem] = []
        self.count = 0

    def add(self, problem: ReadProblem) -> None:
        """Add one."""
        self.count += 1
        if len(self._kept) < KEPT:
            self._kept.append(problem)

    def __iter__(self) -> Iterator[ReadProblem]:
        return iter(self._kept)

    def __len__(self) -> int:
        return self.count


def shown(text: str) -> str:
    """Return the beginning of a cell as it may be repeated in a sentence: no line breaks, no invisible characters."""
    cut = text[:SHOWN]
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in cut)
