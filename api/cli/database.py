"""`db`: install the log in a database as its administrator, and name the guards that are missing."""

from typing import Annotated

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import Exit, Terminal, terminal
from ledger.evidence_schema import install_evidence
from ledger.opening import DEFAULT_SCHEMA, SERVICE_ROLE, open_store, read_home
from ledger.statements import decode_own_entry
from ledger.store.access import install_access
from ledger.store.installation import install as install_log
from ledger.store.readers import install_readers

app = typer.Typer(help="数据库 · the database", no_args_is_help=True)


@app.command("install")
def install(
    admin_dsn: Annotated[
        str,
        typer.Option(
            "--admin-dsn", envvar="BALLOT_LEDGER_ADMIN_DSN", help="管理员连接串 · the administrator's connection string"
        ),
    ],
    schema: Annotated[str, typer.Option("--schema", help="模式名 · the log's schema")] = DEFAULT_SCHEMA,
    role: Annotated[str, typer.Option("--role", help="服务角色 · the service's role")] = SERVICE_ROLE,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """安装：表、函数、角色、触发器 · schema, functions, roles, triggers; harmless where they are there already."""
    with terminal(lang, as_json) as made:
        missing = install_log(admin_dsn, schema, role)
        install_readers(admin_dsn, schema, role)
        install_evidence(admin_dsn, schema, role)
        install_access(admin_dsn, schema, role)
        _tell(made, schema, missing)


@app.command("check")
def check(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """检查防护是否齐全 · which guards are missing."""
    with terminal(lang, as_json) as made:
        found = read_home(home)
        made.origin = found.origin
        with open_store(found) as store:
            missing, charter = store.guards(), store.entry(0)
        made.rehearsal = bool(charter and decode_own_entry(charter).body.rehearsal)
        _tell(made, found.schema, missing)


def _tell(made: Terminal, schema: str, missing: list[str]) -> None:
    made.show(made.word("guards-missing" if missing else "guards-complete", schema=schema, missing=len(missing)))
    made.show(*(f"  - {guard}" for guard in missing))
    made.give({"missing": missing, "schema": schema})
    if missing:
        raise typer.Exit(Exit.REFUSED)
