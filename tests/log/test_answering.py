"""Waiting for an answer in one's own thread: it is the sequencer's answer, one at a time with whatever else comes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.errors import MalformedError, StoreError
from ledger.sequencer import Refused, Sequenced, Sequencer
from ledger.statements import decode_own_entry
from ledger.statements.roll import RoleGranted
from tests.log.test_submit_all import FOUNDED, enrolments
from tests.sequenced import Site
from tests.simulator import resume


@pytest.fixture
def sequencer(site: Site) -> Iterator[Sequencer]:
    site.preload(FOUNDED)
    with site.sequencer() as running:
        yield running


def test_it_is_answered_as_what_is_handed_in(sequencer: Sequencer) -> None:
    world, first = resume(FOUNDED), sequencer.size
    envelope = enrolments(world, 1)[0]
    answer, again = sequencer.answer(envelope, world.now), sequencer.answer(envelope, world.now)
    assert isinstance(answer, Sequenced)
    assert isinstance(again, Sequenced)
    assert (answer.act.index, answer.again, again.again) == (first, False, True)
    assert answer.receipt == again.receipt == sequencer.submit(envelope, world.now).result().receipt
    refused = sequencer.answer(
        world.envelope("discipline", RoleGranted(world.person("registrar"), "-", "leader")), world.now
    )
    assert isinstance(refused, Refused)
    with pytest.raises(MalformedError):
        sequencer.answer(b"{}", world.now)


def test_many_threads_and_batches_at_once_make_one_order(site: Site, sequencer: Sequencer) -> None:
    world, first = resume(FOUNDED), sequencer.size

    envelopes = enrolments(world, 60)
    with ThreadPoolExecutor(4) as pool:
        batch = sequencer.submit_all(envelopes[:20], world.now)
        single = [pool.submit(sequencer.answer, envelope, world.now) for envelope in envelopes[20:]]
        answers = [future.result() for future in (*batch, *single)]
    taken = [answer for answer in answers if isinstance(answer, Sequenced)]
    indexes = sorted(answer.act.index for answer in taken)
    assert indexes == list(range(first, first + len(taken)))
    assert len(taken) >= 20
    with site.store() as store:
        stored = {index: decode_own_entry(entry).signed.envelope for index, entry in store.read_entries(first)}
    assert stored == {answer.act.index: answer.act.signed.envelope for answer in taken}
    # Whoever came after a later counter of the same signer was refused by that rule, and by no other.
    assert {one.refusal.code for one in answers if isinstance(one, Refused)} <= {"IDEMPOTENCY_CONFLICT"}


def test_after_the_end_nothing_is_taken(sequencer: Sequencer) -> None:
    world, size = resume(FOUNDED), sequencer.size
    sequencer.stop()
    with pytest.raises(StoreError) as caught:
        sequencer.answer(enrolments(world, 1)[0], world.now)
    assert (caught.value.code, sequencer.size) == ("SEQUENCER_STOPPED", size)
