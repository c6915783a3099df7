"""Reading what was kept outside the database: exports, published folders of tiles, and receipts with their entries.

Names are those of an export's `core/` or of a published folder: `checkpoint`, `checkpoints`, `tile/entries/…`,
`entry/…`, `ballots/…`; and of a folder of receipts: `<name>.tlog-proof`, beside it the entry's bytes as `<name>.entry`.
Everything else is passed over. Nothing is trusted: what is brought back must add up to a checkpoint that the log
signed.
"""

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import TypeAlias

from ledger import receipt
from ledger.errors import MalformedError
from ledger.recovery import Sources
from ledger.tiles import ENTRIES, entries_of, parse_number, parse_path

Files: TypeAlias = Mapping[str, Callable[[], bytes]]
RECEIPT, ENTRY = ".tlog-proof", ".entry"
_BALLOTS = "ballots/"
_MANIFESTS = ("manifest.json", "core/manifest.json", "checkpoint")


def read_source(sources: Sources, files: Files, size: int) -> None:
    """Add what these files hold of entries from index `size` on, and every checkpoint.

    Raises `MalformedError` for a bundle or receipt that is damaged, `VerificationError` `RECOVERY_CONFLICT`.
    """
    for name in sorted(files):
        path = name.removeprefix("core/")
        if path == "checkpoint":
            sources.notes.append(files[name]())
        elif path == "checkpoints":
            sources.notes += framed(files[name]())
        elif path.startswith(_BALLOTS):
            index = path.removeprefix(_BALLOTS).removesuffix(".rows")
            if index.isdecimal() and len(index) < 20:
                sources.attached.setdefault(int(index), []).append(files[name])
        elif path.endswith(RECEIPT):
            _receipt(sources, files, name, size)
        else:
            _entries(sources, path, files[name], size)
    sources.digests += digests(files)


def _receipt(sources: Sources, files: Files, name: str, size: int) -> None:
    found = receipt.parse(files[name]())
    sources.notes.append(found.checkpoint_note)
    beside = files.get(name.removesuffix(RECEIPT) + ENTRY)
    if beside is not None and found.index >= size:
        sources.entry(found.index, beside())


def _entries(sources: Sources, path: str, read: Callable[[], bytes], size: int) -> None:
    if path.startswith("entry/"):
        index = parse_number(path.removeprefix("entry/"))
        if index is not None and index >= size:
            sources.entry(index, read())
        return
    address = parse_path(path)
    if address is None or address.level != ENTRIES or address.first + address.width <= size:
        return
    for index, data in enumerate(entries_of(read()), address.first):
        # A hidden entry has length 0 in a public bundle.
        if data and index >= size:
            sources.entry(index, data)


def framed(data: bytes) -> Iterator[bytes]:
    """Give the notes of a file in which each has its length, four bytes, in front; raises `MalformedError`."""
    place = 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        note = data[place + 4 : place + 4 + length]
        if not length or len(note) != length:
            raise MalformedError("EXPORT_ALTERED", place="checkpoints")
        yield note
        place += 4 + length


def digests(files: Files) -> list[str]:
    """Return the SHA-256 by which a source is named: of its manifest, its checkpoint, or of each receipt."""
    named = [name for name in _MANIFESTS if name in files][:1] or [name for name in files if name.endswith(RECEIPT)]
    return sorted(sha256(files[name]()).hexdigest() for name in named)
