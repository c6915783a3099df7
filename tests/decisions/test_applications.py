"""Applications by clause: what is admitted and what is refused, for two different people throughout."""

from dataclasses import replace
from typing import Any

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import (
    HOUR,
    file_application,
    filing,
    paper,
    paper_recommendation,
    play_filing,
    play_recommendation,
    receive_paper,
    recommendation,
    review,
)
from ledger.state.application_window import closes_at
from ledger.statements.applications import (
    ApplicationRefused,
    ApplicationSupplemented,
    ApplicationWithdrawn,
    ConsentGiven,
    DuplicateLinked,
    Material,
    SupplementRequested,
    WithdrawalEntered,
)
from ledger.statements.foundation import ActCountersigned, DeadlineExtended, NameCorrected, StageClosed, StageOpened
from tests.plays import PLAN, findings, flagged, history_at, refused, replayed
from tests.simulator import new_world, resume

FIRST, SECOND = PLAN.applicants[0], PLAN.applicants[1]
BY_SPECIAL_WAY = replace(SECOND, way="self", special=True)


@pytest.fixture
def window() -> World:
    return resume(history_at("window"))


@pytest.fixture
def filed() -> World:
    return resume(history_at("filed"))


def after_deadline(world: World) -> World:
    world.now = max(world.now, closes_at(world.state) + HOUR)
    return world


def consent(world: World) -> str:
    return world.digest("consent")


def material(world: World, kind: str = "other") -> tuple[Material, ...]:
    return (Material(world.digest("new-document"), kind),)


# --- the window (七(四)1) ---


def test_the_window_opens_on_its_day_and_ends_after_the_last(filed: World) -> None:
    world = new_world()
    world.now = closes_at(world.state) - 40 * 24 * HOUR
    refused(world, "organiser", StageOpened("applications"), "WINDOW_NOT_BEGUN", "七(四)1")
    refused(filed, "organiser", StageClosed("applications"), "WINDOW_NOT_ENDED", "七(四)1")
    filed.now = closes_at(filed.state) - 1000
    filed.must("organiser", StageClosed("applications"))


def test_nothing_is_filed_before_the_window() -> None:
    world = resume(history_at("enrolled"))
    refused(world, FIRST.alias, filing(world, FIRST), "STAGE_NOT_OPEN", "六(二)、七(四)1")


@pytest.mark.parametrize(("before_end", "late"), [(2000, False), (1000, True), (0, True)])
def test_the_last_day_is_inside_and_the_first_instant_after_it_is_not(
    window: World, before_end: int, late: bool
) -> None:
    window.now = closes_at(window.state) - before_end
    file_application(window, FIRST)
    assert window.state.applications.by_id[FIRST.application].late is late


def test_a_general_extension_moves_the_window_for_both(window: World) -> None:
    old = closes_at(window.state)
    body = DeadlineExtended(old + 24 * HOUR, None, window.digest("published"), "疫情影响", "applications")
    act = window.must("sponsor-union", body)
    window.cosign(act, "sponsor-org-dept", "sponsor-publicity", "sponsor-hrss", "sponsor-industry")
    window.now = old + HOUR
    for one in (FIRST, SECOND):
        play_filing(window, one)
        assert window.state.applications.of_person(window.person(one.alias)) is not None
    assert closes_at(window.state) == old + 24 * HOUR


# --- who files, and in which way (六(二)1) ---


@pytest.mark.parametrize(
    ("changes", "code", "clause"),
    [
        ({"way": "post"}, "UNKNOWN_WAY", "六(二)1"),
        ({"way": "self", "recommender": None}, "SPECIAL_CIRCUMSTANCE_MISSING", "六(二)1"),
        ({"materials": (Material("0" * 64, "video"),)}, "UNKNOWN_MATERIAL", "六(三)"),
        ({"unit": "employer-99"}, "UNIT_MISMATCH", "六(二)1"),
        ({"id_tag": "1" * 64}, "PERSON_MISMATCH", "六(二)"),
    ],
)
def test_a_filing_that_cannot_be_taken(window: World, changes: dict[str, Any], code: str, clause: str) -> None:
    for one in (FIRST, SECOND):
        refused(window, one.alias, filing(window, one, **changes), code, clause)
        assert not window.state.applications.is_applicant(window.person(one.alias))


