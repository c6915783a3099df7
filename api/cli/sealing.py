"""`evidence sealing-key`, `seal` and `open`: objections sealed to the discipline office, and opened only on the record.

Opening is an entry with its reason, signed by discipline; nothing is decrypted before that entry is published, and each
opening is an entry of its own.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli.evidence import write_checked
from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, KeyOption, LangOption
from api.cli.secrets_of import new_passphrase, open_sealing_key
from api.cli.signing_desk import signing_desk
from api.cli.submitting import NowOption
from api.cli.terminal import CliError, terminal
from api.cli.view import opened
from ledger.evidence_media import SEALED
from ledger.evidence_opening import open_evidence
from ledger.keyfile import write_sealing_key
from ledger.sealing import SealContext, SealTo, new_sealing_key
from ledger.sealing import seal as seal_text
from ledger.signing import encode_base64, strict_b64decode
from ledger.statements.notices import SealOpened
from ledger.unsealing import open_on_record

MOST_SEALED = 8 * 1024 * 1024


def sealing_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="私钥文件 · the key file")],
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """新建密封用的密钥，显示其公钥 · make a key that texts are sealed to; its public part is shown."""
    with terminal(lang, as_json) as made:
        private, public = new_sealing_key()
        write_sealing_key(file, private, new_passphrase(made))
        made.show(made.word("sealing-key", path=file, public=encode_base64(public)))
        made.give({"sealing_key": {"file": str(file), "public_key": encode_base64(public)}})


def seal(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="异议全文 · what the objector wrote")],
    objection: Annotated[str, typer.Option("--objection", metavar="ID", help="异议编号 · id of the objection")],
    office: Annotated[
        str, typer.Option("--office", metavar="BASE64", help="纪检机构的密封公钥 · the discipline office's public key")
    ],
    recovery: Annotated[
        str, typer.Option("--recovery", metavar="BASE64", help="备用密封公钥 · the recovery public key")
    ],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """密封异议并存入卷中，返回摘要 · seal an objection's text and put the ciphertext on file."""
    with terminal(lang, as_json) as made, opened(made, home) as view:
        if view.state.sealed is None:
            raise CliError("NO_CHARTER", path=str(home))
        to = SealTo(strict_b64decode(office, "office"), strict_b64decode(recovery, "recovery"))
        sealed = seal_text(to, read_text(file), SealContext(view.state.charter.id, objection))
        digest = open_evidence(view.home, view.store).put(sealed, "personal", SEALED)
        made.show(made.word("evidence-filed", digest=digest, size=len(sealed)))
        view.give({"evidence": {"digest": digest, "objection": objection, "size": len(sealed)}})


def read_text(file: str) -> bytes:
    """Return what an objector wrote. Raises `CliError` `FILE_UNREADABLE`, `EVIDENCE_TOO_LARGE`."""
    try:
        if file == "-":
            data = sys.stdin.buffer.read(MOST_SEALED + 1)
        else:
            with Path(file).open("rb") as source:
                data = source.read(MOST_SEALED + 1)
    except OSError as error:
        raise CliError("FILE_UNREADABLE", path=file, reason=error.strerror or "-") from None
    if len(data) > MOST_SEALED:
        raise CliError("EVIDENCE_TOO_LARGE", bytes=len(data), limit=MOST_SEALED)
    return data


def open_(  # noqa: PLR0913, PLR0917
    objection: Annotated[str, typer.Argument(metavar="OBJECTION", help="异议编号 · id of the objection")],
    key: KeyOption,
    sealing_key_file: Annotated[
        Path, typer.Option("--sealing-key", metavar="FILE", help="密封私钥文件 · the sealing key's file")
    ],
    reason: Annotated[str, typer.Option("--reason", help="启封的理由 · why it is opened")],
    out: Annotated[str, typer.Option("--out", metavar="FILE|-", help="写到何处 · where the text goes")],
    now: NowOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """登记启封及理由，然后解密 · open a seal: the entry with its reason first, then the text."""
    with terminal(lang, as_json) as made, signing_desk(made, home) as desk:
        private = open_sealing_key(made, sealing_key_file)
        known = desk.state.notices.objections.by_id.get(objection)
        if known is None:
            raise CliError("UNKNOWN_OBJECTION", objection=objection[:96])
        body = desk.body(SealOpened, {"reason": reason, "sealed": known.sealed})
        entry = desk.submit(body, key, now).act.index
        evidence = open_evidence(desk.home, desk.store)
        text = open_on_record(desk.state, evidence, objection, entry, private)
        write_checked(iter((text,)), out)
        if out != "-":
            made.show(made.word("seal-opened", index=entry, path=out))
            made.give({"opened": {"entry": entry, "file": out, "objection": objection}})
