"""Disputes D02 to D19: named ballots. What a race or an altered row needs is in the sequencer's own tests."""

from dataclasses import replace

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import play_draw, play_groups
from api.rehearsal.steps_rounds import (
    SCRUTINEERS,
    TELLER,
    SessionPlan,
    ballot,
    candidates,
    certification,
    certify,
    choices_of,
    close_round,
    closing,
    enter_on_paper,
    members,
    open_round,
    opening,
    outcome_of,
    paper_ballot,
    plan_of,
    play_round,
    play_sitting,
)
from ledger.procedure.ballots import list_hash
from ledger.results import session_outcome
from ledger.roll import possession_message
from ledger.signing import SigningKey, encode_base64, key_id
from ledger.state.casts import Grade
from ledger.state.rounds import Round, RoundStatus
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.bodies import DeclarationMade, RecusalMade, Relation, RosterAmended
from ledger.statements.foundation import ActCountersigned, StageClosed, StageOpened
from ledger.statements.naming import FindingClosed
from ledger.statements.roll import KeyRotated
from ledger.statements.rounds import (
    AttendanceLeft,
    AttendanceRecorded,
    AttendanceWitnessed,
    BallotCast,
    BallotDisputed,
    BallotInvalidated,
    BallotReinstated,
    BallotsOpenedEarly,
    CloseConsented,
    DiscussionRecorded,
    ResultCertified,
    RoundReopened,
)
from tests.voting import (
    PANEL,
    PEOPLE,
    dishonest,
    finding,
    findings,
    refused,
    replayed,
    sitting,
    voting,
    world_before,
)

STAGE, CLAUSE, DISPUTED = "shortlist", "五(三)", "七(三)"
CHOICE = PEOPLE[:3]


def everybody_votes(world: World, played: Round, members: tuple[str, ...] = PANEL) -> None:
    for place, member in enumerate(members):
        world.must(member, ballot(world, played.id, PEOPLE[place : place + played.max_approvals]))


def vote_as_planned(world: World, played: Round, plan: SessionPlan | None = None) -> None:
    """Let everybody vote so that the cut is clear."""
    for member, approve in choices_of(world, played, plan or SessionPlan(), {}).items():
        world.must(member, ballot(world, played.id, approve))


def test_D02_a_member_votes_once() -> None:
    world, played = voting()
    first = world.must(PANEL[0], ballot(world, played.id, CHOICE))
    other = ballot(world, played.id, PEOPLE[3:6])

    assert refused(world, PANEL[0], other, "ALREADY_VOTED", CLAUSE).facts == {"first": first.index}
    assert played.ballots[world.person(PANEL[0])].approve == first.body.approve
    world.must(PANEL[1], other)


def test_D03_the_same_counter_with_another_content() -> None:
    world, played = voting()
    world.must(PANEL[0], ballot(world, played.id, CHOICE))
    counter = world.actor(PANEL[0]).counter

    refused(world, PANEL[0], CloseConsented(played.id), "IDEMPOTENCY_CONFLICT", DISPUTED, counter=counter)


def test_D04_of_two_devices_only_the_first_counts() -> None:
    """Both were signed before either arrived, with the same counter; in the log there is one order."""
    world, played = voting()
    devices = [world.envelope(PANEL[0], ballot(world, played.id, PEOPLE[n : n + 3]), counter=9999) for n in (0, 3)]

    answers = [world.ledger.submit(envelope, world.now + 1000) for envelope in devices]

    assert [getattr(answer, "code", "admitted") for answer in answers] == ["admitted", "ALREADY_VOTED"]
    assert len(played.ballots) == 1


def test_D05_before_opening_and_after_closing() -> None:
    world = sitting(STAGE)
    early = BallotCast((), (), (), world.digest("no list"), world.identifier("no round"))
    refused(world, PANEL[0], early, "WRONG_CONTEXT", CLAUSE)

    played = open_round(world, STAGE, None)
    world.must(PANEL[-1], AttendanceLeft(None, None, STAGE))
    vote_as_planned(world, played)
    late = ballot(world, played.id, CHOICE)
    pending = world.must("organiser", closing(world, played.id))
    refused(world, PANEL[-1], late, "ROUND_CLOSED", CLAUSE)
    world.cosign(pending, *SCRUTINEERS)
    refused(world, PANEL[-1], late, "ROUND_CLOSED", CLAUSE)
    certify(world, f"stage:{STAGE}")
    world.must("organiser", StageClosed(STAGE))
    refused(world, PANEL[-1], late, "STAGE_CLOSED", CLAUSE)


