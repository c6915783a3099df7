"""The books of one programme: what every fold writes into, and everything derived is derived from.

Books know no fold and no rule. What takes an entry into them is `ledger.selection`.
"""

from dataclasses import dataclass, field

from ledger.procedure.acts import ActRule
from ledger.procedure.vacancies import DropOut
from ledger.roll import Roll
from ledger.state.application_book import Applications
from ledger.state.body_book import Bodies
from ledger.state.charter_book import Charter
from ledger.state.deliberation_book import Deliberation
from ledger.state.evidence_book import Evidence
from ledger.state.finding_book import Findings
from ledger.state.import_book import Imports
from ledger.state.log_book import Log
from ledger.state.naming_book import Naming
from ledger.state.notice_book import Notices
from ledger.state.poll_book import Polls
from ledger.state.rounds import Rounds
from ledger.statements import Act


@dataclass(frozen=True, slots=True)
class Out:
    """A person dropped out by entry `index`, for this cause, while the stage `stage` was open (or none).

    `also` holds what would have taken them out later, in the order of the entries.
    """

    cause: DropOut
    index: int
    stage: str | None
    also: "tuple[Out, ...]" = ()

    @property
    def causes(self) -> tuple[DropOut, ...]:
        """Every cause, the one that stands first."""
        return (self.cause, *(one.cause for one in self.also))


@dataclass(slots=True)
class Pending:
    """An act that waits for further signers: who has signed, how many are still needed, and which sponsors have."""

    act: Act
    rule: ActRule
    needs: int
    signers: list[str] = field(default_factory=list)
    offices: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Books:
    """Everything known of one programme after `size` entries. `at` is the time of the last entry."""

    size: int = 0
    at: int = 0
    sealed: Charter | None = None
    log: Log = field(default_factory=Log)
    roll: Roll = field(default_factory=Roll)
    findings: Findings = field(default_factory=Findings)
    out: dict[str, Out] = field(default_factory=dict)
    pending: dict[int, Pending] = field(default_factory=dict)
    applications: Applications = field(default_factory=Applications)
    bodies: Bodies = field(default_factory=Bodies)
    rounds: Rounds = field(default_factory=Rounds)
    polls: Polls = field(default_factory=Polls)
    deliberation: Deliberation = field(default_factory=Deliberation)
    notices: Notices = field(default_factory=Notices)
    naming: Naming = field(default_factory=Naming)
    imports: Imports = field(default_factory=Imports)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    deciding: dict[str, int] = field(default_factory=dict)

    @property
    def charter(self) -> Charter:
        """The charter in force; only entry 0 is decided without one."""
        if self.sealed is None:
            raise LookupError("no charter")
        return self.sealed
