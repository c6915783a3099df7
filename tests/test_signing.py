"""Ed25519 as strictly as the log needs it: weak keys found, no signature for two messages, envelopes spelt one way."""

import base64
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedError
from ledger.signing import (
    SigningKey,
    encode_base64,
    envelope_bytes,
    key_id,
    pae,
    statement_id,
    strict_b64decode,
    verify_ed25519,
    weakness,
)

VECTORS = Path(__file__).parents[1].parent / "shared" / "vectors"
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493

SMALL_ORDER = tuple(
    bytes.fromhex(point)
    for point in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
)
"""All eight points whose order divides the cofactor, in their canonical spelling."""

OTHER_SPELLINGS = tuple(
    (y | sign << 255).to_bytes(32, "little") for y, sign in ((1, 1), (P - 1, 1), (P, 0), (P, 1), (P + 1, 0), (P + 1, 1))
)
"""Spellings of small-order points that no encoder writes."""

# RFC 8032, section 7.1: seed, public key, message, signature.
RFC_8032 = (
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
)


def vectors(name: str) -> Any:
    """Read vectors that others made; an empty list where the folder is not there, and the project's own stand alone."""
    path = VECTORS / name
    if not path.exists():
        print(f"{name} is not here: only the project's own vectors are checked")
        return []
    return json.loads(path.read_text())


def small_order(data: bytes) -> bool:
    """Say whether 32 bytes spell a point of small order, in whatever spelling, from the list alone."""
    y = int.from_bytes(data, "little") & (1 << 255) - 1
    return any(y % P == int.from_bytes(point, "little") & (1 << 255) - 1 for point in SMALL_ORDER)


@pytest.mark.parametrize("public", SMALL_ORDER, ids=bytes.hex)
def test_points_of_small_order_are_weak_keys(public: bytes) -> None:
    assert weakness(public) == "small order"


@pytest.mark.parametrize("public", OTHER_SPELLINGS, ids=bytes.hex)
def test_other_spellings_of_small_order_points_are_weak_keys(public: bytes) -> None:
    assert weakness(public) == "non-canonical"


@pytest.mark.parametrize("public", SMALL_ORDER + OTHER_SPELLINGS, ids=bytes.hex)
def test_one_signature_fits_no_two_messages(public: bytes) -> None:
    """For such a key some libraries accept R = identity, S = 0 whatever was signed: the same ballot for everybody."""
    signature = SMALL_ORDER[0] + bytes(32)
    for message in (b"yes", b"no"):
        assert not verify_ed25519(public, message, signature)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (bytes(31), "length"),
        (bytes(33), "length"),
        (b"", "length"),
        ((P + 3).to_bytes(32, "little"), "non-canonical"),
        ((2).to_bytes(32, "little"), "not on the curve"),
        (b"\xff" * 32, "non-canonical"),
    ],
)
def test_what_is_no_key(data: bytes, why: str) -> None:
    assert weakness(data) == why


@given(st.binary(min_size=32, max_size=32))
def test_every_made_key_is_acceptable(seed: bytes) -> None:
    key = SigningKey.from_seed(seed)
    assert weakness(key.public) is None
    assert (key.seed, len(key.public)) == (seed, 32)
    assert key.public == Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_signatures_agree_with_another_library(seed: bytes, message: bytes, bit: int) -> None:
    key = SigningKey.from_seed(seed)
    signature = key.sign(message)
    assert signature == Ed25519PrivateKey.from_private_bytes(seed).sign(message)
    assert verify_ed25519(key.public, message, signature)
    assert not verify_ed25519(key.public, message + b"x", signature)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not verify_ed25519(key.public, message, bytes(flipped))


