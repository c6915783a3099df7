"""`margins`, `readings`, `leave-one-out`, `sheets`: how much a certified result hangs on. Never written."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Any

import typer
from rich.text import Text

from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.ranking import StageArgument, known_group, known_stage
from api.cli.supposing import place
from api.cli.terminal import row, table
from api.cli.view import View, viewing
from ledger.procedure.scores import displayed
from projections.leave_one_out import LeaveOneOut, LeftOut
from projections.leave_one_out import leave_one_out as left_out_of
from projections.margin_search import Decisive, Margin, Margins
from projections.margins import RoundMargins, SessionMargins
from projections.margins import margins as margins_of
from projections.plain import to_json
from projections.readings_table import Alternative, ReadingsTable, readings_table
from projections.score_sheets import SheetReview, review

GroupArgument = Annotated[str | None, typer.Argument(metavar="[GROUP]", help="组 · the group's id")]


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
        view.give({"hypothetical": True, "margins": [_margins_told(one) for one in found]})
        _begin(view, "margins", found)
        for one in found:
            for played in one.rounds:
                _show_round(view, one, played)


def _margins_told(one: SessionMargins) -> dict[str, Any]:
    """The plain value, in which every margin also carries its label."""
    told: dict[str, Any] = _labelled(one, to_json(one))
    return told


def _labelled(view: Any, told: Any) -> Any:
    if isinstance(view, Margin):
        return told | {"label": view.label}
    if isinstance(told, dict):
        return {name: _labelled(getattr(view, name), member) for name, member in told.items()}
    if isinstance(told, list):
        return [_labelled(each, member) for each, member in zip(view, told, strict=True)]
    return told


def _begin(view: View, title: str, found: Iterable[object]) -> None:
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
        _begin(view, "readings", () if found is None else found.rows)
        if found is not None:
            view.terminal.show(_readings(view, found))
            view.terminal.show(Text(view.terminal.word(f"readings-named-{found.named.value}"), style="bold"))


def _readings(view: View, found: ReadingsTable) -> Any:
    word = view.terminal.word
    shown = table(word("reading-name"), word("clause"), word("reading-chosen"), word("otherwise"), word("would-change"))
    for one in found.rows:
        head = one.reading, one.clause, one.chosen
        if not one.alternatives:
            shown.add_row(*row(*head, "-", word("only-reading")))
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
        word("taken-differ", subject=each.subject, gained=_people(view, each.gained), lost=_people(view, each.lost))
        for each in one.taken
    ]
    parts += [
        word("ranks-differ", subject=each) for each in one.ranks if each not in {each.subject for each in one.taken}
    ]
    if one.ballots_over:
        parts.append(word("ballots-over", ballots=one.ballots_over))
    if one.undetermined is not None:
        why = word(f"why-{one.undetermined.code}")
        parts.append(word("undetermined", index=one.undetermined.index, subject=one.undetermined.subject, why=why))
    return "；".join(parts) if view.terminal.language == "zh" else "; ".join(parts)


def _people(view: View, people: Iterable[str]) -> str:
    return "、".join(view.label(person) for person in people) or "-"


def leave_one_out(
    stage: StageArgument,
    group: GroupArgument = None,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """逐一略去每名成员的选票、评分，看名次与名额 · without each member's ballots, and scores, in turn."""
    with viewing(home, lang, as_json, at) as view:
        known = known_stage(view, stage)
        found = left_out_of(view.state, view.acts, known, known_group(view, known, group))
        view.give({"hypothetical": True, "leave_one_out": to_json(found)})
        _begin(view, "leave-one-out", found)
        for one in found:
            view.terminal.show(f"{one.subject} · #{one.certified}", _left_out_table(view, one))


def _left_out_table(view: View, one: LeaveOneOut) -> Any:
    word = view.terminal.word
    shown = table(word("who"), word("left-out-part"), word("seats-then"), word("ranks-then"))
    for each in one.members:
        ranks = "、".join(
            f"{view.label(moved.candidate)} {place(word, moved.rank, None)}→{place(word, moved.rank_if, None)}"
            for moved in each.moved
            if moved.rank != moved.rank_if
        )
        shown.add_row(*row(view.label(each.member), word(f"part-{each.part.value}"), _seats(view, each), ranks or "-"))
    return shown


def _seats(view: View, one: LeftOut) -> str:
    word = view.terminal.word
    parts = [f"+{view.label(each.candidate)}" for each in one.moved if each.taken_if and not each.taken]
    if one.at_cut:
        parts.append(word("needs-runoff", people=_people(view, one.tie)))
    else:
        parts += [f"-{view.label(each.candidate)}" for each in one.moved if each.taken and not each.taken_if]
    return " ".join(parts) or word("same-seats")


def sheets(
    stage: StageArgument,
    group: GroupArgument = None,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """评分表：偏离的、雷同的、偏松偏严的；从不剔除 · score sheets far apart or alike; none is ever discarded."""
    with viewing(home, lang, as_json, at) as view:
        known = known_stage(view, stage)
        found = review(view.state, known, known_group(view, known, group))
        view.give({"sheets": to_json(found)})
        view.terminal.show(view.heading(view.terminal.word("sheets")))
        if not found:
            view.terminal.show(view.terminal.word("no-sheets"))
        for one in found:
            _show_sheets(view, one)


def _show_sheets(view: View, one: SheetReview) -> None:
    word = view.terminal.word
    experts = table(word("who"), word("sheets"), word("leaning"), word("spread"), word("far"))
    for expert in one.experts:
        experts.add_row(
            *row(view.label(expert.member), expert.sheets, signed(expert.leaning), displayed(expert.spread), expert.far)
        )
    view.terminal.show(word("sheets-of", subject=one.subject, sheets=one.sheets, index=one.closed), experts)
    if one.far or one.far_points:
        view.terminal.show(_far(view, one))
    for pair in one.same:
        people = _people(view, (pair.first, pair.second))
        view.terminal.show("  " + word("same-sheets", people=people, candidates=pair.candidates))


def _far(view: View, one: SheetReview) -> Any:
    word = view.terminal.word
    names = ("who", "about", "criterion", "points", "median", "distance", "mean-rank", "rank-without")
    shown = table("#", *(word(name) for name in names))
    for far in one.far:
        ranks = far.rank, far.rank_without
        numbers = displayed(Fraction(far.total)), displayed(far.median), _ratio(far.distance)
        shown.add_row(
            *row(far.entry, view.label(far.member), view.label(far.candidate), word("total"), *numbers, *ranks)
        )
    for each in one.far_points:
        numbers = displayed(Fraction(each.points)), displayed(each.median), _ratio(each.distance)
        people = view.label(each.member), view.label(each.candidate)
        shown.add_row(*row(each.entry, *people, each.criterion, *numbers, "", ""))
    return shown


def signed(points: Fraction) -> str:
    """Write a difference of points (hundredths) with its sign, two decimals, half rounded away from nothing."""
    return ("-" if points < 0 else "+") + displayed(abs(points))


def _ratio(value: Fraction) -> str:
    return signed(value * 100)
