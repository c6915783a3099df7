"""Collecting cosignatures: every witness gets the newest published checkpoint, again and again, in a thread of its own.

Admission waits for none of this: the collector only reads what is published, and a witness that is slow or dead holds
up its own thread alone. When nothing is new, the same checkpoint is cosigned again (heartbeat), so that everybody can
see that the witness still knows no larger tree. A witness that knows a larger tree, or another root, is an alarm: it
is kept with the signed notes, and told to whoever runs the collector.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from api.witness.client import Reply, WitnessClient, WitnessUnreachable, open_by_witness
from api.witness.collected import Alarm, Collected
from ledger.checkpoint import Checkpoint, VerifierKey, parse_note
from ledger.cosignature import NoteOpener, open_cosigned
from ledger.errors import LedgerError
from ledger.witness_policy import Policy, Witness

MOST_TRIES = 4
"""Proofs built anew in one attempt; other submitters may come between."""


class PublishedLog(Protocol):
    """A log as the collector reads it: nothing above the pin."""

    def newest(self) -> bytes | None:
        """Return the newest published checkpoint, None for an empty log."""

    def root(self, size: int) -> bytes:
        """Return the root of the tree of `size` leaves."""

    def proof(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the consistency proof between two sizes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: `OK` with the size that is cosigned now, or a code; `alarm` if the log is contradicted."""

    witness: str
    code: str
    size: int | None = None
    alarm: Alarm | None = None