def test_D05_a_stage_that_has_not_begun() -> None:
    world = world_before(STAGE)
    early = BallotCast((), (), (), world.digest("no list"), world.identifier("no round"))

    refused(world, PANEL[0], early, "STAGE_NOT_OPEN", "五")


def test_D05_after_the_scheduled_end_the_ledgers_time_decides() -> None:
    world, played = voting()
    world.now = played.closes_at

    refused(world, PANEL[0], ballot(world, played.id, CHOICE), "ROUND_CLOSED", CLAUSE)
    claimed = played.closes_at - 1
    refused(world, PANEL[0], ballot(world, played.id, CHOICE), "ROUND_CLOSED", CLAUSE, claimed_at=claimed)


def test_D06_too_many_unknown_or_twice() -> None:
    world, played = voting()
    stranger = world.person("stranger")
    good = ballot(world, played.id, CHOICE)

    over = refused(world, PANEL[0], ballot(world, played.id, PEOPLE[:15]), "OVERVOTE", CLAUSE)
    assert over.facts == {"approvals": 15, "most": 14}
    unknown = replace(good, against=(stranger,))
    assert refused(world, PANEL[0], unknown, "UNKNOWN_CANDIDATE", CLAUSE).facts == {"candidate": stranger}
    for twice in (replace(good, approve=good.approve[:1] * 2), replace(good, abstain=good.approve[:1])):
        refused(world, PANEL[0], twice, "DUPLICATE_CHOICE", CLAUSE)
    assert played.ballots == {}


def test_D06_a_candidate_of_another_group() -> None:
    world = world_before("industry")
    world.must("organiser", StageOpened("industry"))
    play_groups(world, "industry")
    play_sitting(world, "industry", "food-and-culture")
    played = open_round(world, "industry", "food-and-culture")
    own = candidates(world, "industry", "food-and-culture")
    other = candidates(world, "industry", "manufacturing-and-energy")
    member = members(world, "industry", "food-and-culture")[0]

    refusal = refused(world, member, ballot(world, played.id, [own[0], other[0]]), "UNKNOWN_CANDIDATE", "五(二)")

    assert refusal.facts == {"candidate": world.person(other[0])}
    world.must(member, ballot(world, played.id, [own[0]]))


def test_D07_a_ballot_of_another_stage_year_or_attempt() -> None:
    world, played = voting()
    good = ballot(world, played.id, CHOICE)
    same_people = list_hash("last-year", STAGE, None, played.candidates, played.seats, played.max_approvals)

    for other in (same_people, world.digest("another list"), "", "\uff19"):
        refused(world, PANEL[0], replace(good, list_hash=other), "WRONG_CONTEXT", CLAUSE)
    refused(world, PANEL[0], replace(good, round="last-year"), "WRONG_CONTEXT", CLAUSE)
    refused(world, PANEL[0], good, "WRONG_CONTEXT", DISPUTED, programme=world.digest("last year's charter"))


def test_D08_staff_cannot_vote_for_a_member() -> None:
    world, played = voting()
    body = ballot(world, played.id, CHOICE)

    for staff in ("organiser", TELLER):
        refused(world, staff, body, "NOT_BALLOT_OWNER", CLAUSE)
        refused(world, staff, body, "NOT_BALLOT_OWNER", "五", on_behalf_of=world.person(PANEL[0]))
    refused(world, "organiser", body, "KEY_NOT_OWNERS", DISPUTED, person=world.person(PANEL[0]))
    refused(world, PANEL[1], body, "NOT_BALLOT_OWNER", "五", on_behalf_of=world.person(PANEL[0]))
    assert played.ballots == {}


def test_D08_a_paper_ballot_has_two_signers_and_is_marked_for_ever() -> None:
    world, played = voting()
    body = paper_ballot(world, played.id, PANEL[0], CHOICE)
    act = world.must(TELLER, body, on_behalf_of=body.member, claimed_at=world.now)
    assert played.ballots == {}
    refused(world, TELLER, paper_ballot(world, played.id, PANEL[0], CHOICE), "ALREADY_PENDING", CLAUSE,
            on_behalf_of=body.member)  # fmt: skip
    last = world.cosign(act, SCRUTINEERS[0])

    found = finding(world, "PAPER_BALLOT", "info")

    assert found.entries == (act.index, last.index)
    assert found.facts == {"member": world.person(PANEL[0]), "round": played.id}
    assert played.ballots[world.person(PANEL[0])].grade is Grade.PAPER
    assert findings(world, "BACKDATED") == ()
    refused(world, PANEL[0], ballot(world, played.id, CHOICE), "ALREADY_VOTED", CLAUSE)


