"""`verify`: the whole live log from entry 0, or an export or a receipt by itself; `verifier`: the file that does so."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.stored_log import StoredLog
from api.cli.terminal import Terminal, row, table, terminal
from api.verifier_file import NAME, verifier_bytes
from api.verify import Given, verify_path
from ledger.checkpoint import VerifierKey, parse_vkey
from ledger.errors import StoreError
from ledger.evidence_opening import open_evidence
from ledger.opening import Home, founding_key, open_store, read_home
from projections.audit import telling
from projections.audit.ballots import hold_ballots
from projections.audit.catalogue import LIVE, document
from projections.audit.catalogue import word as report_word
from projections.audit.filed import hold_live_evidence
from projections.audit.report import Report
from projections.audit.verify import Audit


def verify(  # noqa: PLR0913, PLR0917
    path: Annotated[
        Path | None,
        typer.Argument(metavar="[PATH]", help="导出或回执；不给则核验本账本 · an export or receipt, else the live log"),
    ] = None,
    vkey: Annotated[
        list[str] | None,
        typer.Option("--vkey", help="从别处得知的日志公钥 · the log's public key as known from elsewhere"),
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option("--fingerprint", help="从别处得知的章程指纹 · the charter's fingerprint")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="见证策略 · the witnesses' policy (tlog-policy)")
    ] = None,
    tsa_root: Annotated[
        list[Path] | None, typer.Option("--tsa-root", metavar="PEM", help="时间戳机构根证书 · its root certificate")
    ] = None,
    entry: Annotated[
        Path | None, typer.Option("--entry", metavar="FILE", help="回执所证的条目 · the entry that a receipt proves")
    ] = None,
    checks: Annotated[bool, typer.Option("--checks", help="只列出核验项目 · print the catalogue of checks")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """核验账本、导出或回执：0 无误，1 有问题，2 无法核验 · check the live log, an export or a receipt."""
    with terminal(lang, as_json) as made:
        given = Given(tuple(vkey or ()), fingerprint, policy, tuple(tsa_root or ()), entry, os.cpu_count() or 1)
        if checks:
            made.out.file.write(document(made.language) + "\n")
            code = 0
        elif path is not None:
            code = _verify_path(made, path, given)
        else:
            code = _verify_live(made, home, given)
        if code:
            raise typer.Exit(code)


def verifier(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="写到哪里 · where to write it")] = Path(NAME),
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """写出独立核验程序 verify.pyz，只需 Python 3.11 以上 · write the self-contained verifier."""
    with terminal(lang, as_json) as made:
        data = verifier_bytes()
        try:
            with path.open("xb") as file:
                file.write(data)
        except OSError as error:
            raise StoreError("EXPORT_NOT_WRITTEN", reason=error.strerror or type(error).__name__) from None
        digest = sha256(data).hexdigest()
        made.show(made.word("verifier-written", path=path, bytes=len(data), sha256=digest))
        made.give({"bytes": len(data), "path": str(path), "sha256": digest})


def _verify_path(made: Terminal, path: Path, given: Given) -> int:
    with made.progress("verifying", None) as advance:
        outcome = verify_path(path, given, made.language, advance)
    made.origin = outcome.told.get("origin")
    made.show(*outcome.lines)
    made.give(outcome.told)
    return outcome.code


def _verify_live(made: Terminal, home: Path, given: Given) -> int:
    found = read_home(home)
    made.origin = found.origin
    report = run_audit(made, found, log_key_of(found, given.vkeys[0] if given.vkeys else None))
    tell_report(made, report)
    return report.exit_code


def run_audit(made: Terminal, home: Home, key: VerifierKey) -> Report:
    """Audit the live log as the log of `key`, and its evidence, with a progress bar."""
    with open_store(home) as store, made.progress("verifying", store.size()) as advance:
        audit = Audit(StoredLog(store, home.pin), key, os.cpu_count() or 1, Report.of(LIVE))
        report = audit.run(advance)
        hold_live_evidence(report, audit.state, open_evidence(home, store))
        hold_ballots(report, audit.state, store.ballots(), os.cpu_count() or 1)
    made.rehearsal = bool(audit.state.sealed and audit.state.sealed.rehearsal)
    return report


def log_key_of(home: Home, given: str | None) -> VerifierKey:
    """Return the log's public key: as given, else from its file in the folder, else from the log's own key file."""
    return parse_vkey(given) if given is not None else founding_key(home)


def tell_report(made: Terminal, report: Report, told: dict[str, Any] | None = None) -> None:
    """Print the numbered checks, the failures with their index, and the verdict; as JSON `told`, by default all."""
    language = made.language
    shown = table(*(report_word(name, language) for name in ("check", "looked-at", "verdict")))
    for check, looked_at in report.looked_at.items():
        shown.add_row(*row(telling.check_name(check, language), looked_at, telling.verdict(report, check, language)))
    for check in report.out_of_scope:
        shown.add_row(*row(telling.check_name(check, language), "-", report_word("out-of-scope", language)))
    made.show(shown)
    made.show(*telling.failure_lines(report, language))
    made.show(*telling.counted(report, language), telling.closing(report, language))
    made.give(told if told is not None else told_report(made, report))


def told_report(made: Terminal, report: Report) -> dict[str, Any]:
    """Return a report as plain values."""
    return telling.told(report, made.language)
