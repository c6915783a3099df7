"""Disputes E06 to E12: who moves up, who may not be skipped, how many are named, who may object and how."""

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import (
    close_vote,
    leaders,
    play_deliberation,
    play_inspection,
    play_moved_up,
    play_vote,
    proposal,
    propose,
    refill,
    voices,
)
from api.rehearsal.steps_naming import naming, play_approval, play_rechecks, submission
from api.rehearsal.steps_notice import notice
from api.rehearsal.steps_objections import play_objection
from api.rehearsal.steps_stages import enter
from ledger.nominees import list_hash
from ledger.procedure.programme import StageKind
from ledger.procedure.vacancies import DropOut, SkipReason
from ledger.state.places import held, standing
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.deliberation import DeliberationVoted, SeatLeftVacant, VacancyFilled, Voice
from ledger.statements.foundation import StageClosed, StageOpened
from tests.finalists import alternates, at_approval, at_final, at_notice, nominees, refuses
from tests.plays import flagged, replayed
from tests.voting import dishonest

CLAUSE = "五(六)"


def one_denied(*places: int) -> World:
    """Return a play in which the group has objected to the nominees at these places, counted from 0."""
    world = at_final()
    enter(world, StageKind.DELIBERATION)
    play_inspection(world)
    play_deliberation(world, against=[nominees(world)[place] for place in places])
    return world


def drop(world: World, person: str) -> None:
    application = world.state.applications.of_person(person)
    assert application is not None
    world.must(world.alias_of(person), ApplicationWithdrawn(application.application, "本人放弃"))


def test_E06_no_name_moves_up_but_the_next_one_in_the_fixed_order() -> None:
    world = one_denied(5)
    gone = nominees(world)[5]
    first, second, *_ = alternates(world)
    for forced in (second, nominees(world)[0], gone, world.person("leader-01")):
        refuses(world, "organiser", VacancyFilled(forced, (), gone), "NOT_NEXT_ALTERNATE", CLAUSE, next=first)
    world.must("organiser", VacancyFilled(None, (), gone))
    assert held(world.state)[5].person == first
    assert replayed(world).deliberation.places == world.state.deliberation.places


def test_E07_an_alternate_is_passed_over_only_on_their_own_word_or_a_failed_inspection() -> None:
    world = one_denied(0)
    gone = nominees(world)[0]
    first, second, *_ = alternates(world)
    skipping = VacancyFilled(second, (first,), gone)
    refuses(world, "organiser", skipping, "ALTERNATE_SKIPPED", CLAUSE, person=first)
    refuses(world, "organiser", SeatLeftVacant("备选人员无意愿", gone), "ALTERNATE_SKIPPED", CLAUSE, person=first)
    drop(world, first)
    world.must("organiser", skipping)
    play_inspection(world, fails=(second,))
    assert world.state.out[second].cause is DropOut.FAILED_INSPECTION
    world.must("organiser", VacancyFilled(alternates(world)[2], (first, second), second))
    assert held(world.state)[0].person == alternates(world)[2]


def test_E08_vacancies_are_filled_one_after_another_and_nobody_twice() -> None:
    world = one_denied(3, 7)
    earlier, later = nominees(world)[3], nominees(world)[7]
    refuses(world, "organiser", VacancyFilled(None, (), later), "VACANCY_NOT_NEXT", CLAUSE, first=earlier)
    world.must("organiser", VacancyFilled(None, (), earlier))
    refuses(world, "organiser", VacancyFilled(None, (), earlier), "NO_VACANCY", CLAUSE)
    refuses(world, "organiser", VacancyFilled(alternates(world)[0], (), later), "NOT_NEXT_ALTERNATE", CLAUSE)
    world.must("organiser", VacancyFilled(None, (), later))
    assert [one.filled_by for one in world.state.deliberation.places.fillings] == list(alternates(world)[:2])


