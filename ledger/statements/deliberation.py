"""Inspection, proposed list, named votes and vacancies (five(六)).

The same named vote serves ties, objections and the approval.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from ledger.statements.fields import Digest, Id, Pattern, Text
from ledger.statements.kinds import kind

MatterId: TypeAlias = Annotated[str, Pattern(r"(?:proposal|objection|approval|tie):[a-z0-9][a-z0-9:._-]{0,95}")]
"""What is voted on: `proposal:<entry>`, `objection:<id>`, `approval:<submission>` or `tie:<round>`."""


@kind("inspection.reported")
@dataclass(frozen=True, slots=True)
class InspectionReported:
    """An inspector's report on one nominee, work at the front line included."""

    candidate: Id
    front_line: Text
    passed: bool
    reason: Text
    report: Digest


@kind("candidates.proposed")
@dataclass(frozen=True, slots=True)
class CandidatesProposed:
    """市总工会 proposes the candidate list; it must be what nominees, inspections and vacancies give."""

    candidates: tuple[Id, ...]
    list_hash: Digest


@dataclass(frozen=True, slots=True)
class Voice:
    """One voter's yes or no on one subject of a matter; a no needs its reason."""

    agree: bool
    reason: Text | None
    subject: Id


@kind("deliberation.voted")
@dataclass(frozen=True, slots=True)
class DeliberationVoted:
    """A member of a deciding group votes by name on every subject of a matter.

    The subjects are the candidates, or for an approval the submission itself. On an objection, a yes sustains it.
    """

    matter: MatterId
    voices: tuple[Voice, ...]


@kind("deliberation.closed")
@dataclass(frozen=True, slots=True)
class DeliberationClosed:
    """The named vote on a proposal, an objection or a tie ends, with its minutes; the outcome is derived."""

    matter: MatterId
    minutes: Digest


@kind("vacancy.filled")
@dataclass(frozen=True, slots=True)
class VacancyFilled:
    """The next alternate moves up; who that is, is derived.

    No name is needed: a `candidate` who is not the next one is refused (`NOT_NEXT_ALTERNATE`), and so is the claim that
    somebody who still stands may be `passed_over` (`ALTERNATE_SKIPPED`).
    """

    candidate: Id | None
    passed_over: tuple[Id, ...]
    vacated_by: Id


@kind("seat.left_vacant")
@dataclass(frozen=True, slots=True)
class SeatLeftVacant:
    """A place stays empty, on the record, because no alternate is left."""

    reason: Text
    vacated_by: Id
