"""Inspection, proposed list, deliberation by name, vacancies (five(六)); the same named vote serves ties, objections and approval."""

from dataclasses import dataclass

from ledger.statements.fields import Digest, Id, Text
from ledger.statements.kinds import kind


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
    """A member of a deciding group votes by name. `matter` is `proposal:…`, `objection:…`, `approval:…` or `tie:…`."""

    matter: Id
    voices: tuple[Voice, ...]


@kind("deliberation.closed")
@dataclass(frozen=True, slots=True)
class DeliberationClosed:
    """The named vote on a matter ends, with its minutes; the outcome is derived."""

    matter: Id
    minutes: Digest


@kind("vacancy.filled")
@dataclass(frozen=True, slots=True)
class VacancyFilled:
    """The next alternate moves up. No name is needed; a name that is not the next one's is refused (`NOT_NEXT_ALTERNATE`)."""

    candidate: Id | None
    vacated_by: Id


@kind("seat.left_vacant")
@dataclass(frozen=True, slots=True)
class SeatLeftVacant:
    """A place stays empty, on the record, because no alternate is left."""

    reason: Text
    vacated_by: Id
