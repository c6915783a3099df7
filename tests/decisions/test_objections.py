"""Five(七): an objection from its receipt to its answer, and every way in which it may not be handled."""

from dataclasses import replace

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import close_vote, leaders, minutes, play_moved_up, play_vote, refill, voices
from api.rehearsal.steps_notice import play_notice, wait_for_notices
from api.rehearsal.steps_objections import (
    HOUR,
    answer,
    decision,
    examine,
    hear,
    investigate,
    objection,
    one_time_actor,
    play_objection,
    receive,
    vote_on,
)
from api.rehearsal.steps_stages import enter
from ledger.procedure.hearing import ONE_TIME_OPEN_MOST
from ledger.procedure.programme import StageKind
from ledger.procedure.vacancies import DropOut
from ledger.roll import SEALED_PREFIX
from ledger.signing import encode_base64, key_id
from ledger.state.clocks import clock_of
from ledger.state.objection_book import Objection
from ledger.state.places import standing
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.foundation import ActCountersigned, SelectionResumed, SelectionSuspended
from ledger.statements.naming import QualificationEnded
from ledger.statements.notices import (
    DecisionBlocked,
    HearingNotified,
    ObjectionAnswered,
    ObjectionExamined,
    ObjectionInvestigated,
    ObjectionWithdrawn,
    ReplyGiven,
    SealOpened,
)
from tests.finalists import MEDAL, alternates, at_notice, nominees, refuses
from tests.plays import findings, flagged, replayed

CLAUSE = "五(七)"


def known(world: World, objection_id: str) -> Objection:
    return world.state.notices.objections.by_id[objection_id]


def admitted(world: World, *against: str) -> str:
    """Let an objection come in and be admitted."""
    objection_id = receive(world, *(against or nominees(world)[:1]))
    examine(world, objection_id)
    return objection_id


def voted(world: World, *, sustained: bool = True) -> str:
    """Play an objection against the first nominee until the leaders have voted."""
    objection_id = admitted(world)
    hear(world, objection_id)
    investigate(world, objection_id, founded=sustained)
    vote_on(world, objection_id, sustained=sustained)
    return objection_id


def test_an_objection_comes_through_the_desk_against_people_of_the_notice() -> None:
    world = at_notice()
    first, second = nominees(world)[:2]
    body = objection(world, first, second)
    refuses(world, "organiser", body, "NOT_AUTHORISED", CLAUSE)
    refuses(world, "intake-1", replace(body, notice="other"), "UNKNOWN_NOTICE", CLAUSE)
    refuses(world, "intake-1", replace(body, against=()), "AGAINST_INVALID", CLAUSE)
    refuses(world, "intake-1", replace(body, against=(first, first)), "AGAINST_INVALID", CLAUSE)
    refuses(world, "intake-1", replace(body, against=(alternates(world)[0],)), "NOT_ON_NOTICE", CLAUSE)
    refuses(world, "intake-1", replace(body, arrived_at=world.now + 9000), "ARRIVAL_IN_FUTURE", CLAUSE)
    key = encode_base64(one_time_actor(world, "x").key.public)
    refuses(world, "intake-1", replace(body, one_time_key=key), "NOT_AUTHORISED", CLAUSE)
    world.must("intake-1", body)
    refuses(world, "intake-2", body, "DUPLICATE_ID", CLAUSE)
    found = known(world, body.objection)
    assert (found.number, found.against, found.late) == (1, (first, second), ())
    assert world.state.notices.objections.open(world.state.out) == (found,)


def test_a_one_time_key_files_for_itself_alone() -> None:
    world = at_notice()
    person = nominees(world)[0]
    own, other = one_time_actor(world, "filer"), one_time_actor(world, "other")
    body = objection(world, person, one_time_key=encode_base64(own.key.public))
    for wrong in (None, encode_base64(other.key.public), encode_base64(bytes(32)), "AAAA", "AAB="):
        refuses(world, "filer", replace(body, one_time_key=wrong), "ONE_TIME_KEY_INVALID", CLAUSE)
    refuses(world, "filer", replace(body, arrived_at=world.now), "ONE_TIME_KEY_INVALID", CLAUSE)
    refuses(world, "filer", ObjectionAnswered("x", "0" * 64), "NOT_AUTHORISED", CLAUSE)
    world.must("filer", body)
    assert world.state.notices.one_time_key(SEALED_PREFIX + key_id(own.key.public)) == own.key.public
    assert world.state.notices.one_time_key(other.person) is None


