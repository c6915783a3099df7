"""Totals of a public channel: clause 五(四), reading `public_totals`. Every candidate once, and nobody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class TotalsFault(StrEnum):
    """Why a channel's totals are not those of the poll (`TOTALS_INVALID`)."""

    UNKNOWN = "unknown_candidate"
    TWICE = "twice"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class TotalsProblem:
    """One fault, and the candidate concerned."""

    fault: TotalsFault
    candidate: str


def totals_problem(given: Sequence[str], candidates: Sequence[str]) -> TotalsProblem | None:
    """Clause 五(四): say what is first wrong with whom totals are given for; `None` if they are whole."""
    for candidate in sorted(given):
        if candidate not in candidates:
            return TotalsProblem(TotalsFault.UNKNOWN, candidate)
        if given.count(candidate) > 1:
            return TotalsProblem(TotalsFault.TWICE, candidate)
    missing = sorted(set(candidates) - set(given))
    return TotalsProblem(TotalsFault.MISSING, missing[0]) if missing else None
