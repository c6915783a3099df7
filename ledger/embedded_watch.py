"""A server that is kept running: when its process ends by itself it is started again, after a pause that grows.

What is told apart is only whether it was we who ended it. A server that ends again and again within seconds of its
start is tried every `MOST_SECONDS`, for ever: a disk may get room, a folder its owner back.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from ledger.errors import StoreError

FIRST_SECONDS, MOST_SECONDS = 0.1, 5.0
STEADY_SECONDS = 5.0
"""A server that ran for so long begins again at the shortest pause."""


class Process(Protocol):
    """A started server."""

    def wait(self) -> None:
        """Return once it has ended, however."""

    def end(self) -> None:
        """Stop it in order and clean up after it; again is harmless."""


class Watch:
    """Keeps one server running, from construction until `end`."""

    def __init__(
        self, start: Callable[[threading.Event], Process], began_again: Callable[[], object] = lambda: None
    ) -> None:
        """Start it, and again whenever it ends by itself; `began_again` is then called, in the watch's own thread.

        `start` gives up once the event is set, which means that the end has come. It raises `StoreError` or `OSError`
        where it fails, at first to whoever makes the watch.
        """
        self._start, self._began_again = start, began_again
        self._ending = threading.Event()
        self._server = start(self._ending)
        self._thread = threading.Thread(target=self._run, name="embedded PostgreSQL", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop the server, and start it no more."""
        self._ending.set()
        self._server.end()
        self._thread.join()
        self._server.end()

    def _run(self) -> None:
        pause = FIRST_SECONDS
        while True:
            began = time.monotonic()
            self._server.wait()
            if time.monotonic() - began > STEADY_SECONDS:
                pause = FIRST_SECONDS
            while True:
                if self._ending.wait(pause):
                    return
                pause = min(2 * pause, MOST_SECONDS)
                if self._started_again():
                    break
            self._began_again()

    def _started_again(self) -> bool:
        try:
            self._server.end()
            self._server = self._start(self._ending)
        except (StoreError, OSError):
            return False
        return True
