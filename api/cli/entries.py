"""`entries`, `receipt` and `attempts`: what is in the log, the proof of one entry, and what was refused.

What was voted or scored is shown to nobody before the vote is over; that holds here as well.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, Exit, row, table, terminal
from api.cli.view import View, opened, viewing
from ledger import pin
from ledger.attempts_check import verify_attempts
from ledger.log_keys import LogKeys
from ledger.logstore import first_receipt
from ledger.opening import founding_key
from ledger.procedure.acts import ACTS
from ledger.statements import Act
from ledger.statements.plain import to_plain
from projections.history import masked, sentence_of
from projections.secrecy import SEALED_FIELDS, readable
from projections.words import Speaker

MOST_SHOWN = 200


def entries(
    first: Annotated[int | None, typer.Option("--from", min=0, help="从第几条 · first index")] = None,
    last: Annotated[int | None, typer.Option("--to", min=0, help="到第几条（含）· last index, included")] = None,
    index: Annotated[int | None, typer.Option("--index", min=0, help="只看一条 · one entry")] = None,
    show: Annotated[bool, typer.Option("--show", help="显示全文 · the whole statement")] = False,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """列出条目，或显示一条全文 · list entries, or show one in full."""
    with viewing(home, lang, as_json, at, rows=False) as view:
        chosen, speaker = _chosen(view, first, last, index), view.speaker
        full = show or index is not None
        view.give({"entries": [_told(view, act, speaker, full) for act in chosen]})
        if full:
            for act in chosen:
                told = _told(view, act, speaker, full=True)
                view.terminal.show(json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True))
            return
        shown = table("#", *(view.terminal.word(name) for name in ("time", "clause", "kind", "about")))
        for act in chosen:
            said = view.told(masked(act.person), sentence_of(view.state, act, speaker))
            shown.add_row(*row(act.index, view.time(act.at), _clause(act), act.statement.type, said))
        view.terminal.show(shown)
        if not (first or last or index) and view.size > len(chosen):
            view.terminal.show(view.terminal.word("more-entries", shown=len(chosen), all=view.size))


def _chosen(view: View, first: int | None, last: int | None, index: int | None) -> tuple[Act, ...]:
    if index is not None:
        if index >= view.size:
            raise CliError("INDEX_UNKNOWN", index=index, entries=view.size)
        return (view.acts[index],)
    if first is None and last is None and not view.terminal.as_json:
        return view.acts[-MOST_SHOWN:]
    return view.acts[first or 0 : view.size if last is None else last + 1]


def _told(view: View, act: Act, speaker: Speaker, full: bool) -> dict[str, Any]:
    statement = act.statement
    told: dict[str, Any] = {
        "at": act.at,
        "clause": _clause(act),
        "index": act.index,
        "kind": statement.type,
        "leaf": act.leaf.hex(),
        "person": masked(act.person),
        "text": view.say(sentence_of(view.state, act, speaker)),
        "version": statement.version,
    }
    if not full:
        return told
    header = {
        "claimed_at": statement.claimed_at,
        "counter": statement.counter,
        "key": statement.key,
        "nonce": statement.nonce,
        "on_behalf_of": statement.on_behalf_of,
        "programme": statement.programme,
        "rules": statement.rules,
        "seen": to_plain(statement.seen),
        "statement": act.signed.id.hex(),
    }
    body = to_plain(act.body)
    if not readable(view.state, act):
        shown = {name: value for name, value in body.items() if name not in SEALED_FIELDS}
        return told | {"body": shown, "withheld": view.terminal.word("withheld")}
    return told | header | {"body": body}


def _clause(act: Act) -> str:
    return ACTS[act.statement.type].clause


def receipt(
    index: Annotated[int, typer.Argument(metavar="INDEX", min=0, help="第几条 · the entry's index")],
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE|-", help="写到何处 · where to write the .tlog-proof")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """取出一条的回执（收录证明）· the receipt of an entry: its inclusion proof, as when it was first released."""
    with terminal(lang, as_json) as made, opened(made, home) as view:
        if index >= view.published:
            raise CliError("INDEX_UNKNOWN", index=index, entries=view.published)
        found = first_receipt(view.store, index)
        data = found.encode()
        if out == "-" and not as_json:
            sys.stdout.write(data.decode())
            return
        path = Path(out) if out and out != "-" else view.home.folder / "receipts" / f"{index}.tlog-proof"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        made.show(made.word("receipt-at", path=path))
        view.give({"receipt": {"file": str(path), "index": index, "text": data.decode()}})


def attempts(
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """被拒的提交（独立日志，先核验）· refused statements: a log of its own, checked before it is shown."""
    with terminal(lang, as_json) as made, opened(made, home) as view:
        keys = view.state.log.known_keys or LogKeys.of(founding_key(view.home))
        report = verify_attempts(view.store, keys, pin.read(view.home.attempts_pin))
        rows = [
            {
                "at": attempt.at,
                "clause": attempt.clause,
                "code": attempt.code,
                "facts": dict(attempt.facts),
                "kind": attempt.type,
                "log_size": attempt.log_size,
                "number": attempt.index,
                "person": attempt.person or None,
                "statement": attempt.statement,
            }
            for attempt in report.attempts
        ]
        failures = [{"code": one.code, "index": one.index} for one in report.failures]
        view.give({"attempts": rows, "clean": report.clean, "failures": failures, "root": report.root.hex()})
        shown = table("#", *(made.word(name) for name in ("time", "who", "kind", "code", "meaning")))
        for one in report.attempts:
            sentence = made.sentence(one.code, one.facts, "refusals", view.offset_minutes)
            who = view.label(one.person) if one.person else "-"
            shown.add_row(*row(one.index, view.time(one.at), who, one.type, one.code, sentence))
        made.show(view.heading(made.word("attempts")), shown)
        for failure in report.failures:
            made.show(f"#{failure.index}  {failure.code}  {made.sentence(failure.code, {}, 'findings')}")
        made.show(made.word("attempts-sound" if report.clean else "attempts-unsound", root=report.root.hex()))
        if not report.clean:
            raise typer.Exit(Exit.REFUSED)
