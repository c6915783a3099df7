"""What enrolments, rotations, revocations, grants and successions do to the roll."""

from ledger.procedure.acts import CHANNEL, SPONSOR
from ledger.roll import Key, Person
from ledger.signing import key_id, strict_b64decode
from ledger.state.books import Books
from ledger.state.matters import Folds
from ledger.statements import Act
from ledger.statements.foundation import NameCorrected
from ledger.statements.roll import KeyEnrolled, KeyRevoked, KeyRotated, OfficeSucceeded, RoleGranted, RoleWithdrawn


def _enrolled(state: Books, act: Act, now: Act) -> None:
    body: KeyEnrolled = act.body
    public = strict_b64decode(body.public_key, "public_key")
    state.roll.add_person(Person(body.member, body.unit, body.id_tag, body.record))
    person = state.roll.people[body.member]
    if person.id_tag is None:
        person.id_tag, person.record = body.id_tag, body.record
        state.roll.by_tag.setdefault(body.id_tag, person.id)
    state.roll.add_key(Key(key_id(public), public, body.member, now.index))


def _rotated(state: Books, act: Act, now: Act) -> None:
    public = strict_b64decode(act.body.public_key, "public_key")
    state.roll.keys[act.statement.key].revoked = act.index
    state.roll.add_key(Key(key_id(public), public, act.person, act.index))


def _revocation_pending(state: Books, act: Act, now: Act) -> None:
    state.roll.keys[act.body.key].blocked = act.index


def _revoked(state: Books, act: Act, now: Act) -> None:
    body: KeyRevoked = act.body
    state.roll.keys[body.key].revoked = act.index
    if body.suspect_from is None:
        return
    for ballot in state.rounds.ballots_by_key(body.key, body.suspect_from, act.index):
        state.findings.add("KEY_SUSPECT", "breach", now.index, ballot, act.index, ballot=ballot, member=body.member)


def _revocation_declined(state: Books, act: Act, now: Act) -> None:
    body: KeyRevoked = act.body
    blocked = state.roll.keys[body.key]
    blocked.blocked = None
    if state.roll.can_sign(body.member, body.key):
        return
    for roster in state.bodies.sittings(body.member):
        for played in state.rounds.session(roster.stage, roster.group).rounds:
            if played.superseded is None and played.missed_by(body.member, act.index, now.at):
                facts = {"member": body.member, "round": played.id}
                state.findings.add("KEY_BLOCKED_IN_ROUND", "breach", now.index, act.index, now.index, **facts)


def _granted(state: Books, act: Act, now: Act) -> None:
    body: RoleGranted = act.body
    person = state.roll.people[body.member]
    person.roles.setdefault(body.role, now.index)
    if body.role == SPONSOR:
        state.charter.offices[person.id] = person.unit
    if state.charter.stages and any(state.charter.is_open(stage) for stage in state.charter.stages):
        state.findings.add("GRANT_IN_OPEN_STAGE", "warn", act.index, act.index, now.index, role=body.role)


def _withdrawn(state: Books, act: Act, now: Act) -> None:
    state.roll.people[act.body.member].roles.pop(act.body.role, None)


def _succeeded(state: Books, act: Act, now: Act) -> None:
    body: OfficeSucceeded = act.body
    state.roll.people[body.predecessor].roles.pop(body.role, None)
    state.roll.people[body.successor].roles.setdefault(body.role, now.index)
    state.roll.predecessors[body.role, body.successor] = body.predecessor
    office = state.charter.offices.get(body.predecessor)
    # The predecessor's office stays known: what they signed for it counts once, whoever follows.
    if body.role == SPONSOR and office is not None:
        state.charter.offices[body.successor] = office
        state.roll.people[body.successor].unit = office
    if body.role == CHANNEL:
        state.polls.hand_over(body.predecessor, body.successor)


def _corrected(state: Books, act: Act, now: Act) -> None:
    state.roll.people[act.body.member].record = act.body.after
    state.applications.correct_record(act.body.member, act.body.after)


FOLDS: Folds = {
    KeyEnrolled: _enrolled,
    KeyRotated: _rotated,
    KeyRevoked: _revoked,
    RoleGranted: _granted,
    RoleWithdrawn: _withdrawn,
    OfficeSucceeded: _succeeded,
    NameCorrected: _corrected,
}
PENDING: Folds = {KeyRevoked: _revocation_pending}
DECLINED: Folds = {KeyRevoked: _revocation_declined}
