"""The core of an export: checkpoints, tiles, entries, programme, evidence and their manifest, written in one pass.

For the same size, audience and erasures it is the same bytes, whoever writes it and when. The tree is built from the
entries themselves and held against the signed checkpoint, so nothing is exported that the log did not sign.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeAlias

from ledger.checkpoint import parse_checkpoint, parse_note
from ledger.errors import LedgerError, StoreError
from ledger.merkle import Frontier
from ledger.state.deciding import DECIDING_FIELDS
from ledger.statements import Act, decode_own_entry
from ledger.statements.foundation import CharterSealed
from ledger.statements.naming import EvidenceAttached, EvidenceErased
from ledger.statements.notices import ObjectionReceived
from ledger.tiles import ENTRIES, FULL, HEIGHT, TileAddress, bundle
from projections.audit.catalogue import out_of_scope
from projections.bundle_ballots import write_ballots
from projections.bundle_draft import CORE, MANIFEST, Draft
from projections.disclosure import Audience, Publicity
from projections.public_votes import PublicVotes

CORE_FORMAT = "ballot-ledger-export-core@1"
LENGTH_BYTES = 4
Progress: TypeAlias = Callable[[int], None]
"""Called with the number of entries done."""


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """A piece of evidence as it is on file: the bytes of its record, and its content in parts; None if that is gone.

    `erased`: the record says that it was erased.
    """

    record: bytes
    content: Iterable[bytes] | None
    erased: bool = False


class ExportSource(Protocol):
    """A log as an export is made of it."""

    @property
    def origin(self) -> str:
        """The log's name."""

    def pinned(self) -> int:
        """Return how many entries are published; nothing above is exported."""

    def shown(self, audience: Audience) -> int:
        """Return how many entries an audience may get (`projections.disclosure.shown_to`)."""

    def read_entries(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Give (index, bytes) of the entries from `start` to before `stop`."""

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give (size, signed note) of every issued checkpoint, ascending."""

    def evidence(self, digest: str) -> StoredEvidence | None:
        """Return the evidence of a digest, None where nothing is on file."""

    def attached(self, index: int) -> bytes | None:
        """Return what is attached to an entry, None if nothing is."""

    def credentials(self, commitment: int) -> Iterator[bytes]:
        """Give the credentials of public voters that an entry committed to, ascending, in pieces."""

    def attestations(self) -> Iterator[tuple[str, int, bytes]]:
        """Give what others attested: the path below `attest/`, the size it is about, the bytes."""


@dataclass(frozen=True, slots=True)
class Core:
    """What was written: size, root and counts as the manifest states them."""

    size: int
    root: bytes
    counts: dict[str, int]


def write_core(source: ExportSource, draft: Draft, audience: Audience, size: int, progress: Progress | None) -> Core:
    """Write the core of an export of `size` entries, at which a checkpoint was issued.

    Raises `StoreError` `CHECKPOINT_MISMATCH` if the entries do not make the tree that was signed, `EVENT_ALTERED` for
    one that cannot be read, `STORE_GAP`; `EXPORT_BEFORE_ERASURE` if a later entry erased evidence that they name.
    """
    note, issued = _write_checkpoints(source, draft, size)
    entries = _Entries(draft, audience)
    entries.write(source, size, progress)
    checkpoint = parse_checkpoint(parse_note(note).text)
    root = entries.frontier.root()
    if (checkpoint.origin, checkpoint.size, checkpoint.root) != (source.origin, size, root):
        raise StoreError("CHECKPOINT_MISMATCH", checkpoint=checkpoint.size, size=size)
    _refuse_before_erasure(source, entries, size)
    kept, erased = _write_evidence(source, draft, entries)
    write_ballots(source, draft, entries.votes, auditor=audience is Audience.AUDITOR)
    counts = {"checkpoints": issued, "entries": size, "erased": erased, "evidence": kept, "hidden": entries.hidden}
    draft.put_json(
        CORE + MANIFEST,
        {
            "audience": audience.value,
            "counts": counts,
            "files": draft.listed(CORE),
            "format": CORE_FORMAT,
            "origin": source.origin,
            "out_of_scope": [check.value for check in out_of_scope(audience.value)],
            "root": root.hex(),
            "size": size,
        },
    )
    return Core(size, root, counts)


def _write_checkpoints(source: ExportSource, draft: Draft, size: int) -> tuple[bytes, int]:
    """Write the checkpoint of this size and, one after another, those before it; return it and how many there are."""
    notes: list[bytes] = []
    issued = 0

    def earlier() -> Iterator[bytes]:
        nonlocal issued
        for at, note in source.checkpoints():
            if at > size:
                break
            issued += 1
            if at == size:
                notes.append(note)
            else:
                yield len(note).to_bytes(LENGTH_BYTES, "big") + note

    draft.put(CORE + "checkpoints", earlier())
    if not notes:
        raise StoreError("CHECKPOINT_NOT_ISSUED", size=size)
    draft.put(CORE + "checkpoint", (notes[0],))
    return notes[0], issued


class _Entries:
    """Entries on their way into bundles and tiles; what they need is one tile of each level."""

    def __init__(self, draft: Draft, audience: Audience) -> None:
        self.frontier = Frontier()
        self.hidden = 0
        self.named: set[str] = set()
        self.erased: set[str] = set()
        self.votes = PublicVotes()
        self._draft, self._audience = draft, audience
        self._publicity = Publicity()
        self._rows: list[list[bytes]] = [[]]

    def write(self, source: ExportSource, size: int, progress: Progress | None) -> None:
        """Write the bundles and the tiles of a tree of `size` leaves."""
        entries = source.read_entries(0, size)
        index = 0
        while chunk := [self._take(entry) for _, entry in islice(entries, FULL)]:
            self._put(TileAddress(ENTRIES, index, len(chunk)), bundle(chunk))
            index += 1
            if progress is not None:
                progress(self.frontier.size)
        for level, row in enumerate(self._rows):
            if row:
                index = (size >> HEIGHT * level) // FULL
                self._put(TileAddress(level, index, len(row)), b"".join(row))

    def _take(self, entry: bytes) -> bytes:
        """Take one entry into the tree; return what the audience gets of it."""
        act = self._decode(entry)
        if act.index == 0 and isinstance(act.body, CharterSealed):
            self._draft.put_json(CORE + "programme.json", act.body.programme)
        for level, place, value in self.frontier.append(act.leaf):
            if level % HEIGHT == 0:
                self._add(level // HEIGHT, place, value)
        self.votes.take(act)
        if self._audience is Audience.PUBLIC:
            if self._publicity.take(act):
                return entry
            self.hidden += 1
            return b""
        self.named.update(named_evidence(act))
        if isinstance(act.body, EvidenceErased):
            self.erased.add(act.body.digest)
        return entry

    def _decode(self, entry: bytes) -> Act:
        try:
            return decode_own_entry(entry)
        except (LedgerError, ValueError) as error:
            # No entry that was admitted fails here; whatever the alteration broke, its place is what matters.
            raise StoreError("EVENT_ALTERED", index=self.frontier.size, reason=type(error).__name__) from error

    def _add(self, level: int, place: int, value: bytes) -> None:
        if level == len(self._rows):
            self._rows.append([])
        row = self._rows[level]
        row.append(value)
        if len(row) == FULL:
            self._put(TileAddress(level, place // FULL), b"".join(row))
            row.clear()

    def _put(self, address: TileAddress, data: bytes) -> None:
        self._draft.put(CORE + address.path, (data,))


def named_evidence(act: Act) -> tuple[str, ...]:
    """Return the digests of the evidence that an entry attaches, seals or rests on."""
    body = act.body
    fields = _FIELDS.get(type(body), ())
    return tuple(digest for name in fields if (digest := getattr(body, name)) is not None)


_FIELDS: dict[type, tuple[str, ...]] = DECIDING_FIELDS | {EvidenceAttached: ("digest",), ObjectionReceived: ("sealed",)}


def _refuse_before_erasure(source: ExportSource, entries: _Entries, size: int) -> None:
    """Refuse an export in which evidence would be gone without the entry that erased it."""
    gone = {digest for digest in entries.named - entries.erased if _is_gone(source.evidence(digest))}
    if not gone:
        return
    for index, entry in source.read_entries(size, source.pinned()):
        body = decode_own_entry(entry).body
        if isinstance(body, EvidenceErased) and body.digest in gone:
            raise StoreError("EXPORT_BEFORE_ERASURE", size=size, index=index)


def _is_gone(found: StoredEvidence | None) -> bool:
    return found is None or found.erased


def _write_evidence(source: ExportSource, draft: Draft, entries: _Entries) -> tuple[int, int]:
    """Write what is on file of the evidence that entries name; return how much is there and how much is erased.

    What is not on file is left out: that it is missing, is for whoever checks the export to find.
    """
    kept = erased = 0
    for digest in sorted(entries.named):
        found = source.evidence(digest)
        if found is None:
            erased += digest in entries.erased
            continue
        path = f"{CORE}evidence/{digest[:2]}/{digest}"
        erased += found.erased
        if found.content is not None:
            draft.put(path, found.content)
            kept += 1
        draft.put(f"{path}.json", (found.record,))
    return kept, erased
