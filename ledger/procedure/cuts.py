"""Who is taken for the seats, top of the ranking first (依次取足), and what a tie still stops: clauses 五(一)–五(五).

A tie matters only where the seats end inside it, or where the order of those left matters because they become
alternates (`tie_alternates`). Then a run-off is due; the ranking itself, and all its keys, are in `ranking`.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from ledger.procedure.counting import Tally
from ledger.procedure.ranking import Key, Ranking, RecusalRanking, rank


@dataclass(frozen=True, slots=True)
class Cut:
    """Who is taken for the seats and who is left.

    Attributes:
        seats: the seats of the round.
        taken: those certainly taken, first to last.
        left: those certainly left, first to last.
        tied_at_cut: those of whom only some can be taken, though nothing separates them; `None` if there are none.
        places_left: seats that `taken` does not fill.
        unordered: ties among those left, where their order matters and nothing settles it.
    """

    seats: int
    taken: tuple[str, ...]
    left: tuple[str, ...]
    tied_at_cut: tuple[str, ...] | None
    places_left: int
    unordered: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class RunoffNeed:
    """A run-off that has to be held: among whom, for how many places, and whether the cut hangs on it."""

    candidates: tuple[str, ...]
    places: int
    at_cut: bool


@dataclass(frozen=True, slots=True)
class CutChange:
    """A finding: the two readings of `recusal_ranking` cut differently.

    Attributes:
        raw: the cut by approvals.
        share: the cut by approvals of those possible.
        only_raw: taken by approvals but not by the share.
        only_share: taken by the share but not by approvals.
    """

    raw: Cut
    share: Cut
    only_raw: tuple[str, ...]
    only_share: tuple[str, ...]


def cut(ranking: Ranking, seats: int, *, order_matters: bool = False) -> Cut:
    """Clauses 五(一)–(三), 五(五): take from the top as many as there are seats; a tie that fits whole is taken whole.

    With `order_matters` (reading `tie_alternates`) open ties among those left are listed too. If fewer stand than
    there are seats, all are taken and places stay left.

    Raises:
        ValueError: `seats` is negative.
    """
    if seats < 0:
        raise ValueError("seats cannot be negative")
    taken: list[str] = []
    tied_at_cut = None
    below: list[tuple[str, ...]] = []
    for equal in ranking.classes:
        room = seats - len(taken)
        if below or tied_at_cut or not room:
            below.append(equal)
        elif len(equal) <= room:
            taken.extend(equal)
        else:
            tied_at_cut = equal
    left = tuple(one for equal in below for one in equal)
    unordered = tuple(equal for equal in below if len(equal) > 1) if order_matters else ()
    return Cut(seats, tuple(taken), left, tied_at_cut, seats - len(taken), unordered)


def runoff_needed(ranking: Ranking, seats: int, *, order_matters: bool = False) -> RunoffNeed | None:
    """Readings `tie_expert` … `tie_final`, `tie_alternates`: the run-off that is due next, or `None`.

    First the tie at the cut, for the places left; then, where their order matters, the first open tie among those left,
    where a ballot may name all but one of them.
    """
    result = cut(ranking, seats, order_matters=order_matters)
    if result.tied_at_cut is not None:
        return RunoffNeed(result.tied_at_cut, result.places_left, at_cut=True)
    if result.unordered:
        return RunoffNeed(result.unordered[0], len(result.unordered[0]) - 1, at_cut=False)
    return None


def runoffs_exhausted(need: RunoffNeed, held: Iterable[AbstractSet[str]], most: int) -> bool:
    """Reading `runoff_exhausted`: have those still tied stood together in as many run-offs as the programme allows?"""
    return sum(frozenset(need.candidates) <= together for together in held) >= most


def share_changes_cut(tallies: Iterable[Tally], keys: tuple[Key, ...], seats: int) -> CutChange | None:
    """Reading `recusal_ranking`: would the other reading take others, or leave others tied at the cut? `None`: no."""
    lines = tuple(tallies)
    raw = cut(rank(lines, keys, RecusalRanking.RAW), seats)
    share = cut(rank(lines, keys, RecusalRanking.SHARE), seats)
    by_raw, by_share = frozenset(raw.taken), frozenset(share.taken)
    if by_raw == by_share and raw.tied_at_cut == share.tied_at_cut:
        return None
    return CutChange(raw, share, tuple(sorted(by_raw - by_share)), tuple(sorted(by_share - by_raw)))
