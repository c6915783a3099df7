"""`ballot-ledger`: the commands, put together."""

import io
import sys

import typer

from api.cli import (
    attesting,
    auditing,
    certifying,
    comparing,
    database,
    demo,
    entries,
    evidence,
    explaining,
    exporting,
    forks,
    founding,
    importing,
    keys,
    knowing,
    listing,
    log_keys,
    moving,
    objecting,
    one_by_one,
    pages,
    polls,
    programmes,
    proving,
    publishing,
    questions,
    ranking,
    receipts,
    recovering,
    sealing,
    serving,
    status,
    submitting,
    supposing,
    tables,
    telling,
    timestamps,
    verifying,
    witnessing,
)

EXIT_CODES = (
    "退出码：0 完成且无异议；1 规则不予受理或有待查事项；2 无法办理（用法、存储、文件）。  "
    "Exit codes: 0 done and nothing to object to; 1 refused by the rules, or findings; 2 cannot (usage, store, file)."
)

app = typer.Typer(
    help="选树账本：每一步都有签名，每个结果都可重算 · honour selections on a signed, replayable ledger",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(founding.init)
app.command("import")(importing.import_)
app.add_typer(keys.app, name="key")
app.add_typer(log_keys.app, name="log-key")
app.add_typer(programmes.app, name="programme")
app.command()(submitting.submit)
app.command()(submitting.countersign)
app.command()(serving.serve)
app.command("recover")(recovering.recover_)
app.command()(forks.fork)
for _command in (
    status.status,
    ranking.candidates,
    ranking.rank,
    knowing.known,
    knowing.first_uses,
    explaining.history,
    explaining.explain,
    telling.story,
    moving.diff,
    supposing.what_if,
    questions.margins,
    questions.readings,
    one_by_one.leave_one_out,
    one_by_one.sheets,
    listing.findings,
    listing.off_path,
    listing.notices,
    listing.objections,
    listing.vacancies,
    entries.entries,
    entries.receipt,
    entries.attempts,
    receipts.check_receipt,
    pages.check_page,
    attesting.attest,
    attesting.diff_result,
    certifying.certificate,
    importing.compare_announced,
    importing.export_tables,
    exporting.export,
    comparing.compare,
    publishing.publish,
    auditing.audit,
    verifying.verify,
    verifying.verifier,
):
    app.command()(_command)
app.add_typer(database.app, name="db")
evidence.app.command("sealing-key")(sealing.sealing_key)
evidence.app.command("seal")(sealing.seal)
evidence.app.command("open")(sealing.open_)
evidence.app.command("announce")(objecting.announce_)
app.add_typer(evidence.app, name="evidence")
app.command("object")(objecting.object_)
app.command("objection-progress")(objecting.progress)
app.command("objection-withdraw")(objecting.withdraw)
app.add_typer(polls.app, name="polls")
app.add_typer(tables.app, name="tables")
app.add_typer(witnessing.app, name="witness")
app.command()(timestamps.timestamp)
app.add_typer(proving.app, name="prove")


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character shows its number; nothing fails for want of a font or encoding.
            stream.reconfigure(errors="backslashreplace")
    app()
