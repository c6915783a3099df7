"""Draws by lot that anyone can repeat: commit first, reveal later.

Used wherever the programme declares a draw: experts from a list, order of candidates, the last equal remainder of
五(一), a tie that nothing else settles (`runoff_exhausted`). Each party commits to a secret seed before the pool is
known or before anyone gains by choosing; the revealed seeds together fix the order, so that one honest party suffices.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

_COMMITMENT = b"ballot-ledger/draw-commitment/1"
_SEEDS = b"ballot-ledger/draw-seeds/1"
_PLACE = b"ballot-ledger/draw-place/1"


class DrawFault(StrEnum):
    """Why a draw does not stand."""

    TOO_FEW_PARTIES = "too_few_parties"
    NOT_COMMITTED = "not_committed"
    NOT_REVEALED = "not_revealed"
    REVEAL_MISMATCH = "reveal_mismatch"


@dataclass(frozen=True, slots=True)
class DrawProblem:
    """One fault of a draw, and the party concerned (`None`: the draw as a whole)."""

    fault: DrawFault
    party: str | None = None


def _digest(domain: bytes, *parts: bytes) -> bytes:
    """Hash the parts, each with its length before it, so that no two lists of parts run into one."""
    framed = (len(part).to_bytes(8, "big") + part for part in (domain, *parts))
    return sha256(b"".join(framed)).digest()


def commitment(seed: bytes, party: str) -> bytes:
    """Give the 32 bytes by which a party binds itself to a seed without showing it; no other party's fits."""
    return _digest(_COMMITMENT, party.encode(), seed)


def matches(committed: bytes, seed: bytes, party: str) -> bool:
    """Tell whether a revealed seed is the one the party committed to."""
    return commitment(seed, party) == committed


def draw_problems(
    commitments: Mapping[str, bytes], seeds: Mapping[str, bytes], parties_needed: int
) -> tuple[DrawProblem, ...]:
    """Check a draw: enough parties, everyone who committed revealed, each seed as committed. Empty: it stands.

    A party that withholds its seed voids the draw; otherwise the last to reveal could choose between two orders.
    """
    found = []
    if len(commitments) < parties_needed:
        found.append(DrawProblem(DrawFault.TOO_FEW_PARTIES))
    for party in sorted(commitments.keys() | seeds.keys()):
        if party not in commitments:
            found.append(DrawProblem(DrawFault.NOT_COMMITTED, party))
        elif party not in seeds:
            found.append(DrawProblem(DrawFault.NOT_REVEALED, party))
        elif not matches(commitments[party], seeds[party], party):
            found.append(DrawProblem(DrawFault.REVEAL_MISMATCH, party))
    return tuple(found)


def order(seeds: Mapping[str, bytes], pool: Iterable[str], context: str) -> tuple[str, ...]:
    """Put the pool into the drawn order, first drawn first: by SHA-256 of all seeds, the context and each id.

    `context` names the draw, so that one set of seeds never settles two of them alike.

    Raises:
        ValueError: no seed, or an id twice in the pool.
    """
    ids = tuple(pool)
    if not seeds or len(set(ids)) != len(ids):
        raise ValueError("a draw needs a seed and a pool without repetition")
    joint = _digest(_SEEDS, *(part for party in sorted(seeds) for part in (party.encode(), seeds[party])))
    return tuple(sorted(ids, key=lambda one: (_digest(_PLACE, joint, context.encode(), one.encode()), one)))
