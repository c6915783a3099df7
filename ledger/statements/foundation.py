"""Charter, endorsement, calendar, amendment, extension, stages, and agreeing to another's act."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.statements.fields import Base64, Count, Day, Digest, Id, Instant, Text
from ledger.statements.kinds import kind


@dataclass(frozen=True, slots=True)
class Founder:
    """A founding office-holder: `office` is an id of the programme, `public_key` raw Ed25519 in base64."""

    office: Id
    person: Id
    public_key: Base64
    role: Id


@kind("charter.sealed")
@dataclass(frozen=True, slots=True)
class CharterSealed:
    """Entry 0: the programme's full value, the log's identity and key, the founding keys. By the organiser."""

    founders: tuple[Founder, ...]
    log_key: Text
    origin: Text
    programme: Mapping[str, Any]
    programme_hash: Digest
    rehearsal: bool


@kind("charter.endorsed")
@dataclass(frozen=True, slots=True)
class CharterEndorsed:
    """A sponsor agrees to the charter, named by its leaf hash; until all have, nothing else is admitted."""

    leaf: Digest


@kind("calendar.recorded")
@dataclass(frozen=True, slots=True)
class CalendarRecorded:
    """The working-day calendar of a year: weekdays that are holidays (`off`), weekend days that are worked (`on`)."""

    off: tuple[Day, ...]
    on: tuple[Day, ...]
    source: Text
    year: Count


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where an amended programme differs; values as canonical JSON text, `-` where there was or is none."""

    after: Text
    before: Text
    path: Text


@kind("programme.amended")
@dataclass(frozen=True, slots=True)
class ProgrammeAmended:
    """A new version of the programme for stages not yet begun, with its derived difference.

    Effective when all sponsors have signed.
    """

    difference: tuple[Difference, ...]
    programme: Mapping[str, Any]
    reason: Text


@kind("deadline.extended")
@dataclass(frozen=True, slots=True)
class DeadlineExtended:
    """A general extension before the old deadline ends, signed by all sponsors.

    `only_for` must be empty (`SCOPE_NOT_GENERAL`).
    """

    closes_at: Instant
    only_for: Id | None
    published: Digest
    reason: Text
    stage: Id


@kind("selection.suspended")
@dataclass(frozen=True, slots=True)
class SelectionSuspended:
    """The selection rests (epidemic, outage), with reason and evidence."""

    evidence: Digest
    reason: Text


@kind("selection.resumed")
@dataclass(frozen=True, slots=True)
class SelectionResumed:
    """The selection goes on, with reason."""

    reason: Text


@kind("name.corrected")
@dataclass(frozen=True, slots=True)
class NameCorrected:
    """The non-material correction of a misspelt name: a new personal record (evidence) of the same person."""

    after: Digest
    before: Digest
    member: Id
    reason: Text


@kind("stage.opened")
@dataclass(frozen=True, slots=True)
class StageOpened:
    """A stage of the programme begins; from here on its rules are frozen."""

    stage: Id


@kind("stage.closed")
@dataclass(frozen=True, slots=True)
class StageClosed:
    """A stage ends; everything it must decide is decided."""

    stage: Id


@kind("act.countersigned")
@dataclass(frozen=True, slots=True)
class ActCountersigned:
    """A further signer agrees to a pending act, named by index and leaf hash."""

    index: Count
    leaf: Digest


@kind("act.declined")
@dataclass(frozen=True, slots=True)
class ActDeclined:
    """A further signer refuses a pending act, which thereby lapses, with reason."""

    index: Count
    leaf: Digest
    reason: Text
