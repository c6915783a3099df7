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

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import NamedTuple, Protocol, TypeAlias

from ledger.answers import Answer, Sequenced
from ledger.decisions.gate import governing_hash
from ledger.decisions.polls import CLAUSE
from ledger.errors import LedgerError, StoreError
from ledger.poll_lookup import receipt_in
from ledger.poll_receipt import Paths, PublicReceipt
from ledger.poll_rows import (
    MINUTE_MS,
    SALT_BYTES,
    UNKNOWN_ORIGIN,
    Block,
    Vote,
    make_block,
    once,
    seal_subtotals,
    spent_key,
    subtotals_of,
    width_of,
)
from ledger.procedure.reasons import Refusal, refuse
from ledger.receipt import Receipt
from ledger.selection import Selection
from ledger.signing import SigningKey, key_id
from ledger.state.poll_book import Poll
from ledger.statements import Seen, Statement, sign
from ledger.statements.kinds import name_of
from ledger.statements.poll_ballots import PollBatch

MOST_IN_BATCH = 2048
MOST_WAITING = 20_000
LINGER_SECONDS = 0.003
"""How long a box waits for company once a ballot is there. The rest of it comes while the batch before is committed."""
_TRIES = 5


class Cast(NamedTuple):
    """A ballot that is in: the voter's receipt, and whether it was in before."""

    receipt: PublicReceipt
    again: bool


CastAnswer: TypeAlias = Cast | Refusal


class Waits(Protocol):
    """Where the answer to a ballot goes: a future, of a thread or of an event loop."""

    def done(self) -> bool:
        """Whether it has an answer, or nobody wants one any more."""

    def set_result(self, result: CastAnswer, /) -> None:
        """Give the answer."""

    def set_exception(self, exception: LedgerError, /) -> None:
        """Say what stopped the ballot."""


Deliver: TypeAlias = Callable[[Callable[[], None]], object]
"""Calls what it is given, where the answers are waited for: once for all ballots of a batch."""


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


@dataclass(slots=True)
class _Waiting:
    tag: bytes
    choice: bytes
    minute: int
    origin: bytes
    answer: Waits
    at: int | None
    told: CastAnswer | LedgerError | None = None


def _tell(settled: Sequence[_Waiting]) -> None:
    for one in settled:
        if one.answer.done():
            continue  # whoever went away finds their ballot in when they come again
        if isinstance(one.told, LedgerError):
            one.answer.set_exception(one.told)
        elif one.told is not None:
            one.answer.set_result(one.told)


def _sealed(chosen: Mapping[bytes, _Waiting]) -> Block:
    """Return the block of some ballots; their salts, and that of their subtotals, are asked for at once."""
    salts = secrets.token_bytes(SALT_BYTES * (len(chosen) + 1))
    votes = {
        tag: Vote(one.choice, salts[start : start + SALT_BYTES], one.minute, one.origin)
        for start, (tag, one) in zip(count(0, SALT_BYTES), chosen.items(), strict=False)
    }
    return make_block(votes, salts[-SALT_BYTES:])


