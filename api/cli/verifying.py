"""`verify`: the whole live log from entry 0: bytes, order, tree, checkpoints, pin, signatures, every decision again."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.founding import VKEY_FILE
from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.stored_log import StoredLog
from api.cli.terminal import Terminal, row, table, terminal
from ledger.checkpoint import VerifierKey, parse_vkey
from ledger.keyfile import read_key
from ledger.opening import Home, open_store, read_home
from projections.audit import telling
from projections.audit.catalogue import word
from projections.audit.report import Report
from projections.audit.verify import Audit


def verify(
    vkey: Annotated[
        str | None, typer.Option("--vkey", help="从别处得知的日志公钥 · the log's public key as known from elsewhere")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """核验整个账本：0 无误，1 有问题，2 无法核验 · check the whole ledger."""
    with terminal(lang, as_json) as made:
        found = read_home(home)
        made.origin = found.origin
        key = log_key_of(found, vkey)
        report = run_audit(made, found, key)
        tell_report(made, report)
        if report.exit_code:
            raise typer.Exit(report.exit_code)


def run_audit(made: Terminal, home: Home, key: VerifierKey) -> Report:
    """Audit the live log as the log of `key`, with a progress bar."""
    with open_store(home) as store, made.progress("verifying", store.size()) as advance:
        audit = Audit(StoredLog(store, home.pin), key, workers=os.cpu_count() or 1)
        report = audit.run(advance)
    made.rehearsal = bool(audit.state.sealed and audit.state.sealed.rehearsal)
    return report


def log_key_of(home: Home, given: str | None) -> VerifierKey:
    """Return the log's public key: as given, else from its file in the folder, else from the log's own key file."""
    if given is not None:
        return parse_vkey(given)
    public: Path = home.folder / VKEY_FILE
    if public.exists():
        return parse_vkey(public.read_text().strip())
    return VerifierKey(home.origin, read_key(home.log_key, None).public)


def tell_report(made: Terminal, report: Report) -> None:
    """Print the numbered checks, every failure with its index, and the verdict."""
    language = made.language
    shown = table(*(word(name, language) for name in ("check", "looked-at", "verdict")))
    for check, looked_at in report.looked_at.items():
        shown.add_row(*row(telling.check_name(check, language), looked_at, telling.verdict(report, check, language)))
    for check in report.out_of_scope:
        shown.add_row(*row(telling.check_name(check, language), "-", word("out-of-scope", language)))
    made.show(shown)
    made.show(*(telling.failure_line(failure, language) for failure in report.failures))
    made.show(*telling.counted(report, language), telling.closing(report, language))
    made.give(told_report(made, report))


def told_report(made: Terminal, report: Report) -> dict[str, Any]:
    """Return a report as plain values."""
    return telling.told(report, made.language)
