"""`log-key`: a further key for the log, and the statement with which two sponsors bring it into force."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import Terminal, row, table, terminal
from api.cli.view import read_acts
from ledger.checkpoint import VerifierKey
from ledger.keyfile import write_key
from ledger.log_keys import LogKeys, possession
from ledger.opening import Home, founding_key, open_keyring, open_store, read_home
from ledger.selection import Selection
from ledger.signing import SigningKey, encode_base64

app = typer.Typer(help="日志密钥及其更换 · the log's key and its rotation", no_args_is_help=True)


@app.command()
def new(
    reason: Annotated[str, typer.Option("--reason", help="事由，写入声明 · the reason, for the statement")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """生成下一把日志密钥，并写出待两个主办部门签署的声明 · make the next key, and the statement to be signed."""
    with terminal(lang, as_json) as made, _keys(made, home) as (found, keys):
        key = SigningKey.from_seed(secrets.token_bytes(32))
        public = VerifierKey(found.origin, key.public)
        path = found.next_log_key(public)
        write_key(path, key, None)
        proof = encode_base64(key.sign(possession(keys.newest, public)))
        body = {"log_key": public.encode(), "possession": proof, "reason": reason}
        statement = path.with_suffix(".json")
        told = {"body": body, "kind": "log_key.rotated"}
        statement.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
        made.show(made.word("log-key-made", path=path), f"    {public.encode()}")
        made.show(made.word("log-key-sign", path=statement))
        made.give({"log_key": told | {"file": str(path), "statement": str(statement)}})


@app.command()
def show(
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """日志的各把公钥、各自签发的范围、本机是否持有私钥 · the log's keys, what each signs, and which are held here."""
    with terminal(lang, as_json) as made, _keys(made, home) as (found, keys):
        ring = open_keyring(found)
        told = [{"held": ring.holds(term.key), "since": term.since, "vkey": term.key.encode()} for term in keys.terms]
        shown = table(made.word("log-key"), made.word("log-key-since"), made.word("log-key-held"))
        for one in told:
            shown.add_row(*row(one["vkey"], one["since"], made.word("yes" if one["held"] else "no")))
        made.show(shown)
        made.give({"log_keys": told})


@contextmanager
def _keys(made: Terminal, folder: HomeOption) -> Iterator[tuple[Home, LogKeys]]:
    found = read_home(folder)
    made.origin, state = found.origin, Selection()
    with open_store(found) as store:
        for act in read_acts(made, store, store.size()):
            state.apply(act)
    yield found, state.log.known_keys or LogKeys.of(founding_key(found))