def _here(settle: Callable[[], None]) -> None:
    settle()


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
        deliver: Deliver = _here,
    ) -> None:
        """Sign for `channel` with the key of its operator; `first_receipt` proves an entry that is in the log.

        `clock` gives the time (UTC ms) of a rehearsal; `deliver` brings the answers of a batch to whoever waits, by
        default in the box's own thread.
        """
        self._sequencer, self._store, self._first_receipt = sequencer, store, first_receipt
        self._poll_id, self._channel, self._key, self._clock = poll, channel, key, clock
        self._deliver = deliver
        self.most_waiting = MOST_WAITING
        """How many ballots may wait; more of them are `POLL_BOX_FULL`."""
        self._thread = threading.Thread(target=self._run, name=f"poll-box-{channel}", daemon=True)
        self._door, self._some = threading.Lock(), threading.Event()
        self._stopped = False
        self._waiting: list[_Waiting] = []
        self._deferred: list[_Waiting] = []
        self._bits: dict[str, int] = {}
        self._first_minute = 0

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
            self._stopped = True
            self._some.set()
        if self._thread.ident is not None:
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
        answer: Future[CastAnswer] = Future()
        self.hand_in(tag, candidates, origin, answer)
        return answer

    def hand_in(
        self, tag: bytes, candidates: Sequence[str], origin: bytes, answer: Waits, at: int | None = None
    ) -> None:
        """Do as `cast` with a future of the caller's, who is where `deliver` brings answers.

        `at` (UTC ms) is for the simulated clock of a rehearsal; elsewhere it is `CLOCK_NOT_SIMULATED`, before it can
        spoil the batch of others.
        """
        if at is not None and not self._is_rehearsal():
            raise StoreError("CLOCK_NOT_SIMULATED", origin="-")
        choice = self._choice(candidates)
        if isinstance(choice, Refusal):
            answer.set_result(choice)
            return
        minute = max((self._now() if at is None else at) // MINUTE_MS, self._first_minute)
        with self._door:
            if self._stopped:
                raise StoreError("SEQUENCER_STOPPED")
            if len(self._waiting) >= self.most_waiting:
                raise StoreError("POLL_BOX_FULL")
            self._waiting.append(_Waiting(tag, choice, minute, origin, answer, at))
            if len(self._waiting) == 1:
                self._some.set()

    def _choice(self, candidates: Sequence[str]) -> bytes | Refusal:
        poll = self._sequencer.state.polls.by_id.get(self._poll_id)
        if poll is None:
            return refuse("UNKNOWN_POLL", CLAUSE, poll=self._poll_id)
        if not self._bits:
            self._bits = {one: 1 << place for place, one in enumerate(poll.candidates)}
            self._first_minute = poll.opened_at // MINUTE_MS
        most = self._sequencer.state.charter.version_for(poll.stage).programme.seats
        choice = 0
        for one in candidates:
            choice |= self._bits.get(one, 0)
        # A name that is not on the list, or stands there again, leaves fewer bits than names.
        if 0 < len(candidates) <= most and choice.bit_count() == len(candidates):
            return choice.to_bytes(width_of(len(poll.candidates)), "big")
        return refuse("PUBLIC_BALLOT_INVALID", CLAUSE, most=most)

    def receipt(self, tag: bytes) -> PublicReceipt | None:
        """Return the receipt of a ballot that is in, by its tag; None if there is none. Under `once` only."""
        index = self._store.spent([tag]).get(tag)
        return receipt_in(self._store, self._first_receipt, index, tag) if index is not None else None

    def _is_rehearsal(self) -> bool:
        sealed = self._sequencer.state.sealed
        return sealed is not None and sealed.rehearsal

    def _now(self) -> int:
        return self._clock() if self._clock is not None else time.time_ns() // 1_000_000

    def _run(self) -> None:
        while some := self._gather():
            self._take(some)

    def _gather(self) -> list[_Waiting]:
        """Wait for a ballot, then a moment for others; return none once the box is stopped and empty.

        The thread sleeps meanwhile and is not woken by each ballot: that would cost more than all else about it.
        """
        if not self._deferred:
            self._some.wait()
        if not self._stopped:
            time.sleep(LINGER_SECONDS)
        with self._door:
            some = self._deferred + self._waiting
            self._deferred, self._waiting = [], some[MOST_IN_BATCH:]
            if not self._waiting and not self._stopped:
                self._some.clear()
        return some[:MOST_IN_BATCH]

    def _take(self, some: list[_Waiting]) -> None:
        """Bring some ballots in, all answered when this returns; whatever fails is their answer."""
        chosen: dict[bytes, _Waiting] = {}
        twins: list[tuple[_Waiting, _Waiting]] = []
        for one in some:
            # A tag stands in a batch once. The same at once is answered as the first; one that may be of another day is
            # judged by what the first one left.
            first = chosen.setdefault(one.tag, one)
            if first is not one and first.minute == one.minute:
                twins.append((one, first))
            elif first is not one:
                self._deferred.append(one)
        settled = list(chosen.values())
        try:
            self._bring_in(chosen)
        except Exception as error:
            fault = StoreError("SEQUENCER_FAULT", reason=type(error).__name__)
            for one in settled:
                one.told = one.told or (error if isinstance(error, LedgerError) else fault)
        for one, first in twins:
            one.told = Cast(first.told.receipt, True) if isinstance(first.told, Cast) else first.told
        settled += [one for one, _ in twins]
        # An event loop that has ended waits for nothing any more.
        with suppress(RuntimeError):
            self._deliver(partial(_tell, settled))

    def _bring_in(self, chosen: dict[bytes, _Waiting]) -> None:
        for _ in range(_TRIES):
            self._sort_out(chosen)
            if not chosen or self._submit(chosen):
                return
        raise StoreError("STORE_UNAVAILABLE", reason="ballots kept being used elsewhere")

    def _sort_out(self, chosen: dict[bytes, _Waiting]) -> None:
        """Answer those who cannot vote, or have; only theirs are left out of the batch."""
        state = self._sequencer.state
        committed = state.polls.ballots_of(self._poll_id).credentials.get(self._channel)
        if committed is None:
            return  # the batch is refused, and says why
        some = list(chosen.values())
        programme = state.charter.version_for(state.polls.by_id[self._poll_id].stage).programme
        offset, only_once = programme.utc_offset_minutes, once(programme)
        keys = [spent_key(one.tag, one.minute, offset, only_once=only_once) for one in some]
        for place, index in self._store.offending(committed.index, list(chosen), keys).items():
            one = chosen.pop(some[place].tag)
            if index is None:
                one.told = refuse("CREDENTIAL_UNKNOWN", CLAUSE, ballots=1, serials="-")
                continue
            receipt = receipt_in(self._store, self._first_receipt, index, one.tag)
            voted = refuse("ALREADY_VOTED_PUBLIC", CLAUSE, ballots=1, serials="-")
            one.told = Cast(receipt, True) if receipt is not None else voted

    def _submit(self, chosen: dict[bytes, _Waiting]) -> bool:
        """Sign and submit a batch; False if it must be made anew because somebody voted elsewhere meanwhile."""
        poll = self._sequencer.state.polls.by_id[self._poll_id]
        block = _sealed(chosen)
        at = max((one.at for one in chosen.values() if one.at is not None), default=None)
        if at is None and self._clock is not None:
            at = self._clock()
        paths = Paths(block)
        choices = Counter([one.choice for one in chosen.values()])
        envelope = sign(self._statement(poll, block, choices, paths.root), self._key)
        answer = self._sequencer.submit(envelope, at, block.encode()).result()
        if isinstance(answer, Sequenced):
            proof = answer.receipt.encode()
            for tag, one in chosen.items():
                receipt = paths.receipt(tag, answer.act.entry, proof)
                if receipt is not None:
                    one.told = Cast(receipt, False)
            return True
        if answer.refusal.code in {"ALREADY_VOTED_PUBLIC", "BATCH_OUT_OF_ORDER", "IDEMPOTENCY_CONFLICT"}:
            return False
        for one in chosen.values():
            one.told = answer.refusal
        return True

    def _statement(self, poll: Poll, block: Block, choices: Mapping[bytes, int], root: bytes) -> Statement[PollBatch]:
        state = self._sequencer.state
        operator = state.polls.channels[self._channel].operator
        known = state.roll.people[operator]
        subtotals = subtotals_of(choices, len(poll.candidates))
        sequence = len(state.polls.ballots_of(poll.id).of_channel(self._channel))
        sealed = seal_subtotals(block.salt, subtotals)
        body = PollBatch(self._channel, block.count, poll.id, root.hex(), sequence, sealed)
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
