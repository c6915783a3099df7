"""`candidates` and `rank`: who stands where in each stage, and how each place was decided."""

from typing import Annotated, Any

import typer

from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, row, table
from api.cli.view import View, viewing
from projections.ballots import RoundView
from projections.candidates import StageView, stage_list, stage_lists
from projections.plain import to_json
from projections.results import ResultView, results

StageArgument = Annotated[str, typer.Argument(metavar="STAGE", help="阶段，如 final · the stage's id")]
GroupArgument = Annotated[str | None, typer.Argument(metavar="[GROUP]", help="组 · the group's id")]


def candidates(
    stage: Annotated[str | None, typer.Argument(metavar="[STAGE]", help="阶段，如 final · the stage's id")] = None,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """各阶段人选名单 · the lists of candidates, stage by stage."""
    with viewing(home, lang, as_json, at) as view:
        if stage is None:
            found = stage_lists(view.state)
            view.give({"stages": to_json(found)})
            view.terminal.show(view.heading(view.terminal.word("candidates")), _overview(view, found))
            return
        listed = stage_list(view.state, known_stage(view, stage))
        view.give({"stage": to_json(listed)})
        if listed is not None:
            view.terminal.show(view.heading(listed.title), *_people(view, listed))


def known_stage(view: View, asked: str) -> str:
    """Return the id of a stage that was asked for. Raises `CliError` `STAGE_UNKNOWN`."""
    programme = view.state.charter.latest.programme if view.state.sealed else None
    known = [stage.id for stage in programme.stages] if programme else []
    if asked not in known:
        raise CliError("STAGE_UNKNOWN", asked=asked[:96], known=", ".join(known))
    return asked


def known_group(view: View, stage: str, asked: str | None) -> str | None:
    """Return the id of a group of a stage that was asked for, None for all. Raises `CliError` `GROUP_UNKNOWN`."""
    declared = view.state.charter.stage(stage)
    groups = [one.id for one in declared.groups] if declared else []
    if asked is not None and asked not in groups:
        raise CliError("GROUP_UNKNOWN", asked=asked[:96], known=", ".join(groups) or "-")
    return asked


def _overview(view: View, found: tuple[StageView, ...]) -> Any:
    word = view.terminal.word
    shown = table(
        word("stage"), word("clause"), "", word("entered"), word("taken"), word("left"), word("undecided"), word("out")
    )
    for one in found:
        counts = (len(people) for people in (one.entered, one.taken, one.left, one.undecided, one.out))
        standing = (
            "stage-closed" if one.closed is not None else "stage-open" if one.opened is not None else "stage-later"
        )
        shown.add_row(*row(f"{one.stage} {one.title}", one.clause, word(standing), *counts))
    return shown


def _people(view: View, listed: StageView) -> tuple[Any, ...]:
    word = view.terminal.word
    shown = table("#", word("who"), word("standing"), word("entries"))
    parts = ((listed.taken, "taken"), (listed.left, "left"), (listed.undecided, "undecided"))
    for people, standing in parts:
        for number, person in enumerate(people, start=1):
            shown.add_row(*row(number, view.label(person), word(standing), ""))
    for one in listed.out:
        cause = view.terminal.sentence(one.cause, {}, "reasons")
        shown.add_row(*row("-", view.label(one.person), cause, f"#{one.index}"))
    groups = tuple(
        word(
            "group-line",
            name=group.name,
            candidates=len(group.candidates),
            received=group.received,
            seats="-" if group.seats is None else group.seats,
            certified="-" if group.certified is None else group.certified,
        )
        for group in listed.groups
    )
    return (*groups, shown)


def rank(
    stage: StageArgument,
    group: GroupArgument = None,
    ballots: Annotated[bool, typer.Option("--ballots", help="谁投了谁 · who voted what, once it may be read")] = False,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """一个阶段（组）的名次，及每个名次由何决定 · a stage's ranking, and by what each place was decided."""
    with viewing(home, lang, as_json, at) as view:
        known = known_stage(view, stage)
        of_group = known_group(view, known, group)
        found = [one for one in results(view.state) if one.stage == known and of_group in (None, one.group)]
        view.give({"results": [_told(one, ballots) for one in found]})
        for one in found:
            show_result(view, one)
            if ballots:
                view.terminal.show(*(_ballots(view, played) for played in one.rounds))
        if not found:
            view.terminal.show(view.heading(view.terminal.word("no-result")))


def _told(one: ResultView, ballots: bool) -> dict[str, Any]:
    value: dict[str, Any] = to_json(one)
    for played in value["rounds"]:
        if not ballots:
            played.pop("ballots")
    return value


def _ballots(view: View, played: RoundView) -> Any:
    word = view.terminal.word
    shown = table("#", word("who"), word("how"), word("approve"), title=f"{played.round} #{played.opened}")
    for one in played.ballots:
        people = "、".join(view.label(person) for person in one.approve)
        shown.add_row(*row(one.index, view.label(one.member), word(f"grade-{one.grade.value}"), people))
    return shown


def show_result(view: View, one: ResultView) -> None:
    """Print one result."""
    word = view.terminal.word
    declared = view.state.charter.stage(one.stage)
    names = {group.id: group.name for group in declared.groups} if declared else {}
    title = " ".join(
        part for part in (declared.title if declared else one.stage, names.get(one.group or "", "")) if part
    )
    certified = word("certified-by", index=one.certified) if one.certified is not None else word("not-certified")
    view.terminal.show(view.heading(f"{title} · {certified}"))
    if not one.rows:
        current = one.rounds[-1] if one.rounds else None
        voted, issued = (current.voted, current.issued) if current else (0, 0)
        view.terminal.show(word("vote-not-over", voted=voted, issued=issued))
        return
    view.terminal.show(_totals(view, one) if one.subject.startswith("poll:") else _rows(view, one))
    if one.tie is not None:
        people = "、".join(view.label(person) for person in one.tie.candidates)
        view.terminal.show(word("open-tie", people=people, places=one.tie.places))


def _rows(view: View, one: ResultView) -> Any:
    word, means = view.terminal.word, {mean.candidate: mean.shown for mean in one.means}
    shown = table(
        "#", word("who"), word("approve"), word("possible"), word("keys"), word("decided-by"), word("standing")
    )
    for line in sorted(one.rows, key=lambda each: (each["rank"] == 0, each["rank"], each["candidate"])):
        person = line["candidate"]
        keys = [
            f"{word('key-' + key['name'])} {_number(key['value'])}"
            for key in line["keys"]
            if key["value"] is not None and key["name"] != "mean_score"
        ]
        if person in means:
            keys.insert(0, f"{word('key-mean_score')} {means[person]}")
        decided = view.terminal.sentence(line["decided_by"], {}, "reasons")
        status = word(f"status-{line['status']}")
        number = line["rank"] or "-"
        shown.add_row(
            *row(number, view.label(person), line["approve"], line["possible"], " ".join(keys), decided, status)
        )
    return shown


def _number(value: str) -> str:
    whole, _, part = value.partition("/")
    return whole if part == "1" else value


def _totals(view: View, one: ResultView) -> Any:
    word = view.terminal.word
    shown = table("#", word("who"), word("votes"), word("deciding-votes"))
    ordered = sorted(one.rows, key=lambda each: (-each["votes"], each["candidate"]))
    for number, line in enumerate(ordered, start=1):
        shown.add_row(*row(number, view.label(line["candidate"]), line["votes"], line["deciding_votes"]))
    return shown
