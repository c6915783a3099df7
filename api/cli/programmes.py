"""`programme`: the rules as a file: which ones ship, what a file says, what is wrong with it, how two differ."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from api.cli.options import JsonOption, LangOption
from api.cli.terminal import Exit, Terminal, row, table, terminal
from ledger.procedure.programme import Programme
from ledger.procedure.programme_value import difference, programme_from_value, stages_touched, warnings
from ledger.programmes import load_file, load_shipped, programme_hash, shipped

app = typer.Typer(help="方案文件 · programme files", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="随附方案的标签，或文件 · a shipped label, or a file")]


def _load(name: str) -> Mapping[str, Any]:
    return load_shipped(name) if name in shipped() else load_file(Path(name))


@app.command("list")
def list_shipped(as_json: JsonOption = False, lang: LangOption = None) -> None:
    """随附的方案 · the programmes that ship."""
    with terminal(lang, as_json) as made:
        found = {label: programme_from_value(load_shipped(label)) for label in shipped()}
        shown = table(made.word("programme"), made.word("title"), made.word("seats"))
        for label, programme in found.items():
            shown.add_row(*row(label, programme.title, programme.seats))
        made.show(shown)
        made.give({"programmes": [{"label": label, "title": one.title} for label, one in found.items()]})


@app.command("check")
def check(name: NameArgument, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """检查方案：一次列出全部错误，注明键和行 · every error at once, with key and line; then what is undeclared."""
    with terminal(lang, as_json) as made:
        value = _load(name)
        undeclared = warnings(value)
        made.show(made.word("programme-sound", hash=programme_hash(value), warnings=len(undeclared)))
        told = [{"code": one.code, "path": one.path, "text": _told(made, one.code, one.facts)} for one in undeclared]
        made.show(*(f"  ! {one['path']}  {one['code']}  {one['text']}" for one in told))
        made.give({"hash": programme_hash(value), "warnings": told})
        if undeclared:
            raise typer.Exit(Exit.REFUSED)


@app.command("show")
def show(name: NameArgument, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """方案写了什么：阶段、条款、全部读法 · what a programme says: stages, clauses and every reading."""
    with terminal(lang, as_json) as made:
        value = _load(name)
        programme = programme_from_value(value)
        made.show(Text(f"{programme.title} · {programme.reference}", style="bold"))
        made.show(_stages(made, programme), _readings(made, programme))
        made.give({"hash": programme_hash(value), "programme": dict(value)})


@app.command("difference")
def differ(
    old: NameArgument,
    new: Annotated[str, typer.Argument(help="另一方案 · the other programme")],
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """两份方案的差别，以及涉及的阶段 · what an amendment would show, and which stages it touches."""
    with terminal(lang, as_json) as made:
        before, after = _load(old), _load(new)
        changes, touched = difference(before, after), stages_touched(before, after)
        shown = table(made.word("place-in-file"), made.word("before"), made.word("after"))
        for path, was, becomes in changes:
            shown.add_row(*row(path, was, becomes))
        made.show(shown, made.word("stages-touched", stages=", ".join(touched) or "-"))
        told = [{"path": path, "before": was, "after": becomes} for path, was, becomes in changes]
        made.give({"difference": told, "stages": list(touched)})


def _told(made: Terminal, code: str, facts: Mapping[str, str | int]) -> str:
    return made.sentence(code, facts, "programme")


def _stages(made: Terminal, programme: Programme) -> Any:
    shown = table(made.word("stage"), made.word("clause"), made.word("kind"))
    for stage in programme.stages:
        shown.add_row(*row(f"{stage.id} {stage.title}", stage.clause, stage.kind.value))
    return shown


def _readings(made: Terminal, programme: Programme) -> Any:
    shown = table(made.word("reading-of-rule"), made.word("clause"), made.word("question"), made.word("chosen"))
    for reading in programme.readings:
        others = f"（{' / '.join(reading.alternatives)}）" if reading.alternatives else ""
        shown.add_row(*row(reading.id, reading.clause, reading.question, reading.chosen + others))
    return shown
