"""Attempts on named votes: two voices from one seat, fewer seats after the votes, an end before all have spoken."""

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import close_vote, leaders, play_inspection, play_vote, propose, voices
from api.rehearsal.steps_stages import enter
from ledger.procedure.programme import StageKind
from ledger.state.voters import members
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.roll import OfficeSucceeded, RoleWithdrawn
from tests.finalists import at_final, nominees, refuses
from tests.plays import flagged, replayed
from tests.states import shape


def proposed() -> tuple[World, str]:
    """Return a world in which the leaders are to vote on the proposed list, and the matter."""
    world = at_final()
    enter(world, StageKind.DELIBERATION)
    play_inspection(world)
    return world, propose(world)


def succession(world: World, leaving: str, coming: str) -> OfficeSucceeded:
    return OfficeSucceeded(world.person(leaving), "调离", "leader", world.person(coming))


def test_a_successor_has_no_second_voice_where_the_predecessor_has_voted() -> None:
    world, matter = proposed()
    group, target = leaders(world), nominees(world)[0]
    half = len(group) // 2
    play_vote(world, matter, group[:half], [target])
    for place in (0, 1):
        world.enrol(f"next-{place}", unit=world.actor(group[0]).unit)
        leaving = group[0] if place == 0 else "next-0"
        world.cosign(world.must("registrar", succession(world, leaving, f"next-{place}")), "discipline")
    subjects = world.state.deliberation.matters[matter].subjects
    again = DeliberationVoted(matter, voices(subjects, [target]))
    first = world.state.deliberation.matters[matter].votes[world.person(group[0])].index
    refuses(world, "next-1", again, "ALREADY_VOTED", "五(六)", first=first)
    assert members(world.state, matter, target) == (len(group), 0)
    play_vote(world, matter, group[half:])
    close_vote(world, matter)
    assert target in world.state.deliberation.agreed
    assert shape(replayed(world)) == shape(world.state)


def test_a_successor_votes_where_the_predecessor_has_not() -> None:
    world, matter = proposed()
    group = leaders(world)
    world.enrol("next", unit=world.actor(group[0]).unit)
    world.cosign(world.must("registrar", succession(world, group[0], "next")), "discipline")
    play_vote(world, matter, ["next", *group[1:]])
    assert members(world.state, matter, nominees(world)[0]) == (len(group), 0)
    close_vote(world, matter)


def test_nobody_takes_over_a_seat_beside_an_own_one() -> None:
    world, _ = proposed()
    group = leaders(world)
    refuses(world, "registrar", succession(world, group[0], group[1]), "ROLE_HELD", "七(三)")


def test_a_majority_is_not_made_by_withdrawing_seats_after_the_votes() -> None:
    world, matter = proposed()
    group, target = leaders(world), nominees(world)[0]
    half = len(group) // 2
    play_vote(world, matter, group[:half], [target])
    play_vote(world, matter, group[half:])
    withdrawn = RoleWithdrawn(world.person(group[-1]), "岗位调整", "leader")
    world.cosign(world.must("registrar", withdrawn), "discipline")
    assert members(world.state, matter, target) == (len(group), 0)
    close_vote(world, matter)
    assert target in world.state.deliberation.agreed


def test_a_vote_that_ends_while_those_who_are_missing_could_turn_it_is_shown() -> None:
    world, matter = proposed()
    group, target = leaders(world), nominees(world)[0]
    play_vote(world, matter, group[:6], [target])
    play_vote(world, matter, group[6:10])
    act = close_vote(world, matter)
    found = flagged(world, "VOICES_OUTSTANDING", "warn", act.index)
    assert found.facts == {"matter": matter, "missing": 2}


def test_a_vote_that_nobody_could_turn_any_more_ends_quietly() -> None:
    world, matter = proposed()
    play_vote(world, matter, leaders(world)[:10])
    close_vote(world, matter)
    assert not [one for one in world.state.findings.by_id.values() if one.code == "VOICES_OUTSTANDING"]
