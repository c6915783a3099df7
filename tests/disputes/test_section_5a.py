"""Disputes E01 to E05: results, the size of the shortlist, ties and the public votes' part in them."""

from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import play_draw, play_members
from api.rehearsal.steps_deliberation import close_vote, leaders, play_deciders, play_vote, voices
from api.rehearsal.steps_polls import open_poll
from api.rehearsal.steps_rounds import (
    SessionPlan,
    ballot,
    candidates,
    certification,
    certify,
    choices_of,
    close_round,
    members,
    open_round,
    opening,
    outcome_of,
    plan_of,
    play_people,
    play_round,
    play_sitting,
    play_watchers,
)
from ledger.derivation import derive
from ledger.place_reasons import reasons
from ledger.procedure.ballots import list_hash
from ledger.procedure.shortlist import Rounding, shortlist_size
from ledger.round_plan import exhausted_tie
from ledger.state.rounds import Round
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.foundation import StageClosed, StageOpened
from ledger.statements.rounds import RoundReopened, TieResolved
from tests.simulator import freeze, go_on
from tests.voting import (
    PANEL,
    PEOPLE,
    changed,
    dishonest,
    final_with,
    play_until,
    prepared,
    refused,
    replayed,
    sitting,
    voting,
    world_before,
)

STAGE, CLAUSE, SUBJECT = "final", "五(五)", "stage:final"
TENTH, ELEVENTH = PEOPLE[9], PEOPLE[10]
TIED_AT_CUT = dict.fromkeys(PEOPLE[:9], 7) | {TENTH: 5, ELEVENTH: 5, PEOPLE[11]: 3, PEOPLE[12]: 2, PEOPLE[13]: 1}
EVEN = {TENTH: 8190, ELEVENTH: 8190}


def decided(votes: dict[str, int], approvals: dict[str, int] | None = None) -> tuple[World, Round]:
    """The final round with these public votes and approvals, closed."""
    world = final_with(votes)
    world.must("organiser", StageOpened(STAGE))
    play_sitting(world, STAGE, None)
    return world, play_round(world, STAGE, None, SessionPlan(approvals=approvals or TIED_AT_CUT))


def test_E01_nobody_types_a_result() -> None:
    world, _ = voting("shortlist")
    played = world.state.rounds.session("shortlist", None).rounds[0]
    for member, approve in choices_of(world, played, SessionPlan(), {}).items():
        world.must(member, ballot(world, played.id, approve))
    close_round(world, played.id)
    subject = "stage:shortlist"
    derived = certification(world, subject)
    changes: dict[str, object] = {
        "as_of": derived.as_of - 1,
        "tree_size": derived.tree_size - 1,
        "tree_root": "A" * 43 + "=",
        "projection": "ranking@2",
        "rules": world.digest("other rules"),
        "rows": derived.rows + 1,
        "rows_root": world.digest("other rows"),
    }
    for where, value in changes.items():
        body = certification(world, subject, **{where: value})
        refusal = refused(world, "organiser", body, "RESULT_NOT_DERIVED", "五(三)")
        assert refusal.facts == {"where": where}
    refused(world, "organiser", derived, "PIN_INVALID", "七(三)", seen=None)
    refused(world, "organiser", replace(derived, subject="stage:nowhere"), "UNKNOWN_SUBJECT", "五")
    refused(world, "organiser", replace(derived, subject="list:shortlist"), "UNKNOWN_SUBJECT", "五")
    refused(world, "organiser", replace(derived, subject="poll:none"), "UNKNOWN_SUBJECT", "五")
    certify(world, subject)
    refused(world, "organiser", certification(world, subject), "RESULT_CERTIFIED", "五(三)")
    assert replayed(world).rounds.session("shortlist", None).outcome == played.session.outcome


def test_E01_a_view_from_before_the_close_is_stale() -> None:
    world, played = voting("shortlist")
    for member, approve in choices_of(world, played, SessionPlan(), {}).items():
        world.must(member, ballot(world, played.id, approve))
    seen = world.ledger.seen()
    close_round(world, played.id)
    assert seen is not None
    body = certification(world, "stage:shortlist", as_of=seen.size, tree_size=seen.size, tree_root=seen.root)

    refusal = refused(world, "organiser", body, "STALE_VIEW", "五(三)", seen=seen)

    assert refusal.facts == {"as_of": seen.size, "changed": played.closed}


