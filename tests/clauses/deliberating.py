"""一, 五(六): inspection, the proposed list, named votes, vacancies in the order of the alternates."""

from dataclasses import replace

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import (
    inspection,
    leaders,
    play_deliberation,
    play_inspection,
    play_vote,
    proposal,
    propose,
    refill,
    voices,
)
from api.rehearsal.steps_notice import publish
from ledger.nominees import list_hash
from ledger.state.places import standing, vacancies
from ledger.statements.deliberation import (
    CandidatesProposed,
    DeliberationClosed,
    DeliberationVoted,
    SeatLeftVacant,
    VacancyFilled,
)
from ledger.statements.foundation import StageClosed, StageOpened
from tests.clauses.row import Forbidden, Row
from tests.finalists import alternates, nominees


def first(world: World) -> str:
    return nominees(world)[0]


def second(world: World) -> str:
    return nominees(world)[1]


def not_a_nominee(world: World) -> Forbidden:
    return Forbidden("inspector-2", inspection(world, alternates(world)[0]))


def shorter_list(world: World) -> Forbidden:
    candidates = nominees(world)[1:]
    return Forbidden("organiser", CandidatesProposed(candidates, list_hash(candidates)))


def voted(world: World) -> str:
    matter = propose(world)
    play_vote(world, matter, leaders(world)[:1])
    return matter


def unreasoned(world: World) -> Forbidden:
    matter = propose(world)
    given = list(voices(nominees(world), (second(world),)))
    given = [replace(one, reason=None) for one in given]
    return Forbidden("leader-02", DeliberationVoted(matter, tuple(given)))


def nine_leaders(world: World) -> Forbidden:
    matter = propose(world)
    play_vote(world, matter, leaders(world)[:9])
    return Forbidden("organiser", DeliberationClosed(matter, world.digest("minutes")))


def refilled_together(world: World) -> None:
    """The group objects to one; the alternate is inspected, deliberated, and all are published together."""
    play_deliberation(world, (first(world),))
    refill(world)
    play_inspection(world)
    play_deliberation(world)
    world.must("organiser", StageClosed("inspection"))
    world.must("organiser", StageOpened("notice"))
    publish(world)
    assert len(standing(world.state)) == 10


def unfilled(world: World) -> Forbidden:
    play_deliberation(world, (second(world),))
    return Forbidden("organiser", StageClosed("inspection"))


def wrong_alternate(world: World) -> Forbidden:
    play_deliberation(world, (second(world),))
    return Forbidden("organiser", VacancyFilled(alternates(world)[1], (), second(world)))


def filled(world: World) -> None:
    play_deliberation(world, (first(world),))
    world.must("organiser", VacancyFilled(None, (), first(world)))
    assert standing(world.state)[0] == alternates(world)[0]


def uninspected(world: World) -> Forbidden:
    play_deliberation(world, (second(world),))
    refill(world)
    return Forbidden("organiser", proposal(world))


def left_vacant(world: World) -> None:
    """The group objects to more nominees than there are alternates."""
    play_deliberation(world, nominees(world)[: len(alternates(world)) + 1])
    for _ in alternates(world):
        world.must("organiser", VacancyFilled(None, (), vacancies(world.state)[0].vacated_by))
    world.must("organiser", SeatLeftVacant("备选人员已全部递补", vacancies(world.state)[0].vacated_by))


def left_vacant_too_soon(world: World) -> Forbidden:
    play_deliberation(world, (second(world),))
    return Forbidden("organiser", SeatLeftVacant("不再递补", second(world)))


ROWS = (
    Row(
        "五(六)",
        "The nominees are inspected, work at the front line included.",
        "deliberating",
        lambda world: world.must("inspector-1", inspection(world, first(world))),
        not_a_nominee,
        "NOT_A_NOMINEE",
    ),
    Row(
        "五(六)",
        "市总工会 proposes the list that nominees and inspections give.",
        "inspected",
        propose,
        shorter_list,
        "RESULT_NOT_DERIVED",
    ),
    Row(
        "五(六)",
        "The leadership group deliberates by name; a no states its reason.",
        "inspected",
        voted,
        unreasoned,
        "REASON_REQUIRED",
    ),
    Row(
        "一",
        "At least ten members of the leadership group.",
        "inspected",
        play_deliberation,
        nine_leaders,
        "NO_QUORUM",
    ),
    Row(
        "五(六)",
        "Where there is an objection the vacancy is filled from the alternates in order.",
        "inspected",
        filled,
        wrong_alternate,
        "NOT_NEXT_ALTERNATE",
    ),
    Row(
        "五(六)",
        "Whoever moves up is inspected and goes back to the leadership group.",
        "inspected",
        refilled_together,
        uninspected,
        "PREREQUISITE_MISSING",
    ),
    Row("五(六)", "Then all are published together.", "inspected", refilled_together, unfilled, "PREREQUISITE_MISSING"),
    Row(
        "五(六)",
        "A place stays empty only when no alternate is left.",
        "inspected",
        left_vacant,
        left_vacant_too_soon,
        "ALTERNATE_SKIPPED",
    ),
)
