"""Public exports in the ledger's folder: each is written once, and given to everybody who asks for the same.

For a size of the log, what witnesses and time-stamping authorities said of it, and one version of this program, an
export is the same bytes; so it is kept, the last few of them, and its entity tag is size and digest. One is written at
a time, by whichever process comes first; a few wait for it, and more are told to come again. What an auditor gets is
never kept: it is written for one reader, whose reading is recorded, and is gone with the answer.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from api.http.reader import Unavailable
from api.verifier_file import verifier_bytes
from ledger.errors import StoreError
from ledger.evidence_opening import open_evidence
from ledger.opening import Home
from ledger.store.store import Store
from projections.bundle import write_export
from projections.bundle_source import StoredSource
from projections.disclosure import Audience

FOLDER = "exports"
MOST_KEPT = 4
"""Public exports that are kept; the one that was asked for longest ago goes first."""
MOST_WAITING = 4
WAIT_SECONDS = 20
POLL_SECONDS = 0.05
STALE_SECONDS = 86_400
"""After so long, what an answer or a crash left behind is removed."""
_WAITING = threading.BoundedSemaphore(MOST_WAITING)


@dataclass(frozen=True, slots=True)
class Kept:
    """A public export on the shelf: its size in entries, and the SHA-256 of its bytes in hexadecimal."""

    path: Path
    size: int
    digest: str

    @property
    def tag(self) -> str:
        """Its entity tag: size and digest."""
        return f'"{self.size}-{self.digest[:32]}"'


class Shelf:
    """The public exports of one ledger's folder; any thread and process may use them at once."""

    def __init__(self, store: Store, home: Home) -> None:
        """Write exports of `store`. Raises `StoreError` `HOME_UNUSABLE`."""
        self._store, self._home = store, home
        self._folder = home.folder / FOLDER
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError("HOME_UNUSABLE", path=str(home.folder), reason=str(error.strerror)) from None

    @contextmanager
    def public(self, size: int | None) -> Iterator[Kept]:
        """Give the public export of a size, by default the newest; its path stays while the block runs.

        Raises `Unavailable` `READ_BUSY` where too many wait or it takes too long, else as `write_export`.
        """
        held = self._folder / f".out-{secrets.token_hex(8)}.zip"
        try:
            found = self._taken(size, held)
            if found is None:
                with _turn(self._folder / ".writing"):
                    found = self._taken(size, held)
                    if found is None:
                        found = self._taken(self._written(size), held)
            if found is None:
                raise StoreError("EXPORT_NOT_WRITTEN", reason="gone")
            yield found
        finally:
            held.unlink(missing_ok=True)

    def _taken(self, size: int | None, held: Path) -> Kept | None:
        """Link what is on the shelf to `held`, from where nobody removes it; None where it is not there."""
        source = self._source()
        wanted = source.pinned() if size is None else size
        for path in self._folder.glob(f"public-{wanted}-{_state(source, wanted)}-*.zip"):
            with suppress(FileNotFoundError, FileExistsError):
                os.link(path, held)
                os.utime(path)
                return Kept(held, wanted, path.stem.rpartition("-")[2])
        return None

    def _written(self, size: int | None) -> int:
        self._make_room()
        source, draft = self._source(), self._folder / f".draft-{secrets.token_hex(8)}.zip"
        try:
            done = write_export(source, draft, Audience.PUBLIC, size, verifier_bytes())
            with draft.open("rb") as file:
                digest = _digest(file.read, 1 << 20)
            draft.replace(self._folder / f"public-{done.size}-{_state(source, done.size)}-{digest}.zip")
            return done.size
        finally:
            draft.unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Leave room for one more, and nothing that an answer or a crash left behind."""
        kept = sorted(self._folder.glob("public-*.zip"), key=_used, reverse=True)
        left = [one for one in self._folder.glob(".*-*") if _used(one) < time.time() - STALE_SECONDS]
        for path in (*kept[MOST_KEPT - 1 :], *left):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _source(self) -> StoredSource:
        return StoredSource(self._store, self._home, open_evidence(self._home, self._store))


@contextmanager
def full(store: Store, home: Home, size: int | None) -> Iterator[tuple[Path, int]]:
    """Give an auditors' export and its size; nothing of it is left after the block. Raises as `write_export`."""
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        source = StoredSource(store, home, open_evidence(home, store))
        target = Path(folder) / "export.zip"
        done = write_export(source, target, Audience.AUDITOR, size, verifier_bytes())
        yield target, done.size


class Passing(FileResponse):
    """A file that is there for this answer alone: whatever becomes of the answer, `after` is closed then."""

    def __init__(self, path: Path, after: ExitStack, headers: dict[str, str], name: str) -> None:
        """Answer with the zip at `path` under a file name."""
        super().__init__(path, headers=headers, media_type="application/zip", filename=name)
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._after:
            await super().__call__(scope, receive, send)


def _used(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def _state(source: StoredSource, size: int) -> str:
    """Name what a public export is made of beside the entries: what was attested, and the enclosed verifier."""
    told = sha256(_verifier())
    for path, about, data in sorted(source.attestations()):
        if about <= size:
            told.update(f"{path}\n".encode() + sha256(data).digest())
    return told.hexdigest()[:16]


@lru_cache(maxsize=1)
def _verifier() -> bytes:
    return sha256(verifier_bytes()).digest()


def _digest(read: Callable[[int], bytes], piece: int) -> str:
    told = sha256()
    while data := read(piece):
        told.update(data)
    return told.hexdigest()


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Wait for one's turn among all processes, for a while. Raises `Unavailable` `READ_BUSY`."""
    if not _WAITING.acquire(blocking=False):
        raise Unavailable("READ_BUSY")
    try:
        with path.open("ab") as file:
            until = time.monotonic() + WAIT_SECONDS
            while not _locked(file.fileno()):
                if time.monotonic() >= until:
                    raise Unavailable("READ_BUSY")
                time.sleep(POLL_SECONDS)
            yield
    finally:
        _WAITING.release()


def _locked(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