def test_E02_thirteen_instead_of_fourteen() -> None:
    world = sitting("shortlist")
    due = plan_of(world, "shortlist", None)
    assert (due.seats, due.max_approvals) == (14, 14)
    body = opening(world, "shortlist", None)
    for seats in (13, 15):
        hashed = list_hash(body.round, "shortlist", None, body.candidates, seats, 14)
        other = replace(body, seats=seats, list_hash=hashed)
        assert refused(world, "organiser", other, "LIST_NOT_DERIVED", "五(三)").facts == {"where": "seats"}
    more = replace(body, max_approvals=15)
    assert refused(world, "organiser", more, "LIST_NOT_DERIVED", "五(三)").facts == {"where": "max_approvals"}
    short = replace(body, candidates=body.candidates[:-1])
    assert refused(world, "organiser", short, "LIST_NOT_DERIVED", "五(三)").facts == {"where": "candidates"}


@pytest.mark.parametrize("seats", range(1, 61))
def test_E02_every_number_of_seats_by_every_reading(seats: int) -> None:
    exact = Fraction(seats) * 4 / 3
    sizes = {reading: shortlist_size(seats, Fraction(1, 3), reading) for reading in Rounding}

    assert {one.exact for one in sizes.values()} == {exact}
    assert sizes[Rounding.CEIL].size == -(-4 * seats // 3)
    assert sizes[Rounding.FLOOR].size == 4 * seats // 3
    assert sizes[Rounding.STRICTLY_MORE].size == 4 * seats // 3 + 1
    assert abs(sizes[Rounding.ROUND].size - exact) <= Fraction(1, 2)


@pytest.mark.parametrize(("reading", "size"), [("floor", 13), ("strictly_more", 14)])
def test_E02_the_declared_reading_decides(reading: str, size: int) -> None:
    world = go_on(freeze(prepared(changed(readings={"shortlist_rounding": reading}))))
    play_until(world, "shortlist")
    play_people(world, "shortlist")
    world.must("organiser", StageOpened("shortlist"))
    play_sitting(world, "shortlist", None)

    assert plan_of(world, "shortlist", None).seats == size


def test_E03_the_public_votes_order_equals_and_the_explanation_says_so() -> None:
    world, played = decided({TENTH: 8190, ELEVENTH: 8214})

    act = certify(world, SUBJECT)

    final = world.state.rounds.final
    assert final is not None
    assert final == replayed(world).rounds.final
    assert (len(final.nominees), len(final.alternates), final.index) == (10, 4, act.index)
    assert world.person(ELEVENTH) in final.nominees
    assert final.alternates == tuple(world.person(one) for one in (TENTH, *PEOPLE[11:14]))
    outcome = played.session.outcome
    assert outcome is not None
    row = outcome.row(world.person(ELEVENTH))
    assert row is not None
    assert (row["rank"], row["approve"], row["decided_by"], row["tied_with"], row["taken"]) == (
        10, 5, "public_votes", [world.person(TENTH)], True
    )  # fmt: skip
    poll = world.state.polls.of_stage("public")
    assert poll is not None
    assert poll.outcome is not None
    why = reasons(world.state, outcome, world.person(TENTH))
    assert [one.code for one in why] == ["PLACE_BY_APPROVALS", "TIED_WITH", "SEPARATED_BY_PUBLIC_VOTES"]
    assert why[-1].facts == {"ahead_of": 0, "behind": 1, "source": f"poll:{poll.id}", "value": "8190"}
    assert why[-1].entries == (poll.outcome.index,)
    assert why[0].entries == (played.closed, act.index)


def test_E03_where_there_is_no_tie_no_key_is_asked() -> None:
    world, played = decided({TENTH: 1, ELEVENTH: 9999}, TIED_AT_CUT | {TENTH: 6})
    certify(world, SUBJECT)

    outcome = played.session.outcome
    assert outcome is not None
    row = outcome.row(world.person(TENTH))
    assert row is not None
    assert (row["rank"], row["decided_by"], row["keys"], row["taken"]) == (10, "approvals", [], True)
    assert [one.code for one in reasons(world.state, outcome, world.person(TENTH))] == ["PLACE_BY_APPROVALS"]


def test_E03_the_panel_does_not_decide_before_the_public_totals_are_certified() -> None:
    world = world_before("public")
    play_people(world, STAGE)
    world.must("organiser", StageOpened("public"))
    open_poll(world, "public")
    refused(world, "organiser", StageClosed("public"), "PUBLIC_NOT_CERTIFIED", "五(四)")
    refused(world, "organiser", StageOpened(STAGE), "STAGE_ORDER", CLAUSE)

    dishonest(world, "organiser", StageClosed("public"))
    refused(world, "organiser", StageOpened(STAGE), "PUBLIC_NOT_CERTIFIED", CLAUSE)
    dishonest(world, "organiser", StageOpened(STAGE))
    play_sitting(world, STAGE, None)
    refused(world, "organiser", opening(world, STAGE, None), "PUBLIC_NOT_CERTIFIED", CLAUSE)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=14, max_size=14))
