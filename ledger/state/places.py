"""Who holds the places: nominees of the final order, who left, and alternates who moved up (five(五) to five(七))."""

from ledger.procedure.vacancies import (
    Filling,
    Holder,
    Removal,
    Skipped,
    Vacancy,
    holders,
    next_alternate,
    vacancies_open,
)
from ledger.state.books import Books
from ledger.state.matters import Folds
from ledger.statements import Act
from ledger.statements.deliberation import SeatLeftVacant, VacancyFilled


def removals(state: Books) -> tuple[Removal, ...]:
    """Return who of the final order has dropped out, with cause and entry."""
    final = state.rounds.final
    if final is None:
        return ()
    listed = (*final.nominees, *final.alternates)
    return tuple(Removal(one, state.out[one].cause, state.out[one].index) for one in listed if one in state.out)


def held(state: Books) -> tuple[Holder, ...]:
    """Return every place with its holder, in the order of the seats; nothing before the final order is fixed."""
    final = state.rounds.final
    return holders(final.nominees, state.deliberation.places.fillings) if final is not None else ()


def standing(state: Books) -> tuple[str, ...]:
    """Return those who hold a place and have not dropped out, in the order of the seats."""
    return tuple(one.person for one in held(state) if one.person is not None and one.person not in state.out)


def vacancies(state: Books) -> tuple[Vacancy, ...]:
    """Return the places nobody has filled yet, in the order in which they fell vacant; none once titles are named."""
    if state.naming.titles is not None:
        return ()
    open_ones = vacancies_open(held(state), removals(state), state.size)
    return tuple(sorted(open_ones, key=lambda one: state.out[one.vacated_by].index))


def next_up(state: Books, at: int) -> tuple[str | None, tuple[Skipped, ...]]:
    """Return the alternate who fills the next vacancy at entry `at` (None: nobody is left), and who was passed over."""
    final = state.rounds.final
    if final is None:
        return None, ()
    return next_alternate(final.alternates, removals(state), state.deliberation.places.moved_up.items(), at)


def _fill(state: Books, vacated_by: str, at: int, filled: bool) -> None:
    seat = next(one.seat for one in held(state) if one.person == vacated_by)
    removal = next(one for one in removals(state) if one.person == vacated_by)
    person, skipped = next_up(state, at)
    state.deliberation.places.fillings.append(
        Filling(seat, vacated_by, removal, at, person if filled else None, skipped)
    )


def _filled(state: Books, act: Act, now: Act) -> None:
    _fill(state, act.body.vacated_by, now.index, filled=True)


def _left_vacant(state: Books, act: Act, now: Act) -> None:
    _fill(state, act.body.vacated_by, now.index, filled=False)


FOLDS: Folds = {VacancyFilled: _filled, SeatLeftVacant: _left_vacant}
