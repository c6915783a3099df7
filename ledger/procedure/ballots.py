"""What a ballot of a round may say, and the hash of the list it is cast on: clauses 五(一)–(三), 五(五).

Reading `max_approvals`. Every ballot is held against these rules before it is taken, so they stop at the first fault.
What a ballot that was taken adds to each candidate's line is for `counting`.
"""

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256


class BallotFault(StrEnum):
    """Why a ballot cannot be taken as it is."""

    OVERVOTE = "OVERVOTE"
    DUPLICATE_CHOICE = "DUPLICATE_CHOICE"
    UNKNOWN_CANDIDATE = "UNKNOWN_CANDIDATE"
    RECUSED = "RECUSED"


@dataclass(frozen=True, slots=True)
class BallotProblem:
    """One fault of a ballot: of a candidate, or (over-vote) of the ballot as a whole with its number of approvals."""

    fault: BallotFault
    candidate: str | None = None
    approvals: int = 0


def list_hash(
    round_id: str, stage: str, group: str | None, candidates: Sequence[str], seats: int, max_approvals: int
) -> str:
    """Hash the frozen list that a ballot is cast on: SHA-256 over its canonical JSON, in hexadecimal.

    The order of the candidates counts. Another round, or the same people in another round, has another hash, so that
    a signed ballot fits exactly one list.
    """
    value = {
        "candidates": list(candidates),
        "group": group,
        "max_approvals": max_approvals,
        "round": round_id,
        "seats": seats,
        "stage": stage,
    }
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def first_problem(
    approve: Sequence[str],
    against: Sequence[str],
    abstain: Sequence[str],
    candidates: AbstractSet[str],
    recused_from: AbstractSet[str],
    max_approvals: int,
) -> BallotProblem | None:
    """Clauses 五(一)–(五), reading `max_approvals`: say what is wrong with a ballot first; `None`: it can be taken.

    Too many approvals; two words on one candidate; a word on someone who does not stand in this round, or on a
    candidate for whom the member is recused (`recused_from`).
    """
    if len(approve) > max_approvals:
        return BallotProblem(BallotFault.OVERVOTE, None, len(approve))
    mentioned = {*approve, *against, *abstain}
    if len(mentioned) != len(approve) + len(against) + len(abstain):
        return BallotProblem(BallotFault.DUPLICATE_CHOICE, _twice((*approve, *against, *abstain)))
    if not mentioned <= candidates:
        return BallotProblem(BallotFault.UNKNOWN_CANDIDATE, min(mentioned - candidates))
    if recused_from and not mentioned.isdisjoint(recused_from):
        return BallotProblem(BallotFault.RECUSED, min(mentioned & recused_from))
    return None


def _twice(mentioned: Sequence[str]) -> str:
    """Return the first of those that are mentioned more than once, by id."""
    return min(one for one in mentioned if mentioned.count(one) > 1)
