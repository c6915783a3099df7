"""The only way in: decide, append, tree, checkpoint, commit, pin, release.

One sequencer serves one log. It holds the log's advisory lock, and a thread takes whatever waits as one batch: one
decision after another on the working state, then **one transaction** with all entries, tree nodes and the signed
checkpoint above them, then the pin, flushed to disk outside the database, and only then the answers. In that order
(sign, commit, pin, answer) a crash can lose an answer but never an entry that was answered for.

If a commit fails, the working state is thrown away and read again; if its outcome is unknown, the store is asked which
of the batch's statements it holds. A statement that was sequenced before gets its first receipt again, whatever the
rules would say of it now. Whatever fails, the thread lives on: it refuses, and reads the log again before the next
batch.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import TypeAlias

from ledger.admission import Admitted, Batch, Judgement, check_signature, is_rehearsed, public_key_of
from ledger.answers import Answer, Refused, Request, Sequenced, fail
from ledger.attached import Attached, make_ready
from ledger.attempts import Attempt, AttemptLog, attempt_of
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.errors import ConflictError, LedgerError, StoreError, VerificationError
from ledger.forks import OwnTree, contradicting
from ledger.keyring import Keyring
from ledger.logstore import LogStore, Pinned, Witnessed, first_receipt, read_desk, seen_of
from ledger.merkle import inclusion_proof
from ledger.procedure.reasons import Refusal
from ledger.receipt import Receipt
from ledger.roll import SEALED_PREFIX
from ledger.seen import ForkError
from ledger.selection import Selection
from ledger.signing import SigningKey
from ledger.statements import Act, Seen, Signed, decode_entry, open_envelope
from ledger.store.batch import AppendBatch, NewEntry, Spent

MOST_IN_BATCH = 512
MOST_ATTACHED = 16 << 20
"""After so many bytes of attachments a batch is committed, so that ballots by the million need no more memory."""
MOST_AT_ONCE = 128
"""Of many statements handed in at once, so many are checked while those before them are decided and committed."""

__all__ = ["Answer", "Clock", "Refused", "Request", "Sequenced", "Sequencer", "system_clock"]

Clock: TypeAlias = Callable[[], int]


def system_clock() -> int:
    """Return the machine's time in UTC milliseconds."""
    return time.time_ns() // 1_000_000


