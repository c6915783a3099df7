"""`findings`, `off-path`, `notices`, `objections`, `vacancies`: what auditors ask for, each with its entries."""

from typing import Annotated, Any

import typer

from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.terminal import Exit, row, table
from api.cli.view import View, viewing
from projections.notices import Look
from projections.notices import notices as notices_of
from projections.objections import objections as objections_of
from projections.offpath import off_path as off_path_of
from projections.plain import to_json
from projections.status import findings as findings_of
from projections.vacancies import HolderView, places


def findings(
    open_only: Annotated[bool, typer.Option("--open", help="只看未了结的 · only those not closed")] = False,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """待查事项；有未了结的重大事项时退出码为 1 · findings; exit code 1 while a breach is open."""
    with viewing(home, lang, as_json, at) as view:
        found = findings_of(view.state, view.names, everything=not open_only)
        view.give({"findings": to_json(found)})
        shown = table(*(view.terminal.word(name) for name in ("severity", "code", "meaning", "entries", "closed")))
        for one in found:
            severity = view.terminal.sentence(one.severity, {}, "status")
            closed = "-" if one.closed is None else f"#{one.closed}"
            shown.add_row(*row(severity, one.code, view.say(one.said), _entries(one.entries), closed))
        view.terminal.show(view.heading(view.terminal.word("findings")), shown)
        if view.state.findings.open_breaches():
            raise typer.Exit(Exit.REFUSED)


def _entries(entries: tuple[int, ...]) -> str:
    return " ".join(f"#{entry}" for entry in entries)


def off_path(
    home: HomeOption = DEFAULT_HOME, at: AtOption = None, as_json: JsonOption = False, lang: LangOption = None
) -> None:
    """正常程序之外的一切：纸质、代录、重投、更正…… · everything done outside the normal path."""
    with viewing(home, lang, as_json, at) as view:
        found = off_path_of(view.state, view.acts, view.names)
        view.give({"off_path": to_json(found)})
        shown = table(*(view.terminal.word(name) for name in ("in-what-way", "about", "entries")))
        for one in found:
            shown.add_row(*row(view.say(one), view.say(one.line), _entries(one.entries)))
        view.terminal.show(view.heading(view.terminal.word("off-path")), shown)


def notices(
    home: HomeOption = DEFAULT_HOME, at: AtOption = None, as_json: JsonOption = False, lang: LangOption = None
) -> None:
    """公示：每人的期限与剩余工作日 · public notices, each person's own clock."""
    with viewing(home, lang, as_json, at) as view:
        found = notices_of(view.state, view.seen_at)
        view.give({"notices": to_json(found)})
        word = view.terminal.word
        shown = table(*(word(name) for name in ("notice", "who", "published", "last-day", "days-left", "standing")))
        for notice in found:
            for one in notice.people:
                standing = view.terminal.sentence(one.status.value, {}, "status")
                left = "?" if one.days_left is None else one.days_left
                who = view.label(one.person) + (f"（{word('moved-up-mark')}）" if one.moved_up else "")
                name = f"{notice.notice} #{notice.index}"
                shown.add_row(*row(name, who, one.published[:16], one.last_day.isoformat(), left, standing))
        view.terminal.show(view.heading(word("notices")), shown)
        for notice in found:
            if notice.looks:
                view.terminal.show("", word("looks-at", notice=notice.notice), _looks(view, notice.looks))


def _looks(view: View, looks: tuple[Look, ...]) -> Any:
    word = view.terminal.word
    shown = table(*(word(name) for name in ("entries", "time", "observed-at", "channel", "who", "page")))
    for one in looks:
        page = word("not-reached") if one.page is None else one.page[:16]
        times = view.time(one.at), view.time(one.observed_at)
        shown.add_row(*row(f"#{one.index}", *times, one.channel, view.label(one.observer), page))
    return shown


def objections(
    home: HomeOption = DEFAULT_HOME, at: AtOption = None, as_json: JsonOption = False, lang: LangOption = None
) -> None:
    """异议：收到、听取、决定、答复；提出人始终密封 · objections; who filed them stays sealed."""
    with viewing(home, lang, as_json, at) as view:
        found = objections_of(view.state, view.acts, view.seen_at)
        view.give({"objections": to_json(found)})
        word = view.terminal.word
        names = ("number", "received", "how-filed", "against", "standing", "outcome", "handling-days", "entries")
        shown = table(*(word(name) for name in names))
        for one in found:
            people = "、".join(view.label(person) for person in (*one.against, *one.late))
            outcome = (
                "、".join(word("sustained" if each.sustained else "not-sustained") for each in one.outcomes) or "-"
            )
            entries = (
                one.index,
                *(entry for entry in (one.examined, one.investigated, one.answered) if entry is not None),
            )
            shown.add_row(
                *row(
                    one.number,
                    one.received[:16],
                    word(f"filing-{one.filing.value}"),
                    people,
                    word(f"objection-{one.standing.value}"),
                    outcome,
                    one.handling_days,
                    _entries(entries),
                )
            )
        view.terminal.show(view.heading(word("objections")), shown)


def vacancies(
    home: HomeOption = DEFAULT_HOME, at: AtOption = None, as_json: JsonOption = False, lang: LangOption = None
) -> None:
    """名额与递补：谁离开、为何、由谁递补 · every place, who left it and who moved up."""
    with viewing(home, lang, as_json, at) as view:
        found = places(view.state, view.seen_at)
        view.give({"places": to_json(found)})
        word = view.terminal.word
        if found is None:
            view.terminal.show(view.heading(word("no-final-order")))
            return
        shown = table(
            *(word(name) for name in ("seat", "who", "how", "since", "inspected", "agreed", "notice", "left-by"))
        )
        for place in found.places:
            for holder in place.holders:
                shown.add_row(*row(place.seat, *_holder(view, holder)))
            if place.vacant:
                after = view.label(place.next_alternate) if place.next_alternate else "-"
                shown.add_row(*row(place.seat, word("vacant", next=after)))
        view.terminal.show(view.heading(word("vacancies")), shown)
        waiting = [one for one in found.alternates if one.moved_up is None and one.left is None]
        people = "、".join(view.label(one.person) for one in waiting) or "-"
        view.terminal.show(word("alternates-left", people=people))


def _holder(view: View, holder: HolderView) -> tuple[Any, ...]:
    word = view.terminal.word
    how = word("as-nominee") if holder.alternate is None else word("as-alternate", order=holder.alternate)
    left = "-"
    if holder.left is not None and holder.cause is not None:
        left = f"#{holder.left} {view.terminal.sentence(holder.cause.value, {}, 'reasons')}"
    notice = "-" if holder.notice is None else f"#{holder.notice.index} → {holder.notice.last_day.isoformat()}"
    return (
        word("left-empty") if holder.person is None else view.label(holder.person),
        how,
        f"#{holder.since}",
        "-" if holder.inspected is None else f"#{holder.inspected}",
        "-" if holder.agreed is None else f"#{holder.agreed}",
        notice,
        left,
    )
