"""Section 8 on a real sequencer: keys, impersonation, roles, back-dating, clock, changed rules, replay, spelling."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import date
from functools import cache
from typing import Any

import pytest

from api.rehearsal.driver import World
from api.rehearsal.live import SequencedLedger
from api.rehearsal.steps_rounds import ballot, certification, close_round, closing, outcome_of
from ledger.attempts_check import verify_attempts
from ledger.errors import MalformedError, StoreError
from ledger.log_keys import LogKeys
from ledger.procedure.notice import instant
from ledger.roll import possession_message
from ledger.sequencer import Refused, Sequenced
from ledger.signing import SigningKey, encode_base64, envelope_bytes, key_id, pae
from ledger.state.finding_book import Finding
from ledger.statements import open_envelope
from ledger.statements.foundation import Difference, ProgrammeAmended, SelectionSuspended, StageOpened
from ledger.statements.roll import KeyRevoked, KeyRotated, RoleGranted
from ledger.statements.rounds import BallotInvalidated, RoundClosed
from projections.audit.report import Check
from projections.replay import replay
from tests import voting
from tests.decisions.test_foundation import OTHERS, amendment, changed, place_of
from tests.plays import history_at, refused
from tests.sequenced import Site, WorldFrom
from tests.simulator import LOG_VKEY, History, freeze, new_world
from tests.states import shape
from tests.voting import PANEL, PEOPLE, dishonest

CLAUSE = "七(三)"
FOURTEEN = PEOPLE[:14]


@cache
def voting_history() -> History:
    """Return the play up to an open round of the panel."""
    return freeze(voting.voting()[0])


@cache
def founded_history() -> History:
    """Return the play up to an endorsed charter and two people with keys."""
    world = new_world()
    world.enrol("甲")
    world.enrol("乙")
    return freeze(world)


@pytest.fixture
def founded(world_from: WorldFrom, site: Site) -> Iterator[World]:
    """Return a small play on a real sequencer; at the end the log stands every check."""
    world = world_from(founded_history())
    yield world
    stands(world, site)


@pytest.fixture
def voted_in(world_from: WorldFrom, site: Site) -> Iterator[World]:
    """Return a play whose panel is voting, on a real sequencer; at the end the log stands every check."""
    world = world_from(voting_history())
    yield world
    stands(world, site)


def stands(world: World, site: Site) -> None:
    """What is stored is sound, and folded again it is what is live."""
    assert site.audit().clean
    with site.store() as store:
        again = replay(entry for _, entry in store.read_entries())
    assert shape(again) == shape(world.state)


def round_of(world: World) -> Any:
    """Return the open round."""
    return next(reversed(world.state.rounds.by_id.values()))


def found(world: World, code: str) -> list[Finding]:
    """Return the findings of a code."""
    return [one for one in world.state.findings.by_id.values() if one.code == code]


def theft(world: World, alias: str, suspect_from: int | None) -> KeyRevoked:
    """Return the revocation of somebody's stolen key."""
    key = key_id(world.actor(alias).key.public)
    return KeyRevoked("stolen", key, world.person(alias), "手机被盗", suspect_from)


def sequencer_of(world: World) -> Any:
    """Return the sequencer on which a play runs."""
    assert isinstance(world.ledger, SequencedLedger)
    return world.ledger.sequencer


def new_key(world: World, alias: str, seed: bytes) -> KeyRotated:
    """Return the rotation of somebody's key."""
    key = SigningKey.from_seed(seed)
    challenge = world.digest("challenge")
    message = possession_message(world.state.charter.id, world.person(alias), key_id(key.public), challenge)
    return KeyRotated("ed25519", challenge, encode_base64(key.sign(message)), encode_base64(key.public))