def test_nobody_drowns_the_desk_in_one_time_objections() -> None:
    world = at_notice()
    person = nominees(world)[0]
    for _ in range(ONE_TIME_OPEN_MOST):
        receive(world, person, anonymous=True)
    one_more = one_time_actor(world, "one-more")
    body = objection(world, person, one_time_key=encode_base64(one_more.key.public))
    refuses(world, "one-more", body, "RATE_LIMITED", CLAUSE, most=ONE_TIME_OPEN_MOST)
    receive(world, person)
    examine(world, next(iter(world.state.notices.objections.by_id)), real_name=False)
    world.must("one-more", replace(body, objection="one-more"))


def test_discipline_alone_opens_the_seal_and_then_examines() -> None:
    world = at_notice()
    objection_id = receive(world, nominees(world)[0])
    sealed = known(world, objection_id).sealed
    body = ObjectionExamined(True, objection_id, True, "实名书面提出")
    refuses(world, "organiser", body, "NOT_AUTHORISED")
    refuses(world, "discipline", body, "PREREQUISITE_MISSING", CLAUSE, step="seal.opened")
    refuses(world, "organiser", SealOpened("好奇", sealed), "NOT_AUTHORISED")
    refuses(world, "discipline", SealOpened("核对", "0" * 64), "UNKNOWN_EVIDENCE", CLAUSE)
    refuses(world, "discipline", SealOpened(" ", sealed), "REASON_REQUIRED", CLAUSE)
    act = world.must("discipline", SealOpened("核对异议人身份", sealed))
    assert world.state.notices.objections.openings == {sealed: [act.index]}
    refuses(world, "discipline", replace(body, objection="other"), "UNKNOWN_OBJECTION", CLAUSE)
    refuses(world, "discipline", replace(body, reason=" "), "REASON_REQUIRED", CLAUSE)
    world.must("discipline", body)
    refuses(world, "discipline", body, "ALREADY_EXAMINED", CLAUSE)


@pytest.mark.parametrize(("real_name", "in_writing"), [(False, True), (True, False), (False, False)])
def test_without_a_name_or_not_in_writing_it_is_a_lead_and_no_more(real_name: bool, in_writing: bool) -> None:
    world = at_notice()
    objection_id = receive(world, nominees(world)[0])
    world.must("discipline", SealOpened("核对异议人身份", known(world, objection_id).sealed))
    body = ObjectionExamined(in_writing, objection_id, real_name, "不符合受理条件，作为线索留存")
    act = world.must("discipline", body)
    flagged(world, "INADMISSIBLE", "info", known(world, objection_id).index, act.index)
    assert known(world, objection_id).lead
    assert world.state.notices.objections.open(world.state.out) == ()
    told = HearingNotified(nominees(world)[0], objection_id, world.now + HOUR, "1" * 64)
    refuses(world, "organiser", told, "OBJECTION_NOT_ADMITTED", CLAUSE)
    answer(world, objection_id)
    refuses(world, "organiser", ObjectionAnswered(objection_id, "0" * 64), "ALREADY_ANSWERED", CLAUSE)


def test_the_candidate_is_told_the_substance_and_never_the_source() -> None:
    world = at_notice()
    first, other = nominees(world)[:2]
    objection_id = receive(world, first)
    body = HearingNotified(first, objection_id, world.now + 48 * HOUR, world.digest("substance"))
    refuses(world, "organiser", body, "PREREQUISITE_MISSING", CLAUSE, step="objection.examined")
    refuses(world, "organiser", replace(body, objection="none"), "UNKNOWN_OBJECTION", CLAUSE)
    examine(world, objection_id)
    refuses(world, "discipline", body, "NOT_AUTHORISED")
    refuses(world, "organiser", replace(body, candidate=other), "NOT_CONCERNED", CLAUSE)
    refuses(world, "organiser", replace(body, substance=known(world, objection_id).sealed), "SOURCE_EXPOSED", CLAUSE)
    refuses(world, "organiser", replace(body, respond_by=world.now), "DEADLINE_PASSED", CLAUSE)
    act = world.must("organiser", body)
    refuses(world, "organiser", body, "ALREADY_NOTIFIED", CLAUSE, index=act.index)


