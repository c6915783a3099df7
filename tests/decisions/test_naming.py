"""Five(八), two: submission, approval by name, naming, conferral; nothing but the derived list, nothing too early."""

from dataclasses import replace

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import chairs, minutes, play_moved_up, play_vote, refill, voices
from api.rehearsal.steps_naming import naming, play_approval, play_rechecks, play_submission, submission
from api.rehearsal.steps_notice import wait_for_notices
from api.rehearsal.steps_objections import answer, examine, receive
from api.rehearsal.steps_stages import enter, leave, programme_of
from ledger.nominees import list_hash, to_approve
from ledger.procedure.programme import StageKind
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.foundation import ActCountersigned, StageClosed, StageOpened
from ledger.statements.naming import (
    ApprovalDecided,
    FindingClosed,
    FindingRaised,
    QualificationEnded,
    TitlesConferred,
)
from ledger.statements.screening import EligibilityChallenged
from tests.finalists import CITY, MEDAL, PROGRAMMES, alternates, at_approval, at_notice, nominees, refuses

CLAUSE = "五(八)"


def ready(programme: str = CITY) -> World:
    """Return a play in which nothing stands in the way of a submission."""
    world = at_approval(programme)
    play_rechecks(world)
    return world


def submitted(world: World) -> str:
    """Submit, and let the chairs vote for it."""
    submission_id = play_submission(world)
    play_vote(world, f"approval:{submission_id}", chairs(world))
    return submission_id


def decided(world: World, submission_id: str, *, approved: bool = True) -> ApprovalDecided:
    return ApprovalDecided(approved, minutes(world, f"approval:{submission_id}"), submission_id)


def drop(world: World, person: str) -> None:
    application = world.state.applications.of_person(person)
    assert application is not None
    world.must(world.alias_of(person), ApplicationWithdrawn(application.application, "本人放弃"))


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_a_leader_submits_the_derived_list_and_only_that(programme: str) -> None:
    world = ready(programme)
    body = submission(world)
    assert body.candidates == to_approve(world.state) == nominees(world)
    refuses(world, "organiser", body, "NOT_AUTHORISED")
    refuses(world, "chair-01", body, "NOT_AUTHORISED")
    more = (*body.candidates, alternates(world)[0])
    given = replace(body, candidates=more, list_hash=list_hash(more))
    refuses(world, "leader-01", given, "SEATS_EXCEEDED", CLAUSE, seats=programme_of(world).seats)
    for other in (body.candidates[1:], body.candidates[::-1], (*body.candidates[:-1], alternates(world)[0])):
        given = replace(body, candidates=other, list_hash=list_hash(other))
        refuses(world, "leader-01", given, "RESULT_NOT_DERIVED", CLAUSE)
    refuses(world, "leader-01", replace(body, list_hash="0" * 64), "RESULT_NOT_DERIVED", CLAUSE)
    act = world.must("leader-01", body)
    refuses(world, "leader-02", body, "DUPLICATE_ID", CLAUSE)
    refuses(world, "leader-02", replace(body, submission="again"), "ALREADY_SUBMITTED", CLAUSE, index=act.index)


def test_the_exclusions_are_checked_again_before_approval() -> None:
    world = at_approval()
    first = nominees(world)[0]
    missing = world.state.applications.recheck_missing(first)
    assert missing
    refuses(
        world, "leader-01", submission(world), "PREREQUISITE_MISSING", "四", step="department.replied", subject=first
    )
    play_rechecks(world)
    assert world.state.applications.recheck_missing(first) == ()
    play_submission(world)


def test_what_was_found_later_is_decided_anew_first() -> None:
    world = ready()
    person = nominees(world)[4]
    application = world.state.applications.of_person(person)
    criterion = next(one for one in programme_of(world).criteria if one.exclusion and one.joint_check)
    assert application is not None
    found = EligibilityChallenged(application.application, criterion.id, world.digest("found"), "收到新的处分决定")
    world.must("discipline", found)
    refuses(
        world, "leader-01", submission(world), "PREREQUISITE_MISSING", "四", step="criterion.decided", subject=person
    )


