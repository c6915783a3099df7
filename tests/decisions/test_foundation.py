"""Charter, endorsement, calendar, amendment, extension, suspension, order of stages, countersignatures, by clause."""

import string
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from api.rehearsal.driver import World, founders
from api.rehearsal.steps_objections import one_time_actor
from api.rehearsal.steps_stages import programme_of
from ledger.procedure.notice import civil_date, instant
from ledger.procedure.programme_value import difference
from ledger.programmes import load_shipped, programme_hash
from ledger.signing import encode_base64, key_id
from ledger.statements import Act
from ledger.statements.foundation import (
    ActCountersigned,
    ActDeclined,
    CalendarRecorded,
    CharterEndorsed,
    CharterSealed,
    DeadlineExtended,
    Difference,
    Founder,
    NameCorrected,
    ProgrammeAmended,
    SelectionResumed,
    SelectionSuspended,
    StageClosed,
    StageOpened,
)
from ledger.statements.notices import ObjectionReceived
from ledger.statements.roll import KeyRevoked, RoleGranted
from tests import plays
from tests.finalists import at_notice
from tests.plays import flagged, refused, replayed
from tests.simulator import LOG_VKEY, ORIGIN, START, MemoryLedger, new_world, resume
from tests.test_signing import SMALL_ORDER

VALUE = load_shipped("zhuyuan-2022")
SPONSORS = tuple(office["id"] for office in VALUE["offices"] if office.get("sponsor"))
OTHERS = tuple(f"sponsor-{office}" for office in SPONSORS)


def unfounded() -> World:
    """Return a world whose log is empty."""
    return World(MemoryLedger(), "test", START)


def charter(world: World, **changes: Any) -> CharterSealed:
    """Return a sound charter, or one with changes."""
    values: dict[str, Any] = {
        "founders": founders(world, VALUE),
        "log_key": LOG_VKEY.encode(),
        "origin": ORIGIN,
        "programme": VALUE,
        "programme_hash": programme_hash(VALUE),
        "rehearsal": True,
    }
    return CharterSealed(**(values | changes))


def sealed() -> tuple[World, Act]:
    """Return a world with a charter that nobody has endorsed."""
    world = unfounded()
    return world, world.must("organiser", charter(world), seen=None)


def changed(path: str, value: Any, programme: Mapping[str, Any] = VALUE) -> dict[str, Any]:
    """Return the programme with one member changed; `path` as `stages.2.total`."""
    copy: dict[str, Any] = deepcopy(dict(programme))
    place: Any = copy
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step)] if step.isdigit() else place[step]
    place[last] = value
    return copy


def place_of(stage: str) -> int:
    """Return the place of a stage in the programme's file."""
    return [one["id"] for one in VALUE["stages"]].index(stage)


# --- Clause one: the charter ---


def test_the_charter_founds_offices_keys_and_programme() -> None:
    world, act = sealed()
    state = world.state
    assert state.charter.id == act.signed.id.hex()
    assert (state.charter.origin, state.charter.rehearsal, state.charter.latest.since) == (ORIGIN, True, 0)
    for alias, role in [("organiser", "organiser"), ("registrar", "registrar"), ("sponsor-union", "sponsor")]:
        assert state.roll.has_role(world.person(alias), (role,))
    assert not state.roll.has_role(world.person("organiser"), ("registrar",))
    assert replayed(world) == state


def test_nothing_comes_before_the_charter() -> None:
    world = unfounded()
    answer = world.refused("organiser", StageOpened("applications"), programme=None, rules=None)
    assert (answer.code, answer.clause) == ("CHARTER_MISSING", "一")


def test_there_is_one_charter() -> None:
    world, _ = sealed()
    refused(world, "organiser", charter(world), "CHARTER_EXISTS", "一")


def _swap(world: World, alias: str, **changes: Any) -> tuple[Founder, ...]:
    person = world.person(alias)
    return tuple(replace(one, **changes) if one.person == person else one for one in founders(world, VALUE))


