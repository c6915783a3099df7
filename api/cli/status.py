"""`status`: where the selection stands, and what blocks the next step, by clause, person and deadline."""

from typing import Any

from rich.text import Text

from api.cli.explaining import cited
from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.terminal import row, table
from api.cli.view import View, viewing
from projections.plain import to_json
from projections.status import StatusView
from projections.status import status as status_of

MOST_LINES = 12
"""Lines of one kind shown to people; JSON has all of them."""


def status(
    home: HomeOption = DEFAULT_HOME, at: AtOption = None, as_json: JsonOption = False, lang: LangOption = None
) -> None:
    """进展如何，下一步被什么挡住 · where the selection stands and what blocks the next step."""
    with viewing(home, lang, as_json, at) as view:
        if view.state.sealed is None:
            view.give({"status": None})
            view.terminal.show(view.terminal.word("no-charter-yet"))
            return
        found = status_of(view.state, view.seen_at, view.names)
        view.give({"status": to_json(found)})
        view.terminal.show(view.heading(view.state.charter.latest.programme.title), _stages(view, found))
        _next(view, found)
        _waiting(view, found)


def _stages(view: View, found: StatusView) -> Any:
    word = view.terminal.word
    shown = table(word("stage"), word("clause"), word("standing"), word("entries"), word("deadline"))
    for one in found.stages:
        entries = " → ".join(f"#{entry}" for entry in (one.opened, one.closed) if entry is not None)
        standing = view.terminal.sentence(one.standing, {}, "status")
        deadline = view.time(one.closes_at) if one.closes_at is not None else ""
        shown.add_row(*row(f"{one.stage} {one.title}", one.clause, standing, entries, deadline))
    return shown


def _next(view: View, found: StatusView) -> None:
    word, show = view.terminal.word, view.terminal.show
    if found.suspended is not None:
        show(Text(word("suspended", index=found.suspended), style="bold yellow"))
    show(Text(word("next-steps"), style="bold"))
    for step in found.next_steps:
        people = "、".join(view.label(person) for person in step.people[:4]) or "/".join(step.roles)
        subject = view.label(step.subject)
        if step.blocked_by is None:
            show(Text(word("step-possible", kind=step.kind, subject=subject, people=people), style="green"))
            continue
        why = view.say(step.blocked_by)
        line = word("step-blocked", kind=step.kind, subject=subject, code=step.blocked_by.code, why=why)
        show(Text.assemble(line, *cited(step.blocked_by.entries, step.blocked_by.clause)))
    for one in found.missing[:MOST_LINES]:
        show(Text.assemble(f"  · {view.say(one.said)}", *cited(one.said.entries, one.said.clause)))
    if len(found.missing) > MOST_LINES:
        show(word("and-more", more=len(found.missing) - MOST_LINES))


def _waiting(view: View, found: StatusView) -> None:
    word, show = view.terminal.word, view.terminal.show
    for waiting in found.pending[:MOST_LINES]:
        people = "、".join(view.label(person) for person in waiting.may_sign[:4]) or "/".join(waiting.roles)
        show(word("waits-for", index=waiting.index, kind=waiting.kind, needs=waiting.needs, people=people))
    counts = {
        "breaches": found.breaches,
        "findings": len(found.findings),
        "notices": len(found.notices),
        "objections": len(found.objections),
    }
    show(word("status-counts", **counts))
