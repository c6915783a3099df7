"""Draws, rosters, declarations, recusals and groups by clause: what is admitted, refused and shown to the auditors."""

from dataclasses import replace
from typing import Any

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import play_applications, play_enrolment, play_screening
from api.rehearsal.steps_bodies import (
    COMMITTERS,
    groups_table,
    play_declarations,
    play_draw,
    play_groups,
    play_members,
    play_rosters,
)
from ledger import grouping
from ledger.procedure.draws import commitment, order
from ledger.programmes import load_shipped
from ledger.state.rounds import Round, RoundStatus
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.bodies import (
    CandidateRegrouped,
    DeclarationMade,
    DrawAnnounced,
    GroupsCertified,
    RecusalImposed,
    RecusalMade,
    Relation,
    RosterAmended,
    RosterSet,
    SeedCommitted,
    SeedRevealed,
)
from ledger.statements.foundation import StageOpened
from tests.plays import PLAN, PROGRAMME, findings, flagged, history_at, refused, replayed
from tests.simulator import new_world, resume

EXPERTS = PROGRAMME.stage("experts")
GROUP = "power"


@pytest.fixture
def screened() -> World:
    return resume(history_at("screened"))


@pytest.fixture
def experts() -> World:
    return resume(history_at("experts"))


@pytest.fixture
def grouped() -> World:
    return resume(history_at("grouped"))


def people(world: World, *numbers: int, group: str = GROUP) -> tuple[str, ...]:
    return tuple(world.person(f"experts-{group}-{number:02d}") for number in numbers)


def candidates(world: World, group: str = GROUP) -> tuple[str, ...]:
    assert EXPERTS is not None
    return grouping.candidates_for(world.state, EXPERTS, group)


def roster(world: World, **changes: Any) -> RosterSet:
    values: dict[str, Any] = {
        "draw": None,
        "group": GROUP,
        "members": people(world, 1, 2, 3, 4, 5),
        "reserves": people(world, 6, 7),
        "rule": world.digest("measure"),
        "stage": "experts",
    }
    return RosterSet(**(values | changes))


def open_round(world: World, stage: str = "experts", group: str | None = GROUP) -> None:
    """Leave a round open in the state, as the decisions here see it."""
    session = world.state.rounds.begun(stage, group)
    session.rounds.append(
        Round("round-1", session, 0, 1, ("a",), frozenset("a"), 1, 1, "0" * 64, 0, 0, 0, set(), RoundStatus.OPEN)
    )


# --- draws (五) ---


def announced(world: World, **changes: Any) -> DrawAnnounced:
    values: dict[str, Any] = {
        "committers": tuple(world.person(alias) for alias in COMMITTERS),
        "draw": "draw-a",
        "pool": people(world, 1, 2, 3),
        "purpose": "roster",
        "subject": "stage:experts:power",
    }
    return DrawAnnounced(**(values | changes))


def test_a_draw_gives_the_order_that_its_seeds_and_pool_give_anyone(screened: World) -> None:
    pool = people(screened, 1, 2, 3, 4)
    drawn = play_draw(screened, "order", "stage:final", pool)
    draw = screened.state.bodies.draws["draw-1"]
    seeds = {person: bytes.fromhex(seed) for person, seed in draw.seeds.items()}
    assert drawn == order(seeds, pool, "order/stage:final/draw-1")
    assert sorted(drawn) == sorted(pool)
    assert screened.state.bodies.drawn("order", "stage:final") == drawn
    assert screened.state.bodies.drawn("order", "stage:shortlist") is None
    assert replayed(screened).bodies == screened.state.bodies


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"committers": ()}, "TOO_FEW_COMMITTERS"),
        ({"subject": "stage:nowhere"}, "UNKNOWN_SUBJECT"),
        ({"subject": "experts"}, "UNKNOWN_SUBJECT"),
        ({"pool": ()}, "DRAW_POOL_INVALID"),
        ({"pool": ("x", "x")}, "DRAW_POOL_INVALID"),
        ({"pool": ("stranger",)}, "UNKNOWN_PERSON"),
        ({"purpose": "lot", "subject": "round-1", "pool": ("stranger",)}, "UNKNOWN_PERSON"),
        ({"committers": ("stranger", "another")}, "UNKNOWN_PERSON"),
    ],
)
def test_a_draw_that_cannot_be_held(screened: World, changes: dict[str, Any], code: str) -> None:
    refused(screened, "organiser", announced(screened, **changes), code, "五")


