"""A dishonest log: it signs, hashes and publishes everything correctly, and lets one statement pass."""

from collections import deque
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from api.rehearsal.driver import World
from ledger.merkle import leaf_hash
from ledger.procedure.reasons import Refusal
from ledger.statements import Act
from ledger.statements.foundation import CalendarRecorded, CharterEndorsed, CharterSealed
from ledger.statements.framing import frame_entry
from ledger.statements.imports import ImportAbandoned
from ledger.statements.kinds import payload_type_of
from projections.audit.verify import Row
from tests.simulator import MemoryLedger, entries_of

COUNTER = 10**9
"""A counter that nobody in a play has come to."""
CHARTER = payload_type_of(CharterSealed).encode()
NEWCOMERS = ("newcomer-1", "newcomer-2", "newcomer-3")


class DishonestLog(MemoryLedger):
    """Decides by every rule but one, once; it goes on with what its own fold makes of that.

    `blind` once the fold cannot take what was admitted: then it folds no more and admits whatever comes.
    """

    def __init__(self, entries: tuple[bytes, ...], notes: Mapping[int, bytes]) -> None:
        """Begin as an honest log."""
        self.blind = False
        super().__init__(entries, notes)
        self.last_at = self.state.at

    def admit(self, envelope: bytes, at: int) -> Act:
        """Let a statement pass, whatever the rules say, and publish it."""
        self.honest = False
        admitted = self.submit(envelope, at)
        if isinstance(admitted, Refusal):
            raise TypeError("nothing is refused while nothing is decided")
        self.honest, self.last_at = not self.blind, at
        self.note()
        return admitted

    def _fold(self, act: Act) -> None:
        if self.blind:
            return
        try:
            super()._fold(act)
        except Exception:
            self.blind = True

    def admit_raw(self, envelope: bytes, at: int) -> None:
        """Let something pass that is no statement, or none in its one spelling; nothing can be folded after it."""
        entry = frame_entry(len(self.entries), at, envelope)
        nodes = b"".join(value for _, _, value in self._frontier.append(leaf_hash(entry)))
        self._rows.append(Row(len(self.entries), entry, "unknown", sha256(entry).digest(), nodes))
        self.entries.append(entry)
        self.blind, self.honest, self.last_at = True, False, at
        self.note()

    def go_on(self, seed: str) -> int:
        """Let honest people of a play say what the rules allow them now; return how many statements that gave."""
        world, size = World(self, seed, self.last_at), len(self.entries)
        for alias, body in _talk(world):
            world.actor(alias).counter += COUNTER
            world.submit(alias, body)
            self.note()
        return len(self.entries) - size


def _talk(world: World) -> Iterator[tuple[str, Any]]:
    """What honest people try to say next: at any point of a selection some of it is allowed."""
    charter = world.state.sealed
    if charter is not None:
        (founding,) = deque((entry for entry in entries_of(world) if CHARTER in entry), maxlen=1)
        for office in charter.latest.programme.sponsors:
            yield f"sponsor-{office}", CharterEndorsed(leaf_hash(founding).hex())
        running = world.state.imports.running
        if running is not None:
            yield "discipline", ImportAbandoned(running.id, "改由他人办理")
        for newcomer in NEWCOMERS:
            yield "registrar", world.enrolment(newcomer)
    yield "organiser", CalendarRecorded((), (), "国务院办公厅通知", 2035)
