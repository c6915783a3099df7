"""`recover`: bring a log back from exports, published folders and receipts after its database lost entries."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, Terminal, terminal
from ledger.opening import Home, forks_on_file, founding_key, open_store, opened_pin, read_home
from ledger.recovery import Recovered, Sources, pin_attempts, recover
from ledger.recovery_sources import RECEIPT, Files, read_source
from ledger.store import Store
from projections.bundle_zip import CanonicalZip

STATEMENT = "log.recovered.json"


def recover_(
    source: Annotated[
        list[Path],
        typer.Option("--from", metavar="PATH", help="导出包、发布目录或回执（可多次）· exports, folders, receipts"),
    ],
    reason: Annotated[str, typer.Option("--reason", help="事由，写入声明 · the reason, for the statement")] = "",
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """从导出与回执恢复丢失的记录，再由监督部门签署说明 · bring lost entries back, verbatim."""
    with terminal(lang, as_json) as made:
        found = read_home(home)
        made.origin = found.origin
        with (
            open_store(found) as store,
            opened_pin(found.pin) as pin,
            opened_pin(found.attempts_pin) as attempts_pin,
            ExitStack() as archives,
        ):
            sources = read_sources(source, store, archives)
            done = recover(store, founding_key(found), pin, sources, forks_on_file(found))
            attempts = pin_attempts(store, done.keys, attempts_pin)
        if attempts is not None:
            made.show(made.word("attempts-pinned", size=attempts))
        tell(made, found, done, sources, reason)


def read_sources(paths: list[Path], store: Store, archives: ExitStack) -> Sources:
    """Read every source; raises `CliError` `RECOVERY_SOURCE` for what cannot be read.

    Zips stay open with `archives`: ballots are read from them only when they are put back.
    """
    sources, size = Sources(), store.size()
    for path in paths:
        if path.is_file() and path.suffix == ".zip":
            archive = CanonicalZip(archives.enter_context(path.open("rb")))
            read_source(sources, {name: _member(archive, name) for name in archive.members}, size)
        else:
            files = files_of(path)
            if not files:
                raise CliError("RECOVERY_SOURCE", path=str(path))
            read_source(sources, files, size)
    return sources


def _member(archive: CanonicalZip, name: str) -> Callable[[], bytes]:
    return lambda: b"".join(archive.read(name))


def files_of(path: Path) -> Files:
    """Return the files of a folder by their paths in it; of a receipt alone, it and the entry beside it."""
    if path.is_dir():
        return {file.relative_to(path).as_posix(): file.read_bytes for file in path.rglob("*") if file.is_file()}
    name = path.name if path.suffix == RECEIPT else "checkpoint"
    files: dict[str, Any] = {name: path.read_bytes} if path.is_file() else {}
    beside = path.with_suffix(".entry")
    return files | ({beside.name: beside.read_bytes} if beside.is_file() else {})


def tell(made: Terminal, home: Home, done: Recovered, sources: Sources, reason: str) -> None:
    """Say what came back, and write the body of the statement that records it."""
    body = {
        "reason": reason or "-",
        "recovered_to": done.recovered_to,
        "size": done.size,
        "sources": sorted(set(sources.digests)),
    }
    told: dict[str, Any] = {"body": body, "checkpoints": done.checkpoints, "statement": None}
    if done.recovered_to > done.size:
        path = home.folder / STATEMENT
        statement = json.dumps({"body": body, "kind": "log.recovered"}, ensure_ascii=False, indent=1)
        path.write_text(f"{statement}\n", "utf-8")
        made.show(made.word("recovered", size=done.size, to=done.recovered_to, checkpoints=done.checkpoints))
        made.show(made.word("recovered-sign", path=path))
        told["statement"] = str(path)
    else:
        made.show(made.word("nothing-missing", size=done.size))
    made.give({"recovered": told})