def test_one_committer_twice_is_one(screened: World) -> None:
    same = (screened.person("registrar"),) * 2
    refused(screened, "organiser", announced(screened, committers=same), "TOO_FEW_COMMITTERS", "五")


def test_shares_are_drawn_over_all_groups_of_the_stage(screened: World) -> None:
    body = announced(screened, purpose="shares", subject="stage:experts", pool=("power", "crafts"))
    refused(screened, "organiser", body, "DRAW_POOL_INVALID", "五(一)")
    screened.must("organiser", replace(body, pool=("power", "crafts", "metalworking")))


def test_seeds_are_committed_by_all_before_any_is_shown(screened: World) -> None:
    screened.must("organiser", announced(screened))
    seeds = {alias: screened.digest(alias) for alias in COMMITTERS}
    bodies = {
        alias: SeedCommitted(commitment(bytes.fromhex(seed), screened.person(alias)).hex(), "draw-a")
        for alias, seed in seeds.items()
    }
    first, second = COMMITTERS
    refused(screened, "organiser", bodies[first], "NOT_AUTHORISED", "五")
    refused(screened, first, replace(bodies[first], draw="draw-z"), "UNKNOWN_DRAW", "五")
    screened.must(first, bodies[first])
    refused(screened, first, bodies[first], "ALREADY_COMMITTED", "五")
    refused(screened, first, SeedRevealed("draw-a", seeds[first]), "REVEAL_TOO_EARLY", "五")
    screened.must(second, bodies[second])
    refused(screened, second, SeedRevealed("draw-a", seeds[first]), "REVEAL_MISMATCH", "五")
    refused(screened, "organiser", SeedRevealed("draw-a", seeds[first]), "NOT_AUTHORISED", "五")
    screened.must(first, SeedRevealed("draw-a", seeds[first]))
    refused(screened, first, SeedRevealed("draw-a", seeds[first]), "ALREADY_REVEALED", "五")
    assert screened.state.bodies.drawn("roster", "stage:experts:power") is None
    screened.must(second, SeedRevealed("draw-a", seeds[second]))
    assert screened.state.bodies.drawn("roster", "stage:experts:power") is not None


def test_a_completed_draw_is_final_and_a_broken_one_is_repeated_in_the_open(screened: World) -> None:
    first = screened.must("organiser", announced(screened))
    refused(screened, "organiser", announced(screened), "DRAW_EXISTS", "五")
    again = announced(screened, draw="draw-b")
    second = screened.must("organiser", again)
    flagged(screened, "DRAW_REPEATED", "warn", first.index, second.index)
    play_draw(screened, "order", "stage:final", people(screened, 1, 2), "draw-c")
    third = announced(screened, draw="draw-d", purpose="order", subject="stage:final")
    refused(screened, "organiser", third, "ALREADY_DRAWN", "五")


# --- rosters ---


@pytest.mark.parametrize(
    ("changes", "code", "clause"),
    [
        ({"group": None}, "UNKNOWN_GROUP", "五(一)"),
        ({"group": "fishing"}, "UNKNOWN_GROUP", "五(一)"),
        ({"stage": "notice", "group": None}, "STAGE_WITHOUT_BODY", "五(七)"),
        ({"stage": "nowhere"}, "UNKNOWN_STAGE", "五"),
        ({"members": ()}, "ROSTER_TOO_SMALL", "五(一)"),
        ({"draw": "draw-z"}, "UNKNOWN_DRAW", "五(一)"),
        ({"reserves": ("stranger",)}, "UNKNOWN_PERSON", "五(一)"),
    ],
)
def test_a_roster_that_cannot_be_set(screened: World, changes: dict[str, Any], code: str, clause: str) -> None:
    refused(screened, "organiser", roster(screened, **changes), code, clause)


