"""The story of a seat, as a chain of sentences and as a picture."""

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_naming import play_approval, play_naming
from ledger.selection import Selection
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.deliberation import SeatLeftVacant
from ledger.statements.naming import TitleRevoked
from projections.bump_chart import Caption, bump_chart
from projections.plain import to_bytes
from projections.replay import replay
from projections.story import Leg, Story, stories, story_of_person, story_of_seat
from projections.ways import Fate, Ways, listed, ways
from projections.words import NOBODY, Both, Names, Speaker
from tests.finalists import alternates, at_approval, nominees
from tests.projections.worlds import PROGRAMMES, Played, eventful, smooth

SVG = "{http://www.w3.org/2000/svg}"
CAPTION = Caption(Both("每个名额的来路", "How it came about"), Both("截至第 9 条", "As of 9 entries"), rehearsal=True)


@pytest.fixture(scope="module")
def played() -> Played:
    return eventful()


def legs(story: Story) -> list[Leg]:
    return [one.leg for one in story.chapters]


def said(story: Story, leg: Leg) -> dict[str, str]:
    return {each.code: each.en for one in story.chapters if one.leg is leg for each in one.sentences}


def way(state: Selection, names: Names = NOBODY) -> tuple[Ways, Speaker]:
    speaker = Speaker.of(state, names)
    return ways(state, state.at, listed(state), speaker), speaker


def parsed(picture: bytes) -> ET.Element:
    return ET.fromstring(picture)


def texts(root: ET.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SVG}text")]


def drop(world: World, person: str) -> None:
    application = world.state.applications.of_person(person)
    assert application is not None
    world.must(world.alias_of(person), ApplicationWithdrawn(application.application, "本人自愿放弃"))


@pytest.mark.parametrize("play", [eventful, *(lambda name=name: smooth(name) for name in PROGRAMMES)])
def test_every_place_has_its_story_in_both_languages(play: Callable[[], Played]) -> None:
    played = play()
    final = played.state.rounds.final
    assert final is not None
    told = stories(played.state, played.state.at)
    assert [one.seat for one in told] == list(range(1, len(final.nominees) + 1))
    for story in told:
        assert legs(story) == list(Leg)
        assert "{" not in story.zh + story.en
        assert story.zh.count("\n") == story.en.count("\n")
        assert set(story.entries) <= set(range(played.state.size))
        assert said(story, Leg.NAMING)["NAMED_BY"]
        ranked = [one for one in story.chapters[0].sentences if one.code == "STORY_RANKED"]
        sessions = [
            one for one in played.state.rounds.sessions.values() if one.outcome and one.outcome.row(story.person)
        ]
        assert len(ranked) == len(sessions)
        assert all(one.clause and one.entries for one in ranked)


def test_the_story_of_an_alternate_goes_from_the_ballots_to_the_naming(played: Played) -> None:
    filling = played.state.deliberation.places.fillings[0]
    names = {actor.person: actor.alias for actor in played.world.actors.values()}
    story = story_of_seat(played.state, filling.seat, played.state.at, names)
    assert story is not None
    assert story.person == filling.filled_by
    assert story.holders == (filling.vacated_by, filling.filled_by)
    before, after = names[filling.vacated_by], names[story.person]
    moved = said(story, Leg.VACANCIES)
    assert moved["NOMINEE"] == f"{before} is a nominee for place {filling.seat}."
    assert "DROPPED_OUT_BY" in moved
    assert moved["MOVED_UP"].startswith(f"{after}, alternate number ")
    assert list(moved)[-1] == "MOVED_UP"
    assert set(said(story, Leg.NOTICES)) >= {"INSPECTION_PASSED", "AGREED", "NOTICE_ELAPSED"}
    assert {filling.at, filling.removal.at} <= set(story.entries)


def test_ties_are_told_with_what_parted_them_and_where(played: Played) -> None:
    final = played.state.rounds.final
    assert final is not None
    names = {actor.person: actor.alias for actor in played.world.actors.values()}
    tenth, eleventh = final.nominees[9], final.alternates[0]
    told = said(story_of_person(played.state, eleventh, played.state.at, names), Leg.TIES)
    expected = (
        f"final: {names[tenth]} comes before {names[eleventh]}: approvals are equal (5); public votes 6000 > 5900."
    )
    assert told["BEFORE_BY_KEY"] == expected
    alone = story_of_person(smooth(PROGRAMMES[1]).state, alternate_of(PROGRAMMES[1]), 0)
    assert set(said(alone, Leg.TIES)) <= {"PLACE_SHARED", "STORY_NO_TIE", "BEFORE_BY_KEY"}


def alternate_of(programme: str) -> str:
    final = smooth(programme).state.rounds.final
    assert final is not None
    return final.alternates[0]