def test_D08_a_paper_overvote_must_be_entered_void() -> None:
    world, played = voting()
    over = paper_ballot(world, played.id, PANEL[0], PEOPLE[:15])

    refused(world, TELLER, over, "OVERVOTE", CLAUSE, on_behalf_of=over.member)
    enter_on_paper(world, played.id, PANEL[0], PEOPLE[:15], void="赞成超过名额")
    everybody_votes(world, played, PANEL[1:])
    close_round(world, played.id)

    rows = session_outcome(world.state, played.session).rows  # type: ignore[union-attr]
    assert {row["void"] for row in rows} == {1}
    assert {row["returned"] for row in rows} == {len(PANEL)}


def test_D08_a_paper_ballot_declined_by_the_scrutineer_lapses() -> None:
    world, played = voting()
    body = paper_ballot(world, played.id, PANEL[0], CHOICE)
    act = world.must(TELLER, body, on_behalf_of=body.member)
    world.decline(act, SCRUTINEERS[0])

    world.must(PANEL[0], ballot(world, played.id, CHOICE))
    assert findings(world, "PAPER_BALLOT") == ()


def test_D09_only_the_member_disowns_a_ballot_and_it_stays() -> None:
    world, played = voting()
    cast = world.must(PANEL[0], ballot(world, played.id, CHOICE))
    everybody_votes(world, played, PANEL[1:])
    close_round(world, played.id)
    dispute = BallotDisputed(cast.index, "当时有人在旁，并非本意")
    refused(world, PANEL[1], dispute, "NOT_BALLOT_OWNER", DISPUTED)
    refused(world, PANEL[0], BallotDisputed(0, "并非本意"), "UNKNOWN_BALLOT", DISPUTED)
    act = world.must(PANEL[0], dispute)
    refused(world, PANEL[0], dispute, "ALREADY_DISPUTED", DISPUTED)

    found = finding(world, "BALLOT_DISPUTED", "breach")
    assert found.entries == (cast.index, act.index)
    assert played.ballots[world.person(PANEL[0])].approve == cast.body.approve
    assert replayed(world).rounds.cast.held(cast.index).disputed == act.index


@pytest.mark.parametrize("upheld", [True, False])
def test_D09_a_dispute_waits_for_a_decision_of_two(upheld: bool) -> None:
    world, played = voting()
    cast = world.must(PANEL[0], ballot(world, played.id, CHOICE))
    everybody_votes(world, played, PANEL[1:])
    close_round(world, played.id)
    subject = f"stage:{STAGE}"
    decision = BallotInvalidated(cast.index, "查明受胁迫") if upheld else BallotReinstated(cast.index, "未见胁迫")
    refused(world, "organiser", decision, "BALLOT_NOT_DISPUTED", DISPUTED)
    world.must(PANEL[0], BallotDisputed(cast.index, "并非本意"))
    other = played.ballots[world.person(PANEL[1])].index
    world.must(PANEL[1], BallotDisputed(other, "也非本意"))
    before = outcome_of(world, subject).row(world.person(CHOICE[0]))
    assert before is not None

    world.cosign(world.must("organiser", decision), "discipline")

    after = outcome_of(world, subject).row(world.person(CHOICE[0]))
    assert after is not None
    assert (after["approve"], after["void"]) == (before["approve"] - upheld, int(upheld))
    assert [one.facts["ballot"] for one in world.state.findings.open_breaches()] == [other]
    if upheld:
        refused(world, "organiser", decision, "BALLOT_INVALID", DISPUTED)
        world.cosign(world.must("organiser", BallotReinstated(cast.index, "复查后撤销")), "discipline")
        assert outcome_of(world, subject).row(world.person(CHOICE[0])) == before
    else:
        refused(world, "organiser", decision, "BALLOT_NOT_DISPUTED", DISPUTED)