def test_E04_public_totals_never_reorder_different_approvals(votes: list[int]) -> None:
    world, played = closed_final()
    poll = world.state.polls.of_stage("public")
    assert poll is not None
    for channel, counted in poll.totals.items():
        poll.totals[channel] = replace(counted, totals=dict(zip(poll.candidates, votes, strict=True)))

    derived = derive(world.state, played.session)

    assert derived is not None
    approvals = [derived.lines[one].approve for one in derived.ranking.candidates]
    assert approvals == sorted(approvals, reverse=True)
    public = dict(zip(poll.candidates, votes, strict=True))
    for place, after in zip(derived.ranking.places, derived.ranking.places[1:], strict=False):
        if place.approvals == after.approvals:
            assert public[place.candidate] >= public[after.candidate]


@cache
def closed_final() -> tuple[World, Round]:
    return decided({})


def tied_twice() -> tuple[World, Round]:
    """Equal approvals, equal public votes, and two run-offs that tie again."""
    world, _ = decided(EVEN)
    for _ in range(world.state.charter.latest.programme.runoffs_most):
        last = play_round(world, STAGE, None, SessionPlan(), {TENTH: 4, ELEVENTH: 4})
        assert {world.alias_of(one) for one in last.candidates} == {TENTH, ELEVENTH}
        assert (last.seats, last.max_approvals) == (1, 1)
    return world, last


def test_E05_a_tie_on_both_keys_is_no_result() -> None:
    world, _ = decided(EVEN)

    refused(world, "organiser", certification(world, SUBJECT), "TIE_UNRESOLVED", CLAUSE)
    first = play_round(world, STAGE, None, SessionPlan(), {TENTH: 4, ELEVENTH: 4})
    refused(world, "organiser", certification(world, SUBJECT), "TIE_UNRESOLVED", CLAUSE)
    second = play_round(world, STAGE, None, SessionPlan(), {TENTH: 4, ELEVENTH: 5})
    certify(world, SUBJECT)

    assert [(one.runoff, one.attempt) for one in (first, second)] == [(1, 1), (2, 1)]
    outcome = second.session.outcome
    assert outcome is not None
    row = outcome.row(world.person(ELEVENTH))
    assert row is not None
    assert (row["taken"], row["decided_by"]) == (True, "runoff")
    assert [used["name"] for used in row["keys"]] == ["public_votes", "runoff", "runoff"]
    why = reasons(world.state, outcome, world.person(ELEVENTH))
    assert [one.code for one in why[2:]] == ["EQUAL_BY_PUBLIC_VOTES", "EQUAL_BY_RUNOFF", "SEPARATED_BY_RUNOFF"]
    assert why[-1].entries == (second.closed,)


def test_E05_after_the_last_runoff_the_leaders_decide_by_name() -> None:
    world, last = tied_twice()
    people = tuple(sorted(world.person(one) for one in (TENTH, ELEVENTH)))
    won = (world.person(ELEVENTH), world.person(TENTH))
    with pytest.raises(LookupError, match="TIE_UNRESOLVED"):
        opening(world, STAGE, None)
    refused(world, "organiser", certification(world, SUBJECT), "TIE_UNRESOLVED", CLAUSE)
    refused(world, "organiser", TieResolved(won, "会上商定", last.id), "TIE_UNRESOLVED", CLAUSE)

    play_deciders(world)
    matter = f"tie:{last.id}"
    deciders = leaders(world)
    against = (world.person(TENTH),)
    world.must(deciders[0], DeliberationVoted(matter, voices(people, against, reasoned=True)))
    play_vote(world, matter, deciders[1:], against, reasoned=True)
    refused(world, "organiser", TieResolved(won, "会上商定", last.id), "TIE_UNRESOLVED", CLAUSE)
    close_vote(world, matter)

    refused(world, "organiser", TieResolved(won[::-1], "会上商定", last.id), "RESULT_NOT_DERIVED", CLAUSE)
    refused(world, "organiser", TieResolved(won, "会上商定", last.session.rounds[0].id), "WRONG_CONTEXT", CLAUSE)
    refused(world, "organiser", TieResolved(won, "会上商定", "no-round"), "UNKNOWN_ROUND", CLAUSE)
    act = world.must("organiser", TieResolved(won, "领导小组记名决定", last.id))
    refused(world, "organiser", TieResolved(won, "领导小组记名决定", last.id), "NO_TIE", CLAUSE)
    certify(world, SUBJECT)

    outcome = last.session.outcome
    assert outcome is not None
    assert world.person(ELEVENTH) in outcome.taken
    row = outcome.row(world.person(ELEVENTH))
    assert row is not None
    assert row["decided_by"] == "decision"
    why = reasons(world.state, outcome, world.person(ELEVENTH))[-1]
    assert (why.code, why.entries) == ("SEPARATED_BY_DECISION", (act.index,))
    assert world.state.rounds.final == replayed(world).rounds.final


