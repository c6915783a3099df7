"""Sessions and rounds: attendance, scores, discussion, ballots, closing, certifying (five(一)–(三), five(五))."""

from dataclasses import dataclass

from ledger.statements.fields import Base64, Choice, Count, Digest, Id, Instant, Integer, Text
from ledger.statements.kinds import kind


@kind("attendance.recorded")
@dataclass(frozen=True, slots=True)
class AttendanceRecorded:
    """A member is present, by the member's own key."""

    group: Id | None
    stage: Id


@kind("attendance.witnessed")
@dataclass(frozen=True, slots=True)
class AttendanceWitnessed:
    """Staff record a member as present, with reason; effective when two witnesses countersign."""

    group: Id | None
    member: Id
    reason: Text
    stage: Id


@kind("attendance.left")
@dataclass(frozen=True, slots=True)
class AttendanceLeft:
    """A member leaves (own key), or the organiser records that a member left (`member` given)."""

    group: Id | None
    member: Id | None
    stage: Id


@dataclass(frozen=True, slots=True)
class Points:
    """Points of one criterion, in hundredths."""

    hundredths: Integer
    item: Id


@kind("score.given")
@dataclass(frozen=True, slots=True)
class ScoreGiven:
    """A member's quantitative score and written evaluation of one candidate (定量评分, 定性评价), five(一)."""

    candidate: Id
    evaluation: Digest
    group: Id | None
    points: tuple[Points, ...]
    stage: Id


@kind("score.revised")
@dataclass(frozen=True, slots=True)
class ScoreRevised:
    """A member replaces an own earlier score, with reason; the earlier one stays readable."""

    candidate: Id
    evaluation: Digest
    group: Id | None
    points: tuple[Points, ...]
    reason: Text
    stage: Id


@kind("scoring.closed")
@dataclass(frozen=True, slots=True)
class ScoringClosed:
    """Scoring of a group ends; the scores can be read from here on."""

    group: Id | None
    stage: Id


@kind("discussion.recorded")
@dataclass(frozen=True, slots=True)
class DiscussionRecorded:
    """The body's discussion before a ballot: who was there, what was considered, digest of the minutes."""

    attendees: tuple[Id, ...]
    considered: tuple[Id, ...]
    group: Id | None
    minutes: Digest
    stage: Id


@kind("round.opened")
@dataclass(frozen=True, slots=True)
class RoundOpened:
    """A round of one body or group opens: candidates in declared order, seats, most approvals, scheduled close.

    Everything but the id and the times must be what the rules give. `list_hash` is the hash of the frozen list
    (`ledger.procedure.ballots.list_hash`); every ballot bears it.
    """

    attempt: Count
    candidates: tuple[Id, ...]
    closes_at: Instant
    group: Id | None
    list_hash: Digest
    max_approvals: Count
    round: Id
    runoff: Count
    seats: Count
    stage: Id


@kind("ballot.cast")
@dataclass(frozen=True, slots=True)
class BallotCast:
    """One member's named ballot (记名投票). A candidate on none of the three lists is blank."""

    abstain: tuple[Choice, ...]
    against: tuple[Choice, ...]
    approve: tuple[Choice, ...]
    list_hash: str
    round: str


@kind("paper_ballot.entered")
@dataclass(frozen=True, slots=True)
class PaperBallotEntered:
    """A paper ballot entered by a teller, effective when a scrutineer countersigns; `void` keeps the reason (废票)."""

    abstain: tuple[Choice, ...]
    against: tuple[Choice, ...]
    approve: tuple[Choice, ...]
    list_hash: Digest
    member: Id
    round: Id
    scan: Digest
    void: Text | None


@kind("close.consented")
@dataclass(frozen=True, slots=True)
class CloseConsented:
    """A present member consents to closing before the scheduled end."""

    round: Id


@kind("round.closed")
@dataclass(frozen=True, slots=True)
class RoundClosed:
    """The organiser closes a round with the balance of ballots; effective when two scrutineers countersign."""

    issued: Count
    returned: Count
    round: Id
    unreturned: Count
    void: Count


@kind("round.reopened")
@dataclass(frozen=True, slots=True)
class RoundReopened:
    """A round is voted again, with reason; its ballots are kept. Effective when discipline countersigns."""

    reason: Text
    round: Id


@kind("ballots.opened_early")
@dataclass(frozen=True, slots=True)
class BallotsOpenedEarly:
    """Choices are made readable before the close, with reason; effective when discipline countersigns."""

    reason: Text
    round: Id


@kind("ballot.disputed")
@dataclass(frozen=True, slots=True)
class BallotDisputed:
    """A member disowns the own ballot at `index`; the original is never removed."""

    index: Count
    statement: Text


@kind("ballot.invalidated")
@dataclass(frozen=True, slots=True)
class BallotInvalidated:
    """A disputed ballot is invalidated by decision; effective when discipline countersigns."""

    index: Count
    reason: Text


@kind("ballot.reinstated")
@dataclass(frozen=True, slots=True)
class BallotReinstated:
    """An invalidation is reversed, or a dispute rejected; effective when discipline countersigns."""

    index: Count
    reason: Text


@kind("tie.resolved")
@dataclass(frozen=True, slots=True)
class TieResolved:
    """The order of those still tied after the last run-off; must be what the leaders' named votes or the lot give."""

    order: tuple[Id, ...]
    reason: Text
    round: Id


@kind("result.certified")
@dataclass(frozen=True, slots=True)
class ResultCertified:
    """The organiser certifies derived rows. Refused with `RESULT_NOT_DERIVED` when anything differs.

    `subject` names a session or poll (`stage:<stage>`, `stage:<stage>:<group>`, `poll:<poll>`), `projection` the way of
    counting and its version, `as_of` the number of entries the rows are derived from; `tree_size` and `tree_root` the
    checkpoint that the statement has seen; `rows_root` the Merkle root over the canonical rows.
    """

    as_of: Count
    projection: Text
    rows: Count
    rows_root: Digest
    rules: Digest
    subject: Id
    tree_root: Base64
    tree_size: Count
