"""The sequencer on a real PostgreSQL: what is acknowledged is in the log for ever, whatever fails and whenever."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.rehearsal.driver import World, found
from api.rehearsal.steps_rounds import ballot
from ledger import pin
from ledger.attempts import attempts_keys, decode_attempt
from ledger.attempts_check import verify_attempts
from ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.decisions.gate import decide
from ledger.errors import ConflictError, LedgerError, MalformedError, StoreError, VerificationError
from ledger.log_keys import LogKeys
from ledger.logstore import seen_of
from ledger.merkle import consistency_nodes, consistency_proof, verify_consistency
from ledger.pin import PinFile
from ledger.programmes import load_shipped
from ledger.receipt import Receipt, verify
from ledger.seen import ForkError
from ledger.sequencer import Answer, Clock, Refused, Request, Sequenced, Sequencer
from ledger.signing import SigningKey, encode_base64
from ledger.statements import Act, decode_entry, open_envelope, sign
from ledger.statements.foundation import ActCountersigned, CharterEndorsed
from ledger.statements.roll import RoleGranted
from ledger.store import Store
from projections.replay import replay
from tests import voting
from tests.log.faults import Faults, FaultyPin, FaultyStore
from tests.sequenced import SCHEMA, Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, START, History, MemoryLedger, freeze, new_world, resume

FOUNDED = freeze(new_world())


class Run:
    """A sequencer on a site, its thread not started: batches are handed to it one by one, and calls fail as planned."""

    def __init__(self, site: Site, history: History | None = FOUNDED, clock: Clock | None = None) -> None:
        self.site, self.faults, self._stack = site, Faults(), ExitStack()
        if history is not None:
            site.preload(history)
        self.store = self._stack.enter_context(site.store())
        self.pin = FaultyPin(site.pin_path, self.faults)
        self._stack.callback(self.pin.close)
        store: Any = FaultyStore(self.store, self.faults)
        self.attempts_pin = FaultyPin(site.attempts_pin_path, self.faults, "advance_attempts")
        self._stack.callback(self.attempts_pin.close)
        self.sequencer = Sequencer(store, LOG_KEY, ORIGIN, self.pin, clock or (lambda: START), self.attempts_pin)
        self.faults.calls.clear()
        self.world = resume(history or FOUNDED, MemoryLedger(history.entries, history.notes) if history else None)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def batch(self, *envelopes: bytes, at: int | None = None) -> list[Answer | Exception]:
        """Sequence these envelopes as one batch; return each answer or the error that stopped it."""
        at = self.world.now + 1000 if at is None else at
        requests = [Request(open_envelope(envelope), at, None, Future()) for envelope in envelopes]
        self.sequencer.sequence(requests)
        return [request.answer.exception(0) or request.answer.result(0) for request in requests]  # type: ignore[misc]

    def one(self, envelope: bytes, at: int | None = None) -> Any:
        """Sequence one envelope."""
        return self.batch(envelope, at=at)[0]


@pytest.fixture
def run(site: Site) -> Iterator[Run]:
    """A sequencer whose log holds an endorsed charter."""
    with Run(site) as started:
        yield started


def enrolments(world: World, *aliases: str) -> list[bytes]:
    """Return the registrar's envelopes that enrol these people."""
    return [world.envelope("registrar", world.enrolment(alias)) for alias in aliases]


def consistent(store: Store, then: Checkpoint, now: Checkpoint) -> bool:
    """Prove that the tree of `now` goes on from the tree of `then`."""
    nodes = store.nodes(consistency_nodes(then.size, now.size))
    path = consistency_proof(then.size, now.size, lambda level, index: nodes[level, index])
    return verify_consistency(then.size, now.size, then.root, now.root, path)


def held(store: Store, receipts: Mapping[bytes, Receipt]) -> None:
    """Hold the log against what was acknowledged: the statement is there, once, and its receipt proves it for ever."""
    entries = dict(store.read_entries())
    assert sorted(entries) == list(range(store.size()))
    newest = store.newest_checkpoint()
    assert newest is not None
    assert newest.size == len(entries)
    now = open_checkpoint(newest.note, (LOG_VKEY,))
    for statement, receipt in receipts.items():
        assert store.find_statement(statement) == receipt.index
        assert consistent(store, verify(receipt, entries[receipt.index], (LOG_VKEY,)), now)


