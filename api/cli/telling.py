"""`story`: how every place came about, from the ballots to the naming: as text, as data, and as a picture."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from api.cli.explaining import cited
from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError
from api.cli.view import View, viewing
from projections.bump_chart import Caption, bump_chart
from projections.plain import to_json
from projections.story import Story, stories, story_of_person, story_of_seat
from projections.ways import Ways, listed, ways
from projections.words import Both, Fact, Speaker

LONGEST_TITLE = 3
"""From so many people on, a picture's title does not name them."""


def story(
    person: Annotated[str | None, typer.Argument(metavar="[PERSON]", help="人员 · the person")] = None,
    seat: Annotated[int | None, typer.Option("--seat", min=1, metavar="N", help="第几个名额 · the place")] = None,
    everything: Annotated[bool, typer.Option("--all", help="全部名额 · every place")] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="画成图，写入此文件 · draw it into this file")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """一个名额的来路：选票、并列、递补、公示、命名 · the story of a seat: ballots, ties, vacancies, notices, naming."""
    with viewing(home, lang, as_json, at) as view:
        told = _told(view, person, seat, everything)
        highlighted = () if everything else (told[0].person,) if seat is None else told[0].holders
        found = ways(view.state, view.seen_at, {*listed(view.state), *highlighted}, _speaker(view))
        if svg is not None:
            _write(svg, _picture(view, found, highlighted))
        view.give({"stories": to_json(told), "ways": to_json(found)} | ({"svg": str(svg)} if svg else {}))
        view.terminal.show(view.heading(view.terminal.word("story")))
        if svg is not None:
            view.terminal.show(view.terminal.word("picture-written", path=svg))
        elif not told:
            view.terminal.show(view.terminal.word("no-final-order"))
        else:
            for one in told:
                _show(view, one)


def _told(view: View, person: str | None, seat: int | None, everything: bool) -> tuple[Story, ...]:
    if [person is not None, seat is not None, everything].count(True) != 1:
        raise CliError("STORY_OF_WHAT")
    if person is not None:
        return (story_of_person(view.state, view.person(person), view.seen_at, view.names),)
    if seat is None:
        return stories(view.state, view.seen_at, view.names)
    found = story_of_seat(view.state, seat, view.seen_at, view.names)
    if found is None:
        final = view.state.rounds.final
        raise CliError("SEAT_UNKNOWN", asked=seat, seats=len(final.nominees) if final else 0)
    return (found,)


def _show(view: View, told: Story) -> None:
    word = view.terminal.word
    who = view.label(told.person)
    title = word("story-of", who=who) if told.seat is None else word("story-of-seat", who=who, seat=told.seat)
    view.terminal.show("", Text(title, style="bold"))
    for chapter in told.chapters:
        view.terminal.show(Text(f"  {view.say(chapter.title)}", style="bold cyan"))
        for sentence in chapter.sentences:
            view.terminal.show(Text.assemble("    ", view.say(sentence), *cited(sentence.entries, sentence.clause)))


def _speaker(view: View) -> Speaker:
    """Who names people in a picture: by the invented names of a rehearsal alone."""
    return Speaker.of(view.state, view.cast.names)


def _picture(view: View, found: Ways, highlighted: Collection[str]) -> bytes:
    state, speaker = view.state, _speaker(view)
    if state.sealed is None:
        raise CliError("NOTHING_TO_DRAW")
    programme = state.charter.latest.programme
    selection = Both(programme.title, programme.label)
    if not found.columns:
        raise CliError("NOTHING_TO_DRAW")

    def said(code: str, **facts: Fact) -> Both:
        sentence = speaker.say("reasons", code, "", **facts)
        return Both(sentence.zh, sentence.en)

    people = tuple(speaker.names.get(one, one[:8]) for one in highlighted)
    several = len(people) > LONGEST_TITLE or not people
    code = "CHART_TITLE" if several else "CHART_TITLE_OF"
    title = said(code, selection=selection, people=people)
    remark = said("CHART_REMARK", size=state.size, at=state.at)
    caption = Caption(title, remark, state.charter.rehearsal)
    return bump_chart(found, caption, speaker, view.terminal.language, highlighted)


def _write(path: Path, picture: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=str(error.strerror)) from None
