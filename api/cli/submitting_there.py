"""`submit` and `countersign` with `--server`: the same over HTTP, with no ledger's folder at hand.

The log's public key is given, not asked of the server: what the server answers is held against it before it is kept.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from api.as_of import moment
from api.cli.terminal import CliError, Exit, Terminal
from api.cli.view import civil
from api.client import Client, Declined, Receipted
from ledger.checkpoint import parse_vkey
from ledger.statements import open_envelope

ServerOption = Annotated[
    str | None, typer.Option("--server", metavar="URL", help="经 HTTP 提交到此服务 · hand in to this service over HTTP")
]
VkeyOption = Annotated[
    str | None,
    typer.Option("--vkey", metavar="VKEY", help="与 --server 同用：另行得知的日志公钥 · the log's public key"),
]
FOLDER = Path("receipts")
OFFSET_MINUTES = 480
"""A time without its offset is one of UTC+8; the service knows the programme's, and judges by its own clock."""

Sign = Callable[[Client], bytes]


def submit_there(
    made: Terminal,
    server: str,
    vkey: str | None,
    sign: Sign,
    now: str | None,
    receipt: Path | None,
    signed: Path | None = None,
) -> None:
    """Sign with what the server's form says, hand in, and keep the receipt once it holds.

    With `signed` nothing is handed in: the envelope goes to that file, for whoever is to bring it.
    """
    if vkey is None:
        raise CliError("VKEY_NEEDED")
    key = parse_vkey(vkey)
    made.origin = key.name
    at = moment(now, OFFSET_MINUTES) if now else None
    with Client(server, [key]) as client:
        envelope = sign(client)
        if signed is not None:
            keep_signed(made, signed, envelope)
            return
        answer = client.submit(envelope, at)
    if isinstance(answer, Declined):
        made.refused(answer.refusal, keep_refusal(answer, receipt))
        raise typer.Exit(Exit.REFUSED)
    path = receipt or FOLDER / f"{answer.index}.tlog-proof"
    write_file(path, answer.receipt)
    write_file(path.with_suffix(".entry"), answer.entry)
    _tell(made, answer, open_envelope(envelope).statement.type, path)


def keep_signed(made: Terminal, path: Path, envelope: bytes) -> None:
    """Write a signed envelope to a file; whoever has it can hand it in, once or many times, to one entry."""
    write_file(path, envelope)
    statement = open_envelope(envelope)
    made.show(made.word("signed-at", type=statement.statement.type, path=path))
    made.give({"signed": {"path": str(path), "statement": statement.id.hex(), "type": statement.statement.type}})


def keep_refusal(answer: Declined, receipt: Path | None) -> Path | None:
    """Write the receipt of a refused attempt, if there is one, with the attempt; return where it is."""
    if answer.receipt is None or answer.attempt is None:
        return None
    number = answer.receipt.split(b"\n", 2)[1].removeprefix(b"index ").decode("ascii", "replace")
    path = receipt or FOLDER / f"refused-{number if number.isdigit() else 'attempt'}.tlog-proof"
    write_file(path, answer.receipt)
    write_file(path.with_suffix(".attempt"), answer.attempt)
    return path


def write_file(path: Path, data: bytes) -> None:
    """Write a file, its folder too; raises `CliError` `FILE_UNWRITABLE`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None


def _tell(made: Terminal, answer: Receipted, kind: str, path: Path) -> None:
    name = "sequenced-again" if answer.again else "sequenced"
    made.show(made.word(name, index=answer.index, type=kind, time=civil(answer.at, OFFSET_MINUTES)))
    if answer.needs:
        made.show(made.word("still-needs", needs=answer.needs))
    made.show(made.word("receipt-at", path=path))
    told: dict[str, Any] = {
        "again": answer.again,
        "at": answer.at,
        "index": answer.index,
        "needs": answer.needs,
        "receipt": str(path),
        "type": kind,
    }
    made.give({"entry": told})
