"""When a round may end, and whether enough took part: clauses 五(一)–(三), 五(五), reading `quorum`; disputes D11–D15.

The balance of ballots (发出、收回、未收回、废票) is stated by whoever closes and held against what is on record; the
lines of each candidate are checked in `counting`.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from ledger.procedure.counting import QuorumCheck, quorum_checks


class QuorumFault(StrEnum):
    """Why a quorum fails: too few came, or recusals leave too few for one candidate."""

    NO_QUORUM = "NO_QUORUM"
    LOST_BY_RECUSAL = "QUORUM_LOST_BY_RECUSAL"


@dataclass(frozen=True, slots=True)
class QuorumProblem:
    """The first candidate for whom the quorum fails, with the numbers."""

    fault: QuorumFault
    check: QuorumCheck


@dataclass(frozen=True, slots=True)
class Balance:
    """Ballots issued, returned, not returned, and how many of the returned are void."""

    issued: int
    returned: int
    unreturned: int
    void: int


def may_close_early(present: AbstractSet[str], voted: AbstractSet[str], consented: AbstractSet[str]) -> bool:
    """Dispute D15: before the scheduled end a round may close only if all present voted, or all present consent."""
    return present <= voted or present <= consented


def quorum_problem(
    candidates: Iterable[str],
    members: AbstractSet[str],
    taking_part: AbstractSet[str],
    recusals: Mapping[str, AbstractSet[str]],
    fraction: Fraction,
    floor: int,
) -> QuorumProblem | None:
    """Reading `quorum`: return the first candidate for whom too few take part, and why; `None` if there are enough.

    Where the same people would be enough if nobody were recused, it is the recusals that lose the quorum (dispute B10).
    """
    everybody = tuple(candidates)
    for check in quorum_checks(everybody, members, taking_part, recusals, fraction, floor):
        if not check.met:
            (plain,) = quorum_checks((check.candidate,), members, taking_part, {}, fraction, floor)
            return QuorumProblem(QuorumFault.LOST_BY_RECUSAL if plain.met else QuorumFault.NO_QUORUM, check)
    return None