def test_the_candidate_replies_in_time_by_key_or_on_paper() -> None:
    world = at_notice()
    first, second = nominees(world)[:2]
    objection_id = receive(world, first, second)
    examine(world, objection_id)
    text, paper = world.digest("text"), world.digest("paper")
    alias, other = world.alias_of(first), world.alias_of(second)
    refuses(world, alias, ReplyGiven(first, "none", None, text), "UNKNOWN_OBJECTION", CLAUSE)
    early = ReplyGiven(first, objection_id, None, text)
    refuses(world, alias, early, "PREREQUISITE_MISSING", CLAUSE, step="hearing.notified")
    for person in (first, second):
        told = HearingNotified(person, objection_id, world.now + HOUR, world.digest(f"substance/{person}"))
        world.must("organiser", told)
    refuses(world, other, early, "NOT_AUTHORISED", CLAUSE)
    refuses(world, alias, replace(early, paper=paper), "NOT_AUTHORISED", CLAUSE)
    refuses(world, "intake-1", early, "NOT_AUTHORISED", CLAUSE)
    act = world.must("intake-1", replace(early, paper=paper))
    refuses(world, alias, early, "ALREADY_REPLIED", CLAUSE, index=act.index)
    world.now += HOUR
    refuses(world, other, ReplyGiven(second, objection_id, None, text), "DEADLINE_PASSED", CLAUSE)


def test_findings_against_somebody_wait_until_they_were_heard() -> None:
    world = at_notice()
    objection_id = admitted(world)
    person = nominees(world)[0]
    body = ObjectionInvestigated(world.digest("findings"), True, objection_id, "属实")
    refuses(world, "organiser", body, "PREREQUISITE_MISSING", CLAUSE, step="hearing.notified", subject=person)
    told = HearingNotified(person, objection_id, world.now + HOUR, world.digest("substance"))
    world.must("organiser", told)
    refuses(world, "organiser", body, "PREREQUISITE_MISSING", CLAUSE, step="reply.given", subject=person)
    refuses(world, "leader-01", body, "NOT_AUTHORISED")
    world.now += HOUR
    refuses(world, "organiser", replace(body, reason=" "), "REASON_REQUIRED", CLAUSE)
    act = world.must("organiser", body)
    refuses(world, "organiser", body, "ALREADY_INVESTIGATED", CLAUSE, index=act.index)


def test_an_objection_about_nobody_who_stands_is_not_investigated() -> None:
    world = at_notice()
    objection_id = admitted(world)
    ended = world.must("organiser", QualificationEnded(nominees(world)[0], "2" * 64, "造假"))
    assert world.state.notices.objections.open(world.state.out) != ()
    world.cosign(ended, "discipline")
    assert world.state.notices.objections.open(world.state.out) == ()
    body = ObjectionInvestigated(world.digest("findings"), False, objection_id, "当事人已退出")
    refuses(world, "organiser", body, "NOTHING_TO_DECIDE", CLAUSE)


def test_leaders_decide_by_name_with_reasons_and_the_decision_is_theirs() -> None:
    world = at_notice()
    objection_id = admitted(world)
    person = nominees(world)[0]
    matter_id = f"objection:{objection_id}"
    first_vote = DeliberationVoted(matter_id, voices((person,), reasoned=True))
    refuses(world, "leader-01", first_vote, "UNKNOWN_MATTER")
    hear(world, objection_id)
    taken = decision(world, objection_id, person, sustained=True)
    refuses(world, "organiser", taken, "PREREQUISITE_MISSING", CLAUSE, step="objection.investigated")
    investigate(world, objection_id, founded=True)
    refuses(world, "organiser", replace(taken, findings="3" * 64), "PREREQUISITE_MISSING", CLAUSE)
    refuses(world, "leader-01", DeliberationVoted(matter_id, voices((person,))), "REASON_REQUIRED")
    refuses(world, "organiser", taken, "PREREQUISITE_MISSING", CLAUSE, step="deliberation.closed")
    play_vote(world, matter_id, leaders(world), reasoned=True)
    close_vote(world, matter_id)
    taken = decision(world, objection_id, person, sustained=True)
    refuses(world, "organiser", replace(taken, minutes="4" * 64), "PREREQUISITE_MISSING", CLAUSE)
    refuses(world, "organiser", replace(taken, candidate=nominees(world)[1]), "NOT_CONCERNED", CLAUSE)
    refuses(world, "organiser", replace(taken, sustained=False), "RESULT_NOT_DERIVED", CLAUSE, given="dismissed")
    early = ObjectionAnswered(objection_id, world.digest("answer"))
    refuses(world, "intake-1", early, "PREREQUISITE_MISSING", CLAUSE, step="objection.decided")
    act = world.must("organiser", taken)
    out = world.state.out[person]
    assert (out.cause, out.index) == (DropOut.STRUCK_OFF, act.index)
    refuses(world, "organiser", taken, "NOT_CONCERNED", CLAUSE)
    assert world.state.notices.objections.open(world.state.out) == (known(world, objection_id),)
    answer(world, objection_id)
    assert world.state.notices.objections.open(world.state.out) == ()