def _key(world: World, alias: str) -> str:
    return encode_base64(world.actor(alias).key.public)


def _respelt(world: World, alias: str) -> str:
    """The last two bits of the last digit before the padding are free, and must be zero."""
    key = _key(world, alias)
    digits = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    return key[:-2] + digits[digits.index(key[-2]) + 1] + "="


NO_SEATS = changed("seats", 0)
CHARTERS: list[tuple[str, Any, str, dict[str, Any]]] = [
    ("no organiser", lambda w: {"founders": _swap(w, "organiser", role="registrar")}, "NOT_AUTHORISED", {}),
    ("no discipline", lambda w: {"founders": _swap(w, "discipline", role="recommender")}, "FOUNDER_MISSING",
     {"missing": "discipline"}),
    ("no registrar", lambda w: {"founders": _swap(w, "registrar", role="inspector")}, "FOUNDER_MISSING",
     {"missing": "registrar"}),
    ("a sponsor missing", lambda w: {"founders": _swap(w, OTHERS[1], role="leader")}, "FOUNDER_MISSING",
     {"missing": SPONSORS[1]}),
    ("an office of no sponsor", lambda w: {"founders": _swap(w, OTHERS[1], office="club")}, "UNKNOWN_OFFICE",
     {"office": "club"}),
    ("an unknown role", lambda w: {"founders": _swap(w, "registrar", role="emperor")}, "UNKNOWN_ROLE",
     {"role": "emperor"}),
    ("two in one", lambda w: {"founders": (*founders(w, VALUE), Founder(
        "office-organiser", w.person("organiser"), _key(w, "organiser"), "discipline"))}, "ROLE_CONFLICT",
     {"role": "discipline", "held": "organiser"}),
    ("two offices", lambda w: {"founders": (*founders(w, VALUE), Founder(
        "office-other", w.person("registrar"), _key(w, "registrar"), "recommender"))}, "PERSON_MISMATCH", {}),
    ("one key of two people", lambda w: {"founders": _swap(w, "discipline", public_key=_key(w, "registrar"))},
     "DUPLICATE_KEY", {}),
    ("a weak key", lambda w: {"founders": _swap(w, "discipline", public_key=encode_base64(SMALL_ORDER[0]))},
     "KEY_WEAK", {"weakness": "small order"}),
    ("a key in another spelling", lambda w: {"founders": _swap(w, "discipline", public_key=_respelt(w, "discipline"))},
     "KEY_WEAK", {"weakness": "encoding"}),
    ("another hash", lambda w: {"programme_hash": "0" * 64}, "RULES_HASH_MISMATCH", {"given": "0" * 64}),
    ("another programme", lambda w: {"programme": changed("seats", 11)}, "RULES_HASH_MISMATCH", {}),
    ("an unsound programme", lambda w: {"programme": NO_SEATS, "programme_hash": programme_hash(NO_SEATS)},
     "PROGRAMME_INVALID", {"first": "seats"}),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "facts"), [row[1:] for row in CHARTERS], ids=[row[0] for row in CHARTERS])
def test_a_charter_that_is_not_sound(changes: Any, code: str, facts: dict[str, Any]) -> None:
    world = unfounded()
    answer = world.refused("organiser", charter(world, **changes(world)), seen=None)
    assert (answer.code, answer.clause, world.state.size) == (code, "一", 0)
    assert facts.items() <= answer.facts.items()


def test_a_charter_is_signed_by_its_organiser_and_has_no_context() -> None:
    world = unfounded()
    assert world.refused("registrar", charter(world), seen=None).code == "NOT_AUTHORISED"
    for header in ({"programme": "0" * 64}, {"rules": "0" * 64}, {"seen": new_world().ledger.seen()}):
        assert world.refused("organiser", charter(world), **({"seen": None} | header)).code == "CHARTER_INVALID"


