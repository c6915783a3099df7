"""A ledger in memory: the same decisions, folds and tree as the sequencer's, without a database.

A play can be frozen at any point and played on from there, in memory or on a real sequencer (fixture `world_from`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from api.rehearsal.driver import Actor, Ledger, World, found
from ledger.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from ledger.decisions.gate import decide
from ledger.keyring import Keyring
from ledger.logstore import seen_of
from ledger.merkle import Frontier
from ledger.pin import Pin
from ledger.procedure.reasons import Refusal
from ledger.programmes import load_shipped
from ledger.selection import Selection
from ledger.signing import SigningKey
from ledger.statements import Act, Seen, decode_entry, decode_own_entry, encode_entry, open_envelope
from projections.audit.verify import Row

ORIGIN = "rehearsal.example/test"
LOG_KEY = SigningKey.from_seed(bytes(range(32)))
LOG_VKEY = VerifierKey(ORIGIN, LOG_KEY.public)
NEXT_LOG_KEY = SigningKey.from_seed(bytes(range(32, 64)))
LOG_KEYS = Keyring.of(ORIGIN, LOG_KEY, NEXT_LOG_KEY)
START = 1663894800000  # 2022-09-23 09:00 +08:00


class MemoryLedger:
    """Decides, appends and signs a checkpoint after every entry, all in memory; keeps the entries' bytes.

    It is an audit's `LogSource` as well. While `honest` it decides; otherwise it admits whatever it is given.
    """

    def __init__(self, entries: tuple[bytes, ...] = (), notes: Mapping[int, bytes] | None = None) -> None:
        """Start from the entries and signed checkpoints of an earlier ledger, or empty."""
        self._state = Selection()
        self._frontier = Frontier()
        self.honest = True
        self.entries: list[bytes] = []
        self.notes: dict[int, bytes] = dict(notes or {})
        self._rows: list[Row] = []
        for entry in entries:
            self._append(decode_own_entry(entry), entry)

    @property
    def state(self) -> Selection:
        """The state after the last entry."""
        return self._state

    def submit(self, envelope: bytes, at: int, attached: bytes | None = None) -> Act | Refusal:
        """Decide and append one envelope; what is attached is for ledgers with a store."""
        refusal = decide(self._state, open_envelope(envelope).statement, at) if self.honest else None
        if refusal is not None:
            return refusal
        entry = encode_entry(len(self.entries), at, envelope)
        return self._append(decode_entry(entry), entry)

    def _fold(self, act: Act) -> None:
        self._state.apply(act)

    def _append(self, act: Act, entry: bytes) -> Act:
        self._fold(act)
        nodes = b"".join(value for _, _, value in self._frontier.append(act.leaf))
        self._rows.append(Row(act.index, entry, act.statement.type, act.signed.id, nodes))
        self.entries.append(entry)
        return act

    def seen(self) -> Seen | None:
        """Return the newest checkpoint, signed."""
        return seen_of(self.note()) if self.entries else None

    def note(self) -> bytes:
        """Return the newest checkpoint as a signed note."""
        size = self._frontier.size
        if size not in self.notes:
            signer = LOG_KEYS.signer(self._state.log.keys.at(size)) if self._state.log.known_keys else LOG_KEY
            self.notes[size] = sign_checkpoint(Checkpoint(ORIGIN, size, self._frontier.root()), signer)
        return self.notes[size]

    def rows(self) -> Iterator[Row]:
        """Give the rows as a store would hold them."""
        return iter(self._rows)

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give the checkpoints that were signed."""
        self.note()
        return iter(sorted(self.notes.items()))

    def pin(self) -> Pin | None:
        """Return the newest tree."""
        return Pin(self._frontier.size, self._frontier.root())


@runtime_checkable
class Kept(Protocol):
    """A ledger that gives its entries' bytes back."""

    @property
    def entries(self) -> list[bytes]: ...


@dataclass(frozen=True)
class History:
    """A play up to a point: what the ledger holds, who is on stage, and what the clock says."""

    rows: tuple[Row, ...]
    notes: Mapping[int, bytes]
    actors: tuple[Actor, ...]
    seed: str
    now: int
    offset_minutes: int
    nonces: int

    @property
    def entries(self) -> tuple[bytes, ...]:
        """The entries' bytes."""
        return tuple(row.entry for row in self.rows)


def freeze(world: World) -> History:
    """Return the history of a play in memory, so that other plays can go on from there."""
    ledger = world.ledger
    if not isinstance(ledger, MemoryLedger):
        raise TypeError("only a play in memory is frozen")
    return History(
        rows=tuple(ledger.rows()),
        notes=dict(ledger.checkpoints()),
        actors=tuple(copy(actor) for actor in world.actors.values()),
        seed=world.seed,
        now=world.now,
        offset_minutes=world.offset_minutes,
        nonces=world.nonces,
    )


def resume(history: History, ledger: Ledger | None = None) -> World:
    """Go on from a history, in memory or on a ledger that already holds it."""
    on = ledger or MemoryLedger(history.entries, history.notes)
    world = World(on, history.seed, history.now, history.offset_minutes)
    world.nonces = history.nonces
    world.actors = {actor.alias: copy(actor) for actor in history.actors}
    return world


_HANDED_OUT: ContextVar[Callable[[History], World]] = ContextVar("_HANDED_OUT", default=resume)


def go_on(history: History) -> World:
    """Hand a play to a test: in memory, or on whatever `handing_out` says."""
    return _HANDED_OUT.get()(history)


@contextmanager
def handing_out(world_from: Callable[[History], World]) -> Iterator[None]:
    """Let every play that is handed to a test go on elsewhere, for example on a real sequencer."""
    token = _HANDED_OUT.set(world_from)
    try:
        yield
    finally:
        _HANDED_OUT.reset(token)


def entries_of(world: World) -> tuple[bytes, ...]:
    """Return the bytes of every entry, from memory or from the store."""
    if not isinstance(world.ledger, Kept):
        raise TypeError("this ledger does not give its entries back")
    return tuple(world.ledger.entries)


def new_world(programme: Mapping[str, Any] | str = "zhuyuan-2022", seed: str = "test") -> World:
    """Return a world whose charter is sealed and endorsed, on a ledger in memory."""
    value = load_shipped(programme) if isinstance(programme, str) else programme
    world = World(MemoryLedger(), seed, START)
    found(world, value, ORIGIN, LOG_VKEY.encode())
    return world
