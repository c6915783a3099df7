"""What certified results hang on, asked of whole plays: margins, members, readings, score sheets."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from statistics import median

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import play_declarations, play_groups
from api.rehearsal.steps_rounds import (
    SessionPlan,
    candidates,
    certify,
    discussion,
    members,
    play_panel_stage,
    play_people,
    play_round,
    score,
)
from ledger.lists import entering
from ledger.statements import Act, decode_entry
from ledger.statements.foundation import StageOpened
from ledger.statements.rounds import AttendanceRecorded, ScoringClosed
from projections.contests import certified, contest_of
from projections.leave_one_out import LeaveOneOut, Part, leave_one_out
from projections.margins import SessionMargins, margins
from projections.plain import to_bytes
from projections.readings_table import Named, readings_table
from projections.replay import replay
from projections.score_sheets import review
from projections.whatif import Change, Compared, what_if
from tests.projections.test_secrecy import both, scores, vote
from tests.projections.worlds import Played, eventful, smooth
from tests.simulator import entries_of, resume
from tests.voting import world_before

NOTICE, MEDAL = "zhuyuan-2022", "labour-medal-2024"
PLAYS: list[Callable[[], Played]] = [eventful, lambda: smooth(NOTICE), lambda: smooth(MEDAL)]
plays = pytest.mark.parametrize("play", PLAYS)


def acts_of(world: World) -> list[Act]:
    return [decode_entry(entry) for entry in entries_of(world)]


def without(played: Played, entries: tuple[int, ...], subject: str) -> Compared:
    """The result in a what-if that leaves these entries out."""
    answer = what_if(played.entries, Change(entries=frozenset(entries)))
    (found,) = (one for one in answer.compared if one.subject == subject)
    return found


@plays
def test_what_is_asked_about_is_what_was_certified(play: Callable[[], Played]) -> None:
    """Also where somebody dropped out afterwards, or a ballot was disputed since."""
    played = play()
    sessions = played.state.rounds.sessions
    found = {one.session.subject: one.outcome for one in certified(played.state, played.acts)}
    kept = {one.subject: one.outcome for one in sessions.values() if one.outcome is not None}
    assert found.keys() == kept.keys()
    assert all(found[subject].rows == outcome.rows for subject, outcome in kept.items())


@plays
def test_a_vote_made_a_contest_has_the_cut_that_was_certified(play: Callable[[], Played]) -> None:
    played = play()
    for one in certified(played.state, played.acts):
        cut = contest_of(one).cut
        assert (set(cut.taken), cut.tied_at_cut) == (set(one.outcome.taken), None)


def witnesses(found: tuple[SessionMargins, ...]) -> Iterator[tuple[str, str | None, bool, tuple[int, ...]]]:
    """The subject, the candidate, whether the seat changes for certain, and the ballots removed for it."""
    for one in found:
        for played in one.rounds:
            if played.runoff:
                continue
            for who, margin in (
                (None, played.removal),
                *((each.candidate, each.removal) for each in played.candidates),
            ):
                for changes, found_margin in ((True, margin.changes), (False, margin.opens)):
                    if found_margin is not None and found_margin.upper is not None:
                        yield one.subject, who, changes, found_margin.entries


@pytest.mark.parametrize(("play", "stage"), [(eventful, "final"), (eventful, "shortlist"), (PLAYS[2], "jury-vote")])
def test_the_ballots_named_in_a_margin_do_it_in_a_what_if_too(play: Callable[[], Played], stage: str) -> None:
    played = play()
    told = list(witnesses(margins(played.state, played.acts, stage)))
    assert told
    for subject, who, changes, entries in told:
        compared = without(played, entries, subject)
        affected = {one.candidate: one.taken != one.taken_if for one in compared.candidates}
        if changes:
            assert any(affected.values()) if who is None else affected[who]
        else:
            assert compared.tie if who is None else who in compared.tie


def test_a_result_that_hangs_on_public_votes_hangs_on_single_ballots() -> None:
    played = eventful()
    (one,) = margins(played.state, played.acts, "final")
    (vote_of_all,) = one.rounds
    assert vote_of_all.removal.changes is not None
    assert (vote_of_all.removal.changes.label, vote_of_all.removal.changes.upper) == ("exact", 1)
    alone = {each.entry for each in vote_of_all.decisive if each.touch.value == "removal" and each.changes}
    for cast in played.state.rounds.sessions["final", None].rounds[0].ballots.values():
        assert (cast.index in alone) == without(played, (cast.index,), "stage:final").seats_change


@cache
def tied_shortlist() -> tuple[World, tuple[str, ...]]:
    """The 14th and 15th of the shortlist tie and are parted by a run-off, five to four."""
    world = resume(eventful().histories["shortlist"])
    stage = world.state.charter.stage("shortlist")
    assert stage is not None
    order = tuple(sorted(world.alias_of(person) for person in entering(world.state, stage)))
    approvals = dict.fromkeys(order[:13], 8) | dict.fromkeys(order[13:15], 4) | dict.fromkeys(order[15:], 1)
    runoff = {order[13]: 5, order[14]: 4}
    play_panel_stage(world, "shortlist", SessionPlan(order=order, approvals=approvals, runoffs=[runoff]))
    return world, order


def test_a_run_off_at_the_cut_has_margins_of_its_own() -> None:
    world, order = tied_shortlist()
    (one,) = margins(world.state, acts_of(world), "shortlist")
    whole, runoff = one.rounds
    assert (whole.runoff, runoff.runoff, runoff.seats, runoff.ballots) == (0, 1, 1, 9)
    first, second = (world.person(alias) for alias in order[13:15])
    assert [(each.candidate, each.rank, each.taken) for each in runoff.candidates] == [
        (first, 14, True),
        (second, 15, False),
    ]
    assert runoff.removal.changes is not None
    assert runoff.removal.opens is not None
    assert runoff.change.changes is not None
    assert (runoff.removal.changes.upper, runoff.removal.opens.upper, runoff.change.changes.upper) == (2, 1, 1)
    (left,) = leave_one_out(world.state, acts_of(world), "shortlist")
    assert {len(each.entries) for each in left.members} == {2}, "the run-off's ballot goes with the other"


def by_member(found: LeaveOneOut, part: Part) -> dict[str, tuple[int, ...]]:
    return {one.member: one.entries for one in found.members if one.part is part}


@pytest.mark.parametrize(
    ("play", "stage", "group"),
    [
        (eventful, "final", None),
        (eventful, "industry", None),
        (eventful, "experts", "power"),
        (PLAYS[2], "trades", None),
    ],
)
def test_leaving_one_out_is_a_what_if_without_their_entries(
    play: Callable[[], Played], stage: str, group: str | None
) -> None:
    played = play()
    found = leave_one_out(played.state, played.acts, stage, group)
    assert found
    for one in found:
        for left in one.members:
            compared = without(played, left.entries, one.subject)
            assert left.moved == tuple(each for each in compared.candidates if each.changed)
            assert left.tie == compared.tie


def test_everybody_who_voted_or_scored_is_left_out_once() -> None:
    played = eventful()
    (one,) = leave_one_out(played.state, played.acts, "experts", "power")
    session = played.state.rounds.sessions["experts", "power"]
    assert session.main is not None
    assert by_member(one, Part.BALLOTS).keys() == session.main.ballots.keys()
    assert by_member(one, Part.SCORES).keys() == {member for member, _ in session.sheets}


STAGE, GROUP = "experts", "metalworking"


@cache
def favourite() -> tuple[World, tuple[str, ...], tuple[str, ...]]:
    """All have the same approvals; the last expert gives the last candidate a hundred and all others sixty.

    The first two experts give the same sheets.
    """
    world = world_before(STAGE)
    world.must("organiser", StageOpened(STAGE))
    play_people(world, STAGE)
    play_groups(world, STAGE)
    play_declarations(world, STAGE, GROUP)
    experts, listed = members(world, STAGE, GROUP), candidates(world, STAGE, GROUP)
    for expert in experts:
        world.must(expert, AttendanceRecorded(GROUP, STAGE))
    for number, expert in enumerate(experts):
        for at, candidate in enumerate(listed):
            percent = 90 - at
            if expert == experts[-1]:
                percent = 100 if candidate == listed[-1] else 60
            sheet = score(world, STAGE, GROUP, candidate, percent=percent, add=max(number, 1))
            world.must(expert, sheet)
    world.must("organiser", ScoringClosed(GROUP, STAGE))
    world.must("organiser", discussion(world, STAGE, GROUP))
    play_round(world, STAGE, GROUP, SessionPlan(order=listed, approvals=dict.fromkeys(listed, len(experts))))
    certify(world, f"stage:{STAGE}:{GROUP}")
    return world, experts, listed


def test_without_the_favourites_expert_the_equals_stand_in_another_order() -> None:
    world, experts, listed = favourite()
    (one,) = leave_one_out(world.state, acts_of(world), STAGE, GROUP)
    scored = {left.member: left for left in one.members if left.part is Part.SCORES}
    moved = {each.candidate: (each.rank, each.rank_if) for each in scored[world.person(experts[-1])].moved}
    last = world.person(listed[-1])
    assert moved[last] == (1, len(listed))
    assert not any(left.seats_change for left in one.members)


def test_sheets_far_from_the_others_and_alike_are_shown_and_none_is_discarded() -> None:
    world, experts, listed = favourite()
    (one,) = review(world.state, STAGE, GROUP)
    session = world.state.rounds.sessions[STAGE, GROUP]
    last_expert, last = world.person(experts[-1]), world.person(listed[-1])
    assert {far.member for far in one.far} == {last_expert}
    (far,) = (each for each in one.far if each.candidate == last)
    totals = [entry.sheet.total for (_, who), entry in session.sheets.items() if who == last]
    assert far.median == Fraction(median(totals))
    spread = max(median(abs(Fraction(each) - far.median) for each in totals), Fraction(100))
    assert far.distance == Fraction(6745, 10_000) * (far.total - far.median) / spread
    assert far.distance > Fraction(7, 2)
    assert (far.rank, far.rank_without) == (1, len(listed))
    assert far.entry == session.sheets[last_expert, last].index
    assert {each.member for each in one.far_points} == {last_expert}
    assert [(pair.first, pair.second) for pair in one.same] == [tuple(sorted(map(world.person, experts[:2])))]
    assert len(one.same[0].entries) == 2 * len(listed)
    assert one.sheets == len(experts) * len(listed) == sum(each.sheets for each in one.experts)
    severe = {each.member: each.leaning < -100 for each in one.experts}
    assert severe == {world.person(expert): expert == experts[-1] for expert in experts}
    codes = [finding.code for finding in world.state.findings.by_id.values()]
    assert codes.count("SCORE_OUTLIER") == len(one.far)
    assert codes.count("SHEETS_IDENTICAL") == len(one.same)


@plays
def test_every_other_reading_is_a_what_if(play: Callable[[], Played]) -> None:
    played = play()
    table = readings_table(played.state, played.acts)
    assert table.hypothetical
    for row in table.rows:
        assert row.chosen == played.state.charter.latest.programme.reading(row.reading)
        assert [one.readings for one in row.alternatives] == [
            ((row.reading, value),) for value in row.permitted if value != row.chosen
        ]
        for one in row.alternatives:
            answer = what_if(played.entries, Change(readings=dict(one.readings)))
            assert one.undetermined == answer.undetermined
            assert one.changes_nothing == (answer.undetermined is None and not any(c.changed for c in answer.compared))
            assert {each.subject for each in one.taken} == {c.subject for c in answer.compared if c.seats_change}
            assert (one.named is Named.SAME) == (answer.undetermined is None)


def test_another_rounding_changes_the_shortlist_and_leaves_open_who_is_named() -> None:
    played = eventful()
    table = readings_table(played.state, played.acts, combine=True)
    (rounding,) = (row for row in table.rows if row.reading == "shortlist_rounding")
    named = {one.readings[0][1]: (one.named, one.shortlist) for one in rounding.alternatives}
    assert named == {
        "strictly_more": (Named.SAME, False),
        "floor": (Named.OPEN, True),
        "round": (Named.OPEN, True),
    }
    assert table.named is Named.OPEN
    singles = sum(len(row.alternatives) for row in table.rows)
    assert len(table.combined) == singles * (singles - 1) // 2 - 3, "no reading twice at once"
    assert all(len({reading for reading, _ in one.readings}) == 2 for one in table.combined)


def test_before_anybody_is_named_the_answer_says_so() -> None:
    played = eventful()
    size = played.marks["experts"]
    table = readings_table(replay(played.entries, size), played.acts[:size])
    assert table.named is Named.NOT_YET


def questions(world: World) -> bytes:
    """The answers to every question about every stage, as bytes."""
    acts = acts_of(world)
    stages = [stage.id for stage in world.state.charter.latest.programme.stages]
    asked = [
        (margins(world.state, acts, stage), leave_one_out(world.state, acts, stage), review(world.state, stage))
        for stage in stages
    ]
    return to_bytes((asked, readings_table(world.state, acts)))


@pytest.mark.parametrize(("point", "play"), [("shortlist", vote), ("experts", scores)])
def test_no_answer_says_anything_of_an_open_vote(point: str, play: Callable[[World, bool], None]) -> None:
    one, other = both(point, play)
    assert questions(one) == questions(other)


def test_of_a_stage_without_a_certified_result_there_is_no_answer() -> None:
    played = eventful()
    size = played.marks["shortlist:counted"]
    state = replay(played.entries, size)
    assert margins(state, played.acts[:size], "shortlist") == ()
    assert leave_one_out(state, played.acts[:size], "shortlist") == ()
    assert len(margins(state, played.acts[:size], "experts")) == 3


def test_asking_writes_nothing() -> None:
    played = eventful()
    before = to_bytes(played.state.charter.latest.hash), list(played.entries), played.state.size
    margins(played.state, played.acts, "final")
    leave_one_out(played.state, played.acts, "final")
    readings_table(played.state, played.acts)
    assert (to_bytes(played.state.charter.latest.hash), played.entries, played.state.size) == before


def test_a_reading_that_takes_a_nominees_place_says_so() -> None:
    """The tenth has four of nine: nominated without a minimum, and not by the majority of valid ballots."""
    world = world_before("final")
    stage = world.state.charter.stage("final")
    assert stage is not None
    order = sorted(world.alias_of(person) for person in entering(world.state, stage))
    approvals = dict.fromkeys(order[:9], 9) | {order[9]: 4} | dict.fromkeys(order[10:], 1)
    play_panel_stage(world, "final", SessionPlan(order=order, approvals=approvals))
    table = readings_table(world.state, acts_of(world))
    (least,) = (row for row in table.rows if row.reading == "min_approval")
    (majority,) = least.alternatives
    assert (majority.named, table.named) == (Named.NOMINEES, Named.NOMINEES)
    lost = {person for one in majority.taken if one.subject == "stage:final" for person in one.lost}
    assert lost == {world.person(order[9])}
