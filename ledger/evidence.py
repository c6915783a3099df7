"""Evidence kept as files in one folder, each named by its salted digest.

The digest is SHA-256 over the 32 bytes of salt and then the content, so that nobody who reads a digest in the log can
try out which name or number it stands for. Salt, class and media type stand in a small canonical record beside the
content. Personal evidence can be erased; the record then says so, and the salt is gone with the content.
"""

import hashlib
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger import canonical
from ledger.errors import MalformedError, StoreError, VerificationError
from ledger.signing import encode_base64, strict_b64decode

SALT_BYTES = 32
MOST_BYTES = 50 * 1024 * 1024
CLASSES = ("personal", "deciding")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A piece of evidence as it was put on file."""

    digest: str
    content: bytes
    salt: bytes
    evidence_class: str
    media_type: str


def evidence_digest(salt: bytes, content: bytes) -> str:
    """Return the salted digest by which entries name a piece of evidence."""
    return hashlib.sha256(salt + content).hexdigest()


class EvidenceFolder:
    """The evidence of one ledger on this machine: directories 0700, files 0600."""

    def __init__(self, path: Path | str, most_bytes: int = MOST_BYTES) -> None:
        """Use the folder `path`, which is made on first use; no file may be larger than `most_bytes`."""
        self._path = Path(path)
        self._most = most_bytes

    def put(self, content: bytes, evidence_class: str, media_type: str, salt: bytes | None = None) -> str:
        """Keep `content` and return its salted digest; the salt is random unless given.

        Raises `MalformedError` `EVIDENCE_TOO_LARGE`, `EVIDENCE_CLASS_UNKNOWN` or `SALT_INVALID`, and `StoreError`
        `EVIDENCE_ERASED` for what was erased here under this digest.
        """
        if len(content) > self._most:
            raise MalformedError("EVIDENCE_TOO_LARGE", bytes=len(content), limit=self._most)
        if evidence_class not in CLASSES:
            raise MalformedError("EVIDENCE_CLASS_UNKNOWN", known=", ".join(CLASSES))
        salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
        if len(salt) != SALT_BYTES:
            raise MalformedError("SALT_INVALID", bytes=len(salt), expected=SALT_BYTES)
        digest = evidence_digest(salt, content)
        if self._record_path(digest).exists():
            self.get(digest)
            return digest
        record = {"class": evidence_class, "media_type": media_type, "salt": encode_base64(salt)}
        # The record comes last: without it the content is not on file.
        self._write(self._content_path(digest), content)
        self._write(self._record_path(digest), canonical.encode(record))
        return digest

    def get(self, digest: str) -> EvidenceFile:
        """Return the evidence of this digest, checked against it.

        Raises `VerificationError` `ATTACHMENT_MISMATCH` if it is not what was filed, `StoreError` `EVIDENCE_MISSING` or
        `EVIDENCE_ERASED`.
        """
        record = self._record(digest)
        if record.get("erased"):
            raise StoreError("EVIDENCE_ERASED", digest=digest)
        try:
            content = self._content_path(digest).read_bytes()
            salt = strict_b64decode(record["salt"], "salt")
        except FileNotFoundError:
            raise StoreError("EVIDENCE_MISSING", digest=digest) from None
        except (KeyError, TypeError, MalformedError):
            raise VerificationError("ATTACHMENT_MISMATCH", digest=digest) from None
        if evidence_digest(salt, content) != digest:
            raise VerificationError("ATTACHMENT_MISMATCH", digest=digest)
        return EvidenceFile(digest, content, salt, str(record.get("class")), str(record.get("media_type")))

    def erase(self, digest: str) -> None:
        """Erase personal evidence with its salt; raises `StoreError` `EVIDENCE_RETAINED` for what decided something."""
        record = self._record(digest)
        if record.get("class") != "personal":
            raise StoreError("EVIDENCE_RETAINED", digest=digest)
        self._write(self._record_path(digest), canonical.encode({"class": "personal", "erased": True}))
        self._content_path(digest).unlink(missing_ok=True)

    def _record(self, digest: str) -> dict[str, Any]:
        path = self._record_path(digest)
        try:
            record = canonical.decode(path.read_bytes())
        except FileNotFoundError:
            raise StoreError("EVIDENCE_MISSING", digest=digest) from None
        except MalformedError:
            raise VerificationError("ATTACHMENT_MISMATCH", digest=digest) from None
        if not isinstance(record, dict):
            raise VerificationError("ATTACHMENT_MISMATCH", digest=digest)
        return record

    def _content_path(self, digest: str) -> Path:
        # The digest comes from a statement: nothing but one may become part of a path.
        if not _DIGEST.match(digest):
            raise MalformedError("DIGEST_INVALID")
        return self._path / digest[:2] / digest

    def _record_path(self, digest: str) -> Path:
        return self._content_path(digest).with_suffix(".json")

    def _write(self, path: Path, data: bytes) -> None:
        """Write so that the file is there whole or not at all."""
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise StoreError("EVIDENCE_NOT_WRITTEN", cause=error.strerror or type(error).__name__) from None
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
