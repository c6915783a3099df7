"""Sealing: only the discipline office opens, only in the place it was sealed for, and nothing shows from outside."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from ledger.errors import MalformedError, VerificationError
from ledger.sealing import SealContext, new_sealing_key, open_sealed, seal

CONTEXT = SealContext("ab" * 32, "objection-1")
TEXT = "实名异议：某某，单位某厂，电话 000".encode()


def test_the_holder_of_the_key_reads_what_was_sealed() -> None:
    private, public = new_sealing_key()
    sealed = seal(public, TEXT, CONTEXT)
    assert TEXT not in sealed
    assert open_sealed(private, sealed, CONTEXT) == TEXT


@pytest.mark.parametrize(
    "other", [SealContext("cd" * 32, "objection-1"), SealContext("ab" * 32, "objection-2"), SealContext("", "")]
)
def test_another_programme_or_objection_opens_nothing(other: SealContext) -> None:
    private, public = new_sealing_key()
    with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
        open_sealed(private, seal(public, TEXT, CONTEXT), other)


def test_another_key_opens_nothing() -> None:
    _, public = new_sealing_key()
    stranger, _ = new_sealing_key()
    with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
        open_sealed(stranger, seal(public, TEXT, CONTEXT), CONTEXT)


def test_any_altered_or_missing_byte_is_found() -> None:
    private, public = new_sealing_key()
    sealed = seal(public, TEXT, CONTEXT)
    for place in range(0, len(sealed), 41):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
            open_sealed(private, bytes(altered), CONTEXT)
    for length in (0, 10, len(sealed) - 1):
        with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
            open_sealed(private, sealed[:length], CONTEXT)


def test_a_stranger_who_seals_without_our_padding_is_found() -> None:
    private, public = new_sealing_key()
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    key = X25519PublicKey.from_public_bytes(public)
    for padded in (b"", b"short", bytes(1023), b"\xff" * 1024):
        with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
            open_sealed(private, suite.encrypt(padded, key, CONTEXT.info), CONTEXT)


def test_short_texts_of_different_length_look_alike() -> None:
    _, public = new_sealing_key()
    assert len(seal(public, b"", CONTEXT)) == len(seal(public, TEXT, CONTEXT))
    assert seal(public, TEXT, CONTEXT) != seal(public, TEXT, CONTEXT)


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(32)])
def test_what_is_no_key_is_refused(public: bytes) -> None:
    with pytest.raises(MalformedError, match="SEALING_KEY_INVALID"):
        seal(public, TEXT, CONTEXT)
