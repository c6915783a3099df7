"""Every place and who held it: why it fell vacant, who was passed over, who moved up (五(五) to 五(七)).

For whoever holds or held a place: own inspection, own consent of the leadership group, own notice (question 9).
"""

from dataclasses import dataclass

from ledger.procedure.vacancies import DropOut, Filling, Skipped, SkipReason
from ledger.selection import Selection
from ledger.state.places import held, next_up, vacancies
from projections.notices import PersonNotice, person_notice


@dataclass(frozen=True, slots=True)
class SkippedView:
    """An alternate who was passed over: why, and by which entry it was so."""

    person: str
    reason: SkipReason
    cause: DropOut | None
    index: int


@dataclass(frozen=True, slots=True)
class HolderView:
    """Somebody who held a place.

    Attributes:
        person: the person's id; None for a place left empty on the record.
        since: the entry from which they hold it: the certified result, or the filling.
        alternate: their number among the alternates; None for a nominee.
        skipped: the alternates passed over for them.
        inspected, passed, inspector: the own inspection, by its entry.
        agreed: the entry by which the leadership group agreed.
        notice: the own notice and its clock.
        left: the entry by which they dropped out, and `cause`.
    """

    person: str | None
    since: int
    alternate: int | None
    skipped: tuple[SkippedView, ...]
    inspected: int | None
    passed: bool | None
    inspector: str | None
    agreed: int | None
    notice: PersonNotice | None
    left: int | None
    cause: DropOut | None


@dataclass(frozen=True, slots=True)
class PlaceView:
    """One place: everybody who held it in turn, who holds it now, and who is next where it is vacant.

    `order` is its turn among the vacancies waiting to be filled, from 1; None where it is not vacant.
    """

    seat: int
    holders: tuple[HolderView, ...]
    holder: str | None
    vacant: bool
    order: int | None
    next_alternate: str | None
    next_skipped: tuple[SkippedView, ...]


@dataclass(frozen=True, slots=True)
class AlternateView:
    """One alternate in the fixed order: the entry by which they moved up, or dropped out and why."""

    order: int
    person: str
    moved_up: int | None
    left: int | None
    cause: DropOut | None


@dataclass(frozen=True, slots=True)
class PlacesView:
    """All places and alternates, and the entry that fixed their order."""

    fixed: int
    places: tuple[PlaceView, ...]
    alternates: tuple[AlternateView, ...]


def places(state: Selection, at: int) -> PlacesView | None:
    """Return the places as they stand at `at` (UTC ms); None before the final order is certified."""
    final = state.rounds.final
    if final is None:
        return None
    fillings = state.deliberation.places.fillings
    waiting = [one.vacated_by for one in vacancies(state)]
    return PlacesView(
        fixed=final.index,
        places=tuple(
            _place(state, one.seat, one.person, [each for each in fillings if each.seat == one.seat], waiting, at)
            for one in held(state)
        ),
        alternates=tuple(_alternate(state, order, person) for order, person in enumerate(final.alternates, start=1)),
    )


def _place(
    state: Selection, seat: int, holder: str | None, fillings: list[Filling], waiting: list[str], at: int
) -> PlaceView:
    vacant = holder in waiting
    person, skipped = next_up(state, state.size) if vacant else (None, ())
    return PlaceView(
        seat=seat,
        holders=_holders(state, seat, fillings, at),
        holder=None if vacant else holder,
        vacant=vacant,
        order=waiting.index(holder) + 1 if holder is not None and vacant else None,
        next_alternate=person,
        next_skipped=_skipped(skipped),
    )


def _holders(state: Selection, seat: int, fillings: list[Filling], at: int) -> tuple[HolderView, ...]:
    final = state.rounds.final
    if final is None:
        return ()
    found = [_holder(state, final.nominees[seat - 1], final.index, (), at)]
    for filling in sorted(fillings, key=lambda one: one.at):
        found.append(_holder(state, filling.filled_by, filling.at, filling.skipped, at))
    return tuple(found)


def _holder(state: Selection, person: str | None, since: int, skipped: tuple[Skipped, ...], at: int) -> HolderView:
    final = state.rounds.final
    alternates = final.alternates if final else ()
    inspection = state.deliberation.inspections.get(person or "")
    out = state.out.get(person or "")
    return HolderView(
        person=person,
        since=since,
        alternate=alternates.index(person) + 1 if person in alternates else None,
        skipped=_skipped(skipped),
        inspected=inspection.index if inspection else None,
        passed=inspection.passed if inspection else None,
        inspector=inspection.inspector if inspection else None,
        agreed=state.deliberation.agreed.get(person or ""),
        notice=person_notice(state, person, at) if person else None,
        left=out.index if out else None,
        cause=out.cause if out else None,
    )


def _skipped(skipped: tuple[Skipped, ...]) -> tuple[SkippedView, ...]:
    return tuple(SkippedView(one.person, one.reason, one.cause, one.at) for one in skipped)


def _alternate(state: Selection, order: int, person: str) -> AlternateView:
    out = state.out.get(person)
    moved_up = state.deliberation.places.moved_up.get(person)
    return AlternateView(order, person, moved_up, out.index if out else None, out.cause if out else None)
