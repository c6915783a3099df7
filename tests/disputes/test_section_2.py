"""Disputes B01 to B11: groups, experts, recusal. B12, who reads a roster, stands in `test_section_6b`."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import groups_table, play_declarations, play_draw, play_groups, play_rosters
from api.rehearsal.steps_rounds import (
    ballot,
    candidates,
    closing,
    discussion,
    members,
    open_round,
    play_people,
    play_scores,
    play_sitting,
    score,
)
from ledger import grouping
from ledger.procedure.draws import commitment, order
from ledger.procedure.groups import Group, SharesImpossible, group_shares
from ledger.procedure.programme import Stage
from ledger.statements.bodies import (
    CandidateRegrouped,
    DeclarationMade,
    RecusalImposed,
    RecusalMade,
    Relation,
    RosterAmended,
    RosterSet,
    SeedRevealed,
)
from ledger.statements.foundation import StageOpened
from ledger.statements.roll import RoleGranted
from ledger.statements.rounds import AttendanceRecorded, ScoringClosed
from tests.plays import PLAN, WorldAt, findings, flagged, refused, replayed

STAGE, GROUP = "experts", "power"
MEMBERS = tuple(f"experts-{GROUP}-{number:02d}" for number in range(1, 6))


def experts_stage(world: World) -> Stage:
    stage = world.state.charter.stage(STAGE)
    assert stage is not None
    return stage


def begin(world: World, stage_id: str = STAGE) -> World:
    """Seat everybody, open the stage and certify its table."""
    play_people(world, stage_id)
    world.must("organiser", StageOpened(stage_id))
    play_groups(world, stage_id)
    return world


def first_score(world: World) -> int:
    play_declarations(world, STAGE, GROUP)
    world.must(MEMBERS[0], AttendanceRecorded(GROUP, STAGE))
    one = candidates(world, STAGE, GROUP)[0]
    return world.must(MEMBERS[0], score(world, STAGE, GROUP, one, percent=80)).index


def test_B01_groups_are_frozen_with_the_first_score(world_at: WorldAt) -> None:
    world = begin(world_at("screened"))
    one, other = (world.person(alias) for alias in candidates(world, STAGE, GROUP)[:2])
    shown = dict(world.state.findings.by_id)
    early = world.must("organiser", CandidateRegrouped(one, "crafts", "实际岗位为陶艺", STAGE))
    (moved,) = world.state.bodies.regroupings[STAGE]
    assert (moved.index, moved.before, moved.after) == (early.index, GROUP, "crafts")
    assert world.state.findings.by_id == shown
    play_groups(world, STAGE)
    index = first_score(world)
    late = CandidateRegrouped(other, "crafts", "为平衡各组人数", STAGE)
    refusal = refused(world, "organiser", late, "GROUPING_FROZEN", "五(一)")
    assert refusal.facts["entry"] == index
    assert replayed(world).bodies == world.state.bodies


def test_B02_seats_are_what_the_rule_gives_and_frozen_with_the_first_score(world_at: WorldAt) -> None:
    world = world_at("experts")
    table = groups_table(world, experts_stage(world))
    first, second, third = table.groups
    more = replace(table, groups=(replace(first, seats=first.seats + 1), second, third))
    refused(world, "organiser", more, "QUOTA_SUM", "五(一)")
    moved = (replace(first, seats=first.seats + 1), replace(second, seats=second.seats - 1), third)
    refused(world, "organiser", replace(table, groups=moved), "QUOTA_DERIVATION", "五(一)")
    world.must("organiser", table)
    index = first_score(world)
    refusal = refused(world, "organiser", table, "QUOTA_FROZEN", "五(一)")
    assert refusal.facts["entry"] == index


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 80), st.integers(1, 80)), min_size=1, max_size=9), st.integers(0, 60))
def test_B03_the_seats_of_all_groups_are_the_total_whatever_applied(counts: list[tuple[int, int]], more: int) -> None:
    groups = [Group(f"group-{place}", max(pair), min(pair)) for place, pair in enumerate(counts)]
    total = len(groups) + more
    shares = group_shares(groups, total, [group.id for group in groups])
    assert not isinstance(shares, SharesImpossible)
    assert sum(share.seats for share in shares) == min(total, sum(group.size for group in groups))
    assert all(isinstance(share.exact, Fraction) for share in shares)


def test_B04_a_draw_is_repeated_by_anyone_and_a_seat_out_of_its_order_is_a_breach(world_at: WorldAt) -> None:
    world = world_at("screened")
    pool = tuple(world.person(f"experts-{GROUP}-{number:02d}") for number in range(1, 8))
    drawn = play_draw(world, "roster", grouping.subject(STAGE, GROUP), pool, "draw-experts")
    draw = world.state.bodies.draws["draw-experts"]
    for alias in ("registrar", "discipline"):
        seed, person = bytes.fromhex(draw.seeds[world.person(alias)]), world.person(alias)
        assert commitment(seed, person).hex() == draw.commitments[person]
    seeds = {person: bytes.fromhex(seed) for person, seed in draw.seeds.items()}
    assert order(seeds, pool, draw.context) == drawn
    picked = RosterSet("draw-experts", GROUP, (*drawn[:4], drawn[6]), (drawn[4], drawn[5]), None, STAGE)
    act = world.must("organiser", picked)
    flagged(world, "EXPERT_OFF_ORDER", "breach", draw.drawn_at or 0, act.index)


def test_B04_a_replacement_is_the_next_reserve_and_has_a_reason(world_at: WorldAt) -> None:
    world = world_at("screened")
    play_rosters(world, STAGE, drawn=True)
    known = world.state.bodies.roster(STAGE, GROUP)
    assert known is not None
    assert not findings(world.state, "EXPERT_OFF_ORDER")
    change = RosterAmended(GROUP, known.reserves[0], known.members[1], "住院", STAGE)
    refused(world, "organiser", replace(change, reason=" "), "REASON_REQUIRED", "五(一)")
    world.must("organiser", change)
    assert not findings(world.state, "EXPERT_OFF_ORDER")
    favourite = world.enrol("favourite", "expert", unit="unit-favourite").person
    act = world.must("organiser", RosterAmended(GROUP, favourite, known.members[2], "临时更换", STAGE))
    flagged(world, "EXPERT_OFF_ORDER", "breach", known.index, act.index)


def test_B04_no_seed_is_shown_before_all_are_committed_or_other_than_committed(world_at: WorldAt) -> None:
    world = world_at("screened")
    pool = tuple(world.person(alias) for alias in MEMBERS)
    play_draw(world, "order", "stage:final", pool, "draw-order")
    draw = world.state.bodies.draws["draw-order"]
    again = SeedRevealed("draw-order", draw.seeds[world.person("registrar")])
    refused(world, "registrar", again, "ALREADY_REVEALED", "五")
    refused(world, "organiser", again, "NOT_AUTHORISED", "五")


def test_B05_nobody_sits_in_two_bodies_or_groups(world_at: WorldAt) -> None:
    world = world_at("screened")
    play_rosters(world, STAGE)
    member = MEMBERS[0]
    world.grant(member, "industry_member")
    group = "food-and-culture"
    others = tuple(world.person(f"industry-body-{group}-{number:02d}") for number in range(1, 5))
    both = RosterSet(None, group, (*others[:3], world.person(member)), (), None, "industry")
    refused(world, "organiser", both, "DOUBLE_ROLE", "五(二)")
    world.must("organiser", replace(both, members=others))
    change = RosterAmended(group, world.person(member), others[0], "补充专家", "industry")
    refused(world, "organiser", change, "DOUBLE_ROLE", "五(二)")
    crafts = world.state.bodies.roster(STAGE, "crafts")
    assert crafts is not None
    within = RosterAmended("crafts", world.person(member), crafts.members[0], "补充专家", STAGE)
    refused(world, "organiser", within, "DOUBLE_ROLE", "五(一)")


def test_B06_one_id_number_is_one_member(world_at: WorldAt) -> None:
    world = world_at("screened")
    world.actor("second-account").id_tag = world.actor(MEMBERS[0]).id_tag
    refused(world, "registrar", world.enrolment("second-account"), "DUPLICATE_MEMBER", "七(三)")
    members = (*(world.person(alias) for alias in MEMBERS[:4]), world.person(MEMBERS[0]))
    twice = RosterSet(None, GROUP, members, (), None, STAGE)
    refused(world, "organiser", twice, "DUPLICATE_MEMBER", "五(一)")


def test_B06_no_applicant_sits_in_a_body(world_at: WorldAt) -> None:
    world = world_at("screened")
    grant = RoleGranted(world.person(PLAN.applicants[0].alias), "补充专家", "expert")
    refused(world, "registrar", grant, "ROLE_CONFLICT", "七(三)")


def test_B07_a_recused_member_neither_scores_nor_votes_for_or_against(world_at: WorldAt) -> None:
    world = begin(world_at("screened"))
    one = candidates(world, STAGE, GROUP)[0]
    play_declarations(world, STAGE, GROUP)
    world.must(MEMBERS[0], RecusalMade(world.person(one), GROUP, "师徒关系", STAGE))
    for member in MEMBERS:
        world.must(member, AttendanceRecorded(GROUP, STAGE))
    refused(world, MEMBERS[0], score(world, STAGE, GROUP, one, percent=99), "RECUSED", "五(一)")
    play_scores(world, STAGE, GROUP)
    world.must("organiser", ScoringClosed(GROUP, STAGE))
    world.must("organiser", discussion(world, STAGE, GROUP))
    played = open_round(world, STAGE, GROUP)
    refused(world, MEMBERS[0], ballot(world, played.id, [one]), "RECUSED", "五(一)")
    world.must(MEMBERS[1], ballot(world, played.id, [one]))


def test_B08_who_declares_nothing_does_not_score_and_a_hidden_employer_is_shown(world_at: WorldAt) -> None:
    world = world_at("experts")
    play_groups(world, STAGE)
    first, second = candidates(world, STAGE, GROUP)[:2]
    roster = world.state.bodies.roster(STAGE, GROUP)
    assert roster is not None
    unit = PLAN.of(first).unit
    for alias, outgoing in (("colleague-1", roster.members[0]), ("colleague-2", roster.members[1])):
        world.enrol(alias, "expert", unit=unit)
        world.must("organiser", RosterAmended(GROUP, world.person(alias), outgoing, "出差", STAGE))
    world.must("colleague-1", AttendanceRecorded(GROUP, STAGE))
    refused(world, "colleague-1", score(world, STAGE, GROUP, second, percent=80), "NO_DECLARATION", "五(一)")
    act = world.must("colleague-1", DeclarationMade(GROUP, (), STAGE))
    same_unit = [one for one in candidates(world, STAGE, GROUP) if PLAN.of(one).unit == unit]
    shown = findings(world.state, "UNDECLARED_CONFLICT")
    assert {one.facts["candidate"] for one in shown} == {world.person(alias) for alias in same_unit}
    for one in shown:
        application = world.state.applications.of_person(str(one.facts["candidate"]))
        assert application is not None
        assert (one.severity, one.entries) == ("warn", (application.index, act.index))
        assert (one.facts["member"], one.facts["unit"]) == (world.person("colleague-1"), unit)
    assert findings(replayed(world), "UNDECLARED_CONFLICT") == shown
    declared = tuple(Relation(world.person(one), "colleague") for one in same_unit)
    world.must("colleague-2", DeclarationMade(GROUP, declared, STAGE))
    assert findings(world.state, "UNDECLARED_CONFLICT") == shown
    assert world.state.bodies.relations(world.person("colleague-2"))[world.person(first)] == "colleague"


def test_B08_a_recusal_before_the_declaration_settles_it(world_at: WorldAt) -> None:
    world = world_at("experts")
    play_groups(world, STAGE)
    roster = world.state.bodies.roster(STAGE, GROUP)
    assert roster is not None
    one = candidates(world, STAGE, GROUP)[0]
    unit = PLAN.of(one).unit
    world.enrol("colleague", "expert", unit=unit)
    world.must("organiser", RosterAmended(GROUP, world.person("colleague"), roster.members[0], "出差", STAGE))
    for alias in candidates(world, STAGE, GROUP):
        if PLAN.of(alias).unit == unit:
            world.must("colleague", RecusalMade(world.person(alias), GROUP, "同单位", STAGE))
    world.must("colleague", DeclarationMade(GROUP, (), STAGE))
    assert not findings(world.state, "UNDECLARED_CONFLICT")


@pytest.mark.parametrize("member", MEMBERS[:2])
def test_B09_a_recusal_by_others_needs_reason_and_notice_and_is_shown(world_at: WorldAt, member: str) -> None:
    world = begin(world_at("screened"))
    one = world.person(candidates(world, STAGE, GROUP)[0])
    imposed = RecusalImposed(one, GROUP, world.person(member), world.digest("notice"), "与人选有业务往来", STAGE)
    other = MEMBERS[3]
    refused(world, other, imposed, "NOT_AUTHORISED", "七(三)")
    refused(world, "registrar", imposed, "NOT_AUTHORISED", "七(三)")
    refused(world, "organiser", replace(imposed, reason="　"), "REASON_REQUIRED", "五(一)")
    refused(world, "organiser", RecusalMade(one, GROUP, "代为回避", STAGE), "NOT_ON_ROSTER", "七(三)")
    act = world.must("organiser", imposed)
    found = flagged(world, "FORCED_RECUSAL", "warn", act.index)
    assert found.facts["member"] == world.person(member)
    assert world.state.bodies.is_recused(STAGE, GROUP, world.person(member), one)
    assert world.state.bodies.table_certified(STAGE) is not None
    world.must(other, RecusalMade(one, GROUP, "同乡", STAGE))
    assert len(findings(world.state, "FORCED_RECUSAL")) == 1


def test_B09_nobody_is_recused_by_others_while_the_round_is_open(world_at: WorldAt) -> None:
    world = begin(world_at("screened"))
    play_sitting(world, STAGE, GROUP)
    open_round(world, STAGE, GROUP)
    one = world.person(candidates(world, STAGE, GROUP)[0])
    imposed = RecusalImposed(one, GROUP, world.person(MEMBERS[0]), world.digest("notice"), "有业务往来", STAGE)
    refused(world, "organiser", imposed, "ROSTER_FROZEN", "五(一)")


def test_B10_a_quorum_lost_by_recusals_is_noticed_per_candidate(world_at: WorldAt) -> None:
    world = begin(world_at("screened"))
    play_sitting(world, STAGE, GROUP)
    played = open_round(world, STAGE, GROUP)
    one = candidates(world, STAGE, GROUP)[0]
    for member in MEMBERS[:3]:
        world.must(member, RecusalMade(world.person(one), GROUP, "同单位", STAGE))
    for member in members(world, STAGE, GROUP):
        world.must(member, ballot(world, played.id, []))
    refused(world, "organiser", closing(world, played.id), "QUORUM_LOST_BY_RECUSAL", "五(一)")


def test_B11_a_substitute_sits_by_amendment_before_the_round_or_not_at_all(world_at: WorldAt) -> None:
    world = begin(world_at("screened"))
    roster = world.state.bodies.roster(STAGE, GROUP)
    assert roster is not None
    substitute = world.alias_of(roster.reserves[0])
    refused(world, substitute, AttendanceRecorded(GROUP, STAGE), "NOT_ON_ROSTER", "五(一)")
    refused(world, substitute, DeclarationMade(GROUP, (), STAGE), "NOT_ON_ROSTER", "五(一)")
    change = RosterAmended(GROUP, roster.reserves[0], roster.members[0], "临时有事", STAGE)
    world.must("organiser", change)
    play_sitting(world, STAGE, GROUP)
    played = open_round(world, STAGE, GROUP)
    outsider = world.alias_of(roster.members[0])
    refused(world, outsider, ballot(world, played.id, []), "NOT_ON_ROSTER", "五(一)")
    again = replace(change, incoming=roster.reserves[1], outgoing=roster.members[1])
    refused(world, "organiser", again, "ROSTER_FROZEN", "五(一)")
    world.must(substitute, ballot(world, played.id, []))
    assert not findings(world.state, "EXPERT_OFF_ORDER")
    assert replayed(world).bodies == world.state.bodies
