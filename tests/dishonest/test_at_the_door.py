"""What the door stops before any rule is asked: a log that lets it pass is found out as well, at that very entry."""

from collections.abc import Callable

import pytest

from api.rehearsal.driver import World
from ledger.checkpoint import Checkpoint, VerifierKey, open_checkpoint, sign_checkpoint
from ledger.logstore import seen_of
from ledger.signing import SigningKey, encode_base64, envelope_bytes, pae
from ledger.statements import Seen, open_envelope
from ledger.statements.codec import MAX_ENTRY
from projections.audit.report import Failure, Report
from projections.audit.verify import verify_log
from tests.clauses.founding import rotate_log_key
from tests.dishonest.forging import DishonestLog
from tests.disputes.test_section_8a import ENVELOPES, PAYLOADS, respelt
from tests.simulator import LOG_KEY, LOG_VKEY, NEXT_LOG_KEY, ORIGIN, History, freeze, new_world, resume

SEED = "test"
CLAUSE = "七(三)"


def small() -> History:
    """Return a play of ten entries."""
    world = new_world()
    world.enrol("甲")
    world.enrol("乙")
    return freeze(world)


SMALL = small()
SIZE = len(SMALL.rows)


def begun() -> tuple[DishonestLog, World]:
    """Return a log that is honest so far, and the people on stage."""
    log = DishonestLog(SMALL.entries, SMALL.notes)
    return log, resume(SMALL, log)


def gone_on(log: DishonestLog) -> Report:
    """Let the log go on, and audit it."""
    assert log.go_on(SEED) > 2
    return verify_log(log, LOG_VKEY, workers=0)


def first(report: Report) -> tuple[int | None, list[Failure]]:
    """Return the first bad index and what is found there."""
    index = report.first_bad_index
    return index, [one for one in report.failures if one.index == index]


def _broken(seen: Seen) -> Seen:
    return Seen(seen.root, encode_base64(bytes(68)), seen.size)


def _of_another_log(seen: Seen) -> Seen:
    return seen_of(sign_checkpoint(Checkpoint("other.example/log", seen.size, bytes(32)), LOG_KEY))


def _of_another_key(seen: Seen) -> Seen:
    return seen_of(sign_checkpoint(Checkpoint(ORIGIN, seen.size, bytes(32)), SigningKey.from_seed(bytes(32))))


def _of_the_future(seen: Seen) -> Seen:
    return seen_of(sign_checkpoint(Checkpoint(ORIGIN, SIZE + 1, bytes(32)), LOG_KEY))


@pytest.mark.parametrize("spoil", [_broken, _of_another_log, _of_another_key, _of_the_future, lambda seen: None])
def test_a_pin_that_is_no_checkpoint_of_this_log(spoil: Callable[[Seen], Seen | None]) -> None:
    log, world = begun()
    seen = log.seen()
    assert seen is not None
    log.admit(world.envelope("registrar", world.enrolment("丙"), seen=spoil(seen)), world.now + 1000)
    index, found = first(gone_on(log))
    assert index == SIZE
    assert [(one.code, one.clause) for one in found] == [("PIN_INVALID", CLAUSE)]


def test_a_pin_that_proves_a_fork() -> None:
    """The log's own signature over another tree of the past: the signer saw a history that is not this one."""
    log, world = begun()
    forked = seen_of(sign_checkpoint(Checkpoint(ORIGIN, 4, bytes(32)), LOG_KEY))
    log.admit(world.envelope("registrar", world.enrolment("丙"), seen=forked), world.now + 1000)
    index, found = first(gone_on(log))
    assert (index, {one.code for one in found}) == (3, {"HISTORY_REWRITTEN"})


def test_a_signature_that_is_not_the_persons() -> None:
    log, world = begun()
    signed = open_envelope(world.envelope("registrar", world.enrolment("丙")))
    signature = world.actor("甲").key.sign(pae(signed.payload_type, signed.payload))
    forged = envelope_bytes(signed.payload_type, signed.payload, signed.statement.key, signature)
    log.admit(forged, world.now + 1000)
    index, found = first(gone_on(log))
    assert (index, {one.code for one in found}) == (SIZE, {"SIGNATURE_INVALID"})


def test_time_that_goes_back() -> None:
    log, world = begun()
    log.admit(world.envelope("registrar", world.enrolment("丙")), log.state.at - 1)
    index, found = first(gone_on(log))
    assert (index, {one.code for one in found}) == (SIZE, {"CLOCK_REGRESSION"})


def test_a_statement_that_stands_twice() -> None:
    log, world = begun()
    envelope = world.envelope("registrar", world.enrolment("丙"))
    log.admit(envelope, world.now + 1000)
    log.admit(envelope, world.now + 2000)
    index, found = first(gone_on(log))
    assert index == SIZE + 1
    assert {one.code for one in found} & {"IDEMPOTENCY_CONFLICT", "DUPLICATE_KEY", "STORE_DUPLICATE_STATEMENT"}


@pytest.mark.parametrize("spell", [*ENVELOPES, lambda envelope: b"{}", lambda envelope: b"x" * MAX_ENTRY])
def test_an_envelope_in_another_spelling(spell: Callable[[bytes], bytes]) -> None:
    log, world = begun()
    log.admit_raw(spell(world.envelope("registrar", world.enrolment("丙"))), world.now + 1000)
    index, found = first(gone_on(log))
    assert (index, {one.code for one in found}) == (SIZE, {"EVENT_ALTERED"})


@pytest.mark.parametrize("spell", [*PAYLOADS, lambda payload: payload.replace(b'"version":1', b'"version":2')])
def test_a_payload_in_another_spelling_though_really_signed(spell: Callable[[bytes], bytes]) -> None:
    log, world = begun()
    log.admit_raw(respelt(world, spell), world.now + 1000)
    index, found = first(gone_on(log))
    assert (index, {one.code for one in found}) == (SIZE, {"EVENT_ALTERED"})


def test_a_checkpoint_signed_by_the_key_before_its_rotation() -> None:
    """`LOG_KEY_NOT_HELD`: a log that cannot sign by its new key can only go on with the old one."""
    log, world = begun()
    rotate_log_key(world)
    log.note()
    log.go_on(SEED)
    size = len(log.entries)
    assert verify_log(log, LOG_VKEY, workers=0).clean
    log.notes[size] = sign_checkpoint(open_checkpoint(log.note(), (VerifierKey(ORIGIN, NEXT_LOG_KEY.public),)), LOG_KEY)
    index, found = first(verify_log(log, LOG_VKEY, workers=0))
    assert (index, {one.code for one in found}) == (size - 1, {"CHECKPOINT_FORGED"})