def test_D09_while_disputed_the_result_is_not_certified() -> None:
    world, played = voting()
    vote_as_planned(world, played)
    close_round(world, played.id)
    cast = played.ballots[world.person(PANEL[0])].index
    world.must(PANEL[0], BallotDisputed(cast, "并非本意"))
    subject = f"stage:{STAGE}"
    refusal = refused(world, "organiser", certification(world, subject), "FINDING_OPEN", CLAUSE)
    assert refusal.facts["finding"] == finding(world, "BALLOT_DISPUTED", "breach").id

    world.cosign(world.must("organiser", BallotReinstated(cast, "未见胁迫")), "discipline")
    certify(world, subject)
    refused(world, PANEL[0], BallotDisputed(cast, "仍然不服"), "ALREADY_DISPUTED", DISPUTED)
    other = played.ballots[world.person(PANEL[1])].index
    world.must(PANEL[1], BallotDisputed(other, "结果公布后才知道有误"))
    world.cosign(world.must("organiser", BallotInvalidated(other, "查明属实")), "discipline")
    late = finding(world, "DECIDED_AFTER_RESULT", "breach")
    assert late.facts == {"ballot": other, "subject": subject}


def test_D10_the_bytes_signed_name_what_was_chosen() -> None:
    """A receipt can show the ballot in words because the entry holds exactly what was signed, list and all."""
    world, played = voting()
    act = world.must(PANEL[0], ballot(world, played.id, CHOICE, against=PEOPLE[3:4]))
    rounds = replayed(world).rounds
    cast = rounds.cast.held(act.index)

    assert [world.alias_of(person) for person in cast.approve] == list(CHOICE)
    assert [world.alias_of(person) for person in cast.against] == [PEOPLE[3]]
    assert rounds.by_id[cast.round].list_hash.encode() in act.signed.payload
    assert act.signed.verify(world.actor(PANEL[0]).key.public)


def test_D11_no_round_opens_without_a_quorum_of_members_who_came() -> None:
    world = sitting(STAGE, plan=SessionPlan())
    for member in PANEL[5:]:
        world.must(member, AttendanceLeft(None, None, STAGE))

    refusal = refused(world, "organiser", opening(world, STAGE, None), "NO_QUORUM", CLAUSE)
    assert refusal.facts == {"present": 5, "needed": 6}
    refused(world, "organiser", AttendanceRecorded(None, STAGE), "NOT_ON_ROSTER", CLAUSE)
    refused(world, PANEL[0], AttendanceRecorded(None, STAGE), "ALREADY_PRESENT", CLAUSE)
    world.must(PANEL[5], AttendanceRecorded(None, STAGE))
    open_round(world, STAGE, None)


def test_D11_presence_entered_by_staff_needs_two_witnesses_and_is_shown() -> None:
    world = sitting(STAGE, plan=SessionPlan(absent=PANEL[8:]))
    body = AttendanceWitnessed(None, world.person(PANEL[8]), "本人密钥未带", STAGE)
    act = world.must("organiser", body)
    world.cosign(act, SCRUTINEERS[0])
    assert world.person(PANEL[8]) not in world.state.rounds.session(STAGE, None).present
    refused(world, SCRUTINEERS[0], ActCountersigned(act.index, act.leaf.hex()), "SECOND_SIGNER_NEEDED", "五")
    last = world.cosign(act, TELLER)

    found = finding(world, "PRESENCE_BY_PROXY", "warn")
    assert found.entries == (act.index, last.index)
    assert found.facts == {"member": world.person(PANEL[8])}
    refused(world, "organiser", AttendanceWitnessed(None, world.person("organiser"), "在场", STAGE), "NOT_ON_ROSTER",
            CLAUSE)  # fmt: skip


def test_D12_below_quorum_a_round_does_not_close_and_is_voted_again() -> None:
    world, played = voting()
    everybody_votes(world, played, PANEL[:5])
    for member in PANEL[5:]:
        left = world.must("organiser", AttendanceLeft(None, world.person(member), STAGE))
        world.cosign(left, SCRUTINEERS[0], TELLER)
    refusal = refused(world, "organiser", closing(world, played.id), "NO_QUORUM", CLAUSE)
    assert refusal.facts == {"present": 5, "needed": 6}

    world.cosign(world.must("organiser", RoundReopened("中途离会，不足法定人数", played.id)), "discipline")

    refused(world, PANEL[5], ballot(world, played.id, CHOICE), "ROUND_CLOSED", CLAUSE)
    for member in PANEL[5:]:
        world.must(member, AttendanceRecorded(None, STAGE))
    again = open_round(world, STAGE, None)
    assert (again.attempt, again.runoff, again.candidates) == (2, 0, played.candidates)
    assert (played.status, len(played.ballots)) == (RoundStatus.REOPENED, 5)
    refused(world, PANEL[0], replace(ballot(world, played.id, CHOICE), round=again.id), "WRONG_CONTEXT", CLAUSE)
    world.must(PANEL[0], ballot(world, again.id, CHOICE))