def test_whoever_left_a_place_is_told_why_and_who_came_after(played: Played) -> None:
    filling = played.state.deliberation.places.fillings[0]
    story = story_of_person(played.state, filling.vacated_by, played.state.at)
    moved = said(story, Leg.VACANCIES)
    assert next(iter(moved)) == "NOMINEE"
    assert {"DROPPED_OUT_BY", "MOVED_UP"} <= set(moved)
    assert Leg.NAMING not in legs(story)


def test_whoever_waits_was_left_or_withdrew_has_a_story_too(played: Played) -> None:
    state, final = played.state, played.state.rounds.final
    assert final is not None
    waiting = next(one for one in final.alternates if one not in state.deliberation.places.moved_up)
    assert set(said(story_of_person(state, waiting, state.at), Leg.VACANCIES)) == {"ALTERNATE_WAITS"}
    outcome = next(one.outcome for one in state.rounds.sessions.values() if one.outcome and one.outcome.left)
    left = story_of_person(state, outcome.left[-1], state.at)
    assert (left.seat, left.holders, legs(left)) == (None, (), [Leg.BALLOTS, Leg.TIES])
    withdrawn = played.acts[played.marks["withdrawn"] - 1].person
    assert set(said(story_of_person(state, withdrawn, state.at), Leg.VACANCIES)) == {"DROPPED_OUT_BY"}


def test_an_open_vote_tells_only_how_many_have_voted(played: Played) -> None:
    state = replay(played.entries, played.marks["shortlist:open"])
    person = state.rounds.session("shortlist", None).rounds[0].candidates[0]
    ballots = said(story_of_person(state, person, state.at), Leg.BALLOTS)
    assert ballots["VOTE_NOT_CLOSED"].startswith("shortlist: The vote is not closed: 2 of ")
    shown, _ = way(state)
    assert [one.stage for one in shown.columns] == ["experts", "industry"]
    assert stories(state, state.at) == ()
    assert story_of_seat(state, 1, state.at) is None


def test_what_is_still_to_come_is_said_to_be(played: Played) -> None:
    state = replay(played.entries, played.marks["final:certified"])
    story = story_of_seat(state, 2, state.at)
    assert story is not None
    assert set(said(story, Leg.NOTICES)) == set(said(story, Leg.NAMING)) == {"STORY_NOT_YET"}


def test_a_place_that_stays_empty_and_a_title_that_was_revoked() -> None:
    world = at_approval()
    gone = nominees(world)[9]
    for person in (*alternates(world), gone):
        drop(world, person)
    act = world.must("organiser", SeatLeftVacant("备选人员已全部退出", gone))
    play_approval(world)
    play_naming(world, close=False)
    titles = world.state.naming.titles
    assert titles is not None
    revoked = titles.candidates[0]
    body = TitleRevoked(revoked, world.digest("falsehood"), titles.index, "骗取荣誉", 0)
    last = world.cosign(world.must("organiser", body), "discipline")
    empty = story_of_seat(world.state, 10, world.now)
    assert empty is not None
    assert (empty.person, empty.holders) == (gone, (gone,))
    assert act.index in empty.entries
    assert list(said(empty, Leg.VACANCIES))[-1] == "STORY_SEAT_EMPTY"
    assert "REVOKED_BY" in said(story_of_person(world.state, revoked, world.now), Leg.NAMING)
    shown, _ = way(world.state)
    ending = shown.columns[-1]
    assert [len(block.stops) for block in ending.blocks] == [8, 6]
    stop = ending.stop(revoked)
    assert stop is not None
    assert (stop.entry, stop.number, shown.fate(revoked)) == (last.index, None, Fate.OUT)


def test_it_is_the_same_from_the_bytes_alone(played: Played) -> None:
    again = replay(played.entries)
    assert to_bytes(stories(again, again.at)) == to_bytes(stories(played.state, played.state.at))
    (one, speaker), (other, other_speaker) = way(again), way(played.state)
    assert to_bytes(one) == to_bytes(other)
    pictures = {
        bump_chart(one, CAPTION, speaker, "zh"),
        bump_chart(other, CAPTION, other_speaker, "zh"),
    }
    assert len(pictures) == 1


def test_the_ways_are_the_results(played: Played) -> None:
    state, final = played.state, played.state.rounds.final
    assert final is not None
    shown, _ = way(state)
    assert [one.stage for one in shown.columns] == ["experts", "industry", "shortlist", "final", ""]
    column = shown.columns[3]
    assert [[stop.person for stop in block.stops] for block in column.blocks] == [
        list(final.nominees),
        list(final.alternates),
    ]
    assert [stop.number for stop in column.stops] == list(range(1, 15))
    assert [stop.key for stop in column.stops if stop.number in (10, 11, 13, 14)] == [
        "public_votes", "public_votes", "runoff", "runoff",
    ]  # fmt: skip
    held = {stop.number: stop.person for stop in shown.columns[-1].blocks[0].stops}
    assert state.naming.titles is not None
    assert list(held.values()) == list(state.naming.titles.candidates)
    fates = [shown.fate(person) for person in (*final.nominees, *final.alternates)]
    assert {one: fates.count(one) for one in Fate if one in fates} == {
        Fate.NOMINEE: 7, Fate.MOVED_UP: 3, Fate.WAITING: 1, Fate.OUT: 3,
    }  # fmt: skip


