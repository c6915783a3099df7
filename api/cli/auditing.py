"""`audit`: the full audit of a live ledger, once or again and again: log, evidence, refused statements, tables."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.ending import told_to_end
from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.stored_log import StoredLog
from api.cli.terminal import Terminal, terminal
from api.cli.verifying import log_key_of, tell_report, told_report
from ledger import pin
from ledger.checkpoint import VerifierKey
from ledger.evidence_opening import open_evidence
from ledger.opening import Home, open_store, read_home
from ledger.store.store import Store
from projections.audit.ballots import hold_ballots
from projections.audit.catalogue import WHOLE
from projections.audit.filed import hold_live_evidence
from projections.audit.report import Report
from projections.audit.resuming import Done, audit_from
from projections.beside import hold_attempts, hold_tables


def audit(
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="FILE", help="记录已核验到何处，下次接着核验 · keeps what was verified"),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option("--every", metavar="SECONDS", min=1, help="反复核验，直到有问题或中断 · again, while clean"),
    ] = None,
    vkey: Annotated[
        str | None, typer.Option("--vkey", help="从别处得知的日志公钥 · the log's public key as known from elsewhere")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """全面核验：条目、证据、被拒提交、数据表；0 无误，1 有问题，2 无法核验 · the full audit of this ledger."""
    with terminal(lang, as_json) as made:
        found = read_home(home)
        made.origin = found.origin
        key = log_key_of(found, vkey)
        code = _audit(made, found, key, resume)
        while every is not None and not code:
            if told_to_end(every):
                return
            code = _audit(made, found, key, resume)
        if code:
            raise typer.Exit(code)


def _audit(made: Terminal, home: Home, key: VerifierKey, resume: Path | None) -> int:
    """Make one audit, tell it, and return the exit code."""
    with open_store(home) as store:
        done = _log(made, home, store, key, resume)
        report, state = done.audit.report, done.audit.state
        made.rehearsal = bool(state.sealed and state.sealed.rehearsal)
        hold_live_evidence(report, state, open_evidence(home, store))
        hold_ballots(report, state, store.ballots(), os.cpu_count() or 1)
        attempts = hold_attempts(report, store, done.audit.promises.keys, lambda: pin.read(home.attempts_pin))
        with made.progress("reading", store.size()) as advance:
            hold_tables(report, store, advance)
    if done.changed:
        made.show(made.word("audit-changed", path=resume))
    elif done.since:
        made.show(made.word("audit-resumed", since=done.since))
    refused: dict[str, Any] = {"root": attempts.root.hex(), "size": attempts.size}
    told = {"attempts": refused, "changed": done.changed, "exit": report.exit_code, "since": done.since}
    tell_report(made, report, told_report(made, report) | told)
    return report.exit_code


def _log(made: Terminal, home: Home, store: Store, key: VerifierKey, resume: Path | None) -> Done:
    with made.progress("verifying", store.size()) as advance:
        return audit_from(
            lambda: StoredLog(store, home.pin),
            key,
            os.cpu_count() or 1,
            lambda: Report.of(WHOLE),
            resume,
            advance,
        )
