"""What moved between two points, and which entry moved it: closings, reopenings, dropping out, refills."""

from collections.abc import Callable, Sequence

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_naming import play_approval, play_naming
from api.rehearsal.steps_rounds import certify, play_people, play_round, play_sitting
from ledger.statements import Act, decode_entry
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.foundation import StageOpened
from ledger.statements.naming import TitleRevoked
from projections.movement import ORDER, OUT, PLACES, TITLES, Movement, SeatShift, Shift, Standing, movement, standings
from projections.plain import to_bytes
from projections.replay import replay
from tests.finalists import at_approval
from tests.projections.worlds import Played, eventful, smooth
from tests.simulator import MemoryLedger, resume

SHORTLIST = "stage:shortlist"


@pytest.fixture(scope="module")
def played() -> Played:
    return eventful()


def acts_of(world: World) -> Sequence[Act]:
    assert isinstance(world.ledger, MemoryLedger)
    return [decode_entry(entry) for entry in world.ledger.entries]


def whole(played: Played) -> Movement:
    return movement(played.acts, 0, len(played.acts))


@pytest.mark.parametrize("play", [eventful, lambda: smooth("zhuyuan-2022"), lambda: smooth("labour-medal-2024")])
def test_the_steps_are_all_there_is_between_the_two_ends(play: Callable[[], Played]) -> None:
    played = play()
    moved = whole(played)
    known: dict[tuple[str, str], Standing] = {}
    for step in moved.steps:
        for shift in step.shifts:
            assert known.get((shift.subject, shift.person)) == shift.before
            if shift.after is None:
                del known[shift.subject, shift.person]
            else:
                known[shift.subject, shift.person] = shift.after
    last = {(subject, one): at for subject, found in standings(played.state).items() for one, at in found.items()}
    assert known == last
    assert {(one.subject, one.person): one.after for one in moved.shifts} == last


def test_every_step_moves_at_its_own_entry(played: Played) -> None:
    for step in whole(played).steps:
        before, after = (standings(replay(played.entries, size)) for size in (step.index, step.index + 1))
        assert before != after
        for shift in step.shifts:
            assert before.get(shift.subject, {}).get(shift.person) == shift.before
            assert after.get(shift.subject, {}).get(shift.person) == shift.after


def test_a_stretch_in_two_parts_has_the_same_steps(played: Played) -> None:
    middle, end = played.marks["shortlist:reopened"], len(played.acts)
    first, second = movement(played.acts, 0, middle), movement(played.acts, middle, end)
    for part in (first, second):
        assert part.steps
    assert [one.index for one in (*first.steps, *second.steps)] == [one.index for one in whole(played).steps]


def test_nothing_moves_while_a_vote_is_open(played: Played) -> None:
    during = movement(played.acts, played.marks["shortlist:open"], played.marks["shortlist:voted"])
    assert (during.shifts, during.seats, during.steps) == ((), (), ())


def test_a_result_comes_with_the_last_signature_of_the_close_and_goes_with_the_reopening(played: Played) -> None:
    moved = movement(played.acts, played.marks["shortlist:voted"], played.marks["shortlist:counted"])
    closed, reopened, closed_again = moved.steps
    assert [one.kind for one in moved.steps] == ["round.closed", "round.reopened", "round.closed"]
    assert all(one.act < one.index for one in moved.steps)
    assert {one.subjects for one in moved.steps} == {(SHORTLIST,)}
    people = {one.person for one in closed.shifts}
    assert all(one.before is None for one in closed.shifts)
    assert {one.person for one in reopened.shifts} == people
    assert all(one.after is None for one in reopened.shifts)
    assert [one.after.number for one in closed_again.shifts if one.after] == sorted(
        one.after.number or 0 for one in closed_again.shifts if one.after
    )
    assert {one.person for one in moved.shifts} == people


