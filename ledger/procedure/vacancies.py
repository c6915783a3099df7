"""Filling a vacancy (空缺) from the alternates (备选人员): clauses 五(六) and 五(七), reading `vacancy_exhausted`.

The order of the alternates is fixed at the close of 五(五) and is never asked again. Who moves up follows from it, from
who has dropped out by then, and from who moved up before; nobody names a person. Inspection, consent and the notice of
whoever moves up are matters of the stages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class DropOut(StrEnum):
    """Why a person no longer stands."""

    STRUCK_OFF = "struck_off"
    NOT_AGREED = "not_agreed"
    FAILED_INSPECTION = "failed_inspection"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"


class SkipReason(StrEnum):
    """Why an alternate was passed over."""

    DROPPED_OUT = "dropped_out"
    MOVED_UP_BEFORE = "moved_up_before"


@dataclass(frozen=True, slots=True)
class Removal:
    """A person drops out with the entry at index `at`, for this cause."""

    person: str
    cause: DropOut
    at: int


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A place to be filled: who held it, and the index of the entry up to which everybody's standing counts."""

    vacated_by: str
    at: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """An alternate passed over: why, the cause if they dropped out, and the entry that made it so."""

    person: str
    reason: SkipReason
    cause: DropOut | None
    at: int


@dataclass(frozen=True, slots=True)
class Filling:
    """What becomes of one vacancy.

    Attributes:
        seat: the place, counted from 1 in the order of the nominees.
        vacated_by: who held it.
        removal: how they dropped out.
        at: the entry with which the place is filled.
        filled_by: who moves up; `None` where no alternate is left and the place stays empty.
        skipped: the alternates before that person, each with the reason.
    """

    seat: int
    vacated_by: str
    removal: Removal
    at: int
    filled_by: str | None
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """A place and who holds it; `None` for a place left empty."""

    seat: int
    person: str | None


def fill_vacancies(
    nominees: Sequence[str], alternates: Sequence[str], removals: Iterable[Removal], vacancies: Iterable[Vacancy]
) -> tuple[Filling, ...]:
    """Clauses 五(六), 五(七): fill the places one after another, each with the next alternate who still stands.

    Places are filled in the order of their entries; as a preview several may be filled at one, in the order given. One
    who moved up and drops out later leaves the same place empty again.

    Raises:
        ValueError: somebody is listed twice, or a place is said to be vacated by one who does not hold it, or has not
            dropped out by then.
    """
    everybody = (*nominees, *alternates)
    if len(set(everybody)) != len(everybody):
        raise ValueError("nominees and alternates are different people")
    gone = _first_removals(removals)
    seat_of = {person: seat for seat, person in enumerate(nominees, start=1)}
    moved_up: dict[str, int] = {}
    fillings = []
    for vacancy in sorted(vacancies, key=lambda one: one.at):
        left = gone.get(vacancy.vacated_by)
        seat = seat_of.pop(vacancy.vacated_by, None)
        if left is None or left.at > vacancy.at or seat is None:
            raise ValueError(f"{vacancy.vacated_by} leaves no place vacant at entry {vacancy.at}")
        next_one, skipped = next_alternate(alternates, gone.values(), moved_up.items(), vacancy.at)
        if next_one is not None:
            moved_up[next_one] = vacancy.at
            seat_of[next_one] = seat
        fillings.append(Filling(seat, vacancy.vacated_by, left, vacancy.at, next_one, skipped))
    return tuple(fillings)


def next_alternate(
    alternates: Sequence[str], removals: Iterable[Removal], moved_up: Iterable[tuple[str, int]], at: int
) -> tuple[str | None, tuple[Skipped, ...]]:
    """Clauses 五(六), 五(七): the first alternate in the fixed order who stands at entry `at`, and who was passed over.

    `moved_up` lists those who filled a place before, with the entry. No one left: `None`, the place stays empty.
    """
    gone = {person: one for person, one in _first_removals(removals).items() if one.at <= at}
    before = dict(moved_up)
    skipped = []
    for person in alternates:
        if person in before:
            skipped.append(Skipped(person, SkipReason.MOVED_UP_BEFORE, None, before[person]))
        elif person in gone:
            skipped.append(Skipped(person, SkipReason.DROPPED_OUT, gone[person].cause, gone[person].at))
        else:
            return person, tuple(skipped)
    return None, tuple(skipped)


def holders(nominees: Sequence[str], fillings: Iterable[Filling]) -> tuple[Holder, ...]:
    """Say who holds each place after these fillings, in the order of the seats."""
    held: dict[int, str | None] = dict(enumerate(nominees, start=1))
    for filling in sorted(fillings, key=lambda one: one.at):
        held[filling.seat] = filling.filled_by
    return tuple(Holder(seat, person) for seat, person in sorted(held.items()))


def vacancies_open(held: Iterable[Holder], removals: Iterable[Removal], at: int) -> tuple[Vacancy, ...]:
    """List the places whose holder has dropped out by entry `at` and that nobody has filled yet, by seat."""
    gone = _first_removals(removals)
    return tuple(
        Vacancy(holder.person, at)
        for holder in sorted(held, key=lambda one: one.seat)
        if holder.person is not None and holder.person in gone and gone[holder.person].at <= at
    )


def _first_removals(removals: Iterable[Removal]) -> dict[str, Removal]:
    """Give each person's first removal; a second cause later takes nothing away."""
    first: dict[str, Removal] = {}
    for removal in sorted(removals, key=lambda one: (one.at, one.person, one.cause)):
        first.setdefault(removal.person, removal)
    return first
