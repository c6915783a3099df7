"""The newest checkpoints that somebody has seen of each log, in a small file of theirs, to hold later ones against.

A checkpoint is forgotten only once another one provably extends it, so what contradicts stays at hand.
"""

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.checkpoint import VerifierKey, parse_vkey
from ledger.errors import LedgerError, StoreError
from projections.comparing import Comparison, Look, Relation, look_at

FORMAT = "ballot-ledger-seen@1"
MOST_NOTES = 16
_MOST_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Known:
    """What was seen of one log: the keys it was known by, and the checkpoints that none extends, smallest first."""

    keys: tuple[VerifierKey, ...]
    looks: tuple[Look, ...] = ()


def remembered(known: Known, comparisons: Iterable[Comparison], looks: Iterable[Look]) -> Known:
    """Return what is to be remembered after these looks were compared with each other and with what was known.

    Of many checkpoints that nothing connects only the newest are kept.
    """
    by_note = {look.note: look for look in (*known.looks, *looks)}
    for one in comparisons:
        if one.proof is not None and one.relation is not Relation.SPLIT_VIEW and one.earlier.note != one.later.note:
            by_note.pop(one.looks[0].note, None)
    kept = sorted(by_note.values(), key=lambda look: (look.size, look.note))
    return Known(known.keys, tuple(kept[-MOST_NOTES:]))


class Memory:
    """The file. Raises `StoreError` `SEEN_UNUSABLE` where it cannot be read, is not one, or cannot be written."""

    def __init__(self, path: Path) -> None:
        """Read it; where there is none, nothing was seen yet."""
        self._path = path
        self._logs: dict[str, dict[str, Any]] = {}
        try:
            data = path.read_bytes()[:_MOST_BYTES]
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unusable(error.strerror or "-") from None
        try:
            value = json.loads(data)
            self._logs = dict(value["logs"])
            if value["format"] != FORMAT:
                raise ValueError(FORMAT)
            for origin in self._logs:
                self.known(origin)
        except (ValueError, KeyError, TypeError, AttributeError, LedgerError):
            raise self._unusable("format") from None

    def _unusable(self, reason: str) -> StoreError:
        return StoreError("SEEN_UNUSABLE", path=str(self._path), reason=reason)

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """The keys of all logs that were seen."""
        return tuple(key for origin in self._logs for key in self.known(origin).keys)

    def known(self, origin: str) -> Known:
        """Return what was seen of a log; its checkpoints are verified again."""
        found = self._logs.get(origin, {"notes": [], "vkeys": []})
        keys = tuple(parse_vkey(text) for text in found["vkeys"])
        return Known(keys, tuple(look_at(str(self._path), note.encode(), keys) for note in found["notes"]))

    def keep(self, origin: str, known: Known) -> None:
        """Remember this of a log, on disk when this returns."""
        self._logs[origin] = {
            "notes": [look.note.decode() for look in known.looks],
            "vkeys": [key.encode() for key in known.keys],
        }
        data = json.dumps({"format": FORMAT, "logs": self._logs}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(6)}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data.encode())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise self._unusable(error.strerror or "-") from None
