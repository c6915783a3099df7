"""Disputes C01 to C07: scoring."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import play_declarations, play_groups
from api.rehearsal.steps_rounds import candidates, certification, members, play_round, play_scores, score
from ledger.derivation import ladder
from ledger.errors import MalformedError
from ledger.procedure.programme import ScoreItem
from ledger.procedure.ranking import DecidedBy
from ledger.procedure.scores import Sheet, mean_scores
from ledger.state.rounds import Session, SheetEntry
from ledger.statements.bodies import RecusalMade
from ledger.statements.foundation import StageOpened
from ledger.statements.rounds import (
    AttendanceRecorded,
    DiscussionRecorded,
    Points,
    ScoreGiven,
    ScoreRevised,
    ScoringClosed,
)
from tests.voting import finding, findings, refused, replayed, world_before

STAGE, GROUP, CLAUSE = "experts", "metalworking", "五(一)"


def scoring() -> tuple[World, tuple[str, ...], tuple[str, ...]]:
    """A group of experts who have declared and are there, with nothing scored yet; its members and candidates."""
    world = world_before(STAGE)
    world.must("organiser", StageOpened(STAGE))
    play_groups(world, STAGE)
    play_declarations(world, STAGE, GROUP)
    experts = members(world, STAGE, GROUP)
    for expert in experts:
        world.must(expert, AttendanceRecorded(GROUP, STAGE))
    return world, experts, candidates(world, STAGE, GROUP)


def sheet(world: World, candidate: str, percent: int, add: int = 0) -> ScoreGiven:
    return score(world, STAGE, GROUP, candidate, percent=percent, add=add)


def revision(world: World, candidate: str, percent: int, reason: str = "漏看一份证书") -> ScoreRevised:
    given = sheet(world, candidate, percent)
    return ScoreRevised(given.candidate, given.evaluation, GROUP, given.points, reason, STAGE)


def test_C01_one_favourite_and_all_others_at_sixty_is_shown_with_the_rank_without_that_expert() -> None:
    world, experts, listed = scoring()
    favourite = listed[-1]
    for number, expert in enumerate(experts[:-1]):
        for place, candidate in enumerate(listed):
            world.must(expert, sheet(world, candidate, 90 - place, number))
    partial = {}
    for candidate in listed:
        act = world.must(experts[-1], sheet(world, candidate, 100 if candidate == favourite else 60))
        partial[candidate] = act.index
    closed = world.must("organiser", ScoringClosed(GROUP, STAGE))

    found = findings(world, "SCORE_OUTLIER")

    assert found == tuple(one for one in replayed(world).findings.by_id.values() if one.code == "SCORE_OUTLIER")
    assert {one.severity for one in found} == {"info"}
    assert {one.facts["member"] for one in found} == {world.person(experts[-1])}
    shown = next(one for one in found if one.facts["candidate"] == world.person(favourite))
    assert shown.entries == (partial[favourite], closed.index)
    assert (shown.facts["rank"], shown.facts["rank_without"]) == (1, len(listed))
    assert shown.facts["points"] == "100.00"
    assert len(world.state.rounds.session(STAGE, GROUP).sheets) == len(experts) * len(listed)


def test_C02_a_score_revised_after_the_reveal_is_a_breach_and_the_old_one_is_kept() -> None:
    world, experts, listed = scoring()
    play_scores(world, STAGE, GROUP)
    before = world.must(experts[0], revision(world, listed[0], 80))
    assert findings(world, "REVISED_AFTER_REVEAL") == ()

    closed = world.must("organiser", ScoringClosed(GROUP, STAGE))
    after = world.must(experts[0], revision(world, listed[0], 99))

    found = finding(world, "REVISED_AFTER_REVEAL", "breach")
    assert found.entries == (before.index, closed.index, after.index)
    entry = world.state.rounds.session(STAGE, GROUP).sheets[world.person(experts[0]), world.person(listed[0])]
    assert entry.index == after.index
    assert entry.replaced[-1] == before.index
    assert len(entry.replaced) == 2
    refused(world, experts[0], sheet(world, listed[0], 99), "SCORING_CLOSED", CLAUSE)


def test_C02_a_breach_stops_the_certification() -> None:
    world, experts, listed = scoring()
    play_scores(world, STAGE, GROUP)
    world.must("organiser", ScoringClosed(GROUP, STAGE))
    world.must(experts[0], revision(world, listed[0], 99))
    session = world.state.rounds.session(STAGE, GROUP)
    people = tuple(sorted(world.person(one) for one in listed))
    present = tuple(sorted(session.present))
    world.must("organiser", DiscussionRecorded(present, people, GROUP, world.digest("minutes"), STAGE))
    play_round(world, STAGE, GROUP)

    refused(world, "organiser", certification(world, f"stage:{STAGE}:{GROUP}"), "FINDING_OPEN", CLAUSE)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"skill": 3001}, "out_of_range"),
        ({"skill": -1}, "out_of_range"),
        ({"skill": 10**15}, "out_of_range"),
        ({"charm": 100}, "unknown_criterion"),
        ({"skill": None}, "missing"),
    ],
)
def test_C03_a_score_outside_its_range_or_incomplete(change: dict[str, int | None], fault: str) -> None:
    world, experts, listed = scoring()
    given = sheet(world, listed[0], 80)
    points = {one.item: one.hundredths for one in given.points} | change
    rows = tuple(Points(value, item) for item, value in points.items() if value is not None)
    body = ScoreGiven(given.candidate, given.evaluation, GROUP, rows, STAGE)

    assert refused(world, experts[0], body, "SCORE_INVALID", CLAUSE).facts["fault"] == fault
    assert refused(world, experts[1], body, "SCORE_INVALID", CLAUSE).facts["fault"] == fault


def test_C03_a_criterion_given_twice() -> None:
    world, experts, listed = scoring()
    given = sheet(world, listed[0], 80)
    body = ScoreGiven(given.candidate, given.evaluation, GROUP, (*given.points, given.points[0]), STAGE)

    assert refused(world, experts[0], body, "SCORE_INVALID", CLAUSE).facts["fault"] == "twice"


@pytest.mark.parametrize("value", ["\uff19\uff15", "95", 95.5, float("nan"), 1e308, True, None])
def test_C03_what_is_no_whole_number_never_becomes_a_statement(value: object) -> None:
    world, experts, listed = scoring()
    given = sheet(world, listed[0], 80)
    rows = (Points(value, given.points[0].item), *given.points[1:])  # type: ignore[arg-type]
    size = world.state.size

    with pytest.raises((MalformedError, TypeError, ValueError)):
        world.submit(experts[0], ScoreGiven(given.candidate, given.evaluation, GROUP, rows, STAGE))

    assert world.state.size == size


def test_C04_a_score_by_other_weights_than_the_stage_opened_with() -> None:
    world, experts, listed = scoring()
    other = world.digest("another programme version")

    refused(world, experts[0], sheet(world, listed[0], 80), "RULES_HASH_MISMATCH", CLAUSE, rules=other)
    refused(world, experts[1], sheet(world, listed[1], 80), "RULES_HASH_MISMATCH", CLAUSE, rules=None)


def test_C05_two_experts_with_the_same_sheets_are_shown() -> None:
    world, experts, listed = scoring()
    entries = []
    for number, expert in enumerate(experts):
        for place, candidate in enumerate(listed):
            act = world.must(expert, sheet(world, candidate, 90 - place, min(number, len(experts) - 2)))
            if number >= len(experts) - 2:
                entries.append(act.index)
    closed = world.must("organiser", ScoringClosed(GROUP, STAGE))

    found = finding(world, "SHEETS_IDENTICAL", "warn")

    assert found.entries == (*entries, closed.index)
    assert {found.facts["first"], found.facts["second"]} == {world.person(one) for one in experts[-2:]}
    assert found.facts["candidates"] == len(listed)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_C06_the_order_of_entries_with_equal_content_leaves_no_trace(data: st.DataObject) -> None:
    items = (ScoreItem("skill", "技艺", 3000), ScoreItem("merit", "业绩", 2000))
    pairs = [(f"e{expert}", f"c{candidate}") for expert in range(4) for candidate in range(3)]
    world, _, _ = scoring()
    sheets = {
        (member, candidate): tuple(
            (item.id, data.draw(st.integers(0, item.most_hundredths), label=f"{member}/{candidate}/{item.id}"))
            for item in items
        )
        for member, candidate in pairs
    }
    shuffled = data.draw(st.permutations(pairs))

    def keys(order: list[tuple[str, str]]) -> object:
        session = Session(STAGE, GROUP)
        for index, pair in enumerate(order):
            session.sheets[pair] = SheetEntry(index, Sheet(*pair, sheets[pair]), "0" * 64)
        return ladder(world.state, session)

    assert keys(shuffled) == keys(pairs)


def test_C06_means_are_exact() -> None:
    world, experts, listed = scoring()
    for number, expert in enumerate(experts):
        for candidate in listed:
            world.must(expert, sheet(world, candidate, 80, number))
    session = world.state.rounds.session(STAGE, GROUP)
    means = mean_scores(entry.sheet for entry in session.sheets.values())
    criteria = len(world.state.charter.latest.programme.stage(STAGE).score_items)  # type: ignore[union-attr]

    assert {one.mean for one in means} == {Fraction(8000) - criteria * Fraction(sum(range(len(experts))), len(experts))}
    assert [key.name for key in ladder(world.state, session)] == [DecidedBy.MEAN_SCORE]


def test_C07_scoring_closes_only_when_whoever_came_has_scored_everybody() -> None:
    world, experts, listed = scoring()
    for expert in experts:
        for candidate in listed:
            if (expert, candidate) != (experts[0], listed[0]):
                world.must(expert, sheet(world, candidate, 80, experts.index(expert)))

    refusal = refused(world, "organiser", ScoringClosed(GROUP, STAGE), "SCORING_INCOMPLETE", CLAUSE)
    assert refusal.facts == {"missing": 1, "person": world.person(experts[0]), "candidate": world.person(listed[0])}

    world.must(experts[0], RecusalMade(world.person(listed[0]), GROUP, "师徒关系", STAGE))
    world.must("organiser", ScoringClosed(GROUP, STAGE))
    refused(world, "organiser", ScoringClosed(GROUP, STAGE), "SCORING_CLOSED", CLAUSE)


def test_C07_a_recused_member_gives_no_score() -> None:
    world, experts, listed = scoring()
    world.must(experts[0], RecusalMade(world.person(listed[0]), GROUP, "师徒关系", STAGE))

    refused(world, experts[0], sheet(world, listed[0], 80), "RECUSED", CLAUSE)
    world.must(experts[1], sheet(world, listed[0], 80))
    refused(world, experts[1], sheet(world, listed[0], 81), "ALREADY_SCORED", CLAUSE)
