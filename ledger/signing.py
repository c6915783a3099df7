"""Signatures: Ed25519 keys, checked strictly, and DSSE envelopes in their one canonical form.

A statement is signed as DSSE 1.0.2 describes: the signature covers the pre-authentication encoding (PAE) of the
payload's type and bytes. The envelope too has only one spelling (`NOT_CANONICAL` otherwise): one signature, standard
base64, the key id that the payload names. The SHA-256 of the PAE is the identity of a statement, so a second
signature spelling cannot make a second statement.

Weak public keys are refused wherever a key enters the log (`weakness`): for a small-order key one signature fits every
message, and a proof of possession does not show it.
"""

import binascii
import hashlib
import importlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ledger import ed25519
from ledger.ed25519 import weakness
from ledger.errors import MalformedError, StoreError

__all__ = [
    "MAX_ENVELOPE",
    "PAYLOAD_TYPE_PREFIX",
    "PUBLIC_BYTES",
    "SIGNATURE_BYTES",
    "SigningKey",
    "encode_base64",
    "envelope_bytes",
    "key_id",
    "opens",
    "pae",
    "statement_id",
    "strict_b64decode",
    "verify_ed25519",
    "weakness",
]


def _libsodium() -> Any:
    """Return PyNaCl's bindings; None on a machine that only checks and has no compiled library."""
    try:
        return importlib.import_module("nacl.bindings")
    except ImportError:
        return None


_bindings: Any = _libsodium()
_BadSignature: type[Exception] = (
    ValueError if _bindings is None else importlib.import_module("nacl.exceptions").BadSignatureError
)
# SubjectPublicKeyInfo of an Ed25519 key (RFC 8410) up to the 32 bytes of the point.
_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
PAYLOAD_TYPE_PREFIX = "application/vnd.ballot-ledger."
MAX_ENVELOPE = 60_000
PUBLIC_BYTES, SIGNATURE_BYTES = 32, 64


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 private key held in memory; `repr` never shows the seed."""

    _seed_and_public: bytes

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        """Make the key of a 32-byte seed."""
        return cls(_compiled().crypto_sign_seed_keypair(seed)[1])

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key."""
        return self._seed_and_public[32:]

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes, for key files only."""
        return self._seed_and_public[:32]

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over `message`."""
        signed: bytes = _compiled().crypto_sign(message, self._seed_and_public)
        return signed[:64]

    def __repr__(self) -> str:
        """Name the key by its public id only."""
        return f"SigningKey({key_id(self.public)[:16]}…)"


def _compiled() -> Any:
    """Return the library that signs; raises `StoreError` `SIGNING_UNAVAILABLE` where there is none."""
    if _bindings is None:
        raise StoreError("SIGNING_UNAVAILABLE")
    return _bindings


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Check one signature by libsodium's strict rules (canonical S, no small-order keys)."""
    return len(public) == PUBLIC_BYTES and len(signature) == SIGNATURE_BYTES and opens(public, signature + message)


def opens(public: bytes, signed: bytes) -> bool:
    """Check `signed`, a signature and the message right behind it, by a key of 32 bytes, as `verify_ed25519` does."""
    if _bindings is None:
        return ed25519.verify(public, signed[SIGNATURE_BYTES:], signed[:SIGNATURE_BYTES])
    try:
        _bindings.crypto_sign_open(signed, public)
    except _BadSignature:
        return False
    return True


@lru_cache(maxsize=8192)
def key_id(public: bytes) -> str:
    """Return the key id: SHA-256 of the key's SubjectPublicKeyInfo, lower-case hexadecimal."""
    return hashlib.sha256(_SPKI_PREFIX + public).hexdigest()


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding: the bytes a signature covers."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def statement_id(payload_type: str, payload: bytes) -> bytes:
    """Return a statement's identity: the SHA-256 of its PAE (32 bytes)."""
    return hashlib.sha256(pae(payload_type, payload)).digest()


def strict_b64decode(text: str, where: str) -> bytes:
    """Decode standard base64 that has exactly one spelling; raises `MalformedError` `NOT_CANONICAL` otherwise."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise MalformedError("NOT_CANONICAL", where=where) from None
    if binascii.b2a_base64(data, newline=False).decode() != text:
        raise MalformedError("NOT_CANONICAL", where=where)
    return data


def envelope_bytes(payload_type: str, payload: bytes, signer_key_id: str, signature: bytes) -> bytes:
    """Return the canonical JSON of a DSSE envelope with one signature."""
    return b'{"payload":"%b","payloadType":"%b","signatures":[{"keyid":"%b","sig":"%b"}]}' % (
        binascii.b2a_base64(payload, newline=False),
        payload_type.encode(),
        signer_key_id.encode(),
        binascii.b2a_base64(signature, newline=False),
    )


def encode_base64(data: bytes) -> str:
    """Return standard base64 with padding, the one spelling that `strict_b64decode` accepts."""
    return binascii.b2a_base64(data, newline=False).decode()
