"""Keys, roles and offices: who may act, from which entry on."""

from dataclasses import dataclass
from typing import Literal

from ledger.statements.fields import Base64, Count, Digest, Id, Text
from ledger.statements.kinds import kind


@kind("key.enrolled")
@dataclass(frozen=True, slots=True)
class KeyEnrolled:
    """A registrar enrols a member's key with the member's own proof; effective when discipline countersigns.

    `proof` signs the possession message (`ledger.roll.possession_message`); `id_tag` is the keyed hash of the ID
    number; `record` the salted digest of the personal record.
    """

    algorithm: Literal["ed25519"]
    challenge: Digest
    id_tag: Digest
    member: Id
    proof: Base64
    public_key: Base64
    record: Digest
    unit: Id


@kind("key.rotated")
@dataclass(frozen=True, slots=True)
class KeyRotated:
    """A member replaces the key that signs this statement by a new one, with its proof of possession."""

    algorithm: Literal["ed25519"]
    challenge: Digest
    proof: Base64
    public_key: Base64


@kind("key.revoked")
@dataclass(frozen=True, slots=True)
class KeyRevoked:
    """A registrar revokes a key, forward from this entry: blocked at once, for good when discipline countersigns.

    `suspect_from` is the index from which acts of the key are suspect; they stay, each a finding.
    """

    ground: Literal["lost", "stolen", "left", "other"]
    key: Digest
    member: Id
    reason: Text
    suspect_from: Count | None


@kind("role.granted")
@dataclass(frozen=True, slots=True)
class RoleGranted:
    """A registrar grants a role; effective when discipline countersigns. Incompatible roles are `ROLE_CONFLICT`."""

    member: Id
    reason: Text
    role: Id


@kind("role.withdrawn")
@dataclass(frozen=True, slots=True)
class RoleWithdrawn:
    """A registrar withdraws a role; effective when discipline countersigns."""

    member: Id
    reason: Text
    role: Id


@kind("office.succeeded")
@dataclass(frozen=True, slots=True)
class OfficeSucceeded:
    """A successor takes over a role without reopening anything; effective when discipline countersigns."""

    predecessor: Id
    reason: Text
    role: Id
    successor: Id