@pytest.mark.parametrize(("for_it", "sustained"), [(6, False), (7, True)])
def test_more_than_half_of_all_leaders_must_sustain_it(for_it: int, sustained: bool) -> None:
    world = at_notice()
    objection_id = admitted(world)
    person = nominees(world)[0]
    hear(world, objection_id)
    investigate(world, objection_id, founded=True)
    matter_id = f"objection:{objection_id}"
    play_vote(world, matter_id, leaders(world)[:for_it], reasoned=True)
    play_vote(world, matter_id, leaders(world)[for_it:], against=(person,))
    close_vote(world, matter_id)
    world.must("organiser", decision(world, objection_id, person, sustained=sustained))
    assert (person in world.state.out) is sustained
    answer(world, objection_id)


def test_a_sustained_objection_against_somebody_unheard_strikes_nobody_off() -> None:
    world = at_notice()
    objection_id = admitted(world)
    person = nominees(world)[0]
    investigate(world, objection_id, founded=False)
    vote_on(world, objection_id, sustained=True)
    taken = decision(world, objection_id, person, sustained=True)
    refuses(world, "organiser", taken, "PREREQUISITE_MISSING", CLAUSE, step="hearing.notified", subject=person)
    hear(world, objection_id, replies=False)
    world.must("organiser", taken)


def test_discipline_blocks_and_the_leaders_deliberate_anew() -> None:
    world = at_notice()
    objection_id = voted(world, sustained=False)
    body = DecisionBlocked(objection_id, "调查程序有瑕疵")
    refuses(world, "organiser", body, "NOT_AUTHORISED")
    refuses(world, "discipline", replace(body, reason=" "), "REASON_REQUIRED", CLAUSE)
    refuses(world, "discipline", replace(body, objection="none"), "UNKNOWN_OBJECTION", CLAUSE)
    before = decision(world, objection_id, nominees(world)[0], sustained=False)
    world.must("organiser", before)
    world.must("discipline", body)
    refuses(world, "discipline", body, "PREREQUISITE_MISSING", CLAUSE, step="deliberation.closed")
    refuses(world, "organiser", before, "PREREQUISITE_MISSING", CLAUSE, step="deliberation.closed")
    matter = world.state.deliberation.matters[f"objection:{objection_id}"]
    assert [len(votes) for votes in matter.earlier] == [12]
    investigate(world, objection_id, founded=True)
    vote_on(world, objection_id, sustained=True)
    world.must("organiser", decision(world, objection_id, nominees(world)[0], sustained=True))
    answer(world, objection_id)
    refuses(world, "discipline", body, "ALREADY_ANSWERED", CLAUSE)
    assert nominees(world)[0] in world.state.out


def test_a_block_gives_the_place_back_while_nobody_has_it() -> None:
    world = at_notice()
    objection_id = voted(world)
    person = nominees(world)[0]
    world.must("organiser", decision(world, objection_id, person, sustained=True))
    assert person not in standing(world.state)
    world.must("discipline", DecisionBlocked(objection_id, "证据不足"))
    assert person in standing(world.state)
    assert person not in replayed(world).out
    vote_on(world, objection_id, sustained=True)
    world.must("organiser", decision(world, objection_id, person, sustained=True))
    refill(world)
    refuses(world, "discipline", DecisionBlocked(objection_id, "证据不足"), "PLACE_FILLED", CLAUSE, person=person)


