"""The bytes of every kind of statement: golden, in one form, read alike by both codecs, with and without msgspec."""

import base64
import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import MalformedError
from ledger.procedure.acts import ACTS
from ledger.signing import PAYLOAD_TYPE_PREFIX, SigningKey, statement_id
from ledger.statements import Statement, decode_entry, decode_own_entry, encode_entry, open_envelope, sign
from ledger.statements.codec import MAX_ENTRY, decode_payload, encode_payload
from ledger.statements.foundation import CharterEndorsed, CharterSealed, SelectionResumed
from ledger.statements.kinds import all_kinds, kind, name_of
from ledger.statements.typed import decode_plain, decode_typed, encode_plain, encode_typed
from tests.samples import KEY, all_samples, golden, known, sample

SAMPLES = all_samples()
EACH = pytest.mark.parametrize(
    ("payload_type", "which", "statement"),
    SAMPLES,
    ids=[f"{name_of(type(s.body))[0]}-{which}" for _, which, s in SAMPLES],
)

PLAIN = """
import base64, json, sys
sys.modules["msgspec"] = None
from ledger.errors import MalformedError
from ledger.statements import codec
from ledger.canonical import msgspec
assert msgspec is None

def outcome(payload_type, payload):
    try:
        statement = codec.decode_payload(payload_type, payload)
    except MalformedError:
        return "refused"
    return codec.encode_payload(statement).decode()

given = json.load(sys.stdin)
json.dump([outcome(kind, base64.b64decode(payload)) for kind, payload in given], sys.stdout)
"""