def test_a_recommender_must_hold_that_role(window: World) -> None:
    body = filing(window, FIRST, recommender=window.person(SECOND.alias))
    refused(window, FIRST.alias, body, "ROLE_NOT_HELD", "六(二)1")
    body = filing(window, FIRST, recommender=window.person(FIRST.alias))
    refused(window, FIRST.alias, body, "ROLE_NOT_HELD", "六(二)1")


def test_nobody_files_for_another_without_a_function_for_it(window: World) -> None:
    refused(window, SECOND.alias, filing(window, FIRST), "NOT_AUTHORISED", "六(二)")
    other = SECOND.recommender
    refused(window, other, filing(window, FIRST), "RECOMMENDER_MISMATCH", "六(二)")
    window.must(FIRST.recommender, filing(window, FIRST))


def test_one_id_is_one_application(window: World) -> None:
    file_application(window, FIRST)
    again = filing(window, SECOND, application=FIRST.application)
    refused(window, SECOND.alias, again, "APPLICATION_EXISTS", "六(二)")


def test_whoever_sits_in_a_body_does_not_apply(window: World) -> None:
    member = window.actor("experts-power-01")
    body = filing(window, FIRST, applicant=member.person, id_tag=member.id_tag, consent=consent(window))
    refused(window, "intake-1", body, "ROLE_CONFLICT", "六(二)")


def test_another_id_for_a_registered_person_is_refused(window: World) -> None:
    body = filing(window, FIRST, applicant=window.identifier("other-id"), consent=consent(window))
    refused(window, "intake-1", body, "PERSON_MISMATCH", "六(二)")


# --- consent (六(二)) ---


def test_an_applicant_without_a_key_agrees_on_paper_and_one_with_a_key_by_it(window: World) -> None:
    keyless = filing(
        window,
        FIRST,
        applicant=window.identifier("keyless"),
        id_tag=window.digest("tag/keyless"),
        consent=consent(window),
    )
    window.must("intake-1", keyless)
    assert window.state.applications.by_id[FIRST.application].consented is not None
    window.must("intake-1", filing(window, SECOND, consent=consent(window)))
    assert window.state.applications.by_id[SECOND.application].consented is None
    refused(window, FIRST.alias, ConsentGiven(SECOND.application), "NOT_AUTHORISED", "六(二)")
    window.must(SECOND.alias, ConsentGiven(SECOND.application))
    refused(window, SECOND.alias, ConsentGiven(SECOND.application), "ALREADY_CONSENTED", "六(二)")


def test_nobody_blocks_an_application_by_filing_in_anothers_name(window: World) -> None:
    window.must("intake-1", filing(window, FIRST, application="in-their-name", consent=consent(window)))
    file_application(window, FIRST)
    counts = window.state.applications.of_person(window.person(FIRST.alias))
    assert counts is not None
    assert counts.application == FIRST.application
    assert [one.application for one in window.state.applications.received()] == [FIRST.application]


# --- review and recommendation level by level (六(二)1, 七(二)) ---


def test_the_unit_reviews_and_each_level_follows(window: World) -> None:
    for one in (FIRST, SECOND):
        file_application(window, one)
        play_recommendation(window, one)
        known = window.state.applications.by_id[one.application]
        assert known.reviewed is not None
        assert tuple(known.recommended) == ("unit", "county", "city")


