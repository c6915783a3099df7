"""Clause seven(三): keys and roles of two people, enrolled, rotated, revoked, granted, withdrawn, succeeded."""

from dataclasses import replace
from typing import Any

import pytest

from api.rehearsal.driver import World
from ledger.roll import possession_message
from ledger.signing import SigningKey, encode_base64, key_id
from ledger.statements import Act, sign
from ledger.statements.foundation import ActCountersigned, SelectionSuspended
from ledger.statements.roll import KeyEnrolled, KeyRevoked, KeyRotated, OfficeSucceeded, RoleGranted, RoleWithdrawn
from tests import plays
from tests.plays import flagged, refused, replayed
from tests.simulator import new_world, resume
from tests.test_signing import OTHER_SPELLINGS, SMALL_ORDER

CLAUSE = "七(三)"


@pytest.fixture
def world() -> World:
    """Return a play in which 甲 and 乙 hold keys."""
    made = new_world()
    made.enrol("甲")
    made.enrol("乙")
    return made


def key_of(world: World, alias: str) -> str:
    """Return the id of a person's key."""
    return key_id(world.actor(alias).key.public)


def cosigning(act: Act) -> ActCountersigned:
    """Return the countersignature to an act."""
    return ActCountersigned(act.index, act.leaf.hex())


def enrolment(world: World, member: str, key: SigningKey, **changes: Any) -> KeyEnrolled:
    """Return the enrolment of any key for any person, with the proof that this key's holder gives."""
    person = world.person(member)
    challenge = world.digest("challenge")
    message = possession_message(world.state.charter.id, person, key_id(key.public), challenge)
    values: dict[str, Any] = {
        "public_key": encode_base64(key.public),
        "challenge": challenge,
        "proof": encode_base64(key.sign(message)),
    }
    return world.enrolment(member, **(values | changes))


# --- Enrolment ---


def test_a_key_is_effective_once_discipline_has_confirmed_it() -> None:
    world = new_world()
    act = world.must("registrar", world.enrolment("甲"))
    assert world.refused("甲", RoleWithdrawn(world.person("甲"), "试", "expert")).code == "KEY_UNKNOWN"
    last = world.cosign(act, "discipline")
    assert world.state.roll.keys[key_of(world, "甲")].since == last.index
    person = world.state.roll.people[world.person("甲")]
    assert (person.unit, person.record, person.roles) == ("unit-0", world.digest("record/甲"), {})
    assert world.refused("甲", RoleWithdrawn(world.person("甲"), "试", "expert")).code == "NOT_AUTHORISED"
    assert replayed(world) == world.state


def test_nobody_enrols_alone() -> None:
    """Dispute H01: neither the registrar nor discipline enrols single-handed, nor anybody themselves."""
    world = new_world()
    refused(world, "registrar", world.enrolment("registrar"), "ENROLMENT_NEEDS_TWO", CLAUSE)
    refused(world, "discipline", world.enrolment("甲"), "NOT_AUTHORISED", CLAUSE)
    act = world.must("registrar", world.enrolment("甲"))
    refused(world, "registrar", cosigning(act), "SECOND_SIGNER_NEEDED", CLAUSE)
    second = enrolment(world, "discipline", SigningKey.from_seed(b"2" * 32), id_tag=world.digest("tag/discipline"))
    own = world.must("registrar", second)
    refused(world, "discipline", cosigning(own), "SECOND_SIGNER_NEEDED", CLAUSE)


WEAK = [*((encode_base64(point), "small order") for point in SMALL_ORDER[:3]),
        *((encode_base64(point), "non-canonical") for point in OTHER_SPELLINGS[:3]),
        (encode_base64(bytes(31)), "length"), ("AAA", "encoding"), ("e30==", "encoding")]  # fmt: skip