def test_H02_what_a_stolen_key_signed_is_suspect_and_it_signs_no_more(voted_in: World) -> None:
    world, opened = voted_in, round_of(voted_in)
    before = world.must(PANEL[1], ballot(world, opened.id, FOURTEEN))
    stolen_from = world.state.size
    suspect = world.must(PANEL[0], ballot(world, opened.id, FOURTEEN))
    act = world.must("registrar", theft(world, PANEL[0], stolen_from))
    again = refused(world, PANEL[0], ballot(world, opened.id, ()), "KEY_REVOKED", CLAUSE)
    assert again.facts["since"] == act.index
    assert found(world, "KEY_SUSPECT") == []
    last = world.cosign(act, "discipline")
    (finding,) = found(world, "KEY_SUSPECT")
    assert (finding.severity, finding.raised, finding.entries) == ("breach", last.index, (suspect.index, act.index))
    assert finding.facts == {"ballot": suspect.index, "member": world.person(PANEL[0])}
    # Only what that key signed is suspect, and only from where it is suspected.
    assert set(opened.ballots) == {world.person(PANEL[1]), world.person(PANEL[0])}
    assert opened.ballots[world.person(PANEL[1])].index == before.index


def test_H03_a_revocation_dated_back_voids_nothing(voted_in: World) -> None:
    world, opened = voted_in, round_of(voted_in)
    for alias in PANEL:
        world.must(alias, ballot(world, opened.id, FOURTEEN))
    close_round(world, opened.id)
    counted = outcome_of(world, "stage:shortlist").rows_root
    cast = opened.ballots[world.person(PANEL[0])].index
    world.cosign(world.must("registrar", theft(world, PANEL[0], 0)), "discipline")
    assert outcome_of(world, "stage:shortlist").rows_root == counted
    assert [finding.facts["ballot"] for finding in found(world, "KEY_SUSPECT")] == [cast]
    # A decision of two voids a suspect ballot, never the revocation; what is not suspect only its member disputes.
    other = opened.ballots[world.person(PANEL[1])].index
    refused(world, "organiser", BallotInvalidated(other, "密钥失窃"), "BALLOT_NOT_DISPUTED", CLAUSE)
    world.must("organiser", BallotInvalidated(cast, "密钥失窃"))
    assert outcome_of(world, "stage:shortlist").rows_root == counted
    refused(world, "organiser", certification(world, "stage:shortlist"), "FINDING_OPEN", "五(三)")


def test_H04_a_new_key_is_no_second_vote(voted_in: World) -> None:
    world, opened = voted_in, round_of(voted_in)
    first = world.must(PANEL[0], ballot(world, opened.id, FOURTEEN))
    world.must(PANEL[0], new_key(world, PANEL[0], b"4" * 32))
    world.actor(PANEL[0]).key = SigningKey.from_seed(b"4" * 32)
    answer = refused(world, PANEL[0], ballot(world, opened.id, ()), "ALREADY_VOTED", "五(三)")
    assert answer.facts == {"first": first.index}
    # Somebody else who rotated before voting votes once, with the new key.
    world.must(PANEL[1], new_key(world, PANEL[1], b"5" * 32))
    refused(world, PANEL[1], ballot(world, opened.id, FOURTEEN), "KEY_REVOKED", CLAUSE)
    world.actor(PANEL[1]).key = SigningKey.from_seed(b"5" * 32)
    world.must(PANEL[1], ballot(world, opened.id, FOURTEEN))


def test_H05_nobody_signs_as_somebody_else(voted_in: World, site: Site) -> None:
    world, opened = voted_in, round_of(voted_in)
    body, member = ballot(world, opened.id, FOURTEEN), world.person(PANEL[0])
    size = world.state.size
    assert world.refused("organiser", body, person=member).code == "KEY_NOT_OWNERS"
    assert world.refused("organiser", body, on_behalf_of=member).code == "NOT_BALLOT_OWNER"
    assert world.refused(PANEL[1], body, on_behalf_of=member).code == "NOT_BALLOT_OWNER"
    assert world.state.size == size
    with site.store() as store:
        tried = [(one.person, one.code) for one in verify_attempts(store, LogKeys.of(LOG_VKEY)).attempts]
    # Each attempt is kept under whoever really signed.
    assert tried == [
        (world.person("organiser"), "KEY_NOT_OWNERS"),
        (world.person("organiser"), "NOT_BALLOT_OWNER"),
        (world.person(PANEL[1]), "NOT_BALLOT_OWNER"),
    ]
    act = world.must(PANEL[0], body)
    assert (act.person, act.statement.on_behalf_of) == (member, None)


