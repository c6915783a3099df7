"""Before the final order is fixed nobody holds a place, and nobody can move up."""

from ledger.selection import Selection
from ledger.state.clocks import clock_of
from ledger.state.places import held, next_up, removals, standing, vacancies
from ledger.state.voters import same_unit
from tests.finalists import at_final, nominees


def test_without_a_final_order_there_are_no_places() -> None:
    state = Selection()
    assert (removals(state), held(state), standing(state), vacancies(state)) == ((), (), (), ())
    assert next_up(state, 0) == (None, ())
    assert clock_of(state, "somebody") is None


def test_two_of_one_unit_are_kept_apart_by_person_or_unit() -> None:
    world = at_final()
    first, second = nominees(world)[:2]
    assert same_unit(world.state, first, first)
    assert not same_unit(world.state, world.person("leader-01"), second)
    assert not same_unit(world.state, "nobody-known", second)
