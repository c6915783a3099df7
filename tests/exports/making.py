"""Exports of plays in memory: a source without a database, and whole selections that are exported again and again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ledger import canonical
from ledger.selection import Selection
from ledger.signing import encode_base64
from ledger.statements import decode_own_entry
from projections.bundle_core import StoredEvidence
from projections.disclosure import Audience, shown_to
from tests.simulator import ORIGIN, History

SALT = bytes(range(32))


@dataclass
class MemorySource:
    """A log in memory as exports are made of it; `notes` are its checkpoints by size, `filed` its evidence."""

    entries: tuple[bytes, ...]
    notes: Mapping[int, bytes]
    filed: dict[str, StoredEvidence] = field(default_factory=dict)
    attested: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    origin: str = ORIGIN
    ballots: dict[int, bytes] = field(default_factory=dict)
    tags: dict[int, list[bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, history: History) -> "MemorySource":
        return cls(history.entries, history.notes)

    @staticmethod
    def put_on_file(content: bytes, evidence_class: str = "deciding", salt: bytes = SALT) -> StoredEvidence:
        """Return evidence as it is on file."""
        record = {"class": evidence_class, "media_type": "text/plain", "salt": encode_base64(salt)}
        return StoredEvidence(canonical.encode(record), (content,))

    def erase(self, digest: str) -> None:
        self.filed[digest] = StoredEvidence(canonical.encode({"class": "personal", "erased": True}), None, erased=True)

    def pinned(self) -> int:
        return len(self.entries)

    def shown(self, audience: Audience) -> int:
        if audience is Audience.PUBLIC:
            return len(self.entries)
        state = Selection()
        for entry in self.entries:
            state.apply(decode_own_entry(entry))
        return shown_to(audience, state)

    def read_entries(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        return iter(list(enumerate(self.entries))[start:stop])

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        return iter(sorted((size, note) for size, note in self.notes.items() if size <= len(self.entries)))

    def evidence(self, digest: str) -> StoredEvidence | None:
        return self.filed.get(digest)

    def attached(self, index: int) -> bytes | None:
        return self.ballots.get(index)

    def credentials(self, commitment: int) -> Iterator[bytes]:
        return iter(self.tags.get(commitment, ()))

    def attestations(self) -> Iterator[tuple[str, int, bytes]]:
        return ((path, size, data) for path, (size, data) in self.attested.items())


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
