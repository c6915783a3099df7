"""`tables`: what follows from the log as tables in PostgreSQL: rebuilt, followed, held against the log, asked."""

from datetime import date, datetime
from typing import Annotated, Any

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import Exit, Terminal, row, table, terminal
from ledger.opening import open_store, read_home
from ledger.statements import decode_own_entry
from ledger.store.store import Store
from projections.drift import CODE, SEVERITY, Comparison, compare
from projections.inspecting import ask, questions, sql_of, title_of
from projections.live import live, released_size
from projections.plain import to_json
from projections.tables import open_tables

app = typer.Typer(help="推算出的数据表 · the derived tables", no_args_is_help=True)


def _mark(made: Terminal, store: Store) -> None:
    charter = store.entry(0)
    if charter is not None:
        body = decode_own_entry(charter).body
        made.origin, made.rehearsal = body.origin, body.rehearsal


@app.command("rebuild")
def rebuild(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """从第 0 条重建全部数据表并一次换入 · build all tables anew and swap them in at once."""
    with terminal(lang, as_json) as made, open_store(read_home(home)) as store:
        _mark(made, store)
        with (
            made.progress("reading", released_size(store)) as advance,
            live(store, advance, anew=True) as tables,
        ):
            _told(made, tables.size, tables.tables.schema, "tables-rebuilt")


@app.command("follow")
def follow(
    once: Annotated[bool, typer.Option("--once", help="补到最新即止 · stop once they are current")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """随账本更新数据表，直到中断 · keep the tables current until interrupted."""
    with terminal(lang, as_json) as made, open_store(read_home(home)) as store:
        _mark(made, store)
        with made.progress("reading", released_size(store)) as advance, live(store, advance) as tables:
            tables.catch_up(advance)
            _told(made, tables.size, tables.tables.schema, "tables-rebuilt" if tables.rebuilt else "tables-current")
            if not once:
                tables.follow(advance)


def _told(made: Terminal, size: int, schema: str, name: str) -> None:
    made.show(made.word(name, size=size, schema=schema))
    made.give({"schema": schema, "size": size})


@app.command("status")
def status(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """数据表截至何处，落后多少；落后时退出码为 1 · how far the tables are; exit code 1 while they lag."""
    with terminal(lang, as_json) as made, open_store(read_home(home)) as store, open_tables(store) as tables:
        _mark(made, store)
        position, released = tables.position(), released_size(store)
        size = position.size if position else 0
        told = tables.contents() if position else {}
        contents = {name: {"content_hash": digest, "rows": rows} for name, (rows, digest) in sorted(told.items())}
        hashed = position.content_hash if position else None
        made.show(made.word("tables-status", schema=tables.schema, size=size, released=released))
        made.show(*(f"  {name}  {one['rows']}" for name, one in contents.items()))
        made.give({"content_hash": hashed, "released": released, "size": size, "tables": contents})
        if position is None or size != released:
            raise typer.Exit(Exit.REFUSED)


@app.command("check")
def check(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """由账本重算并逐行对照；不一致时退出码为 1 · derive all tables again and compare; exit code 1 on drift."""
    with terminal(lang, as_json) as made, open_store(read_home(home)) as store, open_tables(store) as tables:
        _mark(made, store)
        with made.progress("reading", released_size(store)) as advance:
            found = compare(tables, store, advance)
        _compared(made, found)
        if found.drifts or found.told != found.derived:
            raise typer.Exit(Exit.REFUSED)


def _compared(made: Terminal, found: Comparison) -> None:
    sentence = made.sentence(CODE, {}, "findings")
    drifted = [{"code": CODE, "severity": SEVERITY, "text": sentence} | to_json(one) for one in found.drifts]
    made.give({"derived": found.derived, "findings": drifted, "size": found.size, "told": found.told})
    if not drifted and found.told == found.derived:
        made.show(made.word("tables-agree", size=found.size, digest=found.derived))
        return
    made.show(f"{CODE}  {sentence}")
    for one in found.drifts:
        where = ", ".join(f"{name}={value}" for name, value in one.row.items()) or "-"
        made.show(f"  {one.table}  {one.how}  {where}")


@app.command("query")
def query(
    question: Annotated[str | None, typer.Argument(help="问题名；不写则列出 · its name; without, all")] = None,
    show_sql: Annotated[bool, typer.Option("--sql", help="只显示 SQL · show the SQL only")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """以审查人员的只读身份回答现成的问题 · answer a worked question as a reader may."""
    with terminal(lang, as_json) as made:
        if question is None:
            made.give({"queries": {one: title_of(one) for one in questions()}})
            made.show(*(f"{one}  {title_of(one)}" for one in questions()))
            return
        sql = sql_of(question)
        if show_sql:
            made.give({"sql": sql})
            made.show(sql)
            return
        with open_store(read_home(home)) as store, open_tables(store) as tables:
            _mark(made, store)
            found = ask(tables, sql)
            shown = table(*found.columns)
            for each in found.rows:
                shown.add_row(*row(*map(_plain, each)))
            made.show(made.word("tables-answer", title=title_of(question), size=found.size), shown)
            rows = [dict(zip(found.columns, map(_plain, each), strict=True)) for each in found.rows]
            made.give({"as_of": found.size, "rows": rows})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