@pytest.mark.parametrize(("public", "why"), WEAK)
def test_weak_keys_are_refused_whatever_they_prove(world: World, public: str, why: str) -> None:
    """For a small-order key a proof of possession holds for every challenge, so it shows nothing."""
    proof = encode_base64(SMALL_ORDER[0] + bytes(32))
    answer = refused(world, "registrar", world.enrolment("丙", public_key=public, proof=proof), "KEY_WEAK", CLAUSE)
    assert answer.facts == {"person": world.person("丙"), "weakness": why}
    rotated = KeyRotated("ed25519", world.digest("challenge"), proof, public)
    refused(world, "甲", rotated, "KEY_WEAK", CLAUSE)


def test_a_key_proves_its_possession_for_this_person_and_programme(world: World) -> None:
    key = SigningKey.from_seed(b"1" * 32)
    sound = enrolment(world, "丙", key)
    other = enrolment(world, "丁", key)
    spoiled = [
        replace(sound, proof=other.proof),
        replace(sound, challenge=world.digest("another challenge")),
        replace(sound, public_key=encode_base64(SigningKey.from_seed(b"2" * 32).public)),
        replace(sound, proof=encode_base64(bytes(63))),
        enrolment(new_world(seed="another"), "丙", key),
    ]
    for body in spoiled[:-1]:
        refused(world, "registrar", body, "POSSESSION_NOT_PROVEN", CLAUSE)
    refused(world, "registrar", replace(sound, proof=spoiled[-1].proof), "POSSESSION_NOT_PROVEN", CLAUSE)
    refused(world, "registrar", replace(sound, proof="e31="), "KEY_WEAK", CLAUSE)
    world.cosign(world.must("registrar", sound), "discipline")


def test_one_key_is_one_persons(world: World) -> None:
    taken = world.actor("甲").key
    refused(world, "registrar", enrolment(world, "丙", taken), "DUPLICATE_KEY", CLAUSE)
    key = SigningKey.from_seed(b"1" * 32)
    first, second = (world.must("registrar", enrolment(world, alias, key)) for alias in ("丙", "丁"))
    world.cosign(second, "discipline")
    refused(world, "discipline", cosigning(first), "DUPLICATE_KEY", CLAUSE)
    assert world.state.roll.keys[key_id(key.public)].person == world.person("丁")


def test_one_person_is_one_person_whatever_keys_they_hold(world: World) -> None:
    """Dispute B06: a second account of the same ID number is no second member."""
    body = world.enrolment("丙", id_tag=world.actor("甲").id_tag)
    answer = refused(world, "registrar", body, "DUPLICATE_MEMBER", CLAUSE)
    assert answer.facts == {"person": world.person("丙"), "first": world.person("甲")}
    other = enrolment(world, "甲", SigningKey.from_seed(b"1" * 32), id_tag=world.digest("tag/someone"))
    refused(world, "registrar", other, "PERSON_MISMATCH", CLAUSE)
    second = enrolment(world, "甲", SigningKey.from_seed(b"1" * 32))
    world.cosign(world.must("registrar", second), "discipline")
    assert len(world.state.roll.people[world.person("甲")].keys) == 2
    assert len(world.state.roll.people[world.person("乙")].keys) == 1


def test_a_founder_gets_an_id_number_by_enrolment(world: World) -> None:
    body = enrolment(world, "sponsor-union", SigningKey.from_seed(b"1" * 32))
    world.cosign(world.must("registrar", body), "discipline")
    founder = world.state.roll.people[world.person("sponsor-union")]
    assert (founder.id_tag, founder.record) == (body.id_tag, body.record)
    assert founder.unit == "union"
    taken = replace(world.enrolment("丙"), id_tag=body.id_tag)
    refused(world, "registrar", taken, "DUPLICATE_MEMBER", CLAUSE)


# --- Rotation ---


