"""Objections as they are handed in: what the filer wrote, sealed to the discipline office, known to the log by digest.

Sealing gives other bytes each time, so a rehearsal that is to repeat every byte is given an earlier one's ciphertexts.
"""

import hashlib
from pathlib import Path
from typing import Protocol

from api.rehearsal.driver import World
from ledger.evidence import EvidenceFolder
from ledger.evidence_media import SEALED
from ledger.sealing import SealContext, SealTo, seal, sealing_public

SEALED_FOLDER = "sealed"


class Seals(Protocol):
    """Seals what an objector hands in."""

    def __call__(self, world: World, objection: str, number: int, text: str, desk: str | None) -> str:
        """Return the digest under which the sealed text is on file; `desk` is who files it, None for a one-time key."""


def unsealed(world: World, objection: str, number: int, text: str, desk: str | None) -> str:
    """Return a stand-in digest: a play in memory keeps no evidence."""
    return world.digest(f"sealed/{number}")


class SealedEvidence:
    """Seals to office and recovery key and keeps the ciphertext as evidence, or takes an earlier rehearsal's."""

    def __init__(self, evidence: Path, copies: Path, to: SealTo, earlier: Path | None = None) -> None:
        """Put evidence into a folder and a copy of each ciphertext into `copies`; `earlier` holds such copies."""
        self._evidence, self._copies, self._earlier = EvidenceFolder(evidence), copies, earlier
        self._to = to

    def __call__(self, world: World, objection: str, number: int, text: str, desk: str | None) -> str:
        """Seal, file and return the digest."""
        name = f"objection-{number}.hpke"
        if self._earlier is not None:
            ciphertext = (self._earlier / name).read_bytes()
        else:
            ciphertext = seal(self._to, text.encode(), SealContext(world.state.charter.id, objection))
        self._copies.mkdir(mode=0o700, exist_ok=True)
        (self._copies / name).write_bytes(ciphertext)
        salt = hashlib.sha256(f"{world.seed}/salt/{number}".encode()).digest()
        return self._evidence.put(ciphertext, "personal", SEALED, salt)


def sealing_key(seed: str) -> bytes:
    """Return the discipline office's sealing key of a rehearsal: it follows from the seed, as every key in one does."""
    return hashlib.sha256(f"{seed}/sealing-key".encode()).digest()


def recovery_key(seed: str) -> bytes:
    """Return the key with which what was sealed can be read where the office's own key is lost."""
    return hashlib.sha256(f"{seed}/recovery-key".encode()).digest()


def sealed_to(seed: str) -> SealTo:
    """Return the public keys that objections in a rehearsal are sealed to."""
    return SealTo(sealing_public(sealing_key(seed)), sealing_public(recovery_key(seed)))