def test_H06_nobody_gives_themselves_an_auditors_role(voted_in: World) -> None:
    world = voted_in
    organiser = world.person("organiser")
    for role in ("discipline", "scrutineer", "registrar"):
        answer = refused(world, "registrar", RoleGranted(organiser, "兼任", role), "ROLE_CONFLICT", CLAUSE)
        assert answer.facts == {"person": organiser, "role": role, "held": "organiser"}
    refused(world, "organiser", RoleGranted(organiser, "兼任", "discipline"), "NOT_AUTHORISED", CLAUSE)
    world.enrol("新人")
    act = world.must("registrar", RoleGranted(world.person("新人"), "补充", "scrutineer"))
    last = world.cosign(act, "discipline")
    (finding,) = [one for one in found(world, "GRANT_IN_OPEN_STAGE") if one.entries == (act.index, last.index)]
    assert (finding.severity, finding.facts) == ("warn", {"role": "scrutineer"})


def test_H12_an_act_dated_back_stands_where_it_was_sequenced(founded: World) -> None:
    world = founded
    tuesday = instant(date(2022, 9, 20), world.offset_minutes)
    act = world.must("registrar", world.enrolment("丙"), claimed_at=tuesday)
    other = world.must("registrar", world.enrolment("丁"), claimed_at=world.now)
    assert (act.index, act.at > tuesday, other.index) == (world.state.size - 2, True, act.index + 1)
    (finding,) = found(world, "BACKDATED")
    assert (finding.severity, finding.entries) == ("warn", (act.index,))
    assert finding.facts == {"claimed_at": tuesday, "sequenced_at": act.at}


def test_H13_the_clock_never_goes_back_in_the_log(founded: World) -> None:
    world, sequencer = founded, sequencer_of(founded)
    last, size = world.state.at, world.state.size
    envelope = world.envelope("registrar", world.enrolment("丙"))
    with pytest.raises(StoreError) as caught:
        sequencer.submit(envelope, last - 1001).result()
    assert (caught.value.code, world.state.size) == ("CLOCK_REGRESSION", size)
    # A step back of up to a second is clamped; what was refused above can be sent again.
    answer = sequencer.submit(envelope, last - 1000).result()
    assert answer.act.at == last


def test_H14_rules_are_frozen_once_their_stage_has_begun(world_from: WorldFrom, site: Site) -> None:
    world = world_from(history_at("window"))
    begun = changed(f"stages.{place_of('applications')}.clause", "六(二)")
    refused(world, "organiser", amendment(world, begun), "RULES_FROZEN", "五")
    later = changed(f"stages.{place_of('screening')}.clause", "四、七(三)")
    typed = replace(amendment(world, later), difference=(Difference("-", "-", "seats"),))
    refused(world, "organiser", typed, "DIFFERENCE_NOT_DERIVED", "五")
    before = world.state.charter.latest
    act = world.must("organiser", amendment(world, later))
    last = world.cosign(act, *OTHERS)
    assert isinstance(act.body, ProgrammeAmended)
    (finding,) = found(world, "RULES_CHANGED")
    assert (finding.severity, finding.entries, finding.facts) == ("warn", (act.index, last.index), {"changes": 1})
    charter = world.state.charter
    assert (charter.version_for("applications"), charter.version_for("screening")) == (before, charter.latest)
    stands(world, site)


