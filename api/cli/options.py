"""The options that commands share. Every help text is in both languages, because help is read before one is chosen."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

DEFAULT_HOME = Path("ballot-ledger-data")
PASSPHRASE_VARIABLE = "BALLOT_LEDGER_PASSPHRASE"

HomeOption: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="BALLOT_LEDGER_HOME",
        help="账本文件夹 · the ledger's folder",
        show_envvar=True,
        metavar="FOLDER",
    ),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="只输出 JSON · JSON and nothing else on stdout")]
LangOption: TypeAlias = Annotated[
    str | None, typer.Option("--lang", help="zh 或 en，默认依环境，否则 zh · default from the environment, else zh")
]
AtOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="INDEX|TIME",
        help="当时所知 · as known then: up to this entry or civil time (2022-10-24, 2022-10-24T17:00)",
    ),
]
KeyOption: TypeAlias = Annotated[
    Path, typer.Option("--key", metavar="FILE", help="签名人的私钥文件 · the signer's key file")
]