def unavailable() -> StoreError:
    """What the store raises when its server is gone."""
    return StoreError("STORE_UNAVAILABLE", schema=SCHEMA)


def test_sign_commit_pin_answer_in_that_order(run: Run) -> None:
    before, seen = run.sequencer.checkpoint, run.sequencer.seen()
    shown: list[tuple[str, int, bytes | None]] = []
    requests = [
        Request(open_envelope(envelope), FOUNDED.now, None, Future()) for envelope in enrolments(run.world, "甲", "乙")
    ]

    def show(what: str) -> None:
        shown.append((what, run.sequencer.size, run.sequencer.checkpoint))

    requests[0].answer.add_done_callback(lambda _: show("answer"))
    run.faults.plan("append", after=True, do=lambda: show("committed"))
    run.faults.plan("advance", do=lambda: show("to be pinned"))
    run.sequencer.sequence(requests)
    assert run.faults.calls == ["append", "advance"]
    after = run.sequencer.checkpoint
    assert shown == [("committed", 6, before), ("to be pinned", 6, before), ("answer", 8, after)]
    assert run.sequencer.seen() != seen
    found_pin = pin.read(run.site.pin_path)
    assert found_pin is not None
    assert open_checkpoint(after or b"", (LOG_VKEY,)) == Checkpoint(ORIGIN, found_pin.size, found_pin.root)


# --- Faults: every write and every read of the recovery fails, and fails after it took effect ---

FIRST: list[tuple[str, bool, Callable[[], Exception]]] = [
    ("append", False, unavailable),
    ("append", False, lambda: ConflictError("STORE_WRONG_INDEX", schema=SCHEMA, size=6)),
    ("append", False, lambda: RuntimeError("a fault of our own")),
    ("append", True, lambda: StoreError("STORE_OUTCOME_UNKNOWN", schema=SCHEMA, first_index=6, size=8)),
    ("append", True, lambda: RuntimeError("a fault of our own")),
    ("advance", False, lambda: StoreError("PIN_UNAVAILABLE", path="pin", reason="full")),
    ("advance", True, lambda: StoreError("PIN_UNAVAILABLE", path="pin", reason="late")),
    ("append_attempts", False, unavailable),
    ("append_attempts", True, lambda: StoreError("STORE_OUTCOME_UNKNOWN", schema=SCHEMA, first_index=0, size=1)),
    ("append_attempts", True, lambda: RuntimeError("a fault of our own")),
    ("advance_attempts", False, lambda: StoreError("PIN_UNAVAILABLE", path="attempts.pin", reason="full")),
    ("advance_attempts", True, lambda: StoreError("PIN_UNAVAILABLE", path="attempts.pin", reason="late")),
    ("find_statement", False, unavailable),
]
SECOND = [
    None,
    "hold_sequencer_lock",
    "size",
    "read_entries",
    "nodes",
    "newest_checkpoint",
    "advance",
    "find_statement",
    "entry",
    "attempt_size",
    "attempt_nodes",
    "attempt_entry",
    "newest_attempt_note",
    "advance_attempts",
]


