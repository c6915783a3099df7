"""`demo`: a whole contested selection in one go, told stage by stage, then disputed, replayed and verified."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from api.cli.demo_ending import tell_ending
from api.cli.demo_telling import Telling
from api.cli.options import JsonOption, LangOption
from api.cli.people import write_cast
from api.cli.terminal import Exit, Terminal, terminal
from api.rehearsal.demo import ORIGIN, SEED, clear, played
from ledger.errors import StoreError

DEFAULT_FOLDER = Path("ballot-ledger-demo")


def demo(
    folder: Annotated[
        Path | None, typer.Option("--folder", "--home", metavar="FOLDER", help="放在何处 · where the rehearsal goes")
    ] = None,
    seed: Annotated[
        str, typer.Option("--seed", help="同一种子得到同样的条目 · the same seed, the same entries")
    ] = SEED,
    sealed_from: Annotated[
        Path | None,
        typer.Option("--sealed-from", metavar="FOLDER", help="沿用先前演练的密封件 · an earlier one's ciphertexts"),
    ] = None,
    over_http: Annotated[
        bool,
        typer.Option("--over-http", help="全程经本机 HTTP 服务进行 · all of it through a service over HTTP"),
    ] = False,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="与 --over-http 同用：工作进程数 · worker processes")
    ] = 1,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """演练一次完整的选树，再质疑、重放、核验 · rehearse a whole contested selection, dispute it, verify it."""
    with terminal(lang, as_json) as made:
        made.origin, made.rehearsal = ORIGIN, True
        place = _make_way(made, folder)
        made.show(made.word("demo-intro", path=place, seed=seed))
        telling = Telling(made)
        with played(place, seed, telling.begin, sealed_from, workers if over_http else 0) as done:
            write_cast(place, seed, done.people)
            told = tell_ending(made, done)
        made.give({"beats": telling.values(), "folder": str(place), "seed": seed} | told)
        if not told["verified"]["clean"] or told["served_hash"] not in (None, told["results_hash"]):
            raise typer.Exit(Exit.REFUSED)


def _make_way(made: Terminal, folder: Path | None) -> Path:
    """Empty the folder; the default one is moved where the database's account can reach it, if it must be."""
    chosen = folder or DEFAULT_FOLDER
    try:
        clear(chosen)
    except StoreError as error:
        if folder is not None or error.code != "STORE_FOLDER_UNUSABLE":
            raise
        chosen = Path(tempfile.gettempdir()) / DEFAULT_FOLDER
        clear(chosen)
        made.show(made.word("demo-elsewhere", path=chosen, reason=error.facts.get("reason", "-")))
    return chosen