def test_members_hold_the_bodys_role_and_nobody_counts_twice(screened: World) -> None:
    outsider = screened.person("industry-body-food-and-culture-01")
    mixed = (*people(screened, 1, 2, 3, 4), outsider)
    refused(screened, "organiser", roster(screened, members=mixed), "ROLE_NOT_HELD", "五(一)")
    twice = people(screened, 1, 2, 3, 4, 4)
    refused(screened, "organiser", roster(screened, members=twice), "DUPLICATE_MEMBER", "五(一)")
    both = roster(screened, reserves=people(screened, 5))
    refused(screened, "organiser", both, "DUPLICATE_MEMBER", "五(一)")


def test_nobody_sits_in_two_groups_of_a_stage(screened: World) -> None:
    screened.must("organiser", roster(screened))
    other = (*people(screened, 1, 2, 3, 4, group="crafts"), *people(screened, 5))
    body = roster(screened, group="crafts", members=other, reserves=())
    refused(screened, "organiser", body, "DOUBLE_ROLE", "五(一)")


def test_a_roster_is_set_once_and_a_rule_not_held_is_said(screened: World) -> None:
    act = screened.must("organiser", roster(screened, rule=None))
    flagged(screened, "COMPOSITION_RULE_NOT_HELD", "info", act.index)
    refused(screened, "organiser", roster(screened), "ROSTER_EXISTS", "五(一)")
    known = screened.state.bodies.roster("experts", GROUP)
    assert known is not None
    assert known.ever == known.members == people(screened, 1, 2, 3, 4, 5)


def test_a_roster_rests_on_a_finished_draw_for_rosters(screened: World) -> None:
    screened.must("organiser", announced(screened, draw="draw-u"))
    refused(screened, "organiser", roster(screened, draw="draw-u"), "DRAW_INCOMPLETE", "五(一)")
    play_draw(screened, "order", "stage:final", people(screened, 1, 2), "draw-o")
    refused(screened, "organiser", roster(screened, draw="draw-o"), "UNKNOWN_DRAW", "五(一)")


def test_one_draw_may_fill_all_groups_in_its_order(screened: World) -> None:
    pool = [one for group in ("power", "crafts") for one in people(screened, 1, 2, 3, 4, 5, 6, 7, group=group)]
    drawn = play_draw(screened, "roster", "stage:experts", pool)
    screened.must("organiser", roster(screened, draw="draw-1", members=drawn[:5], reserves=drawn[5:7]))
    rest = roster(screened, group="crafts", draw="draw-1", members=drawn[7:12], reserves=drawn[12:])
    screened.must("organiser", rest)
    assert not findings(screened.state, "EXPERT_OFF_ORDER")


def test_replacements_follow_the_reserves_with_a_reason(experts: World) -> None:
    body = RosterAmended(GROUP, people(experts, 6)[0], people(experts, 2)[0], "出差", "experts")
    refused(experts, "organiser", replace(body, reason="　"), "REASON_REQUIRED", "五(一)")
    refused(experts, "organiser", replace(body, outgoing=people(experts, 7)[0]), "NOT_ON_ROSTER", "五(一)")
    refused(experts, "organiser", replace(body, incoming=people(experts, 1)[0]), "DUPLICATE_MEMBER", "五(一)")
    other = people(experts, 1, group="crafts")[0]
    refused(experts, "organiser", replace(body, incoming=other), "DOUBLE_ROLE", "五(一)")
    refused(experts, "organiser", replace(body, group="fishing"), "NOT_ON_ROSTER", "五(一)")
    experts.state.roll.people[body.incoming].id_tag = experts.actor("experts-power-03").id_tag
    refused(experts, "organiser", body, "DUPLICATE_MEMBER", "五(一)")
    experts.state.roll.people[body.incoming].id_tag = experts.actor("experts-power-06").id_tag
    act = experts.must("organiser", body)
    known = experts.state.bodies.roster("experts", GROUP)
    assert known is not None
    assert known.members == people(experts, 1, 6, 3, 4, 5)
    assert known.reserves == people(experts, 7)
    assert known.ever == people(experts, 1, 2, 3, 4, 5, 6)
    assert known.amended == (act.index,)
    assert not findings(experts.state, "EXPERT_OFF_ORDER")
    assert experts.state.bodies.sits("experts", GROUP, people(experts, 6)[0])
    assert not experts.state.bodies.sits("experts", GROUP, people(experts, 2)[0])