@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize(
    ("call", "after", "error"),
    FIRST,
    ids=[f"{call}-{'after' if after else 'before'}-{n}" for n, (call, after, _) in enumerate(FIRST)],
)
def test_every_fault_leaves_the_promises_whole(
    run: Run, call: str, after: bool, error: Callable[[], Exception], second: str | None
) -> None:
    envelopes = enrolments(run.world, "甲", "乙")
    refused = run.world.envelope("discipline", run.world.enrolment("丙"))
    run.faults.plan(call, after=after, error=error())
    if second is not None:
        run.faults.planned.setdefault(second, (False, _raise_unavailable))
    first = run.batch(*envelopes, refused)
    run.faults.planned.clear()
    acknowledged = {answer.act.signed.id: answer.receipt for answer in first if isinstance(answer, Sequenced)}
    for told in first:
        assert isinstance(told, Sequenced | Refused | LedgerError)
    held(run.store, acknowledged)
    # Whoever was not answered asks again: one entry, and from now on always the same receipt.
    kept = [(one.attempt or b"", one.receipt) for one in first if isinstance(one, Refused) and one.receipt]
    for _ in range(2):
        again = run.batch(*envelopes, refused)
        refusal = again[2]
        assert isinstance(refusal, Refused)
        assert refusal.attempt is not None
        assert refusal.receipt is not None
        kept.append((refusal.attempt, refusal.receipt))
        for answer in again[:2]:
            assert isinstance(answer, Sequenced)
            receipt = acknowledged.setdefault(answer.act.signed.id, answer.receipt)
            assert answer.receipt.encode() == receipt.encode()
    assert run.store.size() == 8
    # The service goes on, and what it stored stands every check.
    later = run.one(run.world.envelope("registrar", run.world.enrolment("丁")))
    acknowledged[later.act.signed.id] = later.receipt
    assert later.act.index == 8
    held(run.store, acknowledged)
    assert run.site.audit().clean
    attempts = verify_attempts(run.store, LogKeys.of(LOG_VKEY), pin.read(run.site.attempts_pin_path))
    assert attempts.clean, attempts.failures
    for attempt, receipt in kept:
        verify(receipt, attempt, attempts_keys(LogKeys.of(LOG_VKEY)))
        assert decode_attempt(attempt) == attempts.attempts[receipt.index]


def _raise_unavailable() -> None:
    raise unavailable()


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_that_really_breaks(run: Run, after: bool) -> None:
    """Broken before the append, nothing is known and nothing was written; after it, everything was."""
    envelope = enrolments(run.world, "甲")[0]
    run.faults.plan("append", after=after, do=run.site.disconnect_writer, error=unavailable() if after else None)
    answer = run.one(envelope)
    if after:
        assert isinstance(answer, Sequenced)
    else:
        assert isinstance(answer, StoreError)
        assert answer.code == "STORE_OUTCOME_UNKNOWN"
    again = run.one(envelope)
    assert again.act.index == 6
    held(run.store, {again.act.signed.id: again.receipt})


def test_a_store_that_stays_away_is_refused_clearly_until_it_is_back(run: Run) -> None:
    envelope = enrolments(run.world, "甲")[0]
    for _ in range(3):
        run.faults.plan("append", error=unavailable())
        run.faults.plan("hold_sequencer_lock", error=unavailable())
        answer = run.one(envelope)
        assert isinstance(answer, StoreError)
        assert answer.code == "STORE_UNAVAILABLE"
    assert run.store.size() == 6
    run.faults.planned.clear()
    assert isinstance(run.one(envelope), Sequenced)


