"""The plain checker and PyNaCl give every signature the same verdict, on others' vectors and on crafted ones."""

import json
from hashlib import sha256, sha512

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nacl import bindings
from nacl.exceptions import BadSignatureError

from ledger import ed25519, signing
from ledger.ed25519 import P, verify
from ledger.errors import StoreError
from ledger.signing import SigningKey, verify_ed25519
from tests.test_signing import OTHER_SPELLINGS, RFC_8032, SMALL_ORDER, VECTORS, vectors

ORDER = 2**252 + 27742317777372353535851937790883648493


def libsodium(public: bytes, message: bytes, signature: bytes) -> bool:
    """PyNaCl's verdict, whatever this project makes of it."""
    if (len(public), len(signature)) != (32, 64):
        return False
    try:
        bindings.crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True


def agree(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return the verdict of both, which must be one."""
    verdict = verify(public, message, signature)
    assert verdict == libsodium(public, message, signature), (public.hex(), message.hex(), signature.hex())
    return verdict


def test_speccheck_vectors() -> None:
    cases = vectors("speccheck_ed25519.json")
    verdicts = [agree(*(bytes.fromhex(case[name]) for name in ("pub_key", "message", "signature"))) for case in cases]
    assert [number for number, verdict in enumerate(verdicts) if verdict] == ([3] if cases else [])


def test_wycheproof_vectors() -> None:
    groups = vectors("wycheproof_ed25519.json")
    for group in groups["testGroups"] if groups else []:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            accepted = agree(public, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert accepted == (case["result"] == "valid"), case["tcId"]


def test_cctv_vectors() -> None:
    for case in vectors("cctv_ed25519.json"):
        agree(bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"]))


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_the_standards_own_vectors(seed: str, public: str, message: str, signature: str) -> None:
    assert agree(*map(bytes.fromhex, (public, message, signature)))


@pytest.mark.parametrize("public", SMALL_ORDER + OTHER_SPELLINGS, ids=bytes.hex)
def test_no_key_of_small_order_signs_anything(public: bytes) -> None:
    for r in SMALL_ORDER + OTHER_SPELLINGS:
        for s in (0, 1, ORDER - 1):
            assert not agree(public, b"yes", r + s.to_bytes(32, "little"))


def test_the_list_of_small_orders_is_whole() -> None:
    listed = {int.from_bytes(point, "little") & (1 << 255) - 1 for point in SMALL_ORDER}
    assert listed == ed25519.SMALL_ORDER_YS
    d = -121665 * pow(121666, -1, P) % P
    eighths = {y for y in ed25519.SMALL_ORDER_YS if (d * pow(y, 4, P) + 2 * y * y - 1) % P == 0}
    assert len(eighths) == 2
    assert ed25519.SMALL_ORDER_YS - eighths == {0, 1, P - 1}


KEYS = [SigningKey.from_seed(sha256(b"%d" % number).digest()) for number in range(4)]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KEYS), st.binary(max_size=80), st.integers(0, 767), st.sampled_from(["key", "message", "both"]))
@example(KEYS[0], b"", 0, "key")
def test_equal_verdicts_on_mutations(key: SigningKey, message: bytes, bit: int, what: str) -> None:
    signature = key.sign(message)
    assert agree(key.public, message, signature)
    assert not agree(key.public, message + b".", signature)
    whole = bytearray(key.public + signature)
    whole[bit // 8] ^= 1 << bit % 8
    if what == "both":
        whole[95 - bit // 8] ^= 1
    agree(bytes(whole[:32]), message, bytes(whole[32:]))


@pytest.mark.parametrize("added", SMALL_ORDER[1:], ids=bytes.hex)
def test_a_key_with_a_part_of_small_order_is_judged_alike(added: bytes) -> None:
    """Whether such a signature holds depends on h mod 8: cofactored checkers would accept every one."""
    scalar = 2**200 + 12345
    mixed = _plus(_times(scalar), added)
    for number in range(24):
        message = b"%d" % number
        r = _times(777 + number)
        h = int.from_bytes(sha512(r + mixed + message).digest(), "little") % ORDER
        s = (777 + number + h * scalar) % ORDER
        agree(mixed, message, r + s.to_bytes(32, "little"))


def test_respelt_signatures_are_judged_alike() -> None:
    signature = KEYS[0].sign(b"ballot")
    s = int.from_bytes(signature[32:], "little")
    for more in (s + ORDER, s + 2 * ORDER, ORDER, 0, 2**256 - 1):
        assert not agree(KEYS[0].public, b"ballot", signature[:32] + (more % 2**256).to_bytes(32, "little"))


@pytest.mark.parametrize("spoiled", [b"", bytes(31), bytes(33), bytes(63), bytes(65)])
def test_other_lengths_hold_nowhere(spoiled: bytes) -> None:
    signature = KEYS[0].sign(b"ballot")
    assert not agree(KEYS[0].public, b"ballot", spoiled)
    assert not agree(spoiled, b"ballot", signature)


def test_without_the_compiled_library_signatures_are_checked_and_none_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    signature = KEYS[0].sign(b"ballot")
    monkeypatch.setattr(signing, "_bindings", None)
    assert verify_ed25519(KEYS[0].public, b"ballot", signature)
    assert not verify_ed25519(KEYS[1].public, b"ballot", signature)
    with pytest.raises(StoreError, match="SIGNING_UNAVAILABLE"):
        KEYS[0].sign(b"ballot")


def test_where_the_vectors_are_they_are_read() -> None:
    if VECTORS.exists():
        assert len(vectors("cctv_ed25519.json")) > 900
        assert json.dumps(vectors("speccheck_ed25519.json"))


def _times(scalar: int) -> bytes:
    """The base point times a scalar."""
    base, zero = ed25519._multiples_of_base(), ed25519._multiples_of_base()
    return ed25519._encode(ed25519._two_products(scalar % ORDER, base, 0, zero))


def _plus(one: bytes, other: bytes) -> bytes:
    points = []
    for encoded in (one, other):
        y = int.from_bytes(encoded, "little") & (1 << 255) - 1
        x = ed25519._recover_x(y)
        assert x is not None
        points.append(ed25519._extended((x if x & 1 == encoded[31] >> 7 else P - x, y)))
    return ed25519._encode(ed25519._add(points[0], ed25519._addend(points[1])))
