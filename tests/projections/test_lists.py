"""Lists, places, ballots and results: what each stage put forward, who is out and why, who holds which place."""

from fractions import Fraction
from itertools import pairwise

import pytest

from ledger.procedure.notice import NoticeStatus
from ledger.procedure.vacancies import SkipReason
from ledger.state.casts import Grade
from ledger.state.rounds import RoundStatus
from projections.ballots import round_of, rounds, rounds_of
from projections.candidates import stage_list, stage_lists
from projections.notices import notices, person_notice
from projections.replay import replay
from projections.results import ResultStanding, result, results
from projections.vacancies import HolderView, PlaceView, places
from tests.projections.worlds import Played, eventful


@pytest.fixture(scope="module")
def played() -> Played:
    return eventful()


def test_each_stage_is_entered_by_those_whom_the_one_before_put_forward(played: Played) -> None:
    lists = {view.stage: view for view in stage_lists(played.state)}
    handed_on = ["screening", "experts", "industry", "shortlist", "public", "final"]
    for before, after in pairwise(handed_on):
        assert set(lists[after].entered) == set(lists[before].taken), after
    assert [len(lists[one].taken) for one in handed_on] == [31, 30, 20, 14, 14, 10]
    assert len(lists["final"].left) == 4
    assert lists["approval"].taken == played.state.naming.titles.candidates  # type: ignore[union-attr]


def test_whoever_is_out_stands_beside_the_list_with_cause_and_entry(played: Played) -> None:
    applications, screening = (stage_list(played.state, one) for one in ("applications", "screening"))
    assert applications is not None
    assert screening is not None
    dropped = ["late", "withdrawn", "failed_inspection", "not_agreed", "struck_off"]
    assert [one.cause for one in applications.out] == dropped
    assert [one.cause for one in screening.out if one.cause == "ineligible"] == ["ineligible"] * 2
    final = stage_list(played.state, "final")
    assert final is not None
    assert {one.cause for one in final.out} == {"failed_inspection", "not_agreed", "struck_off"}
    for one in final.out:
        assert played.state.out[one.person].index == one.index


def test_groups_show_how_their_seats_came_about(played: Played) -> None:
    experts, industry = (stage_list(played.state, one) for one in ("experts", "industry"))
    assert experts is not None
    assert industry is not None
    assert [(one.received, one.exact, one.seats) for one in experts.groups] == [(11, Fraction(10), 10)] * 3
    goods, food = industry.groups
    assert (goods.received, goods.exact, goods.seats) == (16, Fraction(320, 33), 10)
    assert (food.received, food.exact, food.seats) == (17, Fraction(340, 33), 10)
    assert [one.value for one in goods.reasons] == ["largest_remainder"]
    assert goods.certified == played.state.bodies.table_certified("industry")


def test_before_the_table_is_certified_the_derived_one_is_shown(played: Played) -> None:
    opened = played.state.charter.stages["industry"].opened
    view = stage_list(replay(played.entries, size=opened + 1), "industry")
    assert view is not None
    assert [(one.certified, one.seats) for one in view.groups] == [(None, 10), (None, 10)]
    assert view.taken == ()
    assert len(view.undecided) == 30


def holders(played: Played) -> dict[str, tuple[PlaceView, HolderView]]:
    view = places(played.state, played.state.at)
    assert view is not None
    return {
        holder.person: (place, holder) for place in view.places for holder in place.holders if holder.person is not None
    }


def test_for_everybody_who_moved_up_seat_cause_order_inspection_and_notice_are_shown(played: Played) -> None:
    final = played.state.rounds.final
    assert final is not None
    found = holders(played)
    causes = ["failed_inspection", "not_agreed", "struck_off"]
    for order, (person, cause) in enumerate(zip(final.alternates[:3], causes, strict=True), start=1):
        place, holder = found[person]
        before = place.holders[place.holders.index(holder) - 1]
        assert (holder.alternate, before.cause) == (order, cause)
        assert before.left is not None
        assert before.left < holder.since
        assert holder.passed
        assert holder.inspected is not None
        assert holder.agreed is not None
        assert holder.since < holder.inspected < holder.agreed
        assert holder.notice is not None
        assert holder.notice.moved_up
        assert place.holder == person
        assert [(one.person, one.reason) for one in holder.skipped] == [
            (one, SkipReason.MOVED_UP_BEFORE) for one in final.alternates[: order - 1]
        ]
    assert found[final.alternates[2]][1].notice != found[final.alternates[0]][1].notice