def test_a_pin_that_cannot_be_written_withholds_what_is_committed_until_a_restart(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = enrolments(run.world, "甲", "乙")

    def full(*values: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("ledger.pin.os.pwrite", full)
        assert run.one(first).code == "PIN_UNAVAILABLE"
    # What the failed flush left on disk is unknown: this process answers nothing more, and shows nothing above the pin.
    for envelope in (first, second):
        assert run.one(envelope).code == "PIN_UNAVAILABLE"
    assert (run.sequencer.size, run.store.size()) == (6, 7)
    run.store.close()
    with Run(run.site, None) as restarted:
        assert restarted.sequencer.size == 7
        answers = restarted.batch(first, second, at=run.world.now + 1000)
        assert [answer.act.index for answer in answers if isinstance(answer, Sequenced)] == [6, 7]


def test_one_faulty_statement_does_not_stop_the_others(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    world = run.world
    before, poison, after = enrolments(world, "甲", "毒", "乙")
    poisoned = world.person("毒")

    def faulty(state: Any, statement: Any, at: int) -> Any:
        refusal = decide(state, statement, at)
        if getattr(statement.body, "member", None) == poisoned:
            state.roll.people.clear()
            raise KeyError("a bug")
        return refusal

    monkeypatch.setattr("ledger.admission.decide", faulty)
    answers = run.batch(before, poison, after)
    assert [answer.act.index for answer in answers if isinstance(answer, Sequenced)] == [6, 7]
    fault = answers[1]
    assert isinstance(fault, StoreError)
    assert (fault.code, fault.facts) == ("SEQUENCER_FAULT", {"reason": "KeyError"})
    assert replay(entry for _, entry in run.store.read_entries()) == run.sequencer.state


# --- The same statement again ---


def test_the_same_statement_gets_the_same_receipt(run: Run) -> None:
    one, other = enrolments(run.world, "甲", "乙")
    answers = run.batch(one, one, other, one)
    assert [answer.again for answer in answers if isinstance(answer, Sequenced)] == [False, True, False, True]
    later = [run.one(one), run.one(one)]
    receipts = {answer.receipt.encode() for answer in [answers[0], answers[1], answers[3], *later]}
    assert len(receipts) == 1
    assert run.store.size() == 8
    run.store.close()
    with Run(run.site, None) as restarted:
        again = restarted.one(one, at=run.world.now)
        assert (again.again, again.receipt.encode()) == (True, receipts.pop())


def test_a_receipt_is_not_for_whoever_cannot_sign(run: Run) -> None:
    world = run.world
    statement = world.statement("registrar", world.enrolment("甲"))
    envelope = sign(statement, world.actor("registrar").key)
    assert run.one(envelope).act.index == 6
    signature = open_envelope(envelope).signature
    forged = envelope.replace(encode_base64(signature).encode(), encode_base64(bytes(64)).encode())
    assert open_envelope(forged).id == open_envelope(envelope).id
    answer = run.one(forged)
    assert isinstance(answer, VerificationError)
    assert answer.code == "SIGNATURE_INVALID"


def only_one(sequencer: Sequencer, envelopes: Sequence[bytes], at: int) -> list[Answer]:
    """Submit from as many threads as there are envelopes, all at once."""
    barrier = threading.Barrier(len(envelopes))

    def submit(envelope: bytes) -> Answer:
        barrier.wait()
        return sequencer.submit(envelope, at).result(30)

    with ThreadPoolExecutor(len(envelopes)) as pool:
        return list(pool.map(submit, envelopes))


@pytest.fixture
def charter_sealed() -> World:
    """A play in memory whose charter waits for its endorsements."""
    world = World(MemoryLedger(), "test", START)
    sealed = load_shipped("zhuyuan-2022")
    found(world, sealed, ORIGIN, LOG_VKEY.encode())
    ledger = MemoryLedger((world.ledger.entries[0],))  # type: ignore[attr-defined]
    world.ledger = ledger
    return world


def test_a_hundred_different_statements_for_one_act_make_one_entry(site: Site, charter_sealed: World) -> None:
    """An act that a person may do once: each thread has its own counter and nonce."""
    leaf = charter_sealed.state.charter.leaf.hex()
    history = freeze(charter_sealed)
    envelopes = [charter_sealed.envelope("sponsor-union", CharterEndorsed(leaf)) for _ in range(100)]
    site.preload(history)
    with site.sequencer() as sequencer:
        answers = only_one(sequencer, envelopes, START + 1000)
        entered = [answer for answer in answers if isinstance(answer, Sequenced)]
        refused = [answer.refusal.code for answer in answers if isinstance(answer, Refused)]
        assert (len(entered), refused) == (1, ["ALREADY_ENDORSED"] * 99)
        assert sequencer.size == 2
    assert site.audit().clean


def test_D04_a_hundred_different_ballots_of_one_member_make_one_vote(site: Site) -> None:
    world, opened = voting.voting()
    history, member = freeze(world), voting.PANEL[0]
    envelopes = [
        world.envelope(member, ballot(world, opened.id, voting.PEOPLE[number % 7 : number % 7 + 1 + number % 13]))
        for number in range(100)
    ]
    site.preload(history)
    with site.sequencer() as sequencer:
        answers = only_one(sequencer, envelopes, world.now + 1000)
        (entered,) = [answer for answer in answers if isinstance(answer, Sequenced)]
        refused = [answer.refusal for answer in answers if isinstance(answer, Refused)]
        assert {(one.code, one.facts["first"]) for one in refused} == {("ALREADY_VOTED", entered.act.index)}
        assert (len(refused), sequencer.size) == (99, len(history.rows) + 1)
        played = sequencer.state.rounds.by_id[opened.id]
        assert [one.index for one in played.ballots.values()] == [entered.act.index]
    with site.store() as store:
        kept = verify_attempts(store, LogKeys.of(LOG_VKEY), pin.read(site.attempts_pin_path)).attempts
    assert {(attempt.person, attempt.code) for attempt in kept} == {(world.person(member), "ALREADY_VOTED")}
    assert len(kept) == 99
    assert site.audit().clean


def test_a_hundred_copies_of_one_statement_make_one_entry(site: Site) -> None:
    site.preload(FOUNDED)
    envelope = enrolments(resume(FOUNDED), "甲")[0]
    with site.sequencer() as sequencer:
        answers = only_one(sequencer, [envelope] * 100, FOUNDED.now + 1000)
        assert {answer.receipt.encode() for answer in answers if isinstance(answer, Sequenced)} == {
            sequencer.submit(envelope, FOUNDED.now + 1000).result().receipt.encode()  # type: ignore[union-attr]
        }
        assert sequencer.size == 7


# --- Batching ---


def small_history() -> list[tuple[bytes, int]]:
    """A play of admitted, refused and repeated statements, each with its time."""
    world = resume(FOUNDED)
    given: list[tuple[bytes, int]] = []

    def submit(alias: str, body: Any) -> Any:
        envelope = world.envelope(alias, body)
        world.now += 700
        given.append((envelope, world.now))
        return world.ledger.submit(envelope, world.now)

    for alias in ("甲", "乙", "丙"):
        act = submit("registrar", world.enrolment(alias))
        submit("sponsor-union", world.enrolment(alias))
        submit("discipline", _countersign(act))
        given.append(given[-1])
        grant = submit("registrar", RoleGranted(world.person(alias), "工作需要", "expert"))
        submit("discipline", _countersign(grant))
    return given


def _countersign(act: Act) -> ActCountersigned:
    return ActCountersigned(act.index, act.leaf.hex())


GIVEN = small_history()


@pytest.fixture(scope="module")
def unbatched() -> tuple[list[bytes], Any]:
    """The entries and the state that one batch per statement gives."""
    ledger = MemoryLedger(FOUNDED.entries, FOUNDED.notes)
    seen: set[bytes] = set()
    for envelope, at in GIVEN:
        if envelope not in seen:
            ledger.submit(envelope, at)
        seen.add(envelope)
    return ledger.entries, ledger.state


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(1, len(GIVEN) - 1)))
def test_batching_changes_nothing(
    new_site: Callable[[], Site], unbatched: tuple[list[bytes], Any], cuts: set[int]
) -> None:
    bounds = [0, *sorted(cuts), len(GIVEN)]
    with Run(new_site()) as run:
        for start, stop in pairwise(bounds):
            requests = [Request(open_envelope(envelope), at, None, Future()) for envelope, at in GIVEN[start:stop]]
            run.sequencer.sequence(requests)
        assert [entry for _, entry in run.store.read_entries()] == unbatched[0]
        assert run.sequencer.state == unbatched[1]


# --- Time ---


def test_time_is_clamped_up_to_a_second_and_refused_beyond(run: Run) -> None:
    """Dispute H13: the clock never goes back in the log."""
    one, other = enrolments(run.world, "甲", "乙")
    last = run.sequencer.state.at
    back = run.one(one, at=last - 1001)
    assert isinstance(back, StoreError)
    assert (back.code, back.facts) == ("CLOCK_REGRESSION", {"at": last - 1001, "last": last})
    assert run.one(one, at=last - 1000).act.at == last
    assert run.one(other, at=last + 5).act.at == last + 5
    assert run.site.audit().clean


def test_the_sequencers_own_clock_going_back(site: Site) -> None:
    last = FOUNDED.now
    times = iter([last + 10, last + 10 - 1001, last + 9, last + 11])
    with Run(site, clock=lambda: next(times)) as run:
        answers = []
        for envelope in enrolments(run.world, "甲", "乙", "丙"):
            request = Request(open_envelope(envelope), None, None, Future())
            run.sequencer.sequence([request])
            answers.append(request.answer)
        assert isinstance(answers[1].exception(), StoreError)
        assert [answers[0].result().act.at, answers[2].result().act.at] == [last + 10, last + 10]  # type: ignore[union-attr]


@pytest.mark.parametrize("charter_there", [False, True])
def test_a_simulated_time_is_for_rehearsals(site: Site, charter_there: bool) -> None:
    world = World(MemoryLedger(), "test", START)
    found(world, load_shipped("zhuyuan-2022"), ORIGIN, LOG_VKEY.encode(), rehearsal=False)
    history = freeze(world)
    with Run(site, history if charter_there else None) as run:
        envelope = (
            world.envelope("registrar", world.enrolment("甲"))
            if charter_there
            else decode_entry(history.entries[0]).signed.envelope
        )
        before = run.store.size()
        answer = run.one(envelope, at=world.now + 1)
        assert isinstance(answer, StoreError)
        assert answer.code == "CLOCK_NOT_SIMULATED"
        assert run.store.size() == before
        request = Request(open_envelope(envelope), None, None, Future())
        run.sequencer._clock = lambda: world.now + 1
        run.sequencer.sequence([request])
        assert isinstance(request.answer.result(), Sequenced)


# --- The pin in the statement ---


def _other_note(size: int) -> Any:
    return seen_of(sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), LOG_KEY))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda seen: None,
        lambda seen: replace(seen, size=seen.size - 1),
        lambda seen: replace(seen, root=encode_base64(bytes(32))),
        lambda seen: replace(seen, root=encode_base64(bytes(31))),
        lambda seen: replace(seen, signature=encode_base64(bytes(68))),
        lambda seen: replace(seen, signature=seen.signature[:-2] + "9="),
        lambda seen: seen_of(
            sign_checkpoint(Checkpoint(ORIGIN, seen.size, bytes(32)), SigningKey.from_seed(bytes(32)))
        ),
        lambda seen: seen_of(sign_checkpoint(Checkpoint("other.example", seen.size, bytes(32)), LOG_KEY)),
    ],
)
def test_a_pin_that_does_not_hold_is_refused(run: Run, spoil: Callable[[Any], Any]) -> None:
    world = run.world
    seen = spoil(run.sequencer.seen())
    answer = run.one(world.envelope("registrar", world.enrolment("甲"), seen=seen))
    assert isinstance(answer, Refused)
    assert (answer.refusal.code, answer.refusal.clause) == ("PIN_INVALID", "七(三)")
    assert run.store.size() == 6


