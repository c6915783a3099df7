"""An export as a dishonest organiser takes it who leaves out the checks of our own exporter.

Rows, nodes and checkpoints go into it as they stand in the database, whatever they are; only the manifests agree.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg

from ledger.canonical import Json
from ledger.checkpoint import parse_checkpoint, parse_note
from ledger.errors import LedgerError, MalformedError
from ledger.merkle import HASH_BYTES, Address
from ledger.opening import Home
from ledger.statements import decode_entry
from ledger.tiles import ENTRIES, FULL, TileAddress, bundle, tile_nodes, tiles_of
from projections.audit.catalogue import out_of_scope
from projections.bundle import FORMAT
from projections.bundle_core import CORE_FORMAT, LENGTH_BYTES
from projections.bundle_draft import CORE, MANIFEST, Draft, drafting
from projections.disclosure import Audience
from tests.sequenced import SCHEMA

Rows = list[tuple[int, bytes]]


def take(dsn: str, home: Home, target: Path) -> None:
    """Write an auditors' export of everything that is stored."""
    with psycopg.connect(dsn) as connection:
        entries, nodes, notes = (
            _rows(connection, table)
            for table in ("entries (position, state)", "nodes (position, hashes)", "checkpoints (size, note)")
        )
    newest = notes[-1][1] if notes else b""
    size, root = _tree(newest, len(entries))
    with drafting(target, private=True) as draft:
        draft.put(CORE + "checkpoint", (newest,))
        draft.put(CORE + "checkpoints", (len(note).to_bytes(LENGTH_BYTES, "big") + note for _, note in notes[:-1]))
        for address in tiles_of(size):
            draft.put(CORE + address.path, (_tile(address, entries, nodes),))
        draft.put_json(CORE + "programme.json", _programme(entries))
        kept = _evidence(home, draft)
        counts = {"checkpoints": len(notes), "entries": size, "erased": 0, "evidence": kept, "hidden": 0}
        core: dict[str, Json] = {"audience": Audience.AUDITOR.value, "counts": counts, "files": draft.listed(CORE)}
        core |= {"format": CORE_FORMAT, "origin": home.origin, "root": root, "size": size}
        draft.put_json(CORE + MANIFEST, core | {"out_of_scope": [one.value for one in out_of_scope("auditor")]})
        for path in sorted((home.attest / "cosigned").iterdir()):
            draft.put(f"attest/cosigned/{path.name}", (path.read_bytes(),))
        draft.put_json(MANIFEST, {"files": draft.listed(), "format": FORMAT})


def _rows(connection: psycopg.Connection[tuple[int, bytes]], table: str) -> Rows:
    name, _, columns = table.partition(" ")
    query = f"SELECT {columns.strip('()')} FROM {SCHEMA}.{name} ORDER BY 1"
    return [(place, bytes(data)) for place, data in connection.execute(query.encode())]


def _tree(newest: bytes, stored: int) -> tuple[int, str]:
    try:
        checkpoint = parse_checkpoint(parse_note(newest).text)
    except LedgerError:
        return stored, "00" * HASH_BYTES
    return checkpoint.size, checkpoint.root.hex()


def _tile(address: TileAddress, entries: Rows, nodes: Rows) -> bytes:
    if address.level == ENTRIES:
        return bundle(entry for _, entry in entries[address.first : address.first + FULL])
    stored = dict(_nodes(nodes))
    return b"".join(stored.get(one, bytes(HASH_BYTES)) for one in tile_nodes(address))


def _nodes(rows: Rows) -> Iterator[tuple[Address, bytes]]:
    """Give the nodes that each row says its leaf completed: the leaf, then one level up after the other."""
    for position, hashes in rows:
        for level in range(len(hashes) // HASH_BYTES):
            yield (level, (position - 1) >> level), hashes[level * HASH_BYTES : (level + 1) * HASH_BYTES]


def _programme(entries: Rows) -> Json:
    try:
        programme: Json = decode_entry(entries[0][1]).body.programme
        return programme
    except (MalformedError, AttributeError, IndexError):
        return {}


def _evidence(home: Home, draft: Draft) -> int:
    """Take whatever lies in the evidence folder under its name."""
    records = sorted(home.evidence.rglob("*.json"))
    for record in records:
        digest = record.stem
        path = f"{CORE}evidence/{digest[:2]}/{digest}"
        draft.put(path, (record.with_suffix("").read_bytes(),))
        draft.put(f"{path}.json", (record.read_bytes(),))
    return len(records)
