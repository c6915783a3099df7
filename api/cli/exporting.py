"""`export`: one published size of the log as files that anybody checks without us."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import Terminal, terminal
from api.verifier_file import verifier_bytes
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
    with_verifier: Annotated[
        bool, typer.Option("--with-verifier/--no-verifier", help="附上核验程序 verify.pyz · enclose the verifier")
    ] = True,
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
                enclosed = verifier_bytes() if with_verifier else None
                done = write_export(source, path, audience, size, enclosed, advance)
        _tell(made, done, enclosed)


def _tell(made: Terminal, done: Exported, enclosed: bytes | None) -> None:
    made.show(made.word("exported", path=done.path, files=done.files, size=done.size, root=done.root.hex()))
    made.show(made.word(f"exported-{done.audience}", **done.counts))
    digest = None if enclosed is None else sha256(enclosed).hexdigest()
    if digest is not None:
        made.show(made.word("exported-verifier", digest=digest))
    told = {
        "audience": done.audience.value,
        "counts": done.counts,
        "files": done.files,
        "path": str(done.path),
        "root": done.root.hex(),
        "size": done.size,
        "verifier": digest,
    }
    made.give({"export": told})
