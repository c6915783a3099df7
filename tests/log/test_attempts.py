"""The log of attempts: a refusal has a receipt, nobody is blamed by name alone, and what is altered is found."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ledger import pin
from ledger.attempts import (
    Attempt,
    attempt_of,
    attempts_key,
    attempts_keys,
    decode_attempt,
    first_attempt_receipt,
)
from ledger.attempts_check import AttemptFailure, AttemptsReport, verify_attempts
from ledger.checkpoint import open_checkpoint
from ledger.errors import MalformedError, StoreError
from ledger.log_keys import LogKeys
from ledger.merkle import Frontier, leaf_hash
from ledger.procedure.reasons import Refusal
from ledger.receipt import verify
from ledger.sequencer import Refused, Sequenced
from ledger.statements import open_envelope
from ledger.statements.foundation import ActCountersigned
from tests.clauses.founding import SPONSORS, log_key_rotation
from tests.log.test_sequencer import FOUNDED, Run, enrolments
from tests.sequenced import Site
from tests.simulator import LOG_VKEY, ORIGIN, resume

KEYS = LogKeys.of(LOG_VKEY)


@pytest.fixture
def run(site: Site) -> Iterator[Run]:
    """A sequencer whose log holds an endorsed charter."""
    with Run(site) as started:
        yield started


def report_of(run: Run, keys: LogKeys = KEYS) -> AttemptsReport:
    """Check what is stored, with the pin."""
    return verify_attempts(run.store, keys, pin.read(run.site.attempts_pin_path))


def refusals(run: Run, count: int) -> list[bytes]:
    """Statements that the rules refuse."""
    return [run.world.envelope("discipline", run.world.enrolment(f"人{n}")) for n in range(count)]


def test_refused_attempts_of_known_people_are_kept_with_a_receipt(run: Run) -> None:
    world = run.world
    world.actor("stranger")
    envelopes = [
        world.envelope("discipline", world.enrolment("甲")),
        world.envelope("stranger", world.enrolment("甲")),
        world.envelope("stranger", world.enrolment("甲"), person=world.person("registrar")),
        world.envelope("discipline", world.enrolment("甲"), person=world.person("registrar")),
        world.envelope("discipline", world.enrolment("甲"), person="sealed:1"),
    ]
    answers = run.batch(*envelopes)
    codes = [answer.refusal.code if isinstance(answer, Refused) else answer.code for answer in answers]  # type: ignore[union-attr]
    assert codes == ["NOT_AUTHORISED", "KEY_UNKNOWN", "KEY_UNKNOWN", "KEY_NOT_OWNERS", "SIGNATURE_INVALID"]
    # By the key that signed: nobody is blamed by name alone, and nobody unknown is kept.
    kept = [answer for answer in answers if isinstance(answer, Refused) and answer.receipt is not None]
    assert [one.refusal.code for one in kept] == ["NOT_AUTHORISED", "KEY_NOT_OWNERS"]
    report = report_of(run)
    assert report.clean
    assert [(one.person, one.code, one.type, one.log_size) for one in report.attempts] == [
        (world.person("discipline"), "NOT_AUTHORISED", "key.enrolled", 6),
        (world.person("discipline"), "KEY_NOT_OWNERS", "key.enrolled", 6),
    ]
    assert report.attempts[0].statement == open_envelope(envelopes[0]).id.hex()
    assert report.attempts[0].facts == {"act": "key.enrolled", "needed": "registrar"}
    for one in kept:
        assert one.receipt is not None
        assert one.attempt is not None
        checkpoint = verify(one.receipt, one.attempt, attempts_keys(KEYS))
        assert (checkpoint.origin, checkpoint.size) == (f"{ORIGIN}/attempts", 2)
        assert first_attempt_receipt(run.store, one.receipt.index) == one.receipt
    assert first_attempt_receipt(run.store, 2) is None
    assert run.store.size() == 6


def test_an_attempt_says_by_how_many_entries_it_was_judged(run: Run) -> None:
    first, second = enrolments(run.world, "甲", "乙")
    refused = refusals(run, 2)
    answers = run.batch(first, refused[0], second, refused[1])
    assert [type(one) for one in answers] == [Sequenced, Refused, Sequenced, Refused]
    assert [one.log_size for one in report_of(run).attempts] == [7, 8]
    assert run.faults.calls.count("append_attempts") == 1


def test_a_batch_without_refusals_asks_nothing_of_the_attempts(run: Run) -> None:
    run.batch(*enrolments(run.world, "甲", "乙"))
    assert run.faults.calls == ["append", "advance"]


def test_admitted_statements_are_answered_before_attempts_are_kept(run: Run) -> None:
    order: list[str] = []
    run.faults.plan("append_attempts", do=lambda: order.extend(run.faults.calls))
    answers = run.batch(*refusals(run, 1), *enrolments(run.world, "甲"))
    assert isinstance(answers[1], Sequenced)
    assert order == ["append", "advance", "find_statement", "append_attempts"]


def test_attempts_are_capped(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.attempts.MOST_ATTEMPTS", 2)
    answers = [run.one(envelope) for envelope in refusals(run, 4)]
    assert [answer.receipt is not None for answer in answers] == [True, True, False, False]
    assert len(report_of(run).attempts) == 2


def test_attempts_go_on_after_a_restart_and_their_clock_never_goes_back(site: Site) -> None:
    with Run(site) as run:
        run.batch(*refusals(run, 3), at=FOUNDED.now + 9000)
    with Run(site, None) as again:
        again.world = resume(FOUNDED)
        again.batch(*refusals(again, 2), at=FOUNDED.now + 5000)
        report = report_of(again)
        assert report.clean
        assert [one.index for one in report.attempts] == [0, 1, 2, 3, 4]
        assert {one.at for one in report.attempts} == {FOUNDED.now + 9000}


def test_a_rotated_key_signs_attempts_from_the_next_checkpoint_on(site: Site) -> None:
    site.preload(FOUNDED)
    world = resume(FOUNDED)
    with site.sequencer() as sequencer, site.store() as store:

        def refused() -> Refused:
            answer = sequencer.submit(world.envelope("discipline", world.enrolment("甲")), world.now).result()
            assert isinstance(answer, Refused)
            return answer

        before = refused()
        act = sequencer.submit(world.envelope(SPONSORS[0], log_key_rotation(world)), world.now).result()
        assert isinstance(act, Sequenced)
        agreed = ActCountersigned(act.act.index, act.act.leaf.hex())
        sequencer.submit(world.envelope(SPONSORS[1], agreed), world.now).result()
        after = refused()
        keys = sequencer.state.log.keys
        for one, key in ((before, keys.founding), (after, keys.newest)):
            assert one.receipt is not None
            assert one.attempt is not None
            log_size = decode_attempt(one.attempt).log_size
            assert attempts_key(keys, log_size).public == key.public
            open_checkpoint(one.receipt.checkpoint_note, (attempts_key(keys, log_size),))
            verify(one.receipt, one.attempt, attempts_keys(keys))
        assert verify_attempts(store, keys, pin.read(site.attempts_pin_path)).clean


ALTERATIONS = [
    (
        ("UPDATE {}.attempt_entries SET state = state || 'X' WHERE position = 3",),
        "EVENT_ALTERED",
        2,
    ),
    (("DELETE FROM {}.attempt_entries WHERE position = 3",), "EVENT_MISSING", 2),
    (("DELETE FROM {}.attempt_nodes WHERE position = 3",), "EVENT_ALTERED", 2),
    (
        ("UPDATE {}.attempt_nodes SET hashes = overlay(hashes placing '\\x00' from 40) WHERE position = 4",),
        "NODE_ALTERED",
        3,
    ),
    (("UPDATE {}.attempt_checkpoints SET note = 'forged' WHERE size = 2",), "CHECKPOINT_FORGED", 1),
    (("DELETE FROM {}.attempt_checkpoints WHERE size = 4",), "NOT_PUBLISHED", 2),
    (
        (
            "DELETE FROM {}.attempt_entries WHERE position > 2",
            "DELETE FROM {}.attempt_nodes WHERE position > 2",
            "DELETE FROM {}.attempt_checkpoints WHERE size > 2",
        ),
        "LOG_TRUNCATED",
        2,
    ),
]


@pytest.mark.parametrize(("statements", "code", "index"), ALTERATIONS, ids=[row[1] for row in ALTERATIONS])
def test_what_is_altered_is_found_at_its_place(run: Run, statements: tuple[str, ...], code: str, index: int) -> None:
    run.batch(*refusals(run, 2))
    run.batch(*refusals(run, 2))
    assert report_of(run).clean
    run.site.tamper(*statements)
    report = report_of(run)
    assert AttemptFailure(code, index) in report.failures
    assert min(failure.index for failure in report.failures) == index


def started(site: Site) -> None:
    """Start a sequencer and stop it."""
    with site.sequencer():
        pass


def test_a_rollback_or_another_tree_stops_the_start(site: Site) -> None:
    with Run(site) as run:
        run.batch(*refusals(run, 2))
        run.batch(*refusals(run, 2))
    tables = ("entries WHERE position", "nodes WHERE position", "checkpoints WHERE size")
    site.tamper(*(f"DELETE FROM {{}}.attempt_{table} > 2" for table in tables))
    with pytest.raises(StoreError, match="ROLLBACK_DETECTED"):
        started(site)
    site.attempts_pin_path.unlink()
    pin.PinFile(site.attempts_pin_path).advance(2, bytes(32))
    with pytest.raises(StoreError, match="HISTORY_REWRITTEN"):
        started(site)
    site.attempts_pin_path.unlink()
    site.tamper("UPDATE {}.attempt_checkpoints SET note = 'forged'")
    with pytest.raises(StoreError, match="CHECKPOINT_MISMATCH"):
        started(site)


def test_only_the_canonical_bytes_are_an_attempt() -> None:
    attempt = Attempt(1, "五", "ALREADY_VOTED", {"first": 3}, 9, "", "ab" * 32, "ballot.cast", 0)
    data = attempt.encode()
    assert decode_attempt(data) == attempt
    for wrong in (
        data + b" ",
        b"[]",
        b"{}",
        b"no",
        data.replace(b'"index":0', b'"index":"0"'),
        data.replace(b'"index":0', b'"index":true'),
        data.replace(b'{"first":3}', b'{"first":[]}'),
        data.replace(b'{"first":3}', b"[]"),
    ):
        with pytest.raises(MalformedError, match="ATTEMPT_MALFORMED"):
            decode_attempt(wrong)
    long = Attempt(1, "五", "OVERVOTE", {"given": "x" * 70_000}, 9, "", "ab" * 32, "ballot.cast", 0)
    assert decode_attempt(long.encode()).facts.keys() == {"omitted"}


def test_of_a_one_time_key_neither_actor_nor_facts_are_kept() -> None:
    world = resume(FOUNDED)
    envelope = world.envelope("discipline", world.enrolment("甲"), person="sealed:1")
    refusal = Refusal("KEY_UNKNOWN", "七(三)", {"key": "secret"})
    kept = attempt_of(world.state.roll, open_envelope(envelope), refusal, 5, 6)
    assert kept is not None
    assert (kept.person, kept.facts, kept.code, kept.log_size) == ("", {}, "KEY_UNKNOWN", 6)


class Rows:
    """Attempts as a database that was tampered with might hold them, without checkpoints."""

    def __init__(self, *attempts: Attempt) -> None:
        self._attempts = attempts

    def attempt_rows(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Give the rows, their nodes as they should be."""
        frontier = Frontier()
        for place, attempt in enumerate(self._attempts):
            data = attempt.encode()
            yield place, data, b"".join(value for _, _, value in frontier.append(leaf_hash(data)))

    def attempt_notes(self) -> Iterator[tuple[int, bytes]]:
        """Give no checkpoint."""
        return iter(())


def test_attempts_out_of_their_order_are_found() -> None:
    first = Attempt(9, "五", "ALREADY_VOTED", {}, 9, "", "ab" * 32, "ballot.cast", 0)
    moved = verify_attempts(Rows(replace(first, index=1)), KEYS)
    assert [(one.code, one.index) for one in moved.failures] == [("EVENT_MOVED", 0), ("NOT_PUBLISHED", 0)]
    back = verify_attempts(Rows(first, replace(first, at=8, index=1)), KEYS)
    assert [(one.code, one.index) for one in back.failures] == [("CLOCK_REGRESSION", 1), ("NOT_PUBLISHED", 0)]
