"""A time by which a task must be done with what it waits for, where that time is moved often and hardly ever comes.

`asyncio.timeout` sets a timer anew whenever it is moved. Here one timer looks, when it goes off, whether the time has
come or was moved on.
"""

import asyncio


class Deadline:
    """Cancels its task, once, at a time of the loop's clock that may be moved; None for never."""

    def __init__(self, seconds: float) -> None:
        """Begin in the task that is running; the time is at first so many seconds off."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is a task's")
        self._task, self._cancelling = task, task.cancelling()
        self._loop = task.get_loop()
        self._at: float | None = self._loop.time() + seconds
        self._timer: asyncio.TimerHandle | None = self._loop.call_at(self._at, self._look)
        self.passed = False

    def set(self, at: float | None) -> None:
        """Move the time."""
        self._at = at
        if at is not None and not self.passed and (self._timer is None or at < self._timer.when()):
            self._arm(at)

    def end(self) -> bool:
        """End it; return whether the cancellation that the task meets was this one's alone."""
        if self._timer is not None:
            self._timer.cancel()
        return self.passed and self._task.uncancel() <= self._cancelling

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._at is None:
            return
        if self._loop.time() < self._at:
            self._arm(self._at)
            return
        self.passed = True
        self._task.cancel()