def test_every_sponsor_endorses_this_very_charter_once() -> None:
    world, act = sealed()
    leaf = act.leaf.hex()
    refused(world, OTHERS[0], CharterEndorsed("0" * 64), "LEAF_MISMATCH", "一")
    refused(world, "organiser", CharterEndorsed(leaf), "NOT_AUTHORISED", "一")
    for place, alias in enumerate(OTHERS):
        assert not world.state.charter.in_force
        waiting = refused(world, "organiser", StageOpened("applications"), "CHARTER_NOT_ENDORSED", "一")
        assert waiting.facts == {"endorsed": place, "sponsors": len(OTHERS)}
        world.must(alias, CharterEndorsed(leaf))
        refused(world, alias, CharterEndorsed(leaf), "ALREADY_ENDORSED", "一")
    assert world.state.charter.in_force
    assert list(world.state.charter.endorsed) == list(SPONSORS)


# --- The gate ---


def test_a_statement_of_another_selection_or_by_another_key() -> None:
    world, other = new_world(), new_world(seed="another")
    body = world.enrolment("甲")
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("registrar", {"programme": other.state.charter.id}, "WRONG_CONTEXT"),
        ("registrar", {"programme": None}, "WRONG_CONTEXT"),
        ("stranger", {}, "KEY_UNKNOWN"),
        ("discipline", {"person": world.person("registrar")}, "KEY_NOT_OWNERS"),
        ("registrar", {"person": "sealed:1"}, "NOT_AUTHORISED"),
        ("registrar", {"rules": "0" * 64}, "RULES_HASH_MISMATCH"),
        ("registrar", {"rules": None}, "RULES_HASH_MISMATCH"),
        ("registrar", {"on_behalf_of": world.person("甲")}, "ON_BEHALF_MISMATCH"),
        ("organiser", {}, "NOT_AUTHORISED"),
        ("registrar", {"counter": 0}, "IDEMPOTENCY_CONFLICT"),
    ]
    world.must("registrar", world.enrolment("乙"))
    for alias, header, code in cases:
        size = world.state.size
        assert world.refused(alias, body, **header).code == code
        assert world.state.size == size


def test_counters_are_each_persons_own_and_may_have_gaps() -> None:
    world = new_world()
    world.must("registrar", world.enrolment("甲"), counter=1000)
    answer = world.refused("registrar", world.enrolment("乙"), counter=1000)
    assert (answer.code, answer.facts) == ("IDEMPOTENCY_CONFLICT", {"counter": 1000, "last": 1000})
    world.must("registrar", world.enrolment("乙"), counter=1001)
    # The discipline office, whose last counter is far lower, goes on from its own.
    assert world.must("discipline", ActCountersigned(6, world.state.pending[6].act.leaf.hex())).statement.counter == 1


def test_sealed_objections_wait_for_the_charter_too() -> None:
    world, _ = sealed()
    one_time_actor(world, "投诉人")
    body = ObjectionReceived(
        (world.person("甲"),), None, "notice-1", "o-1", _key(world, "投诉人"), world.digest("text")
    )
    answer = world.refused("投诉人", body)
    assert answer.code == "CHARTER_NOT_ENDORSED"


# --- Clause five(七): the calendar ---


def test_a_calendar_is_recorded_once_per_year_and_may_change() -> None:
    world = new_world()
    world.must("organiser", CalendarRecorded(("2022-10-03",), ("2022-10-08",), "国务院办公厅通知", 2022))
    assert [recorded.year for recorded in world.state.charter.calendar.years] == [2022]
    world.must("organiser", CalendarRecorded(("2022-10-03", "2022-10-04"), ("2022-10-08",), "更正", 2022))
    assert replayed(world) == world.state


