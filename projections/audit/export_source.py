"""An export as a log to be audited: rows bundle by bundle, checkpoints, pin. No more than one bundle is held.

What an export lacks or cannot be read becomes a failure of the report, with its file; the rows that are left are given.
"""

from collections.abc import Iterator

from ledger import canonical
from ledger.checkpoint import MAX_NOTE_BYTES, Checkpoint, parse_checkpoint, parse_note
from ledger.errors import MalformedError
from ledger.merkle import HASH_BYTES
from ledger.pin import Pin
from ledger.tiles import ENTRIES, FULL, HEIGHT, TileAddress, entries_of
from projections.audit.export_files import ExportFiles
from projections.audit.report import Check, Report
from projections.audit.verify import Row

CHECKPOINT, CHECKPOINTS, PIN = "core/checkpoint", "core/checkpoints", "attest/pin"
LENGTH_BYTES = 4
MOST_BUNDLE = FULL * (2 + 65_535)


def tile_path(address: TileAddress) -> str:
    """Return where an export has a tile or an entry bundle."""
    return f"core/{address.path}"


class ExportLog:
    """The log in an export, of the size that its checkpoint says."""

    def __init__(self, files: ExportFiles, report: Report) -> None:
        """Read the newest checkpoint; raises `MalformedError` where there is none from which to begin."""
        self._files, self._report = files, report
        self.note = files.read(CHECKPOINT, MAX_NOTE_BYTES) or b""
        self.head: Checkpoint = parse_checkpoint(parse_note(self.note).text)
        self.size = self.head.size
        self.issued = 0
        self.hidden = 0

    def bundle(self, index: int) -> TileAddress:
        """Return the address of an entry bundle, which is narrower at the end."""
        return TileAddress(ENTRIES, index, min(FULL, self.size - index * FULL))

    def file_of(self, place: int) -> str:
        """Return the file that holds an entry."""
        return tile_path(self.bundle(place // FULL)) if 0 <= place < self.size else CHECKPOINT

    def tile(self, level: int, index: int) -> bytes | None:
        """Return the bytes of a tile of hashes of this tree; None if it is missing or has another length."""
        width = min(FULL, (self.size >> HEIGHT * level) - index * FULL)
        data = self._files.read(tile_path(TileAddress(level, index, width)), FULL * HASH_BYTES)
        return data if data is not None and len(data) == width * HASH_BYTES else None

    def rows(self) -> Iterator[Row]:
        """Give the entries; of a hidden one its leaf hash."""
        for index in range((self.size + FULL - 1) // FULL):
            yield from self._bundle(self.bundle(index))

    def _bundle(self, address: TileAddress) -> Iterator[Row]:
        path, first = tile_path(address), address.first
        data = self._files.read(path, MOST_BUNDLE)
        try:
            entries = entries_of(data) if data is not None else ()
        except MalformedError as error:
            self._report.fail(Check.FORM, "EVENT_ALTERED", first, "", path, reason=error.code)
            return
        if len(entries) != address.width:
            end = first + min(len(entries), address.width)
            self._report.fail(Check.ORDER, "EVENT_MISSING", end, "", path, found=len(entries), expected=address.width)
        leaves = b"" if all(entries) else self.tile(0, address.index) or b""
        for offset, entry in enumerate(entries[: address.width]):
            if entry:
                yield Row(first + offset, entry)
                continue
            self.hidden += 1
            leaf = leaves[offset * HASH_BYTES : (offset + 1) * HASH_BYTES]
            if leaf:
                yield Row(first + offset, b"", leaf=leaf)

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give (size, note) of every issued checkpoint, the export's own last."""
        last = 0
        for note in self._earlier():
            size = _size_of(note)
            if size is None or not last < size < self.size:
                self._forged(last, "order" if size else "NOTE_MALFORMED")
                continue
            last = size
            self.issued += 1
            yield size, note
        self.issued += 1
        yield self.size, self.note

    def _earlier(self) -> Iterator[bytes]:
        """Give the notes before the last, each of which comes after its length."""
        held = b""
        for part in self._files.parts(CHECKPOINTS):
            held += part
            start = 0
            while len(held) - start >= LENGTH_BYTES:
                begin = start + LENGTH_BYTES
                stop = begin + int.from_bytes(held[start:begin], "big")
                if stop - begin > MAX_NOTE_BYTES:
                    self._forged(0, "length")
                    return
                if stop > len(held):
                    break
                yield held[begin:stop]
                start = stop
            held = held[start:]
        if held:
            self._forged(0, "length")

    def _forged(self, after: int, reason: str) -> None:
        self._report.fail(Check.CHECKPOINTS, "CHECKPOINT_FORGED", after, "", CHECKPOINTS, reason=reason)

    def pin(self) -> Pin | None:
        """Return the pin that the export carries, if there is one; a malformed one is a failure."""
        data = self._files.read(PIN, 1000)
        if data is None:
            return None
        try:
            value = canonical.decode(data.removesuffix(b"\n"))
            root = bytes.fromhex(value["root"])
            if value.keys() != {"root", "size"} or type(value["size"]) is not int or len(root) != HASH_BYTES:
                raise ValueError(PIN)
            return Pin(value["size"], root)
        except (MalformedError, ValueError, TypeError, KeyError, AttributeError):
            self._report.fail(Check.PIN, "PIN_CORRUPT", -1, "", PIN)
            return None


def _size_of(note: bytes) -> int | None:
    """Read the size from a note's second line, so far unproven; None where there is none."""
    line = note.split(b"\n", 2)[1:2]
    return int(line[0]) if line and line[0].isdigit() and len(line[0]) <= 19 else None
