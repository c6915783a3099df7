"""Five(七): who is published when, where and for how long; what restarts the clock."""

from dataclasses import replace
from datetime import date

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import (
    inspection,
    play_deliberation,
    play_deliberation_stage,
    play_inspection,
    refill,
)
from api.rehearsal.steps_naming import naming, play_approval
from api.rehearsal.steps_notice import notice, play_notice, publish, wait_for_notices
from api.rehearsal.steps_stages import enter, leave, stage_of
from ledger.nominees import list_hash, to_publish
from ledger.procedure.programme import StageKind
from ledger.state.clocks import clock_of, record_of
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.foundation import CalendarRecorded, NameCorrected, StageClosed, StageOpened
from ledger.statements.naming import QualificationEnded
from ledger.statements.notices import NoticeChanged
from tests.finalists import CITY, MEDAL, PROGRAMMES, alternates, at_final, at_notice, nominees, refuses
from tests.simulator import new_world
from tests.voting import dishonest

CLAUSE = "五(七)"


def before_notice(programme: str = CITY) -> World:
    """Return a play in which the stage of the notice has just opened."""
    world = at_final(programme)
    if programme == CITY:
        play_deliberation_stage(world)
    enter(world, StageKind.NOTICE)
    return world


def end(world: World, person: str) -> None:
    """End somebody's qualification."""
    act = world.must("organiser", QualificationEnded(person, world.digest("falsehood"), "申报材料造假"))
    world.cosign(act, "discipline")


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_the_first_notice_names_everybody_who_holds_a_place(programme: str) -> None:
    world = before_notice(programme)
    body = notice(world)
    assert body.candidates == nominees(world)
    refuses(world, "leader-01", body, "NOT_AUTHORISED")
    for candidates in (nominees(world)[1:], (*nominees(world), alternates(world)[0])):
        wrong = replace(body, candidates=candidates, list_hash=list_hash(candidates))
        refuses(world, "organiser", wrong, "RESULT_NOT_DERIVED")
    refuses(world, "organiser", replace(body, list_hash="0" * 64), "RESULT_NOT_DERIVED")
    for channels in ((), ("somewhere",), (body.channels[0], body.channels[0])):
        refuses(world, "organiser", replace(body, channels=channels), "CHANNEL_NOT_DECLARED")
    world.must("organiser", body)
    refuses(world, "organiser", body, "DUPLICATE_ID", CLAUSE)
    refuses(world, "organiser", replace(body, notice="again"), "NOTHING_TO_PUBLISH")


def test_the_city_publishes_whom_the_group_agreed_to_the_medal_before() -> None:
    city, medal = before_notice(), before_notice(MEDAL)
    assert set(to_publish(city.state, city.state.charter.latest.programme, city.now)) == set(
        city.state.deliberation.agreed
    )
    assert medal.state.deliberation.agreed == {}
    publish(medal)


def test_a_notice_waits_until_every_place_is_filled_inspected_and_agreed() -> None:
    world = before_notice()
    gone, up = nominees(world)[7], alternates(world)[0]
    end(world, gone)
    refuses(world, "organiser", notice(world), "PREREQUISITE_MISSING", step="vacancy.filled", subject=gone)
    refill(world)
    refuses(world, "organiser", notice(world), "PREREQUISITE_MISSING", step="inspection.reported", subject=up)
    world.must("inspector-1", inspection(world, up))
    refuses(world, "organiser", notice(world), "PREREQUISITE_MISSING", step="deliberation.closed", subject=up)
    play_deliberation(world)
    assert up in notice(world).candidates
    publish(world)


def test_who_moves_up_later_is_published_alone_when_ready() -> None:
    world = at_notice()
    end(world, nominees(world)[0])
    end(world, nominees(world)[1])
    refill(world)
    ready, waiting = alternates(world)[:2]
    refuses(world, "organiser", notice(world, candidates=(waiting,)), "PREREQUISITE_MISSING", subject=waiting)
    refuses(world, "organiser", notice(world, candidates=()), "NOTHING_TO_PUBLISH")
    play_inspection(world, fails=(waiting,))
    play_deliberation(world)
    body = notice(world)
    assert (body.candidates, body.channels) == ((ready,), ("union-website",))
    world.must("organiser", body)
    first, own = clock_of(world.state, nominees(world)[2]), clock_of(world.state, ready)
    assert first is not None
    assert own is not None
    assert own.published_at > first.published_at


def test_the_clock_counts_working_days_of_the_recorded_calendar() -> None:
    world = before_notice()
    world.set_time("2022-12-28")
    publish(world)
    clock = clock_of(world.state, nominees(world)[0])
    assert clock is not None
    assert clock.last_day == date(2023, 1, 5)
    leaving = StageClosed("notice")
    refuses(world, "organiser", leaving, "NOTICE_NOT_ELAPSED", CLAUSE, ends_at=clock.ends_at)
    world.now = clock.ends_at - 2000
    refuses(world, "organiser", leaving, "NOTICE_NOT_ELAPSED", CLAUSE)
    world.must("organiser", leaving)


