"""The log in PostgreSQL: install, append, read, subscribe. The only SQL of the write side."""

from ledger.store.batch import AppendBatch, NewEntry
from ledger.store.installation import guards, install
from ledger.store.recorder import EntryMapper, RecordedEntry, environment
from ledger.store.store import Store, StoredCheckpoint

__all__ = [
    "AppendBatch",
    "EntryMapper",
    "NewEntry",
    "RecordedEntry",
    "Store",
    "StoredCheckpoint",
    "environment",
    "guards",
    "install",
]