def rotate(world: World, alias: str, seed: bytes) -> KeyRotated:
    """Return the rotation of a person's key to that of a seed."""
    key = SigningKey.from_seed(seed)
    body = enrolment(world, alias, key)
    return KeyRotated("ed25519", body.challenge, body.proof, body.public_key)


def test_a_rotated_key_signs_no_more_and_the_new_one_does(world: World) -> None:
    old = world.actor("甲").key
    act = world.must("甲", rotate(world, "甲", b"1" * 32))
    answer = refused(world, "甲", rotate(world, "甲", b"2" * 32), "KEY_REVOKED", CLAUSE)
    assert answer.facts == {"key": key_id(old.public), "since": act.index}
    world.actor("甲").key = SigningKey.from_seed(b"1" * 32)
    world.must("甲", rotate(world, "甲", b"2" * 32))
    world.actor("甲").key = old
    refused(world, "甲", rotate(world, "甲", b"3" * 32), "KEY_REVOKED", CLAUSE)
    refused(world, "乙", rotate(world, "乙", b"1" * 32), "DUPLICATE_KEY", CLAUSE)
    refused(world, "乙", rotate(world, "甲", b"3" * 32), "POSSESSION_NOT_PROVEN", CLAUSE)
    assert replayed(world) == world.state


# --- Revocation ---


def revocation(world: World, alias: str, suspect_from: int | None = None) -> KeyRevoked:
    """Return the revocation of a person's key."""
    return KeyRevoked("stolen", key_of(world, alias), world.person(alias), "手机被盗", suspect_from)


def test_a_revoked_key_is_stopped_at_once_and_for_good_when_confirmed(world: World) -> None:
    act = world.must("registrar", revocation(world, "甲"))
    answer = refused(world, "甲", rotate(world, "甲", b"1" * 32), "KEY_REVOKED", CLAUSE)
    assert answer.facts["since"] == act.index
    refused(world, "registrar", revocation(world, "甲"), "ALREADY_PENDING", CLAUSE)
    world.cosign(act, "discipline")
    assert world.state.roll.keys[key_of(world, "甲")].revoked == act.index
    refused(world, "registrar", revocation(world, "甲"), "KEY_REVOKED", CLAUSE)
    world.must("乙", rotate(world, "乙", b"2" * 32))
    assert replayed(world) == world.state


def test_a_declined_revocation_gives_the_key_back(world: World) -> None:
    act = world.must("registrar", revocation(world, "甲"))
    world.decline(act, "discipline")
    world.must("甲", rotate(world, "甲", b"1" * 32))


def test_what_is_no_revocation(world: World) -> None:
    for body in (
        replace(revocation(world, "甲"), member=world.person("乙")),
        replace(revocation(world, "甲"), key=world.digest("no key")),
    ):
        refused(world, "registrar", body, "KEY_UNKNOWN", CLAUSE)
    for alias in ("甲", "organiser", "discipline"):
        refused(world, alias, revocation(world, "乙"), "NOT_AUTHORISED", CLAUSE)


def test_a_stolen_key_is_stopped_while_the_selection_rests(world: World) -> None:
    world.cosign(world.must("organiser", SelectionSuspended(world.digest("e"), "疫情")), "sponsor-union")
    world.cosign(world.must("registrar", revocation(world, "甲")), "discipline")
    answer = world.refused("甲", rotate(world, "甲", b"1" * 32))
    assert answer.code == "KEY_REVOKED"


# --- Roles ---


def test_a_role_is_granted_by_two_offices_and_taken_back_by_two(world: World) -> None:
    person = world.state.roll.people[world.person("甲")]
    act = world.must("registrar", RoleGranted(person.id, "工作需要", "expert"))
    assert person.roles == {}
    last = world.cosign(act, "discipline")
    assert person.roles == {"expert": last.index}
    refused(world, "registrar", RoleGranted(person.id, "工作需要", "expert"), "ROLE_HELD", CLAUSE)
    refused(world, "registrar", RoleWithdrawn(world.person("乙"), "变动", "expert"), "ROLE_NOT_HELD", CLAUSE)
    back = world.must("registrar", RoleWithdrawn(person.id, "变动", "expert"))
    assert "expert" in person.roles
    world.cosign(back, "discipline")
    assert person.roles == {}
    refused(world, "registrar", RoleWithdrawn(person.id, "变动", "expert"), "ROLE_NOT_HELD", CLAUSE)
    assert not world.state.findings.by_id
    assert replayed(world) == world.state