def test_nothing_is_submitted_while_a_place_is_vacant() -> None:
    world = ready()
    gone = nominees(world)[8]
    drop(world, gone)
    refuses(world, "leader-01", submission(world), "PREREQUISITE_MISSING", CLAUSE, step="vacancy.filled", subject=gone)
    refill(world)
    up = alternates(world)[0]
    lacking = {"step": "inspection.reported", "subject": up}
    refuses(world, "leader-01", submission(world), "PREREQUISITE_MISSING", CLAUSE, **lacking)
    play_moved_up(world)
    play_rechecks(world)
    assert up in submission(world).candidates
    play_submission(world)


def test_an_open_objection_holds_up_everybody() -> None:
    world = at_notice()
    objection_id = receive(world, nominees(world)[2])
    wait_for_notices(world)
    leave(world, StageKind.NOTICE)
    enter(world, StageKind.APPROVAL)
    play_rechecks(world)
    refuses(world, "leader-01", submission(world), "OBJECTION_OPEN", CLAUSE, open=1, first=objection_id)
    examine(world, objection_id, real_name=False)
    answer(world, objection_id)
    play_submission(world)


def test_an_open_breach_holds_up_approval() -> None:
    world = ready()
    act = world.must("discipline", FindingRaised("OTHER", (3,), "有人反映计票表被替换", "breach"))
    refuses(world, "leader-01", submission(world), "FINDING_OPEN", CLAUSE, open=1)
    world.cosign(world.must("discipline", FindingClosed(f"OTHER:{act.index}", "查无实据")), "auditor-2")
    play_submission(world)


def test_the_chairs_decide_by_name_what_the_votes_give() -> None:
    world = ready()
    submission_id = play_submission(world)
    matter_id = f"approval:{submission_id}"
    least = 3
    refuses(world, "leader-01", DeliberationVoted(matter_id, voices((submission_id,))), "NOT_AUTHORISED")
    unreasoned = replace(voices((submission_id,))[0], agree=False)
    refuses(world, "chair-01", DeliberationVoted(matter_id, (unreasoned,)), "REASON_REQUIRED")
    play_vote(world, matter_id, chairs(world)[: least - 1])
    refuses(world, "chair-01", decided(world, submission_id), "NO_QUORUM", present=2, needed=3)
    play_vote(world, matter_id, chairs(world)[least - 1 : least])
    refuses(world, "leader-01", decided(world, submission_id), "NOT_AUTHORISED")
    refuses(world, "chair-01", decided(world, "other"), "UNKNOWN_SUBMISSION", CLAUSE)
    refuses(world, "chair-01", decided(world, submission_id, approved=False), "RESULT_NOT_DERIVED", CLAUSE)
    world.must("chair-01", decided(world, submission_id))
    refuses(world, "chair-02", decided(world, submission_id), "ALREADY_DECIDED", CLAUSE)
    refuses(world, "leader-01", submission(world), "ALREADY_SUBMITTED", CLAUSE)
    assert world.state.naming.last is not None
    assert world.state.naming.last.approved


def test_half_of_the_chairs_is_a_denial_and_the_leaders_may_submit_again() -> None:
    world = ready()
    submission_id = play_submission(world)
    matter_id = f"approval:{submission_id}"
    play_vote(world, matter_id, chairs(world)[:2])
    play_vote(world, matter_id, chairs(world)[2:4], (submission_id,))
    refuses(world, "chair-01", decided(world, submission_id), "RESULT_NOT_DERIVED", CLAUSE, expected="denied")
    world.must("chair-01", decided(world, submission_id, approved=False))
    refuses(world, "organiser", naming(world), "PREREQUISITE_MISSING", CLAUSE, step="approval.decided")
    again = play_submission(world)
    assert again != submission_id
    play_vote(world, f"approval:{again}", chairs(world))
    world.must("chair-01", decided(world, again))
    world.must("organiser", naming(world))


