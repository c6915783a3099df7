"""Five(六), five(七): vacancies are filled in their order, each with the derived alternate."""

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import play_deliberation, play_inspection
from api.rehearsal.steps_stages import enter
from ledger.procedure.programme import StageKind
from ledger.procedure.vacancies import DropOut, SkipReason
from ledger.state.places import held, standing, vacancies
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.deliberation import SeatLeftVacant, VacancyFilled
from tests.finalists import alternates, at_final, nominees, refuses

CLAUSE = "五(六)"


def denied(*places: int) -> World:
    """Return a play in which the group has objected to the nominees at these places, counted from 0."""
    world = at_final()
    enter(world, StageKind.DELIBERATION)
    play_inspection(world)
    play_deliberation(world, against=[nominees(world)[place] for place in places])
    return world


def withdraw(world: World, person: str) -> None:
    application = world.state.applications.of_person(person)
    assert application is not None
    world.must(world.alias_of(person), ApplicationWithdrawn(application.application, "另有工作安排"))


def test_only_a_vacant_place_is_filled_and_the_first_one_first() -> None:
    world = denied(2, 6)
    first, second = nominees(world)[2], nominees(world)[6]
    refuses(world, "leader-01", VacancyFilled(None, (), first), "NOT_AUTHORISED")
    refuses(world, "organiser", VacancyFilled(None, (), nominees(world)[0]), "NO_VACANCY", CLAUSE)
    refuses(world, "organiser", VacancyFilled(None, (), second), "VACANCY_NOT_NEXT", CLAUSE, first=first)
    world.must("organiser", VacancyFilled(None, (), first))
    refuses(world, "organiser", VacancyFilled(None, (), first), "NO_VACANCY", CLAUSE)
    world.must("organiser", VacancyFilled(alternates(world)[1], (), second))
    holders = [one.person for one in held(world.state)]
    assert (holders[2], holders[6]) == alternates(world)[:2]
    assert vacancies(world.state) == ()


def test_places_that_fell_vacant_together_are_filled_by_seat_others_by_time() -> None:
    world = denied(8, 5)
    withdraw(world, nominees(world)[1])
    waiting = [one.vacated_by for one in vacancies(world.state)]
    assert waiting == [nominees(world)[5], nominees(world)[8], nominees(world)[1]]


def test_who_dropped_out_is_passed_over_and_shown_with_the_reason() -> None:
    world = denied(0)
    withdraw(world, alternates(world)[0])
    world.must("organiser", VacancyFilled(None, (alternates(world)[0],), nominees(world)[0]))
    (filling,) = world.state.deliberation.places.fillings
    assert filling.filled_by == alternates(world)[1]
    ((skipped,)) = filling.skipped
    assert (skipped.person, skipped.reason) == (alternates(world)[0], SkipReason.DROPPED_OUT)
    assert skipped.cause is DropOut.WITHDRAWN


def test_a_place_is_left_empty_only_with_reason_and_once_nobody_is_left() -> None:
    world = denied(0, 1, 2, 3, 4)
    for place in range(4):
        left = SeatLeftVacant("无人可补", nominees(world)[place])
        refuses(world, "organiser", left, "ALTERNATE_SKIPPED", CLAUSE, person=alternates(world)[place])
        world.must("organiser", VacancyFilled(None, (), nominees(world)[place]))
    last = nominees(world)[4]
    refuses(world, "organiser", VacancyFilled(None, (), last), "ALTERNATES_EXHAUSTED", CLAUSE)
    refuses(world, "organiser", SeatLeftVacant(" ", last), "REASON_REQUIRED", CLAUSE)
    refuses(world, "organiser", SeatLeftVacant("无人可补", nominees(world)[7]), "NO_VACANCY", CLAUSE)
    world.must("organiser", SeatLeftVacant("备选人员已全部递补", last))
    assert held(world.state)[4].person is None
    assert len(standing(world.state)) == 9
    assert vacancies(world.state) == ()


def test_a_place_whose_new_holder_drops_out_falls_vacant_again() -> None:
    world = denied(3)
    world.must("organiser", VacancyFilled(None, (), nominees(world)[3]))
    withdraw(world, alternates(world)[0])
    assert [one.vacated_by for one in vacancies(world.state)] == [alternates(world)[0]]
    world.must("organiser", VacancyFilled(None, (), alternates(world)[0]))
    assert held(world.state)[3].person == alternates(world)[1]
    assert [one.seat for one in world.state.deliberation.places.fillings] == [4, 4]
