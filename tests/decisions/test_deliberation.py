"""Five(六): inspection, proposed list, and the named vote that serves every deciding group."""

from dataclasses import replace

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import (
    close_vote,
    inspection,
    leaders,
    minutes,
    play_deciders,
    play_deliberation,
    play_deliberation_stage,
    play_inspection,
    play_vote,
    proposal,
    propose,
    refill,
    voices,
)
from api.rehearsal.steps_notice import play_notice_stage
from api.rehearsal.steps_stages import enter, leave, programme_of, stage_of
from ledger.nominees import list_hash, to_propose
from ledger.procedure.programme import StageKind
from ledger.procedure.vacancies import DropOut
from ledger.round_plan import exhausted_tie
from ledger.state.places import standing, vacancies
from ledger.statements.deliberation import DeliberationClosed, DeliberationVoted, Voice
from ledger.statements.foundation import StageClosed
from tests.disputes.test_section_5a import tied_twice
from tests.finalists import (
    CITY,
    MEDAL,
    PROGRAMMES,
    alternates,
    at_approval,
    at_final,
    nominees,
    refuses,
)
from tests.plays import findings, replayed

CLAUSE = "五(六)"


def begun(programme: str = CITY) -> World:
    """Return a play in which the stage of deliberation has just opened."""
    world = at_final(programme)
    if programme == MEDAL:
        play_notice_stage(world)
    enter(world, StageKind.DELIBERATION)
    return world


def inspected(programme: str = CITY) -> World:
    world = begun(programme)
    play_inspection(world)
    return world


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_holders_of_places_are_inspected_once_by_inspectors_with_reasons(programme: str) -> None:
    world = begun(programme)
    first, second = nominees(world)[:2]
    report = inspection(world, first)
    refuses(world, "organiser", report, "NOT_AUTHORISED")
    refuses(world, "inspector-1", replace(report, front_line=" "), "REASON_REQUIRED", CLAUSE)
    refuses(world, "inspector-1", replace(report, reason="　"), "REASON_REQUIRED", CLAUSE)
    refuses(world, "inspector-1", inspection(world, alternates(world)[0]), "NOT_A_NOMINEE", CLAUSE)
    act = world.must("inspector-1", report)
    refuses(world, "inspector-2", report, "ALREADY_INSPECTED", CLAUSE, index=act.index)
    world.must("inspector-2", inspection(world, second))
    assert [one in world.state.deliberation.inspections for one in nominees(world)[:3]] == [True, True, False]


def test_who_fails_the_inspection_is_not_proposed_and_leaves_a_place() -> None:
    world = begun()
    failing, other = nominees(world)[3], nominees(world)[4]
    play_inspection(world, fails=(failing,))
    assert world.state.out[failing].cause is DropOut.FAILED_INSPECTION
    assert [one.vacated_by for one in vacancies(world.state)] == [failing]
    assert failing not in to_propose(world.state)
    assert other in to_propose(world.state)
    given = (*to_propose(world.state), failing)
    refuses(world, "organiser", replace(proposal(world), candidates=given), "RESULT_NOT_DERIVED", CLAUSE)


def test_the_proposed_list_is_the_derived_one() -> None:
    world = begun()
    refuses(world, "organiser", proposal(world), "PREREQUISITE_MISSING", CLAUSE, step="inspection.reported")
    play_inspection(world)
    body = proposal(world)
    assert body.candidates == nominees(world)
    swapped = (body.candidates[1], body.candidates[0], *body.candidates[2:])
    for candidates in (swapped, body.candidates[:-1], (*body.candidates[:-1], alternates(world)[0]), ()):
        wrong = replace(body, candidates=candidates, list_hash=list_hash(candidates))
        refuses(world, "organiser", wrong, "RESULT_NOT_DERIVED", CLAUSE)
    refuses(world, "organiser", replace(body, list_hash="0" * 64), "RESULT_NOT_DERIVED", CLAUSE)
    world.must("organiser", body)
    refuses(world, "organiser", proposal(world), "NOTHING_TO_PROPOSE", CLAUSE)


def test_leaders_vote_by_name_once_on_everybody_and_state_why_not() -> None:
    world = inspected()
    matter_id = propose(world)
    first, second, *others = nominees(world)

    def vote(*given: Voice) -> DeliberationVoted:
        return DeliberationVoted(matter_id, given)

    everybody = voices(nominees(world))
    refuses(world, "organiser", vote(*everybody), "NOT_AUTHORISED", needed="leader")
    refuses(world, "chair-01", vote(*everybody), "NOT_AUTHORISED", needed="leader")
    refuses(world, "leader-01", DeliberationVoted("proposal:1", everybody), "UNKNOWN_MATTER", CLAUSE)
    refuses(world, "leader-01", DeliberationVoted("tie:nothing", everybody), "UNKNOWN_MATTER", CLAUSE)
    refuses(world, "leader-01", vote(*everybody[1:]), "VOICES_INCOMPLETE", given=len(everybody) - 1)
    refuses(world, "leader-01", vote(*everybody, Voice(True, None, alternates(world)[0])), "VOICES_INCOMPLETE")
    refuses(world, "leader-01", vote(*everybody, everybody[0]), "DUPLICATE_CHOICE")
    for reason in (None, " "):
        unreasoned = (Voice(True, None, first), Voice(False, reason, second), *voices(others))
        refuses(world, "leader-01", vote(*unreasoned), "REASON_REQUIRED", CLAUSE, subject=second)
    act = world.must("leader-01", vote(*voices(nominees(world), against=(second,))))
    refuses(world, "leader-01", vote(*everybody), "ALREADY_VOTED", first=act.index)
    tally = world.state.deliberation.matters[matter_id].tally
    assert ((tally(first).agree, tally(first).against), (tally(second).agree, tally(second).against)) == (
        (1, 0),
        (0, 1),
    )