class Sequencer:
    """The sequencer of one log, running in a thread of its own from `start` to `stop`."""

    def __init__(
        self,
        store: LogStore,
        key: SigningKey | Keyring,
        origin: str,
        pin: Pinned,
        clock: Clock = system_clock,
        attempts_pin: Pinned | None = None,
        witnessed: Iterable[Witnessed] = (),
        on_fork: Callable[[bytes], None] | None = None,
    ) -> None:
        """Take over a log: read it, and hold it against its checkpoint and its pin; `key` is its key, or all of them.

        `attempts_pin` is the pin of the log of attempts; `witnessed` are trees that others vouch for; `on_fork` is
        given the evidence (`ledger.forks`) should a member's statement ever prove a fork.

        Raises `StoreError` `SEQUENCER_ALREADY_RUNNING`, `LOG_KEY_NOT_HELD`, and what `ledger.logstore.read_desk` raises
        if the log that is stored is older or other than what was signed and pinned.
        """
        self._store, self._origin, self._pin, self._clock = store, origin, pin, clock
        self._keyring = key if isinstance(key, Keyring) else Keyring.of(origin, key)
        self.vkey = self._keyring.founding
        """The founding key, from which everybody derives the later ones."""
        self._witnessed, self._on_fork = tuple(witnessed), on_fork
        self._requests: queue.SimpleQueue[list[Request] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)
        self._door, self._turn = threading.Lock(), threading.Lock()
        self._stopped = False
        self._attempts = AttemptLog(store, self._keyring, origin, attempts_pin)
        self.fork: ForkError | None = None
        """Set once a checkpoint with the log's signature contradicts the log: nothing is sequenced any more."""
        self._read_again()

    def _read_again(self) -> None:
        self._store.hold_sequencer_lock()
        desk = read_desk(self._store, self._origin, self.vkey, self._pin.newest, self._witnessed)
        desk.holds, desk.ballots = self._keyring.holds, self._store
        self._keyring.signer(desk.keys.newest)
        newest = self._store.newest_checkpoint()
        if newest is not None:
            # What was committed is shown only once it is pinned, also after a crash between the two.
            self._pin.advance(desk.frontier.size, desk.frontier.root())
        self._attempts.read()
        desk.fork = self.fork
        self._desk, self._note, self._stale = desk, newest.note if newest else None, False

    @property
    def state(self) -> Selection:
        """The working state. Between batches it is what the store holds; only whose turn it is folds into it."""
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
        note = self._note
        return seen_of(note) if note else None

    def start(self) -> None:
        """Begin to take statements."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what was handed in, then end; what comes later is `SEQUENCER_STOPPED`."""
        with self._door:
            self._stopped = True
            self._requests.put(None)
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join()
        with self._turn:
            pass  # whoever waits for an answer in a thread of their own has it

    def __enter__(self) -> "Sequencer":
        """Start."""
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self.stop()

    def submit(
        self,
        envelope: bytes,
        at: int | None = None,
        attached: bytes | None = None,
        verified_by: bytes | None = None,
    ) -> "Future[Answer]":
        """Hand in one envelope; the future gives the answer, or raises the `LedgerError` that stopped it.

        Parsing and the signature check happen here, in the caller's thread; they raise at once. `at` (UTC ms) is for
        the simulated clock of a rehearsal; `attached` are the bytes that the statement names by digest or root, which
        are stored with it (`ledger.attached`). `verified_by` is the public key under which another process of the
        service has already found the signature to hold; it counts only if it is the one that the roll has here.
        """
        request = self._checked(envelope, at, attached, verified_by)
        self._put([request])
        return request.answer

    def answer(self, envelope: bytes, at: int | None = None, attached: bytes | None = None) -> Answer:
        """Hand in one envelope as `submit` does, and wait for its answer.

        If nobody else is being served it is sequenced here: to wake another thread, and to be woken by it, takes a
        tenth of what a single statement costs.
        """
        request = self._checked(envelope, at, attached)
        if not self._turn.acquire(blocking=False):
            self._put([request])
            return request.answer.result()
        try:
            with self._door:
                alone = self._requests.empty() and not self._stopped
            if alone:
                self.sequence([request])
        finally:
            self._turn.release()
        if not alone:
            self._put([request])
        return request.answer.result()

    def _checked(
        self, envelope: bytes, at: int | None, attached: bytes | None, verified_by: bytes | None = None
    ) -> Request:
        signed = open_envelope(envelope)
        public = public_key_of(self._desk.state, signed)
        if public is not None and public != verified_by:
            check_signature(signed, public)
        given: Attached | None = attached
        if attached is not None and public is not None:
            given = make_ready(self._desk.state, signed.statement, attached, self._store, self.size)
        return Request(signed, at, public, Future(), given)

    def submit_all(self, envelopes: Iterable[bytes], at: int | None = None) -> "list[Future[Answer]]":
        """Hand in several envelopes, in this order, and return when all are handed in.

        One that is malformed raises at once, before anything is handed in; a signature that does not hold is the answer
        to its own statement. Signatures are checked in the caller's thread, unless the key is not on the roll yet.
        """
        opened = [open_envelope(envelope) for envelope in envelopes]
        answers: list[Future[Answer]] = []
        for start in range(0, len(opened), MOST_AT_ONCE):
            some = opened[start : start + MOST_AT_ONCE]
            requests = [Request(signed, at, self._verified_by(signed), Future()) for signed in some]
            self._put(requests)
            answers += [request.answer for request in requests]
        return answers

    def _verified_by(self, signed: Signed) -> bytes | None:
        """Return the key that the signature holds under; None leaves it to the sequencer to say what is wrong."""
        try:
            public = public_key_of(self._desk.state, signed)
        except VerificationError:
            return None
        return public if public is not None and signed.verify(public) else None

    def _put(self, requests: list[Request]) -> None:
        with self._door:
            if self._stopped:
                raise StoreError("SEQUENCER_STOPPED")
            self._requests.put(requests)

    def _run(self) -> None:
        running = True
        while running:
            waiting: list[Request] = []
            requests = self._requests.get()
            while requests is not None:
                waiting += requests
                if len(waiting) > MOST_IN_BATCH - MOST_AT_ONCE or self._requests.empty():
                    break
                requests = self._requests.get()
            running = requests is not None
            with self._turn:
                self.sequence(waiting)

    def sequence(self, requests: Sequence[Request]) -> None:
        """Decide one batch, commit it, pin it, answer it. Every request is answered, whatever happens."""
        # From here on nobody can cancel: a statement is sequenced or it is not.
        waiting = [request for request in requests if request.answer.set_running_or_notify_cancel()]
        if waiting:
            self._sequence(waiting)

    def _sequence(self, waiting: list[Request]) -> None:
        try:
            if self._stale:
                self._read_again()
        except Exception as error:
            fail(waiting, error, {})
            return
        judged: list[tuple[Request, Judgement]] = []
        try:
            batch = self._desk.begin()
            keys = self._desk.keys
            for request in waiting:
                judged.append((request, self._judge(batch, request)))
                if self._desk.keys is not keys and self._desk.keys != keys:
                    break  # the old key signs for the entry that ends its term, and for none after it
                if batch.attached.size > MOST_ATTACHED:
                    break
            if batch.admitted:
                self._commit(batch)
            self._answer_all(batch, judged)
        except Exception as error:
            self._recover(waiting, error)
            return
        if len(judged) < len(waiting):
            self._sequence(waiting[len(judged) :])

    def halt(self, fork: ForkError) -> None:
        """Sequence nothing more, because somebody outside shows that the log was forked; safe from any thread."""
        self.fork = fork

    def _judge(self, batch: Batch, request: Request) -> Judgement:
        if self.fork is not None:
            return self.fork
        signed, at = request.signed, request.at
        if at is None:
            at = self._clock()
        elif not is_rehearsed(self._desk.state, signed):
            return StoreError("CLOCK_NOT_SIMULATED", origin=self._origin)
        # No counter tells a copy of what a one-time key signed from its first.
        if signed.statement.person.startswith(SEALED_PREFIX) and self._is_sequenced(batch, signed.id):
            return ConflictError("STORE_DUPLICATE_STATEMENT")
        judgement = self._desk.judge(batch, signed, at, request.verified_by, request.attached)
        if self._desk.fork is not None and self.fork is None:
            self.fork = self._desk.fork
            if self._on_fork is not None and self._note is not None:
                tree = OwnTree(self._origin, self.size, self._note, self._desk.node)
                self._on_fork(contradicting(self.fork.seen, tree, signed.id.hex()))
        return judgement

    def _is_sequenced(self, batch: Batch, statement: bytes) -> bool:
        here = any(item.statement_id == statement for item in batch.admitted)
        return here or self._store.find_statement(statement) is not None

    def _commit(self, batch: Batch) -> None:
        """Sign, commit, pin: when this returns the batch is published."""
        frontier = self._desk.frontier
        root = frontier.root()
        signer = self._keyring.signer(self._desk.keys.at(frontier.size))
        note = sign_checkpoint(Checkpoint(self._origin, frontier.size, root), signer)
        entries = [
            NewEntry(item.entry, item.act.statement.type, item.statement_id, item.nodes) for item in batch.admitted
        ]
        self._stale = True
        spent = [Spent(index, keys) for index, keys in batch.attached.spent]
        self._store.append(AppendBatch(batch.first, entries, note, spent, tuple(batch.attached.data)))
        self._pin.advance(frontier.size, root)
        self._stale = False
        self._note = note
        self._desk.issued(seen_of(note))

    def _recover(self, waiting: list[Request], error: Exception) -> None:
        """Settle a batch that failed: read the log again, and answer for what it turns out to hold."""
        self._stale = True
        waiting = [request for request in waiting if not request.answer.done()]
        held: dict[bytes, Sequenced] = {}
        try:
            self._read_again()
            for request in waiting:
                index = self._store.find_statement(request.signed.id)
                if index is not None:
                    held[request.signed.id] = self._first(index)
        except Exception:
            # The store is still down. What it holds is found when the statement is sent again.
            fail(waiting, error, {})
            return
        if isinstance(error, LedgerError) or len(waiting) == 1:
            fail(waiting, error, held)
            return
        # A fault of our own that one statement brings out must not stop the others.
        for request in waiting:
            self._sequence([request])

    def _answer_all(self, batch: Batch, judged: "list[tuple[Request, Judgement]]") -> None:
        here = {item.statement_id: item for item in batch.admitted}
        node, size, note = self._desk.prover(), self._desk.frontier.size, self._note or b""

        def receipt(index: int) -> Callable[[], Receipt]:
            return lambda: Receipt(index, inclusion_proof(index, size, node), note)

        refused: list[tuple[Request, Refusal, int]] = []
        judged_by = batch.first
        for request, judgement in judged:
            if isinstance(judgement, Act):
                judged_by += 1
                request.answer.set_result(Sequenced(judgement, False, receipt(judgement.index)))
                continue
            if isinstance(judgement, VerificationError):
                request.answer.set_exception(judgement)
                continue
            try:
                before = self._sequenced_before(request.signed, here, receipt)
            except LedgerError as error:
                request.answer.set_exception(error)
                continue
            if before is not None:
                request.answer.set_result(before)
            elif isinstance(judgement, Refusal):
                refused.append((request, judgement, judged_by))
            else:
                request.answer.set_exception(judgement)
        if refused:
            self._answer_refused(refused)

    def _answer_refused(self, refused: list[tuple[Request, Refusal, int]]) -> None:
        """Keep the refused attempts of a batch, all in one transaction, then answer them."""
        kept = [(request, refusal, self._attempt(request, refusal, size)) for request, refusal, size in refused]
        attempts = [attempt for _, _, attempt in kept if attempt is not None]
        try:
            receipts = iter(self._attempts.record(attempts, self._desk.keys) if attempts else ())
        except LedgerError as error:
            # The connection may be gone, and with it the lock.
            self._stale = True
            for request, _, _ in kept:
                request.answer.set_exception(error)
            return
        for request, refusal, attempt in kept:
            entry, receipt = next(receipts) if attempt is not None else (None, None)
            request.answer.set_result(Refused(refusal, request.signed, entry, receipt))

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

    def _attempt(self, request: Request, refusal: Refusal, log_size: int) -> Attempt | None:
        at = self._clock() if request.at is None else request.at
        attempt = attempt_of(self._desk.state.roll, request.signed, refusal, at, log_size)
        return attempt if attempt is not None and self._attempts.admits(attempt.person) else None
