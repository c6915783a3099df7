"""Sealing to the discipline office: HPKE (RFC 9180) with X25519, HKDF-SHA256 and AES-128-GCM.

Who objects, with which key and in which words, exists only inside such ciphertext. It is bound to the programme and the
objection, so that it opens nowhere else. The same plaintext seals to other bytes each time; what an entry names is the
digest of the ciphertext as evidence.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from ledger import canonical
from ledger.errors import MalformedError, VerificationError

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
_PURPOSE = "ballot-ledger objection v1"
# Padding to whole blocks hides the length of a name from whoever stores the ciphertext.
_BLOCK = 1024
_LENGTH = 4


@dataclass(frozen=True, slots=True)
class SealContext:
    """What a sealed text belongs to: the programme's id and the objection's."""

    programme: str
    objection: str

    @property
    def info(self) -> bytes:
        """The bytes that HPKE binds the ciphertext to."""
        value = {"objection": self.objection, "programme": self.programme, "purpose": _PURPOSE}
        return canonical.encode(value)


def new_sealing_key() -> tuple[bytes, bytes]:
    """Return a new X25519 key of the discipline office as (private, public), 32 bytes each."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def seal(public: bytes, plaintext: bytes, context: SealContext) -> bytes:
    """Return `plaintext` sealed to the holder of an X25519 key; raises `MalformedError` for what is no public key."""
    padded = len(plaintext).to_bytes(_LENGTH, "big") + plaintext
    padded += bytes(-len(padded) % _BLOCK)
    try:
        return _SUITE.encrypt(padded, X25519PublicKey.from_public_bytes(public), context.info)
    except ValueError:
        raise MalformedError("SEALING_KEY_INVALID") from None


def open_sealed(private: bytes, ciphertext: bytes, context: SealContext) -> bytes:
    """Return the sealed text; raises `VerificationError` for another key, another context or altered bytes."""
    try:
        padded = _SUITE.decrypt(ciphertext, X25519PrivateKey.from_private_bytes(private), context.info)
    except (InvalidTag, ValueError):
        raise VerificationError("SEAL_NOT_OPENED", objection=context.objection) from None
    length = int.from_bytes(padded[:_LENGTH], "big")
    if len(padded) % _BLOCK or length > len(padded) - _LENGTH:
        raise VerificationError("SEAL_NOT_OPENED", objection=context.objection)
    return padded[_LENGTH : _LENGTH + length]