def test_a_list_that_changed_since_is_submitted_anew() -> None:
    world = ready()
    submission_id = submitted(world)
    drop(world, nominees(world)[0])
    refuses(world, "chair-01", decided(world, submission_id), "PREREQUISITE_MISSING", CLAUSE, step="vacancy.filled")
    play_moved_up(world)
    play_rechecks(world)
    refuses(world, "chair-01", decided(world, submission_id), "RESULT_NOT_DERIVED", CLAUSE)
    again = submitted(world)
    refuses(world, "chair-01", decided(world, submission_id), "UNKNOWN_SUBMISSION", CLAUSE)
    world.must("chair-01", decided(world, again))
    drop(world, nominees(world)[1])
    play_moved_up(world)
    play_rechecks(world)
    refuses(world, "organiser", naming(world), "RESULT_NOT_DERIVED", CLAUSE)


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_the_organiser_names_the_approved_once_and_all_sponsors_confer(programme: str) -> None:
    world = at_approval(programme)
    refuses(world, "organiser", StageOpened(_last(world)), "STAGE_ORDER")
    play_approval(world)
    leaving = StageClosed(_approval(world))
    refuses(world, "organiser", leaving, "PREREQUISITE_MISSING", step="titles.named")
    body = naming(world)
    refuses(world, "chair-01", body, "NOT_AUTHORISED")
    refuses(world, "organiser", replace(body, candidates=body.candidates[1:]), "RESULT_NOT_DERIVED", CLAUSE)
    sponsors = [f"sponsor-{office}" for office in programme_of(world).sponsors]
    conferral = TitlesConferred(world.digest("conferral"), 7)
    refuses(world, sponsors[0], conferral, "PREREQUISITE_MISSING", "二", step="titles.named")
    act = world.must("organiser", body)
    refuses(world, "organiser", body, "ALREADY_NAMED", CLAUSE, index=act.index)
    refuses(world, "leader-01", submission(world), "ALREADY_NAMED", CLAUSE)
    refuses(world, sponsors[0], conferral, "NAMING_MISMATCH", "二", expected=act.index)
    world.must("organiser", QualificationEnded(alternates(world)[0], world.digest("falsehood"), "材料造假"))
    waiting = world.must(sponsors[0], replace(conferral, naming=act.index))
    refuses(world, sponsors[1], replace(conferral, naming=act.index), "ALREADY_PENDING", "二", index=waiting.index)
    world.cosign(waiting, *sponsors[1:-1])
    assert not _conferred(world)
    refuses(world, sponsors[1], ActCountersigned(waiting.index, waiting.leaf.hex()), "SECOND_SIGNER_NEEDED")
    last = world.cosign(waiting, sponsors[-1])
    assert _conferred(world) == last.index
    refuses(world, sponsors[0], replace(conferral, naming=act.index), "ALREADY_CONFERRED", "二")
    world.must("organiser", leaving)
    world.must("organiser", StageOpened(_last(world)))


def test_a_selection_without_anybody_left_names_nobody() -> None:
    world = at_approval(MEDAL)
    for person in (*nominees(world), *alternates(world)):
        ended = world.must("organiser", QualificationEnded(person, world.digest("falsehood"), "材料造假"))
        world.cosign(ended, "discipline")
    body = submission(world)
    refuses(world, "leader-01", body, "NOTHING_TO_APPROVE", CLAUSE)
    refuses(world, "organiser", StageClosed(_approval(world)), "PREREQUISITE_MISSING", step="vacancy.filled")
    refill(world)
    world.must("organiser", StageClosed(_approval(world)))
    refuses(world, "organiser", StageOpened(_last(world)), "PREREQUISITE_MISSING", step="titles.named")


def _conferred(world: World) -> int | None:
    return world.state.naming.conferred


def _approval(world: World) -> str:
    return programme_of(world).stages_of(StageKind.APPROVAL)[0].id


def _last(world: World) -> str:
    return programme_of(world).stages[-1].id
