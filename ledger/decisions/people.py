"""Keys and roles: enrolment by two offices with proof of possession, rotation, revocation forward, separate duties."""

from functools import lru_cache

from ledger.decisions.registry import Asked, CosignDecision, CosignDecisions, Decisions
from ledger.errors import MalformedError
from ledger.procedure.acts import APPLICANT, DISCIPLINE, FUNCTIONS, REGISTRAR, SPONSOR
from ledger.procedure.programme import Programme
from ledger.procedure.reasons import Refusal, refuse
from ledger.procedure.separation import conflict
from ledger.roll import possession_message
from ledger.selection import Selection
from ledger.signing import key_id, strict_b64decode, verify_ed25519, weakness
from ledger.state.books import Pending
from ledger.statements.roll import KeyEnrolled, KeyRevoked, KeyRotated, OfficeSucceeded, RoleGranted, RoleWithdrawn

CLAUSE = "七(三)"
_KEEPERS = (REGISTRAR, DISCIPLINE)
"""Without one of each nobody could ever be enrolled again, nor a revocation be declined."""


def _new_key(state: Selection, member: str, body: KeyEnrolled | KeyRotated) -> Refusal | None:
    """A key enters only if it is strong, nobody else's, and its holder signed the challenge."""
    try:
        public = strict_b64decode(body.public_key, "public_key")
        proof = strict_b64decode(body.proof, "proof")
    except MalformedError:
        return refuse("KEY_WEAK", CLAUSE, person=member, weakness="encoding")
    weak = weakness(public)
    if weak:
        return refuse("KEY_WEAK", CLAUSE, person=member, weakness=weak)
    if public in state.roll.publics:
        return refuse("DUPLICATE_KEY", CLAUSE, person=member)
    message = possession_message(state.charter.id, member, key_id(public), body.challenge)
    if not _proven(public, message, proof):
        return refuse("POSSESSION_NOT_PROVEN", CLAUSE, person=member)
    return None


@lru_cache(maxsize=4096)
def _proven(public: bytes, message: bytes, proof: bytes) -> bool:
    """The same proof is asked for twice: when the enrolment is filed, and when it is confirmed."""
    return verify_ed25519(public, message, proof)


def _enrol(state: Selection, asked: Asked) -> Refusal | None:
    body: KeyEnrolled = asked.body
    if asked.person == body.member:
        return refuse("ENROLMENT_NEEDS_TWO", CLAUSE, person=body.member)
    known = state.roll.by_tag.get(body.id_tag)
    if known is not None and known != body.member:
        return refuse("DUPLICATE_MEMBER", CLAUSE, person=body.member, first=known)
    person = state.roll.people.get(body.member)
    if person is not None and person.id_tag not in (None, body.id_tag):
        return refuse("PERSON_MISMATCH", CLAUSE, person=body.member)
    return _new_key(state, body.member, body)


def _rotate(state: Selection, asked: Asked) -> Refusal | None:
    return _new_key(state, asked.person, asked.body)


def _revoke(state: Selection, asked: Asked) -> Refusal | None:
    body: KeyRevoked = asked.body
    key = state.roll.keys.get(body.key)
    if key is None or key.person != body.member:
        return refuse("KEY_UNKNOWN", CLAUSE, key=body.key)
    if key.revoked is not None:
        return refuse("KEY_REVOKED", CLAUSE, key=body.key, since=key.revoked)
    if key.blocked is not None:
        return refuse("ALREADY_PENDING", CLAUSE, index=key.blocked)
    return _last_keeper(state, body.member, body.key)


def _last_keeper(state: Selection, member: str, key: str | None = None) -> Refusal | None:
    """Refuse what would leave the roll without a registrar or an auditor who can sign; a successor comes first."""
    for role in _KEEPERS:
        if not state.roll.has_role(member, (role,)):
            continue
        others = (one for one in state.roll.holders(role) if key is not None or one != member)
        if not any(state.roll.can_sign(one, key) for one in others):
            return refuse("LAST_HOLDER", CLAUSE, person=member, role=role)
    return None