@cache
def typed_result() -> tuple[History, int]:
    """Return a play in which a dishonest log admitted a result that does not follow, and its entry."""
    world, opened = voting.voting()
    for alias in PANEL:
        world.must(alias, ballot(world, opened.id, FOURTEEN))
    close_round(world, opened.id)
    dishonest(world, "organiser", replace(certification(world, "stage:shortlist"), rows_root=world.digest("typed")))
    return freeze(world), world.state.size - 1


def test_H15_a_result_that_no_longer_follows_is_a_breach_and_blocks_the_next(world_from: WorldFrom, site: Site) -> None:
    """To the program that reads the log it is the same whether the log lied or an older program counted otherwise."""
    history, index = typed_result()
    world = world_from(history)
    (finding,) = found(world, "REPLAY_DIVERGES")
    assert (finding.severity, finding.entries, finding.facts) == ("breach", (index,), {"subject": "stage:shortlist"})
    assert world.state.findings.open_breaches() == (finding,)
    report = site.audit()
    assert {(failure.check, failure.code, failure.index, failure.clause) for failure in report.failures} == {
        (Check.DECISIONS, "RESULT_NOT_DERIVED", index, "五(三)"),
        (Check.RESULTS, "REPLAY_DIVERGES", index, "五(三)"),
    }
    with site.store() as store:
        again = replay(entry for _, entry in store.read_entries())
    assert [asdict(one) for one in again.findings.by_id.values()] == [
        asdict(one) for one in world.state.findings.by_id.values()
    ]


def test_H18_a_round_does_not_close_over_ballots_that_wait(voted_in: World) -> None:
    """Ballots that were handed in before the close are in the log before it; a count made earlier is refused."""
    world, opened, sequencer = voted_in, round_of(voted_in), sequencer_of(voted_in)
    for alias in PANEL[:-2]:
        world.must(alias, ballot(world, opened.id, FOURTEEN))
    counted: RoundClosed = closing(world, opened.id)
    waiting = [world.envelope(alias, ballot(world, opened.id, FOURTEEN)) for alias in PANEL[-2:]]
    world.now += 1000
    answers = sequencer.submit_all([*waiting, world.envelope("organiser", counted)], world.now)
    first, second, close = (answer.result() for answer in answers)
    assert isinstance(first, Sequenced)
    assert isinstance(second, Sequenced)
    assert isinstance(close, Refused)
    assert (close.refusal.code, close.refusal.clause) == ("PENDING_SUBMISSIONS", "五(三)")
    close_round(world, opened.id)
    row = outcome_of(world, "stage:shortlist").row(world.person(PEOPLE[0]))
    assert row is not None
    assert row["returned"] == len(PANEL)


# --- H24: one statement, one spelling ---


def respelt(world: World, spell: Callable[[bytes], bytes]) -> bytes:
    """Return a statement that its member really signed, in another spelling of the payload."""
    signed = open_envelope(world.envelope("organiser", SelectionSuspended(world.digest("e"), "停电 é")))
    payload = spell(signed.payload)
    signature = world.actor("organiser").key.sign(pae(signed.payload_type, payload))
    return envelope_bytes(signed.payload_type, payload, signed.statement.key, signature)


def _reordered(payload: bytes) -> bytes:
    value = json.loads(payload)
    return json.dumps(dict(reversed(value.items())), separators=(",", ":"), ensure_ascii=False).encode()


PAYLOADS: list[Callable[[bytes], bytes]] = [
    lambda payload: payload + b" ",
    lambda payload: payload.replace(b",", b", "),
    lambda payload: payload.replace("停".encode(), b"\\u505c"),
    lambda payload: payload.replace(b'"version":1', b'"version":1.0'),
    lambda payload: payload.replace(b'"version":1', b'"version":1,"version":1'),
    lambda payload: payload.replace(b'"version":1', b'"version":01'),
    lambda payload: b"\xef\xbb\xbf" + payload,
    lambda payload: payload.replace("é".encode(), b"\xe9"),
    _reordered,
]