def test_any_older_checkpoint_of_the_log_will_do(run: Run) -> None:
    world = run.world
    older = [seen_of(note) for note in FOUNDED.notes.values()]
    answers = run.batch(
        *(world.envelope("registrar", world.enrolment(f"人{n}"), seen=seen) for n, seen in enumerate(older))
    )
    assert [type(answer) for answer in answers] == [Sequenced] * len(older)


@pytest.mark.parametrize(("size", "code"), [(3, "SPLIT_VIEW"), (6, "SPLIT_VIEW"), (8, "ROLLBACK_DETECTED")])
def test_a_checkpoint_that_proves_a_fork_stops_the_log(run: Run, size: int, code: str) -> None:
    world = run.world
    good, later = enrolments(world, "甲", "乙")
    told = world.envelope("registrar", world.enrolment("丙"), seen=_other_note(size))
    answers = run.batch(good, told, later)
    assert isinstance(answers[0], Sequenced)
    for answer in answers[1:]:
        assert isinstance(answer, ForkError)
        assert (answer.code, answer.seen) == (code, _other_note(size))
    # Nothing makes it forget, a store that has to be read again least of all.
    run.sequencer._stale = True
    answer = run.one(later)
    assert isinstance(answer, ForkError)
    assert (run.sequencer.fork, run.store.size()) == (answer, 7)


