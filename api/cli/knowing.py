"""`known`: what was known then, beside what should have been; and who could have known interim results, and when.

`first-uses`: keys that were first used from the session of somebody who enrols keys, from the service's record.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from api.as_of import known_at, moment, offset_of
from api.cli.explaining import cited
from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, Exit, Terminal, row, table, terminal
from api.cli.view import View, opened
from api.readings import noted_uses, recorded_readings
from projections.first_uses import first_uses as uses_of
from projections.interim import Secret, interim
from projections.knowledge import Knowledge, knowledge
from projections.plain import to_json
from projections.words import NOBODY


def known(
    home: HomeOption = DEFAULT_HOME, at: AtOption = None, as_json: JsonOption = False, lang: LangOption = None
) -> None:
    """当时所知，与当时按实际发生本应所知 · what was known then, and what should have been by effective time."""
    from api.http.audience import READERS, What  # noqa: PLC0415

    with terminal(lang, as_json) as made, opened(made, home) as view:
        if at is None or at.isdigit():
            found = knowledge(view.acts, size=known_at(view.acts, at))
        else:
            found = knowledge(view.acts, until=moment(at, offset_of(view.acts)))
        readings = recorded_readings(view.store)
        secrets = interim(view.state, view.acts, READERS[What.LISTS], readings, NOBODY if as_json else view.names)
        view.give({"interim": to_json(secrets), "knowledge": to_json(found)})
        made.show(
            made.word("known-at", size=found.size, time=found.civil[:16], later=found.later), _counts(made, found)
        )
        for one in found.differences:
            entries = (one.index,) if one.effective is None else (one.index, one.effective)
            made.show(made.word("not-yet-known", happened=one.happened[:16], known=one.known[:16]))
            made.show(f"  {view.say(one)}{''.join(text for text, _ in cited(entries))}")
        _tell_interim(view, secrets)


def _tell_interim(view: View, secrets: tuple[Secret, ...]) -> None:
    """Tell, for each vote, who could have known before it was announced."""
    if secrets:
        view.terminal.show(view.terminal.word("could-have-known"))
    for secret in secrets:
        span = "…".join(str(one) for one in (secret.opened, secret.certified) if one is not None)
        view.terminal.show(f"  {secret.subject} [{span}]")
        for one in secret.knowers:
            view.terminal.show(f"    {view.say(one)}{''.join(text for text, _ in cited(one.entries))}")


def first_uses(
    home: HomeOption = DEFAULT_HOME,
    statements: Annotated[
        Path | None,
        typer.Option("--statements", metavar="FOLDER", help="待签署的发现声明写到何处 · where the findings go"),
    ] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """首次使用来自登记人员会话的密钥 · keys that were first used from the session of somebody who enrols keys."""
    with terminal(lang, as_json) as made, opened(made, home) as view:
        found = uses_of(view.state, view.acts, noted_uses(view.store))
        told = [to_json(one) | {"statement": one.finding()} for one in found]
        view.give({"first_uses": told})
        for one in found:
            made.show(made.sentence(one.code, {}, "findings"))
            cites = "".join(text for text, _ in cited((one.enrolled, one.used)))
            made.show(f"  {view.label(one.member)} ← {view.label(one.admin)} ({one.how}){cites}")
            if statements is not None:
                path = statements / f"{one.code.lower()}-{one.used}.json"
                _write(path, one.finding())
                made.show(made.word("finding-to-sign", path=path))
        if found:
            raise typer.Exit(Exit.REFUSED)


def _write(path: Path, statement: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(statement, ensure_ascii=False, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None


def _counts(made: Terminal, found: Knowledge) -> Any:
    shown = table(*(made.word(name) for name in ("about", "was-known", "should-be-known")))
    for one in found.compared:
        shown.add_row(*row(f"{one.matter.value} {one.subject}", one.known, one.should))
    return shown
