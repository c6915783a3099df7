"""`diff`: which ranks, places and titles moved between two points of the log, and which entries moved them."""

from typing import Annotated, Any

import typer
from rich.text import Text

from api.as_of import known_at
from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, row, table
from api.cli.view import View, viewing
from projections.movement import Movement, SeatShift, Shift, Standing, Step, movement
from projections.plain import to_json

_POINT = "条目号或时间，含该条 · this entry or civil time, included"


def diff(
    start: Annotated[str, typer.Option("--from", metavar="INDEX|TIME", help=_POINT)],
    end: Annotated[str | None, typer.Option("--to", metavar="INDEX|TIME", help=_POINT)] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """两个时点之间名次与名额的变化，由哪一条引起 · which ranks and places moved between two points, by which entry."""
    with viewing(home, lang, as_json) as view:
        first, last = known_at(view.acts, start), known_at(view.acts, end)
        if first > last:
            raise CliError("RANGE_BACKWARD", first=first, last=last)
        moved = movement(view.acts, first, last, view.names)
        view.give({"movement": to_json(moved)})
        view.terminal.show(view.terminal.word("diff-title", start=first, end=last))
        _show(view, moved)


def _show(view: View, moved: Movement) -> None:
    word = view.terminal.word
    if not moved.steps:
        view.terminal.show(word("nothing-moved"))
        return
    for subject in dict.fromkeys(one.subject for one in moved.shifts):
        _subject(view, subject, [one for one in moved.shifts if one.subject == subject])
    if moved.seats:
        view.terminal.show("", Text(word("seats-moved"), style="bold"), _seats(view, moved.seats))
    view.terminal.show("", Text(word("moved-by"), style="bold"))
    for step in moved.steps:
        _step(view, step)


def _subject(view: View, subject: str, shifts: list[Shift]) -> None:
    """Print who moved in a subject; a result that was not there before, or is no longer, in one line."""
    word = view.terminal.word
    view.terminal.show("", Text(_title(view, subject), style="bold"))
    if subject.startswith("stage:") and all(one.before is None for one in shifts):
        view.terminal.show(f"  {word('result-new', people=len(shifts))}")
    elif subject.startswith("stage:") and all(one.after is None for one in shifts):
        view.terminal.show(f"  {word('result-gone', people=len(shifts))}")
    else:
        shown = table(word("who"), word("before"), word("after"))
        for one in shifts:
            shown.add_row(*row(view.label(one.person), _standing(view, one.before), _standing(view, one.after)))
        view.terminal.show(shown)


def _seats(view: View, seats: tuple[SeatShift, ...]) -> Any:
    word = view.terminal.word
    shown = table(word("seat"), word("before"), word("after"))
    for one in seats:
        before, after = (view.label(person) if person is not None else "-" for person in (one.before, one.after))
        shown.add_row(*row(one.seat, before, after))
    return shown


def _step(view: View, step: Step) -> None:
    entries = f"#{step.index}" if step.act == step.index else f"#{step.index} (#{step.act})"
    where = "、".join(_title(view, subject) for subject in step.subjects)
    view.terminal.show(
        Text.assemble((entries, "bold"), f"  {view.time(step.at)}  {view.say(step.said)}"),
        Text(f"    {view.terminal.word('step-moved', people=len(step.shifts), where=where)}", style="dim"),
    )


def _title(view: View, subject: str) -> str:
    """Return what a subject is called: a stage with its group, or one of what follows from the final order."""
    kind, _, rest = subject.partition(":")
    if kind != "stage":
        return view.terminal.word(f"subject-{subject}")
    stage, _, group = rest.partition(":")
    declared = view.state.charter.stage(stage)
    names = {one.id: one.name for one in declared.groups} if declared else {}
    if view.terminal.language == "en" or declared is None:
        return rest
    return " ".join(part for part in (declared.title, names.get(group, "")) if part)


def _standing(view: View, standing: Standing | None) -> str:
    if standing is None:
        return "-"
    said = view.terminal.word(f"status-{standing.status}")
    if said == f"status-{standing.status}":
        said = view.terminal.sentence(standing.status, {}, "reasons")
    return said if standing.number is None else f"{standing.number} {said}"
