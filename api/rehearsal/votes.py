"""Planned votes: turn a wish (so many approvals for whom) into one ballot for each member, the same way every time."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet


def clear_votes(order: Sequence[str], members: int, most: int) -> dict[str, int]:
    """Return approvals that rank candidates in this order with a clear cut after the first `most`.

    The others come off one by one while approvals last, so that alternates stand in order too.
    """
    below = len(order) - most
    step = next((top for top in range(min(below, members - 1), 0, -1) if _fits(top, below, members, most)), 0)
    votes = {one: max(step - place, 0) for place, one in enumerate(order[most:])}
    spare = most * members - sum(votes.values())
    for place, one in enumerate(order[:most]):
        votes[one] = min(members, -(-spare // (most - place)))
        spare -= votes[one]
    return votes


def _fits(top: int, below: int, members: int, most: int) -> bool:
    """Say whether the ladder below the cut, and more than its top for everybody above it, fit on the ballots."""
    ladder = sum(max(top - place, 0) for place in range(below))
    return (most * members - ladder) // most > top


def ballots_for(
    wanted: Mapping[str, int], members: Sequence[str], most: int, recused: Mapping[str, AbstractSet[str]]
) -> dict[str, tuple[str, ...]]:
    """Return whom each member approves of, so that every candidate gets the wanted number.

    `recused` names the members who may not vote on a candidate. Raises `ValueError` where no such ballots exist.
    """
    chosen: dict[str, list[str]] = {member: [] for member in members}
    for candidate in sorted(wanted, key=lambda one: (-wanted[one], one)):
        free = [one for one in members if len(chosen[one]) < most and one not in recused.get(candidate, ())]
        if len(free) < wanted[candidate]:
            raise ValueError(f"{candidate} cannot get {wanted[candidate]} approvals")
        free.sort(key=lambda one: len(chosen[one]))
        for member in free[: wanted[candidate]]:
            chosen[member].append(candidate)
    return {member: tuple(sorted(names)) for member, names in chosen.items()}
