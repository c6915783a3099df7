"""Disputes G01, G03, G04, G06 to G14: the notice, objections, approval, naming, revocation."""

from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest

from api.rehearsal.driver import World, found
from api.rehearsal.steps_deliberation import (
    play_deliberation,
    play_deliberation_stage,
    play_inspection,
    play_moved_up,
    refill,
    voices,
)
from api.rehearsal.steps_naming import naming, play_aftermath, play_approval, play_naming, play_rechecks, submission
from api.rehearsal.steps_notice import notice, play_calendar, play_notice, publish, wait_for_notices
from api.rehearsal.steps_objections import (
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
from api.rehearsal.steps_stages import enter, leave
from ledger.errors import VerificationError
from ledger.nominees import list_hash
from ledger.procedure.notice import instant
from ledger.procedure.programme import StageKind
from ledger.procedure.vacancies import DropOut
from ledger.programmes import load_shipped
from ledger.signing import encode_base64
from ledger.state.clocks import clock_of
from ledger.state.objection_book import Objection
from ledger.state.places import standing, vacancies
from ledger.statements.deliberation import DeliberationVoted, VacancyFilled
from ledger.statements.foundation import ActCountersigned, CalendarRecorded, StageClosed, StageOpened
from ledger.statements.naming import QualificationEnded, TitleRevoked
from ledger.statements.notices import (
    DecisionBlocked,
    ObjectionAnswered,
    ObjectionDecided,
    ObjectionExamined,
    ObjectionInvestigated,
    ObjectionWithdrawn,
    SealOpened,
)
from tests.finalists import (
    CITY,
    MEDAL,
    PROGRAMMES,
    alternates,
    at_approval,
    at_final,
    at_notice,
    nominees,
    play_to_final,
    refuses,
)
from tests.plays import findings, flagged, replayed
from tests.simulator import LOG_VKEY, ORIGIN, History, MemoryLedger, freeze, go_on
from tests.voting import dishonest

CLAUSE, APPROVAL = "五(七)", "五(八)"
VECTORS = (
    ("2022-09-28", "2022-10-10"),
    ("2022-09-30", "2022-10-12"),
    ("2022-10-24", "2022-10-31"),
    ("2022-12-28", "2023-01-05"),
    ("2023-01-18", "2023-01-30"),
    ("2024-02-02", "2024-02-08"),
)


def of(world: World, objection_id: str) -> Objection:
    return world.state.notices.objections.by_id[objection_id]


@cache
def summer_history() -> History:
    """Play the city's programme as of July 2022, up to the stage of the notice, with three years' calendars."""
    value: dict[str, Any] = dict(load_shipped(CITY)) | {"eligibility_date": "2022-07-24"}
    value["stages"] = [
        one | {"opens_at": "2022-07-01T00:00", "closes_at": "2022-07-25T00:00"} if "opens_at" in one else one
        for one in value["stages"]
    ]
    world = World(MemoryLedger(), "summer", instant(date(2022, 7, 1), 480))
    found(world, value, ORIGIN, LOG_VKEY.encode())
    play_to_final(world, 20)
    play_calendar(world, 2022, 2023, 2024)
    play_deliberation_stage(world)
    enter(world, StageKind.NOTICE)
    return freeze(world)


@pytest.mark.parametrize(("published", "last"), VECTORS)
def test_G01_the_notice_lasts_five_working_days_whatever_the_calendar(published: str, last: str) -> None:
    world = go_on(summer_history())
    world.set_time(published, 10, 30)
    publish(world)
    clock = clock_of(world.state, nominees(world)[0])
    assert clock is not None
    assert clock.last_day.isoformat() == last
    after = date.fromisoformat(last) + timedelta(days=1)
    assert clock.ends_at == instant(after, 480)
    world.set_time(last, 23, 59)
    refuses(world, "organiser", StageClosed("notice"), "NOTICE_NOT_ELAPSED", CLAUSE, ends_at=clock.ends_at)
    dishonest(world, "organiser", StageClosed("notice"))
    world.must("organiser", StageOpened("approval"))
    early: dict[str, str | int] = {"person": nominees(world)[0], "ends_at": clock.ends_at}
    refuses(world, "leader-01", submission(world), "NOTICE_NOT_ELAPSED", APPROVAL, **early)
    world.set_time(after.isoformat(), 0, 0)
    play_rechecks(world)
    world.must("leader-01", submission(world))


def test_G03_a_calendar_may_lengthen_a_notice_and_never_shorten_it() -> None:
    world = at_notice()
    clock = clock_of(world.state, nominees(world)[0])
    assert clock is not None
    year = next(one for one in world.state.charter.calendar.years if one.year == clock.last_day.year)
    off, on = ({day.isoformat() for day in days} for days in (year.off, year.on))

    def calendar(off: set[str], on: set[str]) -> CalendarRecorded:
        return CalendarRecorded(tuple(sorted(off)), tuple(sorted(on)), "国务院办公厅通知", year.year)

    published = date.fromordinal(719163 + (clock.published_at // 60_000 + 480) // 1440)
    days = [published + timedelta(days=ahead) for ahead in range(1, (clock.last_day - published).days + 1)]
    weekend = {day.isoformat() for day in days if day.weekday() >= 5}
    assert weekend
    refuses(world, "organiser", calendar(off, on | weekend), "CALENDAR_SHORTENS", CLAUSE, year=year.year)
    world.must("organiser", calendar(off | {clock.last_day.isoformat()}, on))
    longer = clock_of(world.state, nominees(world)[0])
    assert longer is not None
    assert longer.ends_at > clock.ends_at
    refuses(world, "organiser", calendar(off, on), "CALENDAR_SHORTENS", CLAUSE, year=year.year)
    again = replayed(world)
    assert clock_of(again, nominees(world)[0]) == longer


@pytest.mark.parametrize(("programme", "day", "year"), [(CITY, "2023-12-29", 2024), (MEDAL, "2025-12-29", 2026)])
def test_G03_a_year_that_was_not_announced_is_not_guessed(programme: str, day: str, year: int) -> None:
    world = at_final(programme)
    if programme == CITY:
        play_deliberation_stage(world)
    enter(world, StageKind.NOTICE)
    world.set_time(day)
    refuses(world, "organiser", notice(world), "CALENDAR_UNKNOWN", CLAUSE, year=year)


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_G04_an_objection_cannot_be_dropped_silently(programme: str) -> None:
    world = at_notice(programme)
    objection_id = receive(world, nominees(world)[0])
    assert of(world, objection_id).number == 1
    assert len(world.state.notices.objections.open(world.state.out)) == 1
    wait_for_notices(world)
    leave(world, StageKind.NOTICE)
    if programme == MEDAL:
        play_deliberation_stage(world)
    enter(world, StageKind.APPROVAL)
    play_rechecks(world)
    held_up: dict[str, str | int] = {"open": 1, "first": objection_id}
    refuses(world, "leader-01", submission(world), "OBJECTION_OPEN", APPROVAL, **held_up)
    examine(world, objection_id)
    investigate(world, objection_id, founded=False)
    vote_on(world, objection_id, sustained=False)
    person = nominees(world)[0]
    world.must("organiser", decision(world, objection_id, person, sustained=False))
    refuses(world, "leader-01", submission(world), "OBJECTION_OPEN", APPROVAL, **held_up)
    answer(world, objection_id)
    world.must("leader-01", submission(world))


def test_G06_an_anonymous_objection_is_a_lead_and_holds_nothing_up() -> None:
    world = at_notice()
    objection_id = play_objection(world, nominees(world)[0], anonymous=True)
    found_at = of(world, objection_id)
    assert found_at.examined is not None
    flagged(world, "INADMISSIBLE", "info", found_at.index, found_at.examined)
    assert found_at.lead
    body = ObjectionInvestigated(world.digest("findings"), True, objection_id, "按线索核实")
    refuses(world, "organiser", body, "OBJECTION_NOT_ADMITTED", CLAUSE)
    wait_for_notices(world)
    leave(world, StageKind.NOTICE)
    play_approval(world)


def test_G07_when_an_objection_came_is_decided_by_the_ledger_or_by_two_who_attest_it() -> None:
    world = at_notice()
    person = nominees(world)[0]
    before_the_end = world.now
    wait_for_notices(world)
    assert of(world, receive(world, person)).late == (person,)
    backdated = world.must("intake-1", objection(world, person, arrived_at=before_the_end))
    refuses(world, "intake-1", ActCountersigned(backdated.index, backdated.leaf.hex()), "SECOND_SIGNER_NEEDED", CLAUSE)
    declined = world.decline(backdated, "discipline", "收件簿上没有这一份")
    assert of(world, backdated.body.objection).late == (person,)
    flagged(world, "LATE_OBJECTION", "info", backdated.index, declined.index)
    genuine = world.must("intake-1", objection(world, person, arrived_at=before_the_end))
    world.cosign(genuine, "intake-2")
    assert of(world, genuine.body.objection).against == (person,)
    future = objection(world, person, arrived_at=world.now + 60_000)
    refuses(world, "intake-1", future, "ARRIVAL_IN_FUTURE", CLAUSE)


def test_G08_nobody_is_struck_off_without_findings_hearing_and_named_votes() -> None:
    world = at_notice()
    person = nominees(world)[0]
    objection_id = receive(world, person)
    examine(world, objection_id)
    taken = decision(world, objection_id, person, sustained=True)
    lacking = {"step": "objection.investigated", "subject": objection_id}
    refuses(world, "organiser", taken, "PREREQUISITE_MISSING", CLAUSE, **lacking)
    founded = ObjectionInvestigated(taken.findings, True, objection_id, "属实")
    refuses(world, "organiser", founded, "PREREQUISITE_MISSING", CLAUSE, step="hearing.notified", subject=person)
    hear(world, objection_id)
    investigate(world, objection_id, founded=True)
    lacking = {"step": "deliberation.closed", "subject": objection_id}
    refuses(world, "organiser", taken, "PREREQUISITE_MISSING", CLAUSE, **lacking)
    vote_on(world, objection_id, sustained=True)
    other = ObjectionDecided(person, "9" * 64, taken.minutes, objection_id, True)
    refuses(world, "organiser", other, "PREREQUISITE_MISSING", CLAUSE, step="objection.investigated")
    kept = decision(world, objection_id, person, sustained=False)
    refuses(world, "organiser", kept, "RESULT_NOT_DERIVED", CLAUSE, expected="sustained", given="dismissed")


def test_G08_whoever_is_struck_off_leaves_every_list_by_derivation() -> None:
    world = at_notice()
    person = nominees(world)[0]
    objection_id = play_objection(world, person)
    ruling = of(world, objection_id).rulings[person]
    out = world.state.out[person]
    assert (out.cause, out.index) == (DropOut.STRUCK_OFF, ruling.index)
    assert person not in standing(world.state)
    assert [one.vacated_by for one in vacancies(world.state)] == [person]
    assert replayed(world).out == world.state.out


def test_G09_nobody_decides_about_themselves_or_their_unit() -> None:
    world = at_notice()
    person = nominees(world)[0]
    unit = world.state.roll.unit(person) or ""
    for alias, role in (("near-leader", "leader"), ("near-organiser", "organiser"), ("near-auditor", "discipline")):
        world.enrol(alias, role, unit=unit)
    objection_id = receive(world, person)
    sealed = of(world, objection_id).sealed
    world.must("discipline", SealOpened("核对异议人身份", sealed))
    conflict = {"subject": person}
    examined = ObjectionExamined(True, objection_id, True, "实名书面提出")
    refuses(world, "near-auditor", examined, "DECIDER_CONFLICT", CLAUSE, **conflict)
    world.must("discipline", examined)
    hear(world, objection_id)
    founded = ObjectionInvestigated(world.digest(f"findings/{objection_id}"), True, objection_id, "属实")
    refuses(world, "near-organiser", founded, "DECIDER_CONFLICT", CLAUSE, **conflict)
    world.must("organiser", founded)
    vote = DeliberationVoted(f"objection:{objection_id}", voices((person,), reasoned=True))
    refuses(world, "near-leader", vote, "DECIDER_CONFLICT", CLAUSE, **conflict)
    vote_on(world, objection_id, sustained=True)
    taken = decision(world, objection_id, person, sustained=True)
    refuses(world, "near-organiser", taken, "DECIDER_CONFLICT", CLAUSE, **conflict)
    blocked = DecisionBlocked(objection_id, "程序有瑕疵")
    refuses(world, "near-auditor", blocked, "DECIDER_CONFLICT", CLAUSE, **conflict)
    world.must("organiser", taken)


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_G10_whoever_moves_up_has_their_own_days_and_the_others_wait(programme: str) -> None:
    world = at_approval(programme)
    act = world.must("organiser", QualificationEnded(nominees(world)[0], world.digest("f"), "材料造假"))
    world.cosign(act, "discipline")
    refill(world)
    up = alternates(world)[0]
    if programme == CITY:
        play_inspection(world)
        play_deliberation(world)
    play_notice(world, wait=False)
    clock = clock_of(world.state, up)
    assert clock is not None
    play_rechecks(world)
    early: dict[str, str | int] = {"person": up, "ends_at": clock.ends_at}
    refuses(world, "leader-01", submission(world), "NOTICE_NOT_ELAPSED", APPROVAL, **early)
    others = tuple(one for one in standing(world.state) if one != up)
    without = submission(world, candidates=others, list_hash=list_hash(others))
    refuses(world, "leader-01", without, "RESULT_NOT_DERIVED", APPROVAL)
    world.now = clock.ends_at
    play_moved_up(world)
    play_approval(world)
    play_naming(world)


def test_G11_the_last_millisecond_is_in_time_the_next_is_late() -> None:
    world = at_notice()
    first, second = nominees(world)[:2]
    clock = clock_of(world.state, first)
    assert clock is not None
    world.now = clock.ends_at - 1001
    in_time = receive(world, first)
    late = receive(world, second)
    assert (of(world, in_time).received_at, of(world, in_time).against) == (clock.ends_at - 1, (first,))
    assert (of(world, late).against, of(world, late).late) == ((), (second,))
    flagged(world, "LATE_OBJECTION", "info", of(world, late).index)
    assert [one.id for one in world.state.notices.objections.open(world.state.out)] == [in_time]
    examine(world, late)
    answer(world, late)


def test_G12_a_withdrawal_is_the_filers_own_and_is_shown() -> None:
    world = at_notice()
    objection_id = receive(world, nominees(world)[0], anonymous=True)
    filer = world.alias_of(of(world, objection_id).author)
    refuses(world, "intake-1", ObjectionWithdrawn(world.digest("paper"), objection_id), "NOT_AUTHORISED", CLAUSE)
    act = world.must(filer, ObjectionWithdrawn(None, objection_id))
    flagged(world, "WITHDRAWN_OBJECTION", "warn", of(world, objection_id).index, act.index)
    assert world.state.notices.objections.open(world.state.out) == ()
    examine(world, objection_id)
    assert of(world, objection_id).ex_officio is not None
    assert [one.id for one in world.state.notices.objections.open(world.state.out)] == [objection_id]


def test_G12_nobody_withdraws_for_a_one_time_key_by_having_another() -> None:
    world = at_notice()
    own = one_time_actor(world, "filer")
    one_time_actor(world, "other")
    body = objection(world, nominees(world)[0], one_time_key=encode_base64(own.key.public))
    world.must("filer", body)
    size = world.state.size
    for other in (ObjectionWithdrawn(None, body.objection), ObjectionAnswered(body.objection, "1" * 64)):
        with pytest.raises(VerificationError, match="SIGNATURE_INVALID"):
            world.submit("other", other)
    assert world.state.size == size
    assert findings(world.state, "WITHDRAWN_OBJECTION") == []


def test_G13_what_is_approved_and_named_is_the_list_after_the_notice() -> None:
    world = at_approval()
    play_rechecks(world)
    favourite = (*nominees(world)[:-1], alternates(world)[0])
    changed = submission(world, candidates=favourite, list_hash=list_hash(favourite))
    refuses(world, "leader-01", changed, "RESULT_NOT_DERIVED", APPROVAL)
    swapped = nominees(world)[::-1]
    refuses(
        world,
        "leader-01",
        submission(world, candidates=swapped, list_hash=list_hash(swapped)),
        "RESULT_NOT_DERIVED",
        APPROVAL,
    )
    play_approval(world)
    for wrong in (favourite, swapped, nominees(world)[:-1]):
        given = naming(world, candidates=wrong, list_hash=list_hash(wrong))
        refuses(world, "organiser", given, "RESULT_NOT_DERIVED", APPROVAL)
    refuses(world, "organiser", naming(world, list_hash="0" * 64), "RESULT_NOT_DERIVED", APPROVAL)
    world.must("organiser", naming(world))


def test_G14_a_revocation_is_an_event_of_its_own_and_history_stays() -> None:
    world = at_approval()
    play_approval(world)
    naming_index = play_naming(world)
    person = nominees(world)[0]
    play_aftermath(world, person)
    titles = world.state.naming.titles
    paid = world.state.naming.paid_cents(person)
    body = TitleRevoked(person, world.digest("falsehood"), naming_index, "骗取荣誉，已查实", paid)
    last = world.cosign(world.must("organiser", body), "discipline")
    assert world.state.naming.titles == titles
    assert world.state.naming.revoked == {person: last.index}
    assert not world.state.naming.holds_title(person)
    assert vacancies(world.state) == ()
    refuses(world, "organiser", VacancyFilled(None, (), person), "STAGE_CLOSED")
    assert replayed(world).naming == world.state.naming