def test_a_vote_ends_once_enough_leaders_have_voted_and_stays_ended() -> None:
    world = inspected()
    matter_id = propose(world)
    least = programme_of(world).leaders_least
    play_vote(world, matter_id, leaders(world)[: least - 1])
    body = DeliberationClosed(matter_id, minutes(world, matter_id))
    refuses(world, "organiser", body, "NO_QUORUM", CLAUSE, present=least - 1, needed=least)
    play_vote(world, matter_id, leaders(world)[least - 1 : least])
    refuses(world, "leader-01", body, "NOT_AUTHORISED")
    act = world.must("organiser", body)
    refuses(world, "organiser", body, "MATTER_CLOSED", CLAUSE, index=act.index)
    last = DeliberationVoted(matter_id, voices(nominees(world)))
    refuses(world, leaders(world)[least], last, "MATTER_CLOSED", CLAUSE, index=act.index)
    refuses(world, "organiser", DeliberationClosed("proposal:9", "0" * 64), "UNKNOWN_MATTER", CLAUSE)
    assert set(world.state.deliberation.agreed) == set(nominees(world))


@pytest.mark.parametrize(("against", "removed"), [(6, False), (7, True)])
def test_the_group_objects_by_majority_of_all_its_members(against: int, removed: bool) -> None:
    world = inspected()
    matter_id = propose(world)
    one = nominees(world)[5]
    assert len(leaders(world)) == 12
    play_vote(world, matter_id, leaders(world)[:against], (one,))
    play_vote(world, matter_id, leaders(world)[against:11])
    close_vote(world, matter_id)
    assert (one in world.state.out, one in world.state.deliberation.agreed) == (removed, not removed)
    assert findings(world.state, "TOP_RANK_REMOVED") == []


def test_by_the_other_reading_one_objection_is_enough() -> None:
    world = inspected(MEDAL)
    matter_id = propose(world)
    one, other = nominees(world)[2:4]
    play_vote(world, matter_id, leaders(world)[:1], (one,))
    play_vote(world, matter_id, leaders(world)[1:])
    close_vote(world, matter_id)
    assert world.state.out[one].cause is DropOut.NOT_AGREED
    assert other in world.state.deliberation.agreed


def test_whoever_moves_up_is_inspected_and_goes_back_to_the_group() -> None:
    world = inspected()
    denied = nominees(world)[4]
    play_deliberation(world, against=(denied,))
    leaving = StageClosed(stage_of(world, StageKind.DELIBERATION).id)
    refuses(world, "organiser", leaving, "PREREQUISITE_MISSING", CLAUSE, step="vacancy.filled", subject=denied)
    refill(world)
    up = alternates(world)[0]
    refuses(world, "organiser", leaving, "PREREQUISITE_MISSING", CLAUSE, step="deliberation.closed", subject=up)
    assert standing(world.state)[4] == up
    refuses(world, "organiser", proposal(world), "PREREQUISITE_MISSING", CLAUSE, subject=up)
    play_inspection(world)
    assert to_propose(world.state) == (up,)
    play_deliberation(world)
    leave(world, StageKind.DELIBERATION)


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_the_whole_stage_is_played_in_either_order(programme: str) -> None:
    world = at_final(programme)
    if programme == MEDAL:
        play_notice_stage(world)
    play_deliberation_stage(world, fails=nominees(world)[1:2], against=nominees(world)[:1], close=programme == CITY)
    assert nominees(world)[0] in world.state.out
    assert set(standing(world.state)) <= set(world.state.deliberation.agreed)
    assert list(replayed(world).out) == list(world.state.out)


def test_a_stage_that_has_not_begun_takes_no_inspection_and_no_proposal() -> None:
    world = at_final(MEDAL)
    enter(world, StageKind.NOTICE)
    stage = stage_of(world, StageKind.DELIBERATION)
    refuses(world, "inspector-1", inspection(world, nominees(world)[0]), "STAGE_NOT_OPEN", stage=stage.id)
    refuses(world, "organiser", proposal(world), "STAGE_NOT_OPEN", stage=stage.id)


def test_leaders_who_did_not_part_the_tied_vote_again() -> None:
    world, last = tied_twice()
    play_deciders(world)
    matter_id = f"tie:{last.id}"
    session = last.session
    tie = exhausted_tie(world.state, session)
    assert tie is not None
    half = len(leaders(world)) // 2

    def vote(alias: str, against: str) -> None:
        world.must(alias, DeliberationVoted(matter_id, voices(tie.candidates, (against,), reasoned=True)))

    for place, alias in enumerate(leaders(world)):
        vote(alias, tie.candidates[place < half])
    close_vote(world, matter_id)
    for alias in leaders(world):
        vote(alias, tie.candidates[0])
    close_vote(world, matter_id)
    matter = world.state.deliberation.matters[matter_id]
    assert [len(votes) for votes in matter.earlier] == [len(leaders(world))]
    assert matter.carried == (tie.candidates[1],)
    late = DeliberationVoted(matter_id, voices(tie.candidates, reasoned=True))
    refuses(world, "leader-01", late, "MATTER_CLOSED", CLAUSE)


def test_the_approval_is_not_closed_as_a_deliberation() -> None:
    world = at_approval()
    refuses(world, "organiser", DeliberationClosed("approval:submission-1", "0" * 64), "UNKNOWN_MATTER")
