"""Counting ballots one at a time, way of counting `approvals@1`: clauses 五(一)–(五), for votes too many to keep.

It gives the lines that `counting.tally` gives of the same ballots, in any order, and remembers of each ballot only what
it added: words by candidate, how many were void, and how many approvals ballots had (for the bound that is known only
once the list is).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from ledger.procedure.counting import Tally


class RunningCount:
    """The lines of a round so far. Whoever adds a ballot has held it against the rules (`ballots.first_problem`)."""

    __slots__ = ("abstain", "against", "approve", "recused", "returned", "sizes", "void", "void_recused")

    def __init__(self) -> None:
        """Start without a ballot."""
        self.returned = self.void = 0
        self.approve: Counter[str] = Counter()
        self.against: Counter[str] = Counter()
        self.abstain: Counter[str] = Counter()
        self.recused: Counter[str] = Counter()
        self.void_recused: Counter[str] = Counter()
        self.sizes: Counter[int] = Counter()

    def add(
        self,
        approve: Sequence[str],
        against: Sequence[str],
        abstain: Sequence[str],
        recused_from: AbstractSet[str] = frozenset(),
    ) -> None:
        """Add a valid ballot; its member is recused from `recused_from`."""
        self.returned += 1
        self.sizes[len(approve)] += 1
        self.approve.update(approve)
        self.against.update(against)
        self.abstain.update(abstain)
        self.recused.update(recused_from)

    def add_void(self, recused_from: AbstractSet[str] = frozenset()) -> None:
        """Add a void ballot (废票): a void line for everybody but those its member is recused from."""
        self.returned += 1
        self.void += 1
        self.recused.update(recused_from)
        self.void_recused.update(recused_from)

    @property
    def mentioned(self) -> frozenset[str]:
        """Everybody whom a valid ballot says something about."""
        return frozenset((*self.approve, *self.against, *self.abstain))

    @property
    def most_approvals(self) -> int:
        """The most approvals that any valid ballot has; 0 without ballots."""
        return max(self.sizes, default=0)

    def lines(self, candidates: Iterable[str]) -> tuple[Tally, ...]:
        """Clauses 五(一)–(五), reading `blank_policy`: the lines of these candidates, sorted by id."""
        return tuple(self._line(candidate) for candidate in sorted(set(candidates)))

    def _line(self, candidate: str) -> Tally:
        approve, against, recused = self.approve[candidate], self.against[candidate], self.recused[candidate]
        void = self.void - self.void_recused[candidate]
        abstain = self.returned - recused - void - approve - against
        return Tally(candidate, approve, against, abstain, void, recused, self.returned)
