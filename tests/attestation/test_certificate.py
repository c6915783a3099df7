"""A naming as a certificate: checked offline, forged ones and altered names are told from it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ledger import canonical
from ledger.checkpoint import VerifierKey
from ledger.errors import ConflictError, LedgerError, MalformedError, VerificationError
from ledger.evidence import evidence_digest
from ledger.signing import SigningKey
from ledger.state.clocks import record_of
from projections.certificate import (
    Certificate,
    certify,
    check_record,
    check_scanned,
    name_record,
    read_scanned,
    salt_of,
    verify_certificate,
)
from tests.attestation.sources import MemoryReceipts
from tests.projections.worlds import Played, eventful
from tests.simulator import LOG_VKEY, ORIGIN


@pytest.fixture(scope="module")
def played() -> Played:
    return eventful()


@pytest.fixture(scope="module")
def source(played: Played) -> MemoryReceipts:
    return MemoryReceipts(played.entries)


def named(played: Played) -> tuple[str, ...]:
    titles = played.state.naming.titles
    assert titles is not None
    return titles.candidates


def checked(data: bytes, **members: Any) -> Certificate:
    value: dict[str, Any] = json.loads(data)
    return verify_certificate(canonical.encode(value | members) + b"\n", LOG_VKEY)


def not_in_log(data: bytes, **members: Any) -> VerificationError:
    with pytest.raises(VerificationError, match="CERTIFICATE_NOT_IN_LOG") as caught:
        checked(data, **members)
    return caught.value


def test_everybody_named_has_a_certificate_and_nobody_else(played: Played, source: MemoryReceipts) -> None:
    titles = played.state.naming.titles
    assert titles is not None
    for person in titles.candidates:
        found = verify_certificate(certify(played.state, played.acts, source, person), LOG_VKEY)
        assert (found.person, found.named, found.at, found.together) == (person, titles.index, titles.at, 10)
        assert (found.origin, found.title, found.honour, found.rehearsal) == (
            ORIGIN,
            "第四届珠源工匠选树",
            "珠源工匠",
            True,
        )
        assert (found.conferred_by, found.sponsors, found.revoked, found.record) == (5, 5, None, None)
    assert played.state.rounds.final is not None
    passed_over = next(one for one in played.state.rounds.final.alternates if one not in titles.candidates)
    for person in (passed_over, "nobody"):
        with pytest.raises(ConflictError, match="NOT_NAMED"):
            certify(played.state, played.acts, source, person)


def test_a_forged_certificate_is_not_in_the_log(played: Played, source: MemoryReceipts) -> None:
    mine, other = named(played)[:2]
    data = certify(played.state, played.acts, source, mine, record=True)
    value = json.loads(data)
    assert played.state.rounds.final is not None
    unnamed = next(one for one in played.state.rounds.final.alternates if one not in named(played))
    assert not_in_log(data, person=unnamed).facts == {"reason": "person", "where": "named"}
    assert not_in_log(data, person=other).facts == {"reason": "person", "where": "record"}
    assert not_in_log(data, named=value["record"]).facts["where"] == "named"
    mixed = {"entry": value["record"]["entry"], "receipt": value["named"]["receipt"]}
    assert not_in_log(data, named=mixed).facts["reason"] == "RECEIPT_NOT_INCLUDED"
    assert not_in_log(data, record=value["named"]).facts["where"] == "record"
    assert not_in_log(data, conferred=[value["named"]]).facts["where"] == "conferred"
    assert not_in_log(data, revoked=value["conferred"]).facts["where"] == "revoked"
    stranger = SigningKey.from_seed(b"\x07" * 32)
    forged = certify(played.state, played.acts, MemoryReceipts(played.entries, signer=stranger), mine)
    assert not_in_log(forged).facts["reason"] == "NOTE_UNSIGNED"
    with pytest.raises(VerificationError, match="CERTIFICATE_NOT_IN_LOG"):
        verify_certificate(data, VerifierKey(ORIGIN, stranger.public))
    for members in ({"person": 7}, {"format": "x"}, {"more": 1}, {"conferred": None}, {"named": None}):
        with pytest.raises(MalformedError):
            checked(data, **members)


def test_every_flipped_byte_is_refused(played: Played, source: MemoryReceipts) -> None:
    data = certify(played.state, played.acts, source, named(played)[0], record=True)
    value = json.loads(data)
    start = data.index(value["charter"]["entry"].encode())
    stop = start + len(value["charter"]["entry"])
    places = [one for one in range(0, len(data), 13) if not start + 64 <= one < stop - 64 or one % 213 == 0]
    for place in places:
        flipped = data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :]
        with pytest.raises(LedgerError):
            verify_certificate(flipped, LOG_VKEY)


def test_a_name_belongs_to_the_record_or_is_altered(played: Played, source: MemoryReceipts) -> None:
    person = named(played)[0]
    shown = verify_certificate(certify(played.state, played.acts, source, person, record=True), LOG_VKEY)
    assert shown.record == record_of(played.state, person)
    salt, record = b"\x05" * 32, name_record("张三")
    held = replace(shown, record=evidence_digest(salt, record))
    assert check_record(held, record, salt) == "张三"
    for content, other in ((name_record("李四"), salt), (record, b"\x06" * 32)):
        with pytest.raises(VerificationError, match="CERTIFICATE_NOT_IN_LOG"):
            check_record(held, content, other)
    with pytest.raises(MalformedError, match="SALT_INVALID"):
        check_record(held, record, b"short")
    with pytest.raises(MalformedError, match="SALT_INVALID"):
        salt_of("not base64")
    scan = replace(shown, record=evidence_digest(salt, b"%PDF"))
    assert check_record(scan, b"%PDF", salt_of("BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=")) is None
    without = verify_certificate(certify(played.state, played.acts, source, person), LOG_VKEY)
    with pytest.raises(ConflictError, match="RECORD_NOT_SHOWN"):
        check_record(without, record, salt)


def test_what_is_scanned_is_held_against_a_log_at_hand(played: Played, source: MemoryReceipts) -> None:
    found = verify_certificate(certify(played.state, played.acts, source, named(played)[2]), LOG_VKEY)
    check_scanned(read_scanned(found.scanned + "\n"), played.state, played.acts, ORIGIN)
    assert len(found.scanned) < 300
    parts = found.scanned.split(" ")
    forged = {1: "elsewhere.example/log", 2: str(found.named - 1), 4: "0" * 64, 5: "nobody"}
    for place, word in forged.items():
        other = read_scanned(" ".join([*parts[:place], word, *parts[place + 1 :]]))
        with pytest.raises(VerificationError, match="CERTIFICATE_NOT_IN_LOG"):
            check_scanned(other, played.state, played.acts, ORIGIN)
    for text in ("", "x", found.scanned + " more", found.scanned.replace(parts[4], "xyz"), "a " * 300):
        with pytest.raises(MalformedError, match="SCAN_MALFORMED"):
            read_scanned(text)
    for place in (2, 3):
        with pytest.raises(MalformedError, match="SCAN_MALFORMED"):
            read_scanned(" ".join([*parts[:place], "-1", *parts[place + 1 :]]))
