"""`check-receipt`: is what a receipt proves still in the log that a service shows now (dispute F10)?

Exit code 0 if it is, 1 if the log contradicts the receipt, 2 if the service proves neither.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from api import receipt_checking
from api.cli.options import JsonOption, LangOption
from api.cli.terminal import CliError, Exit, Terminal, terminal
from api.client import Client
from api.receipt_checking import Checked, Standing
from ledger.checkpoint import parse_vkey

_EXITS = {Standing.INCLUDED: Exit.OK, Standing.NOT_INCLUDED: Exit.REFUSED, Standing.UNPROVEN: Exit.CANNOT}
_WAIT_SECONDS = 10


def check_receipt(  # noqa: PLR0913, PLR0917
    receipt: Annotated[Path, typer.Argument(metavar="RECEIPT", help="回执 · .tlog-proof, or a public voter's receipt")],
    server: Annotated[str, typer.Option("--server", metavar="URL", help="服务地址 · the service")],
    vkey: Annotated[list[str], typer.Option("--vkey", metavar="VKEY", help="另行得知的日志公钥 · the log's keys")],
    entry: Annotated[
        Path | None, typer.Option("--entry", metavar="FILE", help="回执所证的条目 · the entry it proves")
    ] = None,
    evidence: Annotated[
        Path, typer.Option("--evidence", metavar="FILE", help="证据写到何处 · where evidence of the fault goes")
    ] = Path("receipt-not-included.json"),
    statement: Annotated[
        Path, typer.Option("--statement", metavar="FILE", help="待签署的发现声明 · the finding, to be signed")
    ] = Path("finding.json"),
    wait: Annotated[
        int, typer.Option("--wait", min=0, max=3600, help="账本较小时再问前的秒数 · seconds before asking again")
    ] = _WAIT_SECONDS,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """核对回执所证的条目是否仍在账本中 · check that what a receipt proves is still in the log."""
    with terminal(lang, as_json) as made:
        keys = [parse_vkey(text) for text in vkey]
        made.origin = keys[-1].name
        with Client(server, keys) as client:
            found = receipt_checking.check(client, _read(receipt), _read(entry) if entry else None, wait)
        _tell(made, found, evidence, statement)
        raise typer.Exit(_EXITS[found.standing])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CliError("FILE_UNREADABLE", path=str(path), reason=error.strerror or "-") from None


def _tell(made: Terminal, found: Checked, evidence: Path, statement: Path) -> None:
    size = found.newest.size if found.newest is not None else 0
    made.show(made.word(f"receipt-{found.standing.value}", index=found.held.index, size=size))
    told: dict[str, Any] = {
        "finding": None,
        "index": found.held.index,
        "newest": size,
        "size": found.held.signed.size,
        "standing": found.standing.value,
        "statement": found.held.statement,
    }
    if found.standing is Standing.NOT_INCLUDED:
        _write(statement, (json.dumps(found.finding(), ensure_ascii=False, indent=1) + "\n").encode())
        made.show(made.sentence(receipt_checking.CODE, {}, "findings"))
        made.show(made.word("finding-to-sign", path=statement))
        told["finding"] = {"code": receipt_checking.CODE, "severity": "breach", "file": str(statement)}
        if found.evidence is not None:
            _write(evidence, found.evidence)
            made.show(made.word("receipt-evidence", path=evidence))
            told["evidence"] = str(evidence)
    made.give({"receipt": told})


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None
