"""The public entries in the order of the log, as they are published: what the stream and the webhooks follow.

One feed serves all who follow in a process. It looks at the pin, reads what is new up to it, and shows what the public
may read of that (`projections.disclosure`). The newest entries are kept for those who are current; who is behind reads
from the store a page at a time, so that a slow client holds one page and nobody else up. A store that does not answer
is waited for: the feed stands still and goes on at the same entry.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import islice

from api.http.logs import tell
from ledger.errors import LedgerError
from ledger.statements import decode_own_entry
from ledger.store.store import Store
from projections.disclosure import Publicity
from projections.live import released_size

LOOK_SECONDS = 0.1
"""How long an entry that is published may wait for the feed."""
AGAIN_SECONDS = 1.0
"""How long the feed waits for a store that does not answer."""
KEPT = 1_024
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Item:
    """A public entry: its index, when it was sequenced (UTC ms), its kind without version, and its exact bytes."""

    index: int
    at: int
    kind: str
    entry: bytes


class Feed:
    """The feed of one process; for its event loop, but for what it reads."""

    def __init__(self, store: Store, page: int) -> None:
        """Begin before entry 0; whoever follows is handed at most `page` entries at a time."""
        self._store, self._page = store, page
        self._publicity = Publicity()
        self._newest: deque[Item] = deque()
        self._newest_from = 0
        self._moved = asyncio.Event()
        self.size = 0
        """How many entries are known here; never more than the pin covers."""
        self.closed = False

    def close(self) -> None:
        """End every following; new ones end at once."""
        self.closed = True
        self._moved.set()

    async def run(self) -> None:
        """Follow the pin until the feed is closed."""
        failed = False
        while not self.closed:
            try:
                await self._move()
                failed = False
            except LedgerError as error:
                if not failed:
                    tell("feed waits", error=error)
                failed = True
            await asyncio.sleep(AGAIN_SECONDS if failed else LOOK_SECONDS)

    async def _move(self) -> None:
        released = self._store.recorder.released()
        if released is not None and released <= self.size:
            return
        size = await asyncio.to_thread(released_size, self._store)
        while self.size < size and not self.closed:
            stop = min(self.size + CHUNK, size)
            items = await asyncio.to_thread(self._read_new, stop)
            self._newest.extend(items)
            while len(self._newest) > KEPT:
                self._newest_from = self._newest.popleft().index + 1
            self.size = stop
            self._moved.set()
            self._moved = asyncio.Event()

    def _read_new(self, stop: int) -> list[Item]:
        """Take up the entries to before `stop`; an interrupted reading goes on where it was."""
        found = []
        for index, entry in self._store.read_entries(self.size, stop):
            act = decode_own_entry(entry)
            public = self._publicity.take(act) if index == self._publicity.size else self._publicity.at(index)
            if public:
                found.append(Item(index, act.at, act.statement.type, entry))
        return found

    def _read_page(self, start: int, stop: int) -> tuple[list[Item], int]:
        """Read the next public entries before `stop`, a page at most; return them and where to go on."""
        wanted = list(islice((index for index in range(start, stop) if self._publicity.at(index)), self._page))
        if not wanted:
            return [], stop
        # What lies between them is read too, and must not be much.
        near = [index for index in wanted if index < wanted[0] + CHUNK]
        found = []
        for index, entry in self._store.read_entries(near[0], near[-1] + 1):
            if self._publicity.at(index):
                act = decode_own_entry(entry)
                found.append(Item(index, act.at, act.statement.type, entry))
        return found, near[-1] + 1

    async def page(self, start: int) -> tuple[list[Item], int]:
        """Return the next public entries from index `start` on, a page at most, and the index to go on from."""
        if start >= self._newest_from:
            items = [item for item in self._newest if item.index >= start][: self._page]
            return items, items[-1].index + 1 if len(items) == self._page else max(start, self.size)
        return await asyncio.to_thread(self._read_page, start, self._newest_from)

    async def follow(self, start: int, beat_seconds: float) -> AsyncGenerator[Item | None]:
        """Give every public entry from index `start` on, and None whenever there was none for so long."""
        while not self.closed:
            if start >= self.size:
                moved = self._moved
                try:
                    await asyncio.wait_for(moved.wait(), beat_seconds)
                except TimeoutError:
                    yield None
                continue
            try:
                items, start = await self.page(start)
            except LedgerError:
                await asyncio.sleep(AGAIN_SECONDS)
                yield None
                continue
            for item in items:
                yield item

    async def rest(self, start: int) -> AsyncGenerator[Item]:
        """Give every public entry from index `start` that is there now, and end."""
        size = self.size
        while start < size and not self.closed:
            items, start = await self.page(start)
            for item in items:
                if item.index < size:
                    yield item