def test_a_signature_cannot_be_respelt() -> None:
    """Dispute H24: S + L is the same equation; a second signature must not come out of a first."""
    key = SigningKey.from_seed(bytes(32))
    signature = key.sign(b"ballot")
    more = (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    assert not verify_ed25519(key.public, b"ballot", signature[:32] + more)
    for spoiled in (signature[:63], signature + b"\0", b""):
        assert not verify_ed25519(key.public, b"ballot", spoiled)
    assert not verify_ed25519(key.public[:31], b"ballot", signature)


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_the_standards_own_vectors(seed: str, public: str, message: str, signature: str) -> None:
    key = SigningKey.from_seed(bytes.fromhex(seed))
    assert (key.public.hex(), key.sign(bytes.fromhex(message)).hex()) == (public, signature)


def test_speccheck_vectors() -> None:
    """Twelve cases on which libraries disagree: of those with an acceptable key only number 3 holds."""
    accepted = [
        number
        for number, case in enumerate(vectors("speccheck_ed25519.json"))
        if _accepts(case["pub_key"], case["message"], case["signature"])
    ]
    assert accepted in ([3], [])
    assert accepted or not (VECTORS / "speccheck_ed25519.json").exists()


def _accepts(public: str, message: str, signature: str) -> bool:
    key = bytes.fromhex(public)
    return weakness(key) is None and verify_ed25519(key, bytes.fromhex(message), bytes.fromhex(signature))


def test_wycheproof_vectors() -> None:
    groups = vectors("wycheproof_ed25519.json")
    for group in groups["testGroups"] if groups else []:
        public = group["publicKey"]["pk"]
        for case in group["tests"]:
            accepted = _accepts(public, case["msg"], case["sig"])
            assert accepted == (case["result"] == "valid"), case["tcId"]


def test_cctv_vectors() -> None:
    """Whatever key is of small order or spelt otherwise is refused by the roll; what is accepted, others accept too."""
    for case in vectors("cctv_ed25519.json"):
        public, flags = bytes.fromhex(case["key"]), set(case["flags"] or ())
        signature, message = bytes.fromhex(case["sig"]), case["msg"].encode()
        assert (weakness(public) == "small order") == (small_order(public) and "non_canonical_A" not in flags)
        if "non_canonical_A" in flags:
            assert weakness(public) == "non-canonical"
        if "low_order_A" in flags:
            assert weakness(public) is not None
        if weakness(public) is None and verify_ed25519(public, message, signature):
            assert not flags & {"low_order_R", "non_canonical_R", "reencoded_k", "low_order_residue"}
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
            except InvalidSignature:
                pytest.fail(f"case {case['number']} is accepted here alone")


def test_key_ids_are_hashes_of_the_public_keys_standard_form() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert key_id(key.public_bytes_raw()) == sha256(spki).hexdigest()


def test_a_key_never_shows_its_seed() -> None:
    key = SigningKey.from_seed(b"\xab" * 32)
    assert "ab" * 8 not in repr(key)
    assert key_id(key.public)[:16] in repr(key)


def test_the_encoding_that_is_signed() -> None:
    """DSSE 1.0.2: lengths in bytes, so that nothing can move between type and payload."""
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("工匠", b"") == "DSSEv1 6 工匠 0 ".encode()
    assert pae("a", b"b") != pae("ab", b"")
    assert len(statement_id("a", b"b")) == 32


def test_envelopes_have_one_spelling() -> None:
    envelope = envelope_bytes("t", b"{}", "k", b"s" * 64)
    assert json.loads(envelope) == {
        "payload": "e30=",
        "payloadType": "t",
        "signatures": [{"keyid": "k", "sig": base64.b64encode(b"s" * 64).decode()}],
    }
    assert envelope == json.dumps(json.loads(envelope), separators=(",", ":"), sort_keys=True).encode()


@pytest.mark.parametrize("text", ["e30", "e30=\n", "e3 0=", "e31=", "e30==", "e30=e30=", "e3-_", "=", "工匠"])
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        strict_b64decode(text, "sig")
    assert (caught.value.code, caught.value.facts) == ("NOT_CANONICAL", {"where": "sig"})


@given(st.binary(max_size=100))
def test_base64_round_trips(data: bytes) -> None:
    assert strict_b64decode(encode_base64(data), "x") == data
