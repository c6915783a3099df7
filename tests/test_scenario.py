"""The rehearsal in memory: everything contested happens, ten are named, and another programme runs through as well."""

from collections import Counter
from datetime import date
from functools import cache

import pytest

from api.rehearsal.beats import Beat
from api.rehearsal.cast import cast_of
from api.rehearsal.driver import World, found
from api.rehearsal.scenario import FOUNDED, play_contested, play_straight
from api.rehearsal.scenario_notice import weekdays_after
from api.rehearsal.steps_applications import covered
from ledger.procedure.programme import StageKind
from ledger.procedure.vacancies import DropOut
from ledger.programmes import load_shipped
from ledger.signing import key_id
from ledger.statements import decode_own_entry
from projections.audit.verify import verify_log
from projections.plain import to_bytes
from projections.replay import replay
from projections.results import results
from tests.simulator import LOG_VKEY, ORIGIN, MemoryLedger, new_world

PLACES = 10


@cache
def contested(seed: str = "play") -> tuple[World, tuple[Beat, ...]]:
    """The contested play, once for all tests of a seed."""
    world = World(MemoryLedger(), seed)
    world.set_time(*FOUNDED)
    found(world, load_shipped("zhuyuan-2022"), ORIGIN, LOG_VKEY.encode())
    beats: list[Beat] = []
    play_contested(world, beats.append)
    return world, tuple(beats)


def ledger_of(world: World) -> MemoryLedger:
    assert isinstance(world.ledger, MemoryLedger)
    return world.ledger


def facts(code: str, place: int = 0) -> dict[str, object]:
    return dict([beat for beat in contested()[1] if beat.code == code][place].facts)


def test_ten_are_named_after_two_alternates_moved_up() -> None:
    world, _ = contested()
    state = world.state
    final, titles = state.rounds.final, state.naming.titles
    assert final is not None
    assert titles is not None
    assert len(titles.candidates) == len(set(titles.candidates)) == PLACES
    rejected, disqualified = (filling.vacated_by for filling in state.deliberation.places.fillings)
    assert state.out[rejected].cause is DropOut.NOT_AGREED
    assert state.out[disqualified].cause is DropOut.STRUCK_OFF
    stayed = [one for one in final.nominees if one not in (rejected, disqualified)]
    assert set(titles.candidates) == {*stayed, *final.alternates[:2]}
    assert state.naming.conferred is not None


def test_the_cast_has_the_size_of_a_real_selection() -> None:
    world, _ = contested()
    state = world.state
    programme = state.charter.latest.programme
    assert len(state.applications.received()) >= 60
    assert len(state.applications.received_by("occupation")) == len(covered(programme, "occupation")[:6]) == 6
    seated = {key: len(roster.members) for key, roster in state.bodies.rosters.items()}
    assert [count for (stage, _), count in seated.items() if stage == "experts"] == [7, 7, 7]
    assert sum(count for (stage, _), count in seated.items() if stage == "industry") == 12
    assert seated["shortlist", None] == seated["final", None] == 13
    assert len(state.roll.holders("leader")) >= programme.leaders_least == 10
    keys = [key_id(actor.key.public) for actor in world.actors.values()]
    assert len(set(keys)) == len(keys)


def test_everything_contested_happens_and_cites_its_entries() -> None:
    world, beats = contested()
    told = Counter(beat.code for beat in beats)
    assert told["late-filing"] == told["keyed-late"] == told["recusal"] == told["paper-ballot"] == 1
    assert told["anonymous"] == told["upheld"] == told["leaders-object"] == told["tie-broken"] == 1
    assert told["moved-up"] == told["published"] == 2
    assert [beat.code for beat in beats if beat.refused] == [
        "RECUSED",
        "ALREADY_VOTED",
        "RESULT_NOT_DERIVED",
        "NOTICE_NOT_ELAPSED",
    ]
    for beat in beats:
        assert beat.refused == (not beat.entries)
        assert all(0 <= entry < world.state.size for entry in beat.entries)


