"""Sealing: only the discipline office opens, only in the place it was sealed for, and nothing shows from outside."""

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from ledger.errors import MalformedError, VerificationError
from ledger.evidence_media import SEALED_MAGIC
from ledger.sealing import Recipient, SealContext, SealTo, new_sealing_key, open_sealed, seal, sealing_public

CONTEXT = SealContext("ab" * 32, "objection-1")
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
RECOVERY, RECOVERY_PUBLIC = new_sealing_key()
TEXT = "实名异议：某某，单位某厂，电话 000".encode()


def test_the_holder_of_the_key_reads_what_was_sealed() -> None:
    private, public = new_sealing_key()
    sealed = seal(SealTo(public, RECOVERY_PUBLIC), TEXT, CONTEXT)
    assert TEXT not in sealed
    assert open_sealed(private, sealed, CONTEXT) == TEXT


@pytest.mark.parametrize(
    "other", [SealContext("cd" * 32, "objection-1"), SealContext("ab" * 32, "objection-2"), SealContext("", "")]
)
def test_another_programme_or_objection_opens_nothing(other: SealContext) -> None:
    private, public = new_sealing_key()
    with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
        open_sealed(private, seal(SealTo(public, RECOVERY_PUBLIC), TEXT, CONTEXT), other)


def test_the_recovery_key_reads_the_same_text() -> None:
    private, public = new_sealing_key()
    assert sealing_public(private) == public
    sealed = seal(SealTo(public, RECOVERY_PUBLIC), TEXT, CONTEXT)
    assert open_sealed(RECOVERY, sealed, CONTEXT) == TEXT


def test_what_is_sealed_to_one_recipient_opens_in_no_other_place() -> None:
    private, public = new_sealing_key()
    sealed = seal(SealTo(public, RECOVERY_PUBLIC), TEXT, CONTEXT)
    swapped = sealed[:40] + sealed[120:200] + sealed[40:120] + sealed[200:]
    for key in (private, RECOVERY):
        with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
            open_sealed(key, swapped, CONTEXT)


def test_two_recipients_cannot_be_given_two_texts() -> None:
    """A filer who seals another key to each is found by the one whose key is not the one committed to."""
    private, public = new_sealing_key()
    sealed = seal(SealTo(public, RECOVERY_PUBLIC), TEXT, CONTEXT)
    other = secrets.token_bytes(32)
    slot = SUITE.encrypt(
        other, X25519PublicKey.from_public_bytes(RECOVERY_PUBLIC), CONTEXT.info_for(Recipient.RECOVERY)
    )
    header = sealed[:120] + slot
    forged = header + AESGCM(other).encrypt(bytes(12), bytes(1024), header)
    for key in (private, RECOVERY):
        with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
            open_sealed(key, forged, CONTEXT)


def test_the_first_form_to_one_recipient_is_still_read() -> None:
    private, public = new_sealing_key()
    padded = len(TEXT).to_bytes(4, "big") + TEXT
    padded += bytes(-len(padded) % 1024)
    sealed = SUITE.encrypt(padded, X25519PublicKey.from_public_bytes(public), CONTEXT.info)
    assert not sealed.startswith(SEALED_MAGIC)
    assert open_sealed(private, sealed, CONTEXT) == TEXT


def test_another_key_opens_nothing() -> None:
    _, public = new_sealing_key()
    stranger, _ = new_sealing_key()
    with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
        open_sealed(stranger, seal(SealTo(public, RECOVERY_PUBLIC), TEXT, CONTEXT), CONTEXT)


def test_any_altered_or_missing_byte_is_found() -> None:
    private, public = new_sealing_key()
    sealed = seal(SealTo(public, RECOVERY_PUBLIC), TEXT, CONTEXT)
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
    key = X25519PublicKey.from_public_bytes(public)
    for padded in (b"", b"short", bytes(1023), b"\xff" * 1024):
        with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
            open_sealed(private, SUITE.encrypt(padded, key, CONTEXT.info), CONTEXT)


def test_short_texts_of_different_length_look_alike() -> None:
    _, public = new_sealing_key()
    assert len(seal(SealTo(public, RECOVERY_PUBLIC), b"", CONTEXT)) == len(
        seal(SealTo(public, RECOVERY_PUBLIC), TEXT, CONTEXT)
    )
    assert seal(SealTo(public, RECOVERY_PUBLIC), TEXT, CONTEXT) != seal(SealTo(public, RECOVERY_PUBLIC), TEXT, CONTEXT)


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(32)])
def test_what_is_no_key_is_refused(public: bytes) -> None:
    for to in (SealTo(public, RECOVERY_PUBLIC), SealTo(RECOVERY_PUBLIC, public)):
        with pytest.raises(MalformedError, match="SEALING_KEY_INVALID"):
            seal(to, TEXT, CONTEXT)


def test_one_key_for_both_is_refused() -> None:
    with pytest.raises(MalformedError, match="SEALING_KEY_INVALID"):
        seal(SealTo(RECOVERY_PUBLIC, RECOVERY_PUBLIC), TEXT, CONTEXT)