@pytest.mark.parametrize(
    ("off", "on"),
    [(("2022-10-01",), ()), ((), ("2022-10-07",)), (("2023-01-02",), ()), (("2022-13-01",), ()), ((), ("2021-10-09",))],
)
def test_a_calendar_that_no_year_can_have(off: tuple[str, ...], on: tuple[str, ...]) -> None:
    world = new_world()
    refused(world, "organiser", CalendarRecorded(off, on, "国务院办公厅通知", 2022), "CALENDAR_INVALID", "五(七)")


def test_a_running_notice_is_lengthened_but_never_shortened() -> None:
    """Dispute G03, as far as the calendar goes."""
    world = at_notice()
    known = world.state.charter.calendar
    running = world.state.notices.running(world.now)
    assert running
    (year,) = [recorded for recorded in known.years if recorded.year == 2022]
    off, on = (tuple(sorted(day.isoformat() for day in days)) for days in (year.off, year.on))
    shorter = CalendarRecorded(off, tuple(sorted((*on, _weekend_in(world)))), "更正", 2022)
    refused(world, "organiser", shorter, "CALENDAR_SHORTENS", "五(七)")
    world.must("organiser", CalendarRecorded((*off, _weekday_in(world)), on, "更正", 2022))


def _days(world: World) -> list[date]:
    start = civil_date(world.now, world.offset_minutes)
    return [start + timedelta(days=number) for number in range(1, 8)]


def _weekend_in(world: World) -> str:
    return next(day.isoformat() for day in _days(world) if day.weekday() == 5)


def _weekday_in(world: World) -> str:
    return next(day.isoformat() for day in _days(world) if day.weekday() < 5)


# --- Amendments ---


def amendment(world: World, value: Mapping[str, Any], **changes: Any) -> ProgrammeAmended:
    """Return the amendment to `value` with its derived difference."""
    rows = difference(world.state.charter.latest.value, value)
    values: dict[str, Any] = {
        "difference": tuple(Difference(after, before, path) for path, before, after in rows),
        "programme": value,
        "reason": "主办单位会议纪要",
    }
    return ProgrammeAmended(**(values | changes))


def test_an_amendment_holds_for_stages_not_begun_once_every_sponsor_signed() -> None:
    world = resume(plays.history_at("window"))
    before = world.state.charter.latest
    act = world.must("organiser", amendment(world, changed(f"stages.{place_of('screening')}.clause", "四、七(三)")))
    for alias in OTHERS[:-1]:
        world.cosign(act, alias)
        assert world.state.charter.latest == before
    last = world.cosign(act, OTHERS[-1])
    now = world.state.charter
    assert now.latest.since == last.index
    assert now.version_for("applications") == before
    assert now.version_for("screening") == now.latest
    flagged(world, "RULES_CHANGED", "warn", act.index, last.index)
    # From now on each stage's statements name the version that governs it.
    stale = world.refused("organiser", StageOpened("screening"), rules=before.hash)
    assert stale.code == "RULES_HASH_MISMATCH"


def test_two_signatures_of_one_sponsor_are_one() -> None:
    world = new_world()
    world.enrol("代表", "sponsor", unit=SPONSORS[0])
    act = world.must("organiser", amendment(world, changed("seats", 12)))
    world.cosign(act, OTHERS[0])
    refused(world, "代表", ActCountersigned(act.index, act.leaf.hex()), "SECOND_SIGNER_NEEDED", "五")
    refused(world, OTHERS[0], ActCountersigned(act.index, act.leaf.hex()), "SECOND_SIGNER_NEEDED", "五")
    refused(world, "registrar", ActCountersigned(act.index, act.leaf.hex()), "NOT_AUTHORISED", "五")
    world.cosign(act, *OTHERS[1:])
    assert world.state.charter.latest.programme.seats == 12


