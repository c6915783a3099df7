"""What an audit found good, kept in a small file so that the next one need not check those signatures again.

The file holds the verified size, the peaks of the tree there and the log's own checkpoint of it. It is no proof: it
belongs to whoever audits, outside the database. A prefix whose root is still the kept one has the same bytes, and so
the same signatures; everything else of it is checked every time.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ledger import canonical
from ledger.checkpoint import Checkpoint, VerifierKey, open_checkpoint, parse_vkey
from ledger.errors import LedgerError, StoreError
from ledger.merkle import Address, Frontier, root_nodes
from ledger.signing import encode_base64, strict_b64decode

FORMAT = "ballot-ledger-audited@1"
MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Verified:
    """A verified prefix: its size, the hashes of the peaks of its tree, and the checkpoint of that size."""

    key: VerifierKey
    size: int
    peaks: tuple[bytes, ...]
    note: bytes

    @property
    def root(self) -> bytes:
        """The root of the verified tree."""
        return Frontier(self.size, self.peaks).root()

    def nodes(self) -> dict[Address, bytes]:
        """Return the peaks by their place in the tree."""
        return dict(zip(root_nodes(self.size), self.peaks, strict=True))


def read_verified(path: Path, founding: VerifierKey) -> Verified | None:
    """Return what is kept at `path` of the log founded with this key; None where there is no file yet.

    Raises `StoreError` `AUDIT_STATE_UNUSABLE` for anything else than what `write_verified` wrote for this log.
    """
    try:
        with path.open("rb") as file:
            found = _decode(file.read(MOST_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error.strerror or "-") from None
    except (LedgerError, ValueError, KeyError, TypeError, AttributeError):
        raise _unusable(path, "format") from None
    if found.key != founding:
        raise _unusable(path, "log")
    return found


def _decode(data: bytes) -> Verified:
    value = canonical.decode(data.removesuffix(b"\n"))
    if value.keys() != {"format", "founding", "note", "peaks", "signer", "size"} or value["format"] != FORMAT:
        raise ValueError(FORMAT)
    founding, signer = parse_vkey(value["founding"]), parse_vkey(value["signer"])
    peaks = tuple(bytes.fromhex(peak) for peak in value["peaks"])
    found = Verified(founding, value["size"], peaks, strict_b64decode(value["note"], "note"))
    if open_checkpoint(found.note, (signer,)) != Checkpoint(founding.name, found.size, found.root):
        raise ValueError("note")
    return found


def write_verified(path: Path, verified: Verified, signer: VerifierKey) -> None:
    """Keep this at `path`, whole or not at all; `signer` is the log's key of that size.

    Raises `StoreError` `AUDIT_STATE_UNUSABLE`.
    """
    value: canonical.Json = {
        "format": FORMAT,
        "founding": verified.key.encode(),
        "note": encode_base64(verified.note),
        "peaks": [peak.hex() for peak in verified.peaks],
        "signer": signer.encode(),
        "size": verified.size,
    }
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with draft.open("xb") as file:
            file.write(canonical.encode(value) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _unusable(path, error.strerror or "-") from None


def _unusable(path: Path, reason: str) -> StoreError:
    return StoreError("AUDIT_STATE_UNUSABLE", path=str(path), reason=reason)
