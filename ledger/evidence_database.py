"""Evidence kept in the log's database, encrypted, under keys that never enter it.

Each piece has a key of its own (AES-256-GCM); key and salt stand in a small file outside the database. Erasing deletes
the rows and that file: whatever of the content is left in dead rows, the write-ahead log, a standby or a backup of the
database can be read by nobody then. The folder of keys is to be backed up by itself, and pruned of what was erased.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.types.numeric import Int4, Int8

from ledger import canonical
from ledger.errors import ConflictError, MalformedError, StoreError, VerificationError
from ledger.evidence import whole
from ledger.evidence_content import (
    SALT_BYTES,
    EvidenceFile,
    EvidenceRecord,
    Intake,
    Limits,
    Source,
    checked_digest,
    checked_salt,
    verified,
)
from ledger.evidence_files import name_draft, remove, sync_folder, write_draft
from ledger.evidence_schema import NOT_ON_RECORD, evidence_schema
from ledger.signing import encode_base64, strict_b64decode
from ledger.store.database import Connection, store_error

_KEY_BYTES = 32
_UPLOAD_BYTES = 16


class EvidenceDatabase:
    """The evidence of one log in its database, by the service's role; `ledger.evidence_schema` installs it."""

    def __init__(
        self, connect: Callable[[str], Connection], schema: str, keys: Path, limits: Limits | None = None
    ) -> None:
        """Use the evidence of the log `schema`; `connect` opens a connection, `keys` is the folder of the keys."""
        self._connect, self._keys, self._limits = connect, keys, limits or Limits()
        self._log, self._schema = schema, evidence_schema(schema)

    def put(self, content: Source, evidence_class: str, media_type: str, salt: bytes | None = None) -> str:
        """Keep `content` and return its salted digest (see `EvidenceStore.put`)."""
        intake = Intake(evidence_class, media_type, checked_salt(salt), self._limits)
        key, upload = secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_UPLOAD_BYTES)
        with self._session() as connection, connection.transaction():
            store = f"SELECT {self._schema}.put_chunk(%b, %b, %b)".encode()
            for number, piece in enumerate(intake.pieces(content)):
                connection.execute(store, (upload, Int4(number), AESGCM(key).encrypt(_nonce(number), piece, None)))
            digest = intake.record.digest
            known = self._row(connection, digest) is not None
            if known:
                # What came in goes with its transaction; what is on file must be what it says.
                _take_back()
            else:
                self._file(connection, intake.record, key, upload)
        for _ in self.pieces(digest) if known else ():
            pass
        return digest

    def _file(self, connection: Connection, record: EvidenceRecord, key: bytes, upload: bytes) -> None:
        # The key comes before the row: a row without its key could never be read.
        value = {"key": encode_base64(key), "salt": encode_base64(record.salt or b"")}
        path = self._key_path(record.digest)
        name_draft(write_draft(self._keys, [canonical.encode(value)]), path)
        values = (
            bytes.fromhex(record.digest),
            record.evidence_class,
            record.media_type,
            Int8(record.size or 0),
            upload,
        )
        try:
            connection.execute(f"SELECT {self._schema}.file(%b, %s, %s, %b, %b)".encode(), values)
        except psycopg.Error:
            remove(path)
            raise

    def record(self, digest: str) -> EvidenceRecord:
        """Return what is known of a piece of evidence (see `EvidenceStore.record`)."""
        return self._read(digest)[0]

    def pieces(self, digest: str) -> Iterator[bytes]:
        """Yield the content piece by piece (see `EvidenceStore.pieces`)."""
        record, key, upload = self._read(digest)
        if record.erased:
            raise StoreError("EVIDENCE_ERASED", digest=digest)
        yield from verified(record, self._chunks(digest, key, upload))

    def get(self, digest: str) -> EvidenceFile:
        """Return the evidence of this digest, checked against it (see `EvidenceStore.get`)."""
        return whole(self, digest)

    def erase(self, digest: str, entry: int) -> None:
        """Erase evidence with its salt and key (see `EvidenceStore.erase`).

        Raises `ConflictError` `ERASURE_NOT_ON_RECORD` where entry `entry` of the log does not say so.
        """
        path = self._key_path(digest)
        with self._session() as connection:
            if self._row(connection, digest) is None:
                raise StoreError("EVIDENCE_MISSING", digest=digest)
            try:
                values = (bytes.fromhex(digest), Int8(entry))
                connection.execute(f"SELECT {self._schema}.erase(%b, %b)".encode(), values)
            except psycopg.Error as error:
                if error.sqlstate != NOT_ON_RECORD:
                    raise
                raise ConflictError("ERASURE_NOT_ON_RECORD", digest=digest) from None
        remove(path)
        if path.parent.exists():
            sync_folder(path.parent)

    def digests(self) -> Iterator[str]:
        """Yield the digest of everything on record, erased evidence too, in ascending order."""
        last = b""
        query = f"SELECT digest FROM {self._schema}.files WHERE digest > %s ORDER BY digest LIMIT 1000".encode()
        while True:
            with self._session() as connection:
                rows = connection.execute(query, (last,)).fetchall()
            if not rows:
                return
            yield from (bytes(row[0]).hex() for row in rows)
            last = bytes(rows[-1][0])

    def _read(self, digest: str) -> tuple[EvidenceRecord, bytes, bytes]:
        """Return the record, the key and the upload; what has no key and was not erased is missing."""
        secret = self._secret(digest)
        with self._session() as connection:
            row = self._row(connection, digest)
            if row is None:
                raise StoreError("EVIDENCE_MISSING", digest=digest)
            evidence_class, media_type, size, upload, erased_by, chunks = row
        if erased_by is not None:
            left = 0 if secret is not None or chunks else None
            return EvidenceRecord(digest, evidence_class, None, None, left), b"", b""
        if secret is None:
            raise StoreError("EVIDENCE_MISSING", digest=digest)
        key, salt = secret
        return EvidenceRecord(digest, evidence_class, media_type, salt, size), key, bytes(upload)

    def _row(self, connection: Connection, digest: str) -> Any:
        query = (
            f"SELECT class, media_type, size, upload, erased_by, EXISTS (SELECT FROM {self._schema}.chunks AS c"
            f" WHERE c.upload = f.upload) FROM {self._schema}.files AS f WHERE digest = %s"
        )
        return connection.execute(query.encode(), (bytes.fromhex(checked_digest(digest)),)).fetchone()

    def _chunks(self, digest: str, key: bytes, upload: bytes) -> Iterator[bytes]:
        query = f"SELECT content FROM {self._schema}.chunks WHERE upload = %s AND number = %s".encode()
        with self._session() as connection:
            number = 0
            while (row := connection.execute(query, (upload, number), binary=True).fetchone()) is not None:
                try:
                    yield AESGCM(key).decrypt(_nonce(number), bytes(row[0]), None)
                except (InvalidTag, ValueError):
                    raise VerificationError("ATTACHMENT_MISMATCH", digest=digest) from None
                number += 1

    def _secret(self, digest: str) -> tuple[bytes, bytes] | None:
        """Return key and salt from their file, None if it is not there."""
        path = self._key_path(digest)
        try:
            value = canonical.decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, MalformedError):
            raise VerificationError("ATTACHMENT_MISMATCH", digest=digest) from None
        try:
            key, salt = strict_b64decode(value["key"], "key"), strict_b64decode(value["salt"], "salt")
        except (TypeError, KeyError, MalformedError):
            raise VerificationError("ATTACHMENT_MISMATCH", digest=digest) from None
        if len(key) != _KEY_BYTES or len(salt) != SALT_BYTES:
            raise VerificationError("ATTACHMENT_MISMATCH", digest=digest)
        return key, salt

    def _key_path(self, digest: str) -> Path:
        return self._keys / checked_digest(digest)[:2] / f"{digest}.json"

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """Open a connection and turn the driver's errors into the ledger's."""
        with self._connect("ballot-ledger evidence") as connection:
            try:
                yield connection
            except psycopg.Error as error:
                raise store_error(error, self._log) from error


def _take_back() -> None:
    """End the transaction that this is called in, without keeping what it did."""
    raise psycopg.Rollback


def _nonce(number: int) -> bytes:
    # Every piece of evidence has a key of its own, so counting the chunks is enough.
    return number.to_bytes(12, "big")
