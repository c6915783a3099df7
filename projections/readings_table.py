"""Every reading with its other permitted values, and what each would change: does any of them change who is named?

Every alternative is a what-if over the whole history, alone and, if asked for, two at once. Only certified results are
compared. Where others would be taken, whatever people did next they would have done about others: from there on nobody
can say, and so nobody can say who would have been named.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from ledger.procedure.programme import Programme, StageKind
from ledger.procedure.readings import CATALOGUE, needed_by
from ledger.selection import Selection
from ledger.statements import Act
from projections.whatif import Change, Compared, Undetermined, what_if_of


class Named(StrEnum):
    """What a reading does to those who are named.

    `same`: nothing that was decided hangs on it. `nominees`: others are proposed for the places, and of the rest nobody
    can say. `open`: nobody can say from an earlier point on. `not_yet`: as far as it has come nothing hangs on it, and
    nobody is named yet.
    """

    SAME = "same"
    NOMINEES = "nominees"
    OPEN = "open"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class Taken:
    """Who would be taken and who not in one certified result."""

    subject: str
    certified: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alternative:
    """One or two readings as they might have been chosen, and what that changes.

    `ranks`: certified results in which somebody's rank differs, or place among those left; `taken`: those in which
    others are taken; `shortlist`: whether the shortlist is one of them; `ties`: results in which only a run-off that
    nobody held could say; `ballots_over`: ballots with more approvals than would have been allowed.
    """

    readings: tuple[tuple[str, str], ...]
    named: Named
    shortlist: bool
    taken: tuple[Taken, ...]
    ranks: tuple[str, ...]
    ties: tuple[str, ...]
    ballots_over: int
    undetermined: Undetermined | None

    @property
    def changes_nothing(self) -> bool:
        """Whether nothing at all would differ."""
        return not (self.ranks or self.taken or self.ties or self.ballots_over or self.undetermined)


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One reading that the programme needs: its clause, the value that it chose and the values that are permitted."""

    reading: str
    clause: str
    chosen: str
    permitted: tuple[str, ...]
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class ReadingsTable:
    """All readings, the alternatives two at once, and the answer for those who are named; always hypothetical."""

    rows: tuple[ReadingRow, ...]
    combined: tuple[Alternative, ...]
    named: Named
    hypothetical: bool = True


def readings_table(state: Selection, acts: Sequence[Act], *, combine: bool = False) -> ReadingsTable:
    """Return what every other permitted reading would change; with `combine` also every two of them at once.

    `acts` are those that `state` has. A reading is declared once for all stages, so it is read otherwise everywhere.
    """
    programme = state.charter.latest.programme
    rows = tuple(_rows(state, acts, programme))
    singles = [one for row in rows for one in row.alternatives]
    combined = tuple(
        _alternative(state, acts, (*first.readings, *second.readings))
        for first, second in combinations(singles if combine else (), 2)
        if first.readings[0][0] != second.readings[0][0]
    )
    return ReadingsTable(rows, combined, _worst(state, (*singles, *combined)))


def _rows(state: Selection, acts: Sequence[Act], programme: Programme) -> Iterator[ReadingRow]:
    needed = {one for stage in programme.stages for one in needed_by(programme, stage)}
    for rule in CATALOGUE:
        chosen = programme.reading(rule.id)
        if rule.id in needed and chosen is not None:
            others = [value for value in rule.values if value != chosen]
            alternatives = tuple(_alternative(state, acts, ((rule.id, value),)) for value in others)
            yield ReadingRow(rule.id, rule.clause, chosen, rule.values, alternatives)


def _alternative(state: Selection, acts: Sequence[Act], readings: tuple[tuple[str, str], ...]) -> Alternative:
    answer = what_if_of(acts, Change(readings=dict(readings)))
    taken = tuple(_taken(one) for one in answer.compared if one.seats_change)
    subjects = frozenset(one.subject for one in taken)
    votable = frozenset(one.subject for one in answer.compared if not one.ballots_over)
    return Alternative(
        readings,
        _named(state, subjects & votable, answer.undetermined),
        any(_takes(state, subject) == "shortlist" for subject in subjects),
        taken,
        tuple(one.subject for one in answer.compared if any(each.changed for each in one.candidates)),
        tuple(one.subject for one in answer.compared if one.tie),
        sum(one.ballots_over for one in answer.compared),
        answer.undetermined,
    )


def _taken(one: Compared) -> Taken:
    gained = tuple(each.candidate for each in one.candidates if each.taken_if and not each.taken)
    lost = tuple(each.candidate for each in one.candidates if each.taken and not each.taken_if)
    return Taken(one.subject, one.certified, gained, lost)


def _takes(state: Selection, subject: str) -> str | None:
    stage = state.charter.stage(subject.split(":")[1])
    return stage.takes if stage is not None and stage.kind is StageKind.PANEL_ROUND else None


def _named(state: Selection, taken: frozenset[str], undetermined: Undetermined | None) -> Named:
    if any(_takes(state, subject) == "nominees" for subject in taken):
        return Named.NOMINEES
    if undetermined is not None:
        return Named.OPEN
    return Named.SAME if state.naming.titles else Named.NOT_YET


def _worst(state: Selection, alternatives: Sequence[Alternative]) -> Named:
    found = {one.named for one in alternatives} or {_named(state, frozenset(), None)}
    return next(one for one in (Named.NOMINEES, Named.OPEN, Named.NOT_YET, Named.SAME) if one in found)