def test_B10_recusals_that_lose_the_quorum_stop_the_close() -> None:
    world, played = voting()
    target = PEOPLE[0]
    for member in PANEL[:7]:
        world.must(member, RecusalMade(world.person(target), None, "师徒关系", STAGE))
    for member in PANEL:
        world.must(member, ballot(world, played.id, PEOPLE[1:4]))

    refused(world, "organiser", closing(world, played.id), "QUORUM_LOST_BY_RECUSAL", CLAUSE)

    world.cosign(world.must("organiser", RoundReopened("回避后不足法定人数", played.id)), "discipline")
    refused(world, "organiser", opening(world, STAGE, None), "QUORUM_LOST_BY_RECUSAL", CLAUSE)
    reserve = world.state.bodies.roster(STAGE, None).reserves[0]  # type: ignore[union-attr]
    amended = RosterAmended(None, reserve, world.person(PANEL[0]), "回避", STAGE)
    world.must("organiser", amended)
    world.must(world.alias_of(reserve), AttendanceRecorded(None, STAGE))
    world.must(world.alias_of(reserve), DeclarationMade(None, (), STAGE))
    open_round(world, STAGE, None)


def test_D13_a_balance_that_does_not_come_out() -> None:
    world, played = voting()
    enter_on_paper(world, played.id, PANEL[0], PEOPLE[:15], void="赞成超过名额")
    everybody_votes(world, played, PANEL[1:8])
    world.must(PANEL[8], AttendanceLeft(None, None, STAGE))

    wrong: list[tuple[dict[str, int], str]] = [
        ({"issued": 8}, "issued"),
        ({"issued": 10, "unreturned": 2}, "issued"),
        ({"returned": 9, "unreturned": 0}, "returned"),
        ({"unreturned": 0}, "issued"),
        ({"void": 0}, "void"),
    ]
    for change, where in wrong:
        refusal = refused(world, "organiser", closing(world, played.id, **change), "BALANCE_MISMATCH", CLAUSE)
        assert refusal.facts["where"] == where
    close_round(world, played.id)

    for row in outcome_of(world, f"stage:{STAGE}").rows:
        assert row["returned"] == row["approve"] + row["against"] + row["abstain"] + row["void"] + row["recused"] == 8


def test_D13_a_blank_is_an_abstention_and_no_approval() -> None:
    world, played = voting()
    for member in PANEL[:-1]:
        world.must(member, ballot(world, played.id, PEOPLE[:2]))
    world.must(PANEL[-1], ballot(world, played.id, PEOPLE[:1], against=PEOPLE[1:2], abstain=PEOPLE[2:3]))
    close_round(world, played.id)

    rows = {world.alias_of(row["candidate"]): row for row in outcome_of(world, f"stage:{STAGE}").rows}
    counted = [(rows[one]["approve"], rows[one]["against"], rows[one]["abstain"]) for one in PEOPLE[:4]]
    assert counted == [(9, 0, 0), (8, 1, 0), (0, 0, 9), (0, 0, 9)]


def test_H18_a_ballot_that_is_still_on_its_way_stops_the_close() -> None:
    world, played = voting()
    everybody_votes(world, played, PANEL[:-1])
    body = paper_ballot(world, played.id, PANEL[-1], CHOICE)
    stale = closing(world, played.id)
    act = world.must(TELLER, body, on_behalf_of=body.member)
    refused(world, "organiser", stale, "PENDING_SUBMISSIONS", CLAUSE)
    world.cosign(act, SCRUTINEERS[0])
    refused(world, "organiser", stale, "PENDING_SUBMISSIONS", CLAUSE)
    close_round(world, played.id)


