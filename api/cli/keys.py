"""`key`: make a key file, show its public part, prove possession of it for the enrolment."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.secrets_of import new_passphrase, open_key
from api.cli.terminal import CliError, Terminal, row, table, terminal
from api.cli.view import opened
from ledger.keyfile import write_key
from ledger.roll import possession_message
from ledger.signing import SigningKey, encode_base64, key_id

app = typer.Typer(help="密钥文件 · key files", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="私钥文件 · the key file")]


@app.command("new")
def new(file: FileArgument, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """新建私钥文件（PKCS#8，口令保护，0600）· make a key file under a passphrase."""
    with terminal(lang, as_json) as made:
        key = SigningKey.from_seed(secrets.token_bytes(32))
        write_key(file, key, new_passphrase(made))
        _tell(made, key, file)


@app.command("show")
def show(file: FileArgument, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """显示公钥与密钥编号（从不显示私钥）· the public key and the key's id, never the private key."""
    with terminal(lang, as_json) as made:
        _tell(made, open_key(made, file), file)


@app.command("enrol-proof")
def enrol_proof(
    file: FileArgument,
    person: Annotated[str, typer.Option("--person", help="本人编号 · the person's id")],
    challenge: Annotated[
        str, typer.Option("--challenge", help="登记员给出的随机数 · the registrar's challenge (64 hex)")
    ],
    programme: Annotated[
        str | None,
        typer.Option("--programme", help="章程编号，默认读账本 · id of the charter, by default the ledger's"),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """签署登记所需的持有证明 · sign the proof of possession that an enrolment embeds."""
    with terminal(lang, as_json) as made:
        if len(challenge) != 64 or not set(challenge) <= set("0123456789abcdef"):
            raise CliError("CHALLENGE_INVALID")
        key = open_key(made, file)
        charter = programme or _charter_of(made, home)
        public = key_id(key.public)
        proof = encode_base64(key.sign(possession_message(charter, person, public, challenge)))
        value = {
            "algorithm": "ed25519",
            "challenge": challenge,
            "member": person,
            "programme": charter,
            "proof": proof,
            "public_key": encode_base64(key.public),
        }
        made.show(*(f"{name}  {member}" for name, member in value.items()))
        made.give({"enrolment": value})


def _charter_of(made: Terminal, home: Path) -> str:
    with opened(made, home) as view:
        if view.state.sealed is None:
            raise CliError("NO_CHARTER", path=str(home))
        return view.state.charter.id


def _tell(made: Terminal, key: SigningKey, file: Path) -> None:
    shown = table(made.word("field"), made.word("value"))
    shown.add_row(*row(made.word("file"), file))
    shown.add_row(*row(made.word("key-id"), key_id(key.public)))
    shown.add_row(*row(made.word("public-key"), encode_base64(key.public)))
    made.show(shown)
    made.give({"key": {"file": str(file), "id": key_id(key.public), "public_key": encode_base64(key.public)}})