# --- Taking over a log ---


def start(site: Site) -> str:
    """Start a sequencer and return the code with which it refuses."""
    with pytest.raises(LedgerError) as caught, site.sequencer():
        pass
    return caught.value.code


def rewritten(history: History) -> History:
    """The same play by other people: another history with the log's own valid signatures."""
    return freeze(new_world(seed="another"))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ((), None),
        (("DELETE FROM {0}.entries WHERE position = 6",), "ROLLBACK_DETECTED"),
        (("DELETE FROM {0}.entries WHERE position = 3",), "STORE_GAP"),
        (
            ("UPDATE {0}.entries SET state = set_byte(state, octet_length(state) - 3, 65) WHERE position = 2",),
            "EVENT_ALTERED",
        ),
        # The last digit of the time: everything still parses.
        (
            ("UPDATE {0}.entries SET state = set_byte(state, octet_length(state) - 2, 57) WHERE position = 2",),
            "HISTORY_REWRITTEN",
        ),
        (("UPDATE {0}.entries SET state = '\\x7b7d' WHERE position = 2",), "EVENT_ALTERED"),
        (
            ("UPDATE {0}.nodes SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) WHERE position = 6",),
            "NODE_ALTERED",
        ),
        (("DELETE FROM {0}.nodes WHERE position = 4",), "STORE_NODE_MISSING"),
        (("DELETE FROM {0}.checkpoints",), "CHECKPOINT_MISSING"),
        (("DELETE FROM {0}.checkpoints WHERE size = 6",), "CHECKPOINT_MISMATCH"),
        (("UPDATE {0}.checkpoints SET note = set_byte(note, 30, 65) WHERE size = 6",), "NOTE_SIGNATURE_INVALID"),
    ],
)
def test_a_log_that_was_changed_is_not_taken_over(site: Site, change: tuple[str, ...], code: str | None) -> None:
    site.preload(FOUNDED)
    with site.sequencer() as sequencer:
        assert sequencer.size == 6
    site.tamper(*change)
    if code is None:
        with site.sequencer() as sequencer:
            assert sequencer.size == 6
    else:
        assert start(site) == code