def test_a_vacant_place_says_who_is_next(played: Played) -> None:
    state = played.state
    filled = state.deliberation.places.fillings[0]
    before = replay(played.entries, size=filled.at)
    view = places(before, before.at)
    assert view is not None
    (vacant,) = [place for place in view.places if place.vacant]
    assert (vacant.seat, vacant.holder, vacant.order) == (filled.seat, None, 1)
    assert vacant.next_alternate == filled.filled_by
    assert [one.moved_up for one in view.alternates] == [None] * 4


def test_ballots_show_for_ever_how_they_came(played: Played) -> None:
    (first, second) = rounds_of(played.state, "shortlist", None)
    assert (first.status, second.status) == (RoundStatus.REOPENED, RoundStatus.CLOSED)
    assert [one.grade for one in first.ballots] == [Grade.SIGNED] * 8 + [Grade.PAPER]
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.superseded == played.marks["shortlist:reopened"] - 1
    for one in first.ballots:
        everybody = {*one.approve, *one.against, *one.abstain, *one.blank}
        assert everybody == set(first.candidates)
    assert round_of(played.state, first.round) == first
    assert round_of(played.state, "none") is None
    assert [one.opened for one in rounds(played.state)] == sorted(one.opened for one in rounds(played.state))


def test_results_carry_reasons_and_old_attempts(played: Played) -> None:
    shortlist, final = (result(played.state, f"stage:{one}") for one in ("shortlist", "final"))
    assert shortlist is not None
    assert final is not None
    assert [one.attempt for one in shortlist.rounds] == [1, 2]
    assert all(one.lines for one in shortlist.rounds)
    assert final.standing is ResultStanding.CERTIFIED
    assert final.certified == played.marks["final:certified"] - 2
    assert [one.candidate for one in final.reasons] == [row["candidate"] for row in final.rows]
    codes = [one.code for one in final.reasons[10].reasons]
    assert codes == ["PLACE_BY_APPROVALS", "TIED_WITH", "SEPARATED_BY_PUBLIC_VOTES"]
    assert {one.subject for one in results(played.state) if one.means} == {
        f"stage:experts:{group}" for group in ("metalworking", "power", "crafts")
    }


def test_a_tie_that_waits_for_a_run_off_is_shown(played: Played) -> None:
    (runoff,) = played.state.rounds.session("final", None).runoffs
    state = replay(played.entries, size=runoff.opened)
    view = result(state, "stage:final")
    assert view is not None
    assert view.tie is not None
    assert view.standing is ResultStanding.TIED
    assert set(view.tie.candidates) == runoff.standing
    assert (view.tie.at_cut, view.tie.exhausted, view.certified) == (False, False, None)


def test_public_totals_show_only_after_the_vote(played: Played) -> None:
    (poll,) = played.state.polls.by_id.values()
    assert poll.closed is not None
    running = result(replay(played.entries, size=poll.closed), f"poll:{poll.id}")
    over = result(played.state, f"poll:{poll.id}")
    assert running is not None
    assert over is not None
    assert (running.rows, running.standing) == ((), ResultStanding.NOT_COUNTED)
    assert {row["votes"] for row in over.rows} >= {6000, 5900, 4321}


def test_each_person_has_a_notice_and_days_of_their_own(played: Played) -> None:
    state = replay(played.entries, size=played.marks["objection:open"])
    (view,) = notices(state, state.at)
    assert {one.days_left for one in view.people} == {5}
    assert {one.last_day.isoformat() for one in view.people} == {"2022-11-08"}
    assert {one.status for one in view.people} == {NoticeStatus.RUNNING}
    objected = [one for one in view.people if one.open_objections]
    assert len(objected) == 1
    later = person_notice(state, objected[0].person, objected[0].ends_at)
    assert later is not None
    assert (later.days_left, later.status) == (0, NoticeStatus.ELAPSED)
    second = notices(played.state, played.state.at)[1]
    assert [one.moved_up for one in second.people] == [True]
    assert second.people[0].ends_at > objected[0].ends_at
    assert person_notice(state, "nobody", state.at) is None