def test_before_the_final_vote_those_left_and_those_still_on_their_way_are_shown(played: Played) -> None:
    state = replay(played.entries, played.marks["shortlist:counted"])
    shown, speaker = way(state)
    fates = {fate for _, fate in shown.fates}
    assert fates == {Fate.OPEN}
    later = replay(played.entries, played.marks["public"])
    shown, speaker = way(later)
    assert {fate for _, fate in shown.fates} == {Fate.OPEN, Fate.LEFT}
    root = parsed(bump_chart(shown, CAPTION, speaker, "zh"))
    assert {"未定", "未入选"} <= set(texts(root))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("chosen", [False, True])
def test_the_picture_is_well_formed_self_contained_and_has_everybody_in_words(
    played: Played, language: str, chosen: bool
) -> None:
    names = {person: f"某人{number}" for number, person in enumerate(listed(played.state))}
    shown, speaker = way(played.state, names)
    highlighted = listed(played.state)[:1] if chosen else ()
    picture = bump_chart(shown, CAPTION, speaker, language, highlighted)
    root = parsed(picture)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    title, desc = (root.find(f"{SVG}{name}") for name in ("title", "desc"))
    assert title is not None
    assert desc is not None
    assert (title.get("id"), desc.get("id")) == ("title", "desc")
    assert "REHEARSAL" in (title.text or "")
    assert all(name in (desc.text or "") for name in names.values())
    shown_texts = texts(root)
    assert all(
        shown_texts.count(name) == sum(one.stop(who) is not None for one in shown.columns)
        for who, name in names.items()
    )
    assert shown_texts.count("演练 REHEARSAL") == 2
    written = picture.decode()
    for forbidden in ("<script", "href", "url(", "@font-face", "<style", "<image", "foreignObject"):
        assert forbidden not in written
    assert re.findall(r"https?://[^\"]*", written) == ["http://www.w3.org/2000/svg"]
    for one in root.iter():
        measures = [one.get(name, "0") for name in ("x", "y", "width", "height", "rx", "font-size", "d", "transform")]
        assert not [each for each in measures if "." in each]
    thick = [one for one in root.iter(f"{SVG}path") if one.get("stroke-width") == "4"]
    assert len(thick) == (4 if chosen else 0)


def test_both_languages_say_it_in_their_own_words(played: Played) -> None:
    shown, speaker = way(played.state)
    zh, en = (texts(parsed(bump_chart(shown, CAPTION, speaker, language))) for language in ("zh", "en"))
    assert len(zh) == len(en)
    assert {"专家组提名", "正式提名", "退出", "公众票"} <= set(zh)
    assert {"experts", "nominee", "out", "public"} <= set(en)


def test_a_real_selection_bears_no_mark(played: Played) -> None:
    shown, speaker = way(played.state)
    real = Caption(CAPTION.title, CAPTION.remark, rehearsal=False)
    assert "演练" not in bump_chart(shown, real, speaker, "zh").decode()


def test_no_name_can_break_the_picture(played: Played) -> None:
    person, other = listed(played.state)[:2]
    hostile = "<script>&\"'\x01\ufffe" + "长" * 60
    shown, speaker = way(played.state, {person: hostile, other: "𠮷"})
    picture = bump_chart(shown, CAPTION, speaker, "zh")
    root = parsed(picture)
    assert not list(root.iter(f"{SVG}script"))
    cut = [one for one in texts(root) if one.startswith("<script>")]
    assert cut
    assert all(one.endswith("…") and len(one) < 30 for one in cut)
    assert "𠮷" in texts(root)


def test_a_highlight_makes_all_others_pale(played: Played) -> None:
    shown, speaker = way(played.state)
    one = shown.columns[-1].stops[0].person
    root = parsed(bump_chart(shown, CAPTION, speaker, "zh", (one,)))
    lines = [path.get("stroke") for path in root.iter(f"{SVG}path") if path.get("fill") is None]
    assert len({*lines}) == 2
    bold = [each for each in root.iter(f"{SVG}text") if each.text == one[:8]]
    assert {each.get("font-weight") for each in bold} == {"700"}
    assert len(bold) == 5


def test_a_selection_without_a_charter_has_no_ways() -> None:
    empty = Selection()
    assert listed(empty) == ()
    assert ways(empty, 0, (), Speaker.of(empty)) == Ways((), ())
