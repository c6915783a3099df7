"""Bodies: draws, rosters, declarations, recusals, groups and their seats (five(一), five(二))."""

from dataclasses import dataclass
from typing import Literal

from ledger.statements.fields import Count, Digest, Id, Text
from ledger.statements.kinds import kind


@kind("draw.announced")
@dataclass(frozen=True, slots=True)
class DrawAnnounced:
    """A draw is announced: what it orders, the pool, and who commits seeds (at least two)."""

    committers: tuple[Id, ...]
    draw: Id
    pool: tuple[Id, ...]
    purpose: Literal["roster", "order", "shares", "lot"]
    subject: Id


@kind("seed.committed")
@dataclass(frozen=True, slots=True)
class SeedCommitted:
    """A committer's commitment: SHA-256 over its seed, see `ledger.procedure.draws`."""

    commitment: Digest
    draw: Id


@kind("seed.revealed")
@dataclass(frozen=True, slots=True)
class SeedRevealed:
    """A committer's seed (32 bytes, hexadecimal), once all have committed."""

    draw: Id
    seed: Digest


@kind("roster.set")
@dataclass(frozen=True, slots=True)
class RosterSet:
    """Who sits for a stage or group, with the reserves in order, the draw, and the rule it was composed by."""

    draw: Id | None
    group: Id | None
    members: tuple[Id, ...]
    reserves: tuple[Id, ...]
    rule: Digest | None
    stage: Id


@kind("roster.amended")
@dataclass(frozen=True, slots=True)
class RosterAmended:
    """One member is replaced, with reason; by rule by the next of the reserve order."""

    group: Id | None
    incoming: Id
    outgoing: Id
    reason: Text
    stage: Id


@dataclass(frozen=True, slots=True)
class Relation:
    """A declared relation of a member to a candidate."""

    candidate: Id
    relation: Literal["kin", "teacher", "colleague", "business", "other"]


@kind("declaration.made")
@dataclass(frozen=True, slots=True)
class DeclarationMade:
    """A member (or scrutineer) declares relations to the candidates before voting; an empty list declares none."""

    group: Id | None
    relations: tuple[Relation, ...]
    stage: Id


@kind("recusal.made")
@dataclass(frozen=True, slots=True)
class RecusalMade:
    """A member recuses from one candidate (回避)."""

    candidate: Id
    group: Id | None
    reason: Text
    stage: Id


@kind("recusal.imposed")
@dataclass(frozen=True, slots=True)
class RecusalImposed:
    """The organiser recuses a member from one candidate, with reason and notice to the member."""

    candidate: Id
    group: Id | None
    member: Id
    notice: Digest
    reason: Text
    stage: Id


@kind("candidate.regrouped")
@dataclass(frozen=True, slots=True)
class CandidateRegrouped:
    """A candidate is moved to another group before the first score or ballot, with reason."""

    candidate: Id
    group: Id
    reason: Text
    stage: Id


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One row of the table of groups: its candidates, applications counted and derived seats."""

    candidates: tuple[Id, ...]
    group: Id
    received: Count
    seats: Count


@kind("groups.certified")
@dataclass(frozen=True, slots=True)
class GroupsCertified:
    """The table of groups and seats, certified before the first score; must be what the rule gives."""

    groups: tuple[GroupRow, ...]
    stage: Id
