"""`check-page`: is the page of a public vote the one that was recorded when the poll opened (dispute F11)?

Exit code 0 if it is, 1 if it is another: then a finding is written, to be signed.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from api.cli.options import JsonOption, LangOption
from api.cli.terminal import CliError, Exit, terminal
from api.client import SECONDS, Client
from ledger.checkpoint import parse_vkey
from ledger.errors import StoreError, VerificationError
from ledger.statements.poll import PollOpened
from projections.poll_page import CODE, digest, page_finding, turn_of

_MOST = 16 << 20


def check_page(
    poll: Annotated[str, typer.Argument(metavar="POLL", help="投票编号 · the poll")],
    server: Annotated[str, typer.Option("--server", metavar="URL", help="服务地址 · the service")],
    vkey: Annotated[list[str], typer.Option("--vkey", metavar="VKEY", help="另行得知的日志公钥 · the log's keys")],
    page: Annotated[
        str | None, typer.Option("--page", help="页面文件或网址，缺省为服务所示 · file or URL, else the service's own")
    ] = None,
    statement: Annotated[
        Path, typer.Option("--statement", metavar="FILE", help="待签署的发现声明 · the finding, to be signed")
    ] = Path("finding.json"),
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """核对公众投票页面与入账快照 · hold the page of a public vote against the one on record."""
    with terminal(lang, as_json) as made:
        keys = [parse_vkey(text) for text in vkey]
        made.origin = keys[-1].name
        with Client(server, keys) as client:
            told = client.read(f"/v1/polls/{poll}/page")["page"]
            opened = _opened(client, poll, told.get("opened"))
        fair = turn_of(opened.candidates, opened.list_hash, told.get("candidates") or ()) is not None
        served = digest(str(told.get("snapshot")).encode() if page is None else _fetch(page))
        same = served == opened.page and (fair or page is not None)
        made.show(made.word("page-same" if same else "page-changed", poll=poll, served=served, recorded=opened.page))
        answer: dict[str, Any] = {"fair_order": fair, "poll": poll, "recorded": opened.page, "served": served}
        if not same:
            _write(statement, page_finding(poll, int(told["opened"]), opened.page, served))
            made.show(made.sentence(CODE, {}, "findings"), made.word("finding-to-sign", path=statement))
            answer["finding"] = {"code": CODE, "file": str(statement), "severity": "breach"}
        made.give({"page": answer | {"same": same}})
        if not same:
            raise typer.Exit(Exit.REFUSED)


def _opened(client: Client, poll: str, index: Any) -> PollOpened:
    """Return the opening of the poll as the log proves it, whatever the service tells of it."""
    act = client.proven(index) if type(index) is int else None
    if act is None or not isinstance(act.body, PollOpened) or act.body.poll != poll:
        raise VerificationError("SERVER_ANSWER_INVALID", where="opened")
    body: PollOpened = act.body
    return body


def _fetch(page: str) -> bytes:
    """Return the bytes of a page, from a file or the web."""
    try:
        if not page.startswith(("http://", "https://")):
            return Path(page).read_bytes()
        answer = httpx.get(page, timeout=SECONDS, follow_redirects=True)
    except OSError as error:
        raise CliError("FILE_UNREADABLE", path=page, reason=error.strerror or "-") from None
    except httpx.HTTPError:
        raise StoreError("SERVER_UNREACHABLE") from None
    if not answer.is_success or len(answer.content) > _MOST:
        raise StoreError("SERVER_UNREACHABLE")
    return answer.content


def _write(path: Path, statement: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(statement, ensure_ascii=False, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None
