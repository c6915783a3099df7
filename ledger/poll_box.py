"""The box of a public channel: single ballots wait, become one signed batch, and get their receipts after its commit.

The box signs with the channel's key, which this service then holds: whoever runs the service could stuff ballots for
credentials that were not used, or alter choices before they are sealed. The commitment to the credentials bounds the
first; nothing here prevents the second. The trust model says so, and a channel that would rather not signs its batches
on a machine of its own.

Nothing is acknowledged before its batch is committed and pinned. The box adds nothing up but how many ballots there
are: no running total exists for anybody to read (dispute D14). A ballot that came twice, by a retry or through two
doors, is in once; the second gets the first one's receipt, whatever it chose, so that nobody can try out what somebody
voted.
"""

import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from ledger.answers import Answer, Sequenced
from ledger.decisions.gate import governing_hash
from ledger.decisions.polls import CLAUSE
from ledger.errors import LedgerError, StoreError
from ledger.poll_receipt import Paths, PublicReceipt
from ledger.poll_rows import (
    MINUTE_MS,
    SALT_BYTES,
    UNKNOWN_ORIGIN,
    Block,
    Vote,
    choice_of,
    make_block,
    once,
    parse_block,
    seal_subtotals,
    spent_key,
    subtotals_of,
)
from ledger.procedure.reasons import Refusal, refuse
from ledger.receipt import Receipt
from ledger.selection import Selection
from ledger.signing import SigningKey, key_id
from ledger.state.polls import Poll
from ledger.statements import Seen, Statement, sign
from ledger.statements.kinds import name_of
from ledger.statements.poll_ballots import PollBatch

MOST_IN_BATCH = 2048
MOST_WAITING = 20_000
LINGER_SECONDS = 0.02
"""How long a box waits for company once a ballot is there: about as long as the commit that all of them share."""
_TRIES = 5


class Cast(NamedTuple):
    """A ballot that is in: the voter's receipt, and whether it was in before."""

    receipt: PublicReceipt
    again: bool


CastAnswer: TypeAlias = Cast | Refusal


class BoxSequencer(Protocol):
    """The sequencer as the box needs it (`ledger.sequencer.Sequencer`)."""

    @property
    def state(self) -> Selection:
        """The working state."""

    def seen(self) -> Seen | None:
        """Return the newest published checkpoint."""

    def submit(self, envelope: bytes, at: int | None = None, attached: bytes | None = None) -> "Future[Answer]":
        """Hand in one envelope with what is attached to it."""


