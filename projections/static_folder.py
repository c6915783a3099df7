"""A folder that any web server or CDN can serve: every path appears whole, once, and never gets other bytes.

Only `checkpoint` is ever replaced, by a rename, after everything else is on disk. What a crash leaves half done is
completed by the next run. The folder `.publishing` is ours and is not for readers: which log is published here and
for whom, so that what auditors read never lands where the public looks; how far its entries reach; and temporary files.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from ledger import canonical
from ledger.checkpoint import Checkpoint, parse_checkpoint, parse_decimal, parse_note
from ledger.errors import StoreError

FORMAT = "ballot-ledger-folder@1"
OWN = ".publishing"
CHECKPOINT = "checkpoint"


class StaticFolder:
    """An open folder, held by this process alone."""

    def __init__(self, folder: Path) -> None:
        """Use `static_folder`."""
        self.folder = folder
        self.own = folder / OWN
        self.written = 0
        self._dirty: set[Path] = set()

    def published(self) -> Checkpoint | None:
        """Return the checkpoint that the folder shows, not verified; None before the first.

        Raises `MalformedError` `NOTE_MALFORMED` or `CHECKPOINT_MALFORMED`.
        """
        data = self.read(CHECKPOINT)
        return None if data is None else parse_checkpoint(parse_note(data).text)

    def reached(self) -> int:
        """Return how many entries were looked at by the runs that were completed, those withheld not included."""
        with suppress(FileNotFoundError, UnicodeDecodeError):
            return parse_decimal((self.own / "entries").read_text("ascii").removesuffix("\n")) or 0
        # Everything is looked at again, and what is there already compared.
        return 0

    def read(self, path: str) -> bytes | None:
        """Return what is published at a path, None where nothing is."""
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, path: str, data: bytes) -> None:
        """Publish `data` at `path` for good. Raises `StoreError` `PUBLISH_CONFLICT` if other bytes are there."""
        target = self.folder / path
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._temporary(data)
            # A link, not a rename: it never replaces what somebody else put there meanwhile.
            with suppress(FileExistsError):
                os.link(temporary, target)
                self.written += 1
            temporary.unlink()
        # Also where a run that was killed put it: that run flushed no folder.
        self._dirty.update((self.folder / path).parents[: len(Path(path).parts)])
        if target.read_bytes() != data:
            raise StoreError("PUBLISH_CONFLICT", path=path)

    def release(self, note: bytes, reached: int) -> None:
        """Show the checkpoint `note` once everything put before is on disk; entries are there up to `reached`."""
        for folder in sorted(self._dirty):
            _flush(folder)
        self._dirty.clear()
        for target, data in ((self.own / "entries", f"{reached}\n".encode()), (self.folder / CHECKPOINT, note)):
            if not target.exists() or target.read_bytes() != data:
                self._temporary(data).replace(target)
                _flush(target.parent)

    def drop_partial(self, path: str) -> None:
        """Remove the partial tiles that the full tile at `path` has made superfluous."""
        if (self.folder / path).exists():
            rmtree(self.folder / f"{path}.p", ignore_errors=True)

    def _temporary(self, data: bytes) -> Path:
        """Write a temporary file and flush it."""
        path = self.own / "new"
        # What a crash left may be a published file's second name, so it is never written to.
        path.unlink(missing_ok=True)
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return path


@contextmanager
def static_folder(folder: Path, origin: str, audience: str) -> Iterator[StaticFolder]:
    """Open the folder in which the log `origin` is published for an audience; makes it if it is new or empty.

    Raises `StoreError`: `PUBLISH_FOLDER_FOREIGN` if it holds anything else, `PUBLISH_ORIGIN`, `PUBLISH_AUDIENCE`,
    `PUBLISH_BUSY` while another process publishes there, `FILE_UNWRITABLE`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own = folder / OWN
        if not own.exists() and any(folder.iterdir()):
            raise StoreError("PUBLISH_FOLDER_FOREIGN", path=str(folder))
        own.mkdir(mode=0o700, exist_ok=True)
        with (own / "lock").open("wb") as lock:
            _hold(lock.fileno(), folder)
            opened = StaticFolder(folder)
            _claim(opened, origin, audience)
            yield opened
    except OSError as error:
        raise StoreError("FILE_UNWRITABLE", path=str(error.filename or folder), reason=str(error.strerror)) from None


def _hold(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError("PUBLISH_BUSY", path=str(folder)) from None


def _claim(opened: StaticFolder, origin: str, audience: str) -> None:
    """Write down which log is published here and for whom, or hold it against what was written down."""
    marker = opened.own / "log.json"
    wanted = {"audience": audience, "format": FORMAT, "origin": origin}
    if not marker.exists():
        if any(one.name != OWN for one in opened.folder.iterdir()):
            raise StoreError("PUBLISH_FOLDER_FOREIGN", path=str(opened.folder))
        opened._temporary(canonical.encode(wanted) + b"\n").replace(marker)
        _flush(opened.own)
        _flush(opened.folder)
    try:
        found = json.loads(marker.read_bytes())
        published, reader = str(found["origin"]), str(found["audience"])
    except (ValueError, KeyError, TypeError):
        raise StoreError("PUBLISH_FOLDER_FOREIGN", path=str(opened.folder)) from None
    if published != origin:
        raise StoreError("PUBLISH_ORIGIN", path=str(opened.folder), published=published[:80])
    if reader != audience:
        raise StoreError("PUBLISH_AUDIENCE", path=str(opened.folder), published=reader[:20], asked=audience)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