def known_roles(programme: Programme) -> tuple[str, ...]:
    """Return the roles that can be granted: the procedure's functions and the roles of the programme's bodies."""
    return FUNCTIONS + tuple(body.role for body in programme.bodies)


def _may_hold(state: Selection, asked: Asked, member: str, role: str) -> Refusal | None:
    person = state.roll.people.get(member)
    if person is None:
        return refuse("UNKNOWN_PERSON", CLAUSE, person=member)
    if role not in known_roles(asked.programme):
        return refuse("UNKNOWN_ROLE", CLAUSE, role=role)
    clash = conflict(asked.programme, tuple(person.roles), role)
    if clash:
        return refuse("ROLE_CONFLICT", CLAUSE, person=member, role=role, held=clash)
    applied = state.applications.is_applicant(member) or state.applications.is_applicant_tag(person.id_tag)
    sits = {body.role for body in asked.programme.bodies}
    if applied and (role in sits or conflict(asked.programme, (APPLICANT,), role)):
        return refuse("ROLE_CONFLICT", CLAUSE, person=member, role=role, held="applicant")
    return None


def _grant(state: Selection, asked: Asked) -> Refusal | None:
    body: RoleGranted = asked.body
    refused = _may_hold(state, asked, body.member, body.role)
    if refused is not None:
        return refused
    if asked.person == body.member:
        return refuse("NOT_AUTHORISED", CLAUSE, act=asked.statement.type, needed="another registrar")
    if body.role in state.roll.people[body.member].roles:
        return refuse("ROLE_HELD", CLAUSE, person=body.member, role=body.role)
    unit = state.roll.people[body.member].unit
    if body.role == SPONSOR and unit not in asked.programme.sponsors:
        return refuse("OFFICE_MISMATCH", CLAUSE, person=body.member, office=unit)
    return None


def _withdraw(state: Selection, asked: Asked) -> Refusal | None:
    body: RoleWithdrawn = asked.body
    person = state.roll.people.get(body.member)
    if person is None or body.role not in person.roles:
        return refuse("ROLE_NOT_HELD", CLAUSE, person=body.member, role=body.role)
    return _last_keeper(state, body.member) if body.role in _KEEPERS else None


def _succeed(state: Selection, asked: Asked) -> Refusal | None:
    body: OfficeSucceeded = asked.body
    before = state.roll.people.get(body.predecessor)
    if before is None or body.role not in before.roles:
        return refuse("ROLE_NOT_HELD", CLAUSE, person=body.predecessor, role=body.role)
    if asked.person == body.successor:
        return refuse("NOT_AUTHORISED", CLAUSE, act=asked.statement.type, needed="another registrar")
    refused = _may_hold(state, asked, body.successor, body.role)
    if refused is None and body.role in state.roll.people[body.successor].roles:
        return refuse("ROLE_HELD", CLAUSE, person=body.successor, role=body.role)
    return refused


def _not_about_oneself(member: str) -> CosignDecision:
    """Nobody confirms what is granted to themselves: `member` names the body's member that holds the person."""

    def check(state: Selection, asked: Asked, waiting: Pending) -> Refusal | None:
        if getattr(waiting.act.body, member) == asked.person:
            return refuse("SECOND_SIGNER_NEEDED", CLAUSE, index=waiting.act.index)
        return None

    return check


DECISIONS: Decisions = {
    KeyEnrolled: _enrol,
    KeyRotated: _rotate,
    KeyRevoked: _revoke,
    RoleGranted: _grant,
    RoleWithdrawn: _withdraw,
    OfficeSucceeded: _succeed,
}
COSIGN: CosignDecisions = {
    KeyEnrolled: _not_about_oneself("member"),
    RoleGranted: _not_about_oneself("member"),
    OfficeSucceeded: _not_about_oneself("successor"),
}
