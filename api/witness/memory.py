"""What a witness must never forget: per origin the newest checkpoint it cosigned, and evidence of conflicts.

One file per origin, replaced whole (write, fsync, rename, fsync of the folder): it holds the note itself, with the
log's signature and our own lines, so that anybody can read and check it with other tools, and the monitoring path
serves it as it is. A database would hold the same bytes behind one more format. One process owns the folder at a time
(a file lock), and one thread at a time changes it.

A witness that lost this state could be led to cosign a second history. So the key's own file has a companion,
`<key>.origins`, that lists every origin the key ever cosigned: a listed origin without its state is
`WITNESS_STATE_LOST`, and the key must be retired.
"""

import fcntl
import json
import os
import re
import threading
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from ledger.checkpoint import Checkpoint, Note, parse_checkpoint, parse_note
from ledger.errors import LedgerError, StoreError

_NAME = re.compile("[0-9a-f]{64}")
MOST_EVIDENCE = 10_000
"""Conflicts kept. Only whoever holds the log's key can make one."""


def origin_name(origin: str) -> str:
    """Return the name of an origin in paths: lower-case hexadecimal SHA-256."""
    return sha256(origin.encode()).hexdigest()


def note_in(folder: Path, name: str) -> bytes | None:
    """Return the newest cosigned note of the origin whose hash is `name`, None where there is none.

    Also beside the process that holds the folder. Raises `StoreError` `WITNESS_STATE_UNUSABLE`.
    """
    if not _NAME.fullmatch(name):
        return None
    try:
        return (folder / "logs" / name).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError("WITNESS_STATE_UNUSABLE", path=name, reason=str(error.strerror)) from None


class WitnessMemory:
    """A witness's folder, held by this process until `close`. Reads and writes within `lock` are one transaction."""

    def __init__(self, folder: Path, key_file: Path) -> None:
        """Take the folder, made if there is none.

        Raises `StoreError`: `WITNESS_STATE_BUSY` if another process holds it, `WITNESS_STATE_UNUSABLE`,
        `WITNESS_STATE_LOST` if an origin that the key cosigned has no state here.
        """
        self.folder = folder
        self.lock = threading.Lock()
        self._origins = key_file.with_name(key_file.name + ".origins")
        try:
            for path in (folder, folder / "logs", folder / "evidence"):
                path.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._held = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError("WITNESS_STATE_UNUSABLE", path=str(folder), reason=str(error.strerror)) from None
        try:
            self._take()
        except BaseException:
            os.close(self._held)
            raise

    def _take(self) -> None:
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError("WITNESS_STATE_BUSY", path=str(self.folder)) from None
        for origin in self.origins():
            if self.newest(origin) is None:
                raise StoreError("WITNESS_STATE_LOST", origin=origin, path=str(self._path(origin)))

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._held)

    def __enter__(self) -> "WitnessMemory":
        """Return it."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the folder."""
        self.close()

    def _path(self, origin: str) -> Path:
        return self.folder / "logs" / origin_name(origin)

    def origins(self) -> list[str]:
        """Return every origin that the key ever cosigned."""
        try:
            return self._origins.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, ValueError):
            raise StoreError("WITNESS_STATE_UNUSABLE", path=str(self._origins), reason="-") from None

    def newest(self, origin: str) -> tuple[Checkpoint, Note] | None:
        """Return the newest checkpoint cosigned for an origin with its note; `WITNESS_STATE_UNUSABLE` if damaged."""
        data = note_in(self.folder, origin_name(origin))
        if data is None:
            return None
        try:
            note = parse_note(data)
            checkpoint = parse_checkpoint(note.text)
        except LedgerError as error:
            raise StoreError("WITNESS_STATE_UNUSABLE", path=str(self._path(origin)), reason=error.code) from None
        if checkpoint.origin != origin:
            raise StoreError("WITNESS_STATE_UNUSABLE", path=str(self._path(origin)), reason="origin")
        return checkpoint, note

    def keep(self, origin: str, note: bytes) -> None:
        """Make `note` the newest of its origin; when this returns it is on disk. Raises `StoreError`."""
        path = self._path(origin)
        try:
            replace(path, note)
            # After the state: a crash between the two must not look like lost state. Nothing was answered yet.
            listed = self.origins()
            if origin not in listed:
                replace(self._origins, "".join(f"{one}\n" for one in [*listed, origin]).encode())
        except OSError as error:
            raise StoreError("WITNESS_STATE_UNUSABLE", path=str(path), reason=str(error.strerror)) from None

    def evidence(self, kind: str, parts: Iterable[bytes], at: int) -> None:
        """Keep validly signed notes that contradict each other, once each set; nothing kept is ever changed.

        Raises `StoreError` `WITNESS_STATE_UNUSABLE` if it cannot be written or there is too much already.
        """
        kept = list(parts)
        digest = sha256(b"\x00".join(kept)).hexdigest()
        folder = self.folder / "evidence"
        value = {"at": at, "kind": kind, "notes": [part.decode("utf-8", "replace") for part in kept]}
        try:
            if (folder / digest).exists():
                return
            if sum(1 for _ in folder.iterdir()) >= MOST_EVIDENCE:
                raise StoreError("WITNESS_STATE_UNUSABLE", path=str(folder), reason="full")
            replace(folder / digest, json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n", mode=0o444)
        except OSError as error:
            raise StoreError("WITNESS_STATE_UNUSABLE", path=str(folder), reason=str(error.strerror)) from None


def replace(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file so that it is there whole or as it was before, also after a crash; on disk when this returns."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    with suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
