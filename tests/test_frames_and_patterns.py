"""Envelopes, entries and patterned fields: one spelling each, and the compiled and the plain decoder agree on it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.errors import MalformedError
from ledger.signing import SigningKey, encode_base64, key_id, pae
from ledger.statements import (
    Seen,
    Statement,
    decode_entry,
    decode_own_entry,
    encode_entry,
    framing,
    open_envelope,
    sign,
)
from ledger.statements.foundation import CalendarRecorded, CharterEndorsed
from ledger.statements.kinds import all_kinds, name_of
from ledger.statements.patterns import check_patterns
from ledger.statements.rounds import BallotCast
from ledger.statements.typed import decode_plain, decode_typed, encode_typed

KEY = SigningKey.from_seed(bytes(32))
SEEN = Seen(encode_base64(bytes(32)), encode_base64(bytes(68)), 7)


def statement(body: Any, **header: Any) -> Statement[Any]:
    name, version = name_of(type(body))
    values: dict[str, Any] = {
        "claimed_at": None,
        "counter": 3,
        "key": key_id(KEY.public),
        "nonce": "0f" * 16,
        "on_behalf_of": None,
        "person": "p1",
        "programme": "ab" * 32,
        "rules": "cd" * 32,
        "seen": SEEN,
    }
    return Statement(body=body, type=name, version=version, **(values | header))


BALLOT = BallotCast(("c3",), (), ("c1", "c2"), "ef" * 32, "round-1")
ENTRY = encode_entry(11, 1_663_894_800_000, sign(statement(BALLOT), KEY))
ENVELOPE = framing.envelope_of(ENTRY)


def outcome(read: Callable[[bytes], Any], encode: Callable[[Any], bytes], data: bytes) -> Any:
    """What comes out of `data`, or None if it is refused."""
    try:
        value = read(data)
        return value if encode(value) == data else None
    except (ValueError, TypeError, LookupError, RecursionError, MalformedError):
        return None


def parsed(parse: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return parse(data)
    except MalformedError:
        return None


def test_an_entry_comes_apart_into_what_was_signed() -> None:
    act = decode_entry(ENTRY)
    assert (act.index, act.at, act.signed.envelope) == (11, 1_663_894_800_000, ENVELOPE)
    assert act.body == BALLOT
    assert act.signed == open_envelope(ENVELOPE)
    assert act == decode_own_entry(ENTRY)
    assert act.signed.verify(KEY.public)
    assert KEY.sign(pae(act.signed.payload_type, act.signed.payload)) == act.signed.signature


@given(place=st.integers(0, len(ENTRY) - 1), byte=st.integers(0, 255))
@example(place=ENTRY.index(b"=="), byte=ord("A"))
@example(place=ENTRY.index(b"==") - 1, byte=ENTRY[ENTRY.index(b"==") - 1] + 1)
@example(place=0, byte=ord(" "))
def test_both_decoders_refuse_the_same_changed_entries(place: int, byte: int) -> None:
    changed = ENTRY[:place] + bytes([byte]) + ENTRY[place + 1 :]
    plain = outcome(framing.read_plain_entry, framing.encode_plain_entry, changed)
    assert parsed(framing.parse_entry, changed) == plain


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"index":11', b'"index":-1'),
        (b'"index":11', b'"index":011'),
        (b'"index":11', b'"index":11.0'),
        (b'"index":11', b'"index":true'),
        (b'"index":11', b'"index":9007199254740992'),
        (b'"index":11', b'"index": 11'),
        (b'"index":11', b'"index":11,"index":11'),
        (b'"index":11', b'"a":1,"index":11'),
        (b',"index":11', b""),
        (b'"signatures":[', b'"signatures":[],"signatures":['),
        (b'"signatures":[', b'"signatures":[{"keyid":"","sig":""},'),
        (b'"keyid":', b'"extra":0,"keyid":'),
        (b"vnd.", b"vnd\\u002e"),
    ],
)
def test_another_spelling_of_an_entry_is_not_canonical(old: bytes, new: bytes) -> None:
    changed = ENTRY.replace(old, new, 1)
    assert changed != ENTRY
    assert outcome(framing.read_plain_entry, framing.encode_plain_entry, changed) is None
    with pytest.raises(MalformedError, match="NOT_CANONICAL"):
        decode_entry(changed)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"null", b"\xff", b"[" * 5000, ENVELOPE[:-1], ENVELOPE + b" ", b" " + ENVELOPE]
)
def test_what_is_no_envelope_is_not_canonical(data: bytes) -> None:
    assert outcome(framing.read_plain_envelope, framing.encode_plain_envelope, data) is None
    with pytest.raises(MalformedError, match="NOT_CANONICAL"):
        open_envelope(data)
    with pytest.raises(MalformedError, match="NOT_CANONICAL"):
        decode_entry(data)


def test_an_entry_whose_place_is_gone_is_malformed_even_when_vouched_for() -> None:
    with pytest.raises(MalformedError, match="NOT_CANONICAL"):
        decode_own_entry(ENTRY[:-2])


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ({"key": "AB" * 32}, "key"),
        ({"nonce": "0f" * 15}, "nonce"),
        ({"nonce": "0f" * 16 + "\n"}, "nonce"),
        ({"person": ""}, "person"),
        ({"person": "p1\n" + "ab" * 32}, "person"),
        ({"person": "-p"}, "person"),
        ({"on_behalf_of": ""}, "on_behalf_of"),
        ({"on_behalf_of": "Ü"}, "on_behalf_of"),
        ({"programme": "ab" * 33}, "programme"),
        ({"rules": "zz" * 32}, "rules"),
        ({"seen": replace(SEEN, root="*")}, "root"),
        ({"seen": replace(SEEN, signature="=")}, "signature"),
    ],
)
def test_a_text_of_the_header_that_breaks_its_pattern_is_named(header: dict[str, Any], field: str) -> None:
    broken = statement(BALLOT, **header)
    payload = encode_typed(broken)
    with pytest.raises(MalformedError, match=f"FIELD_INVALID.*{field}"):
        decode_typed(BallotCast, payload)
    with pytest.raises(MalformedError):
        decode_plain(BallotCast, payload)


@pytest.mark.parametrize(
    "body",
    [
        CharterEndorsed("AB" * 32),
        CalendarRecorded(("2022-10-3",), (), "s", 2022),
        CalendarRecorded((), ("x",), "s", 2022),
    ],
)
def test_a_text_of_a_body_that_breaks_its_pattern_is_refused(body: Any) -> None:
    with pytest.raises(MalformedError, match="FIELD_INVALID"):
        check_patterns(statement(body))


def test_absent_texts_and_good_texts_pass() -> None:
    check_patterns(statement(BALLOT))
    check_patterns(statement(BALLOT, programme=None, rules=None, seen=None, on_behalf_of="p2"))
    check_patterns(statement(CalendarRecorded(("2022-10-03",), (), "s", 2022)))


@pytest.mark.parametrize("cls", all_kinds().values())
def test_members_are_declared_in_the_order_they_are_spelt(cls: type[Any]) -> None:
    assert list(cls.__dataclass_fields__) == sorted(cls.__dataclass_fields__)
