"""`witness key`, `serve`, `show`, `audit`: what an office does that is a witness."""

import os
import socket
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.ending import until_told
from api.cli.options import JsonOption, LangOption
from api.cli.secrets_of import new_passphrase, open_witness_key
from api.cli.terminal import CliError, Exit, Terminal, terminal
from api.cli.verifying import tell_report, told_report
from api.witness.auditing import Audited, AuditingWitness
from api.witness.keys import new_witness_key
from api.witness.memory import WitnessMemory, note_in, replace
from api.witness.published import PublishedEntries, open_published
from ledger.checkpoint import parse_vkey
from ledger.cosignature import Algorithm, Cosigner

if TYPE_CHECKING:
    from starlette.applications import Starlette

key_app = typer.Typer(help="见证人的密钥 · a witness's keys", no_args_is_help=True)

StateOption = Annotated[
    Path, typer.Option("--state", metavar="FOLDER", help="见证记录所在的文件夹 · the folder of what was cosigned")
]
LogOption = Annotated[
    list[str], typer.Option("--log", metavar="VKEY", help="为哪些日志见证（公钥）· the logs, by their public keys")
]
KeysOption = Annotated[
    list[Path], typer.Option("--key", metavar="FILE", help="见证人的私钥文件 · the witness's key file(s)")
]


ListenOption = Annotated[
    str, typer.Option("--listen", metavar="HOST:PORT", help="监听地址，端口 0 任选 · the address; port 0 is any")
]


def _now_s() -> int:
    return int(time.time())


@key_app.command("new")
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="私钥文件 · the key file")],
    name: Annotated[str, typer.Option("--name", help="见证人名称，如 witness.example/discipline · the witness's name")],
    ml_dsa: Annotated[bool, typer.Option("--ml-dsa", help="ML-DSA-44，默认 Ed25519 · by default Ed25519")] = False,
    plain: Annotated[
        bool, typer.Option("--no-passphrase", help="不设口令，供无人值守的服务 · for an unattended service")
    ] = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """新建见证人的密钥：FILE 与 FILE.vkey · make a witness's key: FILE and FILE.vkey."""
    with terminal(lang, as_json) as made:
        algorithm = Algorithm.ML_DSA_44 if ml_dsa else Algorithm.ED25519
        key = new_witness_key(file, name, None if plain else new_passphrase(made), algorithm)
        made.show(made.word("witness-key", path=file), key.encode())
        made.give({"witness_key": {"file": str(file), "name": name, "vkey": key.encode()}})


def serve(
    state: StateOption,
    log: LogOption,
    key: KeysOption,
    listen: ListenOption = "127.0.0.1:8443",
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """运行见证服务（tlog-witness）· run a witness."""
    from api.witness import app as web  # noqa: PLC0415
    from api.witness import serving  # noqa: PLC0415
    from api.witness.witness import Witness  # noqa: PLC0415

    with terminal(lang, as_json) as made:
        cosigners = [open_witness_key(made, file) for file in key]
        logs = [parse_vkey(text) for text in log]
        with WitnessMemory(state, key[0]) as memory, serving.listen(listen) as listening:
            witness = Witness(memory, logs, cosigners, _now_s)
            _serve(made, listening, web.witness_app(witness.checkpoint, witness.add), cosigners)


def show(
    state: StateOption,
    listen: ListenOption = "127.0.0.1:8443",
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """只展示已会签的检查点，供核验见证人使用 · only show what was cosigned, for a witness that audits."""
    from api.witness import app as web  # noqa: PLC0415
    from api.witness import serving  # noqa: PLC0415

    with terminal(lang, as_json) as made, serving.listen(listen) as listening:
        _serve(made, listening, web.witness_app(partial(note_in, state), None), [])


def _serve(made: Terminal, listening: socket.socket, app: "Starlette", cosigners: Sequence[Cosigner]) -> None:
    """Serve until interrupted, and say first where and with which keys."""
    from api.witness import serving  # noqa: PLC0415

    url, vkeys = serving.url_of(listening), [one.key.encode() for one in cosigners]
    made.show(made.word("witness-serves", url=url), *vkeys)
    made.give({"witness": {"url": url, "vkeys": vkeys}})
    sys.stdout.flush()
    with until_told():
        serving.server_of(app).run(sockets=[listening])
    made.show(made.word("witness-ends"))


def audit(
    source: Annotated[
        str,
        typer.Argument(metavar="FOLDER|URL|EXPORT", help="供审计发布的账本 · the log as published for auditors"),
    ],
    state: StateOption,
    log: Annotated[str, typer.Option("--log", metavar="VKEY", help="创始日志公钥 · the log's founding public key")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="核验见证的私钥文件 · this witness's key file")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="把会签写到何处 · where to write the cosigned note")
    ] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """下载全部条目、重算重判，全部无误才会签 · audit all entries again, and only then cosign."""

    with terminal(lang, as_json) as made:
        founding, cosigner = parse_vkey(log), open_witness_key(made, key)
        made.origin = founding.name
        with WitnessMemory(state, key) as memory, open_published(source) as files:
            entries = PublishedEntries(files)
            with made.progress("verifying", entries.size) as advance:
                witness = AuditingWitness(memory, founding, cosigner, _now_s)
                done = witness.audit(entries, os.cpu_count() or 1, advance)
        _tell_audit(made, done, cosigner)
        if done.code == "OK" and out is not None:
            _write(out, done.note)
        if done.code != "OK":
            raise typer.Exit(Exit.CANNOT if done.code in _CANNOT else Exit.REFUSED)


_CANNOT = frozenset({"NOTHING_PUBLISHED", "ROLLBACK_DETECTED"})
"""Nothing was found wrong with what is published; it is too little, or older than what was cosigned."""


def _tell_audit(made: Terminal, done: Audited, cosigner: Cosigner) -> None:

    told = {
        "code": done.code,
        "known": done.known,
        "published": done.published,
        "size": done.size,
        "vkey": cosigner.key.encode(),
    }
    if made.as_json:
        made.give({"audit": told | {"note": done.note.decode(), "report": told_report(made, done.report)}})
        return
    tell_report(made, done.report)
    if done.code == "OK":
        made.show(made.word("audit-cosigned", size=done.size, published=done.published))
    else:
        made.show(f"{done.code}  {made.word('audit-not-cosigned', size=done.size, known=done.known)}")


def _write(path: Path, note: bytes) -> None:
    try:
        replace(path, note)
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None