def test_D14_opening_ballots_before_the_close_is_on_the_record() -> None:
    world, played = voting()
    body = BallotsOpenedEarly("法院调取", played.id)
    act = world.must("organiser", body)
    assert findings(world, "BALLOTS_OPENED_EARLY") == ()
    last = world.cosign(act, "discipline")

    found = finding(world, "BALLOTS_OPENED_EARLY", "warn")
    assert found.entries == (act.index, last.index)
    assert played.opened_early == last.index
    everybody_votes(world, played)
    close_round(world, played.id)
    refused(world, "organiser", body, "ROUND_CLOSED", CLAUSE)
    refused(world, "organiser", BallotsOpenedEarly("法院调取", "no-round"), "UNKNOWN_ROUND", CLAUSE)


def test_D14_an_open_round_is_not_counted() -> None:
    world, played = voting()
    everybody_votes(world, played)

    assert session_outcome(world.state, played.session) is None


def test_D15_no_early_close_while_somebody_present_has_not_voted() -> None:
    world, played = voting()
    everybody_votes(world, played, PANEL[:-1])

    refusal = refused(world, "organiser", closing(world, played.id), "EARLY_CLOSE", CLAUSE)
    assert refusal.facts == {"waiting": 1, "closes_at": played.closes_at}
    world.must(PANEL[-1], ballot(world, played.id, CHOICE))
    close_round(world, played.id)
    assert findings(world, "EARLY_CLOSE") == ()


def test_D15_all_present_consent_or_the_time_is_up() -> None:
    world, played = voting()
    everybody_votes(world, played, PANEL[:-1])
    for member in PANEL[:-1]:
        world.must(member, CloseConsented(played.id))
    refused(world, "organiser", closing(world, played.id), "EARLY_CLOSE", CLAUSE)
    refused(world, PANEL[0], CloseConsented(played.id), "ALREADY_CONSENTED", CLAUSE)
    refused(world, "organiser", CloseConsented(played.id), "NOT_PRESENT", CLAUSE)
    world.must(PANEL[-1], CloseConsented(played.id))
    close_round(world, played.id)
    refused(world, PANEL[0], CloseConsented(played.id), "ROUND_CLOSED", CLAUSE)

    other, waited = voting()
    everybody_votes(other, waited, PANEL[:-1])
    other.now = waited.closes_at
    close_round(other, waited.id)
    assert waited.status is RoundStatus.CLOSED


def test_D15_a_dishonest_log_shows_its_early_close() -> None:
    world, played = voting()
    everybody_votes(world, played, PANEL[:-1])
    dishonest(world, "organiser", closing(world, played.id))

    found = finding(world, "EARLY_CLOSE", "breach")
    assert found.entries == (played.opened, world.state.size - 1)


def test_D16_voting_again_and_again_is_a_breach_and_everything_is_kept() -> None:
    world, played = voting()
    everybody_votes(world, played)
    close_round(world, played.id)
    first = world.must("organiser", RoundReopened("计票有误", played.id))
    assert played.status is RoundStatus.CLOSED
    world.cosign(first, "discipline")
    assert findings(world, "REPEATED_VOTE") == ()
    refused(world, "organiser", RoundReopened("计票有误", played.id), "ROUND_REOPENED", CLAUSE)
    refused(world, "organiser", RoundReopened("计票有误", "no-round"), "UNKNOWN_ROUND", CLAUSE)

    again = play_round(world, STAGE, None)
    second = world.must("organiser", RoundReopened("结果有异议", again.id))
    last = world.cosign(second, "discipline")

    found = finding(world, "REPEATED_VOTE", "breach")
    assert found.entries == (first.index, second.index, last.index)
    assert found.facts == {"subject": f"stage:{STAGE}", "times": 2}
    third = play_round(world, STAGE, None)
    assert [one.attempt for one in played.session.rounds] == [1, 2, 3]
    assert [len(one.ballots) for one in played.session.rounds] == [9, 9, 9]
    refused(world, "organiser", certification(world, f"stage:{STAGE}"), "FINDING_OPEN", CLAUSE)
    assert third.session.main is third


def test_D16_auditors_close_the_breach_and_a_certified_result_is_not_reopened() -> None:
    world, played = voting()
    for _ in range(2):
        current = played.session.current
        assert current is not None
        world.cosign(world.must("organiser", RoundReopened("会场断电", current.id)), "discipline")
        open_round(world, STAGE, None)
    current = played.session.current
    assert current is not None
    world.cosign(world.must("organiser", RoundReopened("会场断电", current.id)), "discipline")
    again = play_round(world, STAGE, None)
    world.enrol("discipline-2", "discipline")
    for one in findings(world, "REPEATED_VOTE"):
        world.cosign(world.must("discipline", FindingClosed(one.id, "断电属实")), "discipline-2")
    certify(world, f"stage:{STAGE}")

    refused(world, "organiser", RoundReopened("再投一次", again.id), "RESULT_CERTIFIED", CLAUSE)


