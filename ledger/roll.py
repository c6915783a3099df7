"""The roll: which person holds which key and role, from which entry on. A fold over enrolments, grants and revocations.

A person is one person whatever keys they hold. A key is effective from the entry that confirms its enrolment, and for
nothing after the entry that revokes it; acts before that entry stand, suspect ones as findings.
"""

from dataclasses import dataclass, field

from ledger import canonical
from ledger.signing import PAYLOAD_TYPE_PREFIX, pae

POSSESSION_TYPE = f"{PAYLOAD_TYPE_PREFIX}possession.v1+json"
SEALED_PREFIX = "sealed:"


def possession_message(programme: str, person: str, key: str, challenge: str) -> bytes:
    """Return the bytes that a member's new key signs to prove its possession, bound to programme and person."""
    value = {"challenge": challenge, "key": key, "person": person, "programme": programme}
    return pae(POSSESSION_TYPE, canonical.encode(value))


@dataclass(slots=True)
class Key:
    """One enrolled key: `since` is the entry it is effective from, `blocked`/`revoked` the entry that stopped it."""

    id: str
    public: bytes
    person: str
    since: int
    blocked: int | None = None
    revoked: int | None = None


@dataclass(slots=True)
class Person:
    """A person of the roll: `unit` is the employer or office, `id_tag` the keyed hash of the ID number, if any."""

    id: str
    unit: str
    id_tag: str | None
    record: str | None
    roles: dict[str, int] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    counter: int = -1


@dataclass(slots=True)
class Roll:
    """Everybody known, and by which keys. `predecessors`: whom somebody succeeded, by role and successor."""

    people: dict[str, Person] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    by_tag: dict[str, str] = field(default_factory=dict)
    publics: set[bytes] = field(default_factory=set)
    predecessors: dict[tuple[str, str], str] = field(default_factory=dict)

    def add_person(self, person: Person) -> None:
        """Enter a person, or keep the one that is there."""
        self.people.setdefault(person.id, person)
        if person.id_tag:
            self.by_tag.setdefault(person.id_tag, person.id)

    def add_key(self, key: Key) -> None:
        """Enter an effective key of a known person."""
        self.keys[key.id] = key
        self.publics.add(key.public)
        self.people[key.person].keys.append(key.id)

    def has_role(self, person: str, roles: tuple[str, ...]) -> bool:
        """Say whether the person holds one of these roles now."""
        known = self.people.get(person)
        return known is not None and any(role in known.roles for role in roles)

    def holders(self, role: str) -> tuple[str, ...]:
        """Return the ids of all who hold a role, sorted."""
        return tuple(sorted(person.id for person in self.people.values() if role in person.roles))

    def can_sign(self, person: str, without: str | None = None) -> bool:
        """Say whether a person holds a key in force, another one than `without` if that is given."""
        known = self.people.get(person)
        mine = [self.keys[key] for key in known.keys if key != without] if known is not None else []
        return any(key.revoked is None and key.blocked is None for key in mine)

    def unit(self, person: str) -> str | None:
        """Return the unit of a person, if known."""
        known = self.people.get(person)
        return known.unit if known else None
