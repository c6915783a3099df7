"""`known`: what was known at a position or time, beside what should have been known by when things happened."""

from typing import Any

from api.as_of import known_at, moment, offset_of
from api.cli.explaining import cited
from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.terminal import Terminal, row, table, terminal
from api.cli.view import opened
from projections.knowledge import Knowledge, knowledge
from projections.plain import to_json


def known(
    home: HomeOption = DEFAULT_HOME, at: AtOption = None, as_json: JsonOption = False, lang: LangOption = None
) -> None:
    """当时所知，与当时按实际发生本应所知 · what was known then, and what should have been by effective time."""
    with terminal(lang, as_json) as made, opened(made, home) as view:
        if at is None or at.isdigit():
            found = knowledge(view.acts, size=known_at(view.acts, at))
        else:
            found = knowledge(view.acts, until=moment(at, offset_of(view.acts)))
        view.give({"knowledge": to_json(found)})
        made.show(
            made.word("known-at", size=found.size, time=found.civil[:16], later=found.later), _counts(made, found)
        )
        for one in found.differences:
            entries = (one.index,) if one.effective is None else (one.index, one.effective)
            made.show(made.word("not-yet-known", happened=one.happened[:16], known=one.known[:16]))
            made.show(f"  {view.say(one)}{''.join(text for text, _ in cited(entries))}")


def _counts(made: Terminal, found: Knowledge) -> Any:
    shown = table(*(made.word(name) for name in ("about", "was-known", "should-be-known")))
    for one in found.compared:
        shown.add_row(*row(f"{one.matter.value} {one.subject}", one.known, one.should))
    return shown