@pytest.mark.parametrize("spell", PAYLOADS)
def test_H24_a_payload_has_one_spelling(founded: World, spell: Callable[[bytes], bytes]) -> None:
    world = founded
    size = world.state.size
    with pytest.raises(MalformedError) as caught:
        sequencer_of(world).submit(respelt(world, spell), world.now)
    assert caught.value.code in {"NOT_CANONICAL", "FIELD_INVALID"}
    assert world.state.size == size


ENVELOPES: list[Callable[[bytes], bytes]] = [
    lambda envelope: envelope + b"\n",
    lambda envelope: envelope.replace(b":", b": ", 1),
    lambda envelope: envelope.replace(b'"payloadType"', b'"payload_type"'),
    lambda envelope: envelope.replace(b'"signatures":[', b'"more":1,"signatures":['),
    lambda envelope: envelope.replace(b"}]}", b'},{"keyid":"","sig":""}]}'),
    lambda envelope: envelope.replace(b"+json", b"%2Bjson"),
    lambda envelope: envelope.replace(b'=="}]}', b'"}]}'),
    lambda envelope: json.dumps(json.loads(envelope)).encode(),
    lambda envelope: envelope.replace(b'"payload":"', b'"payload":"\\u0065', 1),
]


@pytest.mark.parametrize("spell", ENVELOPES)
def test_H24_an_envelope_has_one_spelling(founded: World, spell: Callable[[bytes], bytes]) -> None:
    world = founded
    size = world.state.size
    envelope = world.envelope("organiser", SelectionSuspended(world.digest("e"), "停电"))
    assert spell(envelope) != envelope
    with pytest.raises(MalformedError) as caught:
        sequencer_of(world).submit(spell(envelope), world.now)
    assert caught.value.code in {"NOT_CANONICAL", "UNKNOWN_STATEMENT"}
    assert world.state.size == size


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200f", "\u0007", "\u0085", "\ufdd0", "\U0001ffff"])
def test_H24_what_people_cannot_see_is_not_signed(founded: World, character: str) -> None:
    world = founded
    with pytest.raises(MalformedError) as caught:
        world.envelope("organiser", SelectionSuspended(world.digest("e"), f"停{character}电"))
    assert caught.value.code == "TEXT_FORBIDDEN"
    forced = respelt(
        world,
        lambda payload: payload.replace(
            "é".encode(), json.dumps(character, ensure_ascii=character < " ").encode()[1:-1]
        ),
    )
    with pytest.raises(MalformedError):
        sequencer_of(world).submit(forced, world.now)


def test_H24_text_is_kept_as_it_was_signed(founded: World) -> None:
    """Two ways to write é are two texts; neither becomes the other."""
    world = founded
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    acts = [world.must("organiser", SelectionSuspended(world.digest("e"), text)) for text in (composed, decomposed)]
    assert [act.body.reason for act in acts] == [composed, decomposed]
    assert acts[0].signed.payload != acts[1].signed.payload


def test_H24_the_same_bytes_again_and_other_bytes_with_the_same_counter(founded: World) -> None:
    world, sequencer = founded, sequencer_of(founded)
    envelope = world.envelope("registrar", world.enrolment("丙"))
    first, again = (sequencer.submit(envelope, world.now).result() for _ in range(2))
    assert first.receipt.encode() == again.receipt.encode()
    counter = first.act.statement.counter
    other = world.refused("registrar", world.enrolment("丁"), counter=counter)
    assert (other.code, other.clause) == ("IDEMPOTENCY_CONFLICT", CLAUSE)
    stage = world.refused("organiser", StageOpened("screening"))
    assert stage.code == "STAGE_ORDER"
    assert base64.b64decode(json.loads(envelope)["payload"]) == first.act.signed.payload
