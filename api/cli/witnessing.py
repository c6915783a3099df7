"""`witness`: collect what the ledger's own witnesses say, and see how far they are; being one: `witness_office`."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import witness_office
from api.cli.ending import told_to_end
from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, Exit, Terminal, row, table, terminal
from api.witness.client import in_time
from api.witness.collected import Alarm, Collected, read_policy
from api.witness.collecting import Collector, Outcome, Pace, Submitter
from api.witness.own_log import StoredPublished, keys_in_force, log_keys
from api.witness.status import Status, status_of
from ledger import pin
from ledger.errors import LedgerError
from ledger.opening import Home, open_store, read_home
from ledger.witness_policy import Policy, PolicyError

app = typer.Typer(help="见证 · witnesses", no_args_is_help=True)
app.add_typer(witness_office.key_app, name="key")
app.command()(witness_office.serve)
app.command()(witness_office.show)
app.command()(witness_office.audit)

ONCE_SECONDS = 60.0
"""How long `collect` waits for all witnesses together."""


def _now_s() -> int:
    return int(time.time())


@app.command("collect")
def collect(
    follow: Annotated[bool, typer.Option("--follow", help="持续收集，Ctrl-C 结束 · go on until Ctrl-C")] = False,
    heartbeat: Annotated[
        int, typer.Option("--heartbeat", metavar="SECONDS", min=1, help="无新条目时多久再签 · without new entries")
    ] = 300,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """请见证人会签已公布的检查点 · have the witnesses cosign what is published."""
    with terminal(lang, as_json) as made, _asked(made, home) as (found, policy), open_store(found) as store:
        log, kept = StoredPublished(store), Collected(found.folder)
        if follow:
            tell = partial(_tell_line, made)
            # A rotation may take effect meanwhile, so every key that is known may sign.
            any_key = log_keys(found, policy)
            with Collector(policy, log, any_key, kept, tell, pace=Pace(heartbeat=heartbeat)):
                told_to_end()
            return
        key = keys_in_force(found, policy, store)
        submitters = [Submitter(one, log, key, kept, _now_s) for one in policy.witnesses.values() if one.url]
        outcomes = in_time([partial(_collect, submitter) for submitter in submitters], ONCE_SECONDS)
        status = status_of(policy, key, found.origin, kept, pin.read(found.pin))
        _tell_outcomes(made, outcomes, status)
        if any(outcome.alarm for outcome in outcomes):
            raise typer.Exit(Exit.REFUSED)
        if status.quorum is None or not outcomes:
            raise typer.Exit(Exit.CANNOT)


def _collect(submitter: Submitter) -> Outcome:
    try:
        return submitter.collect()
    except LedgerError as error:
        return Outcome(submitter.witness.name, error.code)


@contextmanager
def _asked(made: Terminal, home: Path) -> Iterator[tuple[Home, Policy]]:
    """Give the ledger and its policy; every problem of the policy is told with its line."""
    found = read_home(home)
    made.origin = found.origin
    try:
        policy = read_policy(found.folder)
    except PolicyError as error:
        _tell_problems(made, error)
        raise typer.Exit(Exit.CANNOT) from None
    if policy is None:
        raise CliError("POLICY_MISSING", path=str(found.folder / "policy"))
    yield found, policy


def _tell_problems(made: Terminal, error: PolicyError) -> None:
    told = [
        {"code": one.code, "line": one.line, "text": made.sentence(one.code, one.facts, "errors")}
        for one in error.problems
    ]
    sentence = made.sentence(error.code, error.facts, "errors")
    if made.as_json:
        made.give({"error": {"code": error.code, "facts": error.facts, "problems": told, "text": sentence}})
        return
    made.error(error.code, error.facts, sentence)
    for one in told:
        made.err.print(f"    {one['line']}: {one['code']}  {one['text']}")


def _tell_line(made: Terminal, outcome: Outcome) -> None:
    """Say how one attempt ended, while others go on in their threads."""
    sentence = _outcome(made, outcome)
    made.show(f"{outcome.witness}  {sentence}")
    made.give({"outcome": _outcome_value(outcome, sentence)})
    sys.stdout.flush()


def _outcome(made: Terminal, outcome: Outcome) -> str:
    if outcome.code == "OK":
        return made.word("witness-cosigned", size=outcome.size)
    return f"{outcome.code}  {made.sentence(outcome.code, {'witness': outcome.witness, 'reason': '-'}, 'errors')}"


def _outcome_value(outcome: Outcome, sentence: str) -> dict[str, Any]:
    return {"code": outcome.code, "size": outcome.size, "text": sentence, "witness": outcome.witness}


def _tell_outcomes(made: Terminal, outcomes: list[Outcome], status: Status) -> None:
    shown = table(made.word("witness"), made.word("answered"))
    for outcome in sorted(outcomes, key=lambda one: one.witness):
        shown.add_row(*row(outcome.witness, _outcome(made, outcome)))
    made.show(shown, _quorum(made, status))
    values = [_outcome_value(one, _outcome(made, one)) for one in sorted(outcomes, key=lambda one: one.witness)]
    made.give({"outcomes": values, "published": status.published, "quorum": status.quorum})


def _quorum(made: Terminal, status: Status) -> str:
    if status.quorum is None:
        return made.word("no-quorum", published=status.published)
    return made.word("quorum-at", size=status.quorum, published=status.published)


@app.command("status")
def status(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """各见证人会签到哪一条、落后多少、有无警报 · how far each witness is, and alarms."""
    with terminal(lang, as_json) as made, _asked(made, home) as (found, policy):
        kept = Collected(found.folder)
        now = status_of(policy, log_keys(found, policy), found.origin, kept, pin.read(found.pin))
        _tell_status(made, now)
        if now.alarms:
            raise typer.Exit(Exit.REFUSED)


def _tell_status(made: Terminal, status: Status) -> None:
    headings = ("witness", "cosigned-size", "lag", "time", "last-try")
    shown = table(*(made.word(heading) for heading in headings))
    for one in status.witnesses:
        shown.add_row(*row(one.name, one.size, one.lag(status.published), _civil(one.time), one.outcome))
    made.show(shown, _quorum(made, status))
    for alarm in status.alarms:
        made.show(_alarm(made, alarm))
    made.give(
        {
            "alarms": [
                {"at": one.at, "code": one.code, "size": one.size, "witness": one.witness, "witnessed": one.witnessed}
                for one in status.alarms
            ],
            "published": status.published,
            "quorum": status.quorum,
            "witnesses": [
                {
                    "lag": one.lag(status.published),
                    "name": one.name,
                    "outcome": one.outcome,
                    "size": one.size,
                    "time": one.time,
                    "tried": one.tried,
                }
                for one in status.witnesses
            ],
        }
    )


def _alarm(made: Terminal, alarm: Alarm) -> str:
    facts = {"witness": alarm.witness, "size": alarm.size, "witnessed": alarm.witnessed}
    return f"{alarm.code}  {made.word('witness-alarm', **facts)}"


def _civil(time_s: int | None) -> str | None:
    return None if time_s is None else datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