def test_the_tie_at_the_cut_is_broken_by_public_votes() -> None:
    tie, poll = facts("tie-broken"), facts("public-vote")
    assert tie["place"] == PLACES
    assert tie["approvals"] == 8
    assert isinstance(tie["votes"], int)
    assert isinstance(tie["other_votes"], int)
    assert tie["votes"] > tie["other_votes"]
    assert isinstance(poll["votes"], int)
    assert poll["votes"] > 20_000


@pytest.mark.parametrize(
    ("place", "published", "last_day", "naive", "people"),
    [(0, "2022-12-28", "2023-01-05", "2023-01-04", 10), (1, "2023-01-16", "2023-01-28", "2023-01-23", 1)],
)
def test_both_notices_run_over_holidays(place: int, published: str, last_day: str, naive: str, people: int) -> None:
    notice = facts("published", place)
    assert (notice["published"], notice["last_day"], notice["naive"]) == (published, last_day, naive)
    assert (notice["days"], notice["people"]) == (5, people)


@pytest.mark.parametrize(
    ("published", "days", "ends"),
    [("2022-12-28", 5, "2023-01-04"), ("2023-01-13", 1, "2023-01-16"), ("2023-01-14", 5, "2023-01-20")],
)
def test_counting_weekdays_alone(published: str, days: int, ends: str) -> None:
    assert weekdays_after(date.fromisoformat(published), days) == date.fromisoformat(ends)


def test_who_objects_stands_nowhere_in_the_log() -> None:
    world, _ = contested()
    signer = next(actor for alias, actor in world.actors.items() if alias.startswith("objector-"))
    assert signer.person.startswith("sealed:")
    assert signer.person not in world.state.roll.people
    assert signer.person not in cast_of(world)


def test_no_entry_holds_a_name() -> None:
    world, _ = contested()
    signed = b"".join(decode_own_entry(entry).signed.payload for entry in ledger_of(world).entries[1:])
    assert world.person("applicant-01").encode() in signed
    assert [one["name"] for one in cast_of(world).values() if one["name"].encode() in signed] == []


def test_the_audit_is_clean_and_replay_shows_the_same() -> None:
    world, _ = contested()
    ledger = ledger_of(world)
    assert verify_log(ledger, LOG_VKEY).clean
    assert to_bytes(results(replay(ledger.entries))) == to_bytes(results(world.state))


def test_a_seed_repeats_every_byte_and_another_differs() -> None:
    first = ledger_of(contested()[0])
    again = World(MemoryLedger(), "play")
    again.set_time(*FOUNDED)
    found(again, load_shipped("zhuyuan-2022"), ORIGIN, LOG_VKEY.encode())
    play_contested(again)
    assert ledger_of(again).entries == first.entries
    other, _ = contested("another")
    assert ledger_of(other).entries != first.entries
    titles = other.state.naming.titles
    assert titles is not None
    assert len(titles.candidates) == PLACES


def test_people_have_different_names() -> None:
    people = cast_of(contested()[0])
    names = Counter(one["name"] for one in people.values())
    assert max(names.values()) == 1
    assert len(people) == len(contested()[0].state.roll.people)


@pytest.mark.parametrize(("label", "seats"), [("labour-medal-2024", 6), ("zhuyuan-2022", 10)])
def test_every_shipped_programme_runs_straight_to_its_naming(label: str, seats: int) -> None:
    world = new_world(label)
    play_straight(world, applicants=40)
    titles = world.state.naming.titles
    assert titles is not None
    assert len(titles.candidates) == seats
    assert verify_log(ledger_of(world), LOG_VKEY).clean
    stages = world.state.charter.latest.programme.stages
    assert all(world.state.charter.is_closed(one.id) for one in stages if one.kind is not StageKind.AFTERMATH)
