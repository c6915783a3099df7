"""Who holds the places of an imported selection: clauses five(六), five(七), by the attested times of decisions."""

from collections.abc import Sequence
from typing import NamedTuple

from ledger.import_facts import DecisionRow
from ledger.import_tables import PLACE_FILLED
from ledger.imported_lists import CAUSES, Lists
from ledger.procedure.programme import Stage
from ledger.procedure.vacancies import (
    DropOut,
    Filling,
    Holder,
    Removal,
    Vacancy,
    fill_vacancies,
    holders,
    next_alternate,
)


class Places(NamedTuple):
    """What became of the places: each vacancy and how it was filled, who holds what, and rows that filled nothing."""

    fillings: tuple[Filling, ...]
    holders: tuple[Holder, ...]
    idle: tuple[DecisionRow, ...]


def places_of(lists: Lists, stage: Stage, nominees: Sequence[str], alternates: Sequence[str]) -> Places:
    """Fill the places that fell vacant after the nominees' round, in the order of the decisions.

    A place is filled where a row says when; where none does, at once. `Removal.at` and `Filling.at` are the places of
    the decisions in the order of their attested times, from 0.
    """
    rows = sorted(lists.facts.decisions.values(), key=lambda row: (row.at, row.decision))
    timed = {row.person for row in rows if row.kind == PLACE_FILLED}
    left = lists.left()
    removals: list[Removal] = []
    vacancies: list[Vacancy] = []
    idle: list[DecisionRow] = []
    held, moved_up, gone = set(nominees), dict[str, int](), set[str]()
    for at, row in enumerate(rows):
        if row.kind in CAUSES and left[row.person] is row and lists.after(stage, row):
            removals.append(Removal(row.person, DropOut(row.kind), at))
            gone.add(row.person)
            due = row.person not in timed
        else:
            due = row.kind == PLACE_FILLED
        if not due or row.person not in held or row.person not in gone:
            idle += [row] if row.kind == PLACE_FILLED else []
            continue
        vacancies.append(Vacancy(row.person, at))
        held.discard(row.person)
        up, _ = next_alternate(alternates, removals, moved_up.items(), at)
        if up is not None:
            held.add(up)
            moved_up[up] = at
    fillings = fill_vacancies(nominees, alternates, removals, vacancies)
    return Places(fillings, holders(nominees, fillings), tuple(idle))
