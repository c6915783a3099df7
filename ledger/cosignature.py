"""Cosignatures: what a witness adds to a checkpoint (C2SP tlog-cosignature; LOG_FORMATS section 4).

A cosignature says that at a time (POSIX seconds) this was the largest consistent tree of that origin that the witness
had seen. Type 0x04 is Ed25519 over the checkpoint's text; type 0x06 is ML-DSA-44 over a binary message that names the
witness. ML-DSA needs the library `cryptography`: where that is missing, such a line is neither good nor bad, it counts
as not checkable. A line with time 0 makes no statement that the tree was the newest, so it counts for nobody.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from hashlib import sha256
from typing import Any, Protocol

from ledger.checkpoint import (
    Checkpoint,
    Signature,
    Signer,
    VerifierKey,
    is_name,
    open_checkpoint,
    parse_base64,
    parse_checkpoint,
    parse_note,
)
from ledger.errors import MalformedError, VerificationError

MAX_TIME_S = 2**63 - 1
_TIME_BYTES = 8
_LABEL = b"subtree/v1\n\x00"


class Algorithm(IntEnum):
    """The key types of witnesses, by the byte that verifier keys and key ids give them."""

    ED25519 = 0x04
    ML_DSA_44 = 0x06


PUBLIC_BYTES = {Algorithm.ED25519: 32, Algorithm.ML_DSA_44: 1312}
SIGNATURE_BYTES = {Algorithm.ED25519: 64, Algorithm.ML_DSA_44: 2420}


class NoteOpener(Protocol):
    """A log's keys over time: opens a checkpoint with the key that was in force (`ledger.log_keys`)."""

    def open(self, note: bytes) -> Checkpoint:
        """Verify a signed checkpoint and return it."""


@dataclass(frozen=True)
class WitnessKey:
    """A key that cosigns, under the name it cosigns with. Raises `VKEY_MALFORMED` for a wrong name or length."""

    name: str
    public: bytes
    algorithm: Algorithm = Algorithm.ED25519

    def __post_init__(self) -> None:
        if not is_name(self.name) or len(self.public) != PUBLIC_BYTES[self.algorithm]:
            raise MalformedError("VKEY_MALFORMED", where="name or key")

    @cached_property
    def key_id(self) -> bytes:
        """The four bytes that cosignature lines give for the key."""
        return sha256(b"%b\n%c%b" % (self.name.encode(), self.algorithm, self.public)).digest()[:4]

    def encode(self) -> str:
        """Return the verifier key as text: name, key id and key joined by `+`."""
        key = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @property
    def checkable(self) -> bool:
        """Whether signatures of this key can be checked on this machine."""
        return self.algorithm is Algorithm.ED25519 or ml_dsa() is not None

    def verify(self, text: bytes, time_s: int, signature: bytes) -> bool:
        """Check a cosignature made at `time_s` over a checkpoint's text; False too where it is not checkable."""
        if len(signature) != SIGNATURE_BYTES[self.algorithm] or not 0 <= time_s <= MAX_TIME_S:
            return False
        message = message_of(self, text, time_s)
        if self.algorithm is Algorithm.ED25519:
            # Formats are read on machines that check no signature and have no compiled library for it.
            from ledger.signing import verify_ed25519  # noqa: PLC0415

            return verify_ed25519(self.public, message, signature)
        return verify_ml_dsa(self.public, message, signature)


def ml_dsa() -> Any:
    """Return the module that makes and checks ML-DSA signatures, None where the library or its support is missing."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415
    except ImportError:
        return None
    try:
        mldsa.MLDSA44PublicKey.from_public_bytes(bytes(PUBLIC_BYTES[Algorithm.ML_DSA_44]))
    except UnsupportedAlgorithm:
        return None
    return mldsa


def verify_ml_dsa(public: bytes, message: bytes, signature: bytes) -> bool:
    """Check an ML-DSA-44 signature (FIPS 204 pure, no context); False too where it is not checkable."""
    library = ml_dsa()
    if library is None:
        return False
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    try:
        library.MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def message_of(key: WitnessKey, text: bytes, time_s: int) -> bytes:
    """Return the bytes that a cosignature by `key` signs. ML-DSA names the witness and reads the checkpoint."""
    if key.algorithm is Algorithm.ED25519:
        return b"cosignature/v1\ntime %d\n%b" % (time_s, text)
    checkpoint = parse_checkpoint(text)
    name, origin = key.name.encode(), checkpoint.origin.encode()
    return b"%b%c%b%b%c%b%b%b%b" % (
        _LABEL,
        len(name),
        name,
        time_s.to_bytes(8, "big"),
        len(origin),
        origin,
        bytes(8),  # a checkpoint is the subtree that starts at leaf 0
        checkpoint.size.to_bytes(8, "big"),
        checkpoint.root,
    )


def parse_witness_vkey(text: str) -> WitnessKey:
    """Read a witness's verifier key. Raises `MalformedError` `VKEY_MALFORMED`, also for weak keys and other types."""
    # The key's base64 may itself contain "+".
    parts = text.split("+", 2)
    data = parse_base64(parts[2]) if len(parts) == 3 else None
    if not data:
        raise MalformedError("VKEY_MALFORMED", where="form")
    if data[0] not in PUBLIC_BYTES:
        raise MalformedError("VKEY_MALFORMED", where="key type")
    key = WitnessKey(parts[0], data[1:], Algorithm(data[0]))
    if key.key_id.hex() != parts[1]:
        raise MalformedError("VKEY_MALFORMED", where="key id")
    if key.algorithm is Algorithm.ED25519:
        from ledger.signing import weakness  # noqa: PLC0415

        if weakness(key.public) is not None:
            raise MalformedError("VKEY_MALFORMED", where="weak key")
    return key


