"""Invented people who sign and submit: the hands of the demo and of the tests.

Everything follows from a seed: ids, keys, nonces and the simulated clock, so that the same seed gives the same entries.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from ledger.decisions.gate import governing_hash
from ledger.procedure.notice import instant
from ledger.procedure.reasons import Refusal
from ledger.programmes import programme_hash
from ledger.roll import possession_message
from ledger.selection import Selection
from ledger.signing import SigningKey, encode_base64, key_id
from ledger.statements import Act, Seen, Statement, sign
from ledger.statements.foundation import ActCountersigned, ActDeclined, CharterEndorsed, CharterSealed, Founder
from ledger.statements.kinds import name_of
from ledger.statements.roll import KeyEnrolled, RoleGranted


class Ledger(Protocol):
    """What a driver needs of a ledger: in memory, on a database, or behind a service."""

    @property
    def state(self) -> Selection:
        """The state after the last entry."""

    def submit(self, envelope: bytes, at: int, attached: bytes | None = None) -> Act | Refusal:
        """Decide and append one statement, with what is attached to it, at the simulated time `at` (UTC ms)."""

    def seen(self) -> Seen | None:
        """Return the newest checkpoint to pin, or None for an empty log."""


class RefusedError(AssertionError):
    """A statement that the play needs was refused."""

    def __init__(self, alias: str, kind: str, refusal: Refusal) -> None:
        """Name who was refused what, and why."""
        super().__init__(f"{alias}: {kind} refused: {refusal}")
        self.refusal = refusal


@dataclass(slots=True)
class Actor:
    """An invented person with a key and a counter."""

    alias: str
    person: str
    key: SigningKey
    unit: str
    id_tag: str
    counter: int = 0


class World:
    """A play in progress: people by alias, a simulated clock, and the ledger they act on."""

    def __init__(self, ledger: Ledger, seed: str = "rehearsal", now: int = 0, offset_minutes: int = 480) -> None:
        """Start at the time `now` (UTC ms) with nobody on stage."""
        self.ledger, self.seed, self.now, self.offset_minutes = ledger, seed, now, offset_minutes
        self.actors: dict[str, Actor] = {}
        self.nonces = 0

    @property
    def state(self) -> Selection:
        """The ledger's state."""
        return self.ledger.state

    def digest(self, label: str) -> str:
        """Return a 64-digit value that follows from the seed and a label (an evidence digest, a challenge …)."""
        return hashlib.sha256(f"{self.seed}/{label}".encode()).hexdigest()

    def identifier(self, label: str) -> str:
        """Return a random-looking id of 32 digits."""
        return self.digest(f"id/{label}")[:32]

    def actor(self, alias: str, unit: str = "unit-0") -> Actor:
        """Return the actor of this alias, inventing them on first use."""
        known = self.actors.get(alias)
        if known is None:
            key = SigningKey.from_seed(bytes.fromhex(self.digest(f"key/{alias}/0")))
            known = Actor(alias, self.identifier(alias), key, unit, self.digest(f"tag/{alias}"))
            self.actors[alias] = known
        return known

    def person(self, alias: str) -> str:
        """Return the person id of an alias."""
        return self.actor(alias).person

    def alias_of(self, person: str) -> str:
        """Return the alias of a person id."""
        return next(actor.alias for actor in self.actors.values() if actor.person == person)

    def set_time(self, day: str, hour: int = 9, minute: int = 0) -> None:
        """Move the clock to a civil time; it never goes back."""
        moment = instant(date.fromisoformat(day), self.offset_minutes) + (hour * 60 + minute) * 60_000
        if moment < self.now:
            raise ValueError(f"the clock never goes back: {day} {hour}:{minute:02d}")
        self.now = moment

    def statement(self, alias: str, body: Any, **header: Any) -> Statement[Any]:
        """Return the statement that `alias` would sign now; `header` overrides its members."""
        actor = self.actor(alias)
        self.nonces += 1
        name, version = name_of(type(body))
        values: dict[str, Any] = {
            "claimed_at": None,
            "counter": actor.counter + 1,
            "key": key_id(actor.key.public),
            "nonce": self.digest(f"nonce/{self.nonces}")[:32],
            "on_behalf_of": None,
            "person": actor.person,
            "programme": self.state.charter.id if self.state.sealed else None,
            "rules": governing_hash(self.state, body) if self.state.sealed else None,
            "seen": self.ledger.seen(),
        }
        return Statement(body=body, type=name, version=version, **(values | header))

    def envelope(self, alias: str, body: Any, **header: Any) -> bytes:
        """Return the signed envelope of `statement`."""
        actor = self.actor(alias)
        statement = self.statement(alias, body, **header)
        actor.counter = max(actor.counter, statement.counter)
        return sign(statement, actor.key)

    def submit(self, alias: str, body: Any, attached: bytes | None = None, **header: Any) -> Act | Refusal:
        """Sign and submit, with what is attached; time moves on by one second."""
        envelope = self.envelope(alias, body, **header)
        self.now += 1000
        return self.ledger.submit(envelope, self.now, attached)

    def must(self, alias: str, body: Any, attached: bytes | None = None, **header: Any) -> Act:
        """Submit what the play needs; raises `RefusedError` if it is refused."""
        answer = self.submit(alias, body, attached, **header)
        if isinstance(answer, Refusal):
            raise RefusedError(alias, name_of(type(body))[0], answer)
        return answer

    def refused(self, alias: str, body: Any, attached: bytes | None = None, **header: Any) -> Refusal:
        """Submit what must be refused; returns the refusal."""
        answer = self.submit(alias, body, attached, **header)
        if not isinstance(answer, Refusal):
            raise TypeError(f"{alias}: {name_of(type(body))[0]} was admitted as entry {answer.index}")
        return answer

    def cosign(self, act: Act, *aliases: str) -> Act:
        """Let further signers agree to a pending act; returns the last countersignature."""
        last = act
        for alias in aliases:
            last = self.must(alias, ActCountersigned(act.index, act.leaf.hex()))
        return last

    def decline(self, act: Act, alias: str, reason: str = "与事实不符") -> Act:
        """Let a further signer refuse a pending act."""
        return self.must(alias, ActDeclined(act.index, act.leaf.hex(), reason))

    def enrolment(self, alias: str, **changes: Any) -> KeyEnrolled:
        """Return the enrolment of an actor's key, with the actor's own proof of possession."""
        actor = self.actor(alias)
        challenge = self.digest(f"challenge/{alias}/{actor.counter}")
        message = possession_message(self.state.charter.id, actor.person, key_id(actor.key.public), challenge)
        values: dict[str, Any] = {
            "algorithm": "ed25519",
            "challenge": challenge,
            "id_tag": actor.id_tag,
            "member": actor.person,
            "proof": encode_base64(actor.key.sign(message)),
            "public_key": encode_base64(actor.key.public),
            "record": self.digest(f"record/{alias}"),
            "unit": actor.unit,
        }
        return KeyEnrolled(**(values | changes))

    def enrol(self, alias: str, *roles: str, unit: str | None = None) -> Actor:
        """Enrol an actor by `registrar` and `discipline`, and grant roles."""
        actor = self.actor(alias, unit or "unit-0")
        if unit:
            actor.unit = unit
        self.cosign(self.must("registrar", self.enrolment(alias)), "discipline")
        for role in roles:
            self.grant(alias, role)
        return actor

    def grant(self, alias: str, role: str) -> Act:
        """Grant a role by `registrar` and `discipline`."""
        return self.cosign(self.must("registrar", RoleGranted(self.person(alias), "工作需要", role)), "discipline")


def founders(world: World, programme: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the founding keys: one holder per sponsor (`sponsor-<office>`), `organiser`, `registrar`, `discipline`."""
    sponsors = [office["id"] for office in programme["offices"] if office.get("sponsor")]
    holders = [(f"sponsor-{office}", office, "sponsor") for office in sponsors]
    holders += [(role, f"office-{role}", role) for role in ("organiser", "registrar", "discipline")]
    return tuple(
        Founder(office, world.actor(alias, office).person, encode_base64(world.actor(alias).key.public), role)
        for alias, office, role in holders
    )


def found(world: World, programme: Mapping[str, Any], origin: str, log_key: str, rehearsal: bool = True) -> Act:
    """Seal the charter and let every sponsor endorse it."""
    body = CharterSealed(founders(world, programme), log_key, origin, programme, programme_hash(programme), rehearsal)
    charter = world.must("organiser", body, seen=None)
    for office in programme["offices"]:
        if office.get("sponsor"):
            world.must(f"sponsor-{office['id']}", CharterEndorsed(charter.leaf.hex()))
    return charter
