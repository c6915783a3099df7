"""A store and a pin in which chosen calls fail, before or after they take effect."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.pin import Pin, PinFile
from ledger.store import AppendBatch, Store


@dataclass
class Faults:
    """What is to go wrong, once each: by call, whether after it took effect, and how."""

    planned: dict[str, tuple[bool, Callable[[], None]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def plan(self, call: str, *, after: bool = False, error: Exception | None = None, do: Any = None) -> None:
        """Let the next `call` raise `error`, or run `do`, before or after it takes effect."""

        def happen() -> None:
            if do is not None:
                do()
            if error is not None:
                raise error

        self.planned[call] = (after, happen)

    def around(self, call: str, act: Callable[[], Any]) -> Any:
        """Run a call with what was planned for it."""
        self.calls.append(call)
        after, happen = self.planned.pop(call, (True, lambda: None))
        if after:
            result = act()
            happen()
            return result
        happen()
        return act()


class FaultyStore:
    """A real store in which calls fail as planned."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store, self._faults = store, faults

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Wrap every method of the store."""
        method = getattr(self._store, name)

        def call(*values: Any) -> Any:
            # A generator fails where it is read, which for these tests is the same as at once.
            return self._faults.around(name, lambda: method(*values))

        return call

    def append(self, batch: AppendBatch) -> None:
        """Append, and fail as planned."""
        self._faults.around("append", lambda: self._store.append(batch))

    def append_attempts(self, batch: AppendBatch) -> None:
        """Append attempts, and fail as planned."""
        self._faults.around("append_attempts", lambda: self._store.append_attempts(batch))


class FaultyPin:
    """A real pin file in which writing fails as planned."""

    def __init__(self, path: Path, faults: Faults, call: str = "advance") -> None:
        self._pin, self._faults, self._call = PinFile(path), faults, call

    @property
    def newest(self) -> Pin | None:
        """The pin."""
        return self._pin.newest

    def advance(self, size: int, root: bytes) -> None:
        """Advance, and fail as planned."""
        self._faults.around(self._call, lambda: self._pin.advance(size, root))

    def close(self) -> None:
        """Close the file."""
        self._pin.close()
