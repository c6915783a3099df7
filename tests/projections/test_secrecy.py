"""Nothing of an open vote shows in any view: plays that differ only in what was voted look the same until it closes."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import play_declarations, play_groups
from api.rehearsal.steps_deliberation import leaders, minutes, play_inspection, play_vote, propose
from api.rehearsal.steps_naming import play_rechecks, play_submission
from api.rehearsal.steps_rounds import (
    TELLER,
    SessionPlan,
    ballot,
    candidates,
    close_round,
    closing,
    members,
    open_round,
    paper_ballot,
    play_people,
    play_sitting,
    score,
)
from ledger.statements import decode_entry
from ledger.statements.deliberation import DeliberationClosed
from ledger.statements.foundation import StageOpened
from ledger.statements.rounds import AttendanceRecorded, BallotsOpenedEarly, ScoreRevised, ScoringClosed
from projections.ballots import rounds_of
from projections.named_votes import named_vote
from projections.replay import replay
from projections.results import results
from tests.projections.views import all_views
from tests.projections.worlds import eventful
from tests.simulator import MemoryLedger, resume


def views(world: World) -> dict[str, bytes]:
    assert isinstance(world.ledger, MemoryLedger)
    acts = [decode_entry(entry) for entry in world.ledger.entries]
    return all_views(world.state, acts, world.now)


def both(name: str, play: Callable[[World, bool], None]) -> tuple[World, World]:
    """Go on twice from a kept history, once with the one choice and once with the other."""
    made = tuple(resume(eventful().histories[name]) for _ in range(2))
    for world, choice in zip(made, (True, False), strict=True):
        play(world, choice)
    return made[0], made[1]


def sitting(world: World) -> None:
    play_people(world, "shortlist")
    world.must("organiser", StageOpened("shortlist"))
    play_sitting(world, "shortlist", None)
    open_round(world, "shortlist", None)


def vote(world: World, choice: bool) -> None:
    """Vote for the first or the last of the list, most on the screen, one on paper that waits and one that counts."""
    sitting(world)
    played = world.state.rounds.session("shortlist", None).rounds[0]
    listed = [world.alias_of(person) for person in played.candidates]
    chosen = listed[: played.max_approvals] if choice else listed[-2:]
    against = [] if choice else listed[:3]
    first, second, *others = members(world, "shortlist", None)
    for alias in others:
        world.must(alias, ballot(world, played.id, chosen, against))
    for number, member in enumerate((first, second)):
        body = paper_ballot(world, played.id, member, chosen, void=None if choice else "划票不清")
        act = world.must(TELLER, body, on_behalf_of=body.member, claimed_at=world.now)
        if number:
            world.cosign(act, "scrutineer-1")


def test_an_open_round_shows_only_how_many_have_voted() -> None:
    one, other = both("shortlist", vote)
    assert views(one) == views(other)
    (shown,) = rounds_of(one.state, "shortlist", None)
    assert (shown.voted, shown.issued, shown.waiting) == (8, 9, 1)
    assert (shown.ballots, shown.lines, shown.readable) == ((), (), False)


def test_a_close_that_waits_for_scrutineers_shows_no_more() -> None:
    def play(world: World, choice: bool) -> None:
        vote(world, choice)
        (waiting,) = [one for one in world.state.pending.values() if one.act.statement.type == "paper_ballot.entered"]
        world.cosign(waiting.act, "scrutineer-1")
        world.must("organiser", closing(world, waiting.act.body.round))

    one, other = both("shortlist", play)
    same, others = views(one), views(other)
    # The balance that the close states says how many ballots are void; that is all that may differ.
    differing = {name for name in same if same[name] != others[name]}
    assert differing <= {"history", "off_path", *(name for name in same if name.startswith(("round:", "session:")))}
    assert not any(view.ballots or view.lines for view in rounds_of(one.state, "shortlist", None))


def test_closed_it_shows_who_voted_what() -> None:
    def play(world: World, choice: bool) -> None:
        sitting(world)
        played = world.state.rounds.session("shortlist", None).rounds[0]
        listed = [world.alias_of(person) for person in played.candidates]
        for alias in members(world, "shortlist", None):
            world.must(alias, ballot(world, played.id, listed[:5] if choice else listed[-5:]))
        close_round(world, played.id)

    one, other = both("shortlist", play)
    shown, opposite = (rounds_of(world.state, "shortlist", None)[0] for world in (one, other))
    assert shown.readable
    assert {len(each.approve) for each in shown.ballots} == {5}
    assert set(shown.ballots[0].approve).isdisjoint(opposite.ballots[0].approve)
    assert views(one)["results"] != views(other)["results"]


def test_opened_early_by_entry_the_choices_can_be_read_but_nothing_is_counted() -> None:
    world = resume(eventful().histories["shortlist"])
    vote(world, True)
    (played,) = world.state.rounds.session("shortlist", None).rounds
    act = world.must("organiser", BallotsOpenedEarly("核查系统故障", played.id))
    assert rounds_of(world.state, "shortlist", None)[0].ballots == ()
    world.cosign(act, "discipline")
    (shown,) = rounds_of(world.state, "shortlist", None)
    assert (len(shown.ballots), shown.lines, shown.opened_early) == (8, (), played.opened_early)
    assert [one.rows for one in results(world.state) if one.stage == "shortlist"] == [()]


def scores(world: World, choice: bool) -> None:
    play_people(world, "experts")
    world.must("organiser", StageOpened("experts"))
    play_groups(world, "experts")
    first, second = members(world, "experts", "power")[:2]
    for alias in (first, second):
        world.must(alias, AttendanceRecorded("power", "experts"))
    play_declarations(world, "experts", "power")
    for place, candidate in enumerate(candidates(world, "experts", "power")[:3]):
        percent = 60 + place if choice else 90 - place
        world.must(first, score(world, "experts", "power", candidate, percent=percent))
        world.must(second, score(world, "experts", "power", candidate, percent=percent))
    given = score(world, "experts", "power", candidates(world, "experts", "power")[0], percent=70 if choice else 71)
    world.must(first, ScoreRevised(given.candidate, given.evaluation, "power", given.points, "原表计算有误", "experts"))


def test_points_show_only_once_scoring_is_closed() -> None:
    one, other = both("experts", scores)
    assert views(one) == views(other)

    def scored(world: World, choice: bool) -> None:
        play_people(world, "experts")
        world.must("organiser", StageOpened("experts"))
        play_groups(world, "experts")
        order = candidates(world, "experts", "power")
        plan = SessionPlan(order=order if choice else order[::-1])
        play_sitting(world, "experts", "power", plan)

    one, other = both("experts", scored)
    assert any(type(decode_entry(entry).body) is ScoringClosed for entry in one.ledger.entries)  # type: ignore[attr-defined]
    assert views(one)["results"] != views(other)["results"]


def deliberated(world: World, choice: bool) -> None:
    world.must("organiser", StageOpened("inspection"))
    play_inspection(world)
    matter = propose(world)
    subjects = world.state.deliberation.matters[matter].subjects
    play_vote(world, matter, leaders(world)[:11], () if choice else subjects[:4])


def test_a_running_named_vote_shows_only_how_many_have_voted() -> None:
    one, other = both("deliberation", deliberated)
    assert views(one) == views(other)
    matter = next(iter(one.state.deliberation.matters))
    shown = named_vote(one.state, matter)
    assert shown is not None
    assert (shown.voted, shown.members, shown.voices, shown.subjects) == (11, 12, (), ())
    for world in (one, other):
        world.must("organiser", DeliberationClosed(matter, minutes(world, matter)))
    closed, opposite = named_vote(one.state, matter), named_vote(other.state, matter)
    assert closed is not None
    assert opposite is not None
    assert len(closed.voices) == 11 * len(closed.about)
    assert [each.against for each in opposite.subjects[:5]] == [11, 11, 11, 11, 0]
    assert [each.against for each in closed.subjects[:5]] == [0] * 5


def test_a_running_vote_on_the_approval_shows_only_how_many_have_voted() -> None:
    def play(world: World, choice: bool) -> None:
        world.must("organiser", StageOpened("approval"))
        play_rechecks(world)
        matter = f"approval:{play_submission(world)}"
        play_vote(world, matter, ["chair-01", "chair-02", "chair-03", "chair-04"], () if choice else [matter[9:]])

    one, other = both("approval", play)
    assert views(one) == views(other)


@pytest.mark.parametrize("point", ["shortlist:open", "shortlist:voted"])
def test_no_view_says_anything_of_a_ballot_in_an_open_round_but_that_it_was_cast(point: str) -> None:
    played = eventful()
    state = replay(played.entries, size=played.marks[point])
    (current,) = [one for one in state.rounds.by_id.values() if one.closed is None]
    cast = {one.index for one in current.ballots.values()}
    told = [
        record
        for view in all_views(state, played.acts, state.at).values()
        for record in records(json.loads(view))
        if record.get("index") in cast
    ]
    assert {record["index"] for record in told} == cast
    for record in told:
        assert record.keys().isdisjoint({"approve", "against", "abstain", "blank", "void", "facts"})
        names = {person for person in current.candidates if person in record["en"] + record["zh"]}
        assert names == set()


def records(value: Any) -> Iterator[dict[str, Any]]:
    """Give every object within a JSON value."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from records(member)
    elif isinstance(value, list):
        for item in value:
            yield from records(item)
