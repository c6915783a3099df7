"""The search for margins in one vote: every set of ballots where they are few, else bounds from below and above.

Clauses five(一)–(三), five(五). A touched ballot is removed, or changed as suits one candidate best: to unseat X it
approves of those who get ahead instead, to seat Y of Y alone. So one set of ballots has one best change, and counting
every set is enough. Two things can spoil that, and give bounds instead: a ballot that may not approve of as many as
have to get ahead, and a run-off, which speaks only while nobody else is tied.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from operator import or_

from projections.margin_bounds import Bounds, Goal
from projections.suppositions import Bits, Contest, Counted, Suppositions, every_set, first_sets, single_sets

EXACT_UP_TO = 20


class Touch(StrEnum):
    """What is done with the ballots of a set."""

    REMOVAL = "removal"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Margin:
    """How many ballots it takes: at least `lower`, at most `upper` (None: no set is known that does it).

    `entries` are the ballots of one such set of `upper`; `sets` is how many sets of that size do it, where all were
    counted.
    """

    lower: int
    upper: int | None
    entries: tuple[int, ...] = ()
    sets: int | None = None

    @property
    def label(self) -> str:
        """`exact` where the bounds meet, `lower` where there is no upper one, else `bounds`."""
        return "lower" if self.upper is None else "exact" if self.lower == self.upper else "bounds"


@dataclass(frozen=True, slots=True)
class Margins:
    """The fewest ballots that change it for certain, and, if fewer, that open it; None: no number of ballots does."""

    changes: Margin | None
    opens: Margin | None


@dataclass(frozen=True, slots=True)
class Decisive:
    """One ballot that alone decides: touched so, it changes for certain, or opens, the seats of these candidates."""

    entry: int
    member: str
    touch: Touch
    changes: tuple[str, ...]
    opens: tuple[str, ...]


def search(contest: Contest, exact_up_to: int = EXACT_UP_TO) -> "Exactly | Bounded":
    """Return the search that fits the number of ballots; the vote must not be tied at the cut."""
    return Exactly(contest) if len(contest.touchable) <= exact_up_to else Bounded(contest)


@dataclass(frozen=True, slots=True)
class _Effect:
    """Where one candidate's seat changes for certain, where it at least opens, and where neither can be ruled out."""

    changes: Bits
    opens: Bits
    perhaps_changes: Bits
    perhaps_opens: Bits

    def __or__(self, other: "_Effect") -> "_Effect":
        return _Effect(
            self.changes | other.changes,
            self.opens | other.opens,
            self.perhaps_changes | other.perhaps_changes,
            self.perhaps_opens | other.perhaps_opens,
        )


_NOTHING = _Effect(0, 0, 0, 0)


def _effect(contest: Contest, counted: Counted, candidate: str, taken: bool, touch: Touch) -> _Effect:
    """Return what the suppositions do to one candidate's seat, each changed ballot changed as suits that best."""
    if touch is Touch.REMOVAL:
        verdict = counted.removed(candidate)
    else:
        verdict = counted.at_worst(candidate) if taken else counted.at_best(candidate)
    changes = verdict.left if taken else verdict.taken
    opens = changes | verdict.opened
    if touch is Touch.REMOVAL:
        return _Effect(changes, opens, changes, opens)
    if taken and contest.max_approvals < contest.seats:
        # A ballot cannot approve of all who have to get ahead: what it was counted with is more than it may say.
        return _Effect(0, 0, verdict.perhaps_left, verdict.perhaps_left)
    if contest.partial_keys:
        # A run-off speaks only while nobody else is tied: what suits one best may then be to leave another ahead.
        perhaps = verdict.perhaps_left if taken else verdict.perhaps_taken
        return _Effect(changes, opens, perhaps, perhaps)
    return _Effect(changes, opens, changes, opens)


def _fewer(changes: Margin | None, opens: Margin | None) -> Margins:
    """Opening is worth saying only where it takes fewer ballots, or may."""
    same = changes is not None and opens is not None and (changes.lower, changes.upper) == (opens.lower, opens.upper)
    return Margins(changes, None if same else opens)


