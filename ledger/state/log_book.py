"""The log as its own entries tell of it: its keys, and the losses it was brought back from."""

from contextlib import suppress
from dataclasses import dataclass, field

from ledger.checkpoint import parse_vkey
from ledger.errors import MalformedError
from ledger.log_keys import LogKeys


@dataclass(frozen=True, slots=True)
class Recovery:
    """The log had `size` entries left and was brought back to `recovered_to`, as entry `index` records."""

    index: int
    size: int
    recovered_to: int


@dataclass(slots=True)
class Log:
    """The log as its own entries tell of it; `known_keys` are None until there is a charter with a sound key."""

    known_keys: LogKeys | None = None
    recoveries: list[Recovery] = field(default_factory=list)

    @property
    def keys(self) -> LogKeys:
        """The log's keys, from the charter on; raises `LookupError` before it."""
        if self.known_keys is None:
            raise LookupError("no charter")
        return self.known_keys

    def found(self, log_key: str) -> None:
        """Take the key that the charter names."""
        # A charter with an unsound key founds no log; that it was ever admitted is for its decision to say.
        with suppress(MalformedError):
            self.known_keys = LogKeys.of(parse_vkey(log_key))