def test_a_roster_rests_while_its_round_is_open(experts: World) -> None:
    open_round(experts)
    body = RosterAmended(GROUP, people(experts, 6)[0], people(experts, 2)[0], "出差", "experts")
    refused(experts, "organiser", body, "ROSTER_FROZEN", "五(一)")
    others = [people(experts, number, group="crafts")[0] for number in (6, 2)]
    experts.must("organiser", replace(body, group="crafts", incoming=others[0], outgoing=others[1]))


def test_nobody_sits_who_decides_later_by_role(screened: World) -> None:
    screened.grant("experts-power-05", "leader")
    refused(screened, "organiser", roster(screened), "DOUBLE_ROLE", "五(一)")
    screened.must("organiser", roster(screened, members=people(screened, 1, 2, 3, 4, 6), reserves=()))
    change = RosterAmended(GROUP, people(screened, 5)[0], people(screened, 1)[0], "出差", "experts")
    refused(screened, "organiser", change, "DOUBLE_ROLE", "五(一)")
    refused(screened, "organiser", replace(change, stage="notice"), "STAGE_WITHOUT_BODY", "五(七)")


def test_one_body_sits_in_both_of_its_stages(screened: World) -> None:
    play_members(screened, ("shortlist",))
    for stage in ("shortlist", "final"):
        play_rosters(screened, stage)
    assert len(screened.state.bodies.sittings(screened.person("panel-01"))) == 2


def test_two_ids_with_one_tag_are_one_member(screened: World) -> None:
    known = screened.state.roll.people
    known[people(screened, 2)[0]].id_tag = known[people(screened, 1)[0]].id_tag
    refused(screened, "organiser", roster(screened), "DUPLICATE_MEMBER", "五(一)")


def test_who_applied_sits_nowhere_under_any_id(screened: World) -> None:
    known = screened.state.roll.people
    known[people(screened, 2)[0]].id_tag = screened.actor(PLAN.applicants[0].alias).id_tag
    refused(screened, "organiser", roster(screened), "ROLE_CONFLICT", "五(一)")


def test_nothing_changes_in_a_closed_stage(screened: World) -> None:
    play_rosters(screened, "experts")
    screened.must("organiser", StageOpened("experts"))
    screened.state.charter.stages["experts"].closed = screened.state.size
    change = RosterAmended(GROUP, people(screened, 6)[0], people(screened, 1)[0], "出差", "experts")
    refused(screened, "organiser", change, "STAGE_CLOSED", "五(一)")
    refused(screened, "organiser", roster(screened), "STAGE_CLOSED", "五(一)")


# --- declarations and recusals (七(三)) ---


def test_members_and_those_who_count_declare_and_nobody_else(grouped: World) -> None:
    grouped.enrol("scrutineer-1", "scrutineer", unit="unit-scrutineer")
    play_declarations(grouped, "experts", GROUP, "scrutineer-1")
    declared = grouped.state.bodies.declared("experts", GROUP)
    assert set(declared) == {*people(grouped, 1, 2, 3, 4, 5), grouped.person("scrutineer-1")}
    for alias in ("experts-power-06", "experts-crafts-01", "organiser"):
        refused(grouped, alias, DeclarationMade(GROUP, (), "experts"), "NOT_ON_ROSTER", "五(一)")
    refused(grouped, "scrutineer-1", DeclarationMade("fishing", (), "experts"), "UNKNOWN_GROUP", "五(一)")
    grouped.must("scrutineer-1", DeclarationMade(None, (), "experts"))