class Exactly:
    """Every set of ballots counted."""

    def __init__(self, contest: Contest) -> None:
        self.taken = frozenset(contest.cut.taken)
        self._contest = contest
        self._sets = every_set(len(contest.votes), contest.touchable)
        counted = Counted(contest, self._sets)
        self._effects = {
            (one, touch): _effect(contest, counted, one, one in self.taken, touch)
            for one in contest.candidates
            for touch in Touch
        }

    def of(self, candidate: str, touch: Touch) -> Margins:
        """Return what it takes to unseat the candidate, or to seat one who is left."""
        return self._margins(self._effects[candidate, touch])

    def whole(self, touch: Touch) -> Margins:
        """Return what it takes to alter who is taken at all."""
        return self._margins(reduce(or_, (self._effects[one, touch] for one in self._contest.candidates), _NOTHING))

    def _margins(self, effect: _Effect) -> Margins:
        return _fewer(
            self._margin(effect.changes, effect.perhaps_changes), self._margin(effect.opens, effect.perhaps_opens)
        )

    def _margin(self, found: Bits, perhaps: Bits) -> Margin | None:
        lower, upper = _least(perhaps, self._sets), _least(found, self._sets)
        if lower is None:
            return None
        if upper is None:
            return Margin(lower, None)
        entries, sets = _witness(self._contest, self._sets, found & self._sets.sizes[upper])
        return Margin(lower, upper, entries, sets if lower == upper else None)


class Bounded:
    """Bounds: from below by pairs of candidates, from above by the first ballots of a promising order."""

    def __init__(self, contest: Contest) -> None:
        self.taken = frozenset(contest.cut.taken)
        self._contest, self._bounds = contest, Bounds(contest)

    def of(self, candidate: str, touch: Touch) -> Margins:
        """Return what it takes to unseat the candidate, or to seat one who is left."""
        return _fewer(*(self._margin(candidate, touch, or_open) for or_open in (False, True)))

    def whole(self, touch: Touch) -> Margins:
        """Return what it takes to alter who is taken at all."""
        return _fewer(*(self._whole(touch, or_open) for or_open in (False, True)))

    def _margin(self, candidate: str, touch: Touch, or_open: bool) -> Margin | None:
        goal = Goal(candidate, candidate in self.taken, touch is Touch.CHANGE, or_open)
        lower = self._bounds.fewest(goal)
        if lower is None:
            return None
        upper, entries = self._try([candidate], self._bounds.order(goal), touch, or_open)
        return Margin(lower, upper, entries)

    def _whole(self, touch: Touch, or_open: bool) -> Margin | None:
        lower, order = self._bounds.cheapest_pair(self.taken, touch is Touch.CHANGE, or_open)
        if lower is None:
            return None
        tried = [self._try(self._contest.candidates, order, touch, or_open)]
        for one in self._contest.candidates:
            margin = self._margin(one, touch, or_open)
            tried.append((margin.upper, margin.entries) if margin else (None, ()))
        known = [(upper, entries) for upper, entries in tried if upper is not None]
        upper, entries = min(known, key=lambda found: found[0], default=(None, ()))
        return Margin(lower, upper, entries)

    def _try(
        self, candidates: Iterable[str], order: Sequence[int], touch: Touch, or_open: bool
    ) -> tuple[int | None, tuple[int, ...]]:
        """Touch the first ballots of the order, one more each time, until the seat of one of these is affected."""
        sets = first_sets(len(self._contest.votes), order)
        counted = Counted(self._contest, sets)
        effects = (_effect(self._contest, counted, one, one in self.taken, touch) for one in candidates)
        effect = reduce(or_, effects, _NOTHING)
        found = effect.opens if or_open else effect.changes
        upper = _least(found, sets)
        if upper is None:
            return None, ()
        return upper, _witness(self._contest, sets, found & sets.sizes[upper])[0]


def _least(found: Bits, sets: Suppositions) -> int | None:
    """Return the size of the smallest set found; with no ballot touched everything is as it was."""
    return next((size for size, of_size in enumerate(sets.sizes) if size and found & of_size), None)


def _witness(contest: Contest, sets: Suppositions, found: Bits) -> tuple[tuple[int, ...], int]:
    """Return the entries of the first set found, and how many there are."""
    first = (found & -found).bit_length() - 1
    return tuple(sorted(contest.votes[place].entry for place in sets.set_of(first))), found.bit_count()


def decisive(contest: Contest, taken: frozenset[str]) -> tuple[Decisive, ...]:
    """Return the ballots that alone change or open a seat, in the order of their entries."""
    counted = Counted(contest, single_sets(len(contest.votes)))
    effects = {
        (one, touch): _effect(contest, counted, one, one in taken, touch)
        for one in contest.candidates
        for touch in Touch
    }
    found = []
    for place, vote in enumerate(contest.votes):
        for touch in Touch:
            hit = {one: effects[one, touch] for one in contest.candidates if effects[one, touch].opens >> place & 1}
            changes = tuple(one for one, effect in hit.items() if effect.changes >> place & 1)
            if hit:
                opens = tuple(one for one in hit if one not in changes)
                found.append(Decisive(vote.entry, vote.member, touch, changes, opens))
    return tuple(found)
