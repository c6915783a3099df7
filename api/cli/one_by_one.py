"""`leave-one-out` and `sheets`: what each member's ballots and scores did to a result. Never written."""

from fractions import Fraction
from typing import Any

from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.questions import begin, people_of
from api.cli.ranking import GroupArgument, StageArgument, known_group, known_stage
from api.cli.supposing import place
from api.cli.terminal import row, table
from api.cli.view import View, viewing
from ledger.procedure.scores import displayed
from projections.leave_one_out import LeaveOneOut, LeftOut
from projections.leave_one_out import leave_one_out as left_out_of
from projections.plain import to_json
from projections.score_sheets import SheetReview, review


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
        begin(view, "leave-one-out", found)
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
        parts.append(word("needs-runoff", people=people_of(view, one.tie)))
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
        people = people_of(view, (pair.first, pair.second))
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