def test_a_log_restored_from_an_old_backup(new_site: Callable[[], Site]) -> None:
    """Dispute H10: the pin outside the database is ahead."""
    world = resume(FOUNDED)
    world.enrol("甲")
    now, old = new_site(), new_site()
    now.preload(freeze(world))
    old.preload(FOUNDED)
    with now.sequencer() as sequencer:
        assert sequencer.size == 8
    assert start(replace(old, pin_path=now.pin_path)) == "ROLLBACK_DETECTED"


def test_a_log_that_was_put_in_place_of_another(new_site: Callable[[], Site]) -> None:
    """Dispute H08: every signature of the log is valid, yet it is not the log that was pinned."""
    now, other = new_site(), new_site()
    now.preload(FOUNDED)
    other.preload(rewritten(FOUNDED))
    with now.sequencer(), other.sequencer():
        pass
    assert start(replace(other, pin_path=now.pin_path)) == "HISTORY_REWRITTEN"


def test_a_pin_one_batch_behind_is_what_a_crash_leaves(site: Site) -> None:
    site.preload(FOUNDED)
    ledger = MemoryLedger(FOUNDED.entries[:4])
    behind = PinFile(site.pin_path)
    behind.advance(4, open_checkpoint(ledger.note(), (LOG_VKEY,)).root)
    behind.close()
    with site.sequencer() as sequencer:
        assert sequencer.size == 6
    assert site.audit().clean


