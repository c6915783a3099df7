"""Checkpoints of a log as signed notes (C2SP signed-note, tlog-checkpoint), read and written strictly.

A note is a text, an empty line and signature lines. A checkpoint is a note of exactly three lines: origin, size, root.
Extension lines are refused: some witnesses would sign only what stands before them. A signature by an unknown key is
ignored, one by a known key must hold. Errors never quote what nobody vouched for: they name the place alone.
Cosignatures by witnesses are other key types; here they are lines of unknown keys, kept as they are.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Protocol

from ledger.errors import MalformedError, VerificationError
from ledger.merkle import EMPTY_ROOT, HASH_BYTES

ED25519 = 0x01
MAX_NAME_BYTES = 255
MAX_SIGNATURES = 64
MAX_LINE_BYTES = 5_120
"""Long enough for an ML-DSA-44 cosignature line (about 3.3 kB) and its name."""
MAX_NOTE_BYTES = 400_000
MAX_SIZE = 2**63 - 1

_DASH = "—"
_DECIMAL = re.compile("0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_KEY_ID = re.compile("[0-9a-f]{8}")


class Signer(Protocol):
    """What signs checkpoints: an Ed25519 key, wherever it is held."""

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature over `message`."""


@lru_cache(maxsize=256)
def is_name(text: str) -> bool:
    """Say whether `text` can name a key or a log: not empty, no white space, no control character, no `+`."""
    if not text or "+" in text or any(character.isspace() or character < " " for character in text):
        return False
    try:
        return len(text.encode()) <= MAX_NAME_BYTES
    except UnicodeEncodeError:
        return False


def parse_decimal(text: str) -> int | None:
    """Read a size or index: ASCII digits, no leading zero, below 2^63. None if it is anything else."""
    value = int(text) if _DECIMAL.fullmatch(text) else MAX_SIZE + 1
    return value if value <= MAX_SIZE else None