def test_who_is_kept_out_lowers_the_number_that_must_vote() -> None:
    world = at_notice()
    person = nominees(world)[0]
    unit = world.state.roll.unit(person)
    assert unit is not None
    world.enrol("colleague", "leader", unit=unit)
    objection_id = admitted(world, person)
    hear(world, objection_id)
    investigate(world, objection_id, founded=True)
    matter_id = f"objection:{objection_id}"
    vote = DeliberationVoted(matter_id, voices((person,), reasoned=True))
    refuses(world, "colleague", vote, "DECIDER_CONFLICT", CLAUSE, subject=person)
    refuses(world, "colleague", DeliberationVoted(matter_id, ()), "VOICES_INCOMPLETE")
    vote_on(world, objection_id, sustained=True)
    assert world.state.deliberation.matters[matter_id].carried == (person,)


def test_the_filer_alone_withdraws_and_discipline_may_go_on() -> None:
    world = at_notice()
    person = nominees(world)[0]
    on_paper, by_key = receive(world, person), receive(world, person, anonymous=True)
    filer = world.alias_of(known(world, by_key).author)
    one_time_actor(world, "stranger")
    refuses(world, "organiser", ObjectionWithdrawn(None, on_paper), "NOT_AUTHORISED", CLAUSE)
    refuses(world, "intake-1", ObjectionWithdrawn(None, on_paper), "NOT_AUTHORISED", CLAUSE)
    refuses(world, "intake-1", ObjectionWithdrawn("5" * 64, by_key), "NOT_AUTHORISED", CLAUSE)
    refuses(world, "stranger", ObjectionWithdrawn(None, by_key), "NOT_AUTHORISED", CLAUSE)
    refuses(world, filer, ObjectionWithdrawn(None, "none"), "UNKNOWN_OBJECTION", CLAUSE)
    act = world.must(filer, ObjectionWithdrawn(None, by_key))
    flagged(world, "WITHDRAWN_OBJECTION", "warn", known(world, by_key).index, act.index)
    refuses(world, filer, ObjectionWithdrawn(None, by_key), "ALREADY_WITHDRAWN", CLAUSE, index=act.index)
    world.must("intake-1", ObjectionWithdrawn("5" * 64, on_paper))
    assert world.state.notices.objections.open(world.state.out) == ()
    taken = decision(world, on_paper, person, sustained=True)
    refuses(world, "organiser", taken, "OBJECTION_NOT_ADMITTED", CLAUSE)
    examine(world, on_paper)
    assert world.state.notices.objections.open(world.state.out) == (known(world, on_paper),)
    hear(world, on_paper)
    investigate(world, on_paper, founded=True)


def test_a_vote_on_an_objection_that_was_withdrawn_goes_no_further() -> None:
    world = at_notice()
    person = nominees(world)[0]
    objection_id = admitted(world, person)
    investigate(world, objection_id, founded=False)
    world.must("intake-1", ObjectionWithdrawn("5" * 64, objection_id))
    vote = DeliberationVoted(f"objection:{objection_id}", voices((person,), reasoned=True))
    refuses(world, "leader-01", vote, "OBJECTION_NOT_ADMITTED", CLAUSE)
    answer(world, objection_id)


def test_an_answer_waits_for_the_examination_and_is_to_something() -> None:
    world = at_notice()
    objection_id = receive(world, nominees(world)[0])
    body = ObjectionAnswered(objection_id, "7" * 64)
    refuses(world, "intake-1", replace(body, objection="none"), "UNKNOWN_OBJECTION", CLAUSE)
    refuses(world, "intake-1", body, "PREREQUISITE_MISSING", CLAUSE, step="objection.examined")
    refuses(world, "leader-01", body, "NOT_AUTHORISED")


def test_a_decided_objection_is_not_withdrawn() -> None:
    world = at_notice()
    objection_id = play_objection(world, nominees(world)[0], sustained=False)
    refuses(world, "intake-1", ObjectionWithdrawn("5" * 64, objection_id), "ALREADY_DECIDED", CLAUSE)
    assert known(world, objection_id).lead is False


