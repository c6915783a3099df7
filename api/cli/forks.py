"""`fork`: evidence that the log contradicted itself, checked with nothing but its public key.

Exit code 1 if a fork is proven, 2 if a file proves none, 0 if there is no such file in the ledger's folder.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, Exit, Terminal, terminal
from api.cli.view import read_acts
from ledger.checkpoint import parse_vkey
from ledger.forks import verify_fork
from ledger.log_keys import LogKeys
from ledger.opening import Home, founding_key, open_store, read_home
from ledger.selection import Selection


def fork(
    path: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="证据文件，缺省为账本内全部 · default: all of the ledger's")
    ] = None,
    vkey: Annotated[
        str | None, typer.Option("--vkey", help="从别处得知的日志公钥 · the log's public key as known from elsewhere")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """核验账本分叉的证据 · check evidence that the log showed two histories."""
    with terminal(lang, as_json) as made:
        paths = [path] if path is not None else sorted(read_home(home).attest.glob("fork-*.json"))
        keys = LogKeys.of(parse_vkey(vkey)) if vkey is not None else _keys(made, read_home(home)) if paths else None
        forks = [_told(made, one, keys) for one in paths if keys is not None]
        if not forks:
            made.show(made.word("no-fork"))
        made.give({"forks": forks})
        if forks:
            raise typer.Exit(Exit.REFUSED)


def _keys(made: Terminal, home: Home) -> LogKeys:
    """Return the log's keys as its own entries state them."""
    state = Selection()
    with open_store(home) as store:
        for act in read_acts(made, store, store.size()):
            state.apply(act)
    return state.log.known_keys or LogKeys.of(founding_key(home))


def _told(made: Terminal, path: Path, keys: LogKeys) -> dict[str, Any]:
    try:
        found = verify_fork(path.read_bytes(), keys)
    except OSError as error:
        raise CliError("FILE_UNREADABLE", path=str(path), reason=error.strerror or "-") from None
    made.show(f"{path}  {found.code}  {made.sentence(found.code, {}, 'findings')}")
    for one in (found.seen, found.own):
        made.show(f"    {one.size}  {one.root.hex()}")
    return {
        "code": found.code,
        "file": str(path),
        "own": {"root": found.own.root.hex(), "size": found.own.size},
        "seen": {"root": found.seen.root.hex(), "size": found.seen.size},
    }