def without_msgspec(payloads: list[tuple[str, bytes]]) -> list[str]:
    """Decode payloads on a machine without msgspec; return each one's bytes encoded again, or that it is refused."""
    given = json.dumps([(payload_type, base64.b64encode(payload).decode()) for payload_type, payload in payloads])
    run = subprocess.run(
        [sys.executable, "-c", PLAIN],
        input=given.encode(),
        capture_output=True,
        cwd=Path(__file__).parents[1],
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    outcomes: list[str] = json.loads(run.stdout)
    return outcomes


def outcome(payload_type: str, payload: bytes) -> str:
    """Return the bytes encoded again, or that they are refused."""
    try:
        return encode_payload(decode_payload(payload_type, payload)).decode()
    except MalformedError:
        return "refused"


# --- Golden bytes ---


@EACH
def test_bytes_are_the_golden_ones(payload_type: str, which: str, statement: Statement[Any]) -> None:
    """What was signed once is read for ever: a change of these bytes is a new version, never a new spelling."""
    vector = known()[payload_type][which]
    assert golden(statement) == vector
    payload = vector["payload"].encode()
    assert decode_payload(payload_type, payload) == statement
    assert statement_id(payload_type, payload).hex() == vector["id"]


def test_every_kind_has_golden_bytes_and_none_was_lost() -> None:
    assert set(known()) == set(all_kinds())


@EACH
def test_both_codecs_read_and_write_the_same(payload_type: str, which: str, statement: Statement[Any]) -> None:
    payload = encode_typed(statement)
    assert encode_plain(statement) == payload
    cls = type(statement.body)
    assert decode_plain(cls, payload) == decode_typed(cls, payload) == statement


def test_golden_bytes_without_msgspec() -> None:
    vectors = [(payload_type, one["payload"]) for payload_type, both in known().items() for one in both.values()]
    assert without_msgspec([(payload_type, payload.encode()) for payload_type, payload in vectors]) == [
        payload for _, payload in vectors
    ]


# --- Every field of every kind, spoilt ---

WRONG: tuple[Any, ...] = (
    None, True, 0, -1, 2**53, 1.5, "", " ", "x", "Id With Spaces", "停", "\u202e", "0" * 64, "a" * 3000, [], [None],
    [["a"]], {}, {"a": 1}, [{}],
)  # fmt: skip


@cache
def spoilt() -> tuple[tuple[str, bytes], ...]:
    """Return payloads in which one member is wrong, missing or too many: of every body, and of the header."""
    made: list[tuple[str, bytes]] = []
    for number, (payload_type, _, statement) in enumerate(SAMPLES):
        whole = json.loads(encode_typed(statement))
        for place in (whole["body"], whole)[: 2 if number < 2 else 1]:
            for name in list(place):
                kept = place[name]
                for value in WRONG:
                    place[name] = value
                    made.append((payload_type, _spelt(whole)))
                del place[name]
                made.append((payload_type, _spelt(whole)))
                place[name] = kept
            place["zzz"] = None
            made.append((payload_type, _spelt(whole)))
            del place["zzz"]
    return tuple(made)


def _spelt(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def test_both_codecs_refuse_the_same() -> None:
    given = list(spoilt())
    fast = [outcome(payload_type, payload) for payload_type, payload in given]
    assert fast == without_msgspec(given)
    # What is taken is taken as it is spelt.
    taken = [
        (payload.decode(), came_out)
        for (_, payload), came_out in zip(given, fast, strict=True)
        if came_out != "refused"
    ]
    assert all(payload == came_out for payload, came_out in taken)
    assert 0 < len(taken) < len(given) // 2


# --- Kinds ---


def test_names_are_permanent_and_stand_in_the_table_of_acts() -> None:
    assert {name_of(cls)[0] for cls in all_kinds().values()} == set(ACTS)
    for payload_type, cls in all_kinds().items():
        name, version = name_of(cls)
        assert payload_type == f"{PAYLOAD_TYPE_PREFIX}{name}.v{version}+json"


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match=r"charter\.endorsed"):
        kind("charter.endorsed")(SelectionResumed)


def test_type_and_version_are_those_of_the_kind() -> None:
    statement = sample(CharterEndorsed, True)
    payload_type = f"{PAYLOAD_TYPE_PREFIX}charter.endorsed.v1+json"
    for old, new in ((b'"version":1', b'"version":2'), (b"charter.endorsed", b"charter.enforced")):
        payload = encode_typed(statement).replace(old, new)
        with pytest.raises(MalformedError) as caught:
            decode_payload(payload_type, payload)
        assert caught.value.facts == {"where": "type and version"}
    with pytest.raises(MalformedError) as caught:
        decode_payload(payload_type.replace(".v1", ".v9"), encode_typed(statement))
    assert caught.value.code == "UNKNOWN_STATEMENT"


# --- Envelopes and entries ---


@EACH
def test_statements_come_back_from_envelopes_and_entries(
    payload_type: str, which: str, statement: Statement[Any]
) -> None:
    envelope = sign(statement, KEY)
    signed = open_envelope(envelope)
    assert (signed.payload_type, signed.statement, signed.verify(KEY.public)) == (payload_type, statement, True)
    assert not signed.verify(SigningKey.from_seed(bytes(32)).public)
    entry = encode_entry(11, 1_663_894_800_000, envelope)
    act = decode_entry(entry)
    assert (act.index, act.at, act.signed, act.person) == (11, 1_663_894_800_000, signed, "somebody")
    assert decode_own_entry(entry) == act
    assert json.loads(entry)["envelope"] == json.loads(envelope)


def test_a_statement_is_signed_by_the_key_it_names() -> None:
    with pytest.raises(MalformedError) as caught:
        sign(sample(CharterEndorsed, True), SigningKey.from_seed(bytes(32)))
    assert caught.value.code == "KEY_MISMATCH"


def test_a_value_that_breaks_its_field_cannot_be_signed() -> None:
    statement = sample(SelectionResumed, True)
    for body, code in ((SelectionResumed(""), "FIELD_INVALID"), (SelectionResumed("\u202e"), "TEXT_FORBIDDEN")):
        with pytest.raises(MalformedError) as caught:
            sign(replace(statement, body=body), KEY)
        assert caught.value.code == code


def test_what_is_too_large() -> None:
    charter = sample(CharterSealed, True)
    long = replace(charter, body=replace(charter.body, programme={"a": ["x" * 1000] * 45}))
    with pytest.raises(MalformedError) as caught:
        open_envelope(sign(long, KEY))
    assert caught.value.code == "STATEMENT_TOO_LARGE"
    with pytest.raises(MalformedError) as caught:
        encode_entry(0, 0, b" " * MAX_ENTRY)
    assert caught.value.code == "STATEMENT_TOO_LARGE"
