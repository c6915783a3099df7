"""Many counts of one vote decided at once: bit *i* of every number here stands for the *i*-th supposition.

A supposition is a set of ballots that are touched: removed, or changed. Counts are kept as columns of bits, so that one
addition or comparison of long integers does it for every supposition together; with twenty ballots that are all
1,048,576 sets. Ranking, keys, cut and readings are those of `ledger.procedure` (clauses five(一)–(三), five(五)), which
the tests hold this against, set by set.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TypeAlias

from ledger.procedure.counting import Ballot, MinApproval, reaches_minimum, tally
from ledger.procedure.cuts import Cut, cut
from ledger.procedure.ranking import Key, RecusalRanking, rank

Bits: TypeAlias = int
"""One truth value for every supposition."""
Column: TypeAlias = "list[Bits]"
"""One number for every supposition, its binary digits from low to high."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One ballot as it counts: the entry, the member, whom it approves, for whom the member is recused, 废票 or not."""

    entry: int
    member: str
    approve: frozenset[str]
    recused: frozenset[str] = frozenset()
    void: bool = False


@dataclass(frozen=True, slots=True)
class Contest:
    """A vote with everything its cut follows from.

    `candidates` are those who still stand, `keys` the ladder that settles equals. A changed ballot may approve of up to
    `max_approvals` candidates for whom its member is not recused.
    """

    candidates: tuple[str, ...]
    votes: tuple[Vote, ...]
    seats: int
    max_approvals: int
    keys: tuple[Key, ...] = ()
    reading: RecusalRanking = RecusalRanking.RAW
    least: MinApproval = MinApproval.NONE

    @property
    def cut(self) -> Cut:
        """Who is taken, left, or tied at the cut, by the rules themselves."""
        recusals = {
            one: frozenset(vote.member for vote in self.votes if one in vote.recused) for one in self.candidates
        }
        ballots = [Ballot(vote.member, vote.approve, void=vote.void) for vote in self.votes]
        lines = tally(self.candidates, ballots, recusals)
        reaching = [line for line in lines if reaches_minimum(line, self.least)]
        return cut(rank(reaching, self.keys, self.reading), self.seats)

    @property
    def shares_differ(self) -> bool:
        """Whether approvals are compared as shares of unequal possible approvals."""
        patterns = {frozenset(vote.recused & set(self.candidates)) for vote in self.votes}
        return self.reading is RecusalRanking.SHARE and patterns not in (set(), {frozenset()})

    @property
    def firm_keys(self) -> tuple[Key, ...]:
        """The keys that speak whoever is tied: those before the first that knows only some candidates."""
        everybody = set(self.candidates)
        partial = (0 < len(everybody & dict(key.values).keys()) < len(everybody) for key in self.keys)
        return self.keys[: next((place for place, knows_some in enumerate(partial) if knows_some), len(self.keys))]

    @property
    def partial_keys(self) -> bool:
        """Whether there is a key that knows only some candidates, so that what it says hangs on who else is tied."""
        return len(self.firm_keys) < len(self.keys)

    @property
    def plain(self) -> bool:
        """Whether approvals alone are compared, and nobody needs a least number of them."""
        return self.least is MinApproval.NONE and not self.shares_differ

    @property
    def touchable(self) -> tuple[int, ...]:
        """The places in `votes` of the ballots that can make a difference: void ones only where they lower shares."""
        return tuple(place for place, vote in enumerate(self.votes) if self.shares_differ or not vote.void)


@dataclass(frozen=True, slots=True)
class Suppositions:
    """Sets of touched ballots: for each ballot the suppositions that touch it, for each size those of that size."""

    width: int
    touched: tuple[Bits, ...]
    sizes: tuple[Bits, ...]

    @property
    def all(self) -> Bits:
        """True in every supposition."""
        return (1 << self.width) - 1

    def set_of(self, supposition: int) -> tuple[int, ...]:
        """Return the places of the ballots that a supposition touches."""
        return tuple(place for place, bits in enumerate(self.touched) if bits >> supposition & 1)


def every_set(votes: int, touchable: Sequence[int]) -> Suppositions:
    """Return all sets of touchable ballots: two to the power of their number."""
    width = 1 << len(touchable)
    everything = (1 << width) - 1
    touched = [0] * votes
    size: Column = []
    for number, place in enumerate(touchable):
        touched[place] = _digit(number, width)
        _increase(size, touched[place])
    sizes = tuple(_is(size, count, everything) for count in range(len(touchable) + 1))
    return Suppositions(width, tuple(touched), sizes)


