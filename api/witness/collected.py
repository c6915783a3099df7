"""What was collected from witnesses, in the ledger's folder, for exports, status and the next start.

* `policy`: the witness policy (tlog-policy), written by the operator
* `attest/cosigned/<size>`: the checkpoint with the newest line of every witness that cosigned it
* `attest/alarms/<digest>`: JSON; a witness that knows a larger tree or another root, with the signed notes that show it
* `attest/witnesses/<name's hash>`: JSON; how the last attempt with a witness ended

Files are replaced whole; alarms are never changed or removed by the ledger.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from api.witness.memory import replace
from ledger.checkpoint import Note, Signature, parse_decimal, parse_note
from ledger.errors import LedgerError, StoreError
from ledger.witness_policy import Policy, parse_policy


def read_policy(folder: Path) -> Policy | None:
    """Return the ledger's witness policy, None if it has none. Raises `PolicyError`, `StoreError` `HOME_UNUSABLE`."""
    try:
        return parse_policy((folder / "policy").read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError("HOME_UNUSABLE", path=str(folder), reason=str(error.strerror)) from None


@dataclass(frozen=True, slots=True)
class Alarm:
    """A witness contradicts the log: `ROLLBACK_DETECTED` or `SPLIT_VIEW`, both sizes, and the signed notes."""

    code: str
    witness: str
    size: int
    witnessed: int
    at: int
    notes: tuple[str, ...]

    @property
    def theirs(self) -> bytes | None:
        """The witness's note with the log's own signature, None where it only claimed to know more."""
        return self.notes[1].encode() if len(self.notes) == 2 else None


class Collected:
    """The files of one ledger's folder. Safe from several threads of one process."""

    def __init__(self, folder: Path) -> None:
        """Use the ledger's folder; made where it is not there yet."""
        self.cosigned = folder / "attest" / "cosigned"
        self._alarms = folder / "attest" / "alarms"
        self._witnesses = folder / "attest" / "witnesses"
        self._lock = threading.Lock()

    def _prepare(self, path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError("HOME_UNUSABLE", path=str(path), reason=str(error.strerror)) from None

    def _write(self, path: Path, content: bytes, mode: int = 0o644) -> None:
        self._prepare(path.parent)
        try:
            replace(path, content, mode)
        except OSError as error:
            raise StoreError("HOME_UNUSABLE", path=str(path), reason=str(error.strerror)) from None

    def sizes(self) -> list[int]:
        """Return the sizes of checkpoints that are cosigned, largest first."""
        names = (path.name for path in self.cosigned.iterdir()) if self.cosigned.is_dir() else ()
        return sorted((size for name in names if (size := parse_decimal(name)) is not None), reverse=True)

    def note(self, size: int) -> bytes | None:
        """Return the cosigned note of a size."""
        try:
            return (self.cosigned / str(size)).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError("HOME_UNUSABLE", path=str(self.cosigned), reason=str(error.strerror)) from None

    def add(self, size: int, note: bytes, line: Signature) -> None:
        """Keep a verified line of a witness on the log's `note`; it takes the place of an older one of its key."""
        with self._lock:
            parsed = parse_note(note)
            kept = self._lines(size, parsed)
            lines = tuple(one for one in kept if (one.name, one.key_id) != (line.name, line.key_id))
            self._write(self.cosigned / str(size), Note(parsed.text, (*lines, line)).encode())

    def _lines(self, size: int, note: Note) -> tuple[Signature, ...]:
        """Return the lines kept so far of the same text; a damaged file is made anew."""
        kept = self.note(size)
        try:
            known = parse_note(kept) if kept is not None else note
        except LedgerError:
            known = note
        return known.signatures if known.text == note.text else note.signatures

    def alarm(self, alarm: Alarm) -> None:
        """Keep an alarm, once each."""
        digest = sha256("\x00".join((alarm.code, alarm.witness, *alarm.notes)).encode()).hexdigest()
        path = self._alarms / digest
        if not path.exists():
            value = {
                "at": alarm.at,
                "code": alarm.code,
                "notes": list(alarm.notes),
                "size": alarm.size,
                "witness": alarm.witness,
                "witnessed": alarm.witnessed,
            }
            self._write(path, _json(value), 0o444)

    def alarms(self) -> Iterator[Alarm]:
        """Give the alarms that were kept, in no order."""
        for path in self._alarms.iterdir() if self._alarms.is_dir() else ():
            # What a crash left half written has a dot in front.
            value = None if path.name.startswith(".") else _read_json(path)
            if value is not None:
                yield Alarm(
                    str(value["code"]),
                    str(value["witness"]),
                    int(value["size"]),
                    int(value["witnessed"]),
                    int(value["at"]),
                    tuple(str(note) for note in value["notes"]),
                )

    def tried(self, witness: str, at: int, outcome: str) -> None:
        """Note how the last attempt with a witness ended (a code, or `OK`)."""
        name = sha256(witness.encode()).hexdigest()
        self._write(self._witnesses / name, _json({"at": at, "outcome": outcome, "witness": witness}))

    def last_try(self, witness: str) -> tuple[int, str] | None:
        """Return when the last attempt with a witness was (POSIX seconds) and how it ended."""
        value = _read_json(self._witnesses / sha256(witness.encode()).hexdigest())
        return (int(value["at"]), str(value["outcome"])) if value else None


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        raise StoreError("HOME_UNUSABLE", path=str(path), reason="JSON") from None
