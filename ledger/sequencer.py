"""The only way in: decide, append, tree, checkpoint, commit, pin, release.

One sequencer serves one log. It holds the log's advisory lock, and a thread takes whatever waits as one batch: one decision
after another on the working state, then **one transaction** with all entries, tree nodes and the signed checkpoint above
them, then the pin, flushed to disk outside the database, and only then the answers. In that order (sign, commit, pin,
answer) a crash can lose an answer but never an entry that was answered for.

If a commit fails, the working state is thrown away and read again; if its outcome is unknown, the store is asked which
of the batch's statements it holds. A statement that was sequenced before gets its first receipt again, whatever the rules
would say of it now.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from ledger import canonical
from ledger.admission import Admitted, Batch, Judgement, public_key_of
from ledger.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from ledger.errors import ConflictError, LedgerError, StoreError
from ledger.logstore import LogStore, Pinned, check_against_pin, first_receipt, read_desk, seen_of
from ledger.merkle import inclusion_proof
from ledger.procedure.reasons import Refusal
from ledger.receipt import Receipt
from ledger.roll import SEALED_PREFIX
from ledger.selection import Selection
from ledger.signing import SigningKey
from ledger.statements import Act, Seen, Signed, decode_entry, open_envelope
from ledger.store.batch import AppendBatch, Attempt, NewEntry

MOST_IN_BATCH = 512
MOST_ATTEMPTS = 10_000
"""Refused attempts kept of one person in one run, so that nobody fills the disk with them."""

Clock: TypeAlias = Callable[[], int]


def system_clock() -> int:
    """Return the machine's time in UTC milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Sequenced:
    """A statement that is in the log: its act, whether it was there before, and its receipt."""

    act: Act
    again: bool
    _receipt: Callable[[], Receipt]

    @property
    def receipt(self) -> Receipt:
        """The inclusion proof against the first checkpoint that covers the entry."""
        return self._receipt()


@dataclass(frozen=True, slots=True)
class Refused:
    """A statement that the rules refuse; nothing was sequenced. `signed` is what was refused."""

    refusal: Refusal
    signed: Signed


Answer: TypeAlias = Sequenced | Refused


@dataclass(frozen=True, slots=True)
class Request:
    """A statement that waits: when it is to be sequenced on a simulated clock, and the key it was already checked with."""

    signed: Signed
    at: int | None
    verified_by: bytes | None
    answer: "Future[Answer]"


