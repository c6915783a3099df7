"""`margins` and `readings`: how many ballots, and which readings, a certified result hangs on. Never written."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.text import Text

from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.ranking import GroupArgument, StageArgument, known_group, known_stage
from api.cli.terminal import row, table
from api.cli.view import View, viewing
from api.margins_told import margins_told
from projections.margin_search import Decisive, Margin, Margins
from projections.margins import RoundMargins, SessionMargins
from projections.margins import margins as margins_of
from projections.plain import to_json
from projections.readings_table import Alternative, ReadingsTable, readings_table


def margins(
    stage: StageArgument,
    group: GroupArgument = None,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """差几票：最少去掉或改动几张选票，名额就会易人 · the fewest ballots that a seat hangs on."""
    with viewing(home, lang, as_json, at) as view:
        known = known_stage(view, stage)
        found = margins_of(view.state, view.acts, known, known_group(view, known, group))
        view.give({"hypothetical": True, "margins": [margins_told(one) for one in found]})
        begin(view, "margins", found)
        for one in found:
            for played in one.rounds:
                _show_round(view, one, played)


def begin(view: View, title: str, found: Iterable[object]) -> None:
    """Print the title, and that it is all hypothetical, or that there is nothing yet to ask about."""
    view.terminal.show(view.heading(view.terminal.word(title)))
    if any(True for _ in found):
        view.terminal.show(Text(view.terminal.word("hypothetical"), style="bold magenta"))
    else:
        view.terminal.show(view.terminal.word("nothing-certified"))


def _show_round(view: View, one: SessionMargins, played: RoundMargins) -> None:
    word = view.terminal.word
    title = "margin-runoff" if played.runoff else "margin-round"
    view.terminal.show(
        word(title, subject=one.subject, index=one.certified, runoff=played.runoff, ballots=played.ballots,
             seats=played.seats),
        "  " + word("margin-whole", removal=_margin(view, played.removal), change=_margin(view, played.change)),
    )  # fmt: skip
    shown = table("#", word("who"), word("standing"), word("by-removal"), word("by-change"))
    for each in played.candidates:
        standing = word("status-taken" if each.taken else "status-left")
        cells = _margin(view, each.removal), _margin(view, each.change)
        shown.add_row(*row(each.rank, view.label(each.candidate), standing, *cells))
    view.terminal.show(shown)
    _show_decisive(view, played.decisive)


def _margin(view: View, margins: Margins) -> str:
    word = view.terminal.word
    if margins.changes is None and margins.opens is None:
        return word("margin-never")
    parts = [] if margins.changes is None else [_number(view, margins.changes)]
    if margins.opens is not None:
        parts.append(word("margin-opens", number=_number(view, margins.opens)))
    return " ".join(parts)


def _number(view: View, margin: Margin) -> str:
    entries = " ".join(f"#{entry}" for entry in margin.entries[:4]) + (" …" if len(margin.entries) > 4 else "")
    facts = {"lower": margin.lower, "upper": margin.upper, "entries": entries}
    return view.terminal.word(f"margin-{margin.label}", **facts)


def _show_decisive(view: View, decisive: tuple[Decisive, ...]) -> None:
    word = view.terminal.word
    if not decisive:
        view.terminal.show("  " + word("nobody-decisive"))
        return
    view.terminal.show("  " + word("decisive"))
    shown = table("#", word("who"), word("by"), word("alters"), word("opens-seat"))
    for one in decisive:
        changes, opens = (
            "、".join(view.label(person) for person in people) or "-" for people in (one.changes, one.opens)
        )
        shown.add_row(*row(one.entry, view.label(one.member), word(f"by-{one.touch.value}"), changes, opens))
    view.terminal.show(shown)


def readings(
    pairs: Annotated[bool, typer.Option("--pairs", help="两种读法同时改 · every two readings at once too")] = False,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """全部读法与其他允许的读法，各会改变什么 · every permitted reading, and what it would change."""
    with viewing(home, lang, as_json, at) as view:
        found = readings_table(view.state, view.acts, combine=pairs) if view.state.sealed is not None else None
        view.give({"readings": to_json(found)})
        begin(view, "readings", () if found is None else found.rows)
        if found is not None:
            fixed = "、".join(one.reading for one in found.rows if not one.alternatives)
            view.terminal.show(_readings(view, found), view.terminal.word("only-readings", readings=fixed))
            view.terminal.show(Text(view.terminal.word(f"readings-named-{found.named.value}"), style="bold"))


def _readings(view: View, found: ReadingsTable) -> Any:
    word = view.terminal.word
    shown = table(word("reading-name"), word("clause"), word("reading-chosen"), word("otherwise"), word("would-change"))
    for one in found.rows:
        head = one.reading, one.clause, one.chosen
        for number, other in enumerate(one.alternatives):
            shown.add_row(*row(*(("", "", "") if number else head), other.readings[0][1], _effect(view, other)))
    for other in found.combined:
        both = " + ".join(f"{name}={value}" for name, value in other.readings)
        shown.add_row(*row(word("together"), "", "", both, _effect(view, other)))
    return shown


def _effect(view: View, one: Alternative) -> str:
    word = view.terminal.word
    if one.changes_nothing:
        return word("changes-nothing")
    parts = [
        word("taken-differ", subject=each.subject, gained=people_of(view, each.gained), lost=people_of(view, each.lost))
        for each in one.taken
    ]
    elsewhere = [each for each in one.ranks if each not in {taken.subject for taken in one.taken}]
    if elsewhere:
        parts.append(word("ranks-differ", subjects="、".join(elsewhere)))
    if one.ballots_over:
        parts.append(word("ballots-over", ballots=one.ballots_over))
    if one.undetermined is not None:
        why = word(f"why-{one.undetermined.code}")
        parts.append(word("undetermined", index=one.undetermined.index, subject=one.undetermined.subject, why=why))
    return "；".join(parts) if view.terminal.language == "zh" else "; ".join(parts)


def people_of(view: View, people: Iterable[str]) -> str:
    """Return several people as they are shown."""
    return "、".join(view.label(person) for person in people) or "-"
