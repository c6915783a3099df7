"""A ledger in memory: the same decisions, folds and tree as the sequencer's, without a database."""

from collections.abc import Mapping
from typing import Any

from api.rehearsal.driver import World, found
from ledger.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from ledger.decisions.gate import decide
from ledger.merkle import Frontier
from ledger.procedure.reasons import Refusal
from ledger.programmes import load_shipped
from ledger.selection import Selection
from ledger.signing import SigningKey, encode_base64
from ledger.statements import Act, Seen, decode_entry, encode_entry, open_envelope

ORIGIN = "rehearsal.example/test"
LOG_KEY = SigningKey.from_seed(bytes(range(32)))
START = 1663894800000  # 2022-09-23 09:00 +08:00


class MemoryLedger:
    """Decides, appends and signs a checkpoint after every entry, all in memory; keeps the entries' bytes."""

    def __init__(self) -> None:
        """Start empty."""
        self._state = Selection()
        self._frontier = Frontier()
        self._seen: Seen | None = None
        self.entries: list[bytes] = []

    @property
    def state(self) -> Selection:
        """The state after the last entry."""
        return self._state

    def submit(self, envelope: bytes, at: int) -> Act | Refusal:
        """Decide and append one envelope."""
        refusal = decide(self._state, open_envelope(envelope).statement, at)
        if refusal is not None:
            return refusal
        entry = encode_entry(len(self.entries), at, envelope)
        act = decode_entry(entry)
        self._state.apply(act)
        self._frontier.append(act.leaf)
        self.entries.append(entry)
        self._seen = None
        return act

    def seen(self) -> Seen | None:
        """Return the newest checkpoint, signed."""
        if self._seen is None and self.entries:
            checkpoint = Checkpoint(ORIGIN, self._frontier.size, self._frontier.root())
            line = sign_checkpoint(checkpoint, LOG_KEY).decode().splitlines()[-1].split(" ")[-1]
            self._seen = Seen(encode_base64(checkpoint.root), line, checkpoint.size)
        return self._seen


def new_world(programme: Mapping[str, Any] | str = "zhuyuan-2022", seed: str = "test") -> World:
    """Return a world whose charter is sealed and endorsed, on a ledger in memory."""
    value = load_shipped(programme) if isinstance(programme, str) else programme
    world = World(MemoryLedger(), seed, START)
    found(world, value, ORIGIN, VerifierKey(ORIGIN, LOG_KEY.public).encode())
    return world
