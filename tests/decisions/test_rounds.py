"""Opening, voting, closing, reopening and certifying: the refusals that no dispute row names, and what readings do."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import play_groups
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
    members,
    open_round,
    opening,
    outcome_of,
    paper_ballot,
    plan_of,
    play_people,
    play_round,
    play_sitting,
)
from ledger.decisions.registry import Asked
from ledger.decisions.sessions import stage_asked
from ledger.derivation import derive, rules_of
from ledger.lists import entering, final_order
from ledger.place_reasons import reasons
from ledger.procedure.ranking import RecusalRanking
from ledger.results import session_outcome
from ledger.round_plan import exhausted_tie
from ledger.state.rounds import Round, RoundStatus
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.bodies import RecusalMade
from ledger.statements.foundation import ActCountersigned, ActDeclined, StageClosed, StageOpened
from ledger.statements.roll import KeyRevoked
from ledger.statements.rounds import (
    BallotInvalidated,
    BallotReinstated,
    CloseConsented,
    ResultCertified,
    RoundClosed,
    RoundOpened,
    RoundReopened,
    TieResolved,
)
from tests.voting import (
    PANEL,
    PEOPLE,
    changed,
    dishonest,
    finding,
    findings,
    play_until,
    prepared,
    refused,
    replayed,
    sitting,
    voting,
    world_before,
)

STAGE, CLAUSE, SUBJECT = "shortlist", "五(三)", "stage:shortlist"


def vote(world: World, played: Round, plan: SessionPlan | None = None) -> None:
    for member, approve in choices_of(world, played, plan or SessionPlan(), {}).items():
        world.must(member, ballot(world, played.id, approve))


def test_only_the_round_that_is_due_opens() -> None:
    world = sitting(STAGE)
    body = opening(world, STAGE, None)
    changes: dict[str, object] = {"runoff": 1, "attempt": 2, "list_hash": world.digest("another list")}
    for where, value in changes.items():
        other = opening(world, STAGE, None, **{where: value})
        assert refused(world, "organiser", other, "LIST_NOT_DERIVED", CLAUSE).facts == {"where": where}
    refused(world, "organiser", replace(body, closes_at=world.now), "CLOSING_TIME_PAST", CLAUSE)
    refused(world, "organiser", replace(body, group="power"), "UNKNOWN_GROUP", CLAUSE)
    refused(world, "registrar", body, "NOT_AUTHORISED", "五")
    played = open_round(world, STAGE, None)
    refused(world, "organiser", body, "ROUND_EXISTS", CLAUSE)
    refused(world, "organiser", replace(body, round="second"), "ROUND_NOT_CLOSED", CLAUSE)
    vote(world, played)
    close_round(world, played.id)
    refused(world, "organiser", replace(body, round="second"), "NO_ROUND_DUE", CLAUSE)
    certify(world, SUBJECT)
    refused(world, "organiser", replace(body, round="second"), "RESULT_CERTIFIED", CLAUSE)


def test_a_group_round_waits_for_table_roster_and_scores() -> None:
    world = world_before("experts")
    world.must("organiser", StageOpened("experts"))
    due = replace(opening_like(world), stage="experts", group="power")
    refused(world, "organiser", due, "QUOTA_NOT_CERTIFIED", "五(一)")
    refused(world, "organiser", StageClosed("experts"), "QUOTA_NOT_CERTIFIED", "五(一)")
    play_groups(world, "experts")
    refused(world, "organiser", replace(due, group=None), "UNKNOWN_GROUP", "五(一)")
    refused(world, "organiser", due, "SCORING_OPEN", "五(一)")
    refusal = refused(world, "organiser", StageClosed("experts"), "RESULT_NOT_CERTIFIED", "五(一)")
    assert refusal.facts == {"subject": "stage:experts:metalworking"}


def opening_like(world: World) -> RoundOpened:
    return RoundOpened(1, (), world.now + 10_000, None, world.digest("list"), 1, "r-1", 0, 1, "experts")


def test_a_panel_without_a_roster() -> None:
    world = prepared()
    play_until(world, STAGE)
    world.must("organiser", StageOpened(STAGE))

    refused(world, "organiser", opening(world, STAGE, None), "ROSTER_MISSING", CLAUSE)
    refused(world, "organiser", StageClosed(STAGE), "RESULT_NOT_CERTIFIED", CLAUSE)


def test_nobody_left_to_vote_on() -> None:
    world = sitting(STAGE)
    body = opening(world, STAGE, None)
    for one in PEOPLE:
        application = world.state.applications.of_person(world.person(one))
        assert application is not None
        world.must(one, ApplicationWithdrawn(application.application, "个人原因"))

    refused(world, "organiser", body, "NO_CANDIDATES", CLAUSE)


def test_too_few_for_the_shortlist_all_pass() -> None:
    world = sitting(STAGE)
    for one in PEOPLE[12:]:
        application = world.state.applications.of_person(world.person(one))
        assert application is not None
        world.must(one, ApplicationWithdrawn(application.application, "个人原因"))

    due = plan_of(world, STAGE, None)
    assert (len(due.candidates), due.seats, due.max_approvals) == (12, 12, 12)
    play_round(world, STAGE, None)
    certify(world, SUBJECT)
    outcome = world.state.rounds.session(STAGE, None).outcome
    assert outcome is not None
    assert len(outcome.taken) == 12


def test_a_close_names_an_open_round() -> None:
    world, played = voting()
    balance = closing(world, played.id)
    refused(world, "organiser", replace(balance, round="no-round"), "UNKNOWN_ROUND", CLAUSE)
    refused(world, PANEL[0], CloseConsented("no-round"), "UNKNOWN_ROUND", CLAUSE)
    refused(world, TELLER, replace(paper_ballot(world, played.id, PANEL[0], ()), round="no-round"), "WRONG_CONTEXT",
            CLAUSE, on_behalf_of=world.person(PANEL[0]))  # fmt: skip
    refused(world, "registrar", balance, "NOT_AUTHORISED", "五")


def test_a_paper_ballot_is_judged_by_the_time_it_was_given() -> None:
    world, played = voting()
    body = paper_ballot(world, played.id, PANEL[0], PEOPLE[:3])
    world.now = played.closes_at + 1000

    refused(world, TELLER, body, "ROUND_CLOSED", CLAUSE, on_behalf_of=body.member)
    late = played.closes_at
    refused(world, TELLER, body, "ROUND_CLOSED", CLAUSE, on_behalf_of=body.member, claimed_at=late)
    act = world.must(TELLER, body, on_behalf_of=body.member, claimed_at=late - 1)
    world.cosign(act, SCRUTINEERS[1])
    assert findings(world, "BACKDATED") == ()


def test_a_paper_ballot_is_not_entered_or_signed_by_whom_it_concerns() -> None:
    world, played = voting()
    world.grant("scrutineer-1", "inspector")
    body = paper_ballot(world, played.id, PANEL[0], (PEOPLE[0], "stranger"))
    refused(world, TELLER, body, "UNKNOWN_CANDIDATE", CLAUSE, on_behalf_of=body.member)
    outsider = replace(body, member=world.person("organiser"))
    refused(world, TELLER, outsider, "NOT_BALLOT_OWNER", CLAUSE, on_behalf_of=outsider.member)
    refused(world, "organiser", body, "NOT_AUTHORISED", "五", on_behalf_of=body.member)
    refused(world, TELLER, body, "ON_BEHALF_MISMATCH", "五")


def test_a_ballot_of_a_stolen_key_can_be_invalidated() -> None:
    world, played = voting()
    vote(world, played)
    close_round(world, played.id)
    cast = played.ballots[world.person(PANEL[0])]
    body = BallotInvalidated(cast.index, "密钥被盗期间所投")
    refused(world, "organiser", body, "BALLOT_NOT_DISPUTED", "七(三)")
    refused(world, "organiser", BallotInvalidated(0, "不是选票"), "UNKNOWN_BALLOT", "七(三)")
    refused(world, "organiser", BallotReinstated(0, "不是选票"), "UNKNOWN_BALLOT", "七(三)")
    assert cast.key is not None
    revoked = KeyRevoked("lost", cast.key, world.person(PANEL[0]), "设备遗失", played.opened)
    world.cosign(world.must("registrar", revoked), "discipline")
    assert finding(world, "KEY_SUSPECT", "breach").facts["ballot"] == cast.index

    world.cosign(world.must("organiser", body), "discipline")

    assert {row["void"] for row in outcome_of(world, SUBJECT).rows} == {1}
    assert replayed(world).rounds.cast.held(cast.index).invalid is not None


def test_the_share_decides_where_the_programme_says_so_and_the_other_reading_is_shown() -> None:
    """One candidate with a recused member has fewer approvals of fewer possible ones."""
    few, many = PEOPLE[13], PEOPLE[14]
    plan = SessionPlan(
        order=PEOPLE,
        recusals=[(member, few) for member in PANEL[:3]],
        approvals=dict.fromkeys(PEOPLE[:13], 8) | {few: 5, many: 6} | dict.fromkeys(PEOPLE[15:], 0),
    )
    for reading, taken in ((RecusalRanking.RAW, many), (RecusalRanking.SHARE, few)):
        world = prepared(changed(readings={"recusal_ranking": reading.value}))
        play_until(world, STAGE)
        play_people(world, STAGE)
        world.must("organiser", StageOpened(STAGE))
        play_sitting(world, STAGE, None, plan)
        play_round(world, STAGE, None, plan)
        certify(world, SUBJECT)

        outcome = world.state.rounds.session(STAGE, None).outcome
        assert outcome is not None
        assert world.person(taken) in outcome.taken
        row = outcome.row(world.person(few))
        assert row is not None
        assert (row["approve"], row["possible"], row["recused"]) == (5, 6, 3)
        facts = finding(world, "RECUSAL_CHANGES_CUT", "warn").facts
        assert (facts["by_votes"], facts["by_share"]) == (world.person(many), world.person(few))


def test_a_recusal_takes_nothing_from_a_ballot_that_was_in_before() -> None:
    world, played = voting()
    vote(world, played)
    target = world.alias_of(played.ballots[world.person(PANEL[0])].approve[0])
    world.must(PANEL[0], RecusalMade(world.person(target), None, "事后想起师徒关系", STAGE))
    close_round(world, played.id)

    row = outcome_of(world, SUBJECT).row(world.person(target))
    assert row is not None
    assert (row["recused"], row["possible"]) == (0, len(PANEL))


def test_tied_alternates_are_put_in_order_by_a_runoff_where_nothing_else_does() -> None:
    world = prepared("labour-medal-2024")
    stage, clause = "jury-vote", "第六条"
    play_until(world, stage)
    play_people(world, stage)
    world.must("organiser", StageOpened(stage))
    play_sitting(world, stage, None)
    listed = candidates(world, stage, None)
    wanted = dict.fromkeys(listed[:6], 5) | {listed[6]: 4, listed[7]: 4} | dict.fromkeys(listed[8:], 0)
    play_round(world, stage, None, SessionPlan(approvals=wanted))
    due = plan_of(world, stage, None)
    assert ({world.alias_of(one) for one in due.candidates}, due.seats, due.runoff) == ({*listed[6:8]}, 1, 1)
    refused(world, "organiser", certification(world, f"stage:{stage}"), "TIE_UNRESOLVED", clause)
    last = play_round(world, stage, None, SessionPlan(), {listed[6]: 3, listed[7]: 4})
    assert exhausted_tie(world.state, last.session) is None
    certify(world, f"stage:{stage}")

    assert exhausted_tie(world.state, last.session) is None
    final = world.state.rounds.final
    assert final is not None
    assert final.alternates == (world.person(listed[7]), world.person(listed[6]))
    assert len(final.nominees) == 6


def test_equal_scores_and_the_mean_in_words() -> None:
    """In the expert groups equal approvals go by the mean score, and the explanation shows it."""
    world = world_before("experts")
    world.must("organiser", StageOpened("experts"))
    play_groups(world, "experts")
    group = "crafts"
    seats = world.state.bodies.seats("experts", group)
    assert seats is not None
    play_sitting(world, "experts", group)
    listed = candidates(world, "experts", group)
    play_round(world, "experts", group, SessionPlan(approvals=dict.fromkeys(listed, 3)))
    certify(world, f"stage:experts:{group}")

    outcome = world.state.rounds.session("experts", group).outcome
    assert outcome is not None
    assert [world.alias_of(row["candidate"]) for row in outcome.rows] == list(listed)
    why = reasons(world.state, outcome, world.person(listed[0]))
    assert [one.code for one in why] == ["PLACE_BY_APPROVALS", "TIED_WITH", "SEPARATED_BY_MEAN_SCORE"]
    assert why[-1].entries == (world.state.rounds.session("experts", group).scoring_closed,)
    assert reasons(world.state, outcome, world.person(PANEL[0])) == ()


def test_somebody_removed_has_a_reason_too() -> None:
    world, played = voting()
    vote(world, played, SessionPlan(order=PEOPLE))
    close_round(world, played.id)
    application = world.state.applications.of_person(world.person(PEOPLE[0]))
    assert application is not None
    act = world.must(PEOPLE[0], ApplicationWithdrawn(application.application, "个人原因"))

    outcome = outcome_of(world, SUBJECT)
    (why,) = reasons(world.state, outcome, world.person(PEOPLE[0]))
    assert (why.code, why.facts["cause"], why.entries) == ("REMOVED", "withdrawn", (played.closed, act.index))


def test_a_dishonest_log_certifies_nothing_that_was_never_closed() -> None:
    world, played = voting()
    vote(world, played)
    close = world.must("organiser", closing(world, played.id))
    seen = world.ledger.seen()
    assert seen is not None
    body = certification_like(world, seen.size, seen.root)
    dishonest(world, "organiser", body)
    assert played.session.outcome is None
    dishonest(world, "organiser", TieResolved(tuple(played.candidates), "会上商定", played.id))
    assert played.session.resolutions == []
    dishonest(world, "organiser", RoundReopened("暗中重投", played.id))
    world.cosign(next(one.act for one in world.state.pending.values() if one.act.index != close.index), "discipline")
    assert played.status is RoundStatus.REOPENED
    dishonest(world, SCRUTINEERS[0], ActCountersigned(close.index, close.leaf.hex()))
    dishonest(world, SCRUTINEERS[1], ActCountersigned(close.index, close.leaf.hex()))
    assert played.status is RoundStatus.REOPENED
    again = open_round(world, STAGE, None)
    vote(world, again)
    second = world.must("organiser", closing(world, again.id))
    world.cosign(world.must("organiser", RoundReopened("票箱被动过", again.id)), "discipline")
    dishonest(world, SCRUTINEERS[0], ActDeclined(second.index, second.leaf.hex(), "票数不符"))
    assert again.status is RoundStatus.REOPENED
    refused(world, "organiser", body, "ROUND_NOT_CLOSED", CLAUSE)


def certification_like(world: World, size: int, root: str) -> ResultCertified:
    return ResultCertified(size, "ranking@1", 0, world.digest("rows"), world.digest("rules"), SUBJECT, root, size)


def test_reopening_the_vote_takes_its_runoffs_with_it() -> None:
    world, played = voting()
    for member in PANEL:
        world.must(member, ballot(world, played.id, ()))
    close_round(world, played.id)
    runoff = open_round(world, STAGE, None)
    assert (runoff.runoff, len(runoff.candidates)) == (1, len(PEOPLE))
    world.cosign(world.must("organiser", RoundReopened("加投中断", runoff.id)), "discipline")
    runoff = open_round(world, STAGE, None)
    assert (runoff.runoff, runoff.attempt) == (1, 2)

    first = played.session.rounds[1].superseded
    world.cosign(world.must("organiser", RoundReopened("主表决有误", played.id)), "discipline")

    assert played.session.rounds[1].superseded == first
    assert (played.status, runoff.status) == (RoundStatus.REOPENED, RoundStatus.REOPENED)
    refused(world, PANEL[0], ballot(world, runoff.id, ()), "ROUND_CLOSED", CLAUSE)
    due = plan_of(world, STAGE, None)
    assert (due.runoff, due.attempt) == (0, 2)


def test_the_first_ballot_or_score_of_a_stage() -> None:
    world, played = voting()
    assert world.state.rounds.first_score_or_ballot(STAGE) is None
    first = world.must(PANEL[3], ballot(world, played.id, PEOPLE[:1]))
    world.must(PANEL[0], ballot(world, played.id, PEOPLE[:1]))

    assert world.state.rounds.first_score_or_ballot(STAGE) == first.index
    experts = world.state.rounds.first_score_or_ballot("experts")
    assert experts is not None
    assert experts == min(
        entry.index for session in world.state.rounds.sessions.values() for entry in session.sheets.values()
    )
    cast = world.state.rounds.cast.held(first.index)
    assert cast.key is not None
    assert world.state.rounds.ballots_by_key(cast.key, 0, world.state.size) == (first.index,)
    assert world.state.rounds.ballots_by_key(cast.key, 0, first.index) == ()


@settings(max_examples=15, deadline=None)
@given(st.permutations(PANEL))
def test_the_order_in_which_members_vote_leaves_no_trace(order: tuple[str, ...]) -> None:
    """Invariant 6: the rows depend on what was voted, not on when."""
    world, played = voting()
    choices = choices_of(world, played, SessionPlan(order=PEOPLE), {})
    for member in order:
        world.must(member, ballot(world, played.id, choices[member][:: 1 if member < PANEL[4] else -1]))
    close_round(world, played.id)

    outcome = session_outcome(world.state, played.session)

    assert outcome is not None
    assert outcome.rows_root == straight_root()


ROOTS: dict[str, str] = {}


def straight_root() -> str:
    if "root" not in ROOTS:
        world, played = voting()
        vote(world, played, SessionPlan(order=PEOPLE))
        close_round(world, played.id)
        ROOTS["root"] = outcome_of(world, SUBJECT).rows_root
    return ROOTS["root"]


@pytest.mark.parametrize("runoffs", [0, 1])
def test_as_many_runoffs_as_the_programme_allows(runoffs: int) -> None:
    world = prepared(changed(readings={}, runoffs_most=runoffs))
    play_until(world, STAGE)
    play_people(world, STAGE)
    world.must("organiser", StageOpened(STAGE))
    play_sitting(world, STAGE, None)
    last = play_round(world, STAGE, None, SessionPlan(approvals=dict.fromkeys(PEOPLE, 6)))
    for _ in range(runoffs):
        last = play_round(world, STAGE, None, SessionPlan(), dict.fromkeys(PEOPLE, 6))

    tie = exhausted_tie(world.state, last.session)

    assert tie is not None
    assert (tie.round, tie.places, set(tie.candidates)) == (last.id, 14, {world.person(one) for one in PEOPLE})
    derived = derive(world.state, last.session)
    assert derived is not None
    assert derived.exhausted
    assert members(world, STAGE, None) == PANEL


def test_what_stages_hand_on() -> None:
    world = world_before("final")
    programme = world.state.charter.latest.programme
    stages = {stage.id: stage for stage in programme.stages}

    assert entering(world.state, stages["applications"]) == ()
    assert entering(world.state, stages["experts"]) == tuple(sorted(world.person(one) for one in PEOPLE))
    assert len(entering(world.state, stages["public"])) == 14
    assert entering(world.state, stages["final"]) == entering(world.state, stages["public"])
    assert final_order(world.state) is None
    with pytest.raises(LookupError, match="no-stage"):
        rules_of(world.state, "no-stage")
    body = closing_like(world)
    with pytest.raises(LookupError, match=r"round\.closed"):
        stage_asked(Asked(world.statement("organiser", body), world.now, programme, None))


def closing_like(world: World) -> RoundClosed:
    return RoundClosed(issued=0, returned=0, round=world.identifier("round"), unreturned=0, void=0)


def test_the_balance_is_the_closers_own_statement() -> None:
    world, played = voting()
    vote(world, played)
    body = closing(world, played.id)

    assert body == RoundClosed(issued=9, returned=9, round=played.id, unreturned=0, void=0)
