"""Erased evidence: what was on file about what, which entry erased it and on what ground (七(三)).

What was erased cannot be rechecked. The entries that named it stay, and everything else is checked as before.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.selection import Selection
from ledger.statements import Act
from ledger.statements.naming import EvidenceErased


@dataclass(frozen=True, slots=True)
class Erasure:
    """One piece of evidence that was erased.

    Attributes:
        digest: the salted digest under which it was on file; its salt is gone, so nothing can be tried out on it.
        about: what it belonged to, each with the entry that attached it.
        entry, at, person, ground: the entry that erased it, when (UTC ms), by whom and why.
    """

    digest: str
    about: tuple[tuple[str, int], ...]
    entry: int
    at: int
    person: str
    ground: str


def erasures(state: Selection, acts: Iterable[Act]) -> tuple[Erasure, ...]:
    """Return what was erased, in the order of the entries; `acts` are those that gave `state`."""
    found = []
    for act in acts:
        if type(act.body) is EvidenceErased and state.evidence[act.body.digest].erased == act.index:
            about = tuple(state.evidence[act.body.digest].about.items())
            found.append(Erasure(act.body.digest, about, act.index, act.at, act.person, act.body.reason))
    return tuple(found)
