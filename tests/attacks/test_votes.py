"""Attempts on named ballots: to close early, to silence a member, to vote before the round, to stall everybody."""

from api.rehearsal.driver import World
from api.rehearsal.steps_rounds import (
    SCRUTINEERS,
    TELLER,
    ballot,
    certification,
    close_round,
    closing,
    enter_on_paper,
    paper_ballot,
)
from ledger.decisions.scrutiny import conflict_of
from ledger.signing import key_id
from ledger.state.rounds import Round
from ledger.statements.foundation import ActCountersigned
from ledger.statements.roll import KeyRevoked
from ledger.statements.rounds import (
    AttendanceLeft,
    AttendanceRecorded,
    BallotDisputed,
    BallotInvalidated,
    BallotReinstated,
)
from tests.disputes.test_section_4 import everybody_votes, vote_as_planned
from tests.voting import PANEL, PEOPLE, finding, refused, voting, world_before

STAGE, CLAUSE = "shortlist", "五(三)"


def revoke(world: World, alias: str) -> KeyRevoked:
    return KeyRevoked("lost", key_id(world.actor(alias).key.public), world.person(alias), "据报遗失", None)


def test_an_organiser_does_not_close_early_by_recording_that_the_others_left() -> None:
    world, played = voting()
    everybody_votes(world, played, PANEL[:7])
    gone = world.person(PANEL[7])
    act = world.must("organiser", AttendanceLeft(None, gone, STAGE))
    refused(world, "organiser", closing(world, played.id), "EARLY_CLOSE", CLAUSE)
    world.must(PANEL[7], ballot(world, played.id, PEOPLE[:3]))
    world.cosign(act, SCRUTINEERS[0], TELLER)
    assert gone not in world.state.rounds.session(STAGE, None).present


def test_who_left_before_the_witnesses_signed_is_not_sent_away_twice() -> None:
    world, _ = voting()
    act = world.must("organiser", AttendanceLeft(None, world.person(PANEL[7]), STAGE))
    world.cosign(act, SCRUTINEERS[0])
    world.must(PANEL[7], AttendanceLeft(None, None, STAGE))
    refused(world, TELLER, ActCountersigned(act.index, act.leaf.hex()), "NOT_PRESENT", CLAUSE)
    world.must(PANEL[7], AttendanceRecorded(None, STAGE))


def test_a_member_does_not_stall_every_result_by_disowning_the_same_ballot_again() -> None:
    world, played = voting()
    cast = world.must(PANEL[0], ballot(world, played.id, PEOPLE[:3]))
    first = world.must(PANEL[0], BallotDisputed(cast.index, "并非本人意愿"))
    world.cosign(world.must("organiser", BallotReinstated(cast.index, "经查不属实")), "discipline")
    again = refused(world, PANEL[0], BallotDisputed(cast.index, "还是不认"), "ALREADY_DISPUTED", "七(三)")
    assert again.facts == {"index": first.index}
    assert world.state.findings.open_breaches() == ()


def test_a_decided_ballot_can_be_decided_the_other_way_once_more_by_the_same_two() -> None:
    world, played = voting()
    cast = world.must(PANEL[0], ballot(world, played.id, PEOPLE[:3]))
    world.must(PANEL[0], BallotDisputed(cast.index, "并非本人意愿"))
    world.cosign(world.must("organiser", BallotInvalidated(cast.index, "经查属实")), "discipline")
    world.cosign(world.must("organiser", BallotReinstated(cast.index, "复核后撤销")), "discipline")
    assert played.ballots[world.person(PANEL[0])].invalid is None


def test_a_paper_ballot_attested_for_a_time_before_the_round_is_no_ballot_of_it() -> None:
    world, played = voting()
    body = paper_ballot(world, played.id, PANEL[0], PEOPLE[:3])
    early = {"on_behalf_of": body.member, "claimed_at": played.opened_at - 1}
    refused(world, TELLER, body, "STAGE_NOT_OPEN", CLAUSE, **early)
    refused(world, TELLER, body, "ARRIVAL_IN_FUTURE", CLAUSE, on_behalf_of=body.member, claimed_at=world.now + 10**6)
    enter_on_paper(world, played.id, PANEL[0], PEOPLE[:3])


def test_a_member_of_another_group_of_the_same_body_watches_over_no_count() -> None:
    world = world_before("experts")
    rosters = world.state.bodies.rosters
    colleague = rosters["experts", "metalworking"].members[0]
    session = world.state.rounds.session("experts", "power")
    played = Round("r", session, 0, 1, (), frozenset(), 0, 0, "0" * 64, 0, 0, 0, set())
    refusal = conflict_of(world.state, played, colleague)
    assert refusal is not None
    assert (refusal.code, refusal.facts["relation"]) == ("SCRUTINEER_CONFLICT", "member")


def test_a_registrar_who_blocks_a_member_while_the_round_runs_leaves_a_breach() -> None:
    world, played = voting()
    act = world.must("registrar", revoke(world, PANEL[8]))
    everybody_votes(world, played, PANEL[:8])
    refused(world, PANEL[8], ballot(world, played.id, PEOPLE[:3]), "KEY_REVOKED", "七(三)")
    world.now = played.closes_at
    close_round(world, played.id)
    declined = world.decline(act, "discipline")
    found = finding(world, "KEY_BLOCKED_IN_ROUND", "breach")
    assert found.entries == (act.index, declined.index)
    assert found.facts == {"member": world.person(PANEL[8]), "round": played.id}


def test_a_declined_revocation_of_somebody_who_voted_all_the_same_is_no_breach() -> None:
    world, played = voting()
    vote_as_planned(world, played)
    act = world.must("registrar", revoke(world, PANEL[8]))
    close_round(world, played.id)
    world.decline(act, "discipline")
    world.must("organiser", certification(world, played.session.subject))
