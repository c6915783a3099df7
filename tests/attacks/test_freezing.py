"""Attempts to stop a selection by what protects it: revocations, rest, lost keys, offices that change hands."""

from dataclasses import replace

from api.rehearsal.driver import Actor, World
from api.rehearsal.steps_objections import HOUR, examine, receive
from api.rehearsal.steps_polls import import_totals, open_poll, operator_of
from api.rehearsal.steps_rounds import certify
from ledger.roll import possession_message
from ledger.signing import SigningKey, encode_base64, key_id
from ledger.statements import Act
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.foundation import (
    DeadlineExtended,
    SelectionResumed,
    SelectionSuspended,
    StageOpened,
)
from ledger.statements.notices import HearingNotified, ReplyGiven
from ledger.statements.poll import PollClosed
from ledger.statements.roll import KeyEnrolled, KeyRevoked, OfficeSucceeded
from tests.finalists import at_notice, nominees, refuses
from tests.plays import history_at, replayed
from tests.simulator import new_world, resume
from tests.voting import world_before


def revocation(world: World, alias: str) -> KeyRevoked:
    return KeyRevoked("stolen", key_id(world.actor(alias).key.public), world.person(alias), "据报遗失", None)


def another_key(world: World, actor: Actor) -> KeyEnrolled:
    """Return the enrolment of another key of somebody known; from here on the actor signs with it."""
    actor.key = SigningKey.from_seed(bytes.fromhex(world.digest(f"another/{actor.alias}")))
    body = world.enrolment(actor.alias)
    challenge = world.digest(f"another-challenge/{actor.alias}")
    message = possession_message(world.state.charter.id, actor.person, key_id(actor.key.public), challenge)
    known = world.state.roll.people[actor.person]
    proof = encode_base64(actor.key.sign(message))
    return replace(body, challenge=challenge, proof=proof, unit=known.unit)


def suspend(world: World) -> Act:
    act = world.must("organiser", SelectionSuspended(world.digest("outage"), "疫情防控"))
    return world.cosign(act, "sponsor-union")


def test_a_registrar_alone_cannot_block_the_last_auditor_who_could_undo_it() -> None:
    world = new_world()
    world.enrol("auditor-2", "discipline")
    first = world.must("registrar", revocation(world, "auditor-2"))
    refuses(world, "registrar", revocation(world, "discipline"), "LAST_HOLDER", "七(三)")
    world.decline(first, "discipline")
    second = world.must("registrar", revocation(world, "discipline"))
    refuses(world, "registrar", revocation(world, "auditor-2"), "LAST_HOLDER", "七(三)")
    world.cosign(second, "auditor-2")
    assert replayed(world) == world.state


def test_an_organiser_whose_key_is_lost_while_the_selection_rests_can_still_resume_it() -> None:
    world = new_world()
    suspend(world)
    world.cosign(world.must("registrar", revocation(world, "organiser")), "discipline")
    world.cosign(world.must("registrar", another_key(world, world.actor("organiser"))), "discipline")
    world.cosign(world.must("organiser", SelectionResumed("条件恢复")), "sponsor-union")
    assert world.state.charter.suspended is None


def test_an_organiser_who_leaves_while_the_selection_rests_is_succeeded() -> None:
    world = new_world()
    world.enrol("organiser-2", unit="office-organiser")
    suspend(world)
    body = OfficeSucceeded(world.person("organiser"), "调离", "organiser", world.person("organiser-2"))
    world.cosign(world.must("registrar", body), "discipline")
    world.cosign(world.must("organiser-2", SelectionResumed("条件恢复")), "sponsor-union")
    assert world.state.charter.suspended is None


def test_the_deadline_can_be_extended_for_all_before_it_passes_while_the_selection_rests() -> None:
    world = resume(history_at("window"))
    suspend(world)
    old = world.state.charter.closes_at(world.state.charter.latest.programme.stages[0]) or 0
    body = DeadlineExtended(old + 7 * 24 * HOUR, None, world.digest("published"), "疫情防控", "applications")
    offices = [f"sponsor-{office}" for office in world.state.charter.latest.programme.sponsors]
    world.cosign(world.must("organiser", body), *offices)
    assert world.state.charter.extensions["applications"][0] == body.closes_at


def test_whoever_is_accused_is_heard_though_the_selection_rests_meanwhile() -> None:
    world = at_notice()
    person = nominees(world)[0]
    objection = receive(world, person)
    examine(world, objection)
    notified = HearingNotified(person, objection, world.now + 2 * HOUR, world.digest("substance"))
    world.must("organiser", notified)
    suspend(world)
    world.must(world.alias_of(person), ReplyGiven(person, objection, None, world.digest("reply")))
    assert world.state.notices.objections.by_id[objection].hearings[person].reply is not None


def test_whoever_wants_to_withdraw_can_at_any_time_also_while_the_selection_rests() -> None:
    world = at_notice()
    person = nominees(world)[0]
    application = world.state.applications.of_person(person)
    assert application is not None
    suspend(world)
    world.must(world.alias_of(person), ApplicationWithdrawn(application.application, "个人原因"))
    assert person in world.state.out


def test_a_channel_whose_operator_leaves_gives_its_totals_by_the_successor() -> None:
    world = world_before("public")
    world.must("organiser", StageOpened("public"))
    poll = open_poll(world, "public")
    channel = poll.channels[0]
    leaving = operator_of(channel)
    world.enrol("operator-next", unit=f"unit-{leaving}")
    body = OfficeSucceeded(world.person(leaving), "调离", "channel", world.person("operator-next"))
    world.cosign(world.must("registrar", body), "discipline")
    world.now = poll.closes_at
    world.must("organiser", PollClosed(poll.id))
    world.actors[leaving] = world.actors["operator-next"]
    for one in poll.channels:
        import_totals(world, poll.id, one, None)
    certify(world, f"poll:{poll.id}")
