"""What an audit finds: numbered checks, each with how much it looked at and every failure with its index."""

from dataclasses import dataclass, field
from enum import StrEnum

from ledger.procedure.reasons import Facts


class Check(StrEnum):
    """The checks, in the order of the report."""

    FORM = "1 form"
    ORDER = "2 order"
    IDENTITY = "3 identity"
    TREE = "4 tree"
    CHECKPOINTS = "5 checkpoints"
    PIN = "6 pin"
    SIGNATURES = "7 signatures"
    SEEN = "8 seen"
    DECISIONS = "9 decisions"


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that does not hold: at which entry or from which on, under which clause, and why."""

    check: Check
    code: str
    index: int
    clause: str = ""
    facts: Facts = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """The outcome of an audit of `size` entries: how many things each check looked at, and all failures.

    `not_checked` says from which entry on a check could not be made, because an earlier entry is missing or unreadable.
    """

    size: int = 0
    looked_at: dict[Check, int] = field(default_factory=lambda: dict.fromkeys(Check, 0))
    failures: list[Failure] = field(default_factory=list)
    not_checked: dict[Check, str] = field(default_factory=dict)
    root: bytes = b""

    @property
    def clean(self) -> bool:
        """Whether everything was checked and held."""
        return not self.failures and not self.not_checked

    @property
    def first_bad_index(self) -> int | None:
        """The first index at which anything does not hold."""
        return min((failure.index for failure in self.failures), default=None)

    def fail(self, check: Check, code: str, index: int, clause: str = "", /, **facts: str | int) -> None:
        """Add a failure."""
        self.failures.append(Failure(check, code, index, clause, dict(facts)))
