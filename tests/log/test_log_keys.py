"""The log's key is rotated: the name stays, old receipts stay valid, and each size has exactly one key."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.rehearsal.driver import World
from ledger.checkpoint import Checkpoint, VerifierKey, open_checkpoint, sign_checkpoint
from ledger.errors import MalformedError, StoreError, VerificationError
from ledger.keyring import Keyring
from ledger.log_keys import LogKeys, Term, possession
from ledger.logstore import seen_of
from ledger.pin import PinFile
from ledger.receipt import verify
from ledger.sequencer import Refused, Request, Sequenced, Sequencer
from ledger.signing import SigningKey
from ledger.statements import Seen, open_envelope
from ledger.statements.foundation import ActCountersigned
from ledger.statements.log import LogKeyRotated
from tests.clauses.founding import SPONSORS, log_key_rotation, recovered, rotate_log_key
from tests.plays import refused
from tests.sequenced import Site, played_on
from tests.simulator import (
    LOG_KEY,
    LOG_KEYS,
    LOG_VKEY,
    NEXT_LOG_KEY,
    ORIGIN,
    START,
    MemoryLedger,
    freeze,
    new_world,
    resume,
)
from tests.test_signing import SMALL_ORDER

FOUNDED = freeze(new_world())
NEXT = VerifierKey(ORIGIN, NEXT_LOG_KEY.public)
THIRD = SigningKey.from_seed(bytes([3]) * 32)


def note_of(size: int, key: SigningKey, root: bytes = bytes(32)) -> bytes:
    """A checkpoint of any size signed by any key."""
    return sign_checkpoint(Checkpoint(ORIGIN, size, root), key)


# --- The keys as a value ---


def test_a_rotation_by_entry_i_leaves_the_old_key_the_checkpoint_above_it() -> None:
    keys = LogKeys.of(LOG_VKEY).rotated(7, NEXT)
    assert [keys.at(size) for size in (0, 7, 8)] == [LOG_VKEY] * 3
    assert [keys.at(size) for size in (9, 10, 2**62)] == [NEXT] * 3
    assert (keys.founding, keys.newest, keys.name, list(keys)) == (LOG_VKEY, NEXT, ORIGIN, [LOG_VKEY, NEXT])


def test_a_checkpoint_is_opened_by_the_key_of_its_size_and_no_other() -> None:
    keys = LogKeys.of(LOG_VKEY).rotated(7, NEXT)
    assert keys.open(note_of(8, LOG_KEY)).size == 8
    assert keys.open(note_of(9, NEXT_LOG_KEY)).size == 9
    for size, wrong in ((9, LOG_KEY), (8, NEXT_LOG_KEY)):
        with pytest.raises(VerificationError, match="NOTE_UNSIGNED"):
            keys.open(note_of(size, wrong))
    both = note_of(9, NEXT_LOG_KEY) + note_of(9, LOG_KEY).rpartition(b"\n\n")[2]
    assert keys.open(both).size == 9
    with pytest.raises(MalformedError):
        keys.open(note_of(9, NEXT_LOG_KEY)[:-2])


@pytest.mark.parametrize(
    "terms",
    [
        (),
        (Term(1, LOG_VKEY),),
        (Term(0, LOG_VKEY), Term(0, NEXT)),
        (Term(0, LOG_VKEY), Term(9, NEXT), Term(5, VerifierKey(ORIGIN, THIRD.public))),
        (Term(0, LOG_VKEY), Term(9, LOG_VKEY)),
        (Term(0, LOG_VKEY), Term(9, VerifierKey("other.example/log", NEXT.public))),
    ],
)
def test_keys_that_do_not_follow_one_another_are_none(terms: tuple[Term, ...]) -> None:
    with pytest.raises(MalformedError, match="LOG_KEYS_INVALID"):
        LogKeys(terms)


@given(st.lists(st.integers(0, 50), unique=True, max_size=5), st.integers(0, 120))
def test_every_size_has_the_key_of_the_last_rotation_before_it(indexes: list[int], size: int) -> None:
    keys, expected = LogKeys.of(LOG_VKEY), LOG_VKEY
    for n, index in enumerate(sorted(indexes)):
        key = VerifierKey(ORIGIN, SigningKey.from_seed(bytes([n + 40]) * 32).public)
        keys = keys.rotated(index, key)
        expected = key if size > index + 1 else expected
    assert keys.at(size) == expected


# --- The statement ---


def rotation(world: World, key: SigningKey = NEXT_LOG_KEY, /, **changes: Any) -> LogKeyRotated:
    """A rotation with parts exchanged."""
    return replace(log_key_rotation(world, key), **changes)


def test_a_rotation_brings_in_a_sound_new_key_of_this_name_that_signed_for_itself() -> None:
    world = new_world()
    other = VerifierKey("other.example/log", NEXT.public).encode()
    weak = VerifierKey(ORIGIN, SMALL_ORDER[0]).encode()
    proof_of_another = log_key_rotation(world, THIRD).possession
    for changes in (
        {"log_key": "no key"},
        {"log_key": other},
        {"log_key": weak},
        {"possession": proof_of_another},
        {"possession": "AAA"},
    ):
        refused(world, SPONSORS[0], rotation(world, **changes), "LOG_KEY_INVALID", "七(三)")
    refused(world, SPONSORS[0], rotation(world, LOG_KEY), "LOG_KEY_KNOWN", "七(三)")
    refused(world, SPONSORS[0], rotation(world, world.actor("organiser").key), "LOG_KEY_KNOWN", "七(三)")
    refused(world, SPONSORS[0], rotation(world, reason=" "), "REASON_REQUIRED", "七(三)")
    refused(world, "organiser", rotation(world), "NOT_AUTHORISED", "七(三)")
    act = world.must(SPONSORS[0], rotation(world))
    refused(world, SPONSORS[1], rotation(world, THIRD), "ALREADY_PENDING", "七(三)")
    assert world.state.log.keys.newest == LOG_VKEY
    last = world.cosign(act, SPONSORS[1])
    assert world.state.log.keys == LogKeys.of(LOG_VKEY).rotated(last.index, NEXT)
    refused(world, SPONSORS[2], rotation(world, LOG_KEY), "LOG_KEY_KNOWN", "七(三)")


def test_two_people_of_one_sponsor_are_one_sponsor() -> None:
    world = new_world()
    office = world.state.charter.offices[world.person(SPONSORS[0])]
    world.enrol("deputy", "sponsor", unit=office)
    act = world.must(SPONSORS[0], rotation(world))
    refused(world, "deputy", ActCountersigned(act.index, act.leaf.hex()), "SECOND_SIGNER_NEEDED", "七(三)")
    world.cosign(act, SPONSORS[1])


def test_a_recovery_is_told_with_its_sources_and_changes_nothing_else() -> None:
    world = new_world()
    refused(world, "discipline", replace(recovered(world), sources=()), "PREREQUISITE_MISSING", "七(三)")
    refused(world, "discipline", replace(recovered(world), recovered_to=99), "RECOVERY_IMPOSSIBLE", "七(三)")
    refused(world, "discipline", replace(recovered(world), reason=" "), "REASON_REQUIRED", "七(三)")
    act = world.must("discipline", recovered(world))
    refused(world, "discipline", recovered(world), "ALREADY_PENDING", "七(三)")
    assert world.state.log.recoveries == []
    last = world.cosign(act, SPONSORS[0])
    (found,) = world.state.findings.open_of("LOG_RECOVERED")
    assert (found.severity, found.entries) == ("warn", (act.index, last.index))
    assert [(one.index, one.size) for one in world.state.log.recoveries] == [(act.index, 2)]


# --- On a real sequencer ---


@pytest.fixture
def world(site: Site) -> Iterator[World]:
    """An endorsed charter on a real sequencer that holds the next key."""
    with played_on(site, FOUNDED) as played:
        yield played


def test_old_receipts_stay_valid_and_new_ones_bear_the_new_key(site: Site) -> None:
    site.preload(FOUNDED)
    mine = resume(FOUNDED)
    with site.sequencer() as sequencer:

        def handed_in(alias: str, body: Any) -> Sequenced:
            envelope = mine.envelope(alias, body, seen=sequencer.seen())
            mine.now += 1000
            answer = sequencer.submit(envelope, mine.now).result()
            assert isinstance(answer, Sequenced)
            return answer

        first = handed_in("registrar", mine.enrolment("甲"))
        body = log_key_rotation(mine)
        act = handed_in(SPONSORS[0], body).act
        last = handed_in(SPONSORS[1], ActCountersigned(act.index, act.leaf.hex()))
        later = handed_in("registrar", mine.enrolment("乙"))
        keys = sequencer.state.log.keys
        assert verify(first.receipt, first.act.entry, (LOG_VKEY,)).size == 7
        assert verify(last.receipt, last.act.entry, (LOG_VKEY,)).size == last.act.index + 1
        assert verify(later.receipt, later.act.entry, (NEXT,)).size == last.act.index + 2
        assert keys.open(later.receipt.checkpoint_note).size == sequencer.size
        for receipt, wrong in ((first.receipt, NEXT), (later.receipt, LOG_VKEY)):
            with pytest.raises(VerificationError):
                open_checkpoint(receipt.checkpoint_note, (wrong,))
        # Any checkpoint that the log issued is a good pin, whichever of its keys signed it.
        for note in (first.receipt.checkpoint_note, later.receipt.checkpoint_note):
            envelope = mine.envelope("registrar", mine.enrolment(f"人{len(note)}"), seen=seen_of(note))
            assert isinstance(sequencer.submit(envelope, mine.now).result(), Sequenced)
    with site.sequencer() as again:
        assert again.vkey == LOG_VKEY
        assert again.state.log.keys == keys
    # Whoever audits is given the founding key alone.
    assert site.audit().failures == []


def test_a_batch_ends_where_a_key_does(site: Site) -> None:
    """The old key signs the checkpoint above the entry that retires it, also where more statements wait."""
    site.preload(FOUNDED)
    mine = resume(FOUNDED)
    act = mine.must(SPONSORS[0], log_key_rotation(mine))
    with ExitStack() as stack:
        store = stack.enter_context(site.store())
        pin = PinFile(site.pin_path)
        stack.callback(pin.close)
        sequencer = Sequencer(store, LOG_KEYS, ORIGIN, pin, lambda: START)
        on = resume(FOUNDED)
        first = on.envelope(SPONSORS[0], log_key_rotation(on))
        second = on.envelope(SPONSORS[1], ActCountersigned(act.index, act.leaf.hex()))
        rest = [on.envelope("registrar", on.enrolment(f"人{n}")) for n in range(3)]
        at = on.now + 1000
        requests = [Request(open_envelope(one), at, None, Future()) for one in (first, second, *rest)]
        sequencer.sequence(requests)
        answers = [request.answer.result(0) for request in requests]
        assert all(isinstance(answer, Sequenced) for answer in answers)
        sizes = [size for size, _ in store.checkpoints()]
        assert sizes[-2:] == [8, 11]
        assert [sequencer.state.log.keys.open(note).size for _, note in store.checkpoints()] == sizes


def test_what_a_retired_key_signs_of_larger_trees_counts_for_nothing(world: World) -> None:
    rotate_log_key(world)
    world.must("registrar", world.enrolment("甲"))
    size = world.state.size
    for forged in (size, size + 5):
        seen = seen_of(note_of(forged, LOG_KEY, bytes([1]) * 32))
        refusal = world.refused("registrar", world.enrolment("乙"), seen=seen)
        assert refusal.code == "PIN_INVALID"
    world.must("registrar", world.enrolment("乙"))


def test_a_retired_key_still_proves_a_fork_of_its_own_time(world: World) -> None:
    rotate_log_key(world)
    seen: Seen = seen_of(note_of(3, LOG_KEY, bytes([1]) * 32))
    with pytest.raises(VerificationError, match="SPLIT_VIEW"):
        world.submit("registrar", world.enrolment("乙"), seen=seen)


def test_no_rotation_to_a_key_that_is_not_held(world: World) -> None:
    refusal = world.refused(SPONSORS[0], log_key_rotation(world, THIRD))
    assert (refusal.code, refusal.clause) == ("LOG_KEY_NOT_HELD", "七(三)")


def test_the_second_sponsor_cannot_make_it_effective_once_the_key_is_gone(site: Site) -> None:
    played = resume(FOUNDED)
    act = played.must(SPONSORS[0], log_key_rotation(played))
    site.preload(freeze(played))
    envelope = played.envelope(SPONSORS[1], ActCountersigned(act.index, act.leaf.hex()))
    with ExitStack() as stack:
        store = stack.enter_context(site.store())
        pin = PinFile(site.pin_path)
        stack.callback(pin.close)
        sequencer = stack.enter_context(Sequencer(store, LOG_KEY, ORIGIN, pin))
        answer = sequencer.submit(envelope, played.now).result()
        assert isinstance(answer, Refused)
        assert answer.refusal.code == "LOG_KEY_NOT_HELD"


def test_a_host_without_the_key_in_force_does_not_start(site: Site) -> None:
    played = resume(FOUNDED)
    rotate_log_key(played)
    site.preload(freeze(played))
    with ExitStack() as stack:
        store = stack.enter_context(site.store())
        pin = PinFile(site.pin_path)
        stack.callback(pin.close)
        with pytest.raises(StoreError, match="LOG_KEY_NOT_HELD"):
            Sequencer(store, LOG_KEY, ORIGIN, pin)
    # The private founding key may be gone; its public half is enough.
    founding_gone = Keyring(LOG_VKEY, (NEXT_LOG_KEY,))
    with ExitStack() as stack:
        store = stack.enter_context(site.store())
        pin = PinFile(site.pin_path)
        stack.callback(pin.close)
        sequencer = stack.enter_context(Sequencer(store, founding_gone, ORIGIN, pin))
        assert isinstance(
            sequencer.submit(played.envelope("registrar", played.enrolment("甲")), played.now).result(), Sequenced
        )


def test_possession_names_both_keys_and_the_log() -> None:
    assert possession(LOG_VKEY, NEXT) == (
        f"ballot-ledger log key rotation v1\n{ORIGIN}\n{LOG_VKEY.encode()}\n{NEXT.encode()}\n".encode()
    )


def test_a_key_ring_finds_a_key_when_it_is_asked_for() -> None:
    made: list[SigningKey] = []
    ring = Keyring(LOG_VKEY, (LOG_KEY,), lambda key: made[0] if made else None)
    assert ring.holds(LOG_VKEY)
    assert not ring.holds(NEXT)
    with pytest.raises(StoreError, match="LOG_KEY_NOT_HELD"):
        ring.signer(NEXT)
    made.append(NEXT_LOG_KEY)
    assert not ring.holds(VerifierKey(ORIGIN, THIRD.public))
    assert ring.signer(NEXT) is NEXT_LOG_KEY


def test_memory_signs_by_the_key_of_the_size_too() -> None:
    played = new_world()
    rotate_log_key(played)
    played.must("registrar", played.enrolment("甲"))
    ledger = played.ledger
    assert isinstance(ledger, MemoryLedger)
    assert [played.state.log.keys.open(note).size for _, note in ledger.checkpoints()] == [
        size for size, _ in ledger.checkpoints()
    ]