def test_who_withdraws_before_the_certification_moves_everybody_below(played: Played) -> None:
    world = resume(played.histories["shortlist"])
    play_people(world, "shortlist")
    world.must("organiser", StageOpened("shortlist"))
    play_sitting(world, "shortlist", None)
    play_round(world, "shortlist", None)
    start = world.state.size
    before = standings(world.state)[SHORTLIST]
    first = min(before, key=lambda one: (before[one].number, one))
    application = world.state.applications.of_person(first)
    assert application is not None
    gone = world.must(world.alias_of(first), ApplicationWithdrawn(application.application, "本人调离本市"))
    certify(world, SHORTLIST)
    moved = movement(acts_of(world), start, world.state.size, {first: "张三"})
    (step,) = moved.steps
    assert (step.index, step.kind, step.act) == (gone.index, "application.withdrawn", gone.index)
    assert step.said.zh.count("{") == 0
    assert Shift(SHORTLIST, first, before[first], Standing(None, "removed")) in step.shifts
    assert Shift(OUT, first, None, Standing(None, "withdrawn")) in step.shifts
    risen = [one for one in step.shifts if one.before and one.after and one.before.status == "left"]
    assert [one.after.status for one in risen if one.after].count("taken") == 1


def test_the_final_order_comes_with_its_certification(played: Played) -> None:
    final = played.state.rounds.final
    assert final is not None
    moved = movement(played.acts, final.index, final.index + 1)
    (step,) = moved.steps
    assert (step.kind, step.subjects) == ("result.certified", (ORDER, PLACES))
    order = [one for one in step.shifts if one.subject == ORDER]
    assert [one.person for one in order] == [*final.nominees, *final.alternates]
    assert moved.seats == tuple(SeatShift(seat, None, one) for seat, one in enumerate(final.nominees, start=1))


def test_a_place_falls_vacant_and_is_filled_by_two_entries(played: Played) -> None:
    final = played.state.rounds.final
    assert final is not None
    moved = movement(played.acts, final.index + 1, len(played.acts))
    for filling in played.state.deliberation.places.fillings:
        out = played.state.out[filling.vacated_by]
        vacated = next(one for one in moved.steps if one.index == out.index)
        filled = next(one for one in moved.steps if one.index == filling.at)
        assert SeatShift(filling.seat, filling.vacated_by, None) in vacated.seats
        assert SeatShift(filling.seat, None, filling.filled_by) in filled.seats
        assert filled.kind == "vacancy.filled"
        assert SeatShift(filling.seat, filling.vacated_by, filling.filled_by) in moved.seats
    assert {one.kind for one in moved.steps} >= {"deliberation.closed", "objection.decided", "titles.named"}


def test_a_revocation_moves_a_title_and_no_place() -> None:
    world = at_approval()
    play_approval(world)
    play_naming(world, close=False)
    titles = world.state.naming.titles
    assert titles is not None
    person, start = titles.candidates[0], world.state.size
    body = TitleRevoked(person, world.digest("falsehood"), titles.index, "骗取荣誉", 0)
    act = world.must("organiser", body)
    last = world.cosign(act, "discipline")
    moved = movement(acts_of(world), start, world.state.size)
    (step,) = moved.steps
    assert (step.index, step.act, step.kind) == (last.index, act.index, "title.revoked")
    assert moved.shifts == (Shift(TITLES, person, Standing(None, "named"), Standing(None, "revoked")),)
    assert moved.seats == ()


def test_the_points_must_be_in_order_and_in_the_log(played: Played) -> None:
    for start, end in ((3, 2), (-1, 2), (0, len(played.acts) + 1)):
        with pytest.raises(ValueError, match="out of order"):
            movement(played.acts, start, end)
    assert movement(played.acts, 7, 7) == Movement(7, 7, (), (), ())


def test_it_is_the_same_from_the_bytes_alone(played: Played) -> None:
    again = [decode_entry(entry) for entry in played.entries]
    assert to_bytes(movement(again, 0, len(again))) == to_bytes(whole(played))