INCOMPATIBLE = [
    ("organiser", "registrar"),
    ("organiser", "scrutineer"),
    ("organiser", "teller"),
    ("organiser", "discipline"),
    ("registrar", "discipline"),
    ("scrutineer", "expert"),
    ("scrutineer", "industry_member"),
    ("scrutineer", "panel_member"),
    ("scrutineer", "leader"),
    ("scrutineer", "teller"),
    ("applicant", "expert"),
    ("applicant", "leader"),
    ("applicant", "discipline"),
    ("discipline", "chair_office"),
]


@pytest.mark.parametrize(("one", "other"), [*INCOMPATIBLE, *((b, a) for a, b in INCOMPATIBLE)])
def test_duties_are_separate_whichever_comes_first(world: World, one: str, other: str) -> None:
    """Dispute H06: nobody who acts also checks; another person may."""
    world.grant("甲", one)
    body = RoleGranted(world.person("甲"), "工作需要", other)
    answer = refused(world, "registrar", body, "ROLE_CONFLICT", CLAUSE)
    assert answer.facts == {"person": world.person("甲"), "role": other, "held": one}
    world.grant("乙", other)


def test_of_two_pending_grants_that_exclude_each_other_the_second_fails(world: World) -> None:
    first = world.must("registrar", RoleGranted(world.person("甲"), "工作需要", "organiser"))
    second = world.must("registrar", RoleGranted(world.person("甲"), "工作需要", "scrutineer"))
    world.cosign(second, "discipline")
    refused(world, "discipline", cosigning(first), "ROLE_CONFLICT", CLAUSE)


def test_nobody_grants_to_themselves(world: World) -> None:
    refused(world, "registrar", RoleGranted(world.person("registrar"), "兼任", "recommender"), "NOT_AUTHORISED", CLAUSE)
    refused(world, "organiser", RoleGranted(world.person("甲"), "工作需要", "expert"), "NOT_AUTHORISED", CLAUSE)
    refused(world, "registrar", RoleGranted(world.person("丙"), "工作需要", "expert"), "UNKNOWN_PERSON", CLAUSE)
    refused(world, "registrar", RoleGranted(world.person("甲"), "工作需要", "emperor"), "UNKNOWN_ROLE", CLAUSE)


def test_an_applicant_sits_in_no_body() -> None:
    world = resume(plays.history_at("filed"))
    applicant = plays.PLAN.applicants[0].alias
    for role in ("expert", "industry_member", "panel_member"):
        answer = refused(
            world, "registrar", RoleGranted(world.person(applicant), "聘任", role), "ROLE_CONFLICT", CLAUSE
        )
        assert answer.facts["held"] == "applicant"


def test_a_grant_in_an_open_stage_is_remarked_on() -> None:
    """Dispute H06: RECORD and FLAG."""
    world = resume(plays.history_at("window"))
    world.enrol("甲")
    assert not world.state.findings.by_id
    act = world.must("registrar", RoleGranted(world.person("甲"), "补充力量", "recommender"))
    last = world.cosign(act, "discipline")
    flagged(world, "GRANT_IN_OPEN_STAGE", "warn", act.index, last.index)


def test_a_sponsors_representative_belongs_to_a_sponsor(world: World) -> None:
    answer = refused(world, "registrar", RoleGranted(world.person("甲"), "代表", "sponsor"), "OFFICE_MISMATCH", CLAUSE)
    assert answer.facts == {"person": world.person("甲"), "office": "unit-0"}
    world.enrol("代表", "sponsor", unit="hrss")
    assert world.state.charter.offices[world.person("代表")] == "hrss"


