"""What the service answers reads from: the fold, kept current in the background and never above the pin.

One working state follows the log. Reading it and moving it exclude each other, so that no view sees half an act. An
earlier index or time is folded anew into a state of its own, and the last few of those are kept. An imported selection
is read as if it had been played here, as by the command line.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from threading import BoundedSemaphore, Event, Lock, RLock, Thread
from typing import Any, TypeVar

from eventsourcing.persistence import PersistenceError

from api.as_of import judged_at, known_at, runs
from api.http.checking import Check, checking
from api.problems import HttpError
from ledger.collector import collector_at_rest
from ledger.errors import LedgerError
from ledger.selection import Selection
from ledger.sequencer import Clock, system_clock
from ledger.statements import Act, decode_own_entry
from ledger.store.store import Store
from projections.elsewhere.acts import Held, Source, as_held
from projections.live import released_size
from projections.publishing import Horizon

T = TypeVar("T")
MOST_KEPT = 4
"""Earlier states that are kept for whoever asks again."""
MOST_EXPENSIVE = 2
"""Expensive readings at once; as many again may wait."""
EXPENSIVE_SECONDS = 20
LOOK_SECONDS = 0.1
"""How often the background looks for new entries."""


class Unavailable(HttpError):
    """The service cannot answer this now: `READ_BUSY`, `READ_TOOK_TOO_LONG`."""

    def __init__(self, code: str, **facts: int) -> None:
        """Ask to come again."""
        super().__init__(code, HTTPStatus.SERVICE_UNAVAILABLE, None, **facts)


@dataclass(frozen=True, slots=True)
class Picture:
    """A selection as known after its first `size` entries of `published`; `seen_at` judges deadlines (UTC ms).

    `acts` and `state` may go on after the entries with the rows of an import; `rows` says where each is from.
    """

    state: Selection
    acts: tuple[Act, ...]
    rows: Mapping[int, Source]
    size: int
    published: int
    known_at: int | None
    seen_at: int

    def known(self) -> dict[str, Any]:
        """Return what an answer is known from, as the command line gives it."""
        told: dict[str, Any] = {"as_of": {"at": self.known_at, "entries": self.size, "published": self.published}}
        return told | ({"imported_rows": list(runs(self.rows))} if self.rows else {})


class Reader:
    """The one way to a state for reading; safe from any thread. Everything may raise `StoreError`."""

    def __init__(self, store: Store, clock: Clock = system_clock) -> None:
        """Begin before entry 0; `start` follows the log from then on."""
        self._store, self._clock = store, clock
        self.horizon = Horizon()
        """What may be given out of the log, for its own files."""
        self._lock, self._rebuilding = RLock(), Lock()
        self._state, self._acts = Selection(), list[Act]()
        self._held: Held | None = None
        self._earlier: OrderedDict[int, Held] = OrderedDict()
        self._pool = ThreadPoolExecutor(MOST_EXPENSIVE, "reading")
        self._room = BoundedSemaphore(2 * MOST_EXPENSIVE)
        self._follower: Thread | None = None
        self._stopped = Event()

    @property
    def position(self) -> int:
        """How many entries the fold knows."""
        return self._state.size

    def checking(self) -> Check:
        """Return the check of signatures by the roll as it is known here whenever it is asked; it waits for nobody."""

        def check(envelope: bytes) -> bytes | None:
            return checking(self._state)(envelope)

        return check

    def start(self) -> None:
        """Read all that is published, then follow the log in the background until `stop`."""
        self.catch_up()
        self._follower = Thread(target=self._follow, name="reader", daemon=True)
        self._follower.start()

    def stop(self) -> None:
        """Stop following; what is being read is finished."""
        self._stopped.set()
        if self._follower is not None:
            self._follower.join(5)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def catch_up(self) -> int:
        """Take every entry that is published by now; return how many are known."""
        released = self._store.recorder.released()
        if released is not None and released <= self.position:
            return self.position
        with self._lock, collector_at_rest():
            for _, entry in self._store.read_entries(self.position, released_size(self._store)):
                self._take(entry)
        return self.position

    def rebuild(self) -> int:
        """Fold everything anew beside the state that answers meanwhile, and put it in its place; return its size.

        Of several at once the others wait, and then do the same again: each is asked for a reason of its own.
        """
        with self._rebuilding:
            state, acts = Selection(), list[Act]()

            def take(stop: int) -> None:
                for _, entry in self._store.read_entries(state.size, stop):
                    acts.append(decode_own_entry(entry))
                    state.apply(acts[-1])

            with collector_at_rest():
                take(released_size(self._store))
            with self._lock:
                take(max(self.position, state.size))
                self._state, self._acts, self._held = state, acts, None
                self._earlier.clear()
            return state.size

    def _take(self, entry: bytes) -> None:
        act = decode_own_entry(entry)
        self._state.apply(act)
        self._acts.append(act)
        self._held = None

    def _follow(self) -> None:
        """Move on with the log now and then, so that little is left to whoever reads, who moves it on too.

        To be woken by every commit would cost more than all that is read here. A database that is away for a while is
        waited for; reading says so meanwhile.
        """
        while not self._stopped.wait(LOOK_SECONDS):
            with suppress(LedgerError, PersistenceError):
                self.catch_up()

    def read(self, at: str | None, view: Callable[[Picture], T]) -> T:
        """Return what `view` makes of the selection as known at an index or civil time, by default now.

        `view` keeps nothing of the state. Raises `MalformedError`: `INDEX_UNKNOWN`, `TIME_INVALID`.
        """
        self.catch_up()
        with self._lock:
            return view(self._picture(at))

    def now(self, view: Callable[[Selection], T]) -> T:
        """Return what `view` makes of the log's own state as it is now, of which it keeps nothing."""
        self.catch_up()
        with self._lock:
            return view(self._state)

    def read_apart(self, at: str | None, view: Callable[[Picture], T]) -> T:
        """Return the same of what is expensive: on a state of its own, by few at a time, within a time.

        Raises `Unavailable`: `READ_BUSY`, `READ_TOOK_TOO_LONG`; else as `read`.
        """
        self.catch_up()
        with self._lock:
            acts = tuple(self._acts[: known_at(self._acts, at)])
        if not self._room.acquire(blocking=False):
            raise Unavailable("READ_BUSY")
        try:
            future: Future[T] = self._pool.submit(lambda: view(self._made(fold(acts), len(acts), at)))
        except RuntimeError:
            self._room.release()
            raise Unavailable("READ_BUSY") from None
        future.add_done_callback(lambda _: self._room.release())
        try:
            return future.result(EXPENSIVE_SECONDS)
        except TookTooLong:
            future.cancel()
            raise Unavailable("READ_TOOK_TOO_LONG", seconds=EXPENSIVE_SECONDS) from None

    @contextmanager
    def expensive(self) -> Iterator[None]:
        """Take one of the few places for something expensive. Raises `Unavailable` `READ_BUSY`."""
        if not self._room.acquire(blocking=False):
            raise Unavailable("READ_BUSY")
        try:
            yield
        finally:
            self._room.release()

    def _picture(self, at: str | None) -> Picture:
        size = known_at(self._acts, at)
        if size == len(self._acts):
            if self._held is None:
                self._held = as_held(self._state, self._acts)
            return self._made(self._held, size, at)
        if size not in self._earlier:
            self._earlier[size] = fold(tuple(self._acts[:size]))
        self._earlier.move_to_end(size)
        if len(self._earlier) > MOST_KEPT:
            self._earlier.popitem(last=False)
        return self._made(self._earlier[size], size, at)

    def _made(self, held: Held, size: int, at: str | None) -> Picture:
        last = self._acts[size - 1].at if size else None
        seen_at = judged_at(held.state, at, self._clock())
        return Picture(held.state, held.acts, held.sources, size, self.position, last, seen_at)


def fold(acts: tuple[Act, ...]) -> Held:
    """Return the selection that follows from these acts, in a state of its own."""
    state = Selection()
    with collector_at_rest():
        for act in acts:
            state.apply(act)
    return as_held(state, acts)