@pytest.mark.parametrize(
    ("value", "change", "code"),
    [
        (VALUE, {}, "AMENDMENT_EMPTY"),
        (changed("seats", 0), {}, "PROGRAMME_INVALID"),
        (changed("seats", 12), {"difference": ()}, "DIFFERENCE_NOT_DERIVED"),
        (changed("seats", 12), {"difference": (Difference("11", "10", "seats"),)}, "DIFFERENCE_NOT_DERIVED"),
    ],
)
def test_an_amendment_that_is_not_what_it_says(value: Mapping[str, Any], change: dict[str, Any], code: str) -> None:
    world = new_world()
    body = amendment(world, changed("seats", 12)) if code == "PROGRAMME_INVALID" else amendment(world, value, **change)
    refused(world, "organiser", replace(body, programme=value), code, "五")


def test_who_sponsors_cannot_be_amended() -> None:
    world = new_world()
    place = next(place for place, office in enumerate(VALUE["offices"]) if office["id"] == SPONSORS[-1])
    refused(world, "organiser", amendment(world, changed(f"offices.{place}.sponsor", False)), "SPONSORS_FROZEN", "一")


def test_a_stage_that_has_begun_keeps_its_rules() -> None:
    """Dispute H14: after the first entry of a stage its rules are frozen, also for an amendment that waits."""
    world = new_world()
    later = changed(f"stages.{place_of('applications')}.clause", "六(二)、七(四)")
    waiting = world.must("organiser", amendment(world, later))
    world.cosign(waiting, *OTHERS[:-1])
    world.set_time("2022-09-23", 10)
    world.must("organiser", StageOpened("applications"))
    refused(world, "organiser", amendment(world, later), "RULES_FROZEN", "五")
    refused(world, OTHERS[-1], ActCountersigned(waiting.index, waiting.leaf.hex()), "RULES_FROZEN", "五")
    assert len(world.state.charter.versions) == 1


def test_of_two_amendments_the_second_must_be_stated_anew() -> None:
    world = new_world()
    first = world.must("organiser", amendment(world, changed("seats", 12)))
    second = world.must("organiser", amendment(world, changed("seats", 13)))
    world.cosign(first, *OTHERS)
    world.cosign(second, *OTHERS[:-1])
    refused(world, OTHERS[-1], ActCountersigned(second.index, second.leaf.hex()), "DIFFERENCE_NOT_DERIVED", "五")


# --- Extensions (seven(四)1) ---


def extension(world: World, **changes: Any) -> DeadlineExtended:
    """Return a general extension by one day."""
    stage = programme_of(world).stage("applications")
    assert stage is not None
    assert stage.closes_at is not None
    values: dict[str, Any] = {
        "closes_at": stage.closes_at + 86_400_000,
        "only_for": None,
        "published": world.digest("published"),
        "reason": "疫情影响",
        "stage": "applications",
    }
    return DeadlineExtended(**(values | changes))


def test_an_extension_is_for_everybody_and_every_sponsor_signs() -> None:
    world = resume(plays.history_at("window"))
    body = extension(world)
    act = world.must("organiser", body)
    world.cosign(act, *OTHERS[:-1])
    stage = programme_of(world).stage("applications")
    assert stage is not None
    assert world.state.charter.closes_at(stage) == stage.closes_at
    world.cosign(act, OTHERS[-1])
    assert world.state.charter.closes_at(stage) == body.closes_at
    again = world.must(OTHERS[0], extension(world, closes_at=body.closes_at + 1))
    world.cosign(again, *OTHERS[1:])
    assert world.state.charter.closes_at(stage) == body.closes_at + 1


def test_what_is_no_extension() -> None:
    world = resume(plays.history_at("window"))
    body = extension(world)
    one = plays.PLAN.applicants[0].alias
    refused(world, "organiser", replace(body, only_for=world.person(one)), "SCOPE_NOT_GENERAL", "七(四)1")
    refused(world, "organiser", replace(body, closes_at=body.closes_at - 86_400_000), "DEADLINE_SHORTENED", "七(四)1")
    refused(world, "registrar", body, "NOT_AUTHORISED", "七(四)1")
    refused(world, "organiser", replace(body, stage="screening"), "WRONG_STAGE", "四")
    refused(world, "organiser", replace(body, stage="nowhere"), "UNKNOWN_STAGE", "七(四)1")


