"""`verify`: the whole live log from entry 0: bytes, order, tree, checkpoints, pin, signatures, every decision again."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.founding import VKEY_FILE
from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.stored_log import StoredLog
from api.cli.terminal import Exit, Terminal, row, table, terminal
from ledger.checkpoint import VerifierKey, parse_vkey
from ledger.keyfile import read_key
from ledger.opening import Home, open_store, read_home
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
        if not report.clean:
            raise typer.Exit(Exit.REFUSED if report.failures else Exit.CANNOT)


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
    shown = table(made.word("check"), made.word("looked-at"), made.word("verdict"))
    for check, looked_at in report.looked_at.items():
        failed = sum(failure.check is check for failure in report.failures)
        verdict = made.word("not-checked") if check in report.not_checked else made.word("ok")
        if failed:
            verdict = made.word("failed", failed=failed)
        shown.add_row(*row(f"{check.value} {made.word('check-' + check.value.split()[1])}", looked_at, verdict))
    made.show(shown)
    for failure in report.failures:
        sentence = made.sentence(failure.code, failure.facts, "findings")
        made.show(f"#{failure.index}  {failure.code}  {failure.clause}  {sentence}")
    name = "clean" if report.clean else "not-clean"
    made.show(made.word(name, size=report.size, root=report.root.hex(), first=report.first_bad_index))
    made.give(told_report(made, report))


def told_report(made: Terminal, report: Report) -> dict[str, Any]:
    """Return a report as plain values."""
    return {
        "checks": [
            {
                "check": check.value,
                "failures": sum(failure.check is check for failure in report.failures),
                "looked_at": looked_at,
                "not_checked": report.not_checked.get(check),
            }
            for check, looked_at in report.looked_at.items()
        ],
        "clean": report.clean,
        "failures": [
            {
                "check": one.check.value,
                "clause": one.clause,
                "code": one.code,
                "facts": dict(one.facts),
                "index": one.index,
                "text": made.sentence(one.code, one.facts, "findings"),
            }
            for one in report.failures
        ],
        "first_bad_index": report.first_bad_index,
        "root": report.root.hex(),
        "size": report.size,
    }