def single_sets(votes: int) -> Suppositions:
    """Return the sets of one ballot each, the i-th touching the i-th."""
    return Suppositions(votes, tuple(1 << place for place in range(votes)), (0, (1 << votes) - 1))


def first_sets(votes: int, order: Sequence[int]) -> Suppositions:
    """Return the sets of the first none, one, two … ballots in this order."""
    width = len(order) + 1
    touched = [0] * votes
    for number, place in enumerate(order):
        touched[place] = (1 << width) - (1 << (number + 1))
    return Suppositions(width, tuple(touched), tuple(1 << size for size in range(width)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """In which suppositions a candidate is certainly taken, and in which nobody could say without a run-off.

    `perhaps_taken`, `perhaps_left`: in which a better or worse end cannot be ruled out, however ties may fall.
    """

    taken: Bits
    opened: Bits
    left: Bits
    perhaps_taken: Bits
    perhaps_left: Bits


@dataclass(frozen=True, slots=True)
class _Line:
    """A candidate's approvals, possible approvals and valid ballots in every supposition."""

    approve: Column
    possible: Column
    valid: Column


class Counted:
    """A contest counted under all suppositions, with the touched ballots removed, or changed as suits best."""

    def __init__(self, contest: Contest, suppositions: Suppositions) -> None:
        """Count every line; nothing is compared yet."""
        self._contest, self._all = contest, suppositions.all
        self._removed: dict[str, _Line] = {}
        self._dropped: dict[str, _Line] = {}
        self._raised: dict[str, _Line] = {}
        self._weighed = contest.shares_differ
        votes = tuple(zip(contest.votes, suppositions.touched, strict=True))
        for candidate in contest.candidates:
            own = [(vote, bits) for vote, bits in votes if candidate not in vote.recused]
            valid = [(vote, bits) for vote, bits in own if not vote.void]
            kept = self._kept(bits for vote, bits in valid if candidate in vote.approve)
            fixed = self._constant(len(own)), self._constant(len(valid))
            self._removed[candidate] = _Line(kept, self._kept(bits for _, bits in own), self._kept(b for _, b in valid))
            self._dropped[candidate] = _Line(kept, *fixed)
            self._raised[candidate] = _Line(self._plus(kept, [bits for _, bits in valid]), *fixed)

    def removed(self, candidate: str) -> Verdict:
        """Judge a candidate with the touched ballots removed."""
        return self._judge(candidate, self._removed[candidate], self._removed)

    def at_best(self, candidate: str) -> Verdict:
        """Judge a candidate with every touched ballot changed to approve of nobody else."""
        return self._judge(candidate, self._raised[candidate], self._dropped)

    def at_worst(self, candidate: str) -> Verdict:
        """Judge a candidate with every touched ballot changed to approve of whoever can get ahead instead.

        As many have to get ahead as there are seats, and where a ballot may approve of that many it approves of all.
        """
        return self._judge(candidate, self._dropped[candidate], self._raised)

    def _kept(self, touched: Iterable[Bits]) -> Column:
        """Count the ballots of each supposition that are not touched."""
        column: Column = []
        untouched = 0
        for bits in touched:
            if bits:
                _increase(column, self._all ^ bits)
            else:
                untouched += 1
        return _sum(column, self._constant(untouched))

    def _plus(self, column: Column, more: Iterable[Bits]) -> Column:
        raised = list(column)
        for bits in more:
            _increase(raised, bits)
        return raised

    def _constant(self, value: int) -> Column:
        return [self._all if value >> digit & 1 else 0 for digit in range(value.bit_length())]

    def _judge(self, candidate: str, own: _Line, others: Mapping[str, _Line]) -> Verdict:
        reached = self._reaches(own)
        ahead, equal = {}, {}
        for other in self._contest.candidates:
            if other != candidate:
                standing = self._reaches(others[other])
                greater, same = self._compare(others[other], own)
                ahead[other], equal[other] = greater & standing, same & standing
        seats, firm = self._contest.seats, self._contest.firm_keys
        self._settle(candidate, firm, ahead, equal)
        # However the other keys may fall: those before are before, those still equal may be.
        certain = _at_least(_count(ahead.values()), seats, self._all)
        at_most = _at_least(_count(ahead[other] | equal[other] for other in ahead), seats, self._all)
        self._settle(candidate, self._contest.keys[len(firm) :], ahead, equal)
        left = _at_least(_count(ahead.values()), seats, self._all) | (self._all ^ reached)
        beaten_or_tied = _at_least(_count(ahead[other] | equal[other] for other in ahead), seats, self._all)
        taken = reached & (self._all ^ beaten_or_tied)
        return Verdict(
            taken,
            self._all ^ taken ^ left,
            left,
            perhaps_taken=reached & (self._all ^ certain),
            perhaps_left=at_most | (self._all ^ reached),
        )

    def _settle(self, candidate: str, keys: Iterable[Key], ahead: dict[str, Bits], equal: dict[str, Bits]) -> None:
        """Ask the keys in order about those equal to the candidate; a key that lacks one of them says nothing."""
        for key in keys:
            known = dict(key.values)
            if candidate not in known:
                continue
            silent = reduce(or_, (bits for other, bits in equal.items() if other not in known), 0)
            for other, level in equal.items():
                if other in known and known[other] != known[candidate]:
                    if known[other] > known[candidate]:
                        ahead[other] |= level & (self._all ^ silent)
                    equal[other] = level & silent

    def _reaches(self, line: _Line) -> Bits:
        if self._contest.least is MinApproval.NONE:
            return self._all
        return _compare([0, *line.approve], line.valid, self._all)[0]

    def _compare(self, one: _Line, other: _Line) -> tuple[Bits, Bits]:
        """Return where one line has more than the other, and where they are equal, by the reading of recusals."""
        if not self._weighed:
            return _compare(one.approve, other.approve, self._all)
        weighed = (
            _product(one.approve, self._or_one(other.possible)),
            _product(other.approve, self._or_one(one.possible)),
        )
        return _compare(*weighed, self._all)

    def _or_one(self, column: Column) -> Column:
        """Of no possible approvals the share is nothing, as if there were one."""
        none = self._all ^ reduce(or_, column, 0)
        return [(column[0] if column else 0) | none, *column[1:]]


def _digit(number: int, width: int) -> Bits:
    """Return the suppositions whose own index has this binary digit: runs of 2^number zeros and as many ones."""
    run = 1 << number
    bits, length = ((1 << run) - 1) << run, 2 * run
    while length < width:
        bits, length = bits | bits << length, 2 * length
    return bits


def _increase(column: Column, bits: Bits) -> None:
    """Add one where `bits` is true."""
    for digit, old in enumerate(column):
        column[digit], bits = old ^ bits, old & bits
        if not bits:
            return
    if bits:
        column.append(bits)


def _count(truths: Iterable[Bits]) -> Column:
    column: Column = []
    for bits in truths:
        _increase(column, bits)
    return column


def _digits(one: Column, other: Column) -> list[tuple[Bits, Bits]]:
    length = max(len(one), len(other))
    return list(zip(one + [0] * (length - len(one)), other + [0] * (length - len(other)), strict=True))


def _sum(one: Column, other: Column) -> Column:
    total, carry = [], 0
    for first, second in _digits(one, other):
        total.append(first ^ second ^ carry)
        carry = first & second | carry & (first ^ second)
    return [*total, carry] if carry else total


def _product(one: Column, other: Column) -> Column:
    total: Column = []
    for digit, bits in enumerate(other):
        total = _sum(total, [0] * digit + [bits & each for each in one])
    return total


def _compare(one: Column, other: Column, everything: Bits) -> tuple[Bits, Bits]:
    """Return where the first number is the greater, and where both are equal."""
    greater, equal = 0, everything
    for first, second in reversed(_digits(one, other)):
        differs = first ^ second
        greater |= equal & differs & first
        equal &= everything ^ differs
    return greater, equal


def _at_least(column: Column, value: int, everything: Bits) -> Bits:
    constant = [everything if value >> digit & 1 else 0 for digit in range(value.bit_length())]
    greater, equal = _compare(column, constant, everything)
    return greater | equal


def _is(column: Column, value: int, everything: Bits) -> Bits:
    constant = [everything if value >> digit & 1 else 0 for digit in range(value.bit_length())]
    return _compare(column, constant, everything)[1]