class Cosigner(Protocol):
    """A witness's private key, wherever it is held."""

    @property
    def key(self) -> WitnessKey:
        """The public part, with its name."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature over `message`."""


@dataclass(frozen=True, slots=True)
class Ed25519Cosigner:
    """An Ed25519 key that cosigns as `name`; one key per witness, because its signature does not cover the name."""

    name: str
    signer: Signer

    @property
    def key(self) -> WitnessKey:
        """The public part, with its name."""
        return WitnessKey(self.name, self.signer.public, Algorithm.ED25519)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature."""
        return self.signer.sign(message)


@dataclass(frozen=True, slots=True)
class MlDsaCosigner:
    """An ML-DSA-44 key that cosigns as `name`; `private` is a key of the library, whose signatures are randomised."""

    name: str
    private: Any

    @property
    def key(self) -> WitnessKey:
        """The public part, with its name."""
        return WitnessKey(self.name, self.private.public_key().public_bytes_raw(), Algorithm.ML_DSA_44)

    def sign(self, message: bytes) -> bytes:
        """Return the 2420-byte signature."""
        return bytes(self.private.sign(message))


def cosign(checkpoint_text: bytes, time_s: int, cosigner: Cosigner) -> Signature:
    """Return the line with which a witness states that this was its newest tree at `time_s`.

    Raises `ValueError` for a time that states nothing (0) or cannot be written, `MalformedError` for a text that is
    no checkpoint.
    """
    if not 0 < time_s <= MAX_TIME_S:
        raise ValueError("a cosignature needs a time")
    parse_checkpoint(checkpoint_text)
    key = cosigner.key
    signature = cosigner.sign(message_of(key, checkpoint_text, time_s))
    return Signature(key.name, key.key_id, time_s.to_bytes(_TIME_BYTES, "big") + signature)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that holds: by which key, at what time (POSIX seconds, UTC), and its line in the note."""

    key: WitnessKey
    time: int
    line: Signature

    @property
    def name(self) -> str:
        """The name the witness cosigns with."""
        return self.key.name

    @property
    def key_id(self) -> bytes:
        """The four bytes of the key's id."""
        return self.key.key_id


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint that its log signed, the cosignatures that hold, and the known keys whose lines nobody can check."""

    checkpoint: Checkpoint
    by: tuple[Cosignature, ...]
    not_checkable: tuple[WitnessKey, ...] = ()

    @property
    def keys(self) -> frozenset[bytes]:
        """The public keys that cosigned; a key counts once, whatever its names."""
        return frozenset(cosignature.key.public for cosignature in self.by)


def open_cosigned(note: bytes, log_key: VerifierKey | NoteOpener, witnesses: Iterable[WitnessKey]) -> Cosigned:
    """Verify a checkpoint's log signature and the cosignatures of the given witnesses; lines of others are ignored.

    Raises what `open_checkpoint` raises, `VerificationError` `NOTE_SIGNATURE_INVALID` if the line of a given witness
    does not hold, `NOTE_KEY_REPEATED` if one public key cosigned twice, `MalformedError` `VKEY_AMBIGUOUS` if two given
    witnesses have one name and one key id.
    """
    checkpoint = open_checkpoint(note, (log_key,)) if isinstance(log_key, VerifierKey) else log_key.open(note)
    known: dict[tuple[str, bytes], WitnessKey] = {}
    for key in witnesses:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise MalformedError("VKEY_AMBIGUOUS", key=key.name)
    parsed = parse_note(note)
    by: list[Cosignature] = []
    not_checkable: list[WitnessKey] = []
    met: set[bytes] = set()
    for line in parsed.signatures:
        key_of_line = known.get((line.name, line.key_id))
        if key_of_line is None:
            continue
        if key_of_line.public in met:
            raise VerificationError("NOTE_KEY_REPEATED", key=key_of_line.name)
        met.add(key_of_line.public)
        if not key_of_line.checkable:
            not_checkable.append(key_of_line)
            continue
        cosignature = read_line(key_of_line, line, parsed.text)
        if cosignature.time:
            by.append(cosignature)
    return Cosigned(checkpoint, tuple(by), tuple(not_checkable))


def read_line(key: WitnessKey, line: Signature, text: bytes) -> Cosignature:
    """Verify one line as a cosignature by `key` over a checkpoint's text; `NOTE_SIGNATURE_INVALID` otherwise."""
    time_s = int.from_bytes(line.value[:_TIME_BYTES], "big")
    if len(line.value) <= _TIME_BYTES or not key.verify(text, time_s, line.value[_TIME_BYTES:]):
        raise VerificationError("NOTE_SIGNATURE_INVALID", key=key.name)
    return Cosignature(key, time_s, line)
