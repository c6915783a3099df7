"""`object`, `objection-progress`, `objection-withdraw`: objecting without a key; `evidence announce`: sealed to whom.

The progress code is written to a file before anything is sent: whoever loses it cannot ask any more, and nobody can
give it back. Where the text goes is proven by the log's own key, which is given and not asked of the server.
"""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from api.as_of import moment
from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, KeyOption, LangOption
from api.cli.sealing import read_text
from api.cli.secrets_of import open_key
from api.cli.submitting import NowOption
from api.cli.submitting_there import FOLDER, OFFSET_MINUTES, keep_refusal, write_file
from api.cli.terminal import CliError, Exit, Terminal, terminal
from api.cli.view import civil, opened
from api.client import Declined
from api.objecting import Code, Objecting, reply_of
from ledger.checkpoint import parse_vkey
from ledger.evidence_files import name_draft, write_draft
from ledger.sealing import SealTo
from ledger.sealing_keys import FILE, announce, verify_by_roll
from ledger.signing import strict_b64decode

Server = Annotated[str, typer.Option("--server", metavar="URL", help="服务地址 · the service")]
Vkey = Annotated[str, typer.Option("--vkey", metavar="VKEY", help="另行得知的日志公钥 · the log's public key")]
CodeFile = Annotated[
    Path, typer.Option("--code-file", metavar="FILE", help="进度码文件，务必自存 · where the progress code is kept")
]
Office = Annotated[
    str | None, typer.Option("--office", metavar="BASE64", help="另行得知的纪检密封公钥 · its sealing key, if known")
]
Recovery = Annotated[
    str | None, typer.Option("--recovery", metavar="BASE64", help="另行得知的备用公钥 · the recovery key, if known")
]


def object_(  # noqa: PLR0913, PLR0917
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="异议全文 · what you object, in writing")],
    server: Server,
    vkey: Vkey,
    code_file: CodeFile,
    against: Annotated[list[str], typer.Option("--against", metavar="ID", help="被异议人编号 · whom it is about")],
    notice: Annotated[str | None, typer.Option("--notice", metavar="ID", help="公示编号 · the notice")] = None,
    office: Office = None,
    recovery: Recovery = None,
    now: NowOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """不用密钥提出异议：密封、提交、取得编号和回执 · object without a key of your own."""
    with terminal(lang, as_json) as made:
        key, code, text = parse_vkey(vkey), Code.new(), read_text(file)
        made.origin = key.name
        at = moment(now, OFFSET_MINUTES) if now else None
        with Objecting(server, [key]) as client:
            form = client.objection_form(notice, _trusted(office, recovery))
            _keep(code_file, code)
            filed = client.object(code, form, against, text, at)
        if isinstance(filed, Declined):
            made.refused(filed.refusal, keep_refusal(filed, None))
            raise typer.Exit(Exit.REFUSED)
        path = FOLDER / f"{filed.receipt.index}.tlog-proof"
        write_file(path, filed.receipt.receipt)
        write_file(path.with_suffix(".entry"), filed.receipt.entry)
        told: dict[str, Any] = {
            "at": filed.receipt.at,
            "code_file": str(code_file),
            "index": filed.receipt.index,
            "number": filed.number,
            "objection": filed.objection,
            "receipt": str(path),
        }
        made.show(made.word("objection-filed", number=filed.number, time=civil(filed.receipt.at, OFFSET_MINUTES)))
        made.show(made.word("progress-code-at", path=code_file), made.word("receipt-at", path=path))
        made.give({"objection": told})


def _trusted(office: str | None, recovery: str | None) -> SealTo | None:
    if (office is None) != (recovery is None):
        raise CliError("SEALING_KEY_INVALID")
    if office is None or recovery is None:
        return None
    return SealTo(strict_b64decode(office, "office"), strict_b64decode(recovery, "recovery"))


def _keep(path: Path, code: Code) -> None:
    """Write the code to a new file that its owner alone reads."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(code.spelled() + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None


def progress(
    server: Server,
    code_file: CodeFile,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="答复写到何处 · where a reply goes")] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """凭进度码查询异议进度和答复 · how an objection goes on, and the reasoned reply, by its code."""
    with terminal(lang, as_json) as made:
        code = _read(code_file)
        with Objecting(server) as client:
            told = client.progress(code)
            reply = reply_of(code, told, str(client.read("/v1/forms/objection.received")["header"]["programme"]))
        _tell(made, told)
        if reply is not None and out is not None:
            write_file(out, reply)
            made.show(made.word("written-to", path=out))
        elif reply is not None:
            made.show(reply.decode("utf-8", "replace"))
        shown = {name: value for name, value in told.items() if name != "reply"}
        made.give({"progress": shown | {"reply": reply.decode("utf-8", "replace") if reply is not None else None}})


def _read(path: Path) -> Code:
    try:
        return Code.parse(path.read_text("ascii"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "-"
        raise CliError("FILE_UNREADABLE", path=str(path), reason=reason) from None


def withdraw(
    server: Server,
    vkey: Vkey,
    code_file: CodeFile,
    now: NowOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """凭进度码撤回异议；撤回会被登记，纪检机构仍可继续 · withdraw an objection by its code."""
    with terminal(lang, as_json) as made:
        key, code = parse_vkey(vkey), _read(code_file)
        made.origin = key.name
        with Objecting(server, [key]) as client:
            given = client.withdraw(code, moment(now, OFFSET_MINUTES) if now else None)
        if isinstance(given, Declined):
            made.refused(given.refusal, keep_refusal(given, None))
            raise typer.Exit(Exit.REFUSED)
        path = FOLDER / f"{given.index}.tlog-proof"
        write_file(path, given.receipt)
        write_file(path.with_suffix(".entry"), given.entry)
        facts = {"index": given.index, "type": "objection.withdrawn", "time": civil(given.at, OFFSET_MINUTES)}
        made.show(made.word("sequenced", **facts), made.word("receipt-at", path=path))
        made.give({"withdrawn": {"at": given.at, "index": given.index, "receipt": str(path)}})


def _tell(made: Terminal, told: dict[str, Any]) -> None:
    status = made.word(f"progress-{told.get('status')}")
    made.show(made.word("objection-stands", number=told.get("number"), status=status))


def announce_(
    office: Annotated[str, typer.Option("--office", metavar="BASE64", help="纪检机构的密封公钥 · its public key")],
    recovery: Annotated[str, typer.Option("--recovery", metavar="BASE64", help="备用密封公钥 · the recovery key")],
    key: KeyOption,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """纪检机构签名公布密封公钥，供不用密钥的异议使用 · announce the sealing keys, signed by discipline."""
    with terminal(lang, as_json) as made, opened(made, home) as view:
        if view.state.sealed is None:
            raise CliError("NO_CHARTER", path=str(home))
        to = SealTo(strict_b64decode(office, "office"), strict_b64decode(recovery, "recovery"))
        keys = announce(to, view.state.charter.id, open_key(made, key))
        verify_by_roll(keys, view.state.roll, view.state.charter.id)
        path = view.home.folder / FILE
        name_draft(write_draft(view.home.folder, [keys.encode()]), path)
        made.show(made.word("sealing-keys-announced", path=path))
        made.give({"sealing_keys": keys.plain() | {"file": str(path)}})
