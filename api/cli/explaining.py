"""`history` and `explain`: what happened to a person or round, and why somebody stands where they do."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.text import Text

from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.ranking import known_stage
from api.cli.terminal import CliError, row, table
from api.cli.view import View, viewing
from projections.explain import Explanation, explain_place, explain_way
from projections.history import (
    HistoryLine,
    history_of_application,
    history_of_objection,
    history_of_person,
    history_of_round,
    history_of_session,
)
from projections.plain import to_json


def history(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="PERSON|ROUND", help="人员、轮次、阶段[:组]、申报或异议 · or stage[:group], application, objection"
        ),
    ],
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """一个人、一轮投票的全部经过 · everything that happened to a person, or in a round."""
    with viewing(home, lang, as_json, at) as view:
        lines = _history(view, subject)
        view.give({"history": to_json(lines), "subject": subject})
        shown = table("#", *(view.terminal.word(name) for name in ("time", "clause", "about", "standing")))
        for line in lines:
            standing = view.terminal.word(f"act-{line.standing}", effective=line.effective)
            said = view.told(line.person, line)
            shown.add_row(*row(line.index, view.time(line.at), line.clause, said, standing))
        view.terminal.show(view.heading(view.terminal.word("history")), shown)


def _history(view: View, subject: str) -> tuple[HistoryLine, ...]:
    state, acts, names = view.state, view.acts, view.names
    rounds = [one for one in state.rounds.by_id if one == subject or (len(subject) >= 8 and one.startswith(subject))]
    stage, _, group = subject.partition(":")
    if len(rounds) == 1:
        return history_of_round(state, acts, rounds[0], names)
    if state.sealed is not None and state.charter.stage(stage) is not None:
        return history_of_session(state, acts, stage, group or None, names)
    if subject in state.applications.by_id:
        return history_of_application(state, acts, subject, names)
    if subject in state.notices.objections.by_id:
        return history_of_objection(state, acts, subject, names)
    try:
        person = view.person(subject)
    except CliError as error:
        if error.code == "PERSON_UNKNOWN":
            raise CliError("SUBJECT_UNKNOWN", asked=subject[:96]) from None
        raise
    return history_of_person(state, acts, person, names)


def explain(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="人员 · the person")],
    stage: Annotated[str | None, typer.Option("--stage", help="只说这个阶段 · this stage alone")] = None,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """为什么是这个名次：逐步说明，引条款与条目 · why this place: step by step, citing clauses and entries."""
    with viewing(home, lang, as_json, at) as view:
        who = view.person(person)
        if stage is None:
            answer = explain_way(view.state, who, view.seen_at, view.names)
        else:
            answer = explain_place(view.state, known_stage(view, stage), who, view.names)
        view.give({"explanation": to_json(answer)})
        view.terminal.show(view.heading(view.terminal.word("explain-title", who=view.label(who))))
        show_explanation(view.terminal.show, view.say, answer)


def show_explanation(show: Callable[..., None], say: Callable[[Any], str], answer: Explanation) -> None:
    """Print an explanation, one sentence a line, each with its clause and the entries that show it."""
    for number, sentence in enumerate(answer.sentences, start=1):
        show(Text.assemble(f"{number:>3}  ", say(sentence), *cited(sentence.entries, sentence.clause)))


def cited(entries: tuple[int, ...], clause: str = "") -> tuple[tuple[str, str], ...]:
    """Return clause and entries as a dim remark at the end of a line."""
    shown = [f"#{entry}" for entry in entries[:6]] + (["…"] if len(entries) > 6 else [])
    remark = " ".join(part for part in (clause, *shown) if part)
    return ((f"  [{remark}]", "dim"),) if remark else ()