def test_E09_who_was_struck_off_is_passed_over_by_derivation_with_the_reason() -> None:
    world = at_notice()
    drop(world, alternates(world)[1])
    play_objection(world, nominees(world)[0])
    refill(world)
    up = alternates(world)[0]
    play_moved_up(world)
    drop(world, up)
    refill(world)
    first, second = world.state.deliberation.places.fillings
    assert (first.filled_by, second.filled_by) == (up, alternates(world)[2])
    assert [(one.person, one.reason, one.cause) for one in second.skipped] == [
        (up, SkipReason.MOVED_UP_BEFORE, None),
        (alternates(world)[1], SkipReason.DROPPED_OUT, DropOut.WITHDRAWN),
    ]
    assert nominees(world)[0] not in standing(world.state)


def test_E10_nobody_moves_up_without_inspection_and_consent() -> None:
    world = one_denied(2)
    refill(world)
    up = alternates(world)[0]
    uninspected = {"step": "inspection.reported", "subject": up}
    refuses(world, "organiser", proposal(world), "PREREQUISITE_MISSING", CLAUSE, **uninspected)
    unheard_of = {"step": "deliberation.closed", "subject": up}
    play_inspection(world)
    refuses(world, "organiser", StageClosed("inspection"), "PREREQUISITE_MISSING", CLAUSE, **unheard_of)
    dishonest(world, "organiser", StageClosed("inspection"))
    world.must("organiser", StageOpened("notice"))
    refuses(world, "organiser", notice(world), "PREREQUISITE_MISSING", "五(七)", **unheard_of)


def test_E10_nor_is_such_a_list_submitted() -> None:
    world = at_approval()
    drop(world, nominees(world)[2])
    refill(world)
    play_rechecks(world)
    lacking = {"step": "inspection.reported", "subject": alternates(world)[0]}
    refuses(world, "leader-01", submission(world), "PREREQUISITE_MISSING", "五(八)", **lacking)


def test_E11_more_people_than_seats_are_neither_submitted_nor_named() -> None:
    world = at_approval()
    play_rechecks(world)
    eleven = (*nominees(world), alternates(world)[0])
    given = submission(world, candidates=eleven, list_hash=list_hash(eleven))
    refuses(world, "leader-01", given, "SEATS_EXCEEDED", "五(八)", given=11, seats=10)
    play_approval(world)
    given_names = naming(world, candidates=eleven, list_hash=list_hash(eleven))
    refuses(world, "organiser", given_names, "SEATS_EXCEEDED", "五(八)", given=11, seats=10)
    world.must("organiser", naming(world))


def test_E11_a_place_stays_empty_only_on_the_record() -> None:
    world = at_approval()
    for person in (*alternates(world), nominees(world)[9]):
        drop(world, person)
    play_rechecks(world)
    lacking = {"step": "vacancy.filled", "subject": nominees(world)[9]}
    refuses(world, "leader-01", submission(world), "PREREQUISITE_MISSING", "五(八)", **lacking)
    world.must("organiser", SeatLeftVacant("备选人员已全部退出", nominees(world)[9]))
    assert held(world.state)[9].person is None
    play_approval(world)
    world.must("organiser", naming(world))
    assert world.state.naming.titles is not None
    assert world.state.naming.titles.candidates == nominees(world)[:9]


def test_E12_an_objection_of_the_group_needs_reasons_names_and_minutes() -> None:
    world = at_final()
    enter(world, StageKind.DELIBERATION)
    play_inspection(world)
    matter_id = propose(world)
    top = nominees(world)[0]
    others = voices(nominees(world)[1:])
    for reason in (None, " ", "　"):
        silent = DeliberationVoted(matter_id, (Voice(False, reason, top), *others))
        refuses(world, "leader-01", silent, "REASON_REQUIRED", CLAUSE, subject=top)
    play_vote(world, matter_id, leaders(world)[:9], (top,))
    play_vote(world, matter_id, leaders(world)[9:])
    closed = close_vote(world, matter_id)
    matter = world.state.deliberation.matters[matter_id]
    assert world.state.out[top].cause is DropOut.NOT_AGREED
    assert matter.minutes is not None
    votes = [vote.index for vote in matter.votes.values()]
    flagged(world, "TOP_RANK_REMOVED", "warn", *votes, closed.index)
    assert len(votes) == 12


def test_E12_a_removal_further_down_is_no_removal_of_the_top() -> None:
    world = one_denied(1, 2)
    assert all(one.code != "TOP_RANK_REMOVED" for one in world.state.findings.by_id.values())