def test_no_level_is_skipped_and_none_before_the_review(window: World) -> None:
    file_application(window, FIRST)
    own, county = FIRST.recommender, "recommender-county"
    refused(window, own, recommendation(window, FIRST, "unit"), "REVIEW_MISSING", "七(二)")
    window.must(own, review(window, FIRST, originals_checked=False))
    refused(window, own, recommendation(window, FIRST, "unit"), "REVIEW_MISSING", "七(二)")
    refused(window, SECOND.recommender, review(window, FIRST), "UNIT_MISMATCH", "七(二)")
    window.must(own, review(window, FIRST))
    refused(window, own, review(window, FIRST), "ALREADY_REVIEWED", "七(二)")
    refused(window, county, recommendation(window, FIRST, "county"), "LEVEL_ORDER", "六(二)1")
    refused(window, SECOND.recommender, recommendation(window, FIRST, "unit"), "UNIT_MISMATCH", "七(二)")
    window.must(own, recommendation(window, FIRST, "unit"))
    refused(window, own, recommendation(window, FIRST, "county"), "LEVEL_SAME_UNIT", "六(二)1")
    window.must(county, recommendation(window, FIRST, "county"))


def test_a_way_without_levels_has_no_review(window: World) -> None:
    file_application(window, BY_SPECIAL_WAY)
    own = BY_SPECIAL_WAY.recommender
    refused(window, own, review(window, BY_SPECIAL_WAY), "WAY_WITHOUT_LEVELS", "六(二)1")
    refused(window, own, recommendation(window, BY_SPECIAL_WAY, "unit"), "WAY_WITHOUT_LEVELS", "六(二)1")


def test_recommenders_do_not_recommend_themselves(window: World) -> None:
    alias = FIRST.recommender
    own = replace(FIRST, alias=alias, application="own-application")
    window.grant(alias, "applicant")
    window.must(alias, filing(window, own, recommender=None))
    refused(window, alias, review(window, own), "OWN_APPLICATION", "七(二)")
    refused(window, alias, recommendation(window, own, "unit"), "OWN_APPLICATION", "七(二)")


def test_a_paper_recommendation_needs_two_and_counts_by_its_arrival(window: World) -> None:
    file_application(window, FIRST)
    act = window.must("intake-1", paper_recommendation(window, FIRST, "unit", window.now))
    assert not window.state.applications.by_id[FIRST.application].recommended
    window.cosign(act, "intake-2")
    step = window.state.applications.by_id[FIRST.application].recommended["unit"]
    assert (step.on_paper, step.unit) == (True, FIRST.unit)
    flagged(window, "PAPER_RECOMMENDATION", "info", act.index, act.index + 1)
    late = paper_recommendation(window, FIRST, "county", closes_at(window.state) + 5 * 24 * HOUR)
    refused(window, "intake-1", late, "ARRIVAL_IN_FUTURE", "七(四)2")
    window.now = late.arrived_at
    refused(window, "intake-1", late, "DEADLINE_PASSED", "七(四)2")
    in_time = replace(late, arrived_at=late.arrived_at - 1)
    window.cosign(window.must("intake-1", in_time), "intake-2")


def test_a_first_paper_shows_the_review(window: World) -> None:
    file_application(window, FIRST)
    bare = paper_recommendation(window, FIRST, "unit", window.now, review_body=None)
    refused(window, "intake-1", bare, "REVIEW_MISSING", "七(二)")
    other = paper_recommendation(window, FIRST, "unit", window.now, unit=SECOND.unit)
    refused(window, "intake-1", other, "UNIT_MISMATCH", "七(二)")


def test_recommendations_end_with_the_window(window: World) -> None:
    file_application(window, FIRST)
    after_deadline(window)
    refused(window, FIRST.recommender, review(window, FIRST), "DEADLINE_PASSED", "七(四)1")
    refused(window, FIRST.recommender, recommendation(window, FIRST, "unit"), "DEADLINE_PASSED", "七(四)1")


# --- materials and supplements (六(三)) ---


