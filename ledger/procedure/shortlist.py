"""How long the shortlist (初提人选) is: clause 五(三), readings `shortlist_rounding` and `shortlist_short`.

The shortlist exceeds the seats (名额) by a declared part of them, which need not come out even: the reading says what
"more by a third" of ten seats is. Who stands on the list is for `ranking`.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil

from ledger.procedure.programme import Programme, Stage


class Rounding(StrEnum):
    """Reading `shortlist_rounding`: what becomes of a surplus that is no whole number."""

    CEIL = "ceil"
    STRICTLY_MORE = "strictly_more"
    FLOOR = "floor"
    ROUND = "round"


@dataclass(frozen=True, slots=True)
class ShortlistSize:
    """The length of the shortlist and how it came about.

    Attributes:
        seats: the seats of that year.
        exact: seats and surplus before rounding, such as 40/3.
        reading: how it was rounded.
        size: the length that follows.
    """

    seats: int
    exact: Fraction
    reading: Rounding
    size: int


@dataclass(frozen=True, slots=True)
class ShortlistPlaces:
    """How many are taken on to the shortlist from those who stand; `short` if all pass because they are too few."""

    size: int
    candidates: int
    places: int
    short: bool


def shortlist_size(seats: int, surplus: Fraction, reading: Rounding) -> ShortlistSize:
    """Clause 五(三): the seats and a declared part of them more; exact until the reading rounds the surplus.

    `ceil` up, `floor` down, `round` half up; `strictly_more` gives the first whole number above the exact one.

    Raises:
        ValueError: no seats, or a surplus that is not positive.
    """
    if seats < 1 or surplus <= 0:
        raise ValueError("a shortlist needs seats and a positive surplus")
    more = seats * surplus
    whole = {
        Rounding.CEIL: ceil(more),
        Rounding.STRICTLY_MORE: int(more) + 1,
        Rounding.FLOOR: int(more),
        Rounding.ROUND: int(more + Fraction(1, 2)),
    }
    return ShortlistSize(seats, seats + more, reading, seats + whole[reading])


def shortlist_of(programme: Programme, stage: Stage) -> ShortlistSize:
    """Clause 五(三): the size of a stage's shortlist by what the programme declares of it.

    Raises:
        ValueError: the stage takes no shortlist.
    """
    if stage.surplus is None:
        raise ValueError(f"{stage.id} takes no shortlist")
    reading = Rounding(programme.reading("shortlist_rounding") or Rounding.CEIL)
    return shortlist_size(programme.seats, stage.surplus, reading)


def shortlist_places(size: int, candidates: int) -> ShortlistPlaces:
    """Reading `shortlist_short`: where no more stand than the shortlist holds, all pass; it is not refilled later."""
    return ShortlistPlaces(size, candidates, min(size, candidates), candidates < size)