def test_relations_are_declared_to_candidates_once_each(grouped: World) -> None:
    member, one = "experts-power-01", candidates(grouped)[0]
    kin = Relation(one, "kin")
    refused(grouped, member, DeclarationMade(GROUP, (kin, kin), "experts"), "RELATION_TWICE", "五(一)")
    stranger = Relation(candidates(grouped, "crafts")[0], "kin")
    refused(grouped, member, DeclarationMade(GROUP, (stranger,), "experts"), "UNKNOWN_CANDIDATE", "五(一)")
    grouped.must(member, DeclarationMade(GROUP, (kin,), "experts"))
    assert grouped.state.bodies.relations(grouped.person(member)) == {one: "kin"}
    assert grouped.state.bodies.relations(grouped.person("experts-power-02")) == {}


def test_a_member_stands_back_from_one_candidate(grouped: World) -> None:
    member, one = "experts-power-01", candidates(grouped)[0]
    body = RecusalMade(one, GROUP, "师徒关系", "experts")
    act = grouped.must(member, body)
    assert grouped.state.bodies.recused("experts", GROUP) == {one: {grouped.person(member): act.index}}
    refused(grouped, member, body, "ALREADY_RECUSED", "七(三)")
    refused(grouped, "experts-power-06", body, "NOT_ON_ROSTER", "七(三)")
    other = candidates(grouped, "crafts")[0]
    refused(grouped, member, replace(body, candidate=other), "UNKNOWN_CANDIDATE", "五(一)")


def test_an_imposed_recusal_names_a_reason_and_ends_with_the_round(grouped: World) -> None:
    member = people(grouped, 1)[0]
    first, second, *_ = candidates(grouped)
    body = RecusalImposed(first, GROUP, member, grouped.digest("notice"), "系人选单位顾问", "experts")
    refused(grouped, "organiser", replace(body, reason=" "), "REASON_REQUIRED", "五(一)")
    refused(grouped, "organiser", replace(body, member=people(grouped, 6)[0]), "NOT_ON_ROSTER", "七(三)")
    act = grouped.must("organiser", body)
    flagged(grouped, "FORCED_RECUSAL", "warn", act.index)
    open_round(grouped)
    refused(grouped, "organiser", replace(body, candidate=second), "ROSTER_FROZEN", "五(一)")
    grouped.must("experts-power-02", RecusalMade(second, GROUP, "同学", "experts"))


# --- groups and their seats (五(一), 五(二)) ---


def test_groups_follow_the_occupation_and_seats_the_applications(experts: World) -> None:
    play_groups(experts, "experts")
    known = experts.state.bodies
    assert known.table_certified("experts") == experts.state.size - 1
    assert {known.seats("experts", group) for group in ("metalworking", "power", "crafts")} == {4}
    assert len(known.group_of("experts")) == len(PLAN.applicants)
    assert known.seats("experts", "fishing") is None


def test_before_certification_there_is_no_table(experts: World) -> None:
    known = experts.state.bodies
    assert (known.table_certified("experts"), known.seats("experts", GROUP)) == (None, None)
    assert known.group_of("experts") == {}


def test_whoever_dropped_out_is_in_no_group(experts: World) -> None:
    one = PLAN.applicants[0]
    experts.must(one.alias, ApplicationWithdrawn(one.application, "不参加"))
    play_groups(experts, "experts")
    assert experts.person(one.alias) not in experts.state.bodies.group_of("experts")
    received = [row.received for row in _table(experts).groups]
    assert received == [4, 4, 4]


def _table(world: World) -> GroupsCertified:
    assert EXPERTS is not None
    return groups_table(world, EXPERTS)


def test_a_regrouping_is_a_record_and_the_table_is_certified_again(grouped: World) -> None:
    one = candidates(grouped)[0]
    body = CandidateRegrouped(one, "crafts", "岗位实际从事陶艺", "experts")
    refused(grouped, "organiser", replace(body, reason="  "), "REASON_REQUIRED", "五(一)")
    refused(grouped, "organiser", replace(body, group="fishing"), "UNKNOWN_GROUP", "五(一)")
    refused(grouped, "organiser", replace(body, group=GROUP), "GROUP_UNCHANGED", "五(一)")
    refused(grouped, "organiser", replace(body, candidate="nobody"), "UNKNOWN_CANDIDATE", "五(一)")
    act = grouped.must("organiser", body)
    (moved,) = grouped.state.bodies.regroupings["experts"]
    assert (moved.index, moved.candidate, moved.before, moved.after) == (act.index, one, GROUP, "crafts")
    assert grouped.state.bodies.table_certified("experts") is None
    play_groups(grouped, "experts")
    assert grouped.state.bodies.group_of("experts")[one] == "crafts"
    assert [row.received for row in _table(grouped).groups] == [4, 3, 5]