def parse_base64(text: str) -> bytes | None:
    """Decode standard padded base64 in its one spelling. None if it is anything else."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


@dataclass(frozen=True)
class VerifierKey:
    """An Ed25519 key that signs notes, under the name it signs with (type 0x01). `public` has 32 bytes."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name) or len(self.public) != 32:
            raise MalformedError("VKEY_MALFORMED", where="name or key")

    @cached_property
    def key_id(self) -> bytes:
        """The four bytes that signature lines give for the key."""
        return sha256(b"%b\n%c%b" % (self.name.encode(), ED25519, self.public)).digest()[:4]

    def encode(self) -> str:
        """Return the verifier key as text: name, key id and key joined by `+`."""
        key = base64.b64encode(bytes([ED25519]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Check a signature by this key over `message`."""
        # Formats are read on machines that check no signature and have no compiled library for it.
        from ledger.signing import verify_ed25519  # noqa: PLC0415

        return verify_ed25519(self.public, message, signature)


def parse_vkey(text: str) -> VerifierKey:
    """Read a verifier key. Raises `MalformedError` `VKEY_MALFORMED`, also for other key types and a wrong key id."""
    # The key's base64 may itself contain "+".
    parts = text.split("+", 2)
    if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
        raise MalformedError("VKEY_MALFORMED", where="form")
    data = parse_base64(parts[2])
    if data is None or len(data) != 33 or data[0] != ED25519:
        raise MalformedError("VKEY_MALFORMED", where="key")
    key = VerifierKey(parts[0], data[1:])
    if key.key_id.hex() != parts[1]:
        raise MalformedError("VKEY_MALFORMED", where="key id")
    return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name, its four-byte id and what follows the id (64 bytes for Ed25519)."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> bytes:
        """Return the line with its line feed."""
        return f"{_DASH} {self.name} {base64.b64encode(self.key_id + self.value).decode()}\n".encode()


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart, nothing about it checked but its form. `text` ends with a line feed and is what is signed."""

    text: bytes
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """Return the note's bytes."""
        return self.text + b"\n" + b"".join(signature.line() for signature in self.signatures)


def parse_note(data: bytes) -> Note:
    """Take a signed note apart. Raises `MalformedError` `NOTE_MALFORMED` for anything a note cannot be."""
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedError("NOTE_MALFORMED", where="size")
    if _CONTROL.search(data):
        raise MalformedError("NOTE_MALFORMED", where="control character")
    try:
        data.decode()
    except UnicodeDecodeError:
        raise MalformedError("NOTE_MALFORMED", where="encoding") from None
    # The last empty line separates: a text may contain empty lines, signature lines never do.
    text, separator, tail = data.rpartition(b"\n\n")
    lines = tail.split(b"\n")
    if not separator or lines.pop() or not 1 <= len(lines) <= MAX_SIGNATURES:
        raise MalformedError("NOTE_MALFORMED", where="signature lines")
    return Note(text + b"\n", tuple(_parse_signature(line) for line in lines))


def _parse_signature(line: bytes) -> Signature:
    parts = line.decode().split(" ") if len(line) <= MAX_LINE_BYTES else []
    if len(parts) != 3 or parts[0] != _DASH or not is_name(parts[1]):
        raise MalformedError("NOTE_MALFORMED", where="signature line")
    data = parse_base64(parts[2])
    if data is None or len(data) <= 4:
        raise MalformedError("NOTE_MALFORMED", where="signature")
    return Signature(parts[1], data[:4], data[4:])


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Return those of `keys` that signed `note`, in the order of their lines.

    Raises `VerificationError`: `NOTE_KEY_REPEATED` if one public key signed twice, under whatever names,
    `NOTE_SIGNATURE_INVALID` if the line of a known key does not hold, `NOTE_UNSIGNED` if no known key signed. Two given
    keys with one name and one key id are `MalformedError` `VKEY_AMBIGUOUS`.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise MalformedError("VKEY_AMBIGUOUS", key=key.name)
    signers: dict[bytes, VerifierKey] = {}
    for signature in note.signatures:
        signer = known.get((signature.name, signature.key_id))
        if signer is None:
            continue
        if not signer.verify(note.text, signature.value):
            raise VerificationError("NOTE_SIGNATURE_INVALID", key=signer.name)
        if signer.public in signers:
            raise VerificationError("NOTE_KEY_REPEATED", key=signer.name)
        signers[signer.public] = signer
    if not signers:
        raise VerificationError("NOTE_UNSIGNED")
    return tuple(signers.values())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its origin, the number of its leaves and their root. Raises `CHECKPOINT_MALFORMED`."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not is_name(self.origin):
            raise MalformedError("CHECKPOINT_MALFORMED", where="origin")
        if not 0 <= self.size <= MAX_SIZE:
            raise MalformedError("CHECKPOINT_MALFORMED", where="size")
        if len(self.root) != HASH_BYTES or (self.size == 0 and self.root != EMPTY_ROOT):
            raise MalformedError("CHECKPOINT_MALFORMED", where="root")

    def text(self) -> bytes:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read the three lines of a checkpoint. Raises `MalformedError` `CHECKPOINT_MALFORMED`."""
    try:
        lines = text.decode().split("\n")
    except UnicodeDecodeError:
        raise MalformedError("CHECKPOINT_MALFORMED", where="encoding") from None
    if len(lines) != 4 or lines[3]:
        raise MalformedError("CHECKPOINT_MALFORMED", where="lines")
    size, root = parse_decimal(lines[1]), parse_base64(lines[2])
    if size is None or root is None:
        raise MalformedError("CHECKPOINT_MALFORMED", where="size" if size is None else "root")
    return Checkpoint(lines[0], size, root)


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return the note of `checkpoint` signed by the log's key, whose name is the origin."""
    text = checkpoint.text()
    key = VerifierKey(checkpoint.origin, signer.public)
    return Note(text, (Signature(key.name, key.key_id, signer.sign(text)),)).encode()


def open_checkpoint(note: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
    """Verify a signed checkpoint and return it.

    One of the keys that signed must bear the log's own name, so that the key of one log cannot speak for another:
    `VerificationError` `CHECKPOINT_ORIGIN_MISMATCH` otherwise. Other errors as `parse_note`, `verify_note` and
    `parse_checkpoint` raise them.
    """
    parsed = parse_note(note)
    signers = verify_note(parsed, keys)
    checkpoint = parse_checkpoint(parsed.text)
    if all(key.name != checkpoint.origin for key in signers):
        raise VerificationError("CHECKPOINT_ORIGIN_MISMATCH", key=signers[0].name)
    return checkpoint
