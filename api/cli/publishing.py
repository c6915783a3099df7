"""`publish`: the log as a static folder that any web server or CDN can serve."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import terminal
from api.cli.view import published_size
from api.witness.collected import Collected
from ledger.opening import open_store, read_home
from projections.disclosure import Audience
from projections.publishing import publish as publish_log


def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="发布到的文件夹 · the folder to publish into")],
    audience: Annotated[
        Audience, typer.Option("--audience", help="面向公众或审计 · for the public, or for auditors")
    ] = Audience.PUBLIC,
    prune: Annotated[
        bool, typer.Option("--prune", help="删去已有整片的残片 · drop partial tiles whose full tile is there")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """发布为静态文件夹（tlog-tiles），只写新增 · publish as a static folder; only what is new is written."""
    with terminal(lang, as_json) as made:
        found = read_home(home)
        made.origin = found.origin
        with open_store(found) as store, made.progress("reading", published_size(found, store)) as advance:
            cosigned = Collected(found.folder).note
            done = publish_log(store, folder, found.origin, audience, advance, cosigned=cosigned, prune=prune)
        made.rehearsal = done.rehearsal
        made.show(
            made.word("published-in", folder=folder, size=done.size, written=done.written),
            *([made.word("published-withheld", shown=done.shown)] if done.shown < done.size else []),
        )
        told = {"audience": audience.value, "folder": str(folder), "size": done.size}
        made.give({"published": told | {"shown": done.shown, "written": done.written}})
