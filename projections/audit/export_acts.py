"""The acts of an auditors' export, for whoever folds them again. Nothing is verified: the caller holds their tree."""

from pathlib import Path

from ledger.errors import MalformedError
from ledger.statements import Act, decode_entry
from projections.audit.export_files import ExportFiles
from projections.audit.export_source import ExportLog
from projections.audit.report import Report


def acts_of_export(path: Path) -> tuple[Act, ...]:
    """Return every act of an export, in order.

    Raises `MalformedError` `EXPORT_HIDES_ENTRIES` for one in which entries are only hashes, `EXPORT_INCOMPLETE` for one
    that lacks some, and what reading its files raises.
    """
    report = Report()
    with ExportFiles(path) as files:
        log = ExportLog(files, report)
        rows = list(log.rows())
        if log.hidden:
            raise MalformedError("EXPORT_HIDES_ENTRIES", hidden=log.hidden)
        if report.failures or len(rows) != log.size:
            raise MalformedError("EXPORT_INCOMPLETE", found=len(rows), expected=log.size)
    acts = tuple(decode_entry(row.entry) for row in rows)
    misplaced = next((act for place, act in enumerate(acts) if act.index != place), None)
    if misplaced is not None:
        raise MalformedError("EXPORT_INCOMPLETE", found=misplaced.index, expected=len(acts))
    return acts
