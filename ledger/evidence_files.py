"""Writing small folders of files that are there whole or not at all: directories 0700, files 0600, synced to disk."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ledger.errors import StoreError


def write_draft(folder: Path, pieces: Iterable[bytes]) -> Path:
    """Write the pieces to a new file in `folder`, on disk when this returns; nothing is left of a failure.

    Raises `StoreError` `EVIDENCE_NOT_WRITTEN`, and whatever giving the pieces raises.
    """
    draft = folder / f".draft.{secrets.token_hex(8)}"
    with _written():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                with _written():
                    file.write(piece)
            with _written():
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        remove(draft)
        raise
    return draft


def name_draft(draft: Path, path: Path) -> None:
    """Give a finished draft its name. Raises `StoreError` `EVIDENCE_NOT_WRITTEN`; the draft is gone then."""
    try:
        with _written():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            draft.replace(path)
            sync_folder(path.parent)
    finally:
        remove(draft)


def remove(path: Path) -> None:
    """Remove a file that may not be there."""
    with suppress(OSError):
        path.unlink()


def sync_folder(folder: Path) -> None:
    """Bring what was renamed or removed in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError("EVIDENCE_NOT_WRITTEN", cause=error.strerror or type(error).__name__) from None
