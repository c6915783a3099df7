"""Who is who in the table of people: whose id a name is, two of one name, one person under two spellings.

Names and ID numbers are read for this alone and go no further.
"""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field

from api.importing.problems import Problems, ReadProblem, shown
from ledger.import_tables import CellFault

# Every dot that stands between the parts of a name, and every space.
_BETWEEN = re.compile(r"[\s·•・∙⋅.\uff0e\u2027\u30fb\ufe52-]+")


def alike(name: str) -> str:
    """Return what names have in common that differ only in width, spaces, dots between parts, or capital letters."""
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", name)).casefold()


@dataclass(slots=True)
class Names:
    """The ids that go by each name, exactly and loosely."""

    exact: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    loose: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    by_id: dict[str, str] = field(default_factory=dict)

    def add(self, person: str, name: str) -> None:
        """Remember a person's name."""
        if self.by_id.get(person) == name:
            return
        self.by_id[person] = name
        self.exact[name].append(person)
        self.loose[alike(name)].append((person, name))

    def label(self, person: str) -> str:
        """Return a person's id with the name, where the files give one."""
        name = self.by_id.get(person)
        return f"{person} {name}" if name else person

    def id_of(self, column: str, name: str) -> str | CellFault:
        """Return the id of the one person of this name; a name that nobody or more than one bears is a fault."""
        people = self.exact.get(name, [])
        if len(people) == 1:
            return people[0]
        if people:
            return CellFault("IMPORT_NAME_AMBIGUOUS", column, {"given": shown(name), "ids": " ".join(people)})
        near = "、".join(f"{known} ({person})" for person, known in self.loose.get(alike(name), []))
        return CellFault("IMPORT_NAME_UNKNOWN", column, {"given": shown(name), "near": near or "-"})


@dataclass(slots=True)
class People:
    """Collects the people of a file, row by row."""

    file: str
    names: Names = field(default_factory=Names)
    _rows: dict[str, int] = field(default_factory=dict)
    _numbers: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, row: int, person: str, name: str, number: str, problems: Problems) -> None:
        """Take a row; one ID number under two ids is one person twice."""
        if not person or not name:
            return
        self.names.add(person, name)
        self._rows[person] = row
        spelled = unicodedata.normalize("NFKC", number).strip().upper()
        if not spelled:
            return
        first = self._numbers.setdefault(spelled, (person, row))
        if first[0] != person:
            facts: dict[str, str | int] = {"first": first[1], "person": first[0]}
            problems.add(ReadProblem("IMPORT_PERSON_TWICE", self.file, row, "id_number", facts))

    def hints(self, hints: Problems) -> None:
        """Say which people bear one name, and whose names differ by nothing but their spelling."""
        for people in self.names.loose.values():
            first, *others = people
            for person, name in others:
                code = "IMPORT_NAMES_EQUAL" if name == first[1] else "IMPORT_NAMES_ALIKE"
                facts: dict[str, str | int] = {"first": self._rows[first[0]], "person": first[0], "other": person}
                hints.add(ReadProblem(code, self.file, self._rows[person], "name", facts))
