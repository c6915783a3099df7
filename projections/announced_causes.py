"""Why announced sums and orders differ from what the votes give: the known mistakes, tried one after another.

Clauses five(一)–(三), five(五). An explanation has to give the announced numbers exactly; one that fits every line of a
session goes before one that fits a single line.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import combinations
from typing import TypeAlias

from projections.announced_session import Announced, Extra, Held

Cause: TypeAlias = tuple[str, dict[str, str | int]]

_COUNTED = {
    Extra.RECUSED: "ANNOUNCED_RECUSED_COUNTED",
    Extra.OVERVOTE: "ANNOUNCED_OVERVOTE_COUNTED",
    Extra.VOID: "ANNOUNCED_VOID_COUNTED",
    Extra.SUPERSEDED: "ANNOUNCED_OLD_ROUND_COUNTED",
}


def sum_causes(announced: Mapping[str, int], held: Held) -> dict[str, Cause]:
    """Return for each announced number of approvals that is not the derived one why it may be so."""
    derived = {candidate: _approve(held, candidate) for candidate in announced if candidate in held.rows}
    differing = {one: announced[one] - derived[one] for one in derived if announced[one] != derived[one]}
    return {candidate: _sum_cause(candidate, announced, derived, differing, held) for candidate in differing}


def _sum_cause(
    candidate: str, announced: Mapping[str, int], derived: Mapping[str, int], differing: Mapping[str, int], held: Held
) -> Cause:
    facts: dict[str, str | int] = {"announced": announced[candidate], "derived": derived[candidate]}
    fitting = [kinds for kinds in _sets(held.extras) if _added(held, kinds, candidate) == differing[candidate]]
    if fitting:
        best = max(fitting, key=lambda kinds: (_explained(held, kinds, differing, derived), -len(kinds)))
        if len(best) == 1:
            return _COUNTED[best[0]], facts
        return "ANNOUNCED_UNCOUNTABLE_COUNTED", facts | {"kinds": ", ".join(best)}
    for other, difference in differing.items():
        if other != candidate and announced[candidate] == derived[other] and announced[other] == derived[candidate]:
            return "ANNOUNCED_SUMS_SWAPPED", facts | {"other": other} if difference else facts
    return "ANNOUNCED_SUM_WRONG", facts


def _sets(extras: Mapping[Extra, Mapping[str, int]]) -> Iterator[tuple[Extra, ...]]:
    """Every set of kinds of words, the smaller sets first."""
    kinds = [kind for kind in Extra if any(extras.get(kind, {}).values())]
    for size in range(1, len(kinds) + 1):
        yield from combinations(kinds, size)


def _added(held: Held, kinds: tuple[Extra, ...], candidate: str) -> int:
    return sum(held.extras[kind].get(candidate, 0) for kind in kinds)


def _explained(held: Held, kinds: tuple[Extra, ...], differing: Mapping[str, int], derived: Mapping[str, int]) -> int:
    """How many of the announced numbers, right ones included, counting these words would give."""
    return sum(_added(held, kinds, candidate) == differing.get(candidate, 0) for candidate in derived)


def order_cause(
    row: Announced, held: Held, announced: Mapping[str, Announced], sums: Mapping[str, Cause]
) -> Cause | None:
    """Return why this person was put before or behind somebody against the derived order; None: they were not."""
    inverted = [other for other in announced.values() if _inverted(row, other, held)]
    # The nearest of them tells most: with those equal in approvals the tie itself was settled otherwise.
    inverted.sort(key=lambda other: (abs(_approve(held, other.candidate) - _approve(held, row.candidate)), other.row))
    for other in inverted:
        found = _inversion_cause(row, other, held, sums)
        if found is not None:
            return found
    if inverted:
        return "ANNOUNCED_ORDER_WRONG", {"other": inverted[0].candidate}
    return None


def _inverted(row: Announced, other: Announced, held: Held) -> bool:
    """Whether the announcement puts these two the other way round than the derivation."""
    if other.candidate == row.candidate or other.candidate not in held.rows or row.candidate not in held.rows:
        return False
    ranks = _rank(held, row.candidate), _rank(held, other.candidate)
    if 0 in ranks:
        return False
    said = _before(row, other)
    return said is not None and ranks[0] != ranks[1] and said != (ranks[0] < ranks[1])


def _before(row: Announced, other: Announced) -> bool | None:
    """Whether the announcement puts the first before the second; None: it does not say."""
    if row.rank is not None and other.rank is not None:
        return None if row.rank == other.rank else row.rank < other.rank
    return None if row.taken == other.taken else row.taken


def _inversion_cause(row: Announced, other: Announced, held: Held, sums: Mapping[str, Cause]) -> Cause | None:
    if other.candidate in sums:
        return "ANNOUNCED_ORDER_BY_WRONG_SUM", {"other": other.candidate}
    first, second = (row, other) if _before(row, other) else (other, row)
    here, there = _approve(held, first.candidate), _approve(held, second.candidate)
    if here == there:
        decided = str(held.rows[first.candidate]["decided_by"])
        return "ANNOUNCED_TIE_OTHERWISE", {"other": other.candidate, "approve": here, "key": decided}
    facts: dict[str, str | int] = {"first": first.candidate, "second": second.candidate, "more": there, "less": here}
    if held.votes.get(first.candidate, 0) > held.votes.get(second.candidate, 0):
        return "ANNOUNCED_PUBLIC_BEYOND_TIES", facts
    if _mean(held, first.candidate) > _mean(held, second.candidate):
        return "ANNOUNCED_SCORES_BEYOND_TIES", facts
    if _share(held, first.candidate) > _share(held, second.candidate):
        return "ANNOUNCED_BY_SHARE", facts
    return None


def _approve(held: Held, candidate: str) -> int:
    return int(str(held.rows[candidate]["approve"]))


def _rank(held: Held, candidate: str) -> int:
    return int(str(held.rows[candidate]["rank"]))


def _share(held: Held, candidate: str) -> Fraction:
    possible = int(str(held.rows[candidate]["possible"]))
    return Fraction(_approve(held, candidate), possible or 1)


def _mean(held: Held, candidate: str) -> Fraction:
    return held.means.get(candidate, Fraction(0))
