"""What stands beside the log in its database, as the full audit checks it: refused statements and tables."""

from collections.abc import Callable

from ledger.attempts_check import AttemptsReport, StoredAttempts, verify_attempts
from ledger.errors import StoreError
from ledger.log_keys import LogKeys
from ledger.pin import Pin
from ledger.store.store import Store
from projections import drift
from projections.audit.report import Check, Report
from projections.tables import Advance, open_tables

_NO_TABLES = frozenset({"TABLES_NOT_INSTALLED", "TABLES_MISSING"})


def hold_attempts(
    report: Report, store: StoredAttempts, keys: LogKeys, pin: Callable[[], Pin | None]
) -> AttemptsReport:
    """Check the log of attempts; the number of an attempt is a fact of its failure, since it is no entry's index."""
    found = verify_attempts(store, keys, pin())
    if not found.clean:
        # Attempts may have come in between reading them and reading their checkpoints; what is altered stays so.
        found = verify_attempts(store, keys, pin())
    report.looked_at[Check.ATTEMPTS] += found.size
    for one in found.failures:
        report.fail(Check.ATTEMPTS, one.code, -1, attempt=one.index)
    return found


def hold_tables(report: Report, store: Store, advance: Advance) -> None:
    """Hold the derived tables against the entries, where there are any; raises `StoreError`.

    Tables that other definitions made cannot be checked.
    """
    try:
        with open_tables(store) as tables:
            found = drift.compare(tables, store, advance)
    except StoreError as error:
        if error.code in _NO_TABLES:
            report.skipped[Check.TABLES] = "no-tables"
            return
        if error.code != "TABLES_OUTDATED":
            raise
        report.not_checked[Check.TABLES] = "-"
        return
    report.looked_at[Check.TABLES] = found.size
    for one in found.drifts:
        where = ", ".join(f"{name}={value}" for name, value in one.row.items()) or "-"
        report.fail(Check.TABLES, drift.CODE, -1, how=one.how, row=where, table=one.table)
    if not found.drifts and found.told != found.derived:
        report.fail(Check.TABLES, drift.CODE, -1, how="changed", row="-", table="-")
