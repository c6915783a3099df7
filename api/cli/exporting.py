"""`export`: one published size of the log as files that anybody checks without us."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import Terminal, terminal
from ledger.evidence_opening import open_evidence
from ledger.opening import open_store, read_home
from ledger.statements import decode_own_entry
from projections.bundle import Exported, write_export
from projections.bundle_source import StoredSource
from projections.disclosure import Audience


def export(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="新文件夹，或以 .zip 结尾的文件 · a new folder, or a zip"),
    ],
    audience: Annotated[
        Audience, typer.Option("--audience", help="给谁：公众或审计人员 · for whom; auditors get every entry")
    ],
    size: Annotated[
        int | None, typer.Option("--at", metavar="SIZE", min=1, help="导出到多少条，默认最多 · how many entries")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """导出可离线核验的文件：公开版本或审计版本 · files that anyone can check offline, public or for auditors."""
    with terminal(lang, as_json) as made:
        found = read_home(home)
        made.origin = found.origin
        with open_store(found) as store:
            charter = store.entry(0)
            made.rehearsal = bool(charter and decode_own_entry(charter).body.rehearsal)
            with made.progress("exporting", store.size()) as advance:
                source = StoredSource(store, found, open_evidence(found, store), advance)
                done = write_export(source, path, audience, size, progress=advance)
        _tell(made, done)


def _tell(made: Terminal, done: Exported) -> None:
    made.show(made.word("exported", path=done.path, files=done.files, size=done.size, root=done.root.hex()))
    made.show(made.word(f"exported-{done.audience}", **done.counts))
    told = {
        "audience": done.audience.value,
        "counts": done.counts,
        "files": done.files,
        "path": str(done.path),
        "root": done.root.hex(),
        "size": done.size,
    }
    made.give({"export": told})
