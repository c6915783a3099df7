"""What follows from imported facts: sessions, final order, places, and where they differ from what happened."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger import canonical
from ledger.derived import Derivation
from ledger.import_checks import RowProblem
from ledger.outcome import Outcome
from ledger.procedure.counting import QuorumCheck
from ledger.procedure.vacancies import Filling, Holder


@dataclass(frozen=True, slots=True)
class Difference:
    """Where what happened differs from what the rules give: a code, its severity, the result it touches, facts."""

    code: str
    severity: str
    subject: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportedSession:
    """A session as it follows from the imported facts: its rounds, how it was derived, its quorums and its result."""

    stage: str
    group: str | None
    subject: str
    rounds: tuple[str, ...]
    derived: Derivation
    quorum: tuple[QuorumCheck, ...]
    outcome: Outcome


class Bounds(NamedTuple):
    """What the ballots of a round are held to: its list, and the most approvals."""

    listed: frozenset[str]
    most: int


@dataclass(frozen=True, slots=True)
class ImportedResult:
    """Everything that follows, or why nothing may: `problems` stop an import, `differences` are shown with it.

    `fillings` and `places` are empty without a nominees' round. `bounds`: what the ballots of each round are held to.
    """

    sessions: tuple[ImportedSession, ...]
    nominees: tuple[str, ...]
    alternates: tuple[str, ...]
    fillings: tuple[Filling, ...]
    places: tuple[Holder, ...]
    problems: tuple[RowProblem, ...]
    differences: tuple[Difference, ...]
    bounds: Mapping[str, Bounds]

    @property
    def results_hash(self) -> str:
        """The hash of all sessions' results."""
        return results_hash(session.outcome for session in self.sessions)

    def session(self, stage: str, group: str | None = None) -> ImportedSession | None:
        """Return the session of a stage and group."""
        return next((one for one in self.sessions if (one.stage, one.group) == (stage, group)), None)


def results_hash(outcomes: Iterable[Outcome]) -> str:
    """Return one hash over results: SHA-256 of the canonical list of [subject, root of the rows], by subject."""
    return canonical.digest(sorted([one.subject, one.rows_root] for one in outcomes))
