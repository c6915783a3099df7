"""Why somebody stands where they do: the values that parted people, the arithmetic, the entries that show it."""

import re

import pytest

from ledger.procedure.reasons import refuse
from ledger.selection import Selection
from ledger.state.rounds import Session
from projections.explain import Explanation, explain_out, explain_place, explain_refusal, explain_way
from projections.replay import replay
from tests.projections.views import people
from tests.projections.worlds import PROGRAMMES, Played, eventful, smooth

FINAL = "final"


def said(answer: Explanation, code: str) -> list[str]:
    return [one.en for one in answer.sentences if one.code == code]


def session(state: Selection, stage: str) -> Session:
    return state.rounds.session(stage, None)


@pytest.fixture(scope="module")
def played() -> Played:
    return eventful()


def names(played: Played) -> dict[str, str]:
    return {actor.person: actor.alias for actor in played.world.actors.values()}


@pytest.mark.parametrize(
    ("rank", "sentence"),
    [
        (11, "{tenth} comes before {me}: approvals are equal (5); public votes 6000 > 5900."),
        (9, "{tenth} comes before {me}: approvals 7 > 6."),
        (14, "{tenth} comes before {me}: approvals are equal (2); run-off: place 1 before place 2."),
        (2, "{tenth} comes before {me}: approvals are equal (9); public votes 5200 > 5100."),
    ],
)
def test_what_put_the_one_in_front_is_said_with_both_values(played: Played, rank: int, sentence: str) -> None:
    final = played.state.rounds.final
    assert final is not None
    order = (*final.nominees, *final.alternates)
    me, front = order[rank - 1], order[rank - 2]
    answer = explain_place(played.state, FINAL, me)
    assert sentence.format(tenth=front, me=me) in answer.en
    assert f"{me} ranks {rank}, decided by:" in answer.en


def test_a_tie_by_run_off_cites_its_ballots_and_one_by_public_votes_its_totals(played: Played) -> None:
    final = played.state.rounds.final
    assert final is not None
    held = session(played.state, FINAL)
    (runoff,) = held.runoffs
    last = explain_place(played.state, FINAL, final.alternates[-1])
    assert {cast.index for cast in runoff.ballots.values()} <= set(last.entries)
    eleventh = explain_place(played.state, FINAL, final.alternates[0])
    (poll,) = played.state.polls.by_id.values()
    assert poll.outcome is not None
    assert {counted.index for counted in poll.totals.values()} | {poll.outcome.index} <= set(eleventh.entries)


def test_the_ballots_that_approved_are_named_by_entry(played: Played) -> None:
    final = played.state.rounds.final
    main = session(played.state, FINAL).main
    assert final is not None
    assert main is not None
    for person in (final.nominees[8], final.alternates[1]):
        answer = explain_place(played.state, FINAL, person)
        approving = sorted(cast.index for cast in main.ballots.values() if person in cast.approve)
        (sentence,) = [one for one in answer.sentences if one.code == "BALLOTS_FOR"]
        assert sentence.facts["entries"] == tuple(str(one) for one in approving)
        assert sentence.facts["approve"] == len(approving)
        assert set(approving) <= set(sentence.entries)


def test_the_arithmetic_of_the_shortlist_and_of_a_group_is_written_out(played: Played) -> None:
    person = played.person("applicant-05")
    shortlist = explain_place(played.state, "shortlist", person)
    assert said(shortlist, "SHORTLIST_SIZE") == [
        "The shortlist by the reading “round up”: 10 seats and a third more (10/3) make 40/3, so 10 + 4 = 14."
    ]
    industry = explain_place(played.state, "industry", person)
    assert said(industry, "GROUP_SEATS") == [
        "Group food-and-culture stands for 17 of 33 applications; of 20 in all its exact share is 340/33, "
        "its seats 10 (smaller remainder)."
    ]
    assert len(said(shortlist, "ATTEMPT_REOPENED")) == 1


def test_mean_scores_part_equals_in_the_expert_groups(played: Played) -> None:
    answer = explain_place(played.state, "experts", played.person("applicant-10"), names(played))
    assert "applicant-07 comes before applicant-10: approvals are equal (5); mean score 92.92 > 91.92." in answer.en
    assert "applicant-07 在 applicant-10 之前：赞成同为 5，平均得分 92.92 > 91.92。" in answer.zh


def test_the_way_of_one_who_moved_up_goes_from_the_application_to_the_naming(played: Played) -> None:
    final = played.state.rounds.final
    assert final is not None
    answer = explain_way(played.state, final.alternates[0])
    codes = [one.code for one in answer.sentences]
    wanted = [
        "APPLIED", "SCREENED_ELIGIBLE", "GROUP_SEATS", "SHORTLIST_SIZE", "PUBLIC_TOTAL", "SEATS_OF_YEAR", "CUT_LEFT",
        "PLACE_VACATED", "MOVED_UP", "INSPECTION_PASSED", "AGREED", "NOTICE_ELAPSED", "APPROVED_BY_CHAIRS", "NAMED_BY",
    ]  # fmt: skip
    positions = [codes.index(code) for code in wanted]
    assert positions == sorted(positions)
    (moved,) = [one for one in answer.sentences if one.code == "MOVED_UP"]
    assert played.state.deliberation.places.moved_up[final.alternates[0]] in moved.entries