class Submitter:
    """One witness of one log: submits, understands the answer, and keeps what comes back."""

    def __init__(
        self,
        witness: Witness,
        log: PublishedLog,
        key: VerifierKey | NoteOpener,
        kept: Collected,
        clock_s: Callable[[], int],
        seconds: float = 10.0,
    ) -> None:
        """`key` opens the log's checkpoints; each step of a request takes at most `seconds`."""
        self.witness, self._log, self._key, self._kept, self._clock = witness, log, key, kept, clock_s
        self._seconds = seconds
        self._old = 0

    def collect(self) -> Outcome:
        """Have the newest published checkpoint cosigned. Raises `StoreError` if the log or the folder fails."""
        try:
            with WitnessClient(self.witness, self._seconds) as client:
                outcome = self._collect(client)
        except WitnessUnreachable as error:
            outcome = Outcome(self.witness.name, error.code)
        if outcome.alarm is not None:
            self._kept.alarm(outcome.alarm)
        self._kept.tried(self.witness.name, self._clock(), outcome.code)
        return outcome

    def _collect(self, client: WitnessClient) -> Outcome:
        for _ in range(MOST_TRIES):
            note = self._log.newest()
            if note is None:
                return Outcome(self.witness.name, "OK", 0)
            own = open_cosigned(note, self._key, ()).checkpoint
            # What the witness knew last may be more than what is published by now only if the log went back.
            old = min(self._old, own.size)
            reply = client.add(old, self._log.proof(old, own.size), note)
            if reply.status == 409 and reply.size is not None and reply.size <= own.size and reply.size != old:
                self._old = reply.size
                continue
            return self._understand(client, reply, note, own)
        return Outcome(self.witness.name, "WITNESS_BUSY")

    def _understand(self, client: WitnessClient, reply: Reply, note: bytes, own: Checkpoint) -> Outcome:
        if reply.status == 200:
            return self._cosigned(reply, note, own)
        if reply.status in (409, 422):
            return self._contradiction(client, note, own, reply.size)
        if reply.status == 503:
            return self._late(client, own)
        return Outcome(self.witness.name, "WITNESS_REFUSED" if reply.status < 500 else "WITNESS_UNREACHABLE")

    def _cosigned(self, reply: Reply, note: bytes, own: Checkpoint) -> Outcome:
        """Keep the one line that this witness's key signed; lines of other keys in the answer are ignored."""
        try:
            cosigned = open_by_witness(note + reply.body, self._key, self.witness)
        except LedgerError:
            return Outcome(self.witness.name, "WITNESS_ANSWER_INVALID")
        self._kept.add(own.size, note, cosigned.by[0].line)
        self._old = own.size
        return Outcome(self.witness.name, "OK", own.size)

    def _late(self, client: WitnessClient, own: Checkpoint) -> Outcome:
        """A witness that audits before it cosigns: take what it cosigned last, at a size that lags."""
        note = client.newest(own.origin)
        if note is None:
            return Outcome(self.witness.name, "WITNESS_LATER")
        alarm = self._held_against(note, own)
        if alarm is not None:
            return Outcome(self.witness.name, alarm.code, alarm=alarm)
        try:
            cosigned = open_by_witness(note, self._key, self.witness)
        except LedgerError:
            return Outcome(self.witness.name, "WITNESS_ANSWER_INVALID")
        self._kept.add(cosigned.checkpoint.size, note, cosigned.by[0].line)
        return Outcome(self.witness.name, "OK", cosigned.checkpoint.size)

    def _contradiction(self, client: WitnessClient, note: bytes, own: Checkpoint, told: int | None) -> Outcome:
        """The witness knows a larger tree or another root: an alarm, with the note that shows it if it has one.

        Its newest note may be an honest larger tree that was published meanwhile, so the log is read once more.
        """
        try:
            theirs = client.newest(own.origin)
        except WitnessUnreachable:
            theirs = None
        now = self._log.newest() or note
        current = open_cosigned(now, self._key, ()).checkpoint
        alarm = self._held_against(theirs, current) if theirs is not None else None
        if alarm is None and told is not None and told > current.size:
            alarm = self._alarm("ROLLBACK_DETECTED", current.size, told, (now,))
        if alarm is not None:
            return Outcome(self.witness.name, alarm.code, alarm=alarm)
        return Outcome(self.witness.name, "WITNESS_BUSY" if current.size > own.size else "WITNESS_REFUSED")

    def _held_against(self, theirs: bytes, own: Checkpoint) -> Alarm | None:
        """Hold a note that the log itself signed against the log as it is; None where they agree."""
        try:
            witnessed = open_cosigned(theirs, self._key, ()).checkpoint
        except LedgerError:
            return None
        notes = (self._log.newest() or b"", theirs)
        if witnessed.origin != own.origin:
            return None
        if witnessed.size > own.size:
            return self._alarm("ROLLBACK_DETECTED", own.size, witnessed.size, notes)
        if self._log.root(witnessed.size) != witnessed.root:
            return self._alarm("SPLIT_VIEW", own.size, witnessed.size, notes)
        return None

    def _alarm(self, code: str, size: int, witnessed: int, notes: tuple[bytes, ...]) -> Alarm:
        told = tuple(note.decode() for note in notes)
        return Alarm(code, self.witness.name, size, witnessed, self._clock(), told)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often: looking for something new, cosigning again without it, trying a witness again; and how long to wait.

    All in seconds; heartbeat and retry by the collector's clock.
    """

    poll: float = 2.0
    heartbeat: int = 300
    retry: int = 15
    step: float = 10.0


class Collector:
    """Threads that have every new published checkpoint cosigned, one for each witness, from `start` to `stop`."""

    def __init__(
        self,
        policy: Policy,
        log: PublishedLog,
        key: VerifierKey | NoteOpener,
        kept: Collected,
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
        clock_s: Callable[[], int] = lambda: int(time.time()),
        pace: Pace = Pace(),
    ) -> None:
        """Submit to every witness of `policy` that has a URL; `on_outcome` is called in that witness's thread."""
        self._log, self._clock, self._pace, self._on_outcome = log, clock_s, pace, on_outcome
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(Submitter(witness, log, key, kept, clock_s, pace.step),),
                name=f"witness {witness.name}",
                daemon=True,
            )
            for witness in policy.witnesses.values()
            if witness.url
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 0.0) -> None:
        """Ask the threads to end, and wait for each at most so long; one that hangs ends with the process."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(seconds)

    def __enter__(self) -> "Collector":
        """Start."""
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop, without waiting for anybody."""
        self.stop()

    def _run(self, submitter: Submitter) -> None:
        tried: bytes | None = None
        next_at = 0
        while not self._stopped.is_set():
            try:
                note = self._log.newest()
                text = parse_note(note).text if note is not None else None
                if text is not None and (text != tried or self._clock() >= next_at):
                    tried, next_at = text, self._clock() + self._pace.retry
                    outcome = submitter.collect()
                    if outcome.code == "OK":
                        next_at = self._clock() + self._pace.heartbeat
                    self._on_outcome(outcome)
            except Exception as error:
                # The store restarts, a disk is full: the next round tries again, and the lag shows until it works.
                code = error.code if isinstance(error, LedgerError) else "UNEXPECTED"
                self._on_outcome(Outcome(submitter.witness.name, code))
            self._stopped.wait(self._pace.poll)