def test_a_table_that_is_not_the_rules(experts: World) -> None:
    table = _table(experts)
    first, second, *rest = table.groups
    shifted = (replace(first, seats=first.seats + 1), replace(second, seats=second.seats - 1), *rest)
    refused(experts, "organiser", replace(table, groups=shifted), "QUOTA_DERIVATION", "五(一)")
    more = (replace(first, seats=first.seats + 1), second, *rest)
    refused(experts, "organiser", replace(table, groups=more), "QUOTA_SUM", "五(一)")
    refused(experts, "organiser", replace(table, groups=(second, first, *rest)), "QUOTA_DERIVATION", "五(一)")
    missing = (replace(first, candidates=first.candidates[1:]), second, *rest)
    refused(experts, "organiser", replace(table, groups=missing), "QUOTA_DERIVATION", "五(一)")


def small(total: int, covers: tuple[str, ...] = ("welding", "machining", "fitting")) -> dict[str, Any]:
    """Return the programme with another total for the experts' groups and other occupations in the first."""
    value = dict(load_shipped("zhuyuan-2022"))
    stages = [dict(stage) for stage in value["stages"]]
    for stage in stages:
        if stage["id"] == "experts":
            stage["total"] = total
            stage["groups"] = [dict(stage["groups"][0], covers=list(covers)), *stage["groups"][1:]]
    return value | {"stages": stages}


def play_to_experts(value: dict[str, Any]) -> World:
    world = new_world(value)
    play_enrolment(world, PLAN)
    play_applications(world, PLAN)
    play_screening(world, PLAN)
    world.must("organiser", StageOpened("experts"))
    return world


def test_equal_remainders_need_a_draw_declared_beforehand() -> None:
    world = play_to_experts(small(total=4))
    table = GroupsCertified((), "experts")
    refused(world, "organiser", table, "SHARES_IMPOSSIBLE", "五(一)")
    drawn = play_draw(world, "shares", "stage:experts", ("crafts", "metalworking", "power"))
    play_groups(world, "experts")
    seats = {group: world.state.bodies.seats("experts", group) for group in drawn}
    assert list(seats.values()) == [2, 1, 1]


def test_the_step_draws_for_equal_remainders_by_itself() -> None:
    world = play_to_experts(small(total=4))
    play_groups(world, "experts")
    assert world.state.bodies.drawn("shares", "stage:experts") is not None


def test_an_occupation_that_no_group_covers_is_moved_by_decision() -> None:
    world = play_to_experts(small(total=6, covers=("welding",)))
    refused(world, "organiser", GroupsCertified((), "experts"), "GROUP_UNCOVERED", "五(一)")
    stage = world.state.charter.stage("experts") or pytest.fail("no stage")
    assert grouping.received_by_group(world.state, stage) == {"metalworking": 2, "power": 4, "crafts": 4}
    groups = grouping.groups_of(world.state, stage)
    for person in (person for person, group in groups.items() if group is None):
        world.must("organiser", CandidateRegrouped(person, "crafts", "职业未列入分组", "experts"))
    play_groups(world, "experts")
    table = groups_table(world, stage)
    assert [row.received for row in table.groups] == [2, 4, 6]
    assert sum(row.seats for row in table.groups) == 6


def test_rosters_of_every_stage_can_be_played(screened: World) -> None:
    play_rosters(screened, "experts", drawn=True)
    play_rosters(screened, "industry")
    for group in ("metalworking", "power", "crafts"):
        known = screened.state.bodies.roster("experts", group)
        assert known is not None
        assert (len(known.members), len(known.reserves)) == (5, 2)
    assert not findings(screened.state, "EXPERT_OFF_ORDER")
    assert len(screened.state.bodies.sittings(screened.person("industry-body-food-and-culture-01"))) == 1
    assert replayed(screened).bodies == screened.state.bodies
