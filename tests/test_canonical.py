"""One value, one byte string: held against another implementation, and the compiled path against the plain one."""

import hashlib
import importlib.util
import json
import sys
import unicodedata
from types import ModuleType
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from ledger import canonical
from ledger.canonical import MAX_DEPTH, SAFE_INTEGER
from ledger.errors import MalformedError


def _without_msgspec() -> ModuleType:
    """Load the module once more on a machine that has no msgspec."""
    spec = importlib.util.spec_from_file_location("canonical_plain", canonical.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    known = sys.modules["msgspec"]
    sys.modules["msgspec"] = None  # type: ignore[assignment]
    try:
        spec.loader.exec_module(module)
    finally:
        sys.modules["msgspec"] = known
    return module


PLAIN: Any = _without_msgspec()
BOTH = pytest.mark.parametrize("module", [canonical, PLAIN], ids=["compiled", "plain"])

BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def forbidden(point: int) -> bool:
    """Say by the character's properties whether people cannot see or trust it."""
    noncharacter = point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
    return point in BIDI or noncharacter or unicodedata.category(chr(point)) in {"Cc", "Cs", "Zl", "Zp"}


ALLOWED = "".join(chr(point) for point in range(0x110000) if not forbidden(point))
texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]).filter(lambda c: not forbidden(ord(c))))
names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8)
integers = st.integers(-SAFE_INTEGER, SAFE_INTEGER)
scalars = st.none() | st.booleans() | integers | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=20)


def outcome(module: Any, data: bytes) -> Any:
    """Return what a module makes of `data`: the value, or the code and place of its refusal."""
    try:
        return module.decode(data)
    except MalformedError as error:
        return error.code


def test_msgspec_is_really_absent_in_the_other_copy() -> None:
    assert canonical.msgspec is not None
    assert PLAIN.msgspec is None


@given(values)
def test_bytes_are_those_of_rfc_8785(value: Any) -> None:
    expected = rfc8785.dumps(value)
    assert canonical.encode(value) == PLAIN.encode(value) == expected
    assert canonical.decode(expected) == PLAIN.decode(expected) == value
    assert canonical.digest(value) == hashlib.sha256(expected).hexdigest()


@BOTH
def test_members_are_sorted_and_tuples_are_lists(module: Any) -> None:
    assert module.encode({"b": (1, 2), "a": {"z": None, "B": True}}) == b'{"a":{"B":true,"z":null},"b":[1,2]}'
    assert module.encode('停电 𠮷 \\ "') == '"停电 𠮷 \\\\ \\""'.encode()


@BOTH
def test_text_is_never_normalised(module: Any) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    assert module.decode(module.encode([composed, decomposed])) == [composed, decomposed]


@BOTH
def test_every_character_that_people_can_see_is_welcome(module: Any) -> None:
    assert module.decode(module.encode(ALLOWED)) == ALLOWED


@BOTH
def test_every_other_character_is_refused(module: Any) -> None:
    for point in range(0x110000):
        if not forbidden(point):
            continue
        with pytest.raises(MalformedError) as caught:
            module.encode({"a": chr(point)})
        lone = 0xD800 <= point <= 0xDFFF
        assert caught.value.code == ("NOT_CANONICAL" if lone else "TEXT_FORBIDDEN"), hex(point)


VALUES: list[Any] = [
    1.0,
    float("nan"),
    float("inf"),
    SAFE_INTEGER + 1,
    -SAFE_INTEGER - 1,
    10**400,
    {"名": 1},
    {1: 2},
    {None: 1},
    b"bytes",
    {1, 2},
    object(),
    [[1.5]],
    {"a": {"b": 1.5}},
]


@BOTH
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_values_that_have_no_spelling(module: Any, value: Any) -> None:
    with pytest.raises(MalformedError) as caught:
        module.encode(value)
    assert caught.value.code == "NOT_CANONICAL"


def nested(depth: int) -> Any:
    """Return lists in lists."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@BOTH
def test_how_deep_values_may_nest_is_the_same_everywhere(module: Any) -> None:
    deepest = nested(MAX_DEPTH)
    assert module.decode(module.encode(deepest)) == deepest
    for depth in (MAX_DEPTH + 1, 500, 5_000, 100_000):
        data = b"[" * depth + b"]" * depth
        with pytest.raises(MalformedError) as caught:
            module.decode(b"[" + data + b"]")
        assert caught.value.code == "NOT_CANONICAL"


SPELLINGS: list[bytes] = [
    b"",
    b" ",
    b"1 ",
    b" 1",
    b"1\n",
    b"\xef\xbb\xbf1",
    b"1.0",
    b"1e2",
    b"1E2",
    b"-0",
    b"01",
    b"+1",
    b"0x1",
    b"1_0",
    b"9007199254740992",
    b"-9007199254740992",
    b"1" * 5000,
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"True",
    b"nul",
    b"'a'",
    b'"a',
    b'"\\u0061"',
    b'"\\/"',
    b'"\\u4e2d"',
    b'"\\ud800"',
    b'"\\ud83d\\ude00"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xc0\xaf"',
    b"[1,]",
    b"[1 ,2]",
    b"[,]",
    b'{"a":1,"a":1}',
    b'{"a":1,"a":2}',
    b'{"b":1,"a":2}',
    b'{"a": 1}',
    b'{"a":1,}',
    b"{a:1}",
    b"{1:2}",
    '{"名":1}'.encode(),
    b'{"\\u0061":1}',
    b"[1][2]",
    b"1 2",
    b"//",
    b"[1]//x",
]


@BOTH
@pytest.mark.parametrize("data", SPELLINGS)
def test_every_other_spelling_is_refused(module: Any, data: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        module.decode(data)
    assert caught.value.code == "NOT_CANONICAL"


@pytest.mark.parametrize("data", [b'"\\n"', b'"\\t"', b'"\\b"', b'"\\u0000"', b'"\\u001f"', b'{"a\\n":1}', b'"\x7f"'])
@BOTH
def test_control_characters_are_refused_however_they_are_spelt(module: Any, data: bytes) -> None:
    assert outcome(module, data) == "TEXT_FORBIDDEN"


@given(values, st.data())
def test_both_paths_agree_on_spoiled_bytes(value: Any, data: st.DataObject) -> None:
    spelt = bytearray(canonical.encode(value))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(spelt)))
        what = data.draw(
            st.binary(max_size=2) | st.sampled_from([b" ", b",", b'"', b"0", b"\\", b".", b"-", b"\\u0061"])
        )
        spelt[place : place + data.draw(st.integers(0, 2))] = what
    assert outcome(canonical, bytes(spelt)) == outcome(PLAIN, bytes(spelt))


@given(st.binary(max_size=40))
@example(b'"\\ud800\\udc00"')
@example(b"1" * 400)
@example(b'{"a":{"a":{"a":[]}}}')
def test_both_paths_agree_on_any_bytes(data: bytes) -> None:
    assert outcome(canonical, data) == outcome(PLAIN, data)


@given(values)
def test_only_the_canonical_spelling_is_decoded(value: Any) -> None:
    for spelt in (json.dumps(value).encode(), json.dumps(value, indent=1, ensure_ascii=False).encode()):
        expected = value if spelt == canonical.encode(value) else "NOT_CANONICAL"
        assert outcome(canonical, spelt) == expected
