"""What a play has refused, kept with the log it was refused by: the offences that a dishonest log then admits."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.decisions.gate import decide
from ledger.procedure.reasons import Refusal
from ledger.statements import Act, open_envelope
from projections.replay import replay
from tests.dishonest.plays import play
from tests.simulator import MemoryLedger

TABLE = Path(__file__).parent / "plays.json"
"""Which play is gone wrong for which codes; written by `python -m tests.dishonest`."""


@dataclass(frozen=True)
class Offence:
    """A statement that was refused: code and clause, the honest log before it with its checkpoints, bytes and time."""

    code: str
    clause: str
    entries: tuple[bytes, ...]
    notes: Mapping[int, bytes]
    envelope: bytes
    at: int


@contextmanager
def recording() -> Iterator[dict[str, Offence]]:
    """Keep, of whatever ledgers in memory refuse meanwhile, the offence with the shortest log for each code.

    A ledger that was ever told to admit everything is left alone, and so is what goes on from it.
    """
    kept: dict[str, Offence] = {}
    forged: set[bytes] = set()
    original = MemoryLedger.submit

    def submit(self: MemoryLedger, envelope: bytes, at: int, attached: bytes | None = None) -> Act | Refusal:
        answer = original(self, envelope, at, attached)
        if not self.honest:
            forged.add(self.entries[-1])
        elif isinstance(answer, Refusal) and forged.isdisjoint(self.entries):
            known = kept.get(answer.code)
            if known is None or len(known.entries) > len(self.entries):
                before = tuple(self.entries), dict(self.notes)
                kept[answer.code] = Offence(answer.code, answer.clause, *before, envelope, at)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryLedger, "submit", submit)
        yield kept


def offences_of(name: str) -> dict[str, Offence]:
    """Run a play and return, by code, what was refused on the way."""
    with recording() as kept:
        play(name)
    return kept


def by_itself(offence: Offence) -> bool:
    """Whether the entries alone lead to the refusal, and not what a test did to the state, or the clock, besides."""
    state = replay(offence.entries)
    refusal = decide(state, open_envelope(offence.envelope).statement, offence.at)
    return refusal is not None and refusal.code == offence.code and offence.at >= state.at