def test_supplements_are_free_until_the_deadline_and_on_request_afterwards(filed: World) -> None:
    free = ApplicationSupplemented(FIRST.application, material(filed), None)
    filed.must(FIRST.alias, free)
    after_deadline(filed)
    refused(filed, FIRST.alias, free, "ATTACHMENT_FROZEN", "六(三)")
    past = SupplementRequested(FIRST.application, filed.now, "证书复印件不清")
    refused(filed, "organiser", past, "DUE_DATE_PAST", "六(三)")
    request = filed.must("organiser", replace(past, due_at=filed.now + 24 * HOUR))
    asked = ApplicationSupplemented(FIRST.application, material(filed), request.index)
    filed.must(FIRST.alias, asked)
    theirs = ApplicationSupplemented(SECOND.application, material(filed), request.index)
    refused(filed, SECOND.alias, theirs, "ATTACHMENT_FROZEN", "六(三)")
    filed.now += 24 * HOUR
    refused(filed, FIRST.alias, asked, "ATTACHMENT_FROZEN", "六(三)")
    digests = [one.digest for one in filed.state.applications.by_id[FIRST.application].materials]
    assert digests.count(filed.digest("new-document")) == 2


def test_who_supplements_and_with_what(filed: World) -> None:
    empty = ApplicationSupplemented(FIRST.application, (), None)
    refused(filed, FIRST.alias, empty, "NOTHING_FILED", "六(三)")
    strange = ApplicationSupplemented(FIRST.application, material(filed, "video"), None)
    refused(filed, FIRST.alias, strange, "UNKNOWN_MATERIAL", "六(三)")
    free = ApplicationSupplemented(FIRST.application, material(filed), None)
    for alias in (SECOND.alias, "organiser", FIRST.recommender, "intake-1"):
        refused(filed, alias, free, "NOT_AUTHORISED", "六(三)")
    unknown = ApplicationSupplemented("nobody", material(filed), None)
    refused(filed, FIRST.alias, unknown, "UNKNOWN_APPLICATION", "六(二)")


def test_the_desk_supplements_for_an_applicant_without_a_key(window: World) -> None:
    values = {"applicant": window.identifier("keyless"), "id_tag": window.digest("tag/k"), "consent": consent(window)}
    window.must("intake-1", filing(window, FIRST, **values))
    window.must("intake-2", ApplicationSupplemented(FIRST.application, material(window), None))
    refused(window, SECOND.alias, ApplicationSupplemented(FIRST.application, material(window), None),
            "NOT_AUTHORISED", "六(三)")  # fmt: skip


def test_no_supplement_is_asked_for_after_screening() -> None:
    world = resume(history_at("screened"))
    request = SupplementRequested(FIRST.application, world.now + HOUR * 24, "补正")
    refused(world, "organiser", request, "STAGE_CLOSED", "六(三)")


# --- paper (七(四)2) ---


@pytest.mark.parametrize(("forms", "sets"), [(2, 2), (3, 1)])
def test_too_few_copies(window: World, forms: int, sets: int) -> None:
    file_application(window, FIRST)
    body = paper(window, FIRST, window.now, forms=forms, proof_sets=sets)
    refused(window, "intake-1", body, "PAPER_INCOMPLETE", "七(四)2")


def test_without_proofs_no_sets_of_proofs(window: World) -> None:
    kinds = tuple(one for one in filing(window, FIRST).materials if one.material in ("form", "story"))
    file_application(window, FIRST, materials=kinds)
    receive_paper(window, FIRST, window.now, proof_sets=0)
    assert window.state.applications.by_id[FIRST.application].paper is not None


def test_paper_comes_once_and_within_its_grace(filed: World) -> None:
    refused(filed, "intake-1", paper(filed, FIRST, filed.now), "PAPER_RECEIVED", "七(四)2")
    window = resume(history_at("window"))
    file_application(window, FIRST)
    file_application(window, SECOND)
    window.now = end = closes_at(window.state) + 5 * 24 * HOUR
    refused(window, "intake-1", paper(window, FIRST, end), "DEADLINE_PASSED", "七(四)2")
    receive_paper(window, FIRST, end - 1)
    refused(window, "intake-1", paper(window, SECOND, window.now + HOUR), "ARRIVAL_IN_FUTURE", "七(四)2")


