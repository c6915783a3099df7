"""What an export says of itself, held against its files: both manifests, line by line, and nothing besides.

A file that is not what the manifests say is named by its path. The manifest of `core/` is itself listed in the outer
one; where only the outer one disagrees, that is the file named.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger import canonical
from ledger.errors import MalformedError
from projections.audit.export_files import Content, ExportFiles
from projections.audit.report import Check, Report

OUTER, CORE = "manifest.json", "core/manifest.json"
OUTER_FORMAT, CORE_FORMAT = "ballot-ledger-export@1", "ballot-ledger-export-core@1"
AUDIENCES = ("auditor", "public")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as it was read: every member, and what it says of files. Without one, nothing is said."""

    path: str
    value: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Content] = field(default_factory=dict)


def read_manifest(files: ExportFiles, path: str, report: Report) -> Manifest:
    """Read a manifest; one that is missing or malformed is a failure, and says nothing."""
    data = files.read(path)
    if data is None:
        report.fail(Check.FILES, "EXPORT_INCOMPLETE", -1, "", path)
        return Manifest(path)
    try:
        value = canonical.decode(data.removesuffix(b"\n"))
        lines = {name: Content(size, digest) for name, size, digest in value["files"]}
        if not data.endswith(b"\n") or list(lines) != sorted(lines) or len(lines) != len(value["files"]):
            raise ValueError(path)
    except (MalformedError, ValueError, TypeError, KeyError):
        report.fail(Check.FILES, "EXPORT_ALTERED", -1, "", path)
        return Manifest(path)
    return Manifest(path, value, lines)


def check_files(files: ExportFiles, outer: Manifest, core: Manifest, report: Report) -> None:
    """Every file is listed and as listed, and every file listed is there."""
    for name in files.strange:
        report.fail(Check.FILES, "EXPORT_ALTERED", -1, "", name, reason="strange")
    if outer.value and outer.value.get("format") != OUTER_FORMAT:
        report.fail(Check.FILES, "EXPORT_ALTERED", -1, "", OUTER, reason="format")
    inner = {name for name in outer.files if name.startswith("core/")} - {CORE}
    for name in sorted(inner ^ core.files.keys()) if outer.value and core.value else ():
        report.fail(Check.FILES, "EXPORT_ALTERED", -1, "", CORE if name in core.files else OUTER, file=name)
    for name in sorted((files.names | outer.files.keys() | core.files.keys()) - {OUTER}):
        _check_file(name, files, outer, core, report)


def _check_file(name: str, files: ExportFiles, outer: Manifest, core: Manifest, report: Report) -> None:
    report.looked_at[Check.FILES] += 1
    found, said, own = files.content(name), outer.files.get(name), core.files.get(name)
    if name not in files.names:
        report.fail(Check.FILES, "EXPORT_INCOMPLETE", -1, "", name, reason="missing", manifest=OUTER if said else CORE)
    elif found is None:
        report.fail(Check.FILES, "EXPORT_ALTERED", -1, "", name, reason=files.broken.get(name, "length"))
    elif outer.value and said is None:
        report.fail(Check.FILES, "EXPORT_ALTERED", -1, "", name, reason="not listed", manifest=OUTER)
    elif outer.value and said != found:
        # The content agrees with one manifest and not with the other: then the other was changed.
        place = OUTER if own == found else name
        report.fail(Check.FILES, "EXPORT_ALTERED", -1, "", place, file=name, manifest=OUTER)
    elif own is not None and own != found:
        report.fail(Check.FILES, "EXPORT_ALTERED", -1, "", CORE if said == found else name, file=name, manifest=CORE)


def check_counts(core: Manifest, derived: Mapping[str, Any], report: Report) -> None:
    """Whatever the core's manifest says besides its files is what the content gives."""
    if not core.value:
        return
    names = (core.value.keys() | derived.keys()) - {"files"}
    report.looked_at[Check.COUNTS] += len(names)
    for name in sorted(names):
        if core.value.get(name) != derived.get(name):
            report.fail(Check.COUNTS, "EXPORT_ALTERED", -1, "", CORE, member=str(name)[:40])