# --- Succession ---


def succession(world: World, one: str, other: str, role: str) -> OfficeSucceeded:
    """Return the succession of one person by another in a role."""
    return OfficeSucceeded(world.person(one), "轮岗", role, world.person(other))


def test_a_successor_takes_over_without_reopening_anything() -> None:
    world = resume(plays.history_at("window"))
    world.enrol("新任")
    stages = dict(world.state.charter.stages)
    act = world.must("registrar", succession(world, "organiser", "新任", "organiser"))
    last = world.cosign(act, "discipline")
    roll = world.state.roll
    assert not roll.has_role(world.person("organiser"), ("organiser",))
    assert roll.people[world.person("新任")].roles["organiser"] == last.index
    assert world.state.charter.stages == stages
    suspend = SelectionSuspended(world.digest("e"), "停电")
    refused(world, "organiser", suspend, "NOT_AUTHORISED", CLAUSE)
    world.must("新任", suspend)
    assert replayed(world) == world.state


def test_a_sponsors_successor_signs_for_the_same_office_and_not_twice(world: World) -> None:
    world.enrol("新任")
    pending = world.must("organiser", SelectionSuspended(world.digest("e"), "停电"))
    world.cosign(world.must("registrar", succession(world, "sponsor-union", "新任", "sponsor")), "discipline")
    assert world.state.charter.offices[world.person("新任")] == "union"
    refused(world, "sponsor-union", cosigning(pending), "NOT_AUTHORISED", CLAUSE)
    world.cosign(pending, "新任")


def test_what_is_no_succession(world: World) -> None:
    refused(world, "registrar", succession(world, "甲", "乙", "expert"), "ROLE_NOT_HELD", CLAUSE)
    refused(world, "registrar", succession(world, "nobody", "乙", "expert"), "ROLE_NOT_HELD", CLAUSE)
    refused(world, "registrar", succession(world, "organiser", "nobody", "organiser"), "UNKNOWN_PERSON", CLAUSE)
    world.grant("甲", "scrutineer")
    refused(world, "registrar", succession(world, "organiser", "甲", "organiser"), "ROLE_CONFLICT", CLAUSE)
    world.enrol("另一登记员", "registrar")
    own = succession(world, "registrar", "另一登记员", "registrar")
    refused(world, "另一登记员", own, "NOT_AUTHORISED", CLAUSE)
    act = world.must("registrar", succession(world, "organiser", "乙", "organiser"))
    world.cosign(act, "discipline")
    refused(world, "registrar", succession(world, "discipline", "discipline", "discipline"), "ROLE_HELD", CLAUSE)
    confirming = world.must("registrar", succession(world, "sponsor-union", "discipline", "sponsor"))
    refused(world, "discipline", cosigning(confirming), "SECOND_SIGNER_NEEDED", CLAUSE)


# --- Impersonation ---


def test_every_act_is_signed_by_whoever_acts(world: World) -> None:
    """Dispute H05: there is no login as somebody else."""
    body = RoleGranted(world.person("甲"), "工作需要", "expert")
    own = world.person("registrar")
    assert world.refused("organiser", body, person=own).code == "KEY_NOT_OWNERS"
    assert world.refused("organiser", body, on_behalf_of=own).code == "ON_BEHALF_MISMATCH"
    statement = world.statement("registrar", body)
    forged = sign(replace(statement, key=key_of(world, "organiser")), world.actor("organiser").key)
    answer = world.ledger.submit(forged, world.now + 1000)
    assert getattr(answer, "code", None) == "KEY_NOT_OWNERS"
    act = world.must("registrar", body)
    assert (act.person, act.statement.on_behalf_of) == (own, None)