def test_one_sequencer_at_a_time(site: Site) -> None:
    site.preload(FOUNDED)
    with site.sequencer():
        assert start(site) == "SEQUENCER_ALREADY_RUNNING"
    with site.sequencer() as sequencer:
        assert sequencer.size == 6


def test_a_sequencer_that_lost_its_lock_to_another_refuses(run: Run) -> None:
    one, other = enrolments(run.world, "甲", "乙")
    run.site.disconnect_writer()
    with site_sequencer(run.site) as second:
        assert isinstance(second.submit(one, run.world.now).result(), Sequenced)
        answer = run.one(other)
        assert isinstance(answer, StoreError)
        assert answer.code in {"STORE_OUTCOME_UNKNOWN", "STORE_UNAVAILABLE"}
        assert run.one(other).code == "SEQUENCER_ALREADY_RUNNING"
        assert second.size == run.store.size() == 7


def site_sequencer(site: Site) -> Any:
    """A second sequencer with a pin of its own, as on another machine."""
    return replace(site, pin_path=site.pin_path.with_name("other-pin")).sequencer()


# --- The thread ---


def test_stopping_answers_what_was_handed_in(site: Site) -> None:
    site.preload(FOUNDED)
    world = resume(FOUNDED)
    with site.sequencer() as sequencer:
        handed_in = sequencer.submit_all(enrolments(world, *(f"人{n}" for n in range(60))), world.now)
        sequencer.stop()
        assert all(isinstance(answer.result(0), Sequenced) for answer in handed_in)
        with pytest.raises(StoreError) as caught:
            sequencer.submit(enrolments(world, "晚")[0], world.now)
        assert caught.value.code == "SEQUENCER_STOPPED"


def test_stopping_what_never_started(run: Run) -> None:
    handed_in = run.sequencer.submit(enrolments(run.world, "甲")[0], run.world.now)
    run.sequencer.stop()
    assert isinstance(handed_in.result(0), Sequenced)


def test_whoever_gives_up_in_time_is_not_sequenced(run: Run) -> None:
    one, other = (run.sequencer.submit(envelope, run.world.now) for envelope in enrolments(run.world, "甲", "乙"))
    assert one.cancel()
    run.sequencer.stop()
    with pytest.raises(CancelledError):
        one.result(0)
    assert not other.cancel()
    assert isinstance(other.result(0), Sequenced)
    assert run.store.size() == 7


def test_what_is_not_signed_is_refused_at_the_door(run: Run) -> None:
    world = run.world
    envelope = world.envelope("registrar", world.enrolment("甲"))
    signature = encode_base64(open_envelope(envelope).signature).encode()
    with pytest.raises(VerificationError) as caught:
        run.sequencer.submit(envelope.replace(signature, encode_base64(bytes(64)).encode()))
    assert caught.value.code == "SIGNATURE_INVALID"
    with pytest.raises(MalformedError):
        run.sequencer.submit(envelope + b" ")


def test_a_key_enrolled_in_the_same_queue_may_sign(run: Run) -> None:
    """What was unknown at the door is checked when its turn comes."""
    world = run.world
    ahead = resume(FOUNDED)
    ahead.enrol("甲", "applicant")
    acts = [decode_entry(entry) for entry in freeze(ahead).entries[6:]]
    own = ahead.envelope("甲", ahead.enrolment("乙"))
    handed_in = [run.sequencer.submit(act.signed.envelope, act.at) for act in acts]
    handed_in.append(run.sequencer.submit(own, ahead.now))
    run.sequencer.stop()
    assert [type(answer.result(0)) for answer in handed_in] == [Sequenced] * 4 + [Refused]
    assert world.state.size == 6
    last = handed_in[-1].result()
    assert isinstance(last, Refused)
    assert last.refusal.code == "NOT_AUTHORISED"


def test_the_folder_of_the_pin_may_be_gone(site: Site, tmp_path: Path) -> None:
    site.preload(FOUNDED)
    assert start(replace(site, pin_path=tmp_path / "gone" / "pin")) == "PIN_UNAVAILABLE"