def test_D17_the_order_on_the_list_is_declared_or_drawn() -> None:
    world = sitting(STAGE)
    body = opening(world, STAGE, None)
    assert list(body.candidates) == sorted(body.candidates)
    swapped = (body.candidates[1], body.candidates[0], *body.candidates[2:])
    hashed = list_hash(body.round, STAGE, None, swapped, body.seats, body.max_approvals)
    other = replace(body, candidates=swapped, list_hash=hashed)
    assert refused(world, "organiser", other, "LIST_NOT_DERIVED", CLAUSE).facts == {"where": "candidates"}

    drawn = play_draw(world, "order", f"stage:{STAGE}", body.candidates)

    refused(world, "organiser", body, "LIST_NOT_DERIVED", CLAUSE)
    assert open_round(world, STAGE, None).candidates == drawn


@pytest.mark.parametrize("conflict", ["member", "unit", "kin"])
def test_D18_a_scrutineer_close_to_the_body_or_a_candidate(conflict: str) -> None:
    world = world_before(STAGE)
    applied = world.state.applications.of_person(world.person(PEOPLE[0]))
    assert applied is not None
    unit = {"unit": applied.unit}.get(conflict, "elsewhere")
    if conflict != "member":
        world.enrol("watcher", "scrutineer", unit=unit)
    world.must("organiser", StageOpened(STAGE))
    play_sitting(world, STAGE, None)
    played = open_round(world, STAGE, None)
    if conflict == "kin":
        relation = Relation(world.person(PEOPLE[3]), "kin")
        world.must("watcher", DeclarationMade(None, (relation,), STAGE))
    everybody_votes(world, played)
    act = world.must("organiser", closing(world, played.id))
    watcher = PANEL[0] if conflict == "member" else "watcher"

    refusal = refused(world, watcher, ActCountersigned(act.index, act.leaf.hex()), "SCRUTINEER_CONFLICT", CLAUSE)

    assert refusal.facts["relation"] == conflict
    world.cosign(act, *SCRUTINEERS)
    assert played.status is RoundStatus.CLOSED


def test_D18_two_different_scrutineers_or_no_result() -> None:
    world, played = voting()
    vote_as_planned(world, played)
    subject = f"stage:{STAGE}"
    act = world.must("organiser", closing(world, played.id))
    seen = world.ledger.seen()
    assert seen is not None
    world.cosign(act, SCRUTINEERS[0])
    refused(world, SCRUTINEERS[0], ActCountersigned(act.index, act.leaf.hex()), "SECOND_SIGNER_NEEDED", "五")
    body = ResultCertified(1, "ranking@1", 1, world.digest("rows"), world.digest("rules"), subject, seen.root, 1)
    assert refused(world, "organiser", body, "SCRUTINEER_MISSING", CLAUSE).facts == {"round": played.id, "signed": 1}
    world.cosign(act, SCRUTINEERS[1])
    certify(world, subject)


def test_D18_a_declined_close_stops_ballots_until_the_round_is_reopened() -> None:
    world, played = voting()
    everybody_votes(world, played)
    act = world.must("organiser", closing(world, played.id))
    world.decline(act, SCRUTINEERS[1], "收回票数与票箱不符")

    assert played.status is RoundStatus.DECLINED
    refused(world, "organiser", closing(world, played.id), "ROUND_CLOSED", CLAUSE)
    with pytest.raises(LookupError, match="ROUND_NOT_CLOSED"):
        plan_of(world, STAGE, None)
    world.cosign(world.must("organiser", RoundReopened("票数不符", played.id)), "discipline")
    assert play_round(world, STAGE, None).attempt == 2


def test_D18_a_close_of_a_reopened_round_is_not_signed_any_more() -> None:
    world, played = voting()
    everybody_votes(world, played)
    act = world.must("organiser", closing(world, played.id))
    world.cosign(world.must("organiser", RoundReopened("票箱被动过", played.id)), "discipline")

    refused(world, SCRUTINEERS[0], ActCountersigned(act.index, act.leaf.hex()), "ROUND_REOPENED", "五")


