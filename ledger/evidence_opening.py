"""Where a ledger keeps its evidence, as its settings say: a folder beside it, or its database.

`ledger.json` may hold `"evidence": {"store": "folder" | "database", "most_bytes": …, "media_types": […]}`; each part
has a default. `BALLOT_LEDGER_EVIDENCE` names the store for a service that keeps no such file.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from ledger.errors import StoreError
from ledger.evidence import EvidenceFolder, EvidenceStore
from ledger.evidence_content import MOST_BYTES, Limits
from ledger.evidence_database import EvidenceDatabase
from ledger.evidence_media import MEDIA_TYPES, is_media_type
from ledger.opening import Home
from ledger.store.store import Store

VARIABLE = "BALLOT_LEDGER_EVIDENCE"
FOLDER, DATABASE = "folder", "database"
KEYS_FOLDER = "evidence-keys"


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """Where evidence is kept and what may be put on file."""

    store: str = FOLDER
    limits: Limits = field(default_factory=Limits)


def read_settings(folder: Path) -> EvidenceSettings:
    """Return the settings of a ledger's folder.

    Raises `StoreError` `HOME_UNUSABLE` for anything but what the module's description allows.
    """
    try:
        found = json.loads((folder / "ledger.json").read_bytes()).get("evidence", {})
        store = os.environ.get(VARIABLE) or found.pop("store", FOLDER)
        most, types = found.pop("most_bytes", MOST_BYTES), found.pop("media_types", sorted(MEDIA_TYPES))
        sound = type(most) is int and most > 0 and store in (FOLDER, DATABASE) and not (found.keys() - {"store"})
        sound = sound and type(types) is list and all(type(one) is str and is_media_type(one) for one in types)
    except (OSError, ValueError, AttributeError, TypeError):
        sound = False
    if not sound:
        raise StoreError("HOME_UNUSABLE", path=str(folder), reason="ledger.json: evidence")
    return EvidenceSettings(store, Limits(most, frozenset(types)))


def open_evidence(home: Home, store: Store) -> EvidenceStore:
    """Return the evidence of a ledger whose database is open."""
    settings = read_settings(home.folder)
    if settings.store == DATABASE:
        return EvidenceDatabase(store.another_connection, home.schema, home.folder / KEYS_FOLDER, settings.limits)
    return EvidenceFolder(home.evidence, settings.limits.most_bytes, settings.limits.media_types)
