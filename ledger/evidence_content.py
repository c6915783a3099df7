"""A piece of evidence as bytes: its salted digest, its limits, and streaming it in and out piece by piece.

The digest is SHA-256 over the 32 bytes of salt and then the content, so that nobody who reads a digest in the log can
try out which name or number it stands for. No content is ever held in memory whole, except where it is asked for whole.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeAlias

from ledger import canonical
from ledger.errors import MalformedError, VerificationError
from ledger.evidence_media import MEDIA_TYPES, MediaCheck
from ledger.signing import encode_base64, strict_b64decode

SALT_BYTES = 32
MOST_BYTES = 50 * 1024 * 1024
PIECE_BYTES = 256 * 1024
CLASSES = ("personal", "deciding")
_DIGEST = re.compile(r"[0-9a-f]{64}")

Source: TypeAlias = bytes | BinaryIO | Iterable[bytes]
"""Content to be put on file: bytes, an open binary file, or pieces of it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be put on file: no larger than `most_bytes`, of one of `media_types`."""

    most_bytes: int = MOST_BYTES
    media_types: frozenset[str] = MEDIA_TYPES


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A piece of evidence as it was put on file, its content in memory."""

    digest: str
    content: bytes
    salt: bytes
    evidence_class: str
    media_type: str


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """What is known of a piece of evidence besides its content.

    Erased evidence has neither media type nor salt. `size` is the number of bytes on file, None where there are none:
    for erased evidence it must be None.
    """

    digest: str
    evidence_class: str
    media_type: str | None
    salt: bytes | None
    size: int | None

    @property
    def erased(self) -> bool:
        """Whether it was erased."""
        return self.salt is None

    def encode(self) -> bytes:
        """Return the canonical record that stands beside the content, in the folder and in exports."""
        if self.salt is None:
            return canonical.encode({"class": self.evidence_class, "erased": True})
        kept = {"class": self.evidence_class, "media_type": self.media_type, "salt": encode_base64(self.salt)}
        return canonical.encode(kept)


def decode_record(digest: str, data: bytes, size: int | None) -> EvidenceRecord:
    """Read a record as `EvidenceRecord.encode` writes it; raises `VerificationError` `ATTACHMENT_MISMATCH`."""
    try:
        value: Any = canonical.decode(data)
        if value.keys() == {"class", "erased"} and value["erased"] is True:
            found = EvidenceRecord(digest, value["class"], None, None, size)
        else:
            salt = strict_b64decode(value["salt"], "salt")
            found = EvidenceRecord(digest, value["class"], value["media_type"], salt, size)
            if value.keys() != {"class", "media_type", "salt"} or type(found.media_type) is not str:
                raise VerificationError("ATTACHMENT_MISMATCH", digest=digest)
    except (AttributeError, KeyError, TypeError, MalformedError):
        raise VerificationError("ATTACHMENT_MISMATCH", digest=digest) from None
    if found.evidence_class not in CLASSES or (found.salt is not None and len(found.salt) != SALT_BYTES):
        raise VerificationError("ATTACHMENT_MISMATCH", digest=digest)
    return found


def checked_digest(digest: str) -> str:
    """Return `digest` if it is one: nothing else may name a file or a row. Raises `MalformedError` `DIGEST_INVALID`."""
    if not _DIGEST.fullmatch(digest):
        raise MalformedError("DIGEST_INVALID")
    return digest


def checked_salt(salt: bytes | None) -> bytes:
    """Return the salt to use: the one given, else a random one. Raises `MalformedError` `SALT_INVALID`."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    if len(salt) != SALT_BYTES:
        raise MalformedError("SALT_INVALID", bytes=len(salt), expected=SALT_BYTES)
    return salt


def evidence_digest(salt: bytes, content: bytes) -> str:
    """Return the salted digest by which entries name a piece of evidence."""
    return hashlib.sha256(salt + content).hexdigest()


@dataclass(slots=True)
class Intake:
    """Content on its way in: each piece is counted, hashed and held against the media type before it is written.

    Raises `MalformedError`: `EVIDENCE_CLASS_UNKNOWN`, `SALT_INVALID`, `MEDIA_TYPE_REFUSED`, `MEDIA_MISMATCH`,
    `EVIDENCE_TOO_LARGE`.
    """

    evidence_class: str
    media_type: str
    salt: bytes
    limits: Limits
    size: int = 0
    _hash: Any = field(init=False)
    _media: MediaCheck = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the salt."""
        if self.evidence_class not in CLASSES:
            raise MalformedError("EVIDENCE_CLASS_UNKNOWN", known=", ".join(CLASSES))
        self._media = MediaCheck(self.media_type, self.limits.media_types)
        self._hash = hashlib.sha256(checked_salt(self.salt))

    def pieces(self, source: Source) -> Iterator[bytes]:
        """Yield the content in pieces of at most `PIECE_BYTES`, each one looked at; the digest is known at the end."""
        for piece in cut(source):
            self.size += len(piece)
            if self.size > self.limits.most_bytes:
                raise MalformedError("EVIDENCE_TOO_LARGE", bytes=self.size, limit=self.limits.most_bytes)
            self._hash.update(piece)
            self._media.feed(piece)
            yield piece
        self._media.finish()

    @property
    def record(self) -> EvidenceRecord:
        """The record of what has come in."""
        return EvidenceRecord(self._hash.hexdigest(), self.evidence_class, self.media_type, self.salt, self.size)


def cut(source: Source) -> Iterator[bytes]:
    """Yield what a source holds, in pieces that are not empty and have at most `PIECE_BYTES`."""
    read = getattr(source, "read", None)
    if read is not None:
        # A file that is open would otherwise be cut at its line feeds.
        yield from iter(lambda: read(PIECE_BYTES), b"")
        return
    for piece in (source,) if isinstance(source, bytes) else source:
        for start in range(0, len(piece), PIECE_BYTES):
            yield piece[start : start + PIECE_BYTES]


def verified(record: EvidenceRecord, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a record's content; the last one only once everything was held against the digest.

    Whoever writes what comes keeps it only when the iterator ends. Raises `VerificationError` `ATTACHMENT_MISMATCH`.
    """
    running = hashlib.sha256(record.salt or b"")
    held: bytes | None = None
    for piece in pieces:
        running.update(piece)
        if held is not None:
            yield held
        held = piece
    if running.hexdigest() != record.digest:
        raise VerificationError("ATTACHMENT_MISMATCH", digest=record.digest)
    if held is not None:
        yield held