def test_D19_a_removal_leaves_the_ballots_and_shows_whom_it_lets_in() -> None:
    world, played = voting()
    vote_as_planned(world, played, SessionPlan(order=PEOPLE))
    close_round(world, played.id)
    subject = f"stage:{STAGE}"
    before = outcome_of(world, subject)
    gone, in_now = PEOPLE[0], world.person(PEOPLE[14])
    assert in_now not in before.taken
    application = world.state.applications.of_person(world.person(gone))
    assert application is not None
    withdrawal = world.must(gone, ApplicationWithdrawn(application.application, "个人原因"))

    act = certify(world, subject)

    outcome = world.state.rounds.session(STAGE, None).outcome
    assert outcome is not None
    assert in_now in outcome.taken
    row = outcome.row(world.person(gone))
    kept = before.row(world.person(gone))
    assert row is not None
    assert kept is not None
    assert (row["status"], row["rank"], row["approve"]) == ("removed", 0, kept["approve"])
    assert row["rank_with_removed"] == kept["rank"]
    found = finding(world, "REMOVAL_CHANGES_CUTOFF", "warn")
    assert found.entries == (played.closed, withdrawal.index, act.index)
    assert found.facts == {"subject": subject, "removed": world.person(gone)}
    assert len(played.ballots) == len(PANEL)


def test_D19_a_removal_below_the_cut_changes_nothing() -> None:
    world, played = voting()
    vote_as_planned(world, played, SessionPlan(order=PEOPLE))
    close_round(world, played.id)
    application = world.state.applications.of_person(world.person(PEOPLE[-1]))
    assert application is not None
    world.must(PEOPLE[-1], ApplicationWithdrawn(application.application, "个人原因"))
    certify(world, f"stage:{STAGE}")

    assert findings(world, "REMOVAL_CHANGES_CUTOFF") == ()


def test_H04_a_new_key_gives_no_second_ballot() -> None:
    world, played = voting()
    world.must(PANEL[0], ballot(world, played.id, CHOICE))
    old = world.actor(PANEL[0])
    new = SigningKey.from_seed(bytes.fromhex(world.digest("a new key")))
    challenge = world.digest("challenge")
    message = possession_message(world.state.charter.id, old.person, key_id(new.public), challenge)
    public = encode_base64(new.public)
    world.must(PANEL[0], KeyRotated("ed25519", challenge, encode_base64(new.sign(message)), public))
    old.key = new

    refused(world, PANEL[0], ballot(world, played.id, PEOPLE[3:6]), "ALREADY_VOTED", CLAUSE)


def test_a_member_must_have_come_and_declared() -> None:
    world, played = voting(plan=SessionPlan(absent=PANEL[8:]))
    body = ballot(world, played.id, CHOICE)
    refused(world, PANEL[8], body, "NOT_PRESENT", CLAUSE)
    world.must(PANEL[8], AttendanceRecorded(None, STAGE))
    world.must(PANEL[8], body)
    assert world.person(PANEL[8]) in played.issued
    refused(world, PEOPLE[0], body, "NOT_ON_ROSTER", CLAUSE)


def test_nothing_opens_undiscussed() -> None:
    world = world_before(STAGE)
    world.must("organiser", StageOpened(STAGE))
    for member in PANEL:
        world.must(member, AttendanceRecorded(None, STAGE))
    refused(world, "organiser", opening(world, STAGE, None), "DISCUSSION_MISSING", CLAUSE)
    people = tuple(sorted(world.person(one) for one in PEOPLE[1:]))
    present = tuple(sorted(world.person(one) for one in PANEL))
    world.must("organiser", DiscussionRecorded(present, people, None, world.digest("minutes"), STAGE))

    refusal = refused(world, "organiser", opening(world, STAGE, None), "DISCUSSION_MISSING", CLAUSE)

    assert refusal.facts == {"candidate": world.person(PEOPLE[0])}
    refused(world, PANEL[0], ballot(*_opened(world), CHOICE), "NO_DECLARATION", CLAUSE)


def _opened(world: World) -> tuple[World, str]:
    present = tuple(sorted(world.person(one) for one in PANEL))
    missing = (world.person(PEOPLE[0]),)
    world.must("organiser", DiscussionRecorded(present, missing, None, world.digest("more"), STAGE))
    return world, open_round(world, STAGE, None).id