def test_an_alternate_passed_over_is_said_when_a_later_one_moves_up(played: Played) -> None:
    final = played.state.rounds.final
    assert final is not None
    answer = explain_way(played.state, final.alternates[1], names=names(played))
    assert said(answer, "ALTERNATE_SKIPPED") == ["Alternate applicant-10 was passed over: has moved up before."]


@pytest.mark.parametrize(
    ("place", "cause", "text"),
    [
        (4, "failed_inspection", "failed the inspection"),
        (0, "not_agreed", "not agreed to in deliberation"),
        (1, "struck_off", "struck off"),
    ],
)
def test_why_somebody_is_out_cites_the_entry(played: Played, place: int, cause: str, text: str) -> None:
    final = played.state.rounds.final
    assert final is not None
    person = final.nominees[place]
    answer = explain_out(played.state, person)
    out = played.state.out[person]
    assert out.cause == cause
    assert answer.en == f"{person} dropped out by entry {out.index}: {text}."
    assert out.index in answer.entries


def test_whoever_never_qualified_is_told_by_which_clause(played: Played) -> None:
    application = next(
        one for one in played.state.applications.by_id.values() if one.decision and not one.decision.eligible
    )
    answer = explain_out(played.state, application.person)
    assert [one.code for one in answer.sentences] == ["SCREENED_INELIGIBLE", "CRITERION_WAS"]
    assert answer.sentences[1].clause == "四、1"
    assert answer.sentences[1].entries == (application.rulings["violation"].index,)
    late = next(one for one in played.state.applications.by_id.values() if one.late)
    assert [one.code for one in explain_out(played.state, late.person).sentences] == ["APPLIED", "APPLICATION_REFUSED"]


def test_whoever_still_stands_or_was_left_at_a_cut_is_told_so(played: Played) -> None:
    final = played.state.rounds.final
    assert final is not None
    assert [one.code for one in explain_out(played.state, final.nominees[2]).sentences] == ["STILL_STANDING"]
    left = explain_out(played.state, final.alternates[2])
    assert said(left, "CUT_LEFT")[-1].endswith("rank 13, is not taken and is number 3 of those left.")
    assert explain_out(played.state, "nobody").sentences[0].code == "NO_APPLICATION"


def test_a_refusal_is_said_in_both_languages_with_its_facts(played: Played) -> None:
    answer = explain_refusal(played.state, refuse("CALENDAR_SHORTENS", "五(七)", year=2022))
    assert answer.en == "This change of the 2022 calendar would shorten a running notice."
    assert answer.zh != answer.en
    assert answer.sentences[0].clause == "五(七)"


@pytest.mark.parametrize("mark", ["shortlist:open", "shortlist:voted"])
def test_an_open_round_explains_nothing_but_the_turnout(played: Played, mark: str) -> None:
    state = replay(played.entries, size=played.marks[mark])
    voted = len(next(one for one in state.rounds.by_id.values() if one.closed is None).ballots)
    answer = explain_place(state, "shortlist", played.person("applicant-05"))
    assert [one.code for one in answer.sentences] == ["ENTERED_AS", "SHORTLIST_SIZE", "VOTE_NOT_CLOSED"]
    assert f"{voted} of 9 have voted" in answer.en


@pytest.mark.parametrize("number", range(3))
def test_every_explanation_cites_entries_that_exist_and_speaks_both_languages(number: int) -> None:
    played = [*map(smooth, PROGRAMMES), eventful()][number]
    state = played.state
    for person in people(state):
        stages = [stage.id for stage in state.charter.latest.programme.stages]
        answers = [explain_place(state, stage, person) for stage in stages]
        for answer in (*answers, explain_way(state, person), explain_out(state, person)):
            assert answer.sentences
            assert all(0 <= entry < state.size for entry in answer.entries)
            for sentence in answer.sentences:
                assert sentence.zh
                assert sentence.zh != sentence.code
                assert sentence.en != sentence.zh
                assert "{" not in sentence.zh + sentence.en
                assert not re.search(r"[\u4e00-\u9fff]", sentence.en), sentence.en


def test_the_programme_without_a_shortlist_is_explained_as_well() -> None:
    played = smooth(PROGRAMMES[1])
    final = played.state.rounds.final
    assert final is not None
    for person in (final.nominees[0], final.nominees[-1]):
        answer = explain_way(played.state, person)
        assert said(answer, "SEATS_OF_YEAR") == [
            "There are 6 seats this year, filled from the top of the approvals; the others are alternates in order."
        ]
        assert answer.sentences[-1].code == "NAMED_BY"


def test_a_stage_that_does_not_exist_is_an_error(played: Played) -> None:
    with pytest.raises(LookupError):
        explain_place(played.state, "nowhere", "nobody")