def test_an_extension_comes_before_the_old_deadline_ends_with_all_its_signatures() -> None:
    world = resume(plays.history_at("window"))
    act = world.must("organiser", extension(world))
    world.cosign(act, *OTHERS[:-1])
    stage = programme_of(world).stage("applications")
    assert stage is not None
    assert stage.closes_at is not None
    world.now = stage.closes_at
    refused(world, "organiser", extension(world), "DEADLINE_PASSED", "七(四)1")
    refused(world, OTHERS[-1], ActCountersigned(act.index, act.leaf.hex()), "DEADLINE_PASSED", "七(四)1")


# --- Suspension (seven(三)) ---


def test_while_the_selection_rests_nothing_goes_on_or_takes_effect() -> None:
    world = new_world()
    revoked = world.enrol("乙")
    granted = world.must("registrar", RoleGranted(revoked.person, "工作需要", "inspector"))
    act = world.must("organiser", SelectionSuspended(world.digest("outage"), "停电"))
    world.enrol("丙")
    refused(world, "organiser", SelectionResumed("恢复"), "NOT_SUSPENDED", "七(三)")
    refused(world, "registrar", ActCountersigned(act.index, act.leaf.hex()), "NOT_AUTHORISED", "七(三)")
    rests = world.cosign(act, OTHERS[2])
    for alias, body in [
        ("registrar", RoleGranted(revoked.person, "工作需要", "intake_office")),
        ("organiser", StageOpened("applications")),
        ("organiser", SelectionSuspended(world.digest("outage"), "停电")),
        ("discipline", ActCountersigned(granted.index, granted.leaf.hex())),
    ]:
        answer = refused(world, alias, body, "SELECTION_SUSPENDED", "七(三)")
        assert answer.facts == {"since": rests.index}
    # A stolen key is stopped all the same.
    world.cosign(world.must("registrar", _revocation(world, revoked.alias)), "discipline")
    world.cosign(world.must("organiser", SelectionResumed("恢复供电")), OTHERS[0])
    world.cosign(granted, "discipline")
    assert world.state.charter.suspended is None
    assert replayed(world) == world.state


def _revocation(world: World, alias: str) -> Any:
    return KeyRevoked("stolen", key_id(world.actor(alias).key.public), world.person(alias), "遗失", None)


# --- Stages (five) ---


def test_stages_begin_in_order_and_once() -> None:
    world = resume(plays.history_at("enrolled"))
    refused(world, "organiser", StageOpened("screening"), "STAGE_ORDER", "四")
    refused(world, "organiser", StageOpened("nowhere"), "UNKNOWN_STAGE", "五")
    refused(world, "organiser", StageClosed("applications"), "STAGE_NOT_OPEN", "五")
    refused(world, "registrar", StageOpened("applications"), "NOT_AUTHORISED", "五")
    world.must("organiser", StageOpened("applications"))
    clause = "六(二)、七(四)1"
    refused(world, "organiser", StageOpened("applications"), "STAGE_ALREADY_BEGUN", clause)
    refused(world, "organiser", StageOpened("screening"), "STAGE_ORDER", "四")
    closed = resume(plays.history_at("received"))
    refused(closed, "organiser", StageClosed("applications"), "STAGE_CLOSED", clause)
    refused(closed, "organiser", StageOpened("applications"), "STAGE_ALREADY_BEGUN", clause)
    closed.must("organiser", StageOpened("screening"))


