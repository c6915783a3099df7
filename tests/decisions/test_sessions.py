"""Attendance, scores and discussion: who may, when, and what is refused by its clause."""

from dataclasses import replace

from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import play_declarations, play_groups
from api.rehearsal.steps_rounds import (
    candidates,
    certify,
    discussion,
    members,
    open_round,
    opening,
    play_round,
    play_sitting,
    score,
)
from ledger.statements.foundation import StageOpened
from ledger.statements.rounds import (
    AttendanceLeft,
    AttendanceRecorded,
    DiscussionRecorded,
    ScoreGiven,
    ScoreRevised,
    ScoringClosed,
)
from tests.voting import PANEL, PEOPLE, refused, world_before

EXPERTS, GROUP, CLAUSE = "experts", "power", "五(一)"


def open_experts() -> World:
    world = world_before(EXPERTS)
    world.must("organiser", StageOpened(EXPERTS))
    return world


def sheet(world: World, candidate: str, percent: int = 80) -> ScoreGiven:
    return score(world, EXPERTS, GROUP, candidate, percent=percent)


def revised(given: ScoreGiven) -> ScoreRevised:
    return ScoreRevised(given.candidate, given.evaluation, given.group, given.points, "补看材料", given.stage)


def test_members_come_and_go_by_their_own_key() -> None:
    world = open_experts()
    play_groups(world, EXPERTS)
    one, two = members(world, EXPERTS, GROUP)[:2]
    here = AttendanceRecorded(GROUP, EXPERTS)
    leaving = AttendanceLeft(GROUP, None, EXPERTS)

    refused(world, one, leaving, "NOT_PRESENT", CLAUSE)
    world.must(one, here)
    refused(world, one, here, "ALREADY_PRESENT", CLAUSE)
    refused(world, "registrar", replace(leaving, member=world.person(one)), "NOT_AUTHORISED", CLAUSE)
    refused(world, two, replace(leaving, member=world.person(one)), "NOT_AUTHORISED", CLAUSE)
    world.must(one, leaving)
    world.must(one, here)
    world.must("organiser", replace(leaving, member=world.person(one)))
    refused(world, PANEL[0], here, "NOT_ON_ROSTER", CLAUSE)
    refused(world, two, AttendanceRecorded("crafts", EXPERTS), "NOT_ON_ROSTER", CLAUSE)
    refused(world, two, AttendanceRecorded("no-group", EXPERTS), "NOT_ON_ROSTER", CLAUSE)


def test_what_a_score_presupposes() -> None:
    world = open_experts()
    one, two = members(world, EXPERTS, GROUP)[:2]
    anybody = ScoreGiven(world.person(PEOPLE[0]), world.digest("e"), GROUP, (), EXPERTS)
    refused(world, one, anybody, "QUOTA_NOT_CERTIFIED", CLAUSE)
    play_groups(world, EXPERTS)
    own, other = candidates(world, EXPERTS, GROUP), candidates(world, EXPERTS, "crafts")
    refused(world, one, sheet(world, own[0]), "NO_DECLARATION", CLAUSE)
    play_declarations(world, EXPERTS, GROUP)
    refused(world, one, sheet(world, other[0]), "UNKNOWN_CANDIDATE", CLAUSE)
    refused(world, PANEL[0], sheet(world, own[0]), "NOT_ON_ROSTER", CLAUSE)
    refused(world, PANEL[0], revised(sheet(world, own[0])), "NOT_ON_ROSTER", CLAUSE)
    refused(world, one, revised(sheet(world, own[0])), "NOT_SCORED", CLAUSE)
    world.must(one, sheet(world, own[0]))
    world.must(two, sheet(world, own[0]))
    world.must(one, revised(sheet(world, own[0], 81)))


def test_scoring_needs_a_quorum_of_experts() -> None:
    world = open_experts()
    play_groups(world, EXPERTS)
    play_declarations(world, EXPERTS, GROUP)
    experts = members(world, EXPERTS, GROUP)
    for place, expert in enumerate(experts[:3]):
        for candidate in candidates(world, EXPERTS, GROUP):
            world.must(expert, score(world, EXPERTS, GROUP, candidate, percent=80, add=place))

    refusal = refused(world, "organiser", ScoringClosed(GROUP, EXPERTS), "NO_QUORUM", CLAUSE)

    assert refusal.facts == {"present": 3, "needed": 4}
    refused(world, "organiser", ScoringClosed("no-group", EXPERTS), "WRONG_STAGE", CLAUSE)
    refused(world, "organiser", opening(world, EXPERTS, GROUP), "SCORING_OPEN", CLAUSE)


def test_a_stage_without_criteria_has_no_scores() -> None:
    world = world_before("industry")
    world.must("organiser", StageOpened("industry"))
    play_groups(world, "industry")
    group = "food-and-culture"
    member = members(world, "industry", group)[0]
    given = ScoreGiven(world.person(PEOPLE[0]), world.digest("e"), group, (), "industry")

    refused(world, member, given, "WRONG_STAGE", "五(二)")
    refused(world, "organiser", ScoringClosed(group, "industry"), "WRONG_STAGE", "五(二)")


def test_a_score_is_not_revised_once_the_result_is_certified() -> None:
    world = open_experts()
    play_groups(world, EXPERTS)
    play_sitting(world, EXPERTS, GROUP)
    play_round(world, EXPERTS, GROUP)
    certify(world, f"stage:{EXPERTS}:{GROUP}")
    own = candidates(world, EXPERTS, GROUP)

    refused(world, members(world, EXPERTS, GROUP)[0], revised(sheet(world, own[0])), "RESULT_CERTIFIED", CLAUSE)


def test_a_discussion_is_of_members_who_are_there_and_of_candidates() -> None:
    world = world_before("shortlist")
    world.must("organiser", StageOpened("shortlist"))
    people = tuple(sorted(world.person(one) for one in PEOPLE))
    digest = world.digest("minutes")
    for member in PANEL[:6]:
        world.must(member, AttendanceRecorded(None, "shortlist"))
    present = tuple(world.person(one) for one in PANEL[:6])

    def held(attendees: tuple[str, ...], considered: tuple[str, ...] = people) -> DiscussionRecorded:
        return DiscussionRecorded(attendees, considered, None, digest, "shortlist")

    clause = "五(三)"
    refused(world, "organiser", held((*present, world.person(PANEL[6]))), "NOT_PRESENT", clause)
    refused(world, "organiser", held((*present, world.person("organiser"))), "NOT_ON_ROSTER", clause)
    refused(world, "organiser", held(present, (*people, world.person("stranger"))), "UNKNOWN_CANDIDATE", clause)
    refusal = refused(world, "organiser", held(present[:5]), "NO_QUORUM", clause)
    assert refusal.facts == {"present": 5, "needed": 6}
    refused(world, "organiser", held(present[:1] * 6), "NO_QUORUM", clause)
    world.must("organiser", held(present))


def test_whoever_arrives_while_a_round_is_open_is_handed_a_ballot() -> None:
    world = world_before("shortlist")
    world.must("organiser", StageOpened("shortlist"))
    for member in PANEL[:8]:
        world.must(member, AttendanceRecorded(None, "shortlist"))
    world.must("organiser", discussion(world, "shortlist", None))
    played = open_round(world, "shortlist", None)
    assert len(played.issued) == 8

    world.must(PANEL[8], AttendanceRecorded(None, "shortlist"))

    assert len(played.issued) == 9
