"""Who may read which entry: every kind is decided, objections never, and no vote before it is over."""

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import minutes
from api.rehearsal.steps_rounds import ballot, close_round
from ledger.selection import Selection
from ledger.statements import Act, decode_entry
from ledger.statements.deliberation import DeliberationClosed
from ledger.statements.foundation import ActCountersigned, ActDeclined
from ledger.statements.kinds import all_kinds, name_of
from projections.disclosure import DECISIONS, Audience, Publicity, decision_of, is_public, publicity_in, shown_to
from projections.secrecy import readable
from tests.projections.test_secrecy import deliberated, scores, vote
from tests.projections.worlds import eventful
from tests.simulator import MemoryLedger, resume

KINDS = sorted({name_of(body)[0] for body in all_kinds().values()})


def acts_of(world: World) -> list[Act]:
    assert isinstance(world.ledger, MemoryLedger)
    return [decode_entry(entry) for entry in world.ledger.entries]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_decided_with_a_reason(kind: str) -> None:
    assert kind in DECISIONS
    assert DECISIONS[kind].reason


def test_nothing_else_is_decided() -> None:
    assert set(DECISIONS) == set(KINDS)


def test_what_is_not_in_the_table_is_hidden() -> None:
    assert not decision_of("objection.praised").public


@pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if kind.split(".")[0] in ("objection", "hearing", "reply", "seal", "application", "score")]
    + ["ballot.cast", "paper_ballot.entered", "deliberation.voted", "import.chunk", "key.enrolled", "roster.set"],
)
def test_objections_applications_choices_and_the_roll_are_hidden(kind: str) -> None:
    assert not DECISIONS[kind].public


def test_a_countersignature_is_as_public_as_what_it_signs() -> None:
    acts = eventful().acts
    publicity = Publicity()
    public = [publicity.take(act) for act in acts]
    signed = [act for act in acts if isinstance(act.body, ActCountersigned | ActDeclined)]
    assert {public[act.body.index] for act in signed} == {True, False}
    assert all(public[act.index] == public[act.body.index] for act in signed)
    assert not any(is_public(act) for act in signed), "hidden where the original is not at hand"
    stored = publicity_in(lambda index: acts[index].entry if index < len(acts) else None)
    assert [is_public(act, stored) for act in acts] == public
    assert [publicity.at(index) for index in range(-1, len(acts) + 1)] == [False, *public, False]


def test_no_public_entry_says_anything_of_a_vote() -> None:
    state, publicity = Selection(), Publicity()
    for act in eventful().acts:
        state.apply(act)
        if publicity.take(act):
            assert readable(state, act)


def assert_stops(world: World) -> int:
    """Assert that auditors get everything readable, and stop before the first entry that is not; return where."""
    shown = shown_to(Audience.AUDITOR, world.state)
    sealed = [act.index for act in acts_of(world) if not readable(world.state, act)]
    assert shown <= min(sealed, default=world.state.size)
    assert shown_to(Audience.PUBLIC, world.state) == world.state.size
    return shown


def test_auditors_get_nothing_from_the_first_ballot_on_until_the_round_is_closed() -> None:
    world = resume(eventful().histories["shortlist"])
    vote(world, True)
    (played,) = world.state.rounds.session("shortlist", None).rounds
    assert assert_stops(world) == played.opened + 1
    (waiting,) = [one for one in world.state.pending.values() if one.act.statement.type == "paper_ballot.entered"]
    world.must("scrutineer-1", ActDeclined(waiting.act.index, waiting.act.leaf.hex(), "与票面不符"))
    assert assert_stops(world) == played.opened + 1
    absent = world.alias_of(next(iter(played.issued - played.ballots.keys())))
    world.must(absent, ballot(world, played.id, [world.alias_of(played.candidates[0])], []))
    assert assert_stops(world) == played.opened + 1
    close_round(world, played.id)
    assert assert_stops(world) == world.state.size


def test_auditors_get_nothing_of_an_open_scoring() -> None:
    world = resume(eventful().histories["experts"])
    scores(world, True)
    given = [act.index for act in acts_of(world) if act.statement.type == "score.given"]
    assert assert_stops(world) == given[0]


def test_auditors_get_no_voice_of_a_running_vote() -> None:
    world = resume(eventful().histories["deliberation"])
    before = world.state.size
    deliberated(world, True)
    voices = [act.index for act in acts_of(world)[before:] if act.statement.type == "deliberation.voted"]
    assert assert_stops(world) == voices[0]
    (matter,) = world.state.deliberation.matters
    world.must("organiser", DeliberationClosed(matter, minutes(world, matter)))
    assert assert_stops(world) == world.state.size


def test_a_selection_that_has_ended_is_shown_whole() -> None:
    assert shown_to(Audience.AUDITOR, eventful().state) == eventful().state.size
