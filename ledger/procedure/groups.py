"""How many each group may put forward: clauses 五(一) and 五(二), reading `group_seats`.

The notice says only that a group's number follows from how many applied that year. The reading: shares in proportion
to applications received, by largest remainder (最大余数), each group at least one and at most its size, and what a
bound adds or cuts is spread over the others in the same proportion. Everything is an exact fraction; certifying the
table before the first score is a matter of the stages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class ShareReason(StrEnum):
    """Why a group's number is what it is."""

    AT_LEAST_ONE = "at_least_one"
    AT_MOST_SIZE = "at_most_size"
    REDISTRIBUTED = "redistributed"
    LARGEST_REMAINDER = "largest_remainder"
    SMALLER_REMAINDER = "smaller_remainder"
    LARGER_GROUP = "larger_group"
    DRAWN = "drawn"


class ImpossibleReason(StrEnum):
    """Why no table of shares exists."""

    TOO_FEW_SEATS = "too_few_seats"
    DRAW_MISSING = "draw_missing"


@dataclass(frozen=True, slots=True)
class Group:
    """A group before its share is known.

    Attributes:
        id: the group's id.
        received: applications received in its occupation or industry that year, at least one.
        size: candidates actually in the group, at least one.

    Raises:
        ValueError: a number is less than one.
    """

    id: str
    received: int
    size: int

    def __post_init__(self) -> None:
        """Refuse a group that nobody applied for, or that is empty."""
        if self.received < 1 or self.size < 1:
            raise ValueError("a group has at least one application and one candidate")


@dataclass(frozen=True, slots=True)
class GroupShare:
    """One line of the table of shares.

    Attributes:
        group: the group's id.
        received: applications received, the weight of the group.
        exact: the plain proportional share of the declared total.
        bounded: the share once one-at-least and size-at-most hold for all; equals `exact` where no bound binds.
        floor: the whole part of `bounded`.
        remainder: what is left of `bounded` above `floor`.
        extra: 1 if the remainder earned a further seat, else 0.
        seats: how many the group may put forward.
        reasons: what moved the number away from its plain share, or decided the further seat.
    """

    group: str
    received: int
    exact: Fraction
    bounded: Fraction
    floor: int
    remainder: Fraction
    extra: int
    seats: int
    reasons: tuple[ShareReason, ...]


@dataclass(frozen=True, slots=True)
class SharesImpossible:
    """No table can be made: fewer seats than groups, or an equal remainder that no draw declared beforehand settles.

    Attributes:
        reason: which of the two.
        total: the declared stage total.
        groups: the groups concerned, by id.
    """

    reason: ImpossibleReason
    total: int
    groups: tuple[str, ...]


def group_shares(
    groups: Iterable[Group], total: int, draw_order: Sequence[str] = ()
) -> tuple[GroupShare, ...] | SharesImpossible:
    """Clauses 五(一), 五(二): divide the stage total over the groups; the lines come sorted by group id.

    The seats always sum to the total, or to all candidates if there are fewer. Of equal remainders the group with more
    applications goes first, then the one that stands first in `draw_order`.

    Raises:
        ValueError: two groups have the same id.
    """
    listed = sorted(groups, key=lambda group: group.id)
    ids = tuple(group.id for group in listed)
    if len(set(ids)) != len(ids):
        raise ValueError("two groups have the same id")
    if total < len(listed):
        return SharesImpossible(ImpossibleReason.TOO_FEW_SEATS, total, ids)

    seats = min(total, sum(group.size for group in listed))
    bounded = _bounded(listed, seats)
    open_seats = seats - sum(int(share) for share in bounded.values())
    further = _further_seats(listed, bounded, open_seats, tuple(draw_order))
    if isinstance(further, tuple):
        return SharesImpossible(ImpossibleReason.DRAW_MISSING, total, further)

    weight = sum(group.received for group in listed)
    return tuple(
        _line(group, Fraction(total * group.received, weight), bounded[group.id], further.get(group.id))
        for group in listed
    )


def _bounded(groups: Sequence[Group], seats: int) -> dict[str, Fraction]:
    """Give the shares in one common proportion, except where one-at-least or size-at-most binds.

    A bound that binds changes the proportion for the others, so that another may stop binding. Settling first the
    side that weighs more (seats added by the minimum against seats cut by the size) never has to be taken back.
    """
    settled: dict[str, Fraction] = {}
    free, left = list(groups), Fraction(seats)
    while True:
        weight = sum(group.received for group in free)
        plain = {group.id: left * group.received / weight for group in free}
        held = {group.id: min(max(plain[group.id], Fraction(1)), Fraction(group.size)) for group in free}
        added = sum(held.values(), Fraction(0)) - left
        if added == 0:
            return settled | held
        binding = {one: share for one, share in held.items() if (share - plain[one]) * added > 0}
        settled |= binding
        left -= sum(binding.values())
        free = [group for group in free if group.id not in binding]


def _further_seats(
    groups: Sequence[Group], bounded: dict[str, Fraction], open_seats: int, draw_order: tuple[str, ...]
) -> dict[str, tuple[int, ShareReason]] | tuple[str, ...]:
    """Hand the open seats to the largest remainders: {group: (0 or 1, why)}, or the groups that lack a draw.

    A group whose remainder is zero is not in the answer: the question did not arise for it.
    """
    drawn = {group: place for place, group in enumerate(draw_order)}

    def merit(group: Group) -> tuple[Fraction, int]:
        return -(bounded[group.id] % 1), -group.received

    queue = sorted(
        (group for group in groups if bounded[group.id] % 1),
        key=lambda group: (*merit(group), drawn.get(group.id, len(drawn))),
    )
    if not queue:
        return {}
    winner, loser = merit(queue[open_seats - 1]), merit(queue[open_seats])
    equal = tuple(group.id for group in queue if merit(group) == winner == loser)
    if any(group not in drawn for group in equal):
        return equal

    def why(place: int, group: Group) -> ShareReason:
        if group.id in equal:
            return ShareReason.DRAWN
        if merit(group)[0] == winner[0] == loser[0]:
            return ShareReason.LARGER_GROUP
        return ShareReason.LARGEST_REMAINDER if place < open_seats else ShareReason.SMALLER_REMAINDER

    return {group.id: (int(place < open_seats), why(place, group)) for place, group in enumerate(queue)}


def _line(group: Group, exact: Fraction, bounded: Fraction, further: tuple[int, ShareReason] | None) -> GroupShare:
    """Write one line of the table, with the reasons in the order in which they took effect."""
    reasons = []
    if bounded == 1 and exact < 1:
        reasons.append(ShareReason.AT_LEAST_ONE)
    elif bounded == group.size and exact > group.size:
        reasons.append(ShareReason.AT_MOST_SIZE)
    elif bounded != exact:
        reasons.append(ShareReason.REDISTRIBUTED)
    extra = 0
    if further is not None:
        extra = further[0]
        reasons.append(further[1])
    floor = int(bounded)
    return GroupShare(
        group.id, group.received, exact, bounded, floor, bounded - floor, extra, floor + extra, tuple(reasons)
    )
