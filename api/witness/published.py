"""A published log as its full-audit witness reads it: an auditor's folder, its address, or an auditor's export.

All have checkpoint and entry bundles at the paths of tlog-tiles. While a vote is open, entries stop before its first
ballot, and no checkpoint of the folder may end there. But every statement repeats, with the log's signature, the
checkpoint that its signer saw: the largest of these that the entries reach is where an audit ends.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import httpx

from ledger.checkpoint import MAX_NOTE_BYTES, Note, Signature, parse_base64, parse_checkpoint, parse_note
from ledger.errors import MalformedError, StoreError
from ledger.pin import Pin
from ledger.statements import Seen, decode_entry
from ledger.tiles import ENTRIES, FULL, TileAddress, entries_of
from projections.audit.export_files import ExportFiles, is_export
from projections.audit.verify import Row

CHECKPOINT = "checkpoint"
MOST_BUNDLE = FULL * (2 + 65_535)
SECONDS = 60.0


class PublishedFiles(Protocol):
    """What is published, by path below the log's prefix."""

    def read(self, path: str, most: int) -> bytes | None:
        """Return a file of at most so many bytes, None where there is none."""


class FolderFiles:
    """A folder that `publish` wrote, or a copy of it."""

    def __init__(self, folder: Path) -> None:
        """Read below `folder`."""
        self._folder = folder

    def read(self, path: str, most: int) -> bytes | None:
        """Return a file; raises `StoreError` `AUDIT_SOURCE_UNREADABLE`."""
        try:
            with (self._folder / path).open("rb") as file:
                data = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(path, error.strerror or "-") from None
        return _bounded(path, data, most)


class HttpFiles:
    """A log's address."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        """Read below `url`."""
        self._url, self._client = url.rstrip("/"), client

    def read(self, path: str, most: int) -> bytes | None:
        """Fetch a file; raises `StoreError` `AUDIT_SOURCE_UNREADABLE`."""
        body = bytearray()
        try:
            with self._client.stream("GET", f"{self._url}/{path}") as answer:
                if answer.status_code == 404:
                    return None
                if answer.status_code != 200:
                    raise _unreadable(path, str(answer.status_code))
                # Bundles may come compressed: what they decompress to is bounded as well.
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > most:
                        break
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise _unreadable(path, type(error).__name__) from None
        return _bounded(path, bytes(body), most)


class CoreFiles:
    """The core of an auditor's export."""

    def __init__(self, files: ExportFiles) -> None:
        """Read from an export's open files."""
        self._files = files

    def read(self, path: str, most: int) -> bytes | None:
        """Return a file of the core."""
        return self._files.read(f"core/{path}", most)


def _bounded(path: str, data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise _unreadable(path, "size")
    return data


def _unreadable(path: str, reason: str) -> StoreError:
    return StoreError("AUDIT_SOURCE_UNREADABLE", path=path, reason=reason)


@contextmanager
def open_published(source: str) -> Iterator[PublishedFiles]:
    """Open a folder, an export (folder or zip) or an address by its text."""
    with ExitStack() as stack:
        if source.startswith(("http://", "https://")):
            client = httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False)
            yield HttpFiles(source, stack.enter_context(client))
        elif is_export(Path(source)):
            yield CoreFiles(stack.enter_context(ExportFiles(Path(source))))
        else:
            yield FolderFiles(Path(source))


class PublishedEntries:
    """The entries of a published log up to the checkpoint that `note` holds, and every checkpoint that they repeat.

    As an audit reads it; nothing in it is verified here. Making one reads all entries once.
    """

    def __init__(self, files: PublishedFiles) -> None:
        """Survey what is published. Raises `StoreError` `AUDIT_SOURCE_UNREADABLE`, `MalformedError`."""
        self._files = files
        head = files.read(CHECKPOINT, MAX_NOTE_BYTES)
        if head is None:
            raise _unreadable(CHECKPOINT, "missing")
        self._head = parse_checkpoint(parse_note(head).text)
        self._seen: dict[int, Seen] = {}
        shown = self._survey()
        if shown == self._head.size:
            self.size, self.note = shown, head
        else:
            self.size = max((size for size in self._seen if size <= shown), default=0)
            self.note = self._note(self._seen[self.size]) if self.size else b""

    @property
    def published(self) -> int:
        """The size of the newest checkpoint, which entries may not have reached."""
        return self._head.size

    def _survey(self) -> int:
        """Count the entries that are shown, and note the checkpoints they repeat."""
        shown = 0
        for bundle in self._bundles():
            for entry in bundle:
                try:
                    seen = decode_entry(entry).statement.seen
                except MalformedError:
                    # That an entry cannot be read is for the audit to find.
                    seen = None
                if seen is not None and 0 < seen.size <= shown:
                    self._seen.setdefault(seen.size, seen)
                shown += 1
        return shown

    def _bundles(self) -> Iterator[tuple[bytes, ...]]:
        """Give the entry bundles up to the newest checkpoint or to where entries stop for now."""
        for number in range(-(-self._head.size // FULL)):
            widest = min(FULL, self._head.size - number * FULL)
            # The last shown bundle may be narrower than the tree: how narrow, only trying tells.
            widths = [FULL, *range(widest, 0, -1)] if widest < FULL else range(FULL, 0, -1)
            entries = next((found for width in widths if (found := self._bundle(number, width)) is not None), ())
            yield entries[:widest]
            if len(entries) < widest:
                return

    def _bundle(self, number: int, width: int) -> tuple[bytes, ...] | None:
        address = TileAddress(ENTRIES, number, width)
        data = self._files.read(address.path, MOST_BUNDLE)
        if data is None:
            return None
        entries = entries_of(data)
        if len(entries) != width:
            raise MalformedError("TILE_MALFORMED", where=address.path)
        return entries

    def _note(self, seen: Seen) -> bytes:
        """Return the signed checkpoint that a statement repeats."""
        text = f"{self._head.origin}\n{seen.size}\n{seen.root}\n".encode()
        value = parse_base64(seen.signature) or b""
        return Note(text, (Signature(self._head.origin, value[:4], value[4:]),)).encode()

    def rows(self) -> Iterator[Row]:
        """Give the entries up to `size`."""
        place = 0
        for bundle in self._bundles():
            for entry in bundle:
                if place == self.size:
                    return
                yield Row(place, entry)
                place += 1

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give the checkpoints that the entries repeat, ascending, and the last one."""
        for size in sorted(self._seen):
            if size < self.size:
                yield size, self._note(self._seen[size])
        if self.size:
            yield self.size, self.note

    def pin(self) -> Pin | None:
        """Nobody but the log has its pin."""
        return None
