"""What an audit finds: numbered checks, each with how much it looked at and every failure with its index."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger.procedure.reasons import Facts
from projections.audit.catalogue import OF_LOG, Check

__all__ = ["Check", "Failure", "Report"]

CLEAN, FINDINGS, CANNOT = range(3)


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that does not hold: at which entry or from which on, under which clause, and why.

    `place` is the file of an export that shows it, empty for a live log. `index` is -1 where no entry is concerned.
    """

    check: Check
    code: str
    index: int
    clause: str = ""
    facts: Facts = field(default_factory=dict)
    place: str = ""


@dataclass(slots=True)
class Report:
    """The outcome of an audit of `size` entries: how many things each check looked at, and all failures.

    A check looked at things, or it is `out_of_scope` because the audience does not get what it needs, or `skipped` with
    a reason, because nobody asked for it or there is nothing to look at, or `not_checked`, which says from which entry
    on it could not be made although it should. `hidden` counts what a check passed by because only hashes of it are
    public. `grades` counts ballots by how they came, `erased` evidence that is gone.
    """

    size: int = 0
    looked_at: dict[Check, int] = field(default_factory=lambda: dict.fromkeys(OF_LOG, 0))
    failures: list[Failure] = field(default_factory=list)
    not_checked: dict[Check, str] = field(default_factory=dict)
    root: bytes = b""
    out_of_scope: tuple[Check, ...] = ()
    skipped: dict[Check, str] = field(default_factory=dict)
    hidden: dict[Check, int] = field(default_factory=dict)
    grades: dict[str, int] = field(default_factory=dict)
    erased: int = 0
    origin: str = ""

    @classmethod
    def of(cls, checks: Iterable[Check]) -> "Report":
        """Begin a report of these checks."""
        return cls(looked_at=dict.fromkeys(checks, 0))

    @property
    def clean(self) -> bool:
        """Whether everything in scope was checked and held."""
        return not self.failures and not self.not_checked

    @property
    def exit_code(self) -> int:
        """0 clean in scope, 1 findings, 2 something that should be checked could not be."""
        if self.failures:
            return FINDINGS
        return CANNOT if self.not_checked else CLEAN

    @property
    def first_bad_index(self) -> int | None:
        """The first index at which anything does not hold; None if nothing fails at an entry."""
        return min((failure.index for failure in self.failures if failure.index >= 0), default=None)

    def fail(
        self, check: Check, code: str, index: int, clause: str = "", place: str = "", /, **facts: str | int
    ) -> None:
        """Add a failure."""
        self.failures.append(Failure(check, code, index, clause, dict(facts), place))
