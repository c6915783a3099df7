"""Sealing to offices: HPKE (RFC 9180) with X25519, HKDF-SHA256 and AES-128-GCM, the text under a key of its own.

Who objects, with which key and in which words, exists only inside such ciphertext. It is sealed to the discipline
office and, so that a lost key loses no objection, to a recovery key that is kept elsewhere; each of the two is bound to
the programme, the objection and the recipient's role, so that it opens nowhere else and as nobody else. The ciphertext
commits to the text's key: both recipients read the same text, or it does not open. The same plaintext seals to other
bytes each time; what an entry names is the digest of the ciphertext as evidence.

Form: 8 bytes of name and version, 32 of commitment, 80 sealed to the office, 80 sealed to recovery, and the padded text
under AES-256-GCM. The first form, one HPKE ciphertext to the office alone, is still read.
"""

import secrets
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from ledger import canonical
from ledger.errors import MalformedError, VerificationError
from ledger.evidence_media import SEALED_MAGIC

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
_PURPOSE_V1 = "ballot-ledger objection v1"
_PURPOSE = "ballot-ledger objection v2"
# Padding to whole blocks hides the length of a name from whoever stores the ciphertext.
_BLOCK = 1024
_LENGTH = 4
_KEY = 32
_SLOT = 32 + _KEY + 16
# Each text has a key of its own, so its one nonce can be fixed.
_NONCE = bytes(12)


class Recipient(StrEnum):
    """To whom a text is sealed."""

    OFFICE = "office"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class SealContext:
    """What a sealed text belongs to: the programme's id and the objection's."""

    programme: str
    objection: str

    @property
    def info(self) -> bytes:
        """The bytes that the first form binds its ciphertext to."""
        value = {"objection": self.objection, "programme": self.programme, "purpose": _PURPOSE_V1}
        return canonical.encode(value)

    def info_for(self, role: Recipient) -> bytes:
        """Return the bytes that bind what is sealed to one recipient."""
        value = {"objection": self.objection, "programme": self.programme, "purpose": _PURPOSE, "recipient": role.value}
        return canonical.encode(value)


@dataclass(frozen=True, slots=True)
class SealTo:
    """The public keys that a text is sealed to, 32 bytes each: the discipline office's, and the one for recovery."""

    office: bytes
    recovery: bytes


def new_sealing_key() -> tuple[bytes, bytes]:
    """Return a new X25519 key as (private, public), 32 bytes each."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def sealing_public(private: bytes) -> bytes:
    """Return the public key of a private one."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal(to: SealTo, plaintext: bytes, context: SealContext) -> bytes:
    """Return `plaintext` sealed to both recipients.

    Raises `MalformedError` `SEALING_KEY_INVALID` for what is no public key, or one key for both.
    """
    if to.office == to.recovery:
        raise MalformedError("SEALING_KEY_INVALID")
    key = secrets.token_bytes(_KEY)
    header = SEALED_MAGIC + _commitment(key, context)
    for role, public in ((Recipient.OFFICE, to.office), (Recipient.RECOVERY, to.recovery)):
        try:
            header += _SUITE.encrypt(key, X25519PublicKey.from_public_bytes(public), context.info_for(role))
        except ValueError:
            raise MalformedError("SEALING_KEY_INVALID") from None
    padded = len(plaintext).to_bytes(_LENGTH, "big") + plaintext
    padded += bytes(-len(padded) % _BLOCK)
    return header + AESGCM(key).encrypt(_NONCE, padded, header)


def open_sealed(private: bytes, ciphertext: bytes, context: SealContext) -> bytes:
    """Return the sealed text with the office's key or the recovery key.

    It does not ask whether the seal may be opened; `ledger.unsealing` does, and everybody who opens one goes through
    it. Raises `VerificationError` `SEAL_NOT_OPENED` for another key, another context or altered bytes.
    """
    try:
        holder = X25519PrivateKey.from_private_bytes(private)
        if ciphertext.startswith(SEALED_MAGIC):
            padded = _open(holder, ciphertext, context)
        else:
            padded = _SUITE.decrypt(ciphertext, holder, context.info)
    except (InvalidTag, ValueError):
        raise VerificationError("SEAL_NOT_OPENED", objection=context.objection) from None
    length = int.from_bytes(padded[:_LENGTH], "big")
    if len(padded) % _BLOCK or length > len(padded) - _LENGTH:
        raise VerificationError("SEAL_NOT_OPENED", objection=context.objection)
    return padded[_LENGTH : _LENGTH + length]


def _open(holder: X25519PrivateKey, ciphertext: bytes, context: SealContext) -> bytes:
    begin = len(SEALED_MAGIC) + _KEY
    end = begin + _SLOT * len(Recipient)
    for place, role in enumerate(Recipient):
        slot = ciphertext[begin + place * _SLOT : begin + (place + 1) * _SLOT]
        try:
            key = _SUITE.decrypt(slot, holder, context.info_for(role))
        except (InvalidTag, ValueError):
            continue
        if not compare_digest(ciphertext[len(SEALED_MAGIC) : begin], _commitment(key, context)):
            break
        return AESGCM(key).decrypt(_NONCE, ciphertext[end:], ciphertext[:end])
    raise InvalidTag


def _commitment(key: bytes, context: SealContext) -> bytes:
    """Commit to the text's key: two texts under two keys cannot be made to share one ciphertext."""
    return sha256(b"ballot-ledger seal v2\n" + key + context.info_for(Recipient.OFFICE)).digest()
