"""An export: one published size of a log as files that anybody checks without us, for the public or for auditors.

`core/` is what the log says and signed, `attest/` what witnesses and timestamp authorities said of it; beside them lie
the verifier and how to use it. A folder, or one zip of exactly the same files. It appears whole or not at all.
"""

import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from ledger.errors import StoreError
from projections.bundle_core import ExportSource, Progress, write_core
from projections.bundle_draft import MANIFEST, drafting
from projections.disclosure import Audience

FORMAT = "ballot-ledger-export@1"
README = "README.txt"
VERIFIER = "verify.pyz"


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that was written: where, for whom, its size and root, its counts, and how many files it has."""

    path: Path
    audience: Audience
    size: int
    root: bytes
    counts: dict[str, int]
    files: int


def write_export(
    source: ExportSource,
    target: Path,
    audience: Audience,
    size: int | None = None,
    verifier: bytes | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write the export of the first `size` entries, by default of as many as may be given out, to `target`.

    `verifier` is the self-contained verifier to enclose. Raises `StoreError` as `size_for`, `drafting` and `write_core`
    do; then nothing is left behind.
    """
    chosen = size_for(source, audience, size)
    with drafting(target, audience is Audience.AUDITOR) as draft:
        core = write_core(source, draft, audience, chosen, progress)
        for path, about, data in sorted(source.attestations()):
            if about <= chosen:
                draft.put(f"attest/{path}", (data,))
        draft.put(README, (_readme(source.origin, audience, chosen, core.root).encode(),))
        if verifier is not None:
            draft.put(VERIFIER, (verifier,))
        draft.put_json(MANIFEST, {"files": draft.listed(), "format": FORMAT})
    return Exported(target, audience, chosen, core.root, core.counts, len(draft.files))


def size_for(source: ExportSource, audience: Audience, asked: int | None) -> int:
    """Return the size to export: as asked, else the largest issued one that the audience may get.

    Raises `StoreError`: `EXPORT_ABOVE_PIN`, `EXPORT_WITHHELD` (a vote is not over), `EXPORT_NOT_ISSUED` where the log
    issued no checkpoint, which names the nearest size, and `EXPORT_NOTHING`.
    """
    pinned = source.pinned()
    if asked is not None and asked > pinned:
        raise StoreError("EXPORT_ABOVE_PIN", size=asked, pinned=pinned)
    shown = min(pinned, source.shown(audience))
    if asked is not None and asked > shown:
        raise StoreError("EXPORT_WITHHELD", size=asked, shown=shown)
    sizes = [size for size, _ in source.checkpoints() if 0 < size <= shown]
    if not sizes:
        raise StoreError("EXPORT_NOTHING")
    place = bisect_right(sizes, shown if asked is None else asked)
    if asked is None or (place and sizes[place - 1] == asked):
        return sizes[place - 1]
    nearest = min(sizes[max(place - 1, 0) : place + 1], key=lambda one: (abs(one - asked), one))
    raise StoreError("EXPORT_NOT_ISSUED", size=asked, nearest=nearest)


@cache
def _texts() -> dict[str, dict[str, str]]:
    found = resources.files("projections").joinpath("bundle_readme.toml").read_text(encoding="utf-8")
    read: dict[str, dict[str, str]] = tomllib.loads(found)
    return read


def _readme(origin: str, audience: Audience, size: int, root: bytes) -> str:
    """Return how to check the export, in both languages."""
    facts = {"origin": origin, "size": size, "root": root.hex()}
    parts = (_texts()[name][language] for language in ("zh", "en") for name in ("head", audience.value, "how"))
    return "\n".join(part.strip("\n").format(**facts) + "\n" for part in parts)