def test_nobody_receives_paper_alone(window: World) -> None:
    file_application(window, FIRST)
    act = window.must("intake-1", paper(window, FIRST, window.now))
    assert window.state.applications.by_id[FIRST.application].paper is None
    alone = ActCountersigned(act.index, act.leaf.hex())
    refused(window, "intake-1", alone, "SECOND_SIGNER_NEEDED", "七(四)2")
    window.cosign(act, "discipline")
    assert window.state.applications.by_id[FIRST.application].paper == act.index + 1


# --- refusals (七(四)1) ---


@pytest.mark.parametrize("ground", ["late", "incomplete", "duplicate"])
def test_a_filing_is_not_refused_on_a_ground_that_does_not_hold(filed: World, ground: Any) -> None:
    after_deadline(filed)
    for one in (FIRST, SECOND):
        body = ApplicationRefused(one.application, ground, "不予受理")
        refused(filed, "organiser", body, "GROUND_NOT_MET", "七(四)1")


def test_an_incomplete_filing_is_refused_once_nothing_can_come_any_more(window: World) -> None:
    file_application(window, FIRST)
    file_application(window, SECOND)
    play_recommendation(window, SECOND)
    bodies = [ApplicationRefused(one.application, "incomplete", "材料不全") for one in (FIRST, SECOND)]
    refused(window, "organiser", bodies[0], "GROUND_NOT_MET", "七(四)1")
    after_deadline(window)
    window.must("organiser", bodies[0])
    refused(window, "organiser", bodies[1], "GROUND_NOT_MET", "七(四)1")
    window.now = closes_at(window.state) + 5 * 24 * HOUR
    window.must("organiser", bodies[1])
    refused(window, "organiser", bodies[1], "APPLICATION_REFUSED", "六(二)")
    refused(window, FIRST.alias, ApplicationWithdrawn(FIRST.application, "不参加"), "APPLICATION_REFUSED", "六(二)")


def test_a_decided_application_is_not_refused_at_the_desk() -> None:
    world = resume(history_at("screened"))
    body = ApplicationRefused(FIRST.application, "late", "迟到")
    refused(world, "organiser", body, "APPLICATION_DECIDED", "六(二)")


# --- one application a year (六(二)) ---


def test_a_second_way_in_is_linked_and_the_first_counts(filed: World) -> None:
    second = replace(FIRST, application="second-way", way="self", special=True)
    file_application(filed, second)
    known = filed.state.applications
    assert known.by_id["second-way"].kin == [FIRST.application, "second-way"]
    counts = known.of_person(filed.person(FIRST.alias))
    assert counts is not None
    assert counts.application == FIRST.application
    assert sum(known.received_by("occupation").values()) == len(PLAN.applicants)
    filed.must("organiser", ApplicationRefused("second-way", "duplicate", "同一人已有申报"))


def test_after_an_early_withdrawal_the_other_way_counts(filed: World) -> None:
    second = replace(FIRST, application="second-way", way="self", special=True)
    file_application(filed, second)
    filed.must(FIRST.alias, ApplicationWithdrawn(FIRST.application, "改由本人申报"))
    counts = filed.state.applications.of_person(filed.person(FIRST.alias))
    assert counts is not None
    assert counts.application == "second-way"
    assert filed.person(FIRST.alias) not in filed.state.out


def test_two_applications_are_linked_by_decision_of_two(filed: World) -> None:
    body = DuplicateLinked(SECOND.application, FIRST.application, "经核实为同一人的曾用名")
    refused(filed, "organiser", replace(body, application=FIRST.application, first=SECOND.application),
            "FIRST_IS_LATER", "六(二)")  # fmt: skip
    act = filed.must("organiser", body)
    assert filed.state.applications.of_person(filed.person(SECOND.alias)) is not None
    filed.cosign(act, "discipline")
    assert filed.state.applications.of_person(filed.person(SECOND.alias)) is None
    assert filed.state.applications.of_person(filed.person(FIRST.alias)) is not None
    refused(filed, "organiser", body, "ALREADY_LINKED", "六(二)")


