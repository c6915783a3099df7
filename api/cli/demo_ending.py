"""The end of the demonstration: those who were named, a dispute about it, the verification, and what to try next."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from api.cli.explaining import show_explanation
from api.cli.founding import VKEY_FILE
from api.cli.people import read_cast
from api.cli.stored_log import StoredLog
from api.cli.supposing import show_changes
from api.cli.terminal import Terminal, row, table
from api.cli.verifying import told_report
from api.cli.view import View
from api.rehearsal.demo import PASSPHRASE, Played
from ledger import canonical
from ledger.checkpoint import parse_vkey
from ledger.selection import Selection
from ledger.state.casts import Cast as Ballot
from ledger.statements import decode_own_entry
from projections.audit.catalogue import title
from projections.audit.report import Report
from projections.audit.verify import Audit
from projections.explain import explain_place
from projections.plain import to_json
from projections.vacancies import HolderView, PlaceView, places
from projections.whatif import Change, WhatIf, what_if

ROUNDING = {"shortlist_rounding": "floor"}
CHECKPOINT_FILE = "checkpoint"


def tell_ending(made: Terminal, done: Played) -> dict[str, Any]:
    """Tell the result, the dispute and the verification; returns the same as plain values."""
    view = _view(made, done)
    disputed = _dispute(view)
    made.show(_rule(made, "demo-named"), _named(view))
    report = _verify(done)
    made.show(_rule(made, "demo-verified"), _verified(made, report))
    ending = {
        "checkpoint": (done.store.newest_checkpoint() or (0, b""))[1].decode(),
        "named": list(done.world.state.naming.titles.candidates if done.world.state.naming.titles else ()),
        "results_hash": results_hash(done.world.state),
        "served_hash": done.served_hash,
        "verified": told_report(made, report),
    }
    made.show(Panel(_summary(made, done, ending), title=Text(made.word("demo-done")), title_align="left", expand=False))
    return disputed | ending


def results_hash(state: Selection) -> str:
    """Return one hash over every certified result and the naming, whatever the log around them."""
    outcomes = [one.outcome for one in state.rounds.sessions.values()]
    outcomes += [poll.outcome for poll in state.polls.by_id.values()]
    certified = {one.subject: one.rows_root for one in outcomes if one is not None}
    named = list(state.naming.titles.candidates) if state.naming.titles else []
    return canonical.digest({"certified": certified, "named": named})


def _view(made: Terminal, done: Played) -> View:
    """What the reading commands would see now."""
    acts = tuple(decode_own_entry(entry) for _, entry in done.store.read_entries())
    state, cast = done.world.state, read_cast(done.home.folder)
    last = acts[-1].at if acts else None
    return View(made, done.home, done.store, len(acts), acts, state, cast, state.at, len(acts), last, {})


def _rule(made: Terminal, name: str) -> Rule:
    return Rule(Text(made.word(name), style="bold cyan"), align="left", style="cyan")


def _dispute(view: View) -> dict[str, Any]:
    """Question 2 and 3 of the auditors about the last vote."""
    made, state = view.terminal, view.state
    final = state.rounds.final
    if final is None:
        return {}
    stage = next(one.id for one in state.charter.latest.programme.stages if one.takes == "nominees")
    eleventh = final.alternates[0]
    answer = explain_place(state, stage, eleventh, view.names)
    number = len(final.nominees) + 1
    made.show(_rule(made, "demo-dispute"))
    made.show(Text(made.word("demo-why", who=view.label(eleventh), number=number), style="bold"))
    show_explanation(made.show, view.say, answer)
    member = _decisive(view, stage, final.nominees[-1], eleventh)
    without = _supposed(view, Change(members=frozenset({member})))
    made.show(Text(made.word("demo-without", who=view.label(member)), style="bold"))
    _show(view, without)
    otherwise = _supposed(view, Change(readings=ROUNDING))
    made.show(Text(made.word("demo-rounding"), style="bold"))
    _show(view, otherwise)
    return {
        "explained": to_json(answer),
        "without_member": to_json(without),
        "without_rounding": to_json(otherwise),
    }


def _supposed(view: View, change: Change) -> WhatIf:
    return what_if((entry for _, entry in view.store.read_entries(0, view.size)), change)


def _show(view: View, answer: WhatIf) -> None:
    show: Callable[..., None] = view.terminal.show
    show_changes(show, view.terminal.word, view.label, answer)


def _decisive(view: View, stage: str, taken: str, left: str) -> str:
    """A member who approved of the last one taken and not of the first one left: without them, the cut turns."""
    played = view.state.rounds.session(stage, None).main
    ballots: list[Ballot] = list(played.ballots.values()) if played else []
    turns = [one.member for one in ballots if taken in one.approve and left not in one.approve]
    return turns[0] if turns else ballots[0].member


def _named(view: View) -> Table:
    word, found = view.terminal.word, places(view.state, view.state.at)
    shown = table("#", *(word(name) for name in ("who", "unit", "how", "inspected", "agreed", "notice", "entries")))
    for place in found.places if found else ():
        shown.add_row(*row(*_place(view, place)))
    return shown


def _place(view: View, place: PlaceView) -> tuple[object, ...]:
    holder: HolderView = place.holders[-1]
    person, word = holder.person or "", view.terminal.word
    application = view.state.applications.of_person(person)
    how = word("as-nominee") if holder.alternate is None else word("as-alternate", order=holder.alternate)
    notice = "-" if holder.notice is None else f"→ {holder.notice.last_day.isoformat()} #{holder.notice.index}"
    titles = view.state.naming.titles
    return (
        place.seat,
        view.label(person),
        application.unit if application else "-",
        how,
        f"#{holder.inspected}",
        f"#{holder.agreed}",
        notice,
        f"#{titles.index}" if titles else "-",
    )


def _verify(done: Played) -> Report:
    key = parse_vkey((done.home.folder / VKEY_FILE).read_text().strip())
    return Audit(StoredLog(done.store, done.home.pin), key, workers=os.cpu_count() or 1).run()


def _verified(made: Terminal, report: Report) -> str:
    checks = "  ".join(f"{title(check, made.language)} {looked_at}" for check, looked_at in report.looked_at.items())
    name = "clean" if report.clean else "not-clean"
    return f"{checks}\n{made.word(name, size=report.size, root=report.root.hex(), first=report.first_bad_index)}"


def _program() -> str:
    """How this program was called, so that the lines to try can be typed as they stand."""
    called = Path(sys.argv[0])
    if called.name != "ballot-ledger" or shutil.which("ballot-ledger"):
        return "ballot-ledger"
    return os.path.relpath(called)


def _summary(made: Terminal, done: Played, ending: dict[str, Any]) -> str:
    folder, program = done.home.folder, _program()
    _, size, root, *_ = ending["checkpoint"].splitlines()
    (folder / CHECKPOINT_FILE).write_text(ending["checkpoint"], "utf-8")
    eleventh = done.world.state.rounds.final
    person = eleventh.alternates[0] if eleventh else ""
    commands = (
        f"export BALLOT_LEDGER_HOME={folder}",
        f"{program} status",
        f"{program} explain {person[:8]} --stage final",
        f"{program} rank final",
        f"{program} vacancies",
        f"{program} notices --at 2023-01-05",
        f"{program} what-if --reading shortlist_rounding=strictly_more",
        f"{program} off-path",
        f"{program} verify",
    )
    lines = (
        made.word("demo-hash", hash=ending["results_hash"]),
        *([made.word("demo-served", hash=done.served_hash)] if done.served_hash else ()),
        made.word("demo-checkpoint", size=size, root=root, path=folder / CHECKPOINT_FILE),
        made.word("demo-keys", path=folder / "keys", passphrase=PASSPHRASE.decode()),
        made.word("demo-next"),
        *(f"  {command}" for command in commands),
    )
    return "\n".join(lines)