def test_paper_counts_by_its_attested_arrival_once_two_have_signed() -> None:
    world = at_notice()
    person = nominees(world)[0]
    arrived = world.now
    wait_for_notices(world)
    body = objection(world, person, arrived_at=arrived)
    act = world.must("intake-1", body)
    found = known(world, body.objection)
    assert (found.against, found.confirmed) == ((person,), None)
    assert world.state.notices.objections.open(world.state.out) == (found,)
    world.must("discipline", SealOpened("核对异议人身份", body.sealed))
    examined = ObjectionExamined(True, body.objection, True, "实名书面提出")
    refuses(world, "discipline", examined, "PREREQUISITE_MISSING", CLAUSE, step="act.countersigned")
    countersigned = ActCountersigned(act.index, act.leaf.hex())
    refuses(world, "intake-1", countersigned, "SECOND_SIGNER_NEEDED")
    refuses(world, "leader-01", countersigned, "NOT_AUTHORISED")
    world.cosign(act, "intake-2")
    world.must("discipline", examined)
    assert findings(world.state, "LATE_OBJECTION") == []


def test_an_arrival_that_nobody_confirms_falls_back_to_the_ledgers_own_time() -> None:
    world = at_notice()
    person = nominees(world)[0]
    arrived = world.now
    in_time = world.must("intake-1", objection(world, person, arrived_at=arrived))
    world.decline(in_time, "discipline")
    wait_for_notices(world)
    late = world.must("intake-1", objection(world, person, arrived_at=arrived))
    declined = world.decline(late, "discipline")
    first, second = world.state.notices.objections.by_id.values()
    assert (first.against, second.against, second.late) == ((person,), (), (person,))
    flagged(world, "LATE_OBJECTION", "info", late.index, declined.index)


def test_objections_are_received_while_the_selection_rests_and_the_clock_runs_on() -> None:
    world = at_notice()
    person = nominees(world)[0]
    before = clock_of(world.state, person)
    world.cosign(world.must("organiser", SelectionSuspended("6" * 64, "疫情防控")), "sponsor-union")
    objection_id = receive(world, person)
    paper = world.must("intake-1", objection(world, person, arrived_at=world.now))
    world.cosign(paper, "intake-2")
    world.must("discipline", SealOpened("核对异议人身份", known(world, objection_id).sealed))
    body = ObjectionExamined(True, objection_id, True, "实名书面提出")
    refuses(world, "discipline", body, "SELECTION_SUSPENDED")
    world.cosign(world.must("organiser", SelectionResumed("恢复")), "sponsor-union")
    world.must("discipline", body)
    assert clock_of(world.state, person) == before


def test_each_persons_own_clock_decides_what_is_late() -> None:
    world = at_notice()
    first, second = nominees(world)[:2]
    play_objection(world, second)
    refill(world)
    wait_for_notices(world)
    before = world.now
    play_moved_up(world)
    up = alternates(world)[0]
    clock = clock_of(world.state, up)
    assert clock is not None
    assert clock.published_at > before
    in_time = objection(world, up, arrived_at=clock.ends_at - 1)
    world.cosign(world.must("intake-1", in_time), "intake-2")
    late = objection(world, first, arrived_at=clock.ends_at - 1)
    world.cosign(world.must("intake-1", late), "intake-2")
    assert known(world, in_time.objection).against == (up,)
    assert known(world, late.objection).late == (first,)
    mixed = objection(world, first, arrived_at=before)
    assert mixed.notice == "notice-1"


def test_the_other_programme_decides_objections_before_it_deliberates() -> None:
    world = at_notice(MEDAL)
    play_objection(world, nominees(world)[0])
    assert world.state.out[nominees(world)[0]].cause is DropOut.STRUCK_OFF
    assert world.state.deliberation.agreed == {}
    enter(world, StageKind.NOTICE)
    refill(world)
    play_notice(world)
    assert standing(world.state)[0] == alternates(world)[0]


def test_minutes_differ_each_time_a_matter_is_deliberated() -> None:
    world = at_notice()
    objection_id = voted(world)
    first = minutes(world, f"objection:{objection_id}")
    world.must("discipline", DecisionBlocked(objection_id, "程序有瑕疵"))
    assert minutes(world, f"objection:{objection_id}") != first