class Sequencer:
    """The sequencer of one log, running in a thread of its own from `start` to `stop`."""

    def __init__(self, store: LogStore, key: SigningKey, origin: str, pin: Pinned, clock: Clock = system_clock) -> None:
        """Take over a log: read it, and hold it against its checkpoint and its pin.

        Raises `StoreError`: `SEQUENCER_ALREADY_RUNNING`; `ROLLBACK_DETECTED` or `HISTORY_REWRITTEN` if the store is older
        or other than what was pinned.
        """
        self._store, self._key, self._origin, self._pin, self._clock = store, key, origin, pin, clock
        self.vkey = VerifierKey(origin, key.public)
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)
        self._attempts: dict[str, int] = {}
        self._stale = True
        self._read_again()

    def _read_again(self) -> None:
        self._store.hold_sequencer_lock()
        self._desk = read_desk(self._store, self._origin, self.vkey)
        newest = self._store.newest_checkpoint()
        self._note = newest.note if newest else None
        check_against_pin(self._desk, self._note, self._pin)
        self._stale = False

    @property
    def state(self) -> Selection:
        """The working state. Between batches it is what the store holds; only the sequencer's thread folds into it."""
        return self._desk.state

    @property
    def size(self) -> int:
        """The number of published entries: covered by a signed checkpoint and pinned."""
        return self._pin.newest.size if self._pin.newest else 0

    @property
    def checkpoint(self) -> bytes | None:
        """The newest published checkpoint, a signed note."""
        return self._note

    def seen(self) -> Seen | None:
        """Return the newest published checkpoint as a statement pins it."""
        return seen_of(self._note) if self._note else None

    def start(self) -> None:
        """Begin to take statements."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what was handed in, then end."""
        self._requests.put(None)
        self._thread.join()

    def __enter__(self) -> "Sequencer":
        """Start."""
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self.stop()

    def submit(self, envelope: bytes, at: int | None = None) -> "Future[Answer]":
        """Hand in one envelope; the future gives the answer, or raises the `LedgerError` that stopped it.

        Parsing and the signature check happen here, in the caller's thread; they raise at once. `at` (UTC ms) is for the
        simulated clock of a rehearsal.
        """
        signed = open_envelope(envelope)
        public = public_key_of(self._desk.state, signed)
        verified = public if public is not None and signed.verify(public) else None
        return self._put(signed, at, verified)

    def submit_all(self, envelopes: Iterable[bytes], at: int | None = None) -> "list[Future[Answer]]":
        """Hand in several envelopes, in this order; the sequencer's thread checks their signatures."""
        return [self._put(open_envelope(envelope), at, None) for envelope in envelopes]

    def _put(self, signed: Signed, at: int | None, verified: bytes | None) -> "Future[Answer]":
        sealed = self._desk.state.sealed
        if at is not None and sealed is not None and not sealed.rehearsal:
            raise StoreError("CLOCK_NOT_SIMULATED", origin=self._origin)
        answer: Future[Answer] = Future()
        self._requests.put(Request(signed, at, verified, answer))
        return answer

    def _run(self) -> None:
        running = True
        while running:
            waiting: list[Request] = []
            request = self._requests.get()
            while request is not None:
                waiting.append(request)
                if len(waiting) == MOST_IN_BATCH or self._requests.empty():
                    break
                request = self._requests.get()
            running = request is not None
            if waiting:
                self.sequence(waiting)
        while not self._requests.empty():
            late = self._requests.get()
            if late is not None:
                late.answer.set_exception(StoreError("SEQUENCER_STOPPED"))

    def sequence(self, waiting: list[Request]) -> None:
        """Decide one batch, commit it, pin it, answer it. Every request is answered, whatever happens."""
        try:
            if self._stale:
                self._read_again()
            batch = self._desk.begin()
            judged = [(request, self._judge(batch, request)) for request in waiting]
            if batch.admitted:
                self._commit(batch)
            self._answer_all(batch, judged)
        except LedgerError as error:
            self._fail(waiting, error)
        except Exception as error:
            # The thread outlives any fault: nothing was promised, so the log is read again before the next batch.
            self._fail(waiting, StoreError("STORE_UNAVAILABLE", reason=type(error).__name__))

    def _judge(self, batch: Batch, request: Request) -> Judgement:
        at = self._clock() if request.at is None else request.at
        return self._desk.judge(batch, request.signed, at, request.verified_by)

    def _commit(self, batch: Batch) -> None:
        """Sign, commit, pin: when this returns the batch is published."""
        frontier = self._desk.frontier
        root = frontier.root()
        note = sign_checkpoint(Checkpoint(self._origin, frontier.size, root), self._key)
        entries = [
            NewEntry(item.entry, item.act.statement.type, item.statement_id, item.nodes) for item in batch.admitted
        ]
        self._stale = True
        self._store.append(AppendBatch(batch.first, entries, note))
        self._pin.advance(frontier.size, root)
        self._stale = False
        self._note = note
        self._desk.issued(seen_of(note))

    def _fail(self, waiting: list[Request], error: LedgerError) -> None:
        """Answer a batch that was not committed, or of which nobody knows: what the store turns out to hold is sequenced."""
        self._stale = True
        held: dict[bytes, int] = {}
        if isinstance(error, StoreError | ConflictError):
            held = self._held(waiting)
        for request in waiting:
            index = held.get(request.signed.id)
            if request.answer.done():
                continue
            if index is None:
                request.answer.set_exception(error)
            else:
                request.answer.set_result(self._first(index))

    def _held(self, waiting: list[Request]) -> dict[bytes, int]:
        try:
            self._read_again()
            found = {request.signed.id: self._store.find_statement(request.signed.id) for request in waiting}
        except LedgerError:
            self._stale = True
            return {}
        return {statement: index for statement, index in found.items() if index is not None}

    def _answer_all(self, batch: Batch, judged: "list[tuple[Request, Judgement]]") -> None:
        here = {item.statement_id: item for item in batch.admitted}
        node, size, note = self._desk.prover(), self._desk.frontier.size, self._note or b""

        def receipt(index: int) -> Callable[[], Receipt]:
            return lambda: Receipt(index, inclusion_proof(index, size, node), note)

        for request, judgement in judged:
            if isinstance(judgement, Act):
                request.answer.set_result(Sequenced(judgement, False, receipt(judgement.index)))
                continue
            try:
                before = self._sequenced_before(request.signed, here, receipt)
                if before is None and isinstance(judgement, Refusal):
                    self._record_attempt(request, judgement)
            except LedgerError as error:
                request.answer.set_exception(error)
                continue
            if before is not None:
                request.answer.set_result(before)
            elif isinstance(judgement, Refusal):
                request.answer.set_result(Refused(judgement, request.signed))
            else:
                request.answer.set_exception(judgement)

    def _sequenced_before(
        self, signed: Signed, here: dict[bytes, Admitted], receipt: Callable[[int], Callable[[], Receipt]]
    ) -> Sequenced | None:
        """The same statement again gets its first receipt: from this batch, or from the store."""
        now = here.get(signed.id)
        if now is not None:
            return Sequenced(now.act, True, receipt(now.act.index))
        index = self._store.find_statement(signed.id)
        return None if index is None else self._first(index)

    def _first(self, index: int) -> Sequenced:
        entry = self._store.entry(index)
        if entry is None:
            raise StoreError("STORE_GAP", index=index)
        return Sequenced(decode_entry(entry), True, lambda: first_receipt(self._store, index))

    def _record_attempt(self, request: Request, refusal: Refusal) -> None:
        """Keep a known person's refused attempt; a sealed actor is never named, an unknown key only counted elsewhere."""
        signed = request.signed
        actor = signed.statement.person
        if actor.startswith(SEALED_PREFIX) or actor not in self._desk.state.roll.people:
            return
        self._attempts[actor] = self._attempts.get(actor, 0) + 1
        if self._attempts[actor] > MOST_ATTEMPTS:
            return
        self._store.record_attempt(
            Attempt(
                attempted_at_ms=self._clock() if request.at is None else request.at,
                actor=actor,
                statement_id=signed.id,
                type=signed.statement.type,
                code=refusal.code,
                facts=canonical.encode(refusal.facts).decode(),
                envelope_digest=sha256(signed.envelope).digest(),
            )
        )
