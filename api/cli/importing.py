"""`import`, `compare-announced`, `export-tables`: a selection held elsewhere, checked whole, appended, compared."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from api.as_of import moment
from api.cli.import_telling import give_dry_run, give_problems, tell_comparison
from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, LangOption
from api.cli.secrets_of import open_key
from api.cli.terminal import CliError, Exit, Terminal, terminal
from api.cli.view import opened
from api.importing.announced import read_announced
from api.importing.clerk import SequencedClerk, described
from api.importing.example import example_folder
from api.importing.people import Names
from api.importing.programme_file import programme_of
from api.importing.reading import Selected, read
from api.importing.template import explained, write_template
from api.importing.writing import write_tables
from api.witness.own_log import witnessed
from ledger.importing import DryRun, ImportRefusedError, countersign, dry_run
from ledger.importing import run as append
from ledger.opening import open_sequencer, open_store, read_home
from ledger.procedure.programme import Programme
from ledger.sequencer import Sequencer
from projections.announced import compare
from projections.announced_live import basis_of_state
from projections.announced_rows import Based, basis_of_rows, rows_of_log
from projections.selection_tables import tables_of

FolderArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[FOLDER]", help="表格所在的文件夹，或一个工作簿 · folder of tables, or one workbook"),
]
ProgrammeOption = Annotated[
    str | None,
    typer.Option("--programme", metavar="FILE|LABEL", help="程序文件；默认为文件夹里的 programme.toml · the programme"),
]


def import_(  # noqa: PLR0913, PLR0917
    folder: FolderArgument = None,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="只推定结果、列出问题，不写入 · derive and check, append nothing")
    ] = False,
    programme: ProgrammeOption = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="录入人的私钥文件 · the clerk's key file")
    ] = None,
    second: Annotated[
        Path | None,
        typer.Option("--second-key", metavar="FILE", help="复核人的私钥文件 · the second clerk's key file"),
    ] = None,
    source: Annotated[
        str, typer.Option("--source", metavar="TEXT", help="资料来源，如“2025年卷宗” · where the papers are")
    ] = "-",
    first: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="所证期间之始 · first time attested")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="TIME", help="所证期间之终 · last time attested")] = None,
    now: Annotated[
        str | None, typer.Option("--now", metavar="TIME", help="演练的模拟时刻 · the simulated time of a rehearsal")
    ] = None,
    template: Annotated[
        Path | None, typer.Option("--template", metavar="OUT.xlsx", help="写出空白工作簿 · write a workbook to fill in")
    ] = None,
    columns: Annotated[bool, typer.Option("--columns", help="说明各表各列 · explain tables and columns")] = False,
    example: Annotated[
        Path | None, typer.Option("--example", metavar="FOLDER", help="写出示例 · write a worked example")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """导入在别处办理的选树：先全部检查，再一次录入 · bring in a selection held elsewhere, whole or not at all."""
    with terminal(lang, as_json) as made:
        if columns or template is not None or example is not None:
            _explain(made, columns, template, example)
            return
        if folder is None:
            raise CliError("INPUT_INVALID", reason="FOLDER")
        if dry:
            rules = programme_of(programme, folder)
            _checked(made, folder, rules, None)
            return
        if key is None:
            raise CliError("KEY_NEEDED")
        found = read_home(home)
        with open_store(found) as store, open_sequencer(found, store, witnessed=witnessed(found)) as sequencer:
            rules = _governing(made, sequencer)
            offset = rules.utc_offset_minutes
            attested = (moment(first, offset), moment(last, offset)) if first and last else None
            selected, run = _checked(made, folder, rules, attested)
            at = moment(now, offset) if now else None
            clerk = SequencedClerk(sequencer, open_key(made, key), at)
            other = SequencedClerk(sequencer, open_key(made, second), at) if second else None
            _append(made, clerk, other, selected, run, rules, source, attested)


def _explain(made: Terminal, columns: bool, template: Path | None, example: Path | None) -> None:
    if template is not None:
        write_template(template)
        made.show(made.word("template-written", path=template))
    if example is not None:
        shutil.copytree(example_folder(), example, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        made.show(made.word("example-written", path=example))
    lines = list(explained()) if columns else []
    if not made.as_json:
        # Markdown is for files: a terminal's width must not break its lines.
        typer.echo("\n".join(lines), nl=bool(lines))
    made.give({"columns": lines, "example": str(example or ""), "template": str(template or "")})


def _governing(made: Terminal, sequencer: Sequencer) -> Programme:
    if sequencer.state.sealed is None:
        raise CliError("CHARTER_MISSING")
    made.origin, made.rehearsal = sequencer.state.sealed.origin, sequencer.state.sealed.rehearsal
    return sequencer.state.charter.latest.programme


def _read(made: Terminal, folder: Path, rules: Programme) -> Selected:
    """Read all tables, or tell everything that is wrong with the files."""
    with made.progress("reading-tables", None) as advance:
        selected = read(folder, rules.utc_offset_minutes, lambda table, rows: advance(rows))
    if selected.problems:
        give_problems(made, selected, ())
        raise typer.Exit(Exit.REFUSED)
    return selected


def _checked(
    made: Terminal, folder: Path, rules: Programme, attested: tuple[int, int] | None
) -> tuple[Selected, DryRun]:
    """Decide everything; ends the command where anything stands against it."""
    selected = _read(made, folder, rules)
    with made.progress("deciding-rows", sum(selected.rows.values())) as advance:
        run = dry_run(rules, selected.source, period=attested, progress=lambda table, rows: advance(rows))
    if not run.admissible:
        give_problems(made, selected, run.problems, run.problem_count)
        raise typer.Exit(Exit.REFUSED)
    give_dry_run(made, selected, run, rules)
    return selected, run


def _append(
    made: Terminal,
    clerk: SequencedClerk,
    other: SequencedClerk | None,
    selected: Selected,
    run: DryRun,
    rules: Programme,
    source: str,
    attested: tuple[int, int] | None,
) -> None:
    description = described(selected.paths, run, source, attested)
    try:
        with made.progress("appending-rows", sum(run.rows.values())) as advance:
            completion = append(
                clerk, rules, selected.source, description, run, progress=lambda table, rows: advance(rows)
            )
        made.show(made.word("import-waits", index=completion.index))
        if other is not None:
            signed = countersign(other, completion)
            made.show(made.word("import-completed", index=signed.index))
    except ImportRefusedError as error:
        made.refused(error.refusal)
        raise typer.Exit(Exit.REFUSED) from None


def compare_announced(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="公布的结果（CSV 或 XLSX）· the announced result")],
    tables: Annotated[
        Path | None,
        typer.Option("--tables", metavar="FOLDER", help="不用账本，与这些表格对照 · these tables, no ledger"),
    ] = None,
    programme: ProgrammeOption = None,
    stages: Annotated[
        list[str] | None, typer.Option("--stage", metavar="STAGE", help="只对照该阶段 · this stage alone")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """公布的结果与推定的不同之处及其原因 · where an announced result differs from the derived one, and why."""
    with terminal(lang, as_json) as made:
        if tables is not None:
            rules = programme_of(programme, tables)
            selected = _read(made, tables, rules)
            based = basis_of_rows(rules, selected.source)
            _compare(made, file, based, selected, rules, stages)
            return
        with opened(made, home, at) as view:
            rules = view.state.charter.latest.programme
            names = Names()
            for person, name in view.cast.names.items():
                names.add(person, name)
            if view.state.imports.completed is not None:
                based = basis_of_rows(rules, rows_of_log(view.acts))
            else:
                based = Based(basis_of_state(view.state, view.seen_at), ())
            _compare(made, file, based, Selected(names=names), rules, stages)


def _compare(
    made: Terminal, file: Path, based: Based, selected: Selected, rules: Programme, stages: list[str] | None
) -> None:
    if based.basis is None:
        give_problems(made, selected, based.problems)
        raise typer.Exit(Exit.REFUSED)
    announced = read_announced(file, rules.utc_offset_minutes, selected.names)
    if announced.problems:
        give_problems(made, Selected(problems=announced.problems), ())
        raise typer.Exit(Exit.REFUSED)
    found = compare(announced.rows, based.basis)
    kept = tuple(one for one in found if not stages or one.stage in stages)
    tell_comparison(made, kept, based.problems, selected.names, len(announced.rows))
    if kept:
        raise typer.Exit(Exit.REFUSED)


def export_tables(
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="写到此文件夹 · the folder to write to")],
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """把选树写成表格（CSV），可以再导入 · write a selection as tables that can be imported again."""
    with terminal(lang, as_json) as made, opened(made, home, at) as view:
        done = view.state.imports.completed
        source = rows_of_log(view.acts) if done is not None else tables_of(view.state, view.acts)
        counts = write_tables(out, {name: (line.cells for line in read_()) for name, read_ in source.items()})
        view.give({"tables": counts})
        for name, rows in counts.items():
            made.show(made.word("table-written", table=name, rows=rows))