def test_E05_leaders_equally_divided_settle_nothing_and_the_last_runoff_is_reopened() -> None:
    world, last = tied_twice()
    play_deciders(world)
    people = tuple(sorted(world.person(one) for one in (TENTH, ELEVENTH)))
    matter = f"tie:{last.id}"
    deciders = leaders(world)
    for place, alias in enumerate(deciders[: len(deciders) // 2 * 2]):
        world.must(alias, DeliberationVoted(matter, voices(people, people[place % 2 :][:1], reasoned=True)))
    close_vote(world, matter)
    refused(world, "organiser", TieResolved(people, "会上商定", last.id), "TIE_UNRESOLVED", CLAUSE)

    world.cosign(world.must("organiser", RoundReopened("领导小组票数相等", last.id)), "discipline")
    again = play_round(world, STAGE, None, SessionPlan(), {TENTH: 5, ELEVENTH: 4})
    assert (again.runoff, again.attempt) == (2, 2)
    certify(world, SUBJECT)


MEDAL, MEDAL_CLAUSE = "jury-vote", "第六条"


def medal() -> tuple[World, tuple[str, ...]]:
    """The other programme up to its jury's sitting: no public vote, shares, a majority, one run-off, then a lot."""
    world = go_on(freeze(prepared("labour-medal-2024")))
    play_until(world, MEDAL)
    play_people(world, MEDAL)
    world.must("organiser", StageOpened(MEDAL))
    play_sitting(world, MEDAL, None)
    return world, candidates(world, MEDAL, None)


def test_E05_a_lot_from_seeds_that_two_committed_beforehand() -> None:
    world, listed = medal()
    votes = dict.fromkeys(listed[:5], 6) | {listed[5]: 4, listed[6]: 4} | dict.fromkeys(listed[7:], 0)
    play_round(world, MEDAL, None, SessionPlan(approvals=votes))
    last = play_round(world, MEDAL, None, SessionPlan(), {listed[5]: 3, listed[6]: 3})
    tie = exhausted_tie(world.state, last.session)
    assert tie is not None
    assert (tie.round, tie.places, tie.at_cut) == (last.id, 1, True)
    refused(world, "organiser", TieResolved(tie.candidates, "抽签", last.id), "TIE_UNRESOLVED", MEDAL_CLAUSE)

    order = play_draw(world, "lot", last.id, tie.candidates)

    refused(world, "organiser", TieResolved(order[::-1], "抽签", last.id), "RESULT_NOT_DERIVED", MEDAL_CLAUSE)
    world.must("organiser", TieResolved(order, "抽签", last.id))
    certify(world, f"stage:{MEDAL}")

    outcome = last.session.outcome
    assert outcome is not None
    assert order[0] in outcome.taken
    assert outcome.left == (order[1],)
    assert {row["status"] for row in outcome.rows} == {"taken", "left", "below_minimum"}
    short = next(row for row in outcome.rows if row["status"] == "below_minimum")
    assert short["decided_by"] == "min_approval"
    codes = [one.code for one in reasons(world.state, outcome, short["candidate"])]
    assert (codes[0], codes[-1]) == ("PLACE_BY_APPROVALS", "BELOW_MINIMUM")
    lot = reasons(world.state, outcome, order[0])[-1]
    assert lot.code == "SEPARATED_BY_LOT"


def test_everybody_has_a_place_in_the_world() -> None:
    """The people of the tests are the panel of the programme; a change of its size shows here first."""
    world = world_before("shortlist")
    play_members(world)
    play_watchers(world)

    assert members(world, "shortlist", None) == PANEL
    assert outcome_of(world, "stage:experts:power").taken != ()
    assert open_round(sitting("shortlist"), "shortlist", None).seats == 14
