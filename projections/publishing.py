"""The tlog-tiles read path of a log by audience: as a static folder, and path by path for a service.

Below the log's prefix stand `checkpoint`, `tile/<L>/<N>` and `entry/<N>`, N grouped as in the path of a tile. The
public reads checkpoint, tiles of hashes and public entries, one file for each; auditors read entry bundles as well
(`tile/entries/<N>`), which stop before the first vote that is not over. Nothing above the pin is published.

Publishing trusts no stored node: leaf hashes are computed from the entries, every hash of a higher tile from the tile
below it, and the root from what stands in the folder; only then is the checkpoint shown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from ledger.checkpoint import Checkpoint, parse_note
from ledger.collector import collector_at_rest
from ledger.errors import StoreError
from ledger.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, root_at, tree_root
from ledger.proving import released_checkpoint, root
from ledger.selection import Selection
from ledger.statements import decode_own_entry
from ledger.store.store import Store, StoredCheckpoint
from ledger.tiles import (
    ENTRIES,
    FULL,
    TileAddress,
    bundle,
    hashes_of,
    new_tiles,
    nodes_in_tiles,
    number_path,
    parse_number,
    parse_path,
    tile_bytes,
    tile_nodes,
)
from projections.disclosure import Audience, Publicity, shown_to
from projections.static_folder import CHECKPOINT, StaticFolder, static_folder

_ENTRY = "entry/"


Cosigned: TypeAlias = Callable[[int], bytes | None]
"""Gives the checkpoint of a size with the cosignatures that were collected for it, None where there are none."""


def _silent(done: int) -> None:
    """Show nothing."""


def _no_cosigned(size: int) -> None:
    """Know of no cosignatures."""


class Horizon:
    """What may be given out of a log, known from its entries as it grows: which are public, and where to stop for now.

    Safe from any thread. It reads every entry once, so a service keeps one.
    """

    def __init__(self) -> None:
        """Begin before entry 0."""
        self.state = Selection()
        self._publicity = Publicity()
        self._lock = Lock()

    def move(self, store: Store, size: int, advance: Callable[[int], object] = _silent) -> None:
        """Read the entries up to `size`, which the pin covers."""
        with self._lock, collector_at_rest():
            for index, entry in store.read_entries(self.state.size, size):
                self._take(index, entry)
                if index % FULL == 0:
                    advance(index)

    def _take(self, index: int, entry: bytes) -> None:
        try:
            act = decode_own_entry(entry)
            self.state.apply(act)
        except Exception as error:
            # No entry that was admitted fails here; whatever the alteration broke, its place is what matters.
            raise StoreError("EVENT_ALTERED", index=index, reason=type(error).__name__) from error
        self._publicity.take(act)

    def open(self, note: bytes) -> Checkpoint:
        """Verify a checkpoint of the log by the key that its entries name; errors as `open_checkpoint`."""
        keys = self.state.log.known_keys
        if keys is None:
            raise StoreError("EVENT_ALTERED", index=0, reason="log key")
        return keys.open(note)

    def shown_to(self, audience: Audience) -> int:
        """Return how many entries an audience may be given, of those that were read."""
        with self._lock:
            return shown_to(audience, self.state)

    @property
    def rehearsal(self) -> bool:
        """Whether the log is that of a rehearsal."""
        return self.state.sealed is not None and self.state.sealed.rehearsal

    def is_public(self, index: int) -> bool:
        """Say whether an entry that was read is public."""
        return self._publicity.at(index)


@dataclass(frozen=True, slots=True)
class Published:
    """What a run did: the size that is shown now, where entries stop for now, and how many files are new."""

    size: int
    shown: int
    written: int
    rehearsal: bool


def entry_path(index: int) -> str:
    """Return where an entry that is public stands by itself, such as `entry/x001/234`."""
    return f"{_ENTRY}{number_path(index)}"


def publish(
    store: Store,
    folder: Path,
    origin: str,
    audience: Audience,
    advance: Callable[[int], object] = _silent,
    *,
    cosigned: Cosigned = _no_cosigned,
    prune: bool = False,
) -> Published:
    """Bring a static folder to the log's pin: entries, tiles, then the checkpoint. Only what is new is written.

    With `prune` partial tiles go once the full tile is there; readers fall back to it. Where `cosigned` knows of
    cosignatures the checkpoint bears them; at an unchanged size they are what may still change. Raises `StoreError`:
    `PUBLISH_CONFLICT` if the folder shows other bytes, another tree or a longer one, `PUBLISH_MISSING` if it has lost a
    tile; `EVENT_ALTERED`, `CHECKPOINT_MISMATCH` if the log contradicts itself; and as `static_folder` and
    `released_checkpoint` do.
    """
    with static_folder(folder, origin, audience.value) as target:
        released = released_checkpoint(store)
        before = target.published() or Checkpoint(origin, 0, EMPTY_ROOT)
        if released is None:
            if before.size:
                raise StoreError("PUBLISH_CONFLICT", path=CHECKPOINT)
            return Published(0, 0, 0, False)
        horizon = Horizon()
        horizon.move(store, released.size, advance)
        head = horizon.open(released.note)
        if (head.origin, head.size) != (origin, released.size):
            raise StoreError("CHECKPOINT_MISMATCH", checkpoint=head.size, size=released.size)
        if before.origin != origin or before.size > head.size or root(store, before.size) != before.root:
            raise StoreError("PUBLISH_CONFLICT", path=CHECKPOINT)
        run = _Run(store, target, audience, horizon, before.size, head.size)
        run.write_leaves()
        run.write_levels()
        if root_at(head.size, nodes_in_tiles(head.size, run.read_tile)) != head.root:
            raise StoreError("CHECKPOINT_MISMATCH", checkpoint=head.size, size=head.size)
        target.release(_with_cosignatures(released, cosigned), max(run.reached, run.shown))
        if prune:
            run.drop_partial()
        return Published(head.size, run.shown, target.written, horizon.rehearsal)


class _Run:
    """One run from the size that the folder shows to the pin's."""

    def __init__(
        self, store: Store, target: StaticFolder, audience: Audience, horizon: Horizon, old: int, new: int
    ) -> None:
        self._store, self._target, self._audience, self._horizon = store, target, audience, horizon
        self.old, self.new = old, new
        self.reached, self.shown = target.reached(), horizon.shown_to(audience)

    def write_leaves(self) -> None:
        """Write what is new of each stretch of 256 entries: single entries, their bundle, the tile of leaf hashes."""
        for number in self._stretches():
            first = number * FULL
            entries = [entry for _, entry in self._store.read_entries(first, min(first + FULL, self.new))]
            if first + len(entries) > self.old:
                self._write_leaf_tile(TileAddress(0, number, len(entries)), entries)
            self._write_entries(number, entries[: max(0, self.shown - first)])

    def _stretches(self) -> Iterator[int]:
        """Give the numbers of the stretches that have new leaves, or entries that may be shown only now."""
        shown, new = ((self.reached, self.shown), (self.old, self.new))
        yield from sorted({one for start, stop in (shown, new) for one in range(start // FULL, -(-stop // FULL))})

    def _write_leaf_tile(self, address: TileAddress, entries: list[bytes]) -> None:
        leaves = [leaf_hash(entry) for entry in entries]
        nodes = self._store.nodes(tile_nodes(address))
        for leaf, node in zip(leaves, tile_nodes(address), strict=True):
            if nodes[node] != leaf:
                raise StoreError("EVENT_ALTERED", index=node[1])
        self._target.put(address.path, b"".join(leaves))

    def _write_entries(self, number: int, shown: list[bytes]) -> None:
        """Write what the audience may read of a stretch and has not got yet."""
        for index, entry in enumerate(shown, number * FULL):
            if index >= self.reached and self._horizon.is_public(index):
                self._target.put(entry_path(index), entry)
        if self._audience is Audience.AUDITOR and shown and number * FULL + len(shown) > self.reached:
            self._target.put(TileAddress(ENTRIES, number, len(shown)).path, bundle(shown))

    def write_levels(self) -> None:
        """Write the new tiles above the leaves, from the lowest level up, each from the full tiles below it."""
        for address in new_tiles(self.old, self.new):
            if address.level != ENTRIES and address.level > 0:
                below = (TileAddress(address.level - 1, index) for _, index in tile_nodes(address))
                hashes = [tree_root(hashes_of(self.read_tile(tile))) for tile in below]
                self._target.put(address.path, b"".join(hashes))

    def read_tile(self, address: TileAddress) -> bytes:
        """Return a tile of hashes as it stands in the folder.

        Raises `StoreError` `PUBLISH_MISSING` if it is gone, `PUBLISH_CONFLICT` if it has another length.
        """
        data = self._target.read(address.path)
        if data is None:
            raise StoreError("PUBLISH_MISSING", path=address.path)
        if len(data) != HASH_BYTES * address.width:
            raise StoreError("PUBLISH_CONFLICT", path=address.path)
        return data

    def drop_partial(self) -> None:
        """Drop the partial tiles of every tile that this run completed."""
        bundles = (one for one in new_tiles(self.reached, max(self.reached, self.shown)) if one.level == ENTRIES)
        hashes = (one for one in new_tiles(self.old, self.new) if one.level != ENTRIES)
        for address in (*bundles, *hashes):
            if not address.partial:
                self._target.drop_partial(address.path)


def _with_cosignatures(released: StoredCheckpoint, cosigned: Cosigned) -> bytes:
    """Return the checkpoint as it is shown: the log's own signature, and what was collected beside it."""
    found = cosigned(released.size)
    if found is None:
        return released.note
    own, shown = parse_note(released.note), parse_note(found)
    if own.text != shown.text or not set(own.signatures) <= set(shown.signatures):
        raise StoreError("CHECKPOINT_MISMATCH", checkpoint=released.size, size=released.size)
    return found


def read_path(
    store: Store,
    path: str,
    audience: Audience,
    horizon: Horizon | None = None,
    *,
    cosigned: Cosigned = _no_cosigned,
) -> bytes | None:
    """Return what an audience reads at a path below the log's prefix (no slash in front), None where nothing is.

    Whether there is nothing or it is not shown makes no difference. A service gives the `horizon` that it keeps;
    without one all entries are read for it. Errors as `released_checkpoint` and the store.
    """
    if path == CHECKPOINT:
        released = released_checkpoint(store)
        return _with_cosignatures(released, cosigned) if released else None
    address = parse_path(path)
    if address is not None and address.level != ENTRIES:
        if address.leaves > _released(store):
            return None
        nodes = store.nodes(tile_nodes(address))
        return tile_bytes(address, lambda level, index: nodes[level, index])
    index = parse_number(path.removeprefix(_ENTRY)) if path.startswith(_ENTRY) else None
    if index is None and (address is None or audience is not Audience.AUDITOR):
        return None
    known = horizon or Horizon()
    known.move(store, _released(store))
    if index is not None:
        return _single(store, index, audience, known)
    if address is None or address.leaves > known.shown_to(audience):
        return None
    return bundle(entry for _, entry in store.read_entries(address.first, address.leaves))


def _single(store: Store, index: int, audience: Audience, known: Horizon) -> bytes | None:
    if index >= known.shown_to(audience) or (audience is Audience.PUBLIC and not known.is_public(index)):
        return None
    return store.entry(index)


def _released(store: Store) -> int:
    """Return how many entries may be shown."""
    released = store.recorder.released()
    return store.size() if released is None else released