def test_a_year_that_nobody_recorded_is_never_guessed() -> None:
    world = before_notice()
    world.set_time("2023-12-28")
    refuses(world, "organiser", notice(world), "CALENDAR_UNKNOWN", CLAUSE, year=2024)


def test_a_longer_calendar_lengthens_a_running_notice() -> None:
    world = at_notice()
    before = clock_of(world.state, nominees(world)[0])
    assert before is not None
    (recorded,) = [year for year in world.state.charter.calendar.years if year.year == before.last_day.year]
    off = tuple(sorted(day.isoformat() for day in recorded.off | {before.last_day}))
    on = tuple(sorted(day.isoformat() for day in recorded.on))
    world.must("organiser", CalendarRecorded(off, on, "临时调休通知", before.last_day.year))
    after = clock_of(world.state, nominees(world)[0])
    assert after is not None
    assert after.ends_at > before.ends_at


def test_a_material_change_restarts_the_clock_a_corrected_name_does_not() -> None:
    world = at_notice()
    person = nominees(world)[0]
    before = clock_of(world.state, person)
    assert before is not None

    def change(material: bool, reason: str = "更正") -> NoticeChanged:
        return NoticeChanged(world.digest("deeds/changed"), material, "notice-1", reason)

    refuses(world, "organiser", replace(change(True), notice="other"), "UNKNOWN_NOTICE", CLAUSE)
    refuses(world, "organiser", change(False), "CHANGE_IS_MATERIAL", CLAUSE)
    refuses(world, "organiser", change(True, " "), "REASON_REQUIRED", CLAUSE)
    corrected = NameCorrected(world.digest("record/new"), record_of(world.state, person) or "", person, "姓名错别字")
    world.cosign(world.must("organiser", corrected), "discipline")
    world.must("organiser", change(False))
    assert clock_of(world.state, person) == before
    refuses(world, "organiser", change(False), "CHANGE_IS_MATERIAL", CLAUSE)
    world.set_time("2022-11-30" if before.published_at < world.now else "2022-12-30")
    act = world.must("organiser", change(True, "主要事迹有实质更正"))
    after = clock_of(world.state, person)
    assert after is not None
    assert (after.published_at, after.ends_at > before.ends_at) == (act.at, True)


def test_no_notice_changes_once_titles_are_named() -> None:
    world = at_notice()
    wait_for_notices(world)
    leave(world, StageKind.NOTICE)
    play_approval(world)
    act = world.must("organiser", naming(world))
    body = NoticeChanged(world.digest("deeds/late"), True, "notice-1", "更正")
    refuses(world, "organiser", body, "ALREADY_NAMED", CLAUSE, index=act.index)
    leave(world, StageKind.APPROVAL)
    enter(world, StageKind.AFTERMATH)
    refuses(world, "organiser", body, "STAGE_CLOSED")
    assert world.state.notices.running(world.now) == ()


def test_the_stage_ends_when_everybody_has_been_published_for_their_days() -> None:
    world = at_notice()
    gone, up = nominees(world)[2], alternates(world)[0]
    end(world, gone)
    wait_for_notices(world)
    leaving = StageClosed(stage_of(world, StageKind.NOTICE).id)
    refuses(world, "organiser", leaving, "PREREQUISITE_MISSING", step="vacancy.filled", subject=gone)
    refill(world)
    refuses(world, "organiser", leaving, "NOTICE_NOT_ELAPSED", person=up, ends_at=0)
    play_inspection(world)
    play_deliberation(world)
    play_notice(world)
    world.must("organiser", leaving)


def test_nothing_is_published_before_the_notice_stage_has_begun() -> None:
    world = at_final()
    enter(world, StageKind.DELIBERATION)
    refuses(world, "organiser", notice(world), "STAGE_NOT_OPEN", CLAUSE, stage="notice")


@pytest.mark.parametrize(("programme", "kind"), [(CITY, StageKind.DELIBERATION), (MEDAL, StageKind.NOTICE)])
def test_nothing_begins_without_a_final_order(programme: str, kind: StageKind) -> None:
    world = new_world(programme)
    stage = stage_of(world, kind)
    for earlier in world.state.charter.latest.programme.before(stage.id):
        dishonest(world, "organiser", StageOpened(earlier.id))
        dishonest(world, "organiser", StageClosed(earlier.id))
    opening = StageOpened(stage.id)
    refuses(world, "organiser", opening, "PREREQUISITE_MISSING", stage.clause, step="result.certified")


def test_withdrawals_leave_the_lists() -> None:
    world = before_notice()
    person = nominees(world)[9]
    application = world.state.applications.of_person(person)
    assert application is not None
    world.must(world.alias_of(person), ApplicationWithdrawn(application.application, "调离本市"))
    assert person not in to_publish(world.state, world.state.charter.latest.programme, world.now)