class BoxStore(Protocol):
    """The store as the box needs it (`ledger.store.Store`)."""

    def entry(self, index: int) -> bytes | None:
        """Return an entry's bytes."""

    def attached(self, index: int) -> bytes | None:
        """Return what is attached to an entry."""

    def spent(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """Return which one-time keys are used up, and by which entry."""

    def offending(self, commitment: int, tags: Sequence[bytes], keys: Sequence[bytes]) -> dict[int, int | None]:
        """Return which ballots cannot come in, by place: the entry that used up their key, None for an unknown tag."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    tag: bytes
    vote: Vote
    answer: "Future[CastAnswer]" = field(default_factory=Future)


class PollBox:
    """Takes the ballots of one channel in one poll, from `start` to `stop`."""

    def __init__(
        self,
        sequencer: BoxSequencer,
        store: BoxStore,
        first_receipt: Callable[[int], Receipt],
        poll: str,
        channel: str,
        key: SigningKey,
        *,
        clock: Callable[[], int] | None = None,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """Sign for `channel` with the key of its operator; `first_receipt` proves an entry that is in the log.

        `clock` gives the time (UTC ms) of a rehearsal.
        """
        self._sequencer, self._store, self._first_receipt = sequencer, store, first_receipt
        self._poll_id, self._channel, self._key, self._clock = poll, channel, key, clock
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(most_waiting)
        self._thread = threading.Thread(target=self._run, name=f"poll-box-{channel}", daemon=True)
        self._door = threading.Lock()
        self._stopped = False
        self._deferred: list[_Waiting] = []

    @property
    def taken(self) -> int:
        """How many ballots of the channel are in the log: the only number that may be shown while the poll runs."""
        return self._sequencer.state.polls.ballots_of(self._poll_id).counts.get(self._channel, 0)

    def start(self) -> None:
        """Begin to take ballots."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what was cast, then end; what comes later is `SEQUENCER_STOPPED`."""
        with self._door:
            already, self._stopped = self._stopped, True
        if not already and self._thread.ident is not None:
            self._queue.put(None)
            self._thread.join()

    def __enter__(self) -> "PollBox":
        """Start."""
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self.stop()

    def cast(self, tag: bytes, candidates: Sequence[str], origin: bytes = UNKNOWN_ORIGIN) -> "Future[CastAnswer]":
        """Hand in one ballot: the tag of its credential (`credential_tag`), whom it is for, and its origin tag.

        The future gives `Cast` once the ballot is committed, or a `Refusal`: `PUBLIC_BALLOT_INVALID`,
        `CREDENTIAL_UNKNOWN`, `UNKNOWN_POLL`, and whatever stops a batch (`POLL_CLOSED` …); it raises the `LedgerError`
        that stopped it. Raises `StoreError` `POLL_BOX_FULL` or `SEQUENCER_STOPPED` at once.
        """
        choice = self._choice(candidates)
        if isinstance(choice, Refusal):
            answered: Future[CastAnswer] = Future()
            answered.set_result(choice)
            return answered
        vote = Vote(choice, secrets.token_bytes(SALT_BYTES), self._now() // MINUTE_MS, origin)
        waiting = _Waiting(tag, vote)
        with self._door:
            if self._stopped:
                raise StoreError("SEQUENCER_STOPPED")
            try:
                self._queue.put_nowait(waiting)
            except queue.Full:
                raise StoreError("POLL_BOX_FULL") from None
        return waiting.answer

    def _choice(self, candidates: Sequence[str]) -> bytes | Refusal:
        poll = self._sequencer.state.polls.by_id.get(self._poll_id)
        if poll is None:
            return refuse("UNKNOWN_POLL", CLAUSE, poll=self._poll_id)
        most = self._sequencer.state.charter.version_for(poll.stage).programme.seats
        named = set(candidates)
        if 0 < len(candidates) <= most and len(named) == len(candidates) and named <= set(poll.candidates):
            return choice_of([poll.candidates.index(one) for one in candidates], len(poll.candidates))
        return refuse("PUBLIC_BALLOT_INVALID", CLAUSE, most=most)

    def receipt(self, tag: bytes) -> PublicReceipt | None:
        """Return the receipt of a ballot that is in, by its tag; None if there is none. Under `once` only."""
        index = self._store.spent([tag]).get(tag)
        return self._receipt_in(index, tag) if index is not None else None

    def _now(self) -> int:
        return self._clock() if self._clock is not None else time.time_ns() // 1_000_000

    def _run(self) -> None:
        running = True
        while running:
            some, running = self._gather()
            if some:
                self._take(some)

    def _gather(self) -> tuple[list[_Waiting], bool]:
        """Wait for a ballot, then for whatever comes within the linger; False once the box is stopped."""
        some, self._deferred = self._deferred, []
        first = None if some else self._queue.get()
        if first is None and not some:
            return some, False
        if first is not None:
            some.append(first)
        until = time.monotonic() + LINGER_SECONDS
        while len(some) < MOST_IN_BATCH:
            try:
                one = self._queue.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if one is None:
                # What is deferred is still taken, in batches of its own.
                self._queue.put(None)
                break
            some.append(one)
        return some, True

    def _take(self, some: list[_Waiting]) -> None:
        """Bring some ballots in, all answered when this returns; whatever fails is their answer."""
        try:
            chosen: dict[bytes, _Waiting] = {}
            for one in some:
                # A tag stands in a batch once; another one with it is judged by what the first one left.
                if chosen.setdefault(one.tag, one) is not one:
                    self._deferred.append(one)
            for _ in range(_TRIES):
                self._sort_out(chosen)
                if not chosen or self._submit(chosen):
                    return
            raise StoreError("STORE_UNAVAILABLE", reason="ballots kept being used elsewhere")
        except Exception as error:
            fault = StoreError("SEQUENCER_FAULT", reason=type(error).__name__)
            told = error if isinstance(error, LedgerError) else fault
            for one in some:
                if not one.answer.done() and one not in self._deferred:
                    one.answer.set_exception(told)

    def _sort_out(self, chosen: dict[bytes, _Waiting]) -> None:
        """Answer those who cannot vote, or have; only theirs are left out of the batch."""
        state = self._sequencer.state
        committed = state.polls.ballots_of(self._poll_id).credentials.get(self._channel)
        if committed is None:
            return  # the batch is refused, and says why
        some = list(chosen.values())
        keys = [self._key_of(state, one) for one in some]
        for place, index in self._store.offending(committed.index, list(chosen), keys).items():
            one = chosen.pop(some[place].tag)
            if index is None:
                one.answer.set_result(refuse("CREDENTIAL_UNKNOWN", CLAUSE, ballots=1, serials="-"))
                continue
            receipt = self._receipt_in(index, one.tag)
            voted = refuse("ALREADY_VOTED_PUBLIC", CLAUSE, ballots=1, serials="-")
            one.answer.set_result(Cast(receipt, True) if receipt is not None else voted)

    def _key_of(self, state: Selection, one: _Waiting) -> bytes:
        programme = state.charter.version_for(state.polls.by_id[self._poll_id].stage).programme
        offset = programme.utc_offset_minutes
        return spent_key(one.tag, one.vote.minute, offset, only_once=once(programme))

    def _submit(self, chosen: dict[bytes, _Waiting]) -> bool:
        """Sign and submit a batch; False if it must be made anew because somebody voted elsewhere meanwhile."""
        poll = self._sequencer.state.polls.by_id[self._poll_id]
        block = make_block({tag: one.vote for tag, one in chosen.items()}, secrets.token_bytes(SALT_BYTES))
        at = self._clock() if self._clock is not None else None
        envelope = sign(self._statement(poll, block), self._key)
        answer = self._sequencer.submit(envelope, at, block.encode()).result()
        if isinstance(answer, Sequenced):
            paths, proof = Paths(block), answer.receipt.encode()
            for tag, one in chosen.items():
                receipt = paths.receipt(tag, answer.act.entry, proof)
                if receipt is not None:
                    one.answer.set_result(Cast(receipt, False))
            return True
        if answer.refusal.code in {"ALREADY_VOTED_PUBLIC", "BATCH_OUT_OF_ORDER", "IDEMPOTENCY_CONFLICT"}:
            return False
        for one in chosen.values():
            one.answer.set_result(answer.refusal)
        return True

    def _statement(self, poll: Poll, block: Block) -> Statement[PollBatch]:
        state = self._sequencer.state
        operator = state.polls.channels[self._channel].operator
        known = state.roll.people[operator]
        choices = [vote.choice for vote in block.votes()]
        counted = {choice: choices.count(choice) for choice in set(choices)}
        subtotals = subtotals_of(counted, len(poll.candidates))
        sequence = len(state.polls.ballots_of(poll.id).of_channel(self._channel))
        root, sealed = Paths(block).root.hex(), seal_subtotals(block.salt, subtotals)
        body = PollBatch(self._channel, block.count, poll.id, root, sequence, sealed)
        name, version = name_of(PollBatch)
        return Statement(
            body=body,
            claimed_at=None,
            counter=known.counter + 1,
            key=key_id(self._key.public),
            nonce=secrets.token_hex(16),
            on_behalf_of=None,
            person=operator,
            programme=state.charter.id,
            rules=governing_hash(state, body),
            seen=self._sequencer.seen(),
            type=name,
            version=version,
        )

    def _receipt_in(self, index: int, tag: bytes) -> PublicReceipt | None:
        data, entry = self._store.attached(index), self._store.entry(index)
        if data is None or entry is None:
            return None
        return Paths(parse_block(data)).receipt(tag, entry, self._first_receipt(index).encode())
