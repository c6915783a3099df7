"""Handing in many statements at once: their order, and what one of them that is wrong does to the others."""

from collections.abc import Iterator

import pytest

from api.rehearsal.driver import World
from ledger.errors import MalformedError, VerificationError
from ledger.sequencer import MOST_AT_ONCE, Refused, Sequenced, Sequencer
from ledger.signing import SigningKey
from ledger.statements.roll import RoleGranted
from tests.sequenced import Site
from tests.simulator import freeze, new_world, resume

FOUNDED = freeze(new_world())


@pytest.fixture
def sequencer(site: Site) -> Iterator[Sequencer]:
    """A running sequencer whose log holds an endorsed charter."""
    site.preload(FOUNDED)
    with site.sequencer() as running:
        yield running


def enrolments(world: World, count: int) -> list[bytes]:
    """Return the registrar's envelopes that enrol so many people."""
    return [world.envelope("registrar", world.enrolment(f"人{n}")) for n in range(count)]


def test_they_are_sequenced_in_the_order_they_came_in(sequencer: Sequencer) -> None:
    world, first = resume(FOUNDED), sequencer.size
    envelopes = enrolments(world, 2 * MOST_AT_ONCE + 10)
    answers = [answer.result() for answer in sequencer.submit_all(envelopes, world.now)]
    acts = [answer.act for answer in answers if isinstance(answer, Sequenced)]
    assert [act.signed.envelope for act in acts] == envelopes
    assert [act.index for act in acts] == list(range(first, first + len(envelopes)))


def test_a_malformed_one_keeps_all_of_them_out(sequencer: Sequencer) -> None:
    world, first = resume(FOUNDED), sequencer.size
    with pytest.raises(MalformedError):
        sequencer.submit_all([*enrolments(world, 2), b"{}"], world.now)
    sequencer.stop()
    assert sequencer.size == first


def test_a_signature_that_does_not_hold_is_the_answer_to_its_own(sequencer: Sequencer) -> None:
    world = resume(FOUNDED)
    before, forged, after = enrolments(world, 3)
    signature = forged.index(b'"sig":"') + len(b'"sig":"')
    forged = forged[:signature] + b"A" * 86 + b'=="}]}'
    answers = sequencer.submit_all([before, forged, after], world.now)
    assert isinstance(answers[0].result(), Sequenced)
    assert isinstance(answers[1].exception(), VerificationError)
    assert isinstance(answers[2].result(), Sequenced)


def test_a_key_that_is_not_on_the_roll_is_refused(sequencer: Sequencer) -> None:
    world = resume(FOUNDED)
    world.actor("registrar").key = SigningKey.from_seed(bytes(32))
    unknown = world.envelope("registrar", RoleGranted(world.person("discipline"), "工作需要", "leader"))
    (answer,) = sequencer.submit_all([unknown], world.now)
    refused = answer.result()
    assert isinstance(refused, Refused)
    assert refused.refusal.code == "KEY_UNKNOWN"
