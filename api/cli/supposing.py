"""`what-if`: the rankings without somebody's ballots, without an entry, or under another reading. Never written."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.text import Text

from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, row, table
from api.cli.view import View, viewing
from projections.plain import to_json
from projections.whatif import Change, Compared, WhatIf, WhatIfError
from projections.whatif import what_if_of as suppose


def what_if(  # noqa: PLR0913, PLR0917
    members: Annotated[
        list[str] | None,
        typer.Option("--without-member", metavar="PERSON", help="略去其选票、评分与表决 · leave out a member's votes"),
    ] = None,
    scores: Annotated[
        list[str] | None,
        typer.Option("--without-scores", metavar="PERSON", help="只略去其评分 · a member's scores alone"),
    ] = None,
    entries: Annotated[
        list[int] | None, typer.Option("--without-entry", metavar="INDEX", help="略去一条 · leave out an entry")
    ] = None,
    unit: Annotated[
        str | None, typer.Option("--without-unit", metavar="UNIT", help="略去该单位的人 · everybody of one unit")
    ] = None,
    channels: Annotated[
        list[str] | None, typer.Option("--without-channel", metavar="ID", help="略去该平台的票 · a channel's totals")
    ] = None,
    readings: Annotated[
        list[str] | None, typer.Option("--reading", metavar="ID=VALUE", help="改用另一种读法 · another reading")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """如果……：名次与名额会怎样变 · what would change; only a supposition, never written."""
    with viewing(home, lang, as_json, at) as view:
        change = Change(
            members=frozenset(view.person(one) for one in members or ()),
            scores_of=frozenset(view.person(one) for one in scores or ()),
            entries=frozenset(entries or ()),
            unit=unit,
            channels=frozenset(channels or ()),
            readings=dict(_reading(one) for one in readings or ()),
        )
        if change == Change():
            raise CliError("CHANGE_NEEDED")
        answer = supposed(view, change)
        view.give({"what_if": to_json(answer)})
        view.terminal.show(view.heading(view.terminal.word("what-if")))
        show_answer(view, answer)


def _reading(asked: str) -> tuple[str, str]:
    name, separator, value = asked.partition("=")
    if not separator:
        raise CliError("INPUT_INVALID", reason=f"--reading {asked[:60]}")
    return name, value


def supposed(view: View, change: Change) -> WhatIf:
    """Answer from the entries that the view knows. Raises `CliError` for a reading or value that does not exist."""
    try:
        return suppose(view.acts, change)
    except WhatIfError as error:
        raise CliError(error.code, **error.facts) from None


def show_answer(view: View, answer: WhatIf) -> None:
    """Print what would change, what is held fixed, and from where on nobody can say."""
    show_changes(view.terminal.show, view.terminal.word, view.label, answer)


def show_changes(
    show: Callable[..., None], word: Callable[..., str], label: Callable[[str], str], answer: WhatIf
) -> None:
    """Print an answer through these."""
    show(Text(word("hypothetical"), style="bold magenta"))
    show(word("left-out", entries=len(answer.left_out)), word("held-fixed"))
    changed = [one for one in answer.compared if one.changed]
    show(word("compared", results=len(answer.compared), changed=len(changed)))
    for one in changed:
        show(f"  {one.subject} · #{one.certified}", _table(word, label, one))
        if one.ballots_over:
            show("  " + word("ballots-over", ballots=one.ballots_over))
        if one.tie:
            show("  " + word("needs-runoff", people="、".join(label(person) for person in one.tie)))
    if answer.undetermined is not None:
        open_end = answer.undetermined
        facts = {"index": open_end.index, "subject": open_end.subject}
        show(Text(word("undetermined", why=word(f"why-{open_end.code}"), **facts), style="bold yellow"))


def _table(word: Callable[..., str], label: Callable[[str], str], one: Compared) -> Any:
    shown = table(word("who"), word("in-fact"), word("if-so"), word("change"))
    for moved in one.candidates:
        if moved.changed:
            became = "seat-won" if moved.taken_if and not moved.taken else ""
            became = "seat-lost" if moved.taken and not moved.taken_if else became
            fact, supposed_place = place(word, moved.rank, moved.next), place(word, moved.rank_if, moved.next_if)
            shown.add_row(*row(label(moved.candidate), fact, supposed_place, word(became) if became else ""))
    return shown


def place(word: Callable[..., str], rank: int | None, after: int | None) -> str:
    """Return a rank as it is shown, with the place among those left who come next."""
    return "-" if not rank else str(rank) if not after else word("place-next", rank=rank, after=after)