def test_a_stage_whose_reading_is_undeclared_cannot_begin() -> None:
    value = changed("readings", [one for one in VALUE["readings"] if one["id"] != "deadline"])
    world = new_world(value)
    world.set_time("2022-09-23", 10)
    answer = refused(world, "organiser", StageOpened("applications"), "RULE_UNDECLARED", "六(二)、七(四)1")
    assert answer.facts == {"stage": "applications", "readings": "deadline"}
    world.cosign(world.must("organiser", amendment(world, VALUE)), *OTHERS)
    world.must("organiser", StageOpened("applications"))


# --- A misspelt name (seven(二)) ---


def test_a_misspelt_name_is_corrected_on_the_record_it_stands_on() -> None:
    world = new_world()
    for alias in ("张伟", "另一个张伟"):
        world.enrol(alias)
    one, other = world.person("张伟"), world.person("另一个张伟")
    before, after = world.digest("record/张伟"), world.digest("record/张玮")
    refused(world, "organiser", NameCorrected(after, before, other, "笔误"), "RECORD_MISMATCH", "七(二)")
    refused(world, "organiser", NameCorrected(after, before, "nobody", "笔误"), "UNKNOWN_PERSON", "七(二)")
    refused(world, "sponsor-union", NameCorrected(after, before, one, "笔误"), "NOT_AUTHORISED", "七(二)")
    act = world.must("organiser", NameCorrected(after, before, one, "笔误"))
    late = world.must("registrar", NameCorrected(world.digest("record/章伟"), before, one, "笔误"))
    assert world.state.roll.people[one].record == before
    world.cosign(act, "discipline")
    assert world.state.roll.people[one].record == after
    assert world.state.roll.people[other].record == world.digest("record/另一个张伟")
    refused(world, "discipline", ActCountersigned(late.index, late.leaf.hex()), "RECORD_MISMATCH", "七(二)")


# --- Countersigning and declining (seven(三)) ---


def test_whoever_countersigns_names_the_act_and_is_another() -> None:
    world = new_world()
    one, other = (world.must("registrar", world.enrolment(alias)) for alias in ("甲", "乙"))
    refused(world, "discipline", ActCountersigned(99, one.leaf.hex()), "NOT_PENDING", "七(三)")
    refused(world, "discipline", ActCountersigned(one.index, other.leaf.hex()), "LEAF_MISMATCH", "七(三)")
    refused(world, "registrar", ActCountersigned(one.index, one.leaf.hex()), "SECOND_SIGNER_NEEDED", "七(三)")
    refused(world, "organiser", ActCountersigned(one.index, one.leaf.hex()), "NOT_AUTHORISED", "七(三)")
    world.cosign(one, "discipline")
    refused(world, "discipline", ActCountersigned(one.index, one.leaf.hex()), "NOT_PENDING", "七(三)")
    assert set(world.state.pending) == {other.index}


def test_what_is_declined_lapses() -> None:
    world = new_world()
    one, other = (world.must("registrar", world.enrolment(alias)) for alias in ("甲", "乙"))
    refused(world, "organiser", ActDeclined(one.index, one.leaf.hex(), "不符"), "NOT_AUTHORISED", "七(三)")
    world.decline(one, "discipline")
    refused(world, "discipline", ActCountersigned(one.index, one.leaf.hex()), "NOT_PENDING", "七(三)")
    world.cosign(other, "discipline")
    assert world.person("甲") not in world.state.roll.people
    assert world.person("乙") in world.state.roll.people
    assert replayed(world) == world.state


def test_a_claimed_time_before_the_last_entry_is_remarked_on() -> None:
    """Dispute H12: nothing is sorted into the past."""
    world = new_world()
    world.must("registrar", world.enrolment("甲"), claimed_at=world.now)
    assert not world.state.findings.by_id
    act = world.must("registrar", world.enrolment("乙"), claimed_at=instant_of(world))
    flagged(world, "BACKDATED", "warn", act.index)
    assert act.index == world.state.size - 1


def instant_of(world: World) -> int:
    """Return a time a week ago."""
    return instant(date(2022, 9, 16), world.offset_minutes)
