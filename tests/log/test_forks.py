"""Evidence of a fork is transferable: whoever has the log's key can check it, and nothing else passes for it."""

from pathlib import Path

import pytest

from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.errors import MalformedError, StoreError, VerificationError
from ledger.forks import FORMAT, evidence, note_of, seen_in, verify_fork
from ledger.log_keys import LogKeys
from ledger.logstore import seen_of
from ledger.merkle import consistency_proof, root_at
from ledger.opening import Home, forks_on_file
from ledger.pin import PinFile
from ledger.sequencer import Sequencer
from ledger.signing import SigningKey
from tests.sequenced import Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, MemoryLedger, freeze, new_world, resume

FOUNDED = freeze(new_world())
KEYS = LogKeys.of(LOG_VKEY)
OTHER = bytes([1]) * 32


def signed(size: int, root: bytes = OTHER, key: SigningKey = LOG_KEY) -> bytes:
    """A checkpoint that somebody with the key signed."""
    return sign_checkpoint(Checkpoint(ORIGIN, size, root), key)


def caught_fork(site: Site, seen_note: bytes) -> tuple[list[bytes], str]:
    """Hand a statement with this pin to a sequencer; return the evidence it kept and the code it answered."""
    site.preload(FOUNDED)
    world = resume(FOUNDED)
    kept: list[bytes] = []
    with site.store() as store:
        pin = PinFile(site.pin_path)
        with Sequencer(store, LOG_KEY, ORIGIN, pin, on_fork=kept.append) as sequencer:
            envelope = world.envelope("registrar", world.enrolment("甲"), seen=seen_of(seen_note))
            with pytest.raises(VerificationError) as caught:
                sequencer.submit(envelope, world.now + 1000).result()
            later = world.envelope("registrar", world.enrolment("乙"))
            with pytest.raises(VerificationError):
                sequencer.submit(later, world.now + 1000).result()
            assert store.size() == len(FOUNDED.rows)
        pin.close()
    return kept, caught.value.code


@pytest.mark.parametrize("size", [1, 3, 4, 6])
def test_a_pin_that_contradicts_the_log_leaves_evidence_for_everybody(site: Site, size: int) -> None:
    (data,), code = caught_fork(site, signed(size))
    fork = verify_fork(data, KEYS)
    assert (fork.code, code) == ("SPLIT_VIEW", "SPLIT_VIEW")
    assert (fork.seen.size, fork.seen.root, fork.own.size) == (size, OTHER, 6)
    assert seen_in(data) == fork.seen


def test_a_larger_signed_tree_is_evidence_of_a_rollback(site: Site) -> None:
    (data,), code = caught_fork(site, signed(9))
    fork = verify_fork(data, KEYS)
    assert (fork.code, code, fork.seen.size, fork.own.size) == ("ROLLBACK_DETECTED", "ROLLBACK_DETECTED", 9, 6)


def two_notes(size: int = 3) -> tuple[bytes, bytes, bytes, tuple[bytes, ...]]:
    """The log's newest note and what its tree was at a smaller size."""
    ledger = MemoryLedger(FOUNDED.entries, FOUNDED.notes)
    nodes: dict[tuple[int, int], bytes] = {}
    for row in ledger.rows():
        hashes = [row.nodes[place : place + 32] for place in range(0, len(row.nodes), 32)]
        nodes |= {(level, ((row.place + 1) >> level) - 1): value for level, value in enumerate(hashes)}

    def node(level: int, index: int) -> bytes:
        return nodes[level, index]

    return ledger.note(), ledger.notes[size], root_at(size, node), consistency_proof(size, 6, node)


def test_what_does_not_contradict_proves_nothing() -> None:
    own, own_then, root, proof = two_notes()
    verify_fork(evidence(signed(3), own, root, proof, "ab" * 32), KEYS)
    stranger = SigningKey.from_seed(bytes([7]) * 32)
    wrong = [
        evidence(own_then, own, root, proof, "ab" * 32),
        evidence(signed(3), own, OTHER, proof, "ab" * 32),
        evidence(signed(3), own, bytes(32), proof, "ab" * 32),
        evidence(signed(3), own, root, proof[:-1], "ab" * 32),
        evidence(signed(3, key=stranger), own, root, proof, "ab" * 32),
        evidence(signed(3), signed(6, key=stranger), root, proof, "ab" * 32),
        evidence(b"no note", own, root, proof, "ab" * 32),
    ]
    for data in wrong:
        with pytest.raises(VerificationError, match="FORK_NOT_PROVEN"):
            verify_fork(data, KEYS)


def test_what_is_no_evidence_file() -> None:
    own, _, root, proof = two_notes()
    good = evidence(signed(3), own, root, proof, "ab" * 32)
    for data in (
        b"",
        b"[]",
        b"{}",
        good + b" ",
        good.replace(FORMAT.encode(), b"other@1"),
        b" " * 1_000_001,
        good.replace(b'"proof":[', b'"proof":[7,'),
    ):
        with pytest.raises(MalformedError, match="FORK_MALFORMED"):
            verify_fork(data, KEYS)
    with pytest.raises(MalformedError):
        seen_in(evidence(b"no note", own, root, proof, "ab" * 32))


def test_the_pinned_checkpoint_is_the_note_it_was() -> None:
    assert note_of(seen_of(signed(3)), ORIGIN) == signed(3)


def test_evidence_on_file_is_a_promise_that_the_next_start_holds_the_log_to(tmp_path: Path) -> None:
    home = Home(tmp_path, ORIGIN, "ledger")
    own, _, root, proof = two_notes()
    assert forks_on_file(home) == ()
    home.keep_fork(evidence(signed(3), own, root, proof, "ab" * 32))
    (promised,) = forks_on_file(home)
    assert (promised.size, promised.root, promised.name[:5]) == (3, OTHER, "fork-")
    (home.attest / "fork-0.json").write_bytes(b"damaged")
    with pytest.raises(StoreError, match="HOME_UNUSABLE"):
        forks_on_file(home)