def test_only_standing_applications_are_linked(filed: World) -> None:
    filed.must(FIRST.alias, ApplicationWithdrawn(FIRST.application, "不参加"))
    body = DuplicateLinked(SECOND.application, FIRST.application, "同一人")
    refused(filed, "organiser", body, "APPLICATION_WITHDRAWN", "六(二)")


def test_nobody_files_late_again_and_again(window: World) -> None:
    after_deadline(window)
    for one in (FIRST, SECOND):
        file_application(window, one)
        again = filing(window, one, application=f"{one.application}-again")
        refused(window, one.alias, again, "DUPLICATE_APPLICANT", "六(二)")
    keyed = filing(window, FIRST, application="keyed-from-paper", consent=consent(window))
    window.must("intake-1", keyed)


# --- withdrawal ---


def test_a_withdrawal_after_the_deadline_takes_the_person_out(filed: World) -> None:
    after_deadline(filed)
    act = filed.must(FIRST.alias, ApplicationWithdrawn(FIRST.application, "工作调动"))
    assert filed.state.out[filed.person(FIRST.alias)].index == act.index
    again = ApplicationWithdrawn(FIRST.application, "工作调动")
    refused(filed, FIRST.alias, again, "APPLICATION_WITHDRAWN", "六(二)")
    assert len(filed.state.applications.received()) == len(PLAN.applicants)


def test_a_withdrawal_on_paper_needs_a_second_signer(filed: World) -> None:
    after_deadline(filed)
    act = filed.must("intake-1", WithdrawalEntered(SECOND.application, filed.digest("scan")))
    assert filed.person(SECOND.alias) not in filed.state.out
    filed.cosign(act, "discipline")
    assert filed.state.out[filed.person(SECOND.alias)].index == act.index + 1
    flagged(filed, "PAPER_WITHDRAWAL", "info", act.index, act.index + 1)


def test_after_screening_a_withdrawal_takes_out_whatever_else_was_filed() -> None:
    world = resume(history_at("filed"))
    second = replace(FIRST, application="second-way", way="self", special=True)
    file_application(world, second)
    after_deadline(world)
    world.must(FIRST.alias, ApplicationWithdrawn("second-way", "只留一份"))
    assert world.person(FIRST.alias) not in world.state.out


def test_while_screening_runs_another_way_in_may_take_over(filed: World) -> None:
    second = replace(FIRST, application="second-way", way="self", special=True)
    file_application(filed, second)
    after_deadline(filed)
    filed.must(FIRST.alias, ApplicationWithdrawn(FIRST.application, "改由本人申报"))
    assert filed.person(FIRST.alias) not in filed.state.out
    counts = filed.state.applications.of_person(filed.person(FIRST.alias))
    assert counts is not None
    assert counts.application == "second-way"


# --- what others read ---


def test_a_corrected_name_moves_the_record_everywhere(filed: World) -> None:
    person = filed.person(FIRST.alias)
    known = filed.state.applications.record_of(person)
    assert known is not None
    for label in ("corrected", "corrected again"):
        body = NameCorrected(filed.digest(label), known, person, "姓名误写")
        filed.cosign(filed.must("organiser", body), "discipline")
        known = filed.digest(label)
        assert filed.state.applications.record_of(person) == known
    assert filed.state.applications.record_of(filed.person(SECOND.alias)) == filed.digest(f"record/{SECOND.alias}")


def test_applications_received_are_counted_by_occupation_and_industry(filed: World) -> None:
    known = filed.state.applications
    assert known.received_by("occupation") == dict.fromkeys(
        ("ceramics", "culinary", "electrical", "instrumentation", "machining", "welding"), 2
    )
    assert sum(known.received_by("industry").values()) == 12
    assert known.eligible() == ()


def test_replay_gives_the_same_applications(filed: World) -> None:
    assert replayed(filed).applications == filed.state.applications
    assert not findings(filed.state, "LATE_KEYING")
