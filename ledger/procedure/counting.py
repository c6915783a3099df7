"""Counting named ballots (记名投票), way of counting `approvals@1`: clauses 五(一), 五(二), 五(三) and 五(五).

What one ballot adds to each candidate's line, whether the lines balance, and whether enough members took part.
Readings: `blank_policy`, `quorum`, `min_approval`. What a ballot may say is for `ballots`, who comes before whom for
`ranking`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import NamedTuple

COUNTING = "approvals@1"


class BalanceFault(StrEnum):
    """Which of the sums of a count does not come out."""

    ISSUED = "issued"
    RETURNED = "returned"
    LINE = "line"
    VOID = "void"


class MinApproval(StrEnum):
    """Reading `min_approval`: the least a candidate needs in order to be taken at all."""

    NONE = "none"
    MORE_THAN_HALF = "majority_of_valid"


@dataclass(frozen=True, slots=True)
class Ballot:
    """One member's ballot; a candidate in none of the three sets is blank. A void ballot (废票) keeps what it said.

    Raises:
        ValueError: one candidate stands in two of the sets.
    """

    member: str
    approve: frozenset[str]
    against: frozenset[str] = frozenset()
    abstain: frozenset[str] = frozenset()
    void: bool = False

    def __post_init__(self) -> None:
        """Refuse a ballot that says two things of one candidate."""
        if len(self.mentioned) < len(self.approve) + len(self.against) + len(self.abstain):
            raise ValueError("a ballot says one thing of each candidate")

    @property
    def mentioned(self) -> frozenset[str]:
        """Every candidate the ballot says something about."""
        return self.approve | self.against | self.abstain


@dataclass(frozen=True, slots=True)
class Tally:
    """One candidate's line of a count.

    Attributes:
        candidate: the candidate's id.
        approve, against, abstain, void: 赞成, 反对, 弃权 (blank lines included), 无效 (lines of void ballots).
        recused: ballots whose member is recused for this candidate; their line does not count.
        returned: ballots returned in the round.
    """

    candidate: str
    approve: int
    against: int
    abstain: int
    void: int
    recused: int
    returned: int

    @property
    def possible(self) -> int:
        """How many approvals the candidate could have had: ballots returned by members not recused."""
        return self.returned - self.recused

    @property
    def valid(self) -> int:
        """Ballots that say something valid about the candidate: approve, against and abstain."""
        return self.approve + self.against + self.abstain


@dataclass(frozen=True, slots=True)
class BalanceProblem:
    """A sum that does not come out: which, for whom (`None`: the round as a whole), expected and found."""

    fault: BalanceFault
    candidate: str | None
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class QuorumCheck:
    """For one candidate: members not recused, how many of them took part, and how many had to."""

    candidate: str
    members: int
    taking_part: int
    needed: int

    @property
    def met(self) -> bool:
        """Whether as many took part as had to."""
        return self.taking_part >= self.needed


def tally(
    candidates: Iterable[str], ballots: Iterable[Ballot], recusals: Mapping[str, AbstractSet[str]]
) -> tuple[Tally, ...]:
    """Clauses 五(一)–(五), reading `blank_policy`: count the ballots; one line a candidate, sorted by id.

    A blank line is an abstention, a void ballot a void line for everybody, a recused member's line nothing. Words on
    people who are not among `candidates` (removed since) count for nobody.

    Raises:
        ValueError: two ballots of one member.
    """
    counted = tuple(ballots)
    of_member = {ballot.member: ballot for ballot in counted}
    if len(of_member) != len(counted):
        raise ValueError("two ballots of one member")
    approve: Counter[str] = Counter()
    against: Counter[str] = Counter()
    for ballot in counted:
        if not ballot.void:
            approve.update(ballot.approve)
            against.update(ballot.against)
    void = sum(ballot.void for ballot in counted)
    lines = []
    for one in sorted(set(candidates)):
        recused = [of_member[member] for member in recusals.get(one, ()) if member in of_member]
        lines.append(_line(one, _Words(approve[one], against[one], void), recused, len(counted)))
    return tuple(lines)


class _Words(NamedTuple):
    """What all ballots say of one candidate; whatever says nothing else abstains."""

    approve: int
    against: int
    void: int


def _line(candidate: str, words: _Words, recused: Sequence[Ballot], returned: int) -> Tally:
    """Take what the ballots of recused members say out of one candidate's line."""
    approve = words.approve - sum(not one.void and candidate in one.approve for one in recused)
    against = words.against - sum(not one.void and candidate in one.against for one in recused)
    void = words.void - sum(one.void for one in recused)
    abstain = returned - len(recused) - approve - against - void
    return Tally(candidate, approve, against, abstain, void, len(recused), returned)


def balance_problems(
    tallies: Iterable[Tally], *, issued: int, returned: int, unreturned: int, void: int
) -> tuple[BalanceProblem, ...]:
    """Check a declared balance: issued = returned + unreturned, and each candidate's line adds up to what was returned.

    A line shows at most as many void lines as there are void ballots, and lacks only those of recused members.
    """
    found: list[BalanceProblem] = []
    if issued != returned + unreturned:
        found.append(BalanceProblem(BalanceFault.ISSUED, None, issued, returned + unreturned))
    for line in sorted(tallies, key=lambda line: line.candidate):
        total = line.valid + line.void + line.recused
        if line.returned != returned:
            found.append(BalanceProblem(BalanceFault.RETURNED, line.candidate, returned, line.returned))
        if total != returned:
            found.append(BalanceProblem(BalanceFault.LINE, line.candidate, returned, total))
        if not void - line.recused <= line.void <= void:
            found.append(BalanceProblem(BalanceFault.VOID, line.candidate, void, line.void))
    return tuple(found)


def quorum(members_not_recused: int, fraction: Fraction, floor: int) -> int:
    """Reading `quorum`: how many must take part: the fraction of those not recused, rounded up, at least the floor."""
    return max(floor, ceil(members_not_recused * fraction))


def quorum_checks(
    candidates: Iterable[str],
    members: AbstractSet[str],
    taking_part: AbstractSet[str],
    recusals: Mapping[str, AbstractSet[str]],
    fraction: Fraction,
    floor: int,
) -> tuple[QuorumCheck, ...]:
    """Reading `quorum`: check each candidate separately, since recusals differ; one line a candidate, sorted by id.

    Only members of the body count, whoever else took part.
    """
    checks = []
    for candidate in sorted(set(candidates)):
        entitled = frozenset(members) - frozenset(recusals.get(candidate, ()))
        needed = quorum(len(entitled), fraction, floor)
        checks.append(QuorumCheck(candidate, len(entitled), len(entitled & taking_part), needed))
    return tuple(checks)


def quorum_met(checks: Iterable[QuorumCheck]) -> bool:
    """Tell whether the quorum holds for every candidate."""
    return all(check.met for check in checks)


def reaches_minimum(line: Tally, reading: MinApproval) -> bool:
    """Reading `min_approval`: may this candidate be taken? No minimum, or more than half of the valid ballots."""
    return reading is MinApproval.NONE or line.approve * 2 > line.valid
